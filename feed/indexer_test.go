package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"vigie"
	"vigie/consumer"
	"vigie/search"
	"vigie/search/bleve"
	"vigie/store"
	"vigie/store/storetest"
)

// rig is a database, an engine that can be made to fail, and an indexer.
type rig struct {
	t       *testing.T
	store   *store.Store
	engine  *fragile
	indexer *Indexer
	// consumer returns the indexer's consumer, for single steps.
	consumer *consumer.Consumer
	dir      string
}

// fragile is an engine that can be made to fail, and counts how often it does.
type fragile struct {
	search.Engine
	down   atomic.Bool
	failed atomic.Int64
}

func (f *fragile) fail() error {
	f.failed.Add(1)
	return search.Unavailable(errors.New("engine is down"))
}

func (f *fragile) Open(ctx context.Context, name string) (search.Index, error) {
	if f.down.Load() {
		return nil, f.fail()
	}
	index, err := f.Engine.Open(ctx, name)
	return fragileIndex{index, f}, err
}

type fragileIndex struct {
	search.Index
	engine *fragile
}

func (i fragileIndex) Put(ctx context.Context, docs []search.Document) error {
	if i.engine.down.Load() {
		return i.engine.fail()
	}
	return i.Index.Put(ctx, docs)
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, dir: t.TempDir(), engine: &fragile{}}
	var err error
	if r.store, err = store.Open(t.Context(), storetest.SQLite(t), time.Now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.store.Close() })
	r.restart()
	t.Cleanup(func() { r.engine.Close() })
	return r
}

// restart returns what a new process has.
func (r *rig) restart() {
	r.t.Helper()
	if r.engine.Engine != nil {
		r.engine.Engine.Close()
	}
	log := slog.New(slog.NewTextHandler(r.t.Output(), nil))
	engine, err := bleve.Open(filepath.Join(r.dir, "index"), log)
	if err != nil {
		r.t.Fatal(err)
	}
	r.engine.Engine = engine
	r.indexer = NewIndexer(r.store, r.engine, log)
	r.consumer = r.indexer.consumer()
}

