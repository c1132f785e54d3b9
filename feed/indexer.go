// Package feed carries committed changes from the database to what is derived from it: the search index, the matcher
// and the subscribers.
package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"vigie"
	"vigie/consumer"
	"vigie/database"
	"vigie/lexicon"
	"vigie/search"
	"vigie/store"
)

// Indexer keeps search indexes up to date with the database, and knows the active one. Every replica runs one; the
// leader writes.
//
// An index is filled from the first change on, in the order of numbers; its cursor is the highest number that it
// contains. Building an index from scratch, catching up after a stop and following new changes are therefore the same
// work. An index becomes active once it has caught up; until then the one before it stays active, and is kept up to
// date too.
//
// Where the engine has several nodes, each has a consumer of its own, with a leader of its own, that feeds its copies from
// their cursors. An index becomes active once one copy has caught up.
//
// A tender that cannot be put into an index is quarantined, and is in no index until it succeeds: its old version
// would be wrong.
type Indexer struct {
	// Metrics and Fail are passed to the consumer; either may be nil.
	Metrics *consumer.Metrics
	Fail    consumer.Fault

	store  *store.Store
	engine search.Engine
	log    *slog.Logger
	active atomic.Pointer[opened]
	// absent is since when our engine has lacked the active index; apart is set once that lasts longer than a rebuild
	// can explain.
	absent  time.Time
	apart   atomic.Bool
	feeders []*feeder // one for the engine, or one for each of its nodes
}

// Node is one of the servers of a search engine, and its name.
type Node struct {
	search.Engine
	Name string
}

// opened is the active index, opened.
type opened struct {
	search.Index
	name     string
	verified time.Time
}

const (
	// batch is how many tenders go to an index at once.
	batch = 500
	// verifyEvery is how often an index is checked for lost data.
	verifyEvery = 5 * time.Second
	// keepRetired is how long an index that is no longer active is kept, so that other replicas know its successor.
	keepRetired = time.Minute
)

// Version names the rules by which this binary makes documents; it reads no index of another version.
func Version() string { return fmt.Sprintf("l%ds%d", lexicon.Version, search.Version) }

// NewIndexer returns an indexer for the indexes in an engine, or in each of its nodes where it has several.
func NewIndexer(s *store.Store, engine search.Engine, log *slog.Logger, nodes ...Node) *Indexer {
	x := &Indexer{store: s, engine: engine, log: log}
	if len(nodes) == 0 {
		x.feeders = []*feeder{newFeeder(s, engine, log)}
	}
	for i, n := range nodes {
		f := newFeeder(s, n.Engine, log.With("node", n.Name))
		f.copies = true
		if i > 0 { // the first one is known as an engine by itself is, so that nodes can be added to it
			f.suffix = " " + n.Name
		}
		x.feeders = append(x.feeders, f)
	}
	return x
}

// Index returns the active index. If there is none yet, the error has the code [vigie.Unavailable].
func (x *Indexer) Index() (search.Index, error) {
	if active := x.active.Load(); active != nil {
		return active.Index, nil
	}
	unavailable := &vigie.Error{Code: vigie.Unavailable, Text: vigie.Text{
		FR: "La recherche est en préparation. Réessayez dans quelques minutes.",
		EN: "The search is being prepared. Try again in a few minutes.",
	}}
	if x.apart.Load() {
		unavailable.Err = errApart
	}
	return nil, unavailable
}

// errApart says to operators why a server has no index.
var errApart = errors.New("another server on this database keeps the search index, and this server's search engine does not hold it: " +
	"servers that share a database share a search engine; set VIGIE_SEARCH_URL to the same Meilisearch for each")

// Apart reports whether an error of [Indexer.Index] says that this server's search engine is not the one that the others
// share.
func Apart(err error) bool { return errors.Is(err, errApart) }

// apartAfter is how long the active index may be missing for other reasons: the engine has lost it, and the leader
// builds a new one.
const apartAfter = 2 * verifyEvery

// missing records whether our engine contains the active index.
func (x *Indexer) missing(is bool) {
	switch {
	case !is:
		x.absent = time.Time{}
	case x.absent.IsZero():
		x.absent = time.Now()
	}
}

// follow keeps searches on the index that another server writes. It returns an error if that is impossible.
func (x *Indexer) follow(ctx context.Context) error {
	if _, err := x.choose(ctx); err != nil {
		return err
	}
	x.apart.Store(!x.absent.IsZero() && time.Since(x.absent) >= apartAfter)
	if x.apart.Load() {
		return errApart
	}
	return nil
}

