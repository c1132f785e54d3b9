package service

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"vigie"
	"vigie/query"
	"vigie/store"
)

// WatchOrder is an order of watches.
type WatchOrder string

// The orders of watches.
const (
	NameAsc     WatchOrder = "NAME_ASC"
	CreatedAsc  WatchOrder = "CREATED_AT_ASC"
	CreatedDesc WatchOrder = "CREATED_AT_DESC"
)

// WatchPage is a page of watches.
type WatchPage struct {
	Edges      []*WatchEdge
	PageInfo   PageInfo
	TotalCount int
}

// WatchEdge is a watch in a list.
type WatchEdge struct {
	*rowPlace
	Node *vigie.Watch
}

// Nodes returns the watches of the page.
func (p *WatchPage) Nodes() []*vigie.Watch {
	nodes := make([]*vigie.Watch, len(p.Edges))
	for i, edge := range p.Edges {
		nodes[i] = edge.Node
	}
	return nodes
}

// WatchEdges returns watches as rows of a list by name.
func (s *Service) WatchEdges(watches ...*vigie.Watch) []*WatchEdge {
	edges := make([]*WatchEdge, len(watches))
	for i, w := range watches {
		edges[i] = s.watchEdge(w, NameAsc)
	}
	return edges
}

func (s *Service) watchEdge(w *vigie.Watch, order WatchOrder) *WatchEdge {
	c := cursor{List: "watches " + string(order), At: new(w.CreatedAt.UnixMicro()), ID: w.ID}
	if order == NameAsc {
		c.Name = w.Name
	}
	return &WatchEdge{s.placeOf(c), w}
}

// WatchPage returns a page of an account's watches, by name unless an order is given. They are few enough to be
// ordered here, where French names have their order on every database.
func (s *Service) WatchPage(ctx context.Context, account *vigie.Account, order WatchOrder, args PageArgs) (*WatchPage, error) {
	order = cmp.Or(order, NameAsc)
	w, err := args.window(50)
	if err != nil {
		return nil, err
	}
	watches, err := s.Store.Watches(ctx, account.ID, store.WatchFilter{})
	if err != nil {
		return nil, err
	}
	compare, done := s.compare(order)
	defer done()
	slices.SortFunc(watches, compare)
	rows, list := watches, "watches "+string(order)
	if w.cursor != "" {
		c, err := parseCursor(s.Store.IDs(), w.cursor, list, w.argument)
		if err != nil {
			return nil, err
		}
		if c.At == nil {
			return nil, noCursor(w.argument)
		}
		at, found := slices.BinarySearchFunc(watches, &vigie.Watch{ID: c.ID, Name: c.Name, CreatedAt: time.UnixMicro(*c.At)}, compare)
		switch {
		case w.backwards:
			rows = watches[:at]
		case found:
			rows = watches[at+1:]
		default:
			rows = watches[at:]
		}
	}
	page := &WatchPage{TotalCount: len(watches)}
	rows, page.PageInfo = cut(w, rows)
	for _, watch := range rows {
		page.Edges = append(page.Edges, s.watchEdge(watch, order))
	}
	if n := len(page.Edges); n > 0 {
		page.PageInfo.start, page.PageInfo.end = page.Edges[0].rowPlace, page.Edges[n-1].rowPlace
	}
	return page, nil
}

// compare compares watches in an order, until it is done.
func (s *Service) compare(order WatchOrder) (compare func(a, b *vigie.Watch) int, done func()) {
	byID := func(a, b *vigie.Watch) int { return cmp.Compare(a.ID, b.ID) }
	// Imported watches were made elsewhere, before their ids.
	byTime := func(a, b *vigie.Watch) int { return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), byID(a, b)) }
	switch order {
	case CreatedAsc:
		return byTime, func() {}
	case CreatedDesc:
		return func(a, b *vigie.Watch) int { return byTime(b, a) }, func() {}
	}
	names, ok := s.collators.Get().(*collate.Collator)
	if !ok {
		names = newCollator()
	}
	return func(a, b *vigie.Watch) int { return cmp.Or(names.CompareString(a.Name, b.Name), byID(a, b)) }, func() { s.collators.Put(names) }
}

