package service

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"vigie"
	"vigie/freetext"
	"vigie/lexicon"
	"vigie/opaque"
	"vigie/query"
	"vigie/search"
	"vigie/store"
)

// TenderQuery asks for a page of tenders.
type TenderQuery struct {
	// Matching keeps to the tenders that one of Watches matches, or of those that
	// [TenderPlan.Of] says later; without watches, none. They are online unless the
	// filter says statuses.
	Matching bool
	// Account is whose marks Seen, Dismissed and Interested are about, 0 for nobody's. What it
	// dismissed is left out of matching tenders, unless Dismissed says otherwise.
	Account                     int64
	Seen, Dismissed, Interested MarkFilter
	Watches                     *Watching
	Filter                      search.Filter // codes as people write them
	// MinValue and MaxValue bound the value, in euros as people write it; "" for no bound.
	MinValue, MaxValue string
	Text               string // free text; "" for none
	Complete           bool   // whether it is still being typed
	// Order is by relevance for a Text, else the newest first, unless said.
	Order search.Order
	Page  PageArgs
	// CountOnly asks for the total alone, HeadsOnly for tenders without descriptions, labels, lots and details, WithBuyers
	// for [TenderPage.Buyers].
	CountOnly, HeadsOnly, WithBuyers bool
	Facets                           []query.Field
	// ByStatus counts by status, ByWatch by these watches; nil for none.
	ByStatus bool
	ByWatch  *Watching
}

// TenderPage is a page of tenders.
type TenderPage struct {
	Edges    []*TenderEdge
	PageInfo PageInfo
	// TotalCount is exact; PageCount counts the numbered pages within the
	// first [vigie.MaxOffset] rows.
	TotalCount int
	PageCount  int
	Facets     *TenderFacets
	// Corrected is the text with its typing errors corrected, nil where none were forgiven.
	Corrected *string
	// Places are those that the text names.
	Places []freetext.Place
	// Buyers has those of the tenders, by id, where they were asked for.
	Buyers map[int64]*vigie.Buyer
}

// Forgiven reports whether typing errors were forgiven: some of the tenders have the words of Corrected only.
func (p *TenderPage) Forgiven() bool { return p.Corrected != nil }

// TenderFacets are the counts that a query asked for, by facet and value.
type TenderFacets struct {
	Counts map[query.Field]map[string]int
	// selected are the values that the query's filter names.
	selected query.Values
	// ByStatus and ByWatch are nil where they were not asked for.
	ByStatus map[vigie.TenderStatus]int
	ByWatch  map[*vigie.Watch]int
}

