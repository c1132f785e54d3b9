package meili

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/meilisearch/meilisearch-go"

	"vigie/query"
	"vigie/search"
	"vigie/search/internal/plan"
)

// Search sends all queries in one HTTP request.
func (x *index) Search(ctx context.Context, queries []search.Query) ([]search.Result, error) {
	results := make([]search.Result, len(queries))
	var asked []question
	for i, q := range queries {
		if err := q.Check(); err != nil {
			return nil, err
		}
		asked = append(asked, x.questions(q, &results[i])...)
	}
	if len(asked) == 0 {
		return results, nil
	}
	requests := make([]*meilisearch.SearchRequest, len(asked))
	for i, a := range asked {
		requests[i] = a.request
	}
	answers, err := try(ctx, x.engine, func() (*meilisearch.MultiSearchResponse, error) {
		return x.engine.server.MultiSearchWithContext(ctx, &meilisearch.MultiSearchRequest{Queries: requests})
	})
	if err != nil {
		return nil, err
	}
	if len(answers.Results) != len(asked) {
		return nil, search.Unavailable(fmt.Errorf("meilisearch: %d answers to %d questions", len(answers.Results), len(asked)))
	}
	for i, a := range asked {
		if err := a.take(answers.Results[i]); err != nil {
			return nil, search.Unavailable(fmt.Errorf("meilisearch: an answer that cannot be read: %w", err))
		}
	}
	return results, nil
}

// question is one of the requests of a query, with the function that reads its answer.
type question struct {
	request *meilisearch.SearchRequest
	take    func(meilisearch.SearchResponse) error
}

// questions returns the requests of a query: its rows; the total and the facets, which ignore keys; and each facet
// that has a filter of its own, without it. The first two are one if there is no key. A query that matches nothing
// needs no request.
func (x *index) questions(q search.Query, r *search.Result) []question {
	r.Counts = make(map[query.Field]map[string]int, len(q.Facets))
	text := plan.Asked(q.Text)
	ask := func(where plan.Expr) *meilisearch.SearchRequest {
		return &meilisearch.SearchRequest{
			IndexUID: x.uid, Query: written(q.Text, text), MatchingStrategy: meilisearch.All,
			Filter: filter(where), AttributesToRetrieve: []string{plan.ID},
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
			list = append(list, question{req, func(a meilisearch.SearchResponse) error { return takeCounts(r, a) }})
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
		return append(list, question{total, takeTotal})
	}

	order, backward := plan.SortOf(q.Order), q.Before != nil || q.FromEnd
	if backward {
		order = order.Reversed()
	}
	if key := cmp.Or(q.After, q.Before); key != nil {
		where = plan.Simplify(plan.And{where, order.Beyond(*key)})
		list = append(list, question{total, takeTotal})
		if plan.None(where) {
			return list
		}
	}
	rows := ask(where)
	if q.Order != search.Relevance {
		rows.Sort = []string{direction(order.Field, order.Desc), direction(plan.ID, order.Desc)}
		rows.AttributesToRetrieve = append(rows.AttributesToRetrieve, order.Field)
	}
	if len(text) > 0 {
		rows.AttributesToRetrieve = append(rows.AttributesToRetrieve, plan.Title, plan.Description)
		rows.ShowMatchesPosition = true
	}
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
		return append(list, question{rows, func(a meilisearch.SearchResponse) error {
			return errors.Join(takeTotal(a), takeRows(a))
		}})
	default:
		rows.Offset, rows.Limit = int64(q.Offset), int64(q.Limit)
		list = append(list, question{total, takeTotal})
	}
	return append(list, question{rows, takeRows})
}

func direction(field string, desc bool) string {
	if desc {
		return field + ":desc"
	}
	return field + ":asc"
}

// written returns the words of a text and nothing else of it: quotes, and a minus before a word, would be operators.
func written(text string, words []plan.Word) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = text[w.Start:w.End]
	}
	return strings.Join(list, " ")
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
	}
	return nil
}

// hits reads rows, with the places where Meilisearch found the text.
func hits(q search.Query, found meilisearch.Hits) ([]search.Hit, error) {
	order := plan.SortOf(q.Order)
	list := make([]search.Hit, len(found))
	for i, raw := range found {
		var row struct {
			ID          int64             `json:"vigieTender"`
			Title       string            `json:"title"`
			Description string            `json:"description"`
			Matches     map[string][]span `json:"_matchesPosition"`
		}
		if err := raw.DecodeInto(&row); err != nil {
			return nil, err
		}
		if row.ID == 0 {
			return nil, errors.New("a row without ID")
		}
		list[i].ID = row.ID
		if q.Order != search.Relevance {
			var at int64
			if err := json.Unmarshal(raw[order.Field], &at); err != nil {
				return nil, fmt.Errorf("a row without %s, by which it is sorted: %w", order.Field, err)
			}
			list[i].Key = order.Key(at, row.ID)
		}
		list[i].Highlights = search.Highlights(row.Title, row.Description, spans(row.Matches[plan.Title]), spans(row.Matches[plan.Description]))
	}
	return list, nil
}

// span is a part of a text, in bytes.
type span struct{ Start, Length int }

func spans(list []span) []query.Span {
	out := make([]query.Span, len(list))
	for i, s := range list {
		out[i] = query.Span{Start: s.Start, End: s.Start + s.Length}
	}
	return out
}
