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

	"github.com/cenkalti/backoff/v5"

	"vigie"
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
type Indexer struct {
	store  *store.Store
	engine search.Engine
	log    *slog.Logger
	active atomic.Pointer[opened]
	// absent is since when our engine has lacked the index that answers; apart is
	// whether that has lasted too long for a rebuild.
	absent time.Time
	apart  atomic.Bool
	// writer's own:
	lead    *store.Leadership
	fed     map[string]*opened
	retired map[string]time.Time
}

// opened is an index in use.
type opened struct {
	search.Index
	name     string
	cursor   int64
	verified time.Time
}

const (
	// pace is how long an idle indexer sleeps: well below the two seconds in
	// which a published tender is to be found.
	pace = 250 * time.Millisecond
	// batch is how many tenders go to an index at once.
	batch = 500
	// verifyEvery is how often an index is asked whether it still has what was
	// put into it.
	verifyEvery = 5 * time.Second
	// keepRetired is how long an index that no longer answers is kept: other
	// replicas learn of its successor meanwhile.
	keepRetired = time.Minute
	slowest     = 5 * time.Second
)

// Version names the rules that this binary makes documents by; an index of
// others is not read.
func Version() string { return fmt.Sprintf("l%ds%d", lexicon.Version, search.Version) }

// NewIndexer makes an indexer of the indexes in an engine.
func NewIndexer(s *store.Store, engine search.Engine, log *slog.Logger) *Indexer {
	return &Indexer{
		store: s, engine: engine, log: log,
		fed: make(map[string]*opened), retired: make(map[string]time.Time),
	}
}

