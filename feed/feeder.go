package feed

import (
	"context"
	"log/slog"
	"slices"
	"strings"
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

// feeder feeds the indexes of an engine, or their copies on one of its nodes.
type feeder struct {
	store  *store.Store
	engine search.Engine
	log    *slog.Logger
	// copies says that other nodes have copies, too. A copy that has lost data is filled again, while others answer; an
	// index of which there is no other copy is replaced by a new one, so that nobody reads what is left of it.
	copies bool
	// suffix is what its consumer's name has behind that of the index's.
	suffix string
	// Used by the writer only:
	fed     map[string]*fed
	retired map[string]time.Time
	swept   time.Time
}

// fed is an index that is kept up to date.
type fed struct {
	search.Index
	known    store.SearchIndex
	cursor   int64
	verified time.Time
	stream   *consumer.Stream
}

func newFeeder(s *store.Store, engine search.Engine, log *slog.Logger) *feeder {
	return &feeder{store: s, engine: engine, log: log, fed: make(map[string]*fed), retired: make(map[string]time.Time)}
}

// work returns the steps of a consumer. Indexes returns all indexes, the newest first; lost is called with the name of an
// index that is replaced.
func (f *feeder) work(c *consumer.Consumer, indexes func(context.Context) ([]store.SearchIndex, error), lost func(name string)) func(context.Context) (bool, error) {
	again := &consumer.Quarantine{Consumer: c, Kind: database.TenderItem}
	return func(ctx context.Context) (more bool, err error) {
		known, err := indexes(ctx)
		if err != nil {
			return false, err
		}
		if len(known) == 0 {
			_, err := f.store.FirstIndex(ctx, Version())
			return true, err
		}
		return f.step(ctx, c, again, known, lost)
	}
}

// step does one round of work; more reports whether there is more to do at once.
func (f *feeder) step(ctx context.Context, c *consumer.Consumer, again *consumer.Quarantine, known []store.SearchIndex, lost func(name string)) (more bool, err error) {
	newestReady := newestReady(known)
	var targets []store.SearchIndex
	if newestReady >= 0 {
		targets = known[newestReady : newestReady+1]
	}
	if newestReady != 0 { // the newest is being built
		targets = append(targets[:len(targets):len(targets)], known[0])
	}
	for _, index := range targets {
		open, whole, err := f.open(ctx, c, index)
		if err != nil {
			return false, err
		}
		if !whole {
			f.log.WarnContext(ctx, "search index has lost data: building it from scratch", "component", "indexer", "action", "check", "index", index.Name)
			lost(index.Name)
			return true, f.replace(ctx, index)
		}
		next, err := open.stream.Continue(ctx)
		if err != nil {
			return false, err
		}
		more = more || next || index.Reached == nil // then it has caught up for the first time
	}
	if newestReady >= 0 {
		if err := f.retire(ctx, known[newestReady+1:]); err != nil {
			return false, err
		}
	}
	if f.copies {
		if err := f.sweep(ctx); err != nil {
			return false, err
		}
	}
	retried, err := again.Retry(ctx, func(ctx context.Context, item consumer.Item) error {
		for _, index := range targets {
			if err := f.fed[index.Name].stream.Try(ctx, item); err != nil {
				return err
			}
		}
		return nil
	})
	return more || retried, err
}

// newestReady returns the position of the newest complete index; -1 for none.
func newestReady(known []store.SearchIndex) int {
	return slices.IndexFunc(known, func(index store.SearchIndex) bool { return index.Reached != nil })
}

// open opens an index at its cursor, and from time to time checks it for lost data. It reports whether the index, or
// another copy, still contains what it had reached.
func (f *feeder) open(ctx context.Context, c *consumer.Consumer, known store.SearchIndex) (index *fed, whole bool, err error) {
	index = f.fed[known.Name]
	if index == nil {
		opening, err := f.engine.Open(ctx, known.Name)
		if err != nil {
			return nil, false, err
		}
		index = &fed{Index: opening}
		if known.Reached != nil && !f.copies { // a copy may be new
			index.cursor = *known.Reached
		}
		index.stream = f.stream(c, index)
		f.fed[known.Name] = index
	}
	index.known = known
	if time.Since(index.verified) < verifyEvery {
		return index, true, nil
	}
	least := index.cursor
	if f.copies {
		least = 0
	}
	cursor, whole, err := check(ctx, f.store, index, least)
	if err != nil {
		return nil, false, err
	}
	if whole && cursor < index.cursor {
		f.log.WarnContext(ctx, "search node has lost data: filling it again", "component", "indexer", "action", "check", "index", known.Name, "reached", index.cursor, "contains", cursor)
	}
	index.cursor, index.verified = cursor, time.Now()
	return index, whole, nil
}

// stream returns the stream that puts changes into an index and records when the index has caught up. The index
// itself holds the cursor.
func (f *feeder) stream(c *consumer.Consumer, index *fed) *consumer.Stream {
	put := func(ctx context.Context, docs []search.Document) error {
		err := index.Put(ctx, docs)
		if err != nil {
			index.verified = time.Time{} // it may have lost its data
		}
		return err
	}
	return c.Stream(consumer.Stream{
		Kind: database.TenderItem, Batch: batch, Latest: true,
		Cursor: func(context.Context) (int64, error) { return index.cursor, nil },
		Advance: func(_ context.Context, to int64) error {
			index.cursor = max(index.cursor, to)
			return nil
		},
		Next: f.next,
		Process: func(ctx context.Context, items []consumer.Item) error {
			docs, err := f.documents(ctx, items)
			if err != nil {
				return err
			}
			return put(ctx, docs)
		},
		SetAside: func(ctx context.Context, item consumer.Item) error {
			return put(ctx, []search.Document{{ID: item.ID, Number: item.Number, Deleted: true}})
		},
		Reached: func(ctx context.Context) error {
			if reached := index.known.Reached; reached != nil && *reached >= index.cursor {
				return nil
			}
			return f.store.IndexReached(ctx, index.known.Name, index.cursor)
		},
	})
}

// next returns the tenders that changed next.
func (f *feeder) next(ctx context.Context, after int64, limit int) ([]consumer.Item, error) {
	changes, err := f.store.ChangesAfter(ctx, after, limit)
	items := make([]consumer.Item, len(changes))
	for i, change := range changes {
		items[i] = consumer.Item{ID: change.ID, Number: change.Number}
	}
	return items, err
}

// check returns an index's cursor, and reports whether the index still contains what it had reached. A cursor beyond
// the database's last change comes from another past of the database.
func check(ctx context.Context, s *store.Store, index search.Index, reached int64) (cursor int64, whole bool, err error) {
	if cursor, err = index.Cursor(ctx); err != nil {
		return 0, false, err
	}
	last, err := s.Database().LastNumber(ctx)
	return cursor, reached <= cursor && cursor <= last, err
}

// replace begins a new index in place of one that has lost data, which must no longer be active.
func (f *feeder) replace(ctx context.Context, lost store.SearchIndex) error {
	delete(f.fed, lost.Name)
	if _, err := f.store.BeginIndex(ctx, Version()); err != nil {
		return err
	}
	if err := f.store.DeleteIndex(ctx, lost.Name); err != nil {
		return err
	}
	return f.engine.Drop(ctx, lost.Name)
}

// retire removes indexes whose successor became active long ago.
func (f *feeder) retire(ctx context.Context, old []store.SearchIndex) error {
	for _, index := range old {
		since, seen := f.retired[index.Name]
		if !seen {
			f.retired[index.Name] = time.Now()
			continue
		}
		if time.Since(since) < keepRetired {
			continue
		}
		if err := f.engine.Drop(ctx, index.Name); err != nil { // while it is known, so that a failure is tried again
			return err
		}
		if err := f.store.DeleteIndex(ctx, index.Name); err != nil {
			return err
		}
		delete(f.retired, index.Name)
		delete(f.fed, index.Name)
	}
	return nil
}

// sweepEvery is how often a node is searched for copies that are no longer needed.
const sweepEvery = time.Minute

// sweep removes a node's copies of indexes that were replaced or retired while the node was away, or by another node's
// feeder.
func (f *feeder) sweep(ctx context.Context) error {
	if time.Since(f.swept) < sweepEvery {
		return nil
	}
	f.swept = time.Now()
	names, err := f.engine.Names(ctx)
	if err != nil {
		return err
	}
	// Read after the names: a row is there before its copies are.
	known, err := f.store.SearchIndexes(ctx, Version())
	if err != nil {
		return err
	}
	for _, name := range names {
		ours := slices.ContainsFunc(known, func(index store.SearchIndex) bool { return sameLine(index.Name, name) })
		needed := slices.ContainsFunc(known, func(index store.SearchIndex) bool { return index.Name == name })
		if !ours || needed {
			continue
		}
		if err := f.engine.Drop(ctx, name); err != nil {
			return err
		}
		delete(f.fed, name)
		f.log.InfoContext(ctx, "search node holds an index no longer needed: deleted", "index", name, "component", "indexer", "action", "tidy")
	}
	return nil
}

// sameLine reports whether two names are of generations of one index: of one past of one database, and one version.
func sameLine(a, b string) bool {
	return a[:strings.LastIndex(a, "-")+1] == b[:strings.LastIndex(b, "-")+1]
}

// documents makes documents of tenders. Each has the number of its item: a tender that has changed since is put again
// in its turn.
func (f *feeder) documents(ctx context.Context, items []consumer.Item) ([]search.Document, error) {
	tenders, err := f.store.TendersByID(ctx, idsOf(items))
	if err != nil {
		return nil, err
	}
	ids := make([]int64, 0, len(items))
	for _, t := range tenders {
		ids = append(ids, t.BuyerID)
	}
	buyers, err := f.store.Buyers(ctx, ids)
	if err != nil {
		return nil, err
	}
	refs, err := f.store.SourceRefs(ctx, idsOf(items))
	if err != nil {
		return nil, err
	}
	names, err := f.names(ctx, buyers)
	if err != nil {
		return nil, err
	}
	updated, err := f.store.UpdatedAt(ctx, idsOf(items))
	if err != nil {
		return nil, err
	}
	sources, err := f.store.SourcesOf(ctx, idsOf(items))
	if err != nil {
		return nil, err
	}
	docs := make([]search.Document, len(items))
	for i, item := range items {
		docs[i] = search.Document{ID: item.ID, Number: item.Number, Deleted: true}
		if t := tenders[item.ID]; t != nil && t.MergedInto == nil && t.Outcome != vigie.Withdrawn {
			docs[i] = f.document(ctx, t, buyers[t.BuyerID], names[buyers[t.BuyerID].ID], refs[t.ID], item.Number)
			docs[i].UpdatedAt = updated[t.ID]
			docs[i].Facts.PublishedBy(sources[t.ID])
		}
	}
	return docs, nil
}

// names returns all names of buyers.
func (f *feeder) names(ctx context.Context, buyers map[int64]*vigie.Buyer) (map[int64][]string, error) {
	ids := make([]int64, 0, len(buyers))
	for _, b := range buyers {
		ids = append(ids, b.ID)
	}
	return f.store.BuyerNames(ctx, ids)
}

func (f *feeder) document(ctx context.Context, t *vigie.Tender, buyer *vigie.Buyer, names, refs []string, number int64) search.Document {
	facts, cut := query.FactsOf(t)
	if cut {
		f.log.WarnContext(ctx, "tender has more terms than are kept", "component", "indexer", "action", "index", "tender", t.GlobalID(), "kept", lexicon.MaxTerms)
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
