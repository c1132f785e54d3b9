package service

import (
	"cmp"
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"vigie"
	"vigie/query"
	"vigie/search"
)

// TenderQuery asks for a page of tenders.
type TenderQuery struct {
	// Matching keeps to the tenders that one of Watches matches; of no watches,
	// that is none.
	Matching bool
	Watches  []*vigie.Watch
	Filter   search.Filter
	Text     string // free text; "" for none
	Order    search.Order
	Page     PageArgs
	// CountOnly asks for the total alone.
	CountOnly bool
	Facets    []search.Facet
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
}

// TenderFacets are the counts that a query asked for, by facet and value.
type TenderFacets struct {
	Counts map[search.Facet]map[string]int
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
	Cursor     string
	Node       *vigie.Tender
	Highlights []search.Highlight
	asked      *plan
}

// WatchMatch is that a watch matches a tender, and by which of its keywords.
type WatchMatch struct {
	Watch    *vigie.Watch
	Keywords []string
}

// MatchedBy tells which of the watches asked for the tender matches.
func (e *TenderEdge) MatchedBy() []*WatchMatch {
	facts, _ := query.FactsOf(e.Node)
	matches := []*WatchMatch{}
	for i, w := range e.asked.asked.Watches {
		if e.asked.query.Any[i].Matches(facts) {
			matches = append(matches, &WatchMatch{w, orEmpty(query.FoundKeywords(w.Criteria.Keywords, facts))})
		}
	}
	return matches
}

// CheckTenders tells what is wrong with a query, before it is asked together
// with others, and gives it the order that it has where it says none: by
// relevance for words, else the newest first.
func CheckTenders(q *TenderQuery) error {
	q.Text = clean(q.Text)
	if utf8.RuneCountInString(q.Text) > vigie.MaxSearchLength {
		return badRequest(vigie.Text{
			FR: "Une recherche a au plus %d caractères.",
			EN: "A search has at most %d characters.",
		}.With(vigie.MaxSearchLength), "search")
	}
	if q.Order == "" {
		q.Order = search.PublishedDesc
		if q.Text != "" {
			q.Order = search.Relevance
		}
	}
	_, err := newPlan(*q, time.Time{})
	return err
}

// plan is a query on its way to the index.
type plan struct {
	query  search.Query
	window window
	now    time.Time
	asked  TenderQuery
}

// TenderPages answers queries with one call of the search engine and one of
// the database, in their order.
func (s *Service) TenderPages(ctx context.Context, queries []TenderQuery) ([]*TenderPage, error) {
	plans := make([]plan, len(queries))
	searches := make([]search.Query, len(queries))
	for i, q := range queries {
		p, err := newPlan(q, s.now())
		if err != nil {
			return nil, err
		}
		plans[i], searches[i] = p, p.query
	}
	results, err := s.search(ctx, searches)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, result := range results {
		for _, hit := range result.Hits {
			ids = append(ids, hit.ID)
		}
	}
	tenders, err := s.Store.Tenders(ctx, ids)
	if err != nil {
		return nil, err
	}
	pages := make([]*TenderPage, len(queries))
	for i := range plans {
		pages[i] = plans[i].page(results[i], tenders)
	}
	return pages, nil
}

// Tenders answers one query.
func (s *Service) Tenders(ctx context.Context, q TenderQuery) (*TenderPage, error) {
	pages, err := s.TenderPages(ctx, []TenderQuery{q})
	if err != nil {
		return nil, err
	}
	return pages[0], nil
}

