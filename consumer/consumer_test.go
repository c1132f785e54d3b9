package consumer_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie/consumer"
	"vigie/database"
	"vigie/store"
	"vigie/store/storetest"
)

// taking returns a consumer that records when it takes steps.
func taking(work func(step int) (more bool, err error)) (c *consumer.Consumer, steps *[]time.Duration) {
	start, list := time.Now(), []time.Duration{}
	c = &consumer.Consumer{Name: "test", Log: slog.New(slog.DiscardHandler)}
	c.Work = func(context.Context) (bool, error) {
		list = append(list, time.Since(start))
		return work(len(list))
	}
	return c, &list
}

// runFor runs a consumer for a time.
func runFor(t *testing.T, c *consumer.Consumer, d time.Duration) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	c.Run(ctx)
}

// Work is done at once; then the consumer polls.
func TestRunPaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, steps := taking(func(step int) (bool, error) { return step < 4, nil })
		runFor(t, c, 3*consumer.Pace-time.Millisecond)
		want := []time.Duration{0, 0, 0, 0, consumer.Pace, 2 * consumer.Pace}
		if len(*steps) != len(want) {
			t.Fatalf("steps at %v, not %v", *steps, want)
		}
		for i, at := range *steps {
			if at != want[i] {
				t.Errorf("steps at %v, not %v", *steps, want)
			}
		}
	})
}

// A step that fails or panics is tried again, with growing pauses; it ends nothing.
func TestRunBacksOff(t *testing.T) {
	for name, fail := range map[string]func() error{
		"fails":  func() error { return errors.New("no answer") },
		"panics": func() error { panic("broken") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				recovers := 40
				c, steps := taking(func(step int) (bool, error) {
					if step < recovers {
						return true, fail()
					}
					return false, nil
				})
				runFor(t, c, 10*time.Minute)
				waits := make([]time.Duration, 0, len(*steps))
				for i := 1; i < len(*steps); i++ {
					waits = append(waits, (*steps)[i]-(*steps)[i-1])
				}
				if first := waits[0]; first > 2*consumer.Pace || first < consumer.Pace/4 {
					t.Errorf("the first pause is %s", first)
				}
				if late := waits[recovers-2]; late < 2*time.Second || late > 10*time.Second {
					t.Errorf("the last pause is %s", late)
				}
				if after := waits[recovers-1]; after != consumer.Pace {
					t.Errorf("once it works, it polls after %s", after)
				}
			})
		})
	}
}

// A consumer that is woken ends its sleep, unless it fails.
func TestRunIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		woken := make(chan struct{}, 1)
		c, steps := taking(func(int) (bool, error) { return false, nil })
		c.Pace = time.Hour
		c.Woken = func(context.Context) <-chan struct{} { return woken }
		time.AfterFunc(time.Minute, func() { woken <- struct{}{} })
		runFor(t, c, 90*time.Minute)
		if len(*steps) != 3 || (*steps)[1] != time.Minute || (*steps)[2] != 61*time.Minute {
			t.Errorf("steps at %v", *steps)
		}
	})
}

