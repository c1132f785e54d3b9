package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/consumer"
	"vigie/consumer/consumertest"
	"vigie/search"
	"vigie/search/bleve"
	"vigie/store"
	"vigie/store/storetest"
)

// indexSubject is an indexer whose tenders can be found. Replicas of one database share the engine, which only one
// process can open.
type indexSubject struct {
	t       *testing.T
	store   *store.Store
	engine  search.Engine
	indexer *Indexer
}

func newIndexSubject(t *testing.T, url string, engine search.Engine) *indexSubject {
	s, err := store.Open(t.Context(), url, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &indexSubject{t: t, store: s, engine: engine}
}

func (s *indexSubject) Restart(t *testing.T, fault consumer.Fault) *consumer.Consumer {
	s.indexer = NewIndexer(s.store, s.engine, slog.New(slog.NewTextHandler(t.Output(), nil)))
	s.indexer.Fail = fault
	return s.indexer.consumer()
}

func (s *indexSubject) Add(t *testing.T, n int) (ids []int64) {
	t.Helper()
	for range n {
		published, err := s.store.Publish(t.Context(), []*vigie.Notice{{
			Source: "test", SourceRef: fmt.Sprint(time.Now().UnixNano()), Kind: vigie.ContractNotice, PublishedAt: time.Now().Add(-time.Hour),
			Buyer: vigie.BuyerName{Name: "Commune d'Exemple"}, Content: vigie.Content{Title: "Voirie"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, published[0].Notice.TenderID)
	}
	return ids
}

func (s *indexSubject) Processed(t *testing.T) (ids []int64) {
	t.Helper()
	index, err := s.indexer.Index()
	if err != nil {
		t.Fatal(err)
	}
	return idsIn(t, index)
}

// idsIn are the tenders in an index.
func idsIn(t *testing.T, index search.Index) (ids []int64) {
	t.Helper()
	results, err := index.Search(t.Context(), []search.Query{{Now: time.Now(), Limit: 100}})
	if err != nil {
		t.Fatal(err)
	}
	for _, hit := range results[0].Hits {
		ids = append(ids, hit.ID)
	}
	return ids
}

// Cursor returns the cursor of the index that is furthest behind.
func (s *indexSubject) Cursor(t *testing.T) int64 {
	if len(s.indexer.feeders[0].fed) == 0 {
		return 0
	}
	cursor := int64(math.MaxInt64)
	for _, index := range s.indexer.feeders[0].fed {
		cursor = min(cursor, index.cursor)
	}
	return cursor
}

func (s *indexSubject) Store() *store.Store { return s.store }

func TestIndexerIsAConsumer(t *testing.T) {
	engines := make(map[string]search.Engine)
	consumertest.Run(t, func(t *testing.T, url string) consumertest.Subject {
		engine := engines[url]
		if engine == nil {
			var err error
			if engine, err = bleve.Open(filepath.Join(t.TempDir(), "index"), slog.New(slog.DiscardHandler)); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { engine.Close() })
			engines[url] = engine
		}
		return newIndexSubject(t, url, engine)
	})
}

// nodeSubject is the consumer that feeds the second of two nodes.
type nodeSubject struct {
	*indexSubject
	nodes []Node
}

func (s *nodeSubject) feeder() *feeder { return s.indexer.feeders[1] }

func (s *nodeSubject) Restart(t *testing.T, fault consumer.Fault) *consumer.Consumer {
	s.indexer = NewIndexer(s.store, s.engine, slog.New(slog.NewTextHandler(t.Output(), nil)), s.nodes...)
	s.indexer.Fail = fault
	return s.indexer.nodeConsumer(s.feeder())
}

func (s *nodeSubject) Processed(t *testing.T) (ids []int64) {
	t.Helper()
	known, err := s.store.SearchIndexes(t.Context(), Version())
	if err != nil || len(known) != 1 {
		t.Fatal(known, err)
	}
	index, err := s.nodes[1].Open(t.Context(), known[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	return idsIn(t, index)
}

func (s *nodeSubject) Cursor(*testing.T) (cursor int64) {
	for _, index := range s.feeder().fed {
		cursor = index.cursor
	}
	return cursor
}

func TestNodeFeederIsAConsumer(t *testing.T) {
	engines := make(map[string][]Node)
	consumertest.Run(t, func(t *testing.T, url string) consumertest.Subject {
		for _, name := range []string{"a:7700", "b:7700"} {
			if len(engines[url]) == 2 {
				break
			}
			engine, err := bleve.Open(t.TempDir(), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { engine.Close() })
			engines[url] = append(engines[url], Node{engine, name})
		}
		return &nodeSubject{newIndexSubject(t, url, engines[url][0].Engine), engines[url]}
	})
}

// A tender that was indexed, and cannot be indexed since it was changed, is no longer found in its old version; once
// it can be indexed again, it is found without an operator's help.
func TestIndexHasNothingOld(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			engine, err := bleve.Open(filepath.Join(t.TempDir(), "index"), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer engine.Close()
			s := newIndexSubject(t, open(t), engine)
			poisoned := false
			c := s.Restart(t, func(context.Context, string, []consumer.Item) error {
				if poisoned {
					panic("cannot be indexed")
				}
				return nil
			})
			publish := func(title string) {
				t.Helper()
				_, err := s.store.Publish(t.Context(), []*vigie.Notice{{
					Source: "test", SourceRef: "1", Kind: vigie.ContractNotice, PublishedAt: time.Now().Add(-time.Hour),
					Buyer: vigie.BuyerName{Name: "Commune d'Exemple"}, Content: vigie.Content{Title: title},
				}})
				if err == nil {
					err = c.Drain(t.Context())
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			found := func(when string, want int) {
				t.Helper()
				rows, err := s.store.Database().Quarantine(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if got := len(s.Processed(t)); got != want || len(rows) != 1-want {
					t.Errorf("%s: %d found, %d quarantined", when, got, len(rows))
				}
			}
			publish("Voirie")
			found("at first", 1)
			poisoned = true
			publish("Voirie communale")
			found("when it cannot be indexed", 0)
			s.indexer.feeders[0].fed = make(map[string]*fed) // as a check of the index does after some time
			if err := c.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			found("when the index is asked how far it has come", 0)
			poisoned = false
			publish("Voirie rurale")
			found("when it can", 1)
		})
	}
}

// A tender that cannot be read is quarantined, and is found once it can be read again; the others are found all the time.
func TestUnreadableTenderIsNotIndexed(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			engine, err := bleve.Open(filepath.Join(t.TempDir(), "index"), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer engine.Close()
			s := newIndexSubject(t, open(t), engine)
			c := s.Restart(t, nil)
			ids := s.Add(t, 3)
			spoilt := func(lots string) {
				t.Helper()
				if _, err := s.store.Database().NewRaw("UPDATE tenders SET lots = ? WHERE id = ?", lots, ids[1]).Exec(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := c.Drain(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			found := func(when string, want ...int64) {
				t.Helper()
				if got := slices.Sorted(slices.Values(s.Processed(t))); !slices.Equal(got, want) {
					t.Errorf("%s: found %v, not %v", when, got, want)
				}
			}
			spoilt(`"unreadable"`)
			found("unreadable", ids[0], ids[2])
			if _, err := s.store.Retry(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			spoilt(`[]`)
			found("readable", ids...)
		})
	}
}

// Subscribers get every notice, or an error: a notice that cannot be read cuts them off, and those who subscribe
// after that get what comes after that. A failure that passes loses nothing.
func TestNewsOfWhatCannotBeTold(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			s := newIndexSubject(t, open(t), nil)
			news := NewBroadcaster(s.store, slog.New(slog.NewTextHandler(t.Output(), nil)))
			var failing, tries int
			news.Fail = func(context.Context, string, []consumer.Item) error {
				if tries++; tries <= failing {
					panic("cannot be read")
				}
				return nil
			}
			c := news.consumer()
			follow := func(failures int) (received []int64, lost error) {
				t.Helper()
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				list, err := news.Subscribe(ctx)
				if err != nil {
					t.Fatal(err)
				}
				failing, tries = failures, 0
				want := s.Add(t, 2)
				if err := c.Drain(t.Context()); err != nil {
					t.Fatal(err)
				}
				for some, err := range list {
					for _, one := range some {
						received = append(received, one.Notice.ID)
					}
					if lost = err; len(received) == len(want) {
						break
					}
				}
				return received, lost
			}
			if received, lost := follow(consumer.Tries - 1); len(received) != 2 || lost != nil {
				t.Errorf("after a failure that passes: got %v, then %v", received, lost)
			}
			if received, lost := follow(1000); vigie.CodeOf(lost) != vigie.Unavailable {
				t.Errorf("notice that cannot be read: got %v, then %v", received, lost)
			}
			if received, lost := follow(0); len(received) != 2 || lost != nil {
				t.Errorf("after that: got %v, then %v", received, lost)
			}
			if rows, err := s.store.Database().Quarantine(t.Context()); err != nil || len(rows) > 0 {
				t.Errorf("quarantined for nobody: %v, %v", rows, err)
			}
		})
	}
}

// narrow is an engine that refuses documents with long titles.
type narrow struct{ search.Engine }

func (n narrow) Open(ctx context.Context, name string) (search.Index, error) {
	index, err := n.Engine.Open(ctx, name)
	return narrowIndex{index}, err
}

type narrowIndex struct{ search.Index }

func (i narrowIndex) Put(ctx context.Context, docs []search.Document) error {
	for _, d := range docs {
		if slices.Contains(d.Text.Title, "voirie_voirie") {
			return search.TooLarge(errors.New("too large"))
		}
	}
	return i.Index.Put(ctx, docs)
}

// A tender that is too large for the index does not keep others from being found.
func TestTooLargeForTheIndex(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			engine, err := bleve.Open(filepath.Join(t.TempDir(), "index"), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer engine.Close()
			s := newIndexSubject(t, open(t), narrow{engine})
			c := s.Restart(t, nil)
			s.Add(t, 3)
			published, err := s.store.Publish(t.Context(), []*vigie.Notice{{
				Source: "test", SourceRef: "large", Kind: vigie.ContractNotice, PublishedAt: time.Now().Add(-time.Hour),
				Buyer: vigie.BuyerName{Name: "Commune d'Exemple"}, Content: vigie.Content{Title: strings.Repeat("Voirie ", 50)},
			}})
			if err != nil {
				t.Fatal(err)
			}
			s.Add(t, 3)
			if err := c.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			rows, err := s.store.Database().Quarantine(t.Context())
			if err != nil || len(rows) != 1 || rows[0].Item != published[0].Notice.TenderID {
				t.Errorf("quarantined: %+v, %v", rows, err)
			}
			if found := s.Processed(t); len(found) != 6 {
				t.Errorf("found %v", found)
			}
			if behind, err := s.store.IndexBehind(t.Context(), Version()); err != nil || behind.Changes != 0 {
				t.Errorf("behind: %+v, %v", behind, err)
			}
		})
	}
}
