package nodes_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"vigie/query"
	"vigie/search"
	"vigie/search/meili"
	"vigie/search/meili/meilitest"
	"vigie/search/nodes"
	"vigie/search/searchtest"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start starts three servers of Meilisearch.
func start(t testing.TB) (servers []*meilitest.Process) {
	for range 3 {
		servers = append(servers, meilitest.Start(t))
	}
	return servers
}

// open opens them as one engine. Reads go to any of them, by a known seed.
func open(t testing.TB, servers []*meilitest.Process) *nodes.Engine {
	t.Helper()
	var members []nodes.Member
	for i, s := range servers {
		engine, err := meili.Open(s.URL, s.Key, meili.Options{Patience: -1})
		check(t, err)
		members = append(members, nodes.Member{Name: fmt.Sprint("node-", i), Engine: engine})
	}
	var mutex sync.Mutex
	random := rand.New(rand.NewPCG(1, 1))
	return nodes.New(members, nodes.Options{Random: func(n int) int {
		mutex.Lock()
		defer mutex.Unlock()
		return random.IntN(n)
	}})
}

// The nodes together are an engine like any other: whichever of them answers, pages go on, and rows, totals, counts and
// ranks are the same.
func TestConformance(t *testing.T) {
	servers := start(t)
	searchtest.Run(t, func(t *testing.T) search.Engine { return open(t, servers) })
}

// tenders are documents of few terms, as a database has them.
func tenders(n int64) []search.Document {
	list := make([]search.Document, n)
	for i := range list {
		id := int64(i) + 1
		list[i] = search.Document{
			ID: id, Number: id, PublishedAt: time.Unix(1_700_000_000+id*60, 0),
			Facts: query.Facts{query.Term: {fmt.Sprint("w", id%7), fmt.Sprint("x", id%101)}, query.Buyer: {fmt.Sprint("buyer_", id%300)}},
		}
	}
	return list
}

// BenchmarkPause measures pages of a list from when one of three nodes was paused, without that, and of one server
// without nodes: what the slowest reads take, and how many were asked of a second node.
func BenchmarkPause(b *testing.B) {
	servers := start(b)
	engine := open(b, servers)
	defer engine.Close()
	index, err := engine.Open(b.Context(), "pause")
	check(b, err)
	check(b, index.Put(b.Context(), tenders(20_000)))
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { engine.Run(ctx) })
	defer func() { stop(); running.Wait() }()
	// Eight readers at once, each with 50 reads a second at most. What counts is the second half, for what is usual is
	// known by then.
	const readers = 8
	load := func(b *testing.B, index search.Index, halfway func()) {
		var before int64
		var mutex sync.Mutex
		var times []time.Duration
		var reading sync.WaitGroup
		next := make(chan int)
		for range readers {
			reading.Go(func() {
				for n := range next {
					began := time.Now()
					_, err := index.Search(b.Context(), []search.Query{{
						Any: []query.Formula{{Clauses: []query.Clause{{{{Field: query.Term, Value: fmt.Sprint("w", n%7)}}}}}}, Limit: 20, Now: time.Now(),
					}})
					took := time.Since(began)
					if err != nil {
						b.Error(err)
					}
					if n >= b.N/2 {
						mutex.Lock()
						times = append(times, took)
						mutex.Unlock()
					}
					time.Sleep(20 * time.Millisecond)
				}
			})
		}
		for n := range b.N {
			if n == b.N/2 {
				before = hedges(engine)
				halfway()
			}
			next <- n
		}
		close(next)
		reading.Wait()
		slices.Sort(times)
		report := func(percent int, unit string) {
			b.ReportMetric(float64(times[len(times)*percent/100])/float64(time.Millisecond), unit)
		}
		report(50, "p50-ms")
		report(99, "p99-ms")
		b.ReportMetric(float64(times[len(times)-1])/float64(time.Millisecond), "max-ms")
		b.ReportMetric(100*float64(hedges(engine)-before)/float64(len(times)), "hedges-%")
	}
	single, err := meili.Open(servers[0].URL, servers[0].Key, meili.Options{})
	check(b, err)
	alone, err := single.Open(b.Context(), "pause")
	check(b, err)
	b.Run("one server by itself", func(b *testing.B) { load(b, alone, func() {}) })
	b.Run("three nodes", func(b *testing.B) { load(b, index, func() {}) })
	b.Run("three nodes, one paused", func(b *testing.B) {
		load(b, index, servers[0].Pause)
		servers[0].Resume()
	})
}

func hedges(engine *nodes.Engine) (n int64) {
	for _, s := range engine.States() {
		n += s.Hedges
	}
	return n
}
