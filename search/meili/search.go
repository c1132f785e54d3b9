package meili

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/meilisearch/meilisearch-go"

	"vigie/query"
	"vigie/search"
	"vigie/search/internal/plan"
)

// Search sends all queries in one HTTP request, and what some need beyond that in a second one.
func (x *index) Search(ctx context.Context, queries []search.Query) ([]search.Result, error) {
	results := make([]search.Result, len(queries))
	var asked []question
	for i, q := range queries {
		if err := q.Check(); err != nil {
			return nil, err
		}
		if q.Cursor {
			asked = append([]question{x.cursorQuestion(&results[i])}, asked...)
		}
		asked = append(asked, x.questions(q, &results[i])...)
	}
	for len(asked) > 0 {
		if err := x.ask(ctx, asked); err != nil {
			return nil, err
		}
		var more []question
		for _, a := range asked {
			if a.then != nil {
				more = append(more, a.then()...)
			}
		}
		asked = more
	}
	return results, nil
}

// ask asks questions in one HTTP request, and has each take its answer.
func (x *index) ask(ctx context.Context, asked []question) error {
	requests := make([]*meilisearch.SearchRequest, len(asked))
	for i, a := range asked {
		requests[i] = a.request
	}
	answers, err := try(ctx, x.engine, func() (*meilisearch.MultiSearchResponse, error) {
		return x.engine.server.MultiSearchWithContext(ctx, &meilisearch.MultiSearchRequest{Queries: requests})
	})
	if err != nil {
		return err
	}
	if len(answers.Results) != len(asked) {
		return search.Unavailable(fmt.Errorf("meilisearch: %d answers to %d questions", len(answers.Results), len(asked)))
	}
	for i, a := range asked {
		if err := a.take(answers.Results[i]); err != nil {
			return search.Unavailable(fmt.Errorf("meilisearch: an answer that cannot be read: %w", err))
		}
	}
	return nil
}

// question is one of the requests of a query, with the function that reads its answer. If then is not nil, it returns
// what is to be asked once all answers are read.
type question struct {
	request *meilisearch.SearchRequest
	take    func(meilisearch.SearchResponse) error
	then    func() []question
}

// questions returns the requests of a query: its rows; the total and the facets, which ignore keys; and each facet
// that has a filter of its own, without it. The first two are one if there is no key. A query that matches nothing
// needs no request.
func (x *index) questions(q search.Query, r *search.Result) []question {
	r.Counts = make(map[query.Field]map[string]int, len(q.Facets))
	ask := func(where plan.Expr) *meilisearch.SearchRequest {
		return &meilisearch.SearchRequest{
			IndexUID: x.uid, Filter: filter(where), AttributesToRetrieve: []string{plan.ID},
		}
	}
	var list []question
	var along []string // the facets counted with the total
	for _, facet := range q.Facets {
		field := facet.String()
		r.Counts[facet] = map[string]int{}
		if len(q.Filter.Values[facet]) == 0 {
			along = append(along, field)
		} else if where := plan.Where(q, facet); !plan.None(where) {
			req := ask(where)
			req.HitsPerPage, req.Facets = new(int64(0)), []string{field}
			list = append(list, question{request: req, take: func(a meilisearch.SearchResponse) error { return takeCounts(r, a) }})
		}
	}
	where := plan.Where(q, plan.NoFacet)
	if plan.None(where) {
		return list
	}
	total := ask(where)
	total.HitsPerPage, total.Facets = new(int64(0)), along
	takeTotal := func(a meilisearch.SearchResponse) error {
		r.Total = int(a.TotalHits)
		return takeCounts(r, a)
	}
	if q.Limit == 0 {
		return append(list, question{request: total, take: takeTotal})
	}

	order, backward := plan.SortOf(q.Order), q.Before != nil || q.FromEnd
	if backward {
		order = order.Reversed()
	}
	if key := cmp.Or(q.After, q.Before); key != nil {
		where = plan.Simplify(plan.And{where, order.Beyond(*key)})
		list = append(list, question{request: total, take: takeTotal})
		if plan.None(where) {
			return list
		}
	}
	if tiers := relevant(q, where); len(tiers) > 0 {
		return append(list, ranked(q, r, append(tiers, where), ask, question{request: total, take: takeTotal})...)
	}
	rows := ask(where)
	rows.Sort = []string{direction(order.Field, order.Desc), direction(plan.ID, order.Desc)}
	rows.AttributesToRetrieve = append(rows.AttributesToRetrieve, order.Field)
	takeRows := func(a meilisearch.SearchResponse) (err error) {
		r.Hits, err = hits(q, a.Hits)
		if backward {
			slices.Reverse(r.Hits)
		}
		return err
	}
	switch {
	case q.After != nil || q.Before != nil:
		rows.Limit = int64(q.Limit)
	case q.Offset%q.Limit == 0:
		rows.HitsPerPage, rows.Page, rows.Facets = new(int64(q.Limit)), int64(q.Offset/q.Limit+1), along
		return append(list, question{request: rows, take: func(a meilisearch.SearchResponse) error {
			return errors.Join(takeTotal(a), takeRows(a))
		}})
	default:
		rows.Offset, rows.Limit = int64(q.Offset), int64(q.Limit)
		list = append(list, question{request: total, take: takeTotal})
	}
	return append(list, question{request: rows, take: takeRows})
}

