// Package feed carries committed changes from the database to what is derived from it: the search index, the matcher
// and the subscribers.
package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"vigie"
	"vigie/consumer"
	"vigie/database"
	"vigie/freetext"
	"vigie/lexicon"
	"vigie/query"
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
	absent time.Time
	apart  atomic.Bool
	// Used by the writer only:
	fed     map[string]*fed
	retired map[string]time.Time
}

// opened is the active index, opened.
type opened struct {
	search.Index
	name     string
	verified time.Time
}

// fed is an index that is kept up to date.
type fed struct {
	search.Index
	known    store.SearchIndex
	cursor   int64
	verified time.Time
	stream   *consumer.Stream
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

// NewIndexer returns an indexer for the indexes in an engine.
func NewIndexer(s *store.Store, engine search.Engine, log *slog.Logger) *Indexer {
	return &Indexer{
		store: s, engine: engine, log: log,
		fed: make(map[string]*fed), retired: make(map[string]time.Time),
	}
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
func (x *Indexer) Run(ctx context.Context) { x.consumer().Run(ctx) }

// Step does all the work there is now, unless another process leads. It is for tests that do not wait.
func (x *Indexer) Step(ctx context.Context) error { return x.consumer().Drain(ctx) }

func (x *Indexer) consumer() *consumer.Consumer {
	c := &consumer.Consumer{
		Name: database.IndexConsumer, Job: "index-" + Version(), DB: x.store.Database(), Log: x.log, Metrics: x.Metrics, Fault: x.Fail,
		Standby: x.follow, Resigned: func() { clear(x.fed) },
		Behind: func(ctx context.Context) (database.Behind, error) { return x.store.IndexBehind(ctx, Version()) },
	}
	again := &consumer.Quarantine{Consumer: c, Kind: database.TenderItem}
	c.Work = func(ctx context.Context) (more bool, err error) { return x.step(ctx, c, again) }
	return c
}

// step does one round of work; more reports whether there is more to do at once.
func (x *Indexer) step(ctx context.Context, c *consumer.Consumer, again *consumer.Quarantine) (more bool, err error) {
	known, err := x.choose(ctx)
	if err != nil {
		return false, err
	}
	x.apart.Store(false) // the leader builds what is missing
	if len(known) == 0 {
		_, err := x.store.BeginIndex(ctx, Version())
		return true, err
	}
	newestReady := newestReady(known)
	var targets []store.SearchIndex
	if newestReady >= 0 {
		targets = known[newestReady : newestReady+1]
	}
	if newestReady != 0 { // the newest is being built
		targets = append(targets[:len(targets):len(targets)], known[0])
	}
	for _, index := range targets {
		open, lost, err := x.open(ctx, c, index)
		if err != nil {
			return false, err
		}
		if lost {
			x.log.WarnContext(ctx, "search index has lost data: building it from scratch", "index", index.Name)
			return true, x.replace(ctx, index)
		}
		next, err := open.stream.Continue(ctx)
		if err != nil {
			return false, err
		}
		more = more || next || index.Reached == nil // then it has caught up for the first time
	}
	if newestReady >= 0 {
		if err := x.retire(ctx, known[newestReady+1:]); err != nil {
			return false, err
		}
	}
	retried, err := again.Retry(ctx, func(ctx context.Context, item consumer.Item) error {
		for _, index := range targets {
			if err := x.fed[index.Name].stream.Try(ctx, item); err != nil {
				return err
			}
		}
		return nil
	})
	return more || retried, err
}

// newestReady returns the position of the newest complete index; -1 for none.
func newestReady(known []store.SearchIndex) int {
	for i, index := range known {
		if index.Reached != nil {
			return i
		}
	}
	return -1
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
	if chosen && time.Since(active.verified) < verifyEvery {
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
	_, whole, err := x.check(ctx, active, *known[i].Reached)
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
		x.log.InfoContext(ctx, "search index answers", "index", active.name)
		x.active.Store(active)
	}
	return known, nil
}

// open opens an index at its cursor, and from time to time checks it for lost data.
func (x *Indexer) open(ctx context.Context, c *consumer.Consumer, known store.SearchIndex) (index *fed, lost bool, err error) {
	index = x.fed[known.Name]
	if index == nil {
		opening, err := x.engine.Open(ctx, known.Name)
		if err != nil {
			return nil, false, err
		}
		index = &fed{Index: opening}
		if known.Reached != nil {
			index.cursor = *known.Reached
		}
		index.stream = x.stream(c, index)
		x.fed[known.Name] = index
	}
	index.known = known
	if time.Since(index.verified) < verifyEvery {
		return index, false, nil
	}
	cursor, whole, err := x.check(ctx, index, index.cursor)
	if err != nil {
		return nil, false, err
	}
	index.cursor, index.verified = cursor, time.Now()
	return index, !whole, nil
}

// stream returns the stream that puts changes into an index and records when the index has caught up. The index
// itself holds the cursor.
func (x *Indexer) stream(c *consumer.Consumer, index *fed) *consumer.Stream {
	return c.Stream(consumer.Stream{
		Kind: database.TenderItem, Batch: batch, Latest: true,
		Cursor: func(context.Context) (int64, error) { return index.cursor, nil },
		Advance: func(_ context.Context, to int64) error {
			index.cursor = max(index.cursor, to)
			return nil
		},
		Next: x.next,
		Process: func(ctx context.Context, items []consumer.Item) error {
			docs, err := x.documents(ctx, items)
			if err != nil {
				return err
			}
			return index.Put(ctx, docs)
		},
		SetAside: func(ctx context.Context, item consumer.Item) error {
			return index.Put(ctx, []search.Document{{ID: item.ID, Number: item.Number, Deleted: true}})
		},
		Reached: func(ctx context.Context) error {
			if reached := index.known.Reached; reached != nil && *reached >= index.cursor {
				return nil
			}
			return x.store.IndexReached(ctx, index.known.Name, index.cursor)
		},
	})
}

// next returns the tenders that changed next.
func (x *Indexer) next(ctx context.Context, after int64, limit int) ([]consumer.Item, error) {
	changes, err := x.store.ChangesAfter(ctx, after, limit)
	items := make([]consumer.Item, len(changes))
	for i, change := range changes {
		items[i] = consumer.Item{ID: change.ID, Number: change.Number}
	}
	return items, err
}

// check returns an index's cursor, and reports whether the index still contains what it had reached. A cursor beyond
// the database's last change comes from another past of the database.
func (x *Indexer) check(ctx context.Context, index search.Index, reached int64) (cursor int64, whole bool, err error) {
	if cursor, err = index.Cursor(ctx); err != nil {
		return 0, false, err
	}
	last, err := x.store.Database().LastNumber(ctx)
	return cursor, reached <= cursor && cursor <= last, err
}

// replace begins a new index in place of one that has lost data, which must no longer be active.
func (x *Indexer) replace(ctx context.Context, lost store.SearchIndex) error {
	delete(x.fed, lost.Name)
	if active := x.active.Load(); active != nil && active.name == lost.Name {
		x.active.Store(nil)
	}
	if _, err := x.store.BeginIndex(ctx, Version()); err != nil {
		return err
	}
	if err := x.store.DeleteIndex(ctx, lost.Name); err != nil {
		return err
	}
	return x.engine.Drop(ctx, lost.Name)
}

// retire removes indexes whose successor became active long ago.
func (x *Indexer) retire(ctx context.Context, old []store.SearchIndex) error {
	for _, index := range old {
		since, seen := x.retired[index.Name]
		if !seen {
			x.retired[index.Name] = time.Now()
			continue
		}
		if time.Since(since) < keepRetired {
			continue
		}
		if err := x.engine.Drop(ctx, index.Name); err != nil { // while it is known, so that a failure is tried again
			return err
		}
		if err := x.store.DeleteIndex(ctx, index.Name); err != nil {
			return err
		}
		delete(x.retired, index.Name)
		delete(x.fed, index.Name)
	}
	return nil
}

// documents makes documents of tenders. Each has the number of its item: a tender that has changed since is put again
// in its turn.
func (x *Indexer) documents(ctx context.Context, items []consumer.Item) ([]search.Document, error) {
	tenders, err := x.store.TendersByID(ctx, idsOf(items))
	if err != nil {
		return nil, err
	}
	ids := make([]int64, 0, len(items))
	for _, t := range tenders {
		ids = append(ids, t.BuyerID)
	}
	buyers, err := x.store.Buyers(ctx, ids)
	if err != nil {
		return nil, err
	}
	refs, err := x.store.SourceRefs(ctx, idsOf(items))
	if err != nil {
		return nil, err
	}
	names, err := x.names(ctx, buyers)
	if err != nil {
		return nil, err
	}
	updated, err := x.store.UpdatedAt(ctx, idsOf(items))
	if err != nil {
		return nil, err
	}
	sources, err := x.store.SourcesOf(ctx, idsOf(items))
	if err != nil {
		return nil, err
	}
	docs := make([]search.Document, len(items))
	for i, item := range items {
		docs[i] = search.Document{ID: item.ID, Number: item.Number, Deleted: true}
		if t := tenders[item.ID]; t != nil && t.MergedInto == nil && t.Outcome != vigie.Withdrawn {
			docs[i] = x.document(ctx, t, buyers[t.BuyerID], names[buyers[t.BuyerID].ID], refs[t.ID], item.Number)
			docs[i].UpdatedAt = updated[t.ID]
			docs[i].Facts.PublishedBy(sources[t.ID])
		}
	}
	return docs, nil
}

// names returns all names of buyers.
func (x *Indexer) names(ctx context.Context, buyers map[int64]*vigie.Buyer) (map[int64][]string, error) {
	ids := make([]int64, 0, len(buyers))
	for _, b := range buyers {
		ids = append(ids, b.ID)
	}
	return x.store.BuyerNames(ctx, ids)
}

func (x *Indexer) document(ctx context.Context, t *vigie.Tender, buyer *vigie.Buyer, names, refs []string, number int64) search.Document {
	facts, cut := query.FactsOf(t)
	if cut {
		x.log.WarnContext(ctx, "tender has more terms than are kept", "tender", t.GlobalID(), "kept", lexicon.MaxTerms)
	}
	return search.Document{
		Facts: facts, ID: t.ID, Number: number, Outcome: t.Outcome,
		PublishedAt: t.PublishedAt, Deadline: t.Deadline, OnlineUntil: t.OnlineUntil,
		Text: freetext.FactsOf(t, buyer, refs, names...),
	}
}

func idsOf(items []consumer.Item) []int64 {
	ids := make([]int64, len(items))
	for i, item := range items {
		ids[i] = item.ID
	}
	return ids
}
