package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"vigie"
)

// A caller whose operations take all that it may have waits for itself, for a
// while; nobody else waits for it, and nothing of it is kept.
func TestQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueues(10, 2, 5*time.Second)
		enter := func(who string, n int64) func() {
			t.Helper()
			leave, err := q.enter(t.Context(), who, n)
			if err != nil {
				t.Fatalf("%s for %d: %v", who, n, err)
			}
			return leave
		}
		refused := func(who string, n int64, after time.Duration) {
			t.Helper()
			start := time.Now()
			_, err := q.enter(t.Context(), who, n)
			if vigie.CodeOf(err) != vigie.TooManyRequests || time.Since(start) != after {
				t.Errorf("%s for %d: %v after %v, not refused after %v", who, n, err, time.Since(start), after)
			}
		}
		leave := enter("a", 8)
		refused("a", 3, 5*time.Second)
		second := enter("a", 2)

		entered := make(chan func(), 2)
		for range 2 {
			go func() { entered <- enter("a", 5) }()
		}
		synctest.Wait()
		refused("a", 1, 0)
		enter("b", 99)() // all that it may have, and not more
		leave()
		leave() // once too often
		(<-entered)()
		(<-entered)()
		second()
		if len(q.by) != 0 {
			t.Errorf("kept of callers that are done: %v", q.by)
		}
	})
}

// One address whose tokens take long to check leaves places to others.
func TestSignInsOfAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := limitSettings{MaxInFlight: 4}.open(time.Now)
		if err != nil {
			t.Fatal(err)
		}
		enter := func(address string) error {
			_, err := g.enterSignIn(context.WithValue(t.Context(), addressKey{}, address))
			return err
		}
		for range 2 {
			if err := enter("192.0.2.1"); err != nil {
				t.Fatal(err)
			}
		}
		for range 8 {
			go func() { _ = enter("192.0.2.1") }()
		}
		synctest.Wait()
		if err := enter("192.0.2.1"); vigie.CodeOf(err) != vigie.Unavailable {
			t.Errorf("one more of the same address: %v", err)
		}
		if err := enter("192.0.2.2"); err != nil {
			t.Errorf("another address: %v", err)
		}
	})
}
