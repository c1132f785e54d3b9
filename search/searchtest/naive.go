package searchtest

import (
	"cmp"
	"slices"
	"time"

	"vigie"
	"vigie/query"
	"vigie/search"
)

// naive answers queries without Text by checking every document: the contract in plain loops.
type naive map[int64]search.Document

func (n naive) put(docs []search.Document) {
	for _, d := range docs {
		if d.Deleted {
			delete(n, d.ID)
		} else {
			n[d.ID] = d
		}
	}
}

func (n naive) search(q search.Query) search.Result {
	var rows []search.Document
	for _, d := range n {
		if passes(d, q, query.Term) {
			rows = append(rows, d)
		}
	}
	slices.SortFunc(rows, func(a, b search.Document) int { return compare(q.Order, keyOf(q.Order, a), keyOf(q.Order, b)) })
	result := search.Result{Total: len(rows), Counts: map[query.Field]map[string]int{}}
	beside := func(key search.Key, side int) []search.Document {
		return slices.DeleteFunc(slices.Clone(rows), func(d search.Document) bool {
			return compare(q.Order, keyOf(q.Order, d), key) != side
		})
	}
	switch {
	case q.After != nil:
		rows = beside(*q.After, +1)
	case q.Before != nil:
		rows = beside(*q.Before, -1)
	}
	if q.Before != nil || q.FromEnd {
		rows = rows[max(0, len(rows)-q.Limit):]
	}
	rows = rows[min(q.Offset, len(rows)):]
	for _, d := range rows[:min(q.Limit, len(rows))] {
		result.Hits = append(result.Hits, search.Hit{Key: keyOf(q.Order, d)})
	}
	for _, facet := range q.Facets {
		result.Counts[facet] = map[string]int{}
		for _, d := range n {
			if passes(d, q, facet) {
				for _, value := range valuesOf(d, facet) {
					result.Counts[facet][value]++
				}
			}
		}
	}
	return result
}

func valuesOf(d search.Document, facet query.Field) []string {
	return slices.DeleteFunc(slices.Clone(d.Facts[facet]), func(v string) bool { return v == "" })
}

// passes reports whether a query finds a document, without the filter on a facet's own field; Term is no facet.
func passes(d search.Document, q search.Query, but query.Field) bool {
	if slices.Contains(q.Without, d.ID) || q.Within != nil && !slices.Contains(q.Within, d.ID) {
		return false
	}
	if q.Any != nil && !slices.ContainsFunc(q.Any, func(f query.Formula) bool { return f.Matches(d.Facts) }) {
		return false
	}
	f := q.Filter
	published, deadline := whole(&d.PublishedAt), whole(d.Deadline)
	tender := vigie.Tender{Outcome: d.Outcome}
	tender.Deadline, tender.OnlineUntil = deadline, whole(d.OnlineUntil)
	for _, criterion := range query.Filters() {
		asked := f.Values[criterion.Field]
		if criterion.Field != but && len(asked) > 0 && !slices.ContainsFunc(asked, func(value string) bool {
			return value != "" && d.Facts.Has(query.Atom{Field: criterion.Field, Value: value})
		}) {
			return false
		}
	}
	return among(f.Statuses, []vigie.TenderStatus{tender.Status(q.Now)}) &&
		within(published, f.PublishedFrom, f.PublishedTo) &&
		within(whole(&d.UpdatedAt), f.UpdatedFrom, nil) &&
		within(deadline, f.DeadlineFrom, f.DeadlineTo)
}

// among reports whether a document has one of the values; no values do not constrain.
func among[T comparable](asked, has []T) bool {
	return len(asked) == 0 || slices.ContainsFunc(asked, func(a T) bool { return slices.Contains(has, a) })
}

func within(t, from, to *time.Time) bool {
	if from == nil && to == nil {
		return true
	}
	return t != nil && (from == nil || !t.Before(*from)) && (to == nil || !t.After(*to))
}

// whole cuts a document's time to seconds.
func whole(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(time.Unix(t.Unix(), 0).UTC())
}

// keyOf returns a document's place in an order.
func keyOf(o search.Order, d search.Document) search.Key {
	switch o {
	case search.DeadlineAsc, search.DeadlineDesc:
		return search.Key{At: whole(d.Deadline), ID: d.ID}
	case search.UpdatedDesc:
		return search.Key{At: whole(&d.UpdatedAt), ID: d.ID}
	}
	return search.Key{At: whole(&d.PublishedAt), ID: d.ID}
}

func compare(o search.Order, a, b search.Key) int {
	sign := -1
	if o == search.PublishedAsc || o == search.DeadlineAsc {
		sign = 1
	}
	switch {
	case a.At == nil && b.At == nil:
		return sign * cmp.Compare(a.ID, b.ID)
	case a.At == nil: // last in both orders
		return 1
	case b.At == nil:
		return -1
	}
	return sign * cmp.Or(a.At.Compare(*b.At), cmp.Compare(a.ID, b.ID))
}
