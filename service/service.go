// Package service holds the use cases: what the API and the commands do, in
// terms of the domain. It validates what people give, asks the store and the
// search engine, and knows neither GraphQL nor HTTP.
package service

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"vigie"
	"vigie/query"
	"vigie/search"
	"vigie/store"
)

// Service does the use cases. Its fields are set once, before use.
type Service struct {
	Store *store.Store
	// Index returns the search index that answers now; an error of code
	// [vigie.Unavailable] while there is none.
	Index func() (search.Index, error)
	// News follows what is published, from the call on until ctx ends; an error
	// is the last thing that it yields.
	News func(ctx context.Context) (iter.Seq2[[]*query.NoticeEffect, error], error)
	Now  func() time.Time
	Log  *slog.Logger
	// Feeds are the addresses of feeds and calendars.
	Feeds FeedAddresses
	// collators are those that nobody uses now: to make one takes long.
	collators sync.Pool
	speller   speller
	sources   sourceHealth
}

// now is the present moment in whole seconds, the precision of tenders' times.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Second) }

// search asks the index that answers now, all queries at once. Of texts that found few rows, typing errors are
// forgiven; the query then says so. The queries are in groups of these sizes, each alone where none are given: the
// first of a group decides for the others, which count parts of what it lists.
func (s *Service) search(ctx context.Context, queries []search.Query, groups ...int) ([]search.Result, error) {
	index, err := s.Index()
	if err != nil {
		return nil, err
	}
	results, err := index.Search(ctx, queries)
	if err != nil {
		return nil, err
	}
	if groups == nil {
		groups = slices.Repeat([]int{1}, len(queries))
	}
	return results, s.corrected(ctx, index, queries, results, groups)
}

// badRequest refuses what no form can have led to, at an argument.
func badRequest(text vigie.Text, argument string) error {
	return &vigie.Error{Code: vigie.BadRequest, Field: []string{argument}, Text: text}
}
