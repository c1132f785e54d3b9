package main

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestMain runs the command where a test, or what it runs, starts this program as one.
func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	if err := os.Setenv(asCommand, "1"); err != nil {
		panic(err)
	}
	status := m.Run()
	os.RemoveAll(serverDir)
	os.Exit(status)
}

// asCommand is the variable that says that this program is the command.
const asCommand = "VIGIE_BENCH_TEST_COMMAND"

// mustRun runs a command and returns what it printed.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	var out, problems strings.Builder
	if status := run(t.Context(), args, &out, &problems); status != 0 || problems.Len() > 0 {
		t.Fatalf("%v: status %d: %s", args, status, problems.String())
	}
	return out.String()
}

func TestCommandLine(t *testing.T) {
	t.Setenv("VIGIE_TEST_DATA", "")
	for _, args := range [][]string{{}, {"measure"}, {"match", "--watches", "0"}, {"alert", "--recipients", "-1"}, {"hooks", "--endpoints", "0"}, {"hooks", "--dead", "100"}, {"import", "--every", "0"}, {"scale", "--tenders", "0"}, {"scale", "--pairs", "sqlite+meilisearch"}, {"scale", "--pairs", production, "--postgres", ""}, {"replicas", "--postgres", "x", "--replicas", "0"}, {"match", "--tenders", "x"}} {
		var out, problems strings.Builder
		if status := run(t.Context(), args, &out, &problems); status != 2 || !strings.HasPrefix(problems.String(), "bench: ") {
			t.Errorf("%v: status %d, %q", args, status, problems.String())
		}
	}
	var out, problems strings.Builder
	if status := run(t.Context(), []string{"match", "--notices", t.TempDir()}, &out, &problems); status != 1 || !strings.Contains(problems.String(), "has no boamp/") {
		t.Errorf("no notices: status %d, %q", status, problems.String())
	}
	if out := mustRun(t, "--help"); !strings.Contains(out, "match") || !strings.Contains(out, "alert") {
		t.Errorf("--help printed %q", out)
	}
}

func TestCommandMatch(t *testing.T) {
	t.Setenv("VIGIE_TEST_DATA", "") // words of the samples
	out := mustRun(t, "match", "--watches", "2000", "--tenders", "20", "--cold", "0", "--json")
	for _, field := range []string{
		"watches", "seed", "notices", "postings", "atoms", "build_s", "bytes_per_watch", "gc_ms", "measures",
		"tenders", "circumstance", "count", "share", "p50_ms", "p99_ms", "candidates_per_match", "matches_per_tender", "matches_per_s",
	} {
		if !strings.Contains(out, `"`+field+`": `) {
			t.Errorf("no %s in\n%s", field, out)
		}
	}
	var report MatchReport
	if err := json.Unmarshal([]byte(out), &report); err != nil {
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

func TestCommandMatchTable(t *testing.T) {
	t.Setenv("VIGIE_TEST_DATA", "")
	out := mustRun(t, "match", "--watches", "500", "--tenders", "5", "--cold", "0")
	for _, want := range []string{"500 watches", "bytes a watch", "usual", "hot", "nowhere", "changing", "times the index"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestCommandAlert(t *testing.T) {
	out := mustRun(t, "alert", "--recipients", "40", "--json")
	var report AlertReport
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if report.Recipients != 40 || report.Database != "sqlite" || report.P50 <= 0 || report.P95 < report.P50 || report.Max < report.P95 || report.MailsPerSecond <= 0 {
		t.Errorf("%+v", report)
	}
}

func TestCommandImport(t *testing.T) {
	t.Setenv("VIGIE_TEST_DATA", "")
	out := mustRun(t, "import", "--notices", "1200", "--every", "400", "--index", "--json")
	var report ImportReport
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if report.Database != "sqlite" || len(report.Stages) != 3 || report.EngineSeconds <= 0 || report.IndexSeconds < report.EngineSeconds {
		t.Errorf("%+v", report)
	}
	for i, stage := range report.Stages {
		if stage.Notices != 400*(i+1) || stage.PerSecond <= 0 || stage.CPUMicros <= 0 {
			t.Errorf("%+v", stage)
		}
	}
	if out := mustRun(t, "import", "--notices", "300", "--every", "300"); !strings.Contains(out, "CPU µs a notice") || !strings.Contains(out, "slowest stage: 1.00 times") {
		t.Errorf("import printed %q", out)
	}
}

// All endpoints that live get the tender, though others hang, refuse connections and fail.
func TestCommandHooks(t *testing.T) {
	var report HooksReport
	if err := json.Unmarshal([]byte(mustRun(t, "hooks", "--endpoints", "100", "--dead", "9", "--json")), &report); err != nil {
		t.Fatal(err)
	}
	if report.Endpoints != 100 || report.Dead != 9 || report.P50 <= 0 || report.P95 < report.P50 || report.Max < report.P95 || report.MessagesPerSecond <= 0 || report.CPUSeconds <= 0 {
		t.Errorf("%+v", report)
	}
	if out := mustRun(t, "hooks", "--endpoints", "3", "--dead", "0"); !strings.HasPrefix(out, "sqlite: 3 endpoints, 0 of them dead") {
		t.Errorf("it printed %q", out)
	}
}
