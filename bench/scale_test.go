package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vigie/search/meili/meilitest"
	"vigie/store/storetest"
)

// builtServer is the server, which is built for the first test that needs it.
func builtServer(t *testing.T) string {
	t.Helper()
	path, err := serverOnce()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// serverDir is where it is built; TestMain removes it.
var serverDir = filepath.Join(os.TempDir(), fmt.Sprint("vigie-bench-test-", os.Getpid()))

var serverOnce = sync.OnceValues(func() (string, error) {
	path := filepath.Join(serverDir, "vigie")
	said, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, "../server").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("the server cannot be built: %w\n%s", err, said)
	}
	return path, nil
})

// What is measured is printed and drawn, and not measured again; what a stopped run has not measured, the next one does.
func TestCommandScale(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT RUN: a dozen servers are started one after the other, which takes minutes; without -short they are")
	}
	t.Setenv("VIGIE_TEST_DATA", "")
	dir := t.TempDir()
	args := []string{
		"scale", "--tenders", "200,400", "--watches", "100,300", "--pairs", embedded, "--recipients", "5", "--asks", "30", "--rest", "1ms",
		"--dir", dir, "--plot", filepath.Join(dir, "scale.svg"), "--binary", builtServer(t),
	}
	var out, problems strings.Builder
	if status := run(untilThere(t, dir, "*-400-100.json"), args, &out, &problems); status != 1 {
		t.Fatal("the run was not stopped")
	}
	half := results(t, dir)
	table := mustRun(t, args...)
	whole := results(t, dir)
	if len(half) != 7 || len(whole) != 8 { // with 2 of the matcher
		t.Errorf("%d results, then %d", len(half), len(whole))
	}
	for _, r := range half {
		if !slices.ContainsFunc(whole, func(o *scaleResult) bool { return fmt.Sprint(*o) == fmt.Sprint(*r) }) {
			t.Errorf("measured again: %v", r)
		}
	}
	complete(t, whole, table, 2)
	if left, err := filepath.Glob(filepath.Join(dir, embedded+"-?00")); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
	if again := mustRun(t, args...); again != table {
		t.Errorf("what was there was measured again:\n%s", again)
	}
}

// The same on the other pair of stores, at one size.
func TestCommandScaleProduction(t *testing.T) {
	t.Setenv("VIGIE_TEST_DATA", "")
	url := postgresURL(t)
	dir := t.TempDir()
	table := mustRun(t, "scale", "--tenders", "200", "--watches", "100", "--pairs", production, "--recipients", "5", "--asks", "30", "--rest", "1ms",
		"--dir", dir, "--plot", filepath.Join(dir, "scale.svg"), "--binary", builtServer(t), "--postgres", url)
	complete(t, results(t, dir), table, 1)
}

// postgresURL is the address of the tests' PostgreSQL. Without it, or without a Meilisearch, the test is skipped as others are.
func postgresURL(t *testing.T) string {
	t.Helper()
	storetest.Postgres(t)
	meilitest.Start(t)
	return os.Getenv("VIGIE_TEST_POSTGRES_URL")
}

// complete checks that each figure was measured at so many sizes, and is in the table.
func complete(t *testing.T, measured []*scaleResult, table string, sizes int) {
	t.Helper()
	for _, p := range panels() {
		for _, f := range p.figures {
			of := seriesOf(measured, f.name, p.over)
			if len(of) == 0 && f.name == memoryEngine {
				continue // only Meilisearch has one
			}
			if len(of) != 1 || len(of[0].points) != sizes {
				t.Errorf("%s: %s: %v", p.title, f.label, of)
				continue
			}
			for _, at := range of[0].points {
				if at.value <= 0 && !strings.HasSuffix(f.name, "cpu_s") { // which is counted by hundredths of a second
					t.Errorf("%s: %s: %v", p.title, f.label, of)
				}
			}
		}
		if !strings.Contains(table, "| "+p.title) {
			t.Errorf("no %q in\n%s", p.title, table)
		}
	}
}

