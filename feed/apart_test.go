package feed

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/consumer"
	"vigie/search/bleve"
	"vigie/store"
	"vigie/store/storetest"
)

// If servers share a database but not the search engine, only one of them keeps its index up to date. The other must
// report what is wrong instead of waiting for ever.
func TestApart(t *testing.T) {
	url := storetest.Postgres(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	open := func() *Indexer {
		t.Helper()
		s, err := store.Open(t.Context(), url, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		engine, err := bleve.Open(t.TempDir(), log)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { engine.Close() })
		return NewIndexer(s, engine, log)
	}
	first, second := open(), open()
	leading, following := first.consumer(), second.consumer()
	step := func(c *consumer.Consumer) error {
		t.Helper()
		for {
			if more, err := c.Step(t.Context()); err != nil || !more {
				return err
			}
		}
	}
	if _, err := first.store.Publish(t.Context(), []*vigie.Notice{{
		Source: "test", SourceRef: "1", Kind: vigie.ContractNotice, PublishedAt: time.Now().Add(-time.Hour),
		Buyer: vigie.BuyerName{Name: "Commune"}, Content: vigie.Content{Title: "Voirie"},
	}}); err != nil {
		t.Fatal(err)
	}
	if err := step(leading); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Index(); err != nil {
		t.Fatal(err)
	}
	// At first this may be a rebuild.
	if err := step(following); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Index(); vigie.CodeOf(err) != vigie.Unavailable || strings.Contains(err.Error(), "VIGIE_SEARCH_URL") {
		t.Errorf("at first: %v", err)
	}
	second.absent = second.absent.Add(-apartAfter)
	if err := step(following); err == nil || !strings.Contains(err.Error(), "VIGIE_SEARCH_URL") {
		t.Errorf("the log says %v", err)
	}
	if _, err := second.Index(); vigie.CodeOf(err) != vigie.Unavailable || !strings.Contains(err.Error(), "VIGIE_SEARCH_URL") {
		t.Errorf("the error for operators is %v", err)
	}
	// Once the first has stopped, the other is alone and builds its own index.
	if err := leading.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := step(following); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Index(); err != nil {
		t.Error(err)
	}
	if err := following.Drain(t.Context()); err != nil {
		t.Error(err)
	}
}
