// Package consumertest is the conformance suite of consumers of a stream, which the tests of each of them run.
package consumertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"vigie"
	"vigie/consumer"
	"vigie/database"
	"vigie/store"
	"vigie/store/storetest"
)

// Subject is a consumer on a database, with the items that it processes.
type Subject interface {
	// Restart returns the consumer as a new process has it, with that fault.
	Restart(t *testing.T, fault consumer.Fault) *consumer.Consumer
	// Add makes items for it, and returns their ids in the order of their numbers.
	Add(t *testing.T, n int) []int64
	// Processed returns the items that took effect, each as often as it did.
	Processed(t *testing.T) []int64
	// Cursor returns the consumer's cursor.
	Cursor(t *testing.T) int64
	// Store is the database.
	Store() *store.Store
}

// Run runs the suite on each kind of database. Open returns a subject on a database that is empty at first; several
// may be opened on it at the same time. The databases are tried in parallel; open is called by one goroutine at a time.
func Run(t *testing.T, open func(t *testing.T, url string) Subject) {
	var opening sync.Mutex
	newSubject := func(t *testing.T, url string) Subject {
		opening.Lock()
		defer opening.Unlock()
		return open(t, url)
	}
	for kind, database := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for name, test := range map[string]func(*testing.T, *trial){
				"Resumes": testResumes, "PanicsAlways": testPanics, "FailsAlways": testFails, "PanicsTwice": testPanicsTwice,
				"Unavailable": testUnavailable, "DatabaseUnhealthy": testUnhealthy, "Stopped": testStopped,
				"Retried": testRetried, "RetriedInVain": testRetriedInVain, "SeveralFail": testSeveralFail,
			} {
				t.Run(name, func(t *testing.T) {
					url := database(t)
					test(t, newTrial(t, url, newSubject(t, url)))
				})
			}
			if kind == "postgres" { // elsewhere only one process is possible
				t.Run("LeadLost", func(t *testing.T) {
					url := database(t)
					testLeadLost(t, newTrial(t, url, newSubject(t, url)), newTrial(t, url, newSubject(t, url)))
				})
			}
		})
	}
}

// trial is a subject that is observed, and whose items can be made to fail.
type trial struct {
	Subject
	t        *testing.T
	url      string
	consumer *consumer.Consumer
	mutex    sync.Mutex
	// fail makes an item fail, if it is not nil.
	fail func(item int64) error
	// offered counts the tries of each item, and alone those in a batch of its own.
	offered, alone map[int64]int
	cursor         int64
}

func newTrial(t *testing.T, url string, s Subject) *trial {
	w := &trial{Subject: s, t: t, url: url, offered: make(map[int64]int), alone: make(map[int64]int)}
	w.restart()
	return w
}

func (w *trial) restart() {
	w.cursor = 0
	w.consumer = w.Restart(w.t, w.watch)
}

// watch observes items before they are processed: the cursor must not have passed them, and must never go back.
func (w *trial) watch(_ context.Context, _ string, items []consumer.Item) error {
	cursor := w.Cursor(w.t)
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if cursor < w.cursor {
		w.t.Errorf("the cursor moved back from %d to %d", w.cursor, cursor)
	}
	w.cursor = cursor
	var failed error
	for i, item := range items {
		if item.FirstTried.IsZero() && item.Number <= cursor {
			w.t.Errorf("item %d is processed although the cursor %d has passed it", item.Number, cursor)
		}
		if i > 0 && items[i-1].Number >= item.Number {
			w.t.Errorf("item %d is processed after %d", item.Number, items[i-1].Number)
		}
		w.offered[item.ID]++
		if len(items) == 1 {
			w.alone[item.ID]++
		}
		if w.fail != nil && failed == nil {
			failed = w.fail(item.ID)
		}
	}
	return failed
}

