package bleve

import (
	"context"
	"slices"
	"strconv"

	"github.com/blevesearch/bleve/v2"
	blevesearch "github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/query"

	"vigie/search"
	"vigie/search/internal/plan"
)

// unscored leaves out the work of scoring. Bleve then ends early, with false
// totals, unless the order is by fields.
const unscored = "none"

func (x *index) Search(ctx context.Context, queries []search.Query) ([]search.Result, error) {
	results := make([]search.Result, len(queries))
	for i, q := range queries {
		if err := q.Check(); err != nil {
			return nil, err
		}
		var err error
		if results[i], err = x.search(ctx, q); err != nil {
			return nil, err
		}
	}
	return results, nil
}

func (x *index) search(ctx context.Context, q search.Query) (search.Result, error) {
	// A facet with a filter of its own is counted by itself, without it.
	var along, alone []search.Facet
	for _, facet := range q.Facets {
		if len(plan.FilterOn(q.Filter, facet)) > 0 {
			alone = append(alone, facet)
		} else {
			along = append(along, facet)
		}
	}
	result := search.Result{Counts: map[search.Facet]map[string]int{}}
	found, err := x.ask(ctx, page(q), along, result.Counts)
	if err != nil {
		return search.Result{}, err
	}
	for _, facet := range alone {
		if _, err := x.ask(ctx, count(q, facet), []search.Facet{facet}, result.Counts); err != nil {
			return search.Result{}, err
		}
	}
	if q.FromEnd {
		slices.Reverse(found.Hits)
	}
	result.Total = int(found.Total)
	result.Hits, err = hits(q, found.Hits)
	return result, err
}

// ask makes one request, and adds what it counts to counts.
func (x *index) ask(ctx context.Context, req *bleve.SearchRequest, facets []search.Facet,
	counts map[search.Facet]map[string]int) (*bleve.SearchResult, error) {
	for _, facet := range facets {
		if field := plan.FacetField(facet); field != "" {
			req.AddFacet(string(facet), bleve.NewFacetRequest(field, search.MaxFacetValues))
		}
	}
	open, err := x.opened()
	if err != nil {
		return nil, err
	}
	found, err := open.SearchInContext(ctx, req)
	if err != nil {
		return nil, search.Unavailable(err)
	}
	for name, facet := range found.Facets {
		values := make(map[string]int, len(facet.Terms.Terms()))
		for _, value := range facet.Terms.Terms() {
			values[value.Term] = value.Count
		}
		counts[search.Facet(name)] = values
	}
	return found, nil
}

// page asks for a query's rows. Total and facets do not heed the keys: those
// only keep rows out of the page.
func page(q search.Query) *bleve.SearchRequest {
	req := bleve.NewSearchRequestOptions(matching(q, ""), q.Limit, q.Offset, false)
	if len(plan.Asked(q.Text)) > 0 {
		req.Fields = []string{plan.Title, plan.Description}
	}
	order := plan.SortOf(q.Order)
	if q.FromEnd {
		order = order.Reversed()
	}
	byRank := &blevesearch.SortField{Field: rank(order.Field), Desc: order.Desc, Type: blevesearch.SortFieldAsString}
	req.Sort = blevesearch.SortOrder{byRank}
	key := func(k search.Key) []string { return []string{ranked(order.At(k), k.ID)} }
	switch {
	case q.Order == search.Relevance:
		req.Sort = blevesearch.SortOrder{&blevesearch.SortScore{Desc: true}, byRank}
		return req
	case q.Limit == 0:
		req.Sort = unordered()
	case q.After != nil:
		req.SetSearchAfter(key(*q.After))
	case q.Before != nil:
		req.SetSearchBefore(key(*q.Before))
	}
	req.Score = unscored
	return req
}

// count asks for no rows, without the filter on a facet's own field.
func count(q search.Query, but search.Facet) *bleve.SearchRequest {
	req := bleve.NewSearchRequestOptions(matching(q, but), 0, 0, false)
	req.Score = unscored
	req.Sort = unordered()
	return req
}

// unordered is the order that costs least where no rows are asked for.
func unordered() blevesearch.SortOrder {
	return blevesearch.SortOrder{&blevesearch.SortScore{Desc: true}}
}

// matching is the query without the filter on a facet's own field, if one is
// named. What is filtered does not count towards relevance.
func matching(q search.Query, but search.Facet) query.Query {
	where, words := plan.Where(q, but), plan.Asked(q.Text)
	if len(words) == 0 || plan.None(where) {
		return condition(where)
	}
	both := bleve.NewBooleanQuery()
	both.AddMust(text(words))
	if !plan.All(where) {
		both.AddFilter(condition(where))
	}
	return both
}

func hits(q search.Query, found blevesearch.DocumentMatchCollection) ([]search.Hit, error) {
	order, asked := plan.SortOf(q.Order), plan.Asked(q.Text)
	list := make([]search.Hit, len(found))
	for i, match := range found {
		id, err := strconv.ParseInt(match.ID, 10, 64)
		if err != nil {
			return nil, search.Internal(err)
		}
		list[i].ID = id
		if q.Order != search.Relevance {
			at, err := unranked(match.Sort[0])
			if err != nil {
				return nil, search.Internal(err)
			}
			list[i].Key = order.Key(at, id)
		}
		if len(asked) > 0 {
			title, _ := match.Fields[plan.Title].(string)
			description, _ := match.Fields[plan.Description].(string)
			list[i].Highlights = search.Highlights(title, description,
				plan.Found(title, asked), plan.Found(description, asked))
		}
	}
	return list, nil
}