// Run works until ctx ends. Errors are logged, and the work is tried again: databases and search engines come back.
func (x *Indexer) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, c := range x.consumers() {
		running.Go(func() { c.Run(ctx) })
	}
	running.Wait()
}

// Step does all the work there is now, unless another process leads. It is for tests that do not wait.
func (x *Indexer) Step(ctx context.Context) error {
	for _, c := range x.consumers() {
		if err := c.Drain(ctx); err != nil {
			return err
		}
	}
	return nil
}

// consumers are the one that feeds the engine and directs searches, or those that feed each node and one that directs
// searches.
func (x *Indexer) consumers() []*consumer.Consumer {
	if x.whole() {
		return []*consumer.Consumer{x.consumer()}
	}
	var list []*consumer.Consumer
	for _, f := range x.feeders {
		list = append(list, x.nodeConsumer(f))
	}
	return append(list, &consumer.Consumer{
		Name: "active index", DB: x.store.Database(), Log: x.log,
		Work: func(ctx context.Context) (more bool, err error) {
			_, err = x.choose(ctx)
			return false, err
		},
	})
}

// whole reports whether the engine has no nodes that are fed by themselves.
func (x *Indexer) whole() bool { return !x.feeders[0].copies }

func (x *Indexer) consumer() *consumer.Consumer {
	f := x.feeders[0]
	c := x.feeding(f)
	c.Standby = x.follow
	c.Work = f.work(c, func(ctx context.Context) ([]store.SearchIndex, error) {
		known, err := x.choose(ctx)
		if err == nil {
			x.apart.Store(false) // the leader builds what is missing
		}
		return known, err
	}, x.lost)
	return c
}

// nodeConsumer feeds a node's copies.
func (x *Indexer) nodeConsumer(f *feeder) *consumer.Consumer {
	c := x.feeding(f)
	c.Work = f.work(c, func(ctx context.Context) ([]store.SearchIndex, error) { return x.store.SearchIndexes(ctx, Version()) }, x.lost)
	return c
}

// feeding returns a consumer that is to work for a feeder. What searches do not find is what no node contains: the first
// one's consumer says so.
func (x *Indexer) feeding(f *feeder) *consumer.Consumer {
	c := &consumer.Consumer{
		Name: database.IndexConsumer + f.suffix, Job: "index-" + Version() + f.suffix, DB: x.store.Database(), Log: f.log,
		Metrics: x.Metrics, Fault: x.Fail, Resigned: func() { clear(f.fed) },
	}
	if f.suffix == "" {
		c.Behind = func(ctx context.Context) (database.Behind, error) { return x.store.IndexBehind(ctx, Version()) }
	}
	return c
}

// lost has searches go no longer to an index that has lost data.
func (x *Indexer) lost(name string) {
	if active := x.active.Load(); active != nil && active.name == name {
		x.active.Store(nil)
	}
}

// choose directs searches to the newest complete index, if it has lost no data. If it has, the leader builds another,
// and until then searches get an error. It returns all indexes, the newest first.
func (x *Indexer) choose(ctx context.Context) (known []store.SearchIndex, err error) {
	if known, err = x.store.SearchIndexes(ctx, Version()); err != nil {
		return nil, err
	}
	i := newestReady(known)
	if i < 0 {
		x.active.Store(nil)
		x.missing(false)
		return known, nil
	}
	active := x.active.Load()
	chosen := active != nil && active.name == known[i].Name
	// An engine of several nodes finds out by each answer what a copy has lost.
	if chosen && (!x.whole() || time.Since(active.verified) < verifyEvery) {
		return known, nil
	}
	if !chosen {
		index, err := x.engine.Open(ctx, known[i].Name)
		if err != nil {
			return nil, err
		}
		active = &opened{Index: index, name: known[i].Name}
	}
	// Each time: an index of our own that nobody writes falls behind.
	_, whole, err := check(ctx, x.store, active, *known[i].Reached)
	if err != nil {
		if !chosen {
			x.active.Store(nil)
		}
		return nil, err
	}
	x.missing(!whole)
	if !whole {
		x.active.Store(nil)
		return known, nil
	}
	active.verified = time.Now()
	if !chosen {
		x.log.InfoContext(ctx, "search index answers", "index", active.name, "component", "indexer", "action", "choose")
		x.active.Store(active)
	}
	return known, nil
}
