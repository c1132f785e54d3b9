package bleve

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/RoaringBitmap/roaring/v2"

	"vigie/query"
	"vigie/search"
	"vigie/search/internal/plan"
)

func (x *index) Search(ctx context.Context, queries []search.Query) (results []search.Result, err error) {
	for _, q := range queries {
		if err := q.Check(); err != nil {
			return nil, err
		}
	}
	open, err := x.opened()
	if err != nil {
		return nil, err
	}
	v, err := x.look(open)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.close()) }()
	for _, q := range queries {
		result, err := v.search(ctx, q)
		if err != nil {
			return nil, search.Unavailable(err)
		}
		results = append(results, result)
	}
	return results, nil
}

// matches are the documents of a part that a query matches, and what its words
// are worth in them.
type matches struct {
	*part
	docs  *roaring.Bitmap
	words [][]tier
}

// search answers a query.
func (v *view) search(ctx context.Context, q search.Query) (search.Result, error) {
	result := search.Result{Counts: make(map[query.Field]map[string]int)}
	found, err := v.matching(ctx, q, plan.NoFacet)
	if err != nil {
		return result, err
	}
	for _, m := range found {
		result.Total += int(m.docs.GetCardinality())
	}
	for _, facet := range q.Facets {
		counted := found
		if len(q.Filter.Values[facet]) > 0 { // it is counted without the filter on its own field
			if counted, err = v.matching(ctx, q, facet); err != nil {
				return result, err
			}
		}
		if result.Counts[facet], err = count(counted, facet.String()); err != nil {
			return result, err
		}
	}
	result.Hits, err = page(q, found)
	return result, err
}

// matching are what a query matches, without the filter on a facet's own field,
// if one is named.
func (v *view) matching(ctx context.Context, q search.Query, but query.Field) ([]matches, error) {
	rest := q
	rest.Any = nil
	where, words := plan.Where(rest, but), plan.Asked(q.Text)
	var list []matches
	for _, p := range v.parts {
		docs, err := p.where(ctx, where)
		if err != nil {
			return nil, err
		}
		if q.Any != nil && !docs.IsEmpty() {
			any, err := v.anyOf(ctx, p, q.Any)
			if err != nil {
				return nil, err
			}
			docs = roaring.And(docs, any)
		}
		m := matches{part: p, docs: docs}
		if len(words) > 0 && !docs.IsEmpty() {
			var all *roaring.Bitmap
			if all, m.words, err = v.found(ctx, p, words); err != nil {
				return nil, err
			}
			m.docs = roaring.And(docs, all)
		}
		if !m.docs.IsEmpty() {
			list = append(list, m)
		}
	}
	return list, nil
}

// count counts documents by the values of a field.
func count(found []matches, field string) (map[string]int, error) {
	counts := make(map[string]int)
	if field == "" {
		return counts, nil
	}
	for _, m := range found {
		column, err := m.countedBy(field)
		if err != nil {
			return nil, err
		}
		sums := make([]int, len(column.values))
		for each := m.docs.Iterator(); each.HasNext(); {
			doc := each.Next()
			for _, ordinal := range column.of[column.first[doc]:column.first[doc+1]] {
				sums[ordinal]++
			}
		}
		for ordinal, n := range sums {
			if n > 0 {
				counts[column.values[ordinal]] += n
			}
		}
	}
	if len(counts) > search.MaxFacetValues {
		values := make([]string, 0, len(counts))
		for value := range counts {
			values = append(values, value)
		}
		slices.SortFunc(values, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
		for _, value := range values[search.MaxFacetValues:] {
			delete(counts, value)
		}
	}
	return counts, nil
}

// row is a document in an order: best first, then by at and ID.
type row struct {
	worth  int
	at, id int64
	part   *part
	doc    uint32
}

// rows is a heap of the first rows of an order: its root is the last of them.
type rows struct {
	list []row
	desc bool
}

func (h *rows) Len() int           { return len(h.list) }
func (h *rows) Less(i, j int) bool { return h.compare(h.list[i], h.list[j]) > 0 }
func (h *rows) Swap(i, j int)      { h.list[i], h.list[j] = h.list[j], h.list[i] }
func (h *rows) Push(any)           {} // rows are appended until there are enough
func (h *rows) Pop() any           { return nil }

func (h *rows) compare(a, b row) int {
	if a.worth != b.worth {
		return b.worth - a.worth
	}
	c := cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id))
	if h.desc {
		return -c
	}
	return c
}

// page is the rows of a query's page.
func page(q search.Query, found []matches) ([]search.Hit, error) {
	if q.Limit == 0 {
		return nil, nil
	}
	order, backward := plan.SortOf(q.Order), q.Before != nil || q.FromEnd
	if backward {
		order = order.Reversed()
	}
	first := &rows{desc: order.Desc}
	beyond := func(row) bool { return true }
	if key := cmp.Or(q.After, q.Before); key != nil {
		place := row{at: order.At(*key), id: key.ID}
		beyond = func(r row) bool { return first.compare(r, place) > 0 }
	}
	for _, m := range found {
		column, err := m.sortedBy(order.Field)
		if err != nil {
			return nil, err
		}
		var worth map[uint32]int
		if q.Order == search.Relevance {
			worth = worths(m.docs, m.words)
		}
		for each := m.docs.Iterator(); each.HasNext(); {
			doc := each.Next()
			if r := (row{worth[doc], column.at[doc], column.id[doc], m.part, doc}); beyond(r) {
				first.offer(r, q.Offset+q.Limit)
			}
		}
	}
	slices.SortFunc(first.list, first.compare)
	list := first.list[min(q.Offset, len(first.list)):]
	if backward {
		slices.Reverse(list)
	}
	return hits(q, list)
}

// offer takes in a row if it is one of the first.
func (h *rows) offer(r row, most int) {
	switch {
	case len(h.list) < most:
		if h.list = append(h.list, r); len(h.list) == most {
			heap.Init(h)
		}
	case h.compare(r, h.list[0]) < 0:
		h.list[0] = r
		heap.Fix(h, 0)
	}
}

func hits(q search.Query, rows []row) ([]search.Hit, error) {
	order, asked := plan.SortOf(q.Order), plan.Asked(q.Text)
	list := make([]search.Hit, len(rows))
	for i, r := range rows {
		list[i].ID = r.id
		if q.Order != search.Relevance {
			list[i].Key = order.Key(r.at, r.id)
		}
		if len(asked) > 0 {
			title, description, err := r.texts()
			if err != nil {
				return nil, err
			}
			list[i].Highlights = search.Highlights(title, description,
				plan.Found(title, asked), plan.Found(description, asked))
		}
	}
	return list, nil
}

// texts are a row's title and description.
func (r row) texts() (title, description string, err error) {
	err = r.part.VisitDocument(uint64(r.doc), func(field string, _ byte, value []byte, _ []uint64) bool {
		switch field {
		case plan.Title:
			title = string(value)
		case plan.Description:
			description = string(value)
		}
		return true
	})
	return title, description, err
}

func documentIDs(list plan.IDs) []string {
	out := make([]string, len(list))
	for i, id := range list {
		out[i] = strconv.FormatInt(id, 10)
	}
	return out
}
