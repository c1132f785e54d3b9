package consumer_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"vigie"
	"vigie/consumer"
	"vigie/consumer/consumertest"
	"vigie/database"
	"vigie/store"
)

// reader is a minimal consumer: it records the notices.
type reader struct {
	t     *testing.T
	store *store.Store
	// read is what it recorded, which in a real consumer is in the database.
	read map[int64]int
	made int
}

func newReader(t *testing.T, url string) *reader {
	s, err := store.Open(t.Context(), url, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &reader{t: t, store: s, read: make(map[int64]int)}
}

func (r *reader) Restart(t *testing.T, fault consumer.Fault) *consumer.Consumer {
	c := &consumer.Consumer{
		Name: "reader", Job: "reader", DB: r.store.Database(), Now: time.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Fault: fault,
	}
	c.Work = c.Stream(consumer.Stream{
		Kind: database.NoticeItem, Batch: 4,
		Next: func(ctx context.Context, after int64, limit int) (items []consumer.Item, err error) {
			err = r.store.Snapshot(ctx, func(ctx context.Context, now *store.Snapshot) error {
				numbers, err := now.NoticesAfter(ctx, after, limit)
				for _, number := range numbers {
					items = append(items, consumer.Item{ID: number, Number: number})
				}
				return err
			})
			return items, err
		},
		Process: func(_ context.Context, items []consumer.Item) error {
			for _, item := range items {
				r.read[item.ID] = 1
			}
			return nil
		},
	}).Step
	return c
}

func (r *reader) Add(t *testing.T, n int) (ids []int64) {
	t.Helper()
	for range n {
		r.made++
		published, err := r.store.Publish(t.Context(), []*vigie.Notice{{
			Source: "test", SourceRef: fmt.Sprint(time.Now().UnixNano(), r.made), Kind: vigie.ContractNotice, PublishedAt: time.Now(),
			Buyer: vigie.BuyerName{Name: "Commune d'Exemple"}, Content: vigie.Content{Title: "Voirie"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, published[0].Notice.ID)
	}
	return ids
}

func (r *reader) Processed(*testing.T) (ids []int64) {
	for id, times := range r.read {
		ids = append(ids, slices.Repeat([]int64{id}, times)...)
	}
	return ids
}

func (r *reader) Cursor(t *testing.T) int64 {
	cursor, err := r.store.Database().Cursor(t.Context(), "reader")
	if err != nil {
		t.Fatal(err)
	}
	return cursor
}

func (r *reader) Store() *store.Store { return r.store }

func TestStream(t *testing.T) {
	shared := make(map[string]*reader)
	consumertest.Run(t, func(t *testing.T, url string) consumertest.Subject {
		r := newReader(t, url)
		if other := shared[url]; other != nil {
			r.read = other.read // of one database
		}
		shared[url] = r
		return r
	})
}