// newPlan checks a query and words it for the index. It asks for one row more
// than the page has, to know whether there is a next one.
func newPlan(q TenderQuery, now time.Time) (plan, error) {
	w, err := q.Page.window(20)
	if err != nil {
		return plan{}, err
	}
	p := plan{window: w, now: now, asked: q}
	p.query = search.Query{Filter: q.Filter, Text: q.Text, Order: q.Order, Limit: w.size + 1, Facets: q.Facets}
	if q.Matching {
		p.query.Any = []query.Formula{}
		for _, watch := range q.Watches {
			p.query.Any = append(p.query.Any, query.Compile(watch.Criteria))
		}
	}
	if q.CountOnly {
		p.query.Limit = 0
	}
	if q.Order == search.Relevance {
		if q.Text == "" {
			return p, badRequest(vigie.Text{
				FR: "L'ordre RELEVANCE est celui d'une recherche par mots.",
				EN: "RELEVANCE is the order of a search by words.",
			}, "orderBy")
		}
		if w.backwards {
			return p, badRequest(vigie.Text{
				FR: "L'ordre RELEVANCE ne se parcourt pas à rebours.",
				EN: "RELEVANCE is not paged backwards.",
			}, w.argument)
		}
	}
	if w.cursor != "" {
		c, err := parseCursor(w.cursor, string(q.Order), w.argument)
		if err != nil {
			return p, err
		}
		p.now = time.Unix(c.Now, 0).UTC()
		switch {
		case q.Order == search.Relevance:
			p.query.Offset = int(min(c.ID, vigie.MaxOffset)) // the row's place in the list
		case w.backwards:
			p.query.Before = c.key()
		default:
			p.query.After = c.key()
		}
	}
	if w.backwards && w.cursor == "" {
		p.query.FromEnd = true
	}
	if w.page > 0 {
		p.query.Offset = (w.page - 1) * w.size
	}
	if p.query.Offset+w.size > vigie.MaxOffset {
		// No rows lie there; the totals are still asked for.
		p.query.Offset, p.query.Limit = 0, 0
	}
	p.query.Now = p.now
	return p, nil
}

// page makes a page of what the index found.
func (p *plan) page(result search.Result, tenders map[int64]*vigie.Tender) *TenderPage {
	page := &TenderPage{
		TotalCount: result.Total,
		PageCount:  min((result.Total+p.window.size-1)/p.window.size, vigie.MaxOffset/p.window.size),
		Facets:     &TenderFacets{result.Counts},
	}
	hits := result.Hits
	more := len(hits) > p.window.size
	if more && p.window.backwards {
		hits = hits[1:]
	} else if more {
		hits = hits[:p.window.size]
	}
	for i, hit := range hits {
		t := tenders[hit.ID]
		if t == nil {
			continue // it went between the two looks
		}
		c := tenderCursor(p.asked.Order, p.now, t)
		if p.asked.Order == search.Relevance {
			c = cursor{List: string(search.Relevance), ID: int64(p.query.Offset + i + 1), Now: p.now.Unix()}
		}
		page.Edges = append(page.Edges, &TenderEdge{Cursor: c.String(), Node: t, Highlights: hit.Highlights, asked: p})
	}
	if n := len(page.Edges); n > 0 {
		page.PageInfo.StartCursor, page.PageInfo.EndCursor = &page.Edges[0].Cursor, &page.Edges[n-1].Cursor
	}
	if p.window.backwards {
		page.PageInfo.HasPreviousPage = more
		page.PageInfo.HasNextPage = p.window.cursor != ""
	} else {
		page.PageInfo.HasNextPage = more
		page.PageInfo.HasPreviousPage = p.window.cursor != "" || p.query.Offset > 0
	}
	return page
}

// OnlineByBuyer counts the tenders online now of buyers, by the buyers' ids.
func (s *Service) OnlineByBuyer(ctx context.Context, ids []int64) (map[int64]int, error) {
	results, err := s.search(ctx, []search.Query{{
		Any:    []query.Formula{query.Compile(vigie.Criteria{BuyerIDs: ids})},
		Filter: search.Filter{Statuses: []vigie.TenderStatus{vigie.StatusOnline}},
		Now:    s.now(),
		Facets: []search.Facet{search.ByBuyer},
	}})
	if err != nil {
		return nil, err
	}
	counts := make(map[int64]int, len(ids))
	for value, count := range results[0].Counts[search.ByBuyer] {
		if _, id, ok := vigie.ParseGlobalID(value); ok {
			counts[id] = count
		}
	}
	return counts, nil
}

// FacetCount is how many tenders of a result have a value.
type FacetCount struct {
	Value string
	Label vigie.Text
	Count int
}

// SortedCounts lists the counts of a facet, highest first, then by label.
func SortedCounts(counts map[string]int, label func(value string) vigie.Text) []FacetCount {
	list := make([]FacetCount, 0, len(counts))
	for value, count := range counts {
		list = append(list, FacetCount{value, label(value), count})
	}
	labels := newCollator()
	slices.SortFunc(list, func(a, b FacetCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), labels.CompareString(a.Label.FR, b.Label.FR), cmp.Compare(a.Value, b.Value))
	})
	return list
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
