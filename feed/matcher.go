package feed

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/consumer"
	"vigie/database"
	"vigie/match"
	"vigie/query"
	"vigie/store"
)

// Matcher finds, in memory, the watches that a tender matches. Every replica has one, filled at the start and kept up
// to date with the database's changes.
//
// Update, WithSnapshot and Run must not be called while one of them, or Match, is running.
type Matcher struct {
	// Compile turns criteria into a formula; [query.Compile] if nil.
	Compile func(vigie.Criteria) query.Formula
	// Metrics are passed to the consumer; may be nil.
	Metrics *consumer.Metrics

	log     *slog.Logger
	metrics matchMetrics
	index   *match.Index
	// reached is the last change in the index; epoch is that of its database.
	reached int64
	epoch   string
	// aside are watches that cannot be matched, until they are recorded in the quarantine.
	aside map[int64]error
}

// sample is the number of recent tenders that show which words are rare.
const sample = 2000

// NewMatcher returns a matcher without watches, which Update fills, and registers its metrics.
func NewMatcher(metrics prometheus.Registerer, log *slog.Logger) *Matcher {
	return &Matcher{
		Compile: query.Compile, log: log, metrics: newMatchMetrics(metrics), index: match.New(nil), aside: make(map[int64]error),
	}
}

// Run follows the database until ctx ends. Errors are logged, and the work is tried again: databases come back.
func (m *Matcher) Run(ctx context.Context, s *store.Store) {
	c := &consumer.Consumer{Name: database.MatcherConsumer, DB: s.Database(), Log: m.log, Metrics: m.Metrics}
	c.Work = func(ctx context.Context) (more bool, err error) { return false, m.WithSnapshot(ctx, s, nil) }
	c.Run(ctx)
}

// WithSnapshot brings the matcher up to date with the database and calls then, if it is not nil, with the snapshot
// that the matcher now agrees with. Before it returns, it quarantines the watches that it cannot match: later they
// catch up on what comes after the last notice that was matched with them.
func (m *Matcher) WithSnapshot(ctx context.Context, s *store.Store, then func(ctx context.Context, now *store.Snapshot) error) error {
	err := s.Snapshot(ctx, func(ctx context.Context, now *store.Snapshot) error {
		if err := m.Update(ctx, now); err != nil || then == nil {
			return err
		}
		return then(ctx, now)
	})
	if err != nil || len(m.aside) == 0 {
		return err
	}
	matched, err := s.AlertsCursor(ctx)
	if err != nil {
		return err
	}
	for watch, cause := range m.aside {
		if err := SetWatchAside(ctx, s, watch, matched, cause); err != nil {
			return err
		}
		delete(m.aside, watch)
	}
	return nil
}

// SetWatchAside quarantines a watch that cannot be matched: later it catches up on what came after a number.
func SetWatchAside(ctx context.Context, s *store.Store, watch, matched int64, cause error) error {
	return s.Database().SetAside(ctx, &database.Quarantined{
		Consumer: database.MatcherConsumer, Item: watch, Kind: database.WatchItem, Number: matched, Error: cause.Error(), Tries: consumer.Tries,
	}, nil)
}

// LeaveOut leaves out a watch that cannot be matched, until it is recorded in the quarantine.
func (m *Matcher) LeaveOut(ctx context.Context, watch int64, cause error) {
	m.log.ErrorContext(ctx, "watch cannot be matched: quarantined", "component", "matcher", "action", "load", "watch", watch, "error", cause)
	m.aside[watch] = cause
}

// Update brings the matcher up to date with a snapshot: later matches use the watches as they are in it. If it fails,
// the matcher stays as it was.
func (m *Matcher) Update(ctx context.Context, now *store.Snapshot) error {
	epoch, err := now.Epoch(ctx)
	if err != nil {
		return err
	}
	switch {
	// The database was replaced by one with another past, or by an older state of it.
	case epoch != m.epoch || m.reached > now.Number:
		err = m.load(ctx, now)
	case m.reached < now.Number:
		err = m.catchUp(ctx, now)
	}
	if err != nil {
		return err
	}
	m.epoch, m.reached = epoch, now.Number
	m.metrics.watches.Set(float64(m.index.Stats().Watches))
	m.metrics.number.Set(float64(m.reached))
	return nil
}

// Reached returns the number of the last change in the matcher.
func (m *Matcher) Reached() int64 { return m.reached }

// Match returns the watches that a tender matches, in no particular order.
func (m *Matcher) Match(t *vigie.Tender) []int64 {
	facts, _ := query.FactsOf(t)
	start := time.Now()
	watches, tried := m.index.Match(facts, nil)
	m.metrics.seconds.Observe(time.Since(start).Seconds())
	m.metrics.candidates.Add(float64(tried))
	m.metrics.matches.Add(float64(len(watches)))
	return watches
}

