package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"vigie/store/storetest"
)

// PostgreSQL finds the same watches: Match itself compares them.
func TestMatchBesidePostgres(t *testing.T) {
	url := storetest.Postgres(t)
	report, err := Match(t.Context(), open(t), MatchOptions{Watches: 3000, Tenders: 30, Seed: 5, Cold: 1, Postgres: url})
	if err != nil {
		t.Fatal(err)
	}
	if report.Watches != 3000 || report.Postings < 3000 || report.Atoms < 300 || report.BuildSeconds <= 0 || report.BytesPerWatch <= 0 || report.GCMillis <= 0 {
		t.Errorf("%+v", report)
	}
	counts := map[string]int{"warm": 30, "cold": 1, "postgres": 30, "changing": 30}
	if len(report.Measures) != 3*len(counts) {
		t.Errorf("%d measures", len(report.Measures))
	}
	for _, m := range report.Measures {
		if m.Count != counts[m.Circumstance] || m.P50 <= 0 || m.P99 < m.P50 || m.MatchesPerSecond <= 0 || m.Share <= 0 || m.Share > 0.5 {
			t.Errorf("%+v", m)
		}
		if beside := m.Circumstance == "postgres"; (m.Ratio > 0) != beside || (m.CandidatesPerMatch >= 1) == beside {
			t.Errorf("%+v", m)
		}
	}
	noSchemaLeft(t, url)
}

// Whenever it is given up, its schema goes.
func TestMatchBesidePostgresCancelled(t *testing.T) {
	url, c := storetest.Postgres(t), open(t)
	const ms = time.Millisecond
	for _, after := range []time.Duration{0, 20 * ms, 100 * ms, 300 * ms, 600 * ms} { // while it loads, and while it matches
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := Match(ctx, c, MatchOptions{Watches: 20_000, Tenders: 200, Seed: 5, Postgres: url})
			ended <- err
		}()
		for schemas(t, url) == 0 && len(ended) == 0 {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(after)
		stop()
		// A fast machine may be done before the longer waits are over.
		if err := <-ended; (err != nil || after == 0) && !errors.Is(err, context.Canceled) {
			t.Errorf("after %v: %v", after, err)
		}
		noSchemaLeft(t, url)
	}
}

func noSchemaLeft(t *testing.T, url string) {
	t.Helper()
	if n := schemas(t, url); n > 0 {
		t.Errorf("%d schemas are left", n)
	}
}

// schemas counts those that a measure made.
func schemas(t *testing.T, url string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'vigie\_bench\_%'`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