// newCollator orders names as a French dictionary does, numbers by value. It
// is for one goroutine.
func newCollator() *collate.Collator {
	return collate.New(language.French, collate.IgnoreCase, collate.Numeric)
}

// Watch returns one of an account's watches.
func (s *Service) Watch(ctx context.Context, account *vigie.Account, id int64) (*vigie.Watch, error) {
	watches, err := s.Store.Watches(ctx, account.ID, store.WatchFilter{IDs: []int64{id}})
	if err != nil {
		return nil, err
	}
	if len(watches) == 0 {
		return nil, noWatch()
	}
	return watches[0], nil
}

// noWatch says the same of a deleted watch and of another account's.
func noWatch(field ...string) error {
	return &vigie.Error{Code: vigie.NotFound, Field: field, Text: vigie.Text{
		FR: "Cette veille est introuvable. Elle a peut-être été supprimée : revenez à vos veilles.",
		EN: "This watch was not found. It may have been deleted: go back to your watches.",
	}}
}

// asNoWatch words the store's « not found » of a watch.
func asNoWatch(err error) error {
	if vigie.CodeOf(err) == vigie.NotFound {
		return noWatch("id")
	}
	return err
}

// WatchesFor returns the watches that a list of matching tenders is about:
// those of the ids where ids is not nil, else all active ones, and the inactive
// ones too where they are asked for. What the plans need of the account's marks is
// read with them, so that answering them takes one round trip to PostgreSQL less.
func (s *Service) WatchesFor(ctx context.Context, account *vigie.Account, ids []int64, includeInactive bool, plans ...*TenderPlan) ([]*vigie.Watch, error) {
	if len(ids) > vigie.MaxWatches {
		return nil, badRequest(tooMany(len(ids), vigie.MaxWatches), "watchIds")
	}
	var lists []store.MarkedList
	for _, p := range plans {
		lists = slices.AppendSeq(lists, maps.Keys(p.marks.lists(&p.query)))
	}
	watches, marked, err := s.Store.WatchesAndMarked(ctx, account.ID, store.WatchFilter{IDs: ids, ActiveOnly: ids == nil && !includeInactive}, lists...)
	if err != nil {
		return nil, err
	}
	for _, p := range plans {
		p.marked = marked
	}
	for _, id := range ids {
		if !slices.ContainsFunc(watches, func(w *vigie.Watch) bool { return w.ID == id }) {
			return nil, noWatch("watchIds")
		}
	}
	return watches, nil
}

// CreateWatch is what a person gives of a new watch.
type CreateWatch struct {
	Name       string
	Criteria   query.Patch
	Active     bool
	Frequency  vigie.Frequency
	NotifyMe   bool
	Recipients []string
}

// CreateWatch saves a new watch. Mistakes come back as [vigie.Problems].
func (s *Service) CreateWatch(ctx context.Context, account *vigie.Account, in CreateWatch) (*vigie.Watch, []vigie.Warning, error) {
	var f form
	w := vigie.Watch{Active: in.Active, Frequency: in.Frequency}
	w.Name = f.name(in.Name, []string{"input", "name"})
	w.NameKey = vigie.NameKey(w.Name)
	recipients := f.addresses(in.Recipients, []string{"input", "recipients"})
	criteria, err := f.criteria(ctx, s, in.Criteria, []string{"input", "criteria"}, inputName)
	if err != nil {
		return nil, nil, err
	}
	if err := f.problems.Err(); err != nil {
		return nil, nil, err
	}
	w.Criteria = criteria.Over(newCriteria())
	created, err := s.Store.CreateWatch(ctx, account, w, in.NotifyMe, recipients)
	if err != nil {
		return nil, nil, err
	}
	return created, append(f.warnings, s.doubts(ctx, created.Criteria, []string{"input", "criteria"})...), nil
}

// UpdateWatch is what a person changes of a watch; nil fields stay.
type UpdateWatch struct {
	Name       *string
	Criteria   *query.Patch
	Active     *bool
	Frequency  *vigie.Frequency
	NotifyMe   *bool
	Recipients *[]string
	// CatchUp, with Active true, has a watch alert, once, of what came while it was
	// off the last time; also one that is on already.
	CatchUp bool
	// Expected is the number of the change that the watch was read at; nil for any.
	Expected *int64
}