func (w *trial) drain() {
	w.t.Helper()
	if err := w.consumer.Drain(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// expect checks which items were processed, each once, and which are quarantined.
func (w *trial) expect(processed []int64, aside ...int64) {
	w.t.Helper()
	got := w.Processed(w.t)
	slices.Sort(got)
	want := slices.Sorted(slices.Values(processed))
	if !slices.Equal(got, want) {
		w.t.Errorf("processed %v, not %v", got, want)
	}
	rows, err := w.Store().Database().Quarantine(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var kept []int64
	for _, row := range rows {
		kept = append(kept, row.Item)
		if row.Consumer != w.consumer.Name || row.Kind == "" || row.Error == "" || row.FirstAt.IsZero() || row.LastAt.Before(row.FirstAt) {
			w.t.Errorf("quarantined as %+v", row)
		}
	}
	slices.Sort(kept)
	if !slices.Equal(kept, slices.Sorted(slices.Values(aside))) {
		w.t.Errorf("quarantined %v, not %v", kept, aside)
	}
}

// without returns the items except some.
func without(items []int64, some ...int64) []int64 {
	return slices.DeleteFunc(slices.Clone(items), func(id int64) bool { return slices.Contains(some, id) })
}

// panics makes items fail by panicking, while may returns true.
func panics(items ...int64) func(int64) error {
	return func(id int64) error {
		if slices.Contains(items, id) {
			panic(fmt.Sprintf("item %d is poisoned", id))
		}
		return nil
	}
}

// A new process continues where the last one stopped.
func testResumes(t *testing.T, w *trial) {
	items := w.Add(t, 5)
	w.drain()
	w.expect(items)
	w.restart()
	clear(w.offered)
	more := w.Add(t, 3)
	w.drain()
	w.expect(append(items, more...))
	for _, id := range items {
		if w.offered[id] > 0 {
			t.Errorf("item %d was processed again after a restart", id)
		}
	}
}

// An item that panics does not end the consumer, and is quarantined after three tries.
func testPanics(t *testing.T, w *trial) {
	items := w.Add(t, 7)
	w.fail = panics(items[3])
	w.drain()
	w.expect(without(items, items[3]), items[3])
	if n := w.alone[items[3]]; n != consumer.Tries {
		t.Errorf("the item was tried %d times alone", n)
	}
	rows, err := w.Store().Database().Quarantine(t.Context())
	if err != nil || len(rows) != 1 {
		t.Fatalf("quarantined: %+v, %v", rows, err)
	}
	if rows[0].Tries != consumer.Tries || !strings.Contains(rows[0].Error, "poisoned") {
		t.Errorf("quarantined as %+v", rows[0])
	}
	more := w.Add(t, 2)
	w.restart()
	w.drain()
	w.expect(append(without(items, items[3]), more...), items[3])
}

// The same goes for an item that returns an error, also for the first and the last item.
func testFails(t *testing.T, w *trial) {
	items := w.Add(t, 4)
	w.fail = func(id int64) error {
		if id == items[0] || id == items[3] {
			return errors.New("cannot be processed")
		}
		return nil
	}
	w.drain()
	w.expect(items[1:3], items[0], items[3])
	w.fail = nil
	more := w.Add(t, 1)
	w.drain()
	w.expect(append(items[1:3:3], more...), items[0], items[3])
}

// A failure that ends before the third try has no effect.
func testPanicsTwice(t *testing.T, w *trial) {
	items := w.Add(t, 5)
	w.fail = func(id int64) error {
		if id == items[2] && w.alone[id] < consumer.Tries {
			panic("not yet")
		}
		return nil
	}
	w.drain()
	w.expect(items)
}

// If a service does not answer, no item is at fault, however long that lasts.
func testUnavailable(t *testing.T, w *trial) {
	notTheirs(t, w, &vigie.Error{Code: vigie.Unavailable, Err: errors.New("it does not answer")})
}

// The same goes for a database that lacks a table.
func testUnhealthy(t *testing.T, w *trial) {
	err := storetest.MissingTable(t, w.url)
	if err == nil || !database.Unhealthy(err) {
		t.Fatalf("a missing table: %v", err)
	}
	notTheirs(t, w, err)
}

func notTheirs(t *testing.T, w *trial, fault error) {
	items := w.Add(t, 5)
	w.fail = func(id int64) error {
		if id == items[2] {
			return fault
		}
		return nil
	}
	for range 4 * consumer.Tries {
		if err := w.consumer.Drain(t.Context()); !errors.Is(err, fault) {
			t.Fatalf("the error is %v", err)
		}
	}
	if rows, err := w.Store().Database().Quarantine(t.Context()); err != nil || len(rows) > 0 {
		t.Fatalf("quarantined: %+v, %v", rows, err)
	}
	w.fail = nil
	w.drain()
	w.expect(items)
}

// A process that is stopped in the middle loses nothing.
func testStopped(t *testing.T, w *trial) {
	items := w.Add(t, 6)
	ctx, stop := context.WithCancel(t.Context())
	w.fail = func(id int64) error {
		if id == items[3] {
			stop()
		}
		return nil
	}
	_ = w.consumer.Drain(ctx) // it may have finished
	w.fail = nil
	w.restart()
	w.drain()
	w.expect(items)
}

// A quarantined item is processed once an operator asks for it and it succeeds.
func testRetried(t *testing.T, w *trial) {
	items := w.Add(t, 5)
	w.fail = panics(items[1], items[3])
	w.drain()
	w.fail = nil
	w.drain()
	w.expect(without(items, items[1], items[3]), items[1], items[3])
	if n, err := w.Store().Retry(t.Context(), []store.ItemRef{{Consumer: w.consumer.Name, Item: items[1]}}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	w.drain()
	w.expect(without(items, items[3]), items[3])
	if n, err := w.Store().Retry(t.Context(), nil); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	w.restart()
	w.drain()
	w.expect(items)
}

// An item that fails again stays in quarantine, and delays nobody.
func testRetriedInVain(t *testing.T, w *trial) {
	items := w.Add(t, 3)
	w.fail = panics(items[1])
	w.drain()
	before, err := w.Store().Database().Quarantine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Store().Retry(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	more := w.Add(t, 2)
	w.drain()
	w.expect(append(without(items, items[1]), more...), items[1])
	after, err := w.Store().Database().Quarantine(t.Context())
	if err != nil || after[0].Tries <= before[0].Tries || after[0].Retry || !after[0].FirstAt.Equal(before[0].FirstAt) {
		t.Errorf("quarantined as %+v, then as %+v, %v", before[0], after[0], err)
	}
	w.fail = nil
	if _, err := w.Store().Retry(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	w.drain()
	w.expect(append(items, more...))
}

// Several items that fail are each quarantined alone.
func testSeveralFail(t *testing.T, w *trial) {
	items := w.Add(t, 9)
	bad := []int64{items[0], items[1], items[5], items[8]}
	w.fail = panics(bad...)
	w.drain()
	w.expect(without(items, bad...), bad...)
}

// A replica that loses leadership in the middle stops, and what it had begun counts once although another replica did
// it too.
func testLeadLost(t *testing.T, first, second *trial) {
	items := first.Add(t, 6)
	lost := false
	first.fail = func(id int64) error {
		if lost || id != items[2] {
			return nil
		}
		lost = true
		storetest.BreakLead(t, first.url, first.consumer.Job)
		second.drain()
		return nil
	}
	_ = first.consumer.Drain(t.Context()) // it may have noticed
	if !lost {
		t.Fatal("leadership was never lost")
	}
	more := first.Add(t, 3)
	first.drain()
	second.drain()
	first.expect(append(items, more...))
}
