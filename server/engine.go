package main

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/search"
	"vigie/server/dependency"
)

// guardedEngine fails what people ask for at once while the search engine is known to be away: nobody waits for what
// will not come, and no place is taken that others need. The indexer goes on trying.
//
// This is a circuit breaker whose probe is a request of our own: libraries for it have some user's request find out
// whether the engine is back.
type guardedEngine struct {
	search.Engine
	is *dependency.Dependency
	// seconds measures the searches that the engine is asked.
	seconds prometheus.Observer
}

// Open implements [search.Engine].
func (e guardedEngine) Open(ctx context.Context, name string) (search.Index, error) {
	index, err := e.Engine.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return guardedIndex{index, e.is, e.seconds}, nil
}

type guardedIndex struct {
	search.Index
	is      *dependency.Dependency
	seconds prometheus.Observer
}

// Search implements [search.Index].
func (i guardedIndex) Search(ctx context.Context, queries []search.Query) ([]search.Result, error) {
	return guard(i.is, func() ([]search.Result, error) {
		defer prometheus.NewTimer(i.seconds).ObserveDuration()
		return i.Index.Search(ctx, queries)
	})
}

// Words implements [search.Index].
func (i guardedIndex) Words(ctx context.Context) (map[string]int, error) {
	return guard(i.is, func() (map[string]int, error) { return i.Index.Words(ctx) })
}

func guard[T any](is *dependency.Dependency, ask func() (T, error)) (T, error) {
	if err := is.Err(); err != nil {
		var none T
		return none, search.Unavailable(fmt.Errorf("not asked, because it does not answer: %w", err))
	}
	answer, err := ask()
	if vigie.CodeOf(err) == vigie.Unavailable {
		is.Suspect()
	}
	return answer, err
}