// Leadership is taken only when there is something to do, and given back then.
func TestDue(t *testing.T) {
	s, err := store.Open(t.Context(), storetest.SQLite(t), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	due, worked, resigned := false, 0, 0
	c := &consumer.Consumer{
		Name: "test", Job: "test", DB: s.Database(), Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Due:      func(context.Context) (bool, error) { return due, nil },
		Work:     func(context.Context) (bool, error) { worked++; return worked < 3, nil },
		Resigned: func() { resigned++ },
	}
	for _, step := range []struct {
		due              bool
		worked, resigned int
	}{{false, 0, 0}, {true, 1, 0}, {true, 2, 0}, {true, 3, 1}, {false, 3, 1}} {
		due = step.due
		if _, err := c.Step(t.Context()); err != nil || worked != step.worked || resigned != step.resigned {
			t.Errorf("%+v: worked %d times, resigned %d times, %v", step, worked, resigned, err)
		}
	}
}

// Metrics report how long the oldest change has waited, as far as known, and failures.
func TestMetrics(t *testing.T) {
	now := time.Date(2026, time.November, 9, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	s, err := store.Open(t.Context(), storetest.SQLite(t), clock)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := &reader{t: t, store: s, read: make(map[int64]int)}
	metrics := consumer.NewMetrics(s.Database(), clock, slog.New(slog.DiscardHandler))
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics)
	ctx, stop := context.WithCancel(t.Context())
	c := r.Restart(t, nil)
	c.Metrics = metrics
	c.Behind = func(ctx context.Context) (database.Behind, error) { return s.NoticesBehind(ctx, r.Cursor(t)) }
	c.Due = func(context.Context) (bool, error) { return false, nil } // this process does nothing
	ended := make(chan struct{})
	go func() { defer close(ended); c.Run(ctx) }()
	defer func() { stop(); <-ended }()
	for { // the metric exists as soon as the consumer runs
		lags, err := metrics.Behind(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, runs := lags["reader"]; runs {
			break
		}
	}
	expect := func(when string, changes int64, oldest time.Duration) {
		t.Helper()
		lags, err := metrics.Behind(t.Context())
		if got := lags["reader"]; err != nil || got.Changes != changes || got.Oldest != oldest {
			t.Errorf("%s: %+v, %v", when, got, err)
		}
	}
	expect("nothing", 0, 0)
	first := r.Add(t, 1)
	expect("one", 1, 0)
	now = now.Add(time.Minute)
	r.Add(t, 2)
	expect("three", 3, time.Minute)
	now = now.Add(time.Hour)
	expect("later", 3, time.Hour+time.Minute)
	if err := s.Database().Advance(t.Context(), "reader", first[0]); err != nil {
		t.Fatal(err)
	}
	expect("the first is done", 2, time.Hour)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]float64)
	for _, f := range families {
		m := f.GetMetric()[0]
		names[f.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	for name, want := range map[string]float64{
		"vigie_behind": 2, "vigie_behind_seconds": 3600, "vigie_consumer_failures_total": 0, "vigie_consumer_leads": 0, "vigie_quarantine": 0,
	} {
		if got, there := names[name]; !there || got != want {
			t.Errorf("%s is %v, there: %t", name, got, there)
		}
	}

	// Without its database a process says what it knew last, and what waited then goes on waiting.
	metrics.Answers = func() bool { return false }
	now = now.Add(time.Minute)
	if families, err = registry.Gather(); err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		want, known := map[string]float64{"vigie_behind": 2, "vigie_behind_seconds": 3660, "vigie_quarantine": 0}[f.GetName()]
		if got := f.GetMetric()[0].GetGauge().GetValue(); known && got != want {
			t.Errorf("without the database %s is %v, not %v", f.GetName(), got, want)
		}
		delete(names, f.GetName())
	}
	if len(names) > 0 {
		t.Errorf("without the database there is no %v", names)
	}

	// One that never had it says that it does not know.
	never := consumer.NewMetrics(s.Database(), clock, slog.New(slog.DiscardHandler))
	never.Answers = func() bool { return false }
	registry = prometheus.NewRegistry()
	registry.MustRegister(never)
	second := r.Restart(t, nil)
	second.Metrics, second.Behind, second.Due = never, c.Behind, c.Due
	over := make(chan struct{})
	go func() { defer close(over); second.Run(ctx) }()
	defer func() { stop(); <-over }()
	for unknown := 0; unknown < 3; {
		if families, err = registry.Gather(); err != nil {
			t.Fatal(err)
		}
		unknown = 0
		for _, f := range families {
			if math.IsNaN(f.GetMetric()[0].GetGauge().GetValue()) {
				unknown++
			}
		}
	}
}