func (r *rig) publish(from, to int) {
	r.t.Helper()
	var notices []*vigie.Notice
	for i := from; i < to; i++ {
		notices = append(notices, &vigie.Notice{
			Source: "test", SourceRef: fmt.Sprint(i), Kind: vigie.ContractNotice, PublishedAt: time.Now().Add(-time.Hour),
			Buyer: vigie.BuyerName{Name: "Commune"}, Content: vigie.Content{Title: fmt.Sprintf("Voirie %d", i)},
		})
	}
	for batch := range slices.Chunk(notices, vigie.MaxBatch) {
		if _, err := r.store.Publish(r.t.Context(), batch); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) step() bool {
	r.t.Helper()
	more, err := r.consumer.Step(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return more
}

func (r *rig) follow() {
	r.t.Helper()
	if err := r.indexer.Step(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// found counts the results of a search; -1 if search is not available.
func (r *rig) found() int {
	r.t.Helper()
	index, err := r.indexer.Index()
	if vigie.CodeOf(err) == vigie.Unavailable {
		return -1
	}
	if err != nil {
		r.t.Fatal(err)
	}
	results, err := index.Search(r.t.Context(), []search.Query{{Now: time.Now()}})
	if err != nil {
		r.t.Fatal(err)
	}
	return results[0].Total
}

func (r *rig) expect(when string, want int) {
	r.t.Helper()
	if got := r.found(); got != want {
		r.t.Errorf("%s: %d tenders found, want %d", when, got, want)
	}
}

func TestIndexFollows(t *testing.T) {
	r := newRig(t)
	r.publish(0, 3)
	r.expect("before anything is done", -1)
	r.follow()
	r.expect("after the first look", 3)
	r.publish(3, 700)
	r.follow()
	r.expect("after more than a batch", 700)
	r.restart()
	r.expect("in a new process", -1)
	r.step()
	r.expect("in a new process, after a look", 700)
	if _, err := r.store.Publish(t.Context(), []*vigie.Notice{{
		Source: "test", SourceRef: "both", Links: []string{"1", "2"}, Kind: vigie.Correction, PublishedAt: time.Now(),
		Buyer: vigie.BuyerName{Name: "Commune"}, Content: vigie.Content{Title: "Voirie 1 et 2"},
	}}); err != nil {
		t.Fatal(err)
	}
	r.follow()
	r.expect("after two tenders became one", 699)
}

// A rebuild never gives wrong answers: until the new index has caught up, the old one stays active and up to date.
func TestRebuild(t *testing.T) {
	r := newRig(t)
	r.publish(0, 2*batch)
	r.follow()
	old := r.indexer.active.Load().name
	if _, err := r.store.BeginIndex(t.Context(), Version()); err != nil {
		t.Fatal(err)
	}
	total := 2 * batch
	for r.step() {
		r.expect("during the rebuild", total)
		r.publish(total, total+1)
		total++
		if r.indexer.active.Load().name == old {
			r.step()
		}
		if total > 2*batch+20 {
			t.Fatal("the rebuild did not end")
		}
	}
	r.follow()
	r.expect("after the rebuild", total)
	if r.indexer.active.Load().name == old {
		t.Error("the old index is still active")
	}
	r.indexer.feeders[0].retired[old] = time.Now().Add(-2 * keepRetired)
	r.follow()
	names, err := r.engine.Names(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(names, old) {
		t.Errorf("the old index is still there: %v", names)
	}
}

// An index that has lost data, or that comes from another past of the database, is never active, and is built from
// scratch.
func TestLostIndex(t *testing.T) {
	r := newRig(t)
	r.publish(0, 10)
	r.follow()
	name := r.indexer.active.Load().name
	if err := r.engine.Drop(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	r.restart()
	for r.step() {
		if got := r.found(); got != -1 && got != 10 {
			t.Errorf("%d tenders found before the index was rebuilt", got)
		}
	}
	r.expect("after the index was lost", 10)

	// A change of another database, with a number that this one never gave.
	index, err := r.indexer.Index()
	if err != nil {
		t.Fatal(err)
	}
	if err := index.Put(t.Context(), []search.Document{{ID: 99, Number: 1 << 40, PublishedAt: time.Now()}}); err != nil {
		t.Fatal(err)
	}
	r.restart()
	r.follow()
	r.expect("after an index of another past was found", 10)
}

// An index that was complete when the database was empty, and is wiped later, has lost data too: no search uses what
// is left of it.
func TestLostIndexOfAnEmptyStart(t *testing.T) {
	r := newRig(t)
	r.follow()
	r.expect("with an empty database", 0)
	r.publish(0, 2*batch+10)
	r.follow()
	if err := r.engine.Drop(t.Context(), r.indexer.active.Load().name); err != nil {
		t.Fatal(err)
	}
	r.restart()
	for more := true; more; {
		more = r.step()
		if got := r.found(); got != -1 && got != 2*batch+10 {
			t.Errorf("%d tenders found before the index was rebuilt", got)
		}
	}
	r.expect("after the index was lost", 2*batch+10)
}

// The engine stops and comes back; the indexer catches up by itself.
func TestEngineComesBack(t *testing.T) {
	r := newRig(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); r.indexer.Run(ctx) }()
	eventually := func(what string, so func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: not in time; %d tenders found", what, r.found())
			}
		}
	}
	r.publish(0, 5)
	eventually("at first", func() bool { return r.found() == 5 })
	r.engine.down.Store(true)
	r.publish(5, 9)
	eventually("the engine fails", func() bool { return r.engine.failed.Load() >= 2 })
	r.expect("while the engine takes nothing", 5)
	r.engine.down.Store(false)
	eventually("the engine is back", func() bool { return r.found() == 9 })
	stop()
	<-ended
}