// cursorQuestion asks for the index's cursor. Meilisearch answers the questions of a request in their order.
func (x *index) cursorQuestion(r *search.Result) question {
	request := &meilisearch.SearchRequest{
		IndexUID: x.uid, Filter: cursorField + " EXISTS", AttributesToRetrieve: []string{cursorField}, Limit: 1,
	}
	return question{request: request, take: func(a meilisearch.SearchResponse) error {
		if len(a.Hits) == 0 {
			return nil // a new or lost index
		}
		return json.Unmarshal(a.Hits[0][cursorField], &r.Cursor)
	}}
}

func direction(field string, desc bool) string {
	if desc {
		return field + ":desc"
	}
	return field + ":asc"
}

// relevant returns the conditions of a query's better rows by relevance, the best first; of each, the rows that one
// before it is true of count there. It returns none for other orders.
func relevant(q search.Query, where plan.Expr) []plan.Expr {
	if q.Order != search.Relevance {
		return nil
	}
	var tiers []plan.Expr
	for _, tier := range plan.Tiers(q) {
		if tier = plan.Simplify(plan.And{where, tier}); !plan.None(tier) {
			tiers = append(tiers, tier)
		}
	}
	return tiers
}

// ranked are the requests for a query's rows by relevance: as many of each tier as the page may need, if those before
// have none. A row counts in the first tier that it comes in. The last tier has all rows, and its request has the
// total. The first tiers often have enough: those between are asked for only if they do not.
func ranked(q search.Query, r *search.Result, tiers []plan.Expr, ask func(plan.Expr) *meilisearch.SearchRequest, total question) []question {
	const atFirst = 2
	last, need := len(tiers)-1, q.Offset+q.Limit
	byTier := make([][]search.Hit, len(tiers))
	take := func(tier int) func(meilisearch.SearchResponse) error {
		return func(a meilisearch.SearchResponse) (err error) {
			byTier[tier], err = hits(q, a.Hits)
			found := distinct(byTier)
			r.Hits = found[min(q.Offset, len(found)):min(need, len(found))]
			return err
		}
	}
	sort := []string{direction(plan.PublishedAt, true), direction(plan.ID, true)}
	all := total
	all.request.Sort, all.request.Page, all.request.HitsPerPage = sort, 1, new(int64(need))
	all.take = func(a meilisearch.SearchResponse) error { return errors.Join(total.take(a), take(last)(a)) }
	list := []question{all}
	for i, tier := range tiers[:last] {
		rows := ask(tier)
		rows.Limit, rows.Sort = int64(need), sort
		list = append(list, question{request: rows, take: take(i)})
	}
	if last <= atFirst {
		return list
	}
	between := list[1+atFirst:]
	list = list[:1+atFirst]
	list[0].then = func() []question {
		if len(distinct(byTier[:atFirst])) >= min(r.Total, need) {
			return nil
		}
		return between
	}
	return list
}

// distinct are the hits of lists, each where it comes first.
func distinct(lists [][]search.Hit) (all []search.Hit) {
	known := make(map[int64]bool)
	for _, list := range lists {
		for _, hit := range list {
			if !known[hit.ID] {
				known[hit.ID] = true
				all = append(all, hit)
			}
		}
	}
	return all
}

// Words are the values of two facets of their own.
func (x *index) Words(ctx context.Context) (map[string]int, error) {
	answer, err := try(ctx, x.engine, func() (*meilisearch.SearchResponse, error) {
		return x.manager.SearchWithContext(ctx, "", &meilisearch.SearchRequest{
			Filter: filter(plan.And{}), HitsPerPage: new(int64(0)), Facets: []string{plan.Written, plan.Spelled},
		})
	})
	if err != nil {
		return nil, err
	}
	var byField map[string]map[string]int
	if err := json.Unmarshal(answer.FacetDistribution, &byField); err != nil {
		return nil, search.Unavailable(fmt.Errorf("meilisearch: an answer that cannot be read: %w", err))
	}
	counts := make(map[string]int, len(byField[plan.Written])+len(byField[plan.Spelled]))
	for _, words := range byField {
		for value, n := range words {
			counts[unescape(value)] = n
		}
	}
	return counts, nil
}

// takeCounts adds the facets of an answer to a result.
func takeCounts(r *search.Result, a meilisearch.SearchResponse) error {
	if len(a.FacetDistribution) == 0 {
		return nil
	}
	var byField map[string]map[string]int
	if err := json.Unmarshal(a.FacetDistribution, &byField); err != nil {
		return err
	}
	for facet, values := range r.Counts {
		for value, n := range byField[facet.String()] {
			values[unescape(value)] = n
		}
		plan.MostFrequent(values, search.MaxFacetValues)
	}
	return nil
}

// hits reads rows.
func hits(q search.Query, found meilisearch.Hits) ([]search.Hit, error) {
	order := plan.SortOf(q.Order)
	list := make([]search.Hit, len(found))
	for i, raw := range found {
		var row struct {
			ID int64 `json:"vigieTender"`
		}
		if err := raw.DecodeInto(&row); err != nil {
			return nil, err
		}
		if row.ID == 0 {
			return nil, errors.New("a row without ID")
		}
		list[i].ID = row.ID
		if q.Order == search.Relevance {
			continue
		}
		var at int64
		if err := json.Unmarshal(raw[order.Field], &at); err != nil {
			return nil, fmt.Errorf("a row without %s, by which it is sorted: %w", order.Field, err)
		}
		list[i].Key = order.Key(at, row.ID)
	}
	return list, nil
}
