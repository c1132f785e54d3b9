// Package feed carries committed changes from the database to what is derived
// from it: the search index, and the matcher.
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
	"vigie/lexicon"
	"vigie/query"
	"vigie/search"
	"vigie/store"
)

// Indexer keeps search indexes in step with the database, and knows the one
// that answers. Every replica runs one; the one that leads writes.
//
// An index is filled from the first change on, in the order of numbers, and
// its cursor is the highest that it holds: building one anew, catching up
// after a stop and following along are one and the same. It answers once it
// has caught up; until then an older one, which is fed as well, goes on.
//
// A tender that cannot be put into an index is set aside, and is in none until
// that is mended: one that is as it was would be wrong.
type Indexer struct {
	// Metrics and Fail are the consumers'; either may be nil.
	Metrics *consumer.Metrics
	Fail    consumer.Fault

	store  *store.Store
	engine search.Engine
	log    *slog.Logger
	active atomic.Pointer[opened]
	// absent is since when our engine has lacked the index that answers; apart is
	// whether that has lasted too long for a rebuild.
	absent time.Time
	apart  atomic.Bool
	// writer's own:
	fed     map[string]*fed
	retired map[string]time.Time
}

// opened is an index that answers.
type opened struct {
	search.Index
	name     string
	verified time.Time
}

// fed is an index that changes are put into.
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
	// verifyEvery is how often an index is asked whether it still has what was
	// put into it.
	verifyEvery = 5 * time.Second
	// keepRetired is how long an index that no longer answers is kept: other
	// replicas learn of its successor meanwhile.
	keepRetired = time.Minute
)

// Version names the rules that this binary makes documents by; an index of
// others is not read.
func Version() string { return fmt.Sprintf("l%ds%d", lexicon.Version, search.Version) }

// NewIndexer makes an indexer of the indexes in an engine.
func NewIndexer(s *store.Store, engine search.Engine, log *slog.Logger) *Indexer {
	return &Indexer{
		store: s, engine: engine, log: log,
		fed: make(map[string]*fed), retired: make(map[string]time.Time),
	}
}

// Index returns the index that answers now. Where there is none yet, the error
// is of code [vigie.Unavailable].
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

// errApart tells operators why a server has no index.
var errApart = errors.New("another server on this database keeps the search index, and this server's search engine does not hold it: " +
	"servers that share a database share a search engine; set VIGIE_SEARCH_URL to the same Meilisearch for each")

// apartAfter is how long an index can be missing for another reason: its engine
// has lost it, and who leads makes a new one.
const apartAfter = 2 * verifyEvery

// missing notes whether our engine holds the index that answers.
func (x *Indexer) missing(is bool) {
	switch {
	case !is:
		x.absent = time.Time{}
	case x.absent.IsZero():
		x.absent = time.Now()
	}
}

// follow keeps to the index that another server feeds. The error tells where that
// can never be.
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

// Run works until ctx ends. What fails is logged and tried again: databases
// and search engines come back.
func (x *Indexer) Run(ctx context.Context) { x.consumer().Run(ctx) }

// Step does what there is to do now, where nobody else leads, for tests that do
// not wait.
func (x *Indexer) Step(ctx context.Context) error { return x.consumer().Drain(ctx) }

func (x *Indexer) consumer() *consumer.Consumer {
	c := &consumer.Consumer{
		Name: database.IndexConsumer, Job: "index-" + Version(), DB: x.store.Database(), Log: x.log, Metrics: x.Metrics, Fault: x.Fail,
		Follow: x.follow, Resigned: func() { clear(x.fed) },
		Behind: func(ctx context.Context) (database.Behind, error) { return x.store.IndexBehind(ctx, Version()) },
	}
	again := &consumer.Quarantine{Consumer: c, Kind: database.TenderItem}
	c.Work = func(ctx context.Context) (more bool, err error) { return x.step(ctx, c, again) }
	return c
}