// untilThere is a context that ends once a file is there.
func untilThere(t *testing.T, dir, file string) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for ctx.Err() == nil {
			if found, err := filepath.Glob(filepath.Join(dir, file)); err != nil || len(found) > 0 {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	return ctx
}

// results reads the results of a folder.
func results(t *testing.T, dir string) []*scaleResult {
	t.Helper()
	all, err := readResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// grown are results of figures that grow with a known exponent.
func grown() (all []*scaleResult) {
	for _, pair := range []string{embedded, production} {
		for _, size := range []int{10_000, 100_000, 1_000_000} {
			n := float64(size)
			all = append(all, &scaleResult{Pair: pair, Tenders: size, Figures: map[string]float64{
				listP95: math.Sqrt(n) / 1e5, importRate: 12_500, rebuild: n / 500, diskIndex: 4000 * n,
			}}, &scaleResult{Pair: pair, Tenders: size, Watches: 10_000, Load: 1.5, Figures: map[string]float64{starting: 2, diskDatabase: n * 1000}})
		}
		all = append(all, &scaleResult{Pair: pair, Tenders: 10_000, Watches: 100_000, Figures: map[string]float64{starting: 4, mailP95: 1.5}})
	}
	return all
}

func TestScaleTable(t *testing.T) {
	var out strings.Builder
	if err := printScale(&out, grown()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| by tenders | stores | 10,000 | 100,000 | 1,000,000 | exponent |\n|---|---|---|---|---|---|\n",
		"| List of a watch: a page of 20, with its total: p95 | SQLite, Bleve | 1.0 ms | 3.2 ms | 10 ms | 0.50 |\n",
		"| Import of tenders: rate | PostgreSQL, Meilisearch | 12,500 /s | 12,500 /s | 12,500 /s | 0.00 |\n",
		"| Building the index: time | SQLite, Bleve | 20 s | 200 s | 33 min | 1.00 |\n",
		"| Disk: index | SQLite, Bleve | 40 MB | 400 MB | 4.0 GB | 1.00 |\n",
		"| Start, until ready: time, with 10,000 watches | SQLite, Bleve | 2.0 s | 2.0 s | 2.0 s | 0.00 |\n",
		"| Start, until ready: time, with 10,000 tenders | SQLite, Bleve | 2.0 s | 4.0 s | 0.30 |\n",
		"| Disk: database, with 10,000 watches | SQLite, Bleve | 10 MB | 100 MB | 1.0 GB | 1.00 |\n",
		"| Publication to mail: p95, with 10,000 tenders | PostgreSQL, Meilisearch | – | 1.5 s | – |\n",
		"sqlite+bleve, 10,000 tenders, 10,000 watches: load 1.5\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

// The plot is XML, says in words what it shows, and keeps all its text within it.
func TestScalePlot(t *testing.T) {
	drawn := xml.NewDecoder(strings.NewReader(string(plot(grown()))))
	var texts []string
	for {
		token, err := drawn.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok && strings.TrimSpace(string(text)) != "" {
			texts = append(texts, string(text))
		}
	}
	for _, want := range []string{"SQLite, Bleve", "PostgreSQL, Meilisearch", "List of a watch: a page of 20, with its total", "0.50", "1.00", "100,000", "1,000,000 tenders", "10 ms", "processor time"} {
		if !slices.Contains(texts, want) {
			t.Errorf("no %q in %q", want, texts)
		}
	}
}

// Several servers answer, several processes publish, and what their transactions did is printed.
func TestCommandReplicas(t *testing.T) {
	t.Setenv("VIGIE_TEST_DATA", "")
	url := postgresURL(t)
	var report ReplicasReport
	text := mustRun(t, "replicas", "--replicas", "1,2", "--tenders", "300", "--requests", "100", "--publish", "2000", "--binary", builtServer(t), "--postgres", url, "--json")
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Reads) != 2 || len(report.Publishing) != 2 {
		t.Fatalf("%+v", report)
	}
	for i, r := range report.Reads {
		if r.Replicas != i+1 || r.PerSecond <= 0 || r.ServerMicros <= 0 {
			t.Errorf("%+v", r)
		}
	}
	for i, r := range report.Publishing {
		if r.Processes != i+1 || r.PerSecond <= 0 || r.QueueMicros <= r.NumbersMicros || r.NumbersMicros <= 0 || r.QueueCPUMicros <= 0 || r.QueueCPUMicros > r.HereMicros || r.EditP95 < r.EditP50 || r.EditP50 <= 0 || len(r.Waits) == 0 {
			t.Errorf("%+v", r)
		}
	}
	var out strings.Builder
	if err := printReplicas(&out, report); err != nil || !strings.Contains(out.String(), "2 processes that publish, what transactions did") {
		t.Errorf("it printed %s", &out)
	}
}
