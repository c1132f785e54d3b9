package main

import (
	"encoding/json"
	"strings"
	"testing"

	"vigie/bench"
)

func TestBenchMatch(t *testing.T) {
	t.Setenv("VIGIE_TEST_DATA", "") // words of the samples
	c := start(t, nil, nil, "bench", "match", "--watches", "2000", "--tenders", "20", "--cold", "0", "--json")
	if <-c.ended; c.status != 0 {
		t.Fatal(c.err.String())
	}
	for _, field := range []string{
		"watches", "seed", "notices", "postings", "atoms", "build_s", "bytes_per_watch", "gc_ms", "measures",
		"tenders", "circumstance", "count", "share", "p50_ms", "p99_ms", "candidates_per_match", "matches_per_tender", "matches_per_s",
	} {
		if !strings.Contains(c.out.String(), `"`+field+`": `) {
			t.Errorf("no %s in\n%s", field, c.out.String())
		}
	}
	var report bench.MatchReport
	if err := json.Unmarshal([]byte(c.out.String()), &report); err != nil {
		t.Fatal(err)
	}
	if report.Watches != 2000 || report.Notices < 200 || report.Postings < 2000 || len(report.Measures) != 6 {
		t.Errorf("%+v", report)
	}
	for _, m := range report.Measures {
		if m.Count != 20 || m.Share <= 0 || m.P50 <= 0 || m.P99 < m.P50 || m.CandidatesPerMatch < 1 {
			t.Errorf("%+v", m)
		}
	}
}

func TestBenchMatchTable(t *testing.T) {
	t.Setenv("VIGIE_TEST_DATA", "")
	c := start(t, nil, nil, "bench", "match", "--watches", "500", "--tenders", "5", "--cold", "0")
	if <-c.ended; c.status != 0 {
		t.Fatal(c.err.String())
	}
	for _, want := range []string{"500 watches", "bytes a watch", "usual", "hot", "nowhere", "changing", "times the index"} {
		if !strings.Contains(c.out.String(), want) {
			t.Errorf("no %q in\n%s", want, c.out.String())
		}
	}
}

func TestBenchAlert(t *testing.T) {
	c := start(t, nil, nil, "bench", "alert", "--recipients", "40", "--json")
	if <-c.ended; c.status != 0 {
		t.Fatal(c.err.String())
	}
	var report bench.AlertReport
	if err := json.Unmarshal([]byte(c.out.String()), &report); err != nil {
		t.Fatal(err)
	}
	if report.Recipients != 40 || report.Database != "sqlite" || report.P50 <= 0 || report.P95 < report.P50 || report.Max < report.P95 || report.MailsPerSecond <= 0 {
		t.Errorf("%+v", report)
	}
}
