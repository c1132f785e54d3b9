package feed_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/bench/corpus"
	"vigie/feed"
	"vigie/store"
	"vigie/store/storetest"
)

// BenchmarkLoad fills a matcher from PostgreSQL, with 100,000 watches or VIGIE_BENCH_WATCHES.
func BenchmarkLoad(b *testing.B) {
	count := 100_000
	if text := os.Getenv("VIGIE_BENCH_WATCHES"); text != "" {
		var err error
		if count, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	url := storetest.Postgres(b)
	s, account := openWithAccount(b, url)
	fillWatches(b, url, account.ID, count)
	for b.Loop() {
		m := feed.NewMatcher(prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
		if err := s.Snapshot(b.Context(), func(ctx context.Context, now *store.Snapshot) error { return m.Update(ctx, now) }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(count)*float64(b.N)/b.Elapsed().Seconds(), "watches/s")
}

// fillWatches writes watches of the samples' words, faster than one by one.
func fillWatches(b *testing.B, url string, account int64, count int) {
	b.Helper()
	words, err := corpus.Open("")
	if err != nil {
		b.Fatal(err)
	}
	list := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			b.Fatal(err)
		}
		if string(text) == "null" {
			return "[]"
		}
		return string(text)
	}
	watches := words.Watches(count, 1)
	now := time.Now()
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	columns := []string{
		"id", "account_id", "name", "name_key", "keywords", "keyword_mode", "excluded_keywords", "departments", "include_nationwide",
		"natures", "cpv_codes", "active", "frequency", "created_at", "updated_at", "number", "since",
	}
	_, err = conn.CopyFrom(b.Context(), pgx.Identifier{"watches"}, columns, pgx.CopyFromSlice(count, func(i int) ([]any, error) {
		w, id := watches[i], int64(1000+i)
		name := strconv.FormatInt(id, 10)
		return []any{
			id, account, name, name, list(w.Keywords), string(w.KeywordMode), list(w.ExcludedKeywords), list(w.Departments), w.IncludeNationwide,
			list(w.Natures), list(w.CPVCodes), true, string(vigie.Daily), now, now, id, id,
		}, nil
	}))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := conn.Exec(b.Context(), "UPDATE change_numbers SET last = $1", 1000+count); err != nil {
		b.Fatal(err)
	}
	if _, err := conn.Exec(b.Context(), "ANALYZE watches"); err != nil {
		b.Fatal(err)
	}
}