// step looks once; more reports whether there is more to do at once.
func (x *Indexer) step(ctx context.Context, c *consumer.Consumer, again *consumer.Quarantine) (more bool, err error) {
	known, err := x.choose(ctx)
	if err != nil {
		return false, err
	}
	x.apart.Store(false) // what is missing we make
	if len(known) == 0 {
		_, err := x.store.BeginIndex(ctx, Version())
		return true, err
	}
	answering := answering(known)
	var targets []store.SearchIndex
	if answering >= 0 {
		targets = known[answering : answering+1]
	}
	if answering != 0 { // the newest is being built
		targets = append(targets[:len(targets):len(targets)], known[0])
	}
	for _, index := range targets {
		open, lost, err := x.open(ctx, c, index)
		if err != nil {
			return false, err
		}
		if lost {
			x.log.WarnContext(ctx, "search index has lost what it held; building it anew", "index", index.Name)
			return true, x.replace(ctx, index)
		}
		next, err := open.stream.Continue(ctx)
		if err != nil {
			return false, err
		}
		more = more || next || index.Reached == nil // then it has caught up for the first time
	}
	if answering >= 0 {
		if err := x.retire(ctx, known[answering+1:]); err != nil {
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

// answering is the place of the newest index that is ready; -1 for none.
func answering(known []store.SearchIndex) int {
	for i, index := range known {
		if index.Reached != nil {
			return i
		}
	}
	return -1
}

// choose has searches go to the newest index that is ready, if it is whole: of
// one that is not, the leader makes another, and until then nobody is answered.
// It returns all there are, the newest first.
func (x *Indexer) choose(ctx context.Context) (known []store.SearchIndex, err error) {
	if known, err = x.store.SearchIndexes(ctx, Version()); err != nil {
		return nil, err
	}
	i := answering(known)
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
	// Again and again: an index of our own that nobody feeds falls behind.
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

// open returns an index at its cursor, and asks it now and then whether it
// still has what was put into it.
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

// stream puts changes into an index, and notes how far it has come when it has
// caught up. The index itself holds the cursor.
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

// next reads which tenders changed next.
func (x *Indexer) next(ctx context.Context, after int64, limit int) ([]consumer.Item, error) {
	changes, err := x.store.ChangesAfter(ctx, after, limit)
	items := make([]consumer.Item, len(changes))
	for i, change := range changes {
		items[i] = consumer.Item{ID: change.ID, Number: change.Number}
	}
	return items, err
}

// check asks an index for its cursor, and tells whether it still has what it
// reached. Beyond the last change lies only what another past of this database
// put there.
func (x *Indexer) check(ctx context.Context, index search.Index, reached int64) (cursor int64, whole bool, err error) {
	if cursor, err = index.Cursor(ctx); err != nil {
		return 0, false, err
	}
	last, err := x.store.Database().LastNumber(ctx)
	return cursor, reached <= cursor && cursor <= last, err
}

// replace begins a new index in place of one that is lost, which must not
// answer any more.
func (x *Indexer) replace(ctx context.Context, lost store.SearchIndex) error {
	delete(x.fed, lost.Name)
	if active := x.active.Load(); active != nil && active.name == lost.Name {
		x.active.Store(nil)
	}
	if _, err := x.store.BeginIndex(ctx, Version()); err != nil {
		return err
	}
	if err := x.store.ForgetIndex(ctx, lost.Name); err != nil {
		return err
	}
	return x.engine.Drop(ctx, lost.Name)
}

// retire removes indexes that have long had a successor.
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
		if err := x.engine.Drop(ctx, index.Name); err != nil { // while it is known, so that it is tried again
			return err
		}
		if err := x.store.ForgetIndex(ctx, index.Name); err != nil {
			return err
		}
		delete(x.retired, index.Name)
		delete(x.fed, index.Name)
	}
	return nil
}

// documents makes documents of tenders. Each has the number of its item: what
// changed since is put once more, in its turn.
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
	docs := make([]search.Document, len(items))
	for i, item := range items {
		docs[i] = search.Document{ID: item.ID, Number: item.Number, Deleted: true}
		if t := tenders[item.ID]; t != nil && t.MergedInto == nil && t.Outcome != vigie.Withdrawn {
			docs[i] = x.document(ctx, t, buyers[t.BuyerID], item.Number)
		}
	}
	return docs, nil
}

func (x *Indexer) document(ctx context.Context, t *vigie.Tender, buyer *vigie.Buyer, number int64) search.Document {
	facts, cut := query.FactsOf(t)
	if cut {
		x.log.WarnContext(ctx, "tender has more terms than are kept", "tender", t.GlobalID(), "kept", lexicon.MaxTerms)
	}
	return search.Document{
		Facts: facts, ID: t.ID, Number: number, Outcome: t.Outcome,
		PublishedAt: t.PublishedAt, Deadline: t.Deadline, OnlineUntil: t.OnlineUntil,
		Title: t.Title, Description: t.Description, BuyerName: buyer.Name,
		Other: other(t),
	}
}

// other is what free text finds beside title, buyer and description.
func other(t *vigie.Tender) []string {
	texts := []string{t.Reference, t.SourceRef}
	for _, lot := range t.Lots {
		texts = append(texts, lot.Title)
	}
	for _, code := range t.CPVCodes {
		texts = append(texts, vigie.CPVLabel(code))
	}
	return append(texts, t.Labels...)
}

func idsOf(items []consumer.Item) []int64 {
	ids := make([]int64, len(items))
	for i, item := range items {
		ids[i] = item.ID
	}
	return ids
}
