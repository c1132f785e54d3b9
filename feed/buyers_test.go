package feed_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"vigie/feed"
	"vigie/store"
	"vigie/store/storetest"
)

// The directory of buyers is read before the first search, and follows what is published: a search then asks for the last
// change and its rows alone.
func TestBuyersAreReadAhead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		storetest.Publish(t, s, storetest.Notice("1", 0))
		queries := make(asked, 1000)
		s.Database().Observe(queries)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			(&feed.Buyers{Store: s, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}).Run(ctx)
		}()
		for range 2 {
			queries.wait(t, "FROM tenders AS tender")
			queries.wait(t, "last FROM change_numbers") // of the step after
			storetest.Publish(t, s, storetest.Notice("2", 0))
		}
		stop()
		<-done
		for len(queries) > 0 {
			<-queries
		}
		found, _, err := s.SearchBuyers(t.Context(), []string{"c"}, store.BuyerWindow{Now: storetest.Noon(), Limit: 10})
		if err != nil || len(found) == 0 || len(queries) != 2 {
			t.Errorf("%d buyers by %d queries, %v", len(found), len(queries), err)
		}
	})
}

// asked are the queries of a database, in their order.
type asked chan string

func (a asked) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (a asked) AfterQuery(_ context.Context, e *bun.QueryEvent) { a <- e.Query }

// wait waits for a query with a text.
func (a asked) wait(t *testing.T, text string) {
	t.Helper()
	for {
		select {
		case query := <-a:
			if strings.Contains(query, text) {
				return
			}
		case <-t.Context().Done():
			t.Fatalf("no query has %s", text)
		}
	}
}