// UpdateWatch changes a watch of an account. Mistakes come back as
// [vigie.Problems].
func (s *Service) UpdateWatch(ctx context.Context, account *vigie.Account, id int64, in UpdateWatch) (*vigie.Watch, []vigie.Warning, error) {
	var f form
	var criteria query.Patch
	if in.Name != nil {
		in.Name = new(f.name(*in.Name, []string{"input", "name"}))
	}
	if in.Recipients != nil {
		in.Recipients = new(f.addresses(*in.Recipients, []string{"input", "recipients"}))
	}
	if in.Criteria != nil {
		var err error
		if criteria, err = f.criteria(ctx, s, *in.Criteria, []string{"input", "criteria"}, inputName); err != nil {
			return nil, nil, err
		}
	}
	if err := f.problems.Err(); err != nil {
		return nil, nil, err
	}
	w, err := s.Store.UpdateWatchAt(ctx, account, id, in.Expected, func(w *vigie.Watch) error {
		set(&w.Name, in.Name)
		w.NameKey = vigie.NameKey(w.Name)
		w.Criteria = criteria.Over(w.Criteria)
		if in.CatchUp && in.Active != nil && *in.Active {
			w.CatchUp()
		}
		set(&w.Active, in.Active)
		set(&w.Frequency, in.Frequency)
		if (criteria.MinValue == nil) != (criteria.MaxValue == nil) { // the other bound is the watch's
			f.inOrder(w.Criteria, []string{"input", "criteria"})
		}
		return f.problems.Err()
	}, in.NotifyMe, in.Recipients)
	if err != nil {
		return nil, nil, asNoWatch(err)
	}
	if in.Criteria != nil {
		f.warnings = append(f.warnings, s.doubts(ctx, w.Criteria, []string{"input", "criteria"})...)
	}
	return w, f.warnings, nil
}

// DeleteWatch takes a watch from an account.
func (s *Service) DeleteWatch(ctx context.Context, account *vigie.Account, id int64) error {
	return asNoWatch(s.Store.DeleteWatch(ctx, account.ID, id))
}

// RestoreWatch gives an account a watch back that it deleted less than a day
// ago.
func (s *Service) RestoreWatch(ctx context.Context, account *vigie.Account, id int64) (*vigie.Watch, error) {
	w, err := s.Store.RestoreWatch(ctx, account, id, s.Now().Add(-vigie.RestorableFor))
	return w, asNoWatch(err)
}

// Recipient returns an address of one of an account's watches.
func (s *Service) Recipient(ctx context.Context, account *vigie.Account, id int64) (*vigie.Recipient, error) {
	found, err := s.Store.Ledger().Addresses(ctx, account, []int64{id})
	if err == nil && found[id] == nil {
		return nil, noRecipient()
	}
	return found[id], err
}

// Explain says why a tender does, or does not, match a watch of an account.
func (s *Service) Explain(ctx context.Context, account *vigie.Account, watch, tender int64) (query.Explanation, error) {
	w, err := s.Watch(ctx, account, watch)
	if err != nil {
		return query.Explanation{}, err
	}
	t, e, err := s.explain(ctx, w, tender)
	if err != nil {
		return query.Explanation{}, err
	}
	e.Locate(w.Criteria, t)
	return e, nil
}

// explain says why a tender does, or does not, match a watch, and returns the
// tender.
func (s *Service) explain(ctx context.Context, w *vigie.Watch, tender int64) (*vigie.Tender, query.Explanation, error) {
	tenders, err := s.Store.Tenders(ctx, []int64{tender})
	if err != nil {
		return nil, query.Explanation{}, err
	}
	t := tenders[tender]
	if t == nil {
		return nil, query.Explanation{}, &vigie.Error{Code: vigie.NotFound, Text: noTender()}
	}
	buyers, err := s.Store.Buyers(ctx, append(slices.Clone(w.Criteria.BuyerIDs), t.BuyerID))
	if err != nil {
		return nil, query.Explanation{}, err
	}
	facts, _ := query.FactsOf(t)
	return t, query.Explain(w.Criteria, facts, buyers), nil
}
