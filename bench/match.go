package main

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"vigie"
	"vigie/bench/corpus"
	"vigie/match"
	"vigie/query"
)

// MatchOptions says how much to measure.
type MatchOptions struct {
	Watches, Tenders int
	Seed             uint64
	// Cold is how many tenders of each kind are matched again after the
	// processor's caches were filled with something else; it takes 0.1 s each.
	Cold int
	// Postgres is the address of a server on which the same is done beside, in
	// a schema of its own that is dropped afterwards; "" for none.
	Postgres string
}

// MatchReport is what was measured. Times are of one goroutine.
type MatchReport struct {
	Watches       int     `json:"watches"`
	Seed          uint64  `json:"seed"`
	Notices       int     `json:"notices"` // that the words were drawn from
	Postings      int     `json:"postings"`
	Atoms         int     `json:"atoms"`
	BuildSeconds  float64 `json:"build_s"` // compiling the criteria included
	BytesPerWatch float64 `json:"bytes_per_watch"`
	// GCMillis is how long a full garbage collection takes with the index
	// alone in memory.
	GCMillis float64     `json:"gc_ms"`
	Measures []MatchTime `json:"measures"`
}

// MatchTime is one kind of tenders, under one circumstance.
type MatchTime struct {
	Tenders            corpus.Kind `json:"tenders"`
	Circumstance       string      `json:"circumstance"` // warm, cold, postgres, changing
	Count              int         `json:"count"`
	Share              float64     `json:"share"` // of the watches that match, mean
	P50                float64     `json:"p50_ms"`
	P99                float64     `json:"p99_ms"`
	CandidatesPerMatch float64     `json:"candidates_per_match,omitempty"` // median
	MatchesPerTender   float64     `json:"matches_per_tender"`
	MatchesPerSecond   float64     `json:"matches_per_s"`
	// Ratio is how many times as long as the index PostgreSQL takes, in the
	// median of the same tenders.
	Ratio float64 `json:"ratio,omitempty"`
}

// Match measures the matcher.
func Match(ctx context.Context, c *corpus.Corpus, o MatchOptions) (*MatchReport, error) {
	r := &MatchReport{Watches: o.Watches, Seed: o.Seed, Notices: c.Titles()}
	frequencies := c.Frequencies(o.Seed)
	before := heap()
	x := r.build(c, frequencies, o)
	r.BytesPerWatch = float64(heap()-before) / float64(o.Watches)
	start := time.Now()
	runtime.GC()
	r.GCMillis = millis(time.Since(start))
	stats := x.Stats()
	r.Postings, r.Atoms = stats.Postings, stats.Atoms
	for _, kind := range corpus.Kinds() {
		tenders := c.Tenders(o.Tenders, kind, o.Seed)
		measure(x, tenders[:min(20, len(tenders))], nil) // the first touch of everything
		r.add(kind, "warm", o.Watches, measure(x, tenders, nil))
		r.add(kind, "cold", o.Watches, measure(x, tenders[:min(o.Cold, len(tenders))], wiper()))
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	if o.Postgres != "" {
		if err := r.besidePostgres(ctx, x, c, o, frequencies); err != nil {
			return nil, err
		}
	}
	// Last, as the index then holds other watches than were drawn.
	for _, kind := range corpus.Kinds() {
		stop := keepChanging(x, c, o)
		r.add(kind, "changing", o.Watches, measure(x, c.Tenders(o.Tenders, kind, o.Seed), nil))
		stop()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	runtime.KeepAlive(x)
	return r, nil
}

// watches are those that are matched. Beside PostgreSQL they have only criteria that its tables have: words, buyers,
// natures, codes and places.
func (o MatchOptions) watches(c *corpus.Corpus) []vigie.Criteria {
	watches := c.Watches(o.Watches, o.Seed)
	if o.Postgres == "" {
		return watches
	}
	for i := range watches {
		w := &watches[i]
		w.MinValue, w.MaxValue, w.Techniques, w.DeadlineKinds = "", "", nil, nil
	}
	return watches
}

func (r *MatchReport) build(c *corpus.Corpus, f match.Frequencies, o MatchOptions) *match.Index {
	watches := o.watches(c)
	start := time.Now()
	changes := make([]match.Change, len(watches))
	for i, w := range watches {
		changes[i] = match.Change{Watch: int64(i + 1), Formula: new(query.Compile(w))}
	}
	x := match.New(f)
	x.Apply(changes)
	r.BuildSeconds = time.Since(start).Seconds()
	return x
}

// keepChanging changes a thousand watches a second until it is stopped.
func keepChanging(x *match.Index, c *corpus.Corpus, o MatchOptions) (stop func()) {
	const batch, pause = 10, 10 * time.Millisecond
	g := rand.New(rand.NewPCG(o.Seed, 4))
	done := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for tick := time.NewTicker(pause); ; {
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
			}
			changes := make([]match.Change, batch)
			for i := range changes {
				changes[i] = match.Change{Watch: 1 + g.Int64N(int64(o.Watches)), Formula: new(query.Compile(c.Watch(g)))}
			}
			x.Apply(changes)
		}
	})
	return func() {
		close(done)
		writer.Wait()
	}
}

// timed is one tender's match.
type timed struct {
	took           time.Duration
	matched, tried int
}

func measure(x *match.Index, tenders []query.Facts, between func()) []timed {
	all := make([]timed, len(tenders))
	var list []int64
	for i, t := range tenders {
		if between != nil {
			between()
		}
		start := time.Now()
		var tried int
		list, tried = x.Match(t, list[:0])
		all[i] = timed{time.Since(start), len(list), tried}
	}
	return all
}

// wiper returns a function after which the processor's caches hold nothing of
// the index: it writes more than they hold.
func wiper() func() {
	const size = 512 << 20
	room := make([]byte, size)
	return func() {
		for i := 0; i < size; i += 64 {
			room[i]++
		}
	}
}

func (r *MatchReport) add(kind corpus.Kind, circumstance string, watches int, all []timed) {
	if len(all) == 0 {
		return
	}
	m := MatchTime{Tenders: kind, Circumstance: circumstance, Count: len(all)}
	var matched int
	var took time.Duration
	var candidates []float64
	for _, t := range all {
		matched += t.matched
		took += t.took
		if t.matched > 0 && t.tried > 0 {
			candidates = append(candidates, float64(t.tried)/float64(t.matched))
		}
	}
	sorted := durations(all)
	m.P50, m.P99 = median(sorted), sorted[(len(sorted)-1)*99/100]
	if len(candidates) > 0 {
		slices.Sort(candidates)
		m.CandidatesPerMatch = candidates[len(candidates)/2]
	}
	m.MatchesPerTender = float64(matched) / float64(len(all))
	m.Share = m.MatchesPerTender / float64(watches)
	m.MatchesPerSecond = float64(matched) / took.Seconds()
	r.Measures = append(r.Measures, m)
}

// durations are the times in milliseconds, sorted.
func durations(all []timed) []float64 {
	list := make([]float64, len(all))
	for i, t := range all {
		list[i] = millis(t.took)
	}
	slices.Sort(list)
	return list
}

func median(sorted []float64) float64 { return sorted[len(sorted)/2] }

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// heap is how many bytes live.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