func (m *Matcher) load(ctx context.Context, now *store.Snapshot) error {
	start := time.Now()
	rare, err := frequencies(ctx, now)
	if err != nil {
		return err
	}
	index := match.New(rare)
	load := func(formulaOf formulas) error {
		return consumer.Guard(func() (err error) {
			index.Load(func(yield func(int64, query.Formula) bool) {
				for w, readErr := range ahead(now.ChangedWatches(ctx, 0)) {
					if readErr != nil {
						err = readErr
						return
					}
					if w.Unreadable != nil {
						m.LeaveOut(ctx, w.ID, w.Unreadable)
						continue
					}
					if f, ok := formulaOf(w.ID, *w.Criteria); ok && !yield(w.ID, f) {
						return
					}
				}
			})
			return err
		})
	}
	if err := m.addWatches(ctx, load); err != nil {
		return err
	}
	m.index = index
	m.log.InfoContext(ctx, "watches loaded", "count", index.Stats().Watches, "took", time.Since(start), "component", "matcher", "action", "load")
	return nil
}

func (m *Matcher) catchUp(ctx context.Context, now *store.Snapshot) error {
	var changed []store.WatchState
	for w, err := range now.ChangedWatches(ctx, m.reached) {
		if err != nil {
			return err
		}
		changed = append(changed, w)
	}
	return m.addWatches(ctx, func(formulaOf formulas) error {
		return consumer.Guard(func() error {
			changes := make([]match.Change, len(changed))
			for i, w := range changed {
				changes[i] = match.Change{Watch: w.ID}
				if w.Unreadable != nil {
					m.LeaveOut(ctx, w.ID, w.Unreadable)
				}
				if w.Criteria == nil {
					continue
				}
				if f, ok := formulaOf(w.ID, *w.Criteria); ok {
					changes[i].Formula = &f
				}
			}
			m.index.Apply(changes)
			return nil
		})
	})
}

// formulas compiles a watch's criteria; ok is false for a watch that is not to be matched.
type formulas func(watch int64, c vigie.Criteria) (f query.Formula, ok bool)

// addWatches adds watches. If that panics, it tries each of them alone, and leaves out those at fault.
func (m *Matcher) addWatches(ctx context.Context, take func(formulas) error) error {
	err := take(func(_ int64, c vigie.Criteria) (query.Formula, bool) { return m.Compile(c), true })
	if _, panicked := errors.AsType[*consumer.Panic](err); !panicked {
		return err
	}
	return take(func(watch int64, c vigie.Criteria) (query.Formula, bool) {
		f, err := m.FormulaOf(c)
		if err != nil {
			m.LeaveOut(ctx, watch, err)
		}
		return f, err == nil
	})
}

// FormulaOf compiles criteria, and turns a panic into an error, also one of an index to which the formula is added.
func (m *Matcher) FormulaOf(c vigie.Criteria) (f query.Formula, err error) {
	for range consumer.Tries {
		if err = consumer.Guard(func() error {
			f = m.Compile(c)
			match.New(nil).Apply([]match.Change{{Watch: 1, Formula: &f}})
			return nil
		}); err == nil {
			return f, nil
		}
	}
	return f, err
}

// frequencies returns the frequencies of words in recent tenders.
func frequencies(ctx context.Context, now *store.Snapshot) (match.Frequencies, error) {
	tenders, err := now.LastTenders(ctx, sample)
	if err != nil {
		return nil, err
	}
	f := make(match.Frequencies)
	for _, t := range tenders {
		_ = consumer.Guard(func() error { // what fails on one tender makes the words of others no rarer
			facts, _ := query.FactsOf(t)
			f.Add(facts)
			return nil
		})
	}
	f.Trim(3)
	return f, nil
}

// ahead reads ahead from the database while the caller works on what was read before.
func ahead(watches iter.Seq2[store.WatchState, error]) iter.Seq2[store.WatchState, error] {
	type read struct {
		watch store.WatchState
		err   error
	}
	return func(yield func(store.WatchState, error) bool) {
		const batch = 1000
		full := make(chan []read, 8)
		stop := make(chan struct{})
		defer func() { // and waits, because the connection is needed
			close(stop)
			for range full {
			}
		}()
		go func() {
			defer close(full)
			next := make([]read, 0, batch)
			send := func() bool {
				select {
				case full <- next:
					next = make([]read, 0, batch)
					return true
				case <-stop:
					return false
				}
			}
			err := consumer.Guard(func() error {
				for w, err := range watches {
					if next = append(next, read{w, err}); len(next) == batch && !send() {
						return nil
					}
				}
				return nil
			})
			if err != nil {
				next = append(next, read{err: err})
			}
			send()
		}()
		for some := range full {
			for _, r := range some {
				if !yield(r.watch, r.err) {
					return
				}
			}
		}
	}
}

type matchMetrics struct {
	candidates, matches prometheus.Counter
	seconds             prometheus.Histogram
	watches, number     prometheus.Gauge
}

func newMatchMetrics(r prometheus.Registerer) matchMetrics {
	m := matchMetrics{
		candidates: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "vigie_match_candidates_total", Help: "Registrations of watches that matching looked at.",
		}),
		matches: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "vigie_match_matches_total", Help: "Watches that tenders matched.",
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "vigie_match_seconds", Help: "How long matching one tender against all watches took.",
			Buckets: prometheus.ExponentialBuckets(10e-6, 4, 8),
		}),
		watches: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "vigie_match_watches", Help: "Watches held.",
		}),
		number: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "vigie_match_change_number", Help: "The number of the last change that the matcher knows of.",
		}),
	}
	r.MustRegister(m.candidates, m.matches, m.seconds, m.watches, m.number)
	return m
}