// TopBuyers returns the n buyers with most tenders; of those with as many as
// the last of them, the ones known longest. To go by names there would take
// those of all buyers, thousands at times. Those that the filter names are among
// them in any case.
func (f *TenderFacets) TopBuyers(n int) []int64 {
	counts := byBuyer(f.Counts)
	ids := slices.SortedFunc(maps.Keys(counts), func(a, b int64) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	top := ids[:min(n, len(ids))]
	for _, value := range f.selected[query.Buyer] {
		if _, id, ok := vigie.ParseGlobalID(value); ok && !slices.Contains(top, id) {
			top = append(top, id)
		}
	}
	return top
}

// Nodes returns the tenders of the page.
func (p *TenderPage) Nodes() []*vigie.Tender {
	nodes := make([]*vigie.Tender, len(p.Edges))
	for i, edge := range p.Edges {
		nodes[i] = edge.Node
	}
	return nodes
}

// TenderEdge is a tender in a list.
type TenderEdge struct {
	*rowPlace
	Node     *vigie.Tender
	found    []freetext.Search    // what its page was asked for
	watching *Watching            // what its page is of; nil for none
	matches  func() []*WatchMatch // worked out when it is first asked
}

// Highlights are the passages of title and description that have what was searched.
func (e *TenderEdge) Highlights() []search.Highlight { return highlights(e.Node, nil, e.found) }

// WatchMatch is that a watch matches a tender, and by which of its keywords.
type WatchMatch struct {
	Watch    *vigie.Watch
	Keywords []string
	located  *located // see [WatchMatch.Places]; nil where that was not asked for yet
}

// MatchedBy says which of the watches asked for the tender matches.
func (e *TenderEdge) MatchedBy() []*WatchMatch { return e.matches() }

// Marked are the passages of title and description that have one of the
// keywords by which the tender matches, or what was searched.
func (e *TenderEdge) Marked() []search.Highlight {
	var keywords []string
	for _, match := range e.MatchedBy() {
		keywords = append(keywords, match.Keywords...)
	}
	return highlights(e.Node, keywords, e.found)
}

// Watching is watches with what they look for, which several queries of an
// operation can share.
type Watching struct {
	watches []*vigie.Watch
	set     *query.Set
}

// NewWatching compiles watches.
func NewWatching(watches ...*vigie.Watch) *Watching {
	criteria := make([]vigie.Criteria, len(watches))
	for i, w := range watches {
		criteria[i] = w.Criteria
	}
	return &Watching{watches, query.NewSet(criteria)}
}

// matches says which of the watches match a tender.
func (w *Watching) matches(t *vigie.Tender) []*WatchMatch {
	facts, _ := query.FactsOf(t)
	var matches []*WatchMatch
	w.set.Match(facts, func(place int, keywords []string) {
		matches = append(matches, &WatchMatch{Watch: w.watches[place], Keywords: keywords})
	})
	return Locate(t, matches)
}

// MatchedBy says, by tender, which active watches of an account match it.
func (s *Service) MatchedBy(ctx context.Context, account *vigie.Account, tenders []*vigie.Tender) (map[*vigie.Tender][]*WatchMatch, error) {
	watches, err := s.WatchesFor(ctx, account, nil, false)
	if err != nil {
		return nil, err
	}
	watching := NewWatching(watches...)
	matches := make(map[*vigie.Tender][]*WatchMatch, len(tenders))
	for _, t := range tenders {
		matches[t] = watching.matches(t)
	}
	return matches, nil
}

// TenderPlan is a query that was checked and worded for the index.
type TenderPlan struct {
	marks markFilters
	// marked are lists that were read ahead, see [Service.WatchesFor].
	marked   map[store.MarkedList][]int64
	watching *Watching
	heads    bool
	buyers   bool
	byStatus bool
	byWatch  *Watching
	window   window
	query    search.Query
	ids      *opaque.Keys
}

// Plan checks a query, so that what is wrong with it is known before it is
// asked together with others.
func (s *Service) Plan(q TenderQuery) (*TenderPlan, error) {
	var err error
	if q.Text, err = searchText(q.Text); err != nil {
		return nil, err
	}
	if q.Filter, err = checkFilter(q.Filter, q.MinValue, q.MaxValue); err != nil {
		return nil, err
	}
	if q.Order == "" {
		q.Order = search.PublishedDesc
		if q.Text != "" {
			q.Order = search.Relevance
		}
	}
	w, err := q.Page.window(20)
	if err != nil {
		return nil, err
	}
	p := &TenderPlan{heads: q.HeadsOnly, buyers: q.WithBuyers, byStatus: q.ByStatus, window: w, ids: s.Store.IDs(), query: search.Query{
		Filter: q.Filter, Text: q.Text, Complete: q.Complete, Order: q.Order, Facets: q.Facets, Now: s.now(),
		Limit: w.size + 1, // the row after the page shows whether there is a next one
	}}
	p.marks = markFilters{q.Account, q.Seen, q.Dismissed, q.Interested}
	if q.Matching {
		p.marks.dismissed = cmp.Or(q.Dismissed, HideMarked)
		if len(q.Filter.Statuses) == 0 {
			p.query.Filter.Statuses = []vigie.TenderStatus{vigie.StatusOnline}
		}
		p.query.Any = []query.Formula{}
	}
	if q.Watches != nil {
		p.Of(q.Watches, q.ByWatch)
	}
	if q.CountOnly {
		p.query.Limit = 0
	}
	if err := p.place(); err != nil {
		return nil, err
	}
	return p, nil
}

// Of has the plan list what watches match, and count by some; nil for none. It is
// for watches that were not known when the plan was made.
func (p *TenderPlan) Of(watches, counted *Watching) {
	p.watching, p.byWatch, p.query.Any = watches, counted, watches.set.Formulas
}

// searchText checks what was typed in a box of free text.
func searchText(text string) (string, error) {
	text = clean(text)
	if lexicon.Length(text) > vigie.MaxSearchLength {
		return "", &vigie.Error{Code: vigie.TooLong, Field: []string{"search"}, Text: vigie.Text{
			FR: "Cette recherche est trop longue : %d caractères au plus.",
			EN: "This search is too long: %d characters at most.",
		}.With(vigie.MaxSearchLength), Limit: &vigie.Limit{Name: "search", Requested: lexicon.Length(text), Maximum: vigie.MaxSearchLength}}
	}
	return text, nil
}

// place says at which rows the page is.
func (p *TenderPlan) place() error {
	w, order := p.window, p.query.Order
	if order == search.Relevance {
		if p.query.Text == "" {
			return badRequest(vigie.Same("The order RELEVANCE needs a search by words. Give “search”, or choose another order."), "orderBy")
		}
		if w.backwards {
			return badRequest(vigie.Same("The order RELEVANCE cannot be paged backwards. Use “first” or “page”."), w.argument)
		}
	}
	switch {
	case w.cursor != "":
		c, err := parseCursor(p.ids, w.cursor, string(order), w.argument)
		if err != nil {
			return err
		}
		p.query.Now = time.Unix(c.Now, 0).UTC()
		switch {
		case order == search.Relevance:
			p.query.Offset = int(min(c.ID, vigie.MaxOffset)) // the row's place in the list
		case w.backwards:
			p.query.Before = c.key()
		default:
			p.query.After = c.key()
		}
	case w.backwards:
		p.query.FromEnd = true
	case w.page > 0:
		p.query.Offset = (w.page - 1) * w.size
	}
	if p.query.Offset+w.size > vigie.MaxOffset {
		// No rows lie there; the totals are still asked for.
		p.query.Offset, p.query.Limit = 0, 0
	}
	return p.query.Check()
}

// Tenders answers a query.
func (s *Service) Tenders(ctx context.Context, plan *TenderPlan) (*TenderPage, error) {
	pages, err := s.TenderPages(ctx, []*TenderPlan{plan})
	if err != nil {
		return nil, err
	}
	return pages[0], nil
}

// maxAtoms is how many words and codes the watches of one operation may ask for:
// a watch asks for some five to fifty.
const maxAtoms = 10_000

// TenderPages answers queries, in their order, with one call of the search
// engine and one of the database.
func (s *Service) TenderPages(ctx context.Context, plans []*TenderPlan) ([]*TenderPage, error) {
	searches, groups, err := s.prepare(ctx, plans)
	if err != nil {
		return nil, err
	}
	results, err := s.search(ctx, searches, groups...)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, result := range results {
		for _, hit := range result.Hits {
			ids = append(ids, hit.ID)
		}
	}
	tenders, buyers, err := s.listed(ctx, plans, ids)
	if err != nil {
		return nil, err
	}
	pages := make([]*TenderPage, len(plans))
	for i, p := range plans {
		n := groups[i]
		pages[i] = p.page(searches[0], results[:n], tenders)
		pages[i].Facets.choose(searches[0])
		pages[i].Buyers = buyers
		searches, results = searches[n:], results[n:]
	}
	return pages, nil
}

// listed reads the tenders that plans list, with their buyers where one of the plans asks for these.
func (s *Service) listed(ctx context.Context, plans []*TenderPlan, ids []int64) (tenders map[int64]*vigie.Tender, buyers map[int64]*vigie.Buyer, err error) {
	heads, withBuyers := true, false
	for _, p := range plans {
		heads, withBuyers = heads && p.heads, withBuyers || p.buyers
	}
	switch {
	case withBuyers:
		return s.Store.TendersWithBuyers(ctx, ids, heads)
	case heads:
		tenders, err = s.Store.TenderHeads(ctx, ids)
		return tenders, nil, err
	}
	tenders, err = s.Store.Tenders(ctx, ids)
	return tenders, nil, err
}

// prepare words plans for the index: the queries of each, and how many these are.
func (s *Service) prepare(ctx context.Context, plans []*TenderPlan) (searches []search.Query, groups []int, err error) {
	atoms, reader, groups := 0, s.marks(), make([]int, len(plans))
	for i, p := range plans {
		maps.Copy(reader.known, p.marked)
		queries := p.queries()
		groups[i] = len(queries)
		for _, q := range queries {
			if err := reader.apply(ctx, &q, p.marks); err != nil {
				return nil, nil, err
			}
			searches = append(searches, q)
		}
		atoms += p.atoms()
	}
	if atoms > maxAtoms {
		return nil, nil, tooManyCriteria(atoms)
	}
	return searches, groups, s.followBuyers(ctx, searches)
}

func tooManyCriteria(atoms int) error {
	return &vigie.Error{Code: vigie.LimitExceeded, Text: vigie.Same("These watches have too many criteria for one operation. Ask for fewer watches at a time."),
		Limit: &vigie.Limit{Name: "criteria", Requested: atoms, Maximum: maxAtoms}}
}

// page makes a page of what the index found: the answers to the plan's queries,
// of which asked is the first.
func (p *TenderPlan) page(asked search.Query, results []search.Result, tenders map[int64]*vigie.Tender) *TenderPage {
	result, text := results[0], freetext.Parse(asked.Text, asked.Complete)
	found := []freetext.Search{text}
	page := &TenderPage{
		Places:     text.Places(),
		TotalCount: result.Total,
		PageCount:  min((result.Total+p.window.size-1)/p.window.size, vigie.MaxOffset/p.window.size),
		Facets:     p.facets(results),
	}
	if asked.Corrected != "" {
		found, page.Corrected = append(found, freetext.Parse(asked.Corrected, false)), &asked.Corrected
	}
	var hits []search.Hit
	hits, page.PageInfo = cut(p.window, result.Hits)
	if p.query.Order == search.Relevance && p.query.Offset+len(hits)+p.window.size > vigie.MaxOffset {
		page.PageInfo.HasNextPage = false // no rows lie there: see place
	}
	for i, hit := range hits {
		t := tenderOf(hit, tenders)
		if t == nil {
			continue
		}
		page.Edges = append(page.Edges, &TenderEdge{rowPlace: p.placeOf(i, hit), Node: t, found: found, watching: p.watching, matches: sync.OnceValue(func() []*WatchMatch {
			return p.watching.matches(t)
		})})
	}
	if n := len(page.Edges); n > 0 {
		page.PageInfo.start, page.PageInfo.end = page.Edges[0].rowPlace, page.Edges[n-1].rowPlace
	} else if n := len(hits); n > 0 { // the pages beyond can be reached nevertheless
		page.PageInfo.start, page.PageInfo.end = p.placeOf(0, hits[0]), p.placeOf(n-1, hits[n-1])
	}
	return page
}

// highlights are the passages of a tender that have keywords, or that texts find.
func highlights(t *vigie.Tender, keywords []string, texts []freetext.Search) []search.Highlight {
	title, description := query.Spans(t.Title, keywords), query.Spans(t.Description, keywords)
	for _, text := range texts {
		title, description = append(title, text.Spans(t.Title)...), append(description, text.Spans(t.Description)...)
	}
	return search.Highlights(t.Title, t.Description, title, description)
}

// placeOf is the place of a hit, by its place on the page. What the database
// says of the tender may be newer than the index, and sort it elsewhere.
func (p *TenderPlan) placeOf(place int, hit search.Hit) *rowPlace {
	key := hit.Key
	if p.query.Order == search.Relevance {
		key = search.Key{ID: int64(p.query.Offset + place + 1)}
	}
	return &rowPlace{tenderCursor(p.query.Order, p.query.Now, key), p.ids}
}

// tenderOf returns the tender of a hit; nil where the tender was withdrawn, or
// merged into another, which has a place of its own, and the index does not know
// yet.
func tenderOf(hit search.Hit, tenders map[int64]*vigie.Tender) *vigie.Tender {
	if t := tenders[hit.ID]; t != nil && t.ID == hit.ID {
		return t
	}
	return nil
}

// OnlineByBuyer counts the tenders online now of buyers, by the buyers' ids.
func (s *Service) OnlineByBuyer(ctx context.Context, ids []int64) (map[int64]int, error) {
	results, err := s.search(ctx, []search.Query{{
		Any:    []query.Formula{query.Compile(vigie.Criteria{BuyerIDs: ids})},
		Filter: search.Filter{Statuses: []vigie.TenderStatus{vigie.StatusOnline}},
		Now:    s.now(),
		Facets: []query.Field{query.Buyer},
	}})
	if err != nil {
		return nil, err
	}
	return byBuyer(results[0].Counts), nil
}

// byBuyer is the facet of buyers by their numbers.
func byBuyer(counts map[query.Field]map[string]int) map[int64]int {
	byID := make(map[int64]int, len(counts[query.Buyer]))
	for value, count := range counts[query.Buyer] {
		_, id, _ := vigie.ParseGlobalID(value)
		byID[id] = count
	}
	return byID
}

// FacetCount is how many tenders of a result have a value.
type FacetCount struct {
	Value string
	Label string
	Count int
}

// SortedCounts lists the counts of a facet, highest first, then by label.
func SortedCounts(counts map[string]int, label func(value string) string) []*FacetCount {
	list := make([]*FacetCount, 0, len(counts))
	for value, count := range counts {
		list = append(list, &FacetCount{value, label(value), count})
	}
	labels := sync.OnceValue(newCollator)
	slices.SortFunc(list, func(a, b *FacetCount) int {
		if a.Count != b.Count { // labels take much longer to compare
			return cmp.Compare(b.Count, a.Count)
		}
		return cmp.Or(labels().CompareString(a.Label, b.Label), cmp.Compare(a.Value, b.Value))
	})
	return list
}
