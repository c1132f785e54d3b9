package service

import (
	"slices"

	"vigie"
	"vigie/query"
	"vigie/search"
)

// queries are what a plan asks the index: its page first, then what counts each
// status, then what counts each watch.
func (p *TenderPlan) queries() []search.Query {
	list := []search.Query{p.query}
	count := p.query
	count.Limit, count.Offset, count.Facets = 0, 0, nil
	count.After, count.Before, count.FromEnd = nil, nil, false
	if count.Order == search.Relevance {
		count.Order = search.PublishedDesc
	}
	if p.byStatus {
		for _, status := range vigie.Statuses() {
			q := count
			q.Filter.Statuses = []vigie.TenderStatus{status}
			list = append(list, q)
		}
	}
	if p.byWatch != nil {
		for i := range p.byWatch.watches {
			q := count
			q.Any = []query.Formula{p.byWatch.set.Formulas[i]}
			list = append(list, q)
		}
	}
	return list
}

// atoms is how many words and codes the watches of a plan ask for.
func (p *TenderPlan) atoms() int {
	n := 0
	for _, w := range []*Watching{p.watching, p.byWatch} {
		if w != nil {
			n += w.set.Atoms
		}
	}
	return n
}

// facets are what the answers to a plan's queries count.
func (p *TenderPlan) facets(results []search.Result) *TenderFacets {
	f := &TenderFacets{Counts: results[0].Counts}
	results = results[1:]
	if p.byStatus {
		f.ByStatus = make(map[vigie.TenderStatus]int)
		for i, status := range vigie.Statuses() {
			if n := results[i].Total; n > 0 || slices.Contains(p.query.Filter.Statuses, status) {
				f.ByStatus[status] = n
			}
		}
		results = results[len(vigie.Statuses()):]
	}
	if p.byWatch != nil {
		f.ByWatch = make(map[*vigie.Watch]int)
		for i, w := range p.byWatch.watches {
			f.ByWatch[w] = results[i].Total
		}
	}
	return f
}

// choose notes the values that a query's filter names, and has the counts hold
// them also where they count nothing: a list to choose from keeps what is chosen.
func (f *TenderFacets) choose(q search.Query) {
	f.selected = q.Filter.Values
	nobody := vigie.GlobalID(vigie.KindBuyer, 0) // an id that no buyer has
	for facet, counts := range f.Counts {
		for _, value := range f.selected[facet] {
			if _, counted := counts[value]; !counted && value != nobody {
				counts[value] = 0
			}
		}
	}
}

// TopCPVCodes returns the n codes of so many digits with most tenders, and those that
// the filter names.
func (f *TenderFacets) TopCPVCodes(digits, n int) []*FacetCount {
	counts := make(map[string]int)
	for code, count := range f.Counts[query.CPV] {
		if len(code) == digits {
			counts[code] = count
		}
	}
	list := SortedCounts(counts, func(code string) string { return vigie.CPV(code).Label })
	var top []*FacetCount
	for i, c := range list {
		if i < n || slices.Contains(f.selected[query.CPV], c.Value) {
			top = append(top, c)
		}
	}
	return top
}

// maxCountedWatches is how many watches one list is counted by.
const maxCountedWatches = 100

// CountedWatches are the watches that a list is counted by: those that it is of,
// and others that it could be of. Too many are an error.
func CountedWatches(lists ...[]*vigie.Watch) (*Watching, error) {
	byID := make(map[int64]*vigie.Watch)
	var all []*vigie.Watch
	for _, list := range lists {
		for _, w := range list {
			if byID[w.ID] == nil {
				byID[w.ID] = w
				all = append(all, w)
			}
		}
	}
	if len(all) > maxCountedWatches {
		return nil, &vigie.Error{Code: vigie.LimitExceeded, Text: vigie.Same("A list can be counted by %d watches at most.").With(maxCountedWatches),
			Limit: &vigie.Limit{Name: "watches", Requested: len(all), Maximum: maxCountedWatches}}
	}
	return NewWatching(all...), nil
}

// Watches are the watches themselves.
func (w *Watching) Watches() []*vigie.Watch { return w.watches }
