package feed

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"vigie/search"
	"vigie/search/bleve"
	"vigie/search/nodes"
	"vigie/store"
	"vigie/store/storetest"
)

// several is a rig whose engine has two nodes, each of which can be made to fail.
type several struct {
	*rig
	nodes []*fragile
	all   *nodes.Engine
}

func newSeveral(t *testing.T) *several {
	s := &several{rig: &rig{t: t}}
	var err error
	if s.store, err = store.Open(t.Context(), storetest.SQLite(t), time.Now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	for range 2 {
		engine, err := bleve.Open(t.TempDir(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { engine.Close() })
		s.nodes = append(s.nodes, &fragile{Engine: engine})
	}
	s.renew()
	return s
}

// renew returns what a new process has.
func (s *several) renew() {
	s.all = nodes.New([]nodes.Member{{Name: "a:7700", Engine: s.nodes[0]}, {Name: "b:7700", Engine: s.nodes[1]}}, nodes.Options{})
	var fed []Node
	for _, n := range s.all.Nodes() {
		fed = append(fed, Node{Engine: n, Name: n.Name})
	}
	s.indexer = NewIndexer(s.store, s.all, slog.New(slog.NewTextHandler(s.t.Output(), nil)), fed...)
}

// work has each consumer do all the work there is, and returns the errors of those that cannot.
func (s *several) work() (failed map[string]error) {
	failed = make(map[string]error)
	for _, c := range s.indexer.consumers() {
		if err := c.Drain(s.t.Context()); err != nil {
			failed[c.Name] = err
		}
	}
	return failed
}

// works is work that must succeed.
func (s *several) works() {
	s.t.Helper()
	if failed := s.work(); len(failed) > 0 {
		s.t.Fatal(failed)
	}
}

// contains checks what each node's copy of an index contains.
func (s *several) contains(when string, want ...int) {
	s.t.Helper()
	for i, n := range s.nodes {
		index, err := n.Engine.Open(s.t.Context(), s.active())
		if err != nil {
			s.t.Fatal(err)
		}
		results, err := index.Search(s.t.Context(), []search.Query{{Now: time.Now()}})
		if err != nil || results[0].Total != want[i] {
			s.t.Errorf("%s: node %d contains %v, %v; want %d", when, i, results, err, want[i])
		}
	}
}

func (s *several) active() string { return s.indexer.active.Load().name }

// verified makes the feeders look again at what their copies contain.
func (s *several) verify() {
	for _, f := range s.indexer.feeders {
		for _, index := range f.fed {
			index.verified = time.Time{}
		}
	}
}

// Each node is fed by itself: one that is away holds up no other, and gets what it missed when it is back.
func TestNodesAreFedApart(t *testing.T) {
	s := newSeveral(t)
	s.publish(0, 3)
	s.nodes[0].down.Store(true)
	if failed := s.work(); len(failed) != 1 || failed["index"] == nil {
		t.Fatalf("with the first node away: %v", failed)
	}
	s.expect("with the first node away from the start", 3)
	s.nodes[0].down.Store(false)
	s.works()
	s.expect("with both", 3)
	s.contains("with both", 3, 3)

	s.nodes[1].down.Store(true)
	s.publish(3, 700)
	if failed := s.work(); len(failed) != 1 || failed["index b:7700"] == nil {
		t.Fatalf("with the second node away: %v", failed)
	}
	s.contains("with the second away", 700, 3)
	s.nodes[1].down.Store(false)
	s.works()
	s.contains("with the second back", 700, 700)
	s.renew()
	s.works()
	s.expect("in a new process", 700)
}

// A copy that was lost is filled again, under its name, while the other answers.
func TestLostCopyIsFilledAgain(t *testing.T) {
	s := newSeveral(t)
	s.publish(0, 10)
	s.works()
	name := s.active()
	if err := s.nodes[0].Engine.Drop(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if _, err := s.nodes[0].Engine.Open(t.Context(), name); err != nil { // as something makes it again, empty
		t.Fatal(err)
	}
	for range 20 {
		s.expect("with a lost copy", 10)
	}
	s.publish(10, 20)
	s.renew()
	for range 2 {
		s.work()
		s.verify()
	}
	s.works()
	s.contains("after that", 20, 20)
	s.expect("after that", 20)
	if s.active() != name {
		t.Errorf("the active index is now %s, not %s", s.active(), name)
	}
}

// A server gets a second node: its index goes on being used, and the new node is filled. It is read no later than that,
// and the other way round a node can be taken away.
func TestNodeIsAdded(t *testing.T) {
	s := newSeveral(t)
	alone := func(engine search.Engine) {
		t.Helper()
		s.indexer = NewIndexer(s.store, engine, slog.New(slog.DiscardHandler))
		s.follow()
	}
	alone(s.nodes[0])
	s.publish(0, 10)
	s.follow()
	name := s.active()
	s.renew()
	s.works()
	s.contains("after the second was added", 10, 10)
	s.expect("after the second was added", 10)
	s.publish(10, 15)
	s.works()
	alone(s.nodes[1])
	s.expect("with the second alone", 15)
	if s.active() != name {
		t.Errorf("the active index is now %s, not %s", s.active(), name)
	}
}

// A rebuild replaces all copies, also those on a node that was away.
func TestNodesAreRebuilt(t *testing.T) {
	s := newSeveral(t)
	s.publish(0, 10)
	s.works()
	old := s.active()
	if _, err := s.store.BeginIndex(t.Context(), Version()); err != nil {
		t.Fatal(err)
	}
	s.nodes[1].down.Store(true)
	s.work()
	s.expect("after the rebuild on the first node", 10)
	if s.active() == old {
		t.Fatal("the old index is still active")
	}
	first := s.indexer.feeders[0]
	first.retired[old] = time.Now().Add(-2 * keepRetired)
	s.work()
	s.nodes[1].down.Store(false)
	s.renew()
	s.works()
	s.contains("after the rebuild", 10, 10)
	for i, n := range s.nodes {
		if names, err := n.Engine.Names(t.Context()); err != nil || slices.Contains(names, old) {
			t.Errorf("node %d has %v, %v", i, names, err)
		}
	}
}