// Index returns the index that answers now. Where there is none yet, the error
// is of code [vigie.Unavailable].
func (x *Indexer) Index() (search.Index, error) {
	if active := x.active.Load(); active != nil {
		return active.Index, nil
	}
	unavailable := &vigie.Error{Code: vigie.Unavailable, Text: vigie.Text{
		FR: "La recherche se prépare. Réessayez dans un instant.",
		EN: "Search is getting ready. Try again in a moment.",
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

// follows returns an error where we follow another server's index and never can.
func (x *Indexer) follows() error {
	x.apart.Store(!x.absent.IsZero() && time.Since(x.absent) >= apartAfter)
	if x.apart.Load() {
		return errApart
	}
	return nil
}

// Run works until ctx ends. What fails is logged and tried again: databases
// and search engines come back.
func (x *Indexer) Run(ctx context.Context) {
	defer x.resign()
	KeepOn(ctx, x.step, func(err error) {
		x.log.ErrorContext(ctx, "search index does not follow", "error", err)
		x.resign()
	})
}

// KeepOn takes steps until ctx ends: at once while there is more to do, else at
// an idle pace, and ever more slowly while they fail.
func KeepOn(ctx context.Context, step func(ctx context.Context) (more bool, err error), failed func(error)) {
	keepOn(ctx, pace, nil, step, failed)
}

// keepOn is [KeepOn] at a pace of its own; it can be woken, too.
func keepOn(ctx context.Context, idle time.Duration, woken <-chan struct{}, step func(ctx context.Context) (more bool, err error), failed func(error)) {
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = pace, slowest
	for ctx.Err() == nil {
		more, err := step(ctx)
		wait, woken := idle, woken
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			failed(err)
			wait, woken = retry.NextBackOff(), nil
		case more:
			retry.Reset()
			continue
		default:
			retry.Reset()
		}
		select {
		case <-ctx.Done():
		case <-woken:
		case <-time.After(wait):
		}
	}
}

// Step does what there is to do now, where nobody else leads, for tests that do
// not wait.
func (x *Indexer) Step(ctx context.Context) error {
	defer x.resign()
	for {
		if more, err := x.step(ctx); err != nil || !more {
			return err
		}
	}
}

// step looks once; more reports whether there is more to do at once.
func (x *Indexer) step(ctx context.Context) (more bool, err error) {
	known, err := x.store.SearchIndexes(ctx, Version())
	if err != nil {
		return false, err
	}
	if err := x.choose(ctx, known); err != nil {
		return false, err
	}
	leads, err := x.leads(ctx)
	if err != nil {
		return false, err
	}
	if !leads {
		return false, x.follows()
	}
	x.apart.Store(false) // what is missing we make
	if len(known) == 0 {
		_, err := x.store.BeginIndex(ctx, Version())
		return true, err
	}
	answering := answering(known)
	if answering >= 0 {
		if more, err = x.feed(ctx, known[answering]); err != nil {
			return false, err
		}
	}
	if answering != 0 { // the newest is being built
		building, err := x.feed(ctx, known[0])
		if err != nil {
			return false, err
		}
		more = more || building
	}
	if answering >= 0 {
		if err := x.retire(ctx, known[answering+1:]); err != nil {
			return false, err
		}
	}
	return more, nil
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
func (x *Indexer) choose(ctx context.Context, known []store.SearchIndex) error {
	i := answering(known)
	if i < 0 {
		x.active.Store(nil)
		x.missing(false)
		return nil
	}
	active := x.active.Load()
	chosen := active != nil && active.name == known[i].Name
	if chosen && time.Since(active.verified) < verifyEvery {
		return nil
	}
	if !chosen {
		index, err := x.engine.Open(ctx, known[i].Name)
		if err != nil {
			return err
		}
		active = &opened{Index: index, name: known[i].Name}
	}
	// Again and again: an index of our own that nobody feeds falls behind.
	_, whole, err := x.check(ctx, active, *known[i].Reached)
	if err != nil {
		if !chosen {
			x.active.Store(nil)
		}
		return err
	}
	x.missing(!whole)
	if !whole {
		x.active.Store(nil)
		return nil
	}
	active.verified = time.Now()
	if !chosen {
		x.log.InfoContext(ctx, "search index answers", "index", active.name)
		x.active.Store(active)
	}
	return nil
}

// leads reports whether this replica is the one that writes to indexes of its
// version.
func (x *Indexer) leads(ctx context.Context) (bool, error) {
	if x.lead != nil && x.lead.Holds(ctx) {
		return true, nil
	}
	x.resign()
	lead, err := x.store.Lead(ctx, "index-"+Version())
	x.lead = lead
	return lead != nil, err
}

// resign gives the lead back, and forgets what only a leader knows.
func (x *Indexer) resign() {
	if x.lead != nil {
		x.lead.Resign()
	}
	x.lead = nil
	clear(x.fed)
}

// feed puts the next changes into an index, and notes how far it has come when
// it has caught up.
func (x *Indexer) feed(ctx context.Context, known store.SearchIndex) (more bool, err error) {
	index, lost, err := x.open(ctx, known)
	if err != nil {
		return false, err
	}
	if lost {
		x.log.WarnContext(ctx, "search index has lost what it held; building it anew", "index", known.Name)
		return true, x.replace(ctx, known)
	}
	tenders, err := x.store.ChangedTenders(ctx, index.cursor, batch)
	if err != nil {
		return false, err
	}
	if len(tenders) > 0 {
		docs, err := x.documents(ctx, tenders)
		if err != nil {
			return false, err
		}
		if err := index.Put(ctx, docs); err != nil {
			return false, err
		}
		index.cursor = tenders[len(tenders)-1].Number
	}
	if len(tenders) == batch {
		return true, nil
	}
	ready := known.Reached != nil
	if ready && *known.Reached >= index.cursor {
		return false, nil
	}
	return !ready, x.store.IndexReached(ctx, known.Name, index.cursor)
}

// open returns an index at its cursor, and asks it now and then whether it
// still has what was put into it.
func (x *Indexer) open(ctx context.Context, known store.SearchIndex) (index *opened, lost bool, err error) {
	index = x.fed[known.Name]
	if index == nil {
		opening, err := x.engine.Open(ctx, known.Name)
		if err != nil {
			return nil, false, err
		}
		index = &opened{Index: opening, name: known.Name}
		if known.Reached != nil {
			index.cursor = *known.Reached
		}
		x.fed[known.Name] = index
	}
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

// check asks an index for its cursor, and tells whether it still has what it
// reached. Beyond the last change lies only what another past of this database
// put there.
func (x *Indexer) check(ctx context.Context, index search.Index, reached int64) (cursor int64, whole bool, err error) {
	if cursor, err = index.Cursor(ctx); err != nil {
		return 0, false, err
	}
	last, err := x.store.LastNumber(ctx)
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

// documents makes documents of tenders.
func (x *Indexer) documents(ctx context.Context, tenders []*vigie.Tender) ([]search.Document, error) {
	ids := make([]int64, len(tenders))
	for i, t := range tenders {
		ids[i] = t.BuyerID
	}
	buyers, err := x.store.Buyers(ctx, ids)
	if err != nil {
		return nil, err
	}
	docs := make([]search.Document, len(tenders))
	for i, t := range tenders {
		if t.MergedInto != nil || t.Outcome == vigie.Withdrawn {
			docs[i] = search.Document{ID: t.ID, Number: t.Number, Deleted: true}
			continue
		}
		facts, cut := query.FactsOf(t)
		if cut {
			x.log.WarnContext(ctx, "tender has more terms than are kept", "tender", t.GlobalID(), "kept", lexicon.MaxTerms)
		}
		docs[i] = search.Document{
			Facts: facts, ID: t.ID, Number: t.Number, Outcome: t.Outcome,
			PublishedAt: t.PublishedAt, Deadline: t.Deadline,
			Title: t.Title, Description: t.Description, BuyerName: buyers[t.BuyerID].Name,
			Other: other(t),
		}
	}
	return docs, nil
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
