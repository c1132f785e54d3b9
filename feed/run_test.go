package feed_test

import (
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/feed"
	"vigie/store/storetest"
)

// A running matcher stays up to date by itself, also after the database failed for a while.
func TestMatcherHeals(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			url := open(t)
			s, account := openWithAccount(t, url)
			create := func(name string) {
				t.Helper()
				w := vigie.Watch{Name: name, NameKey: name, Active: true, Frequency: vigie.Daily, Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords, Keywords: []string{"voirie"}}}
				if _, err := s.CreateWatch(t.Context(), account, w, true, nil); err != nil {
					t.Fatal(err)
				}
			}
			metrics, said := prometheus.NewRegistry(), make(chan struct{}, 1)
			m := feed.NewMatcher(metrics, slog.New(failures{slog.DiscardHandler, said}))
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { defer close(ended); m.Run(ctx, s) }()
			defer func() { stop(); <-ended }()

			create("one")
			holds(t, metrics, 1)
			rename(t, url, "change_numbers", "elsewhere")
			select {
			case <-said:
			case <-time.After(30 * time.Second):
				t.Fatal("the failure is not logged")
			}
			rename(t, url, "elsewhere", "change_numbers")
			create("two")
			holds(t, metrics, 2)
		})
	}
}

// failures receives the errors that are logged.
type failures struct {
	slog.Handler
	said chan struct{}
}

func (f failures) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }

func (f failures) Handle(context.Context, slog.Record) error {
	select {
	case f.said <- struct{}{}:
	default:
	}
	return nil
}

// rename hides a table from the store.
func rename(t *testing.T, url, from, to string) {
	t.Helper()
	execute(t, url, "ALTER TABLE "+from+" RENAME TO "+to)
}

// execute changes a database without the store.
func execute(t *testing.T, url, statement string) {
	t.Helper()
	driver := "pgx"
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, url = "sqlite", "file:"+path+"?_pragma=busy_timeout(20000)"
	}
	db, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// holds waits until a matcher reports that many watches.
func holds(t *testing.T, metrics prometheus.Gatherer, want float64) {
	t.Helper()
	var got float64
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		families, err := metrics.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "vigie_match_watches" {
				got = f.GetMetric()[0].GetGauge().GetValue()
			}
		}
		if got == want {
			return
		}
	}
	t.Fatalf("the matcher holds %v watches, not %v", got, want)
}
