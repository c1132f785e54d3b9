package boamp_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/ingest/boamp"
)

// realFile opens a file of real notices, in the folder that VIGIE_TEST_DATA
// names.
func realFile(t testing.TB, name string) *os.File {
	t.Helper()
	dir := os.Getenv("VIGIE_TEST_DATA")
	if dir == "" {
		t.Skip("NOT RUN: set VIGIE_TEST_DATA to a folder with real notices in boamp/ to read them")
	}
	f, err := os.Open(filepath.Join(dir, "boamp", name))
	switch {
	case err != nil && os.Getenv("VIGIE_TEST_ALL") == "1":
		t.Fatal(err)
	case err != nil:
		t.Skip("NOT RUN: ", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestRealNotices reads published notices: none may be refused.
func TestRealNotices(t *testing.T) {
	for _, test := range []struct {
		name    string
		notices int
	}{
		{"notices-2017-2024.jsonl.gz", 8000},
		{"records-v2.1-2024.json", 2},
		{"records-v2.1-2026.json", 5},
		{"records-v1-2025.json", 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := realFile(t, test.name)
			counts := make(map[string]int)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			for r := range boamp.Read(f) {
				check(t, r)
				if r.Err != nil {
					t.Errorf("line %d, %s: %v", r.Line, r.Ref, r.Err)
					continue
				}
				counts["notices"]++
				counts[string(r.Notice.Kind)]++
				for what, there := range map[string]bool{
					"SIRET": r.Notice.Buyer.SIRET != "", "city": r.Notice.Buyer.City != "", "department": len(r.Notice.Content.Departments) > 0,
					"deadline": r.Notice.Content.Deadline != nil, "lots": len(r.Notice.Content.Lots) > 0, "CPV": len(r.Notice.Content.CPVCodes) > 0,
					"description": r.Notice.Content.Description != "", "reference": r.Notice.Content.Reference != "",
					"links": len(r.Notice.Links) > 0, "URL": r.Notice.Content.URL != "",
				} {
					if there {
						counts[what]++
					}
				}
			}
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if counts["notices"] != test.notices {
				t.Errorf("%d notices, want %d", counts["notices"], test.notices)
			}
			t.Logf("%v in %v: %.0f/s, heap %d MiB", counts, took.Round(time.Millisecond),
				float64(test.notices)/took.Seconds(), after.HeapInuse>>20)
		})
	}
}

// TestRealDeadlines checks what the texts of notices say: noon, mostly, in
// summer and winter, before and after January 2024.
func TestRealDeadlines(t *testing.T) {
	hours := make(map[string]map[int]int)
	for r := range boamp.Read(realFile(t, "notices-2017-2024.jsonl.gz")) {
		if r.Err != nil || r.Notice.Content.Deadline == nil {
			t.Fatalf("line %d: %v without a deadline", r.Line, r.Ref)
		}
		period := "before"
		if r.Notice.PublishedAt.Year() >= 2024 {
			period = "after"
		}
		deadline := r.Notice.Content.Deadline.In(vigie.Paris())
		season := "winter"
		if deadline.IsDST() {
			season = "summer"
		}
		key := fmt.Sprint(season, " ", period)
		if hours[key] == nil {
			hours[key] = make(map[int]int)
		}
		hours[key][deadline.Hour()]++
	}
	for period, counts := range hours {
		total := 0
		for _, n := range counts {
			total += n
		}
		t.Logf("%s: %d of %d at noon", period, counts[12], total)
		if counts[12]*2 < total || counts[11]*5 > counts[12] || counts[13]*5 > counts[12] {
			t.Errorf("%s: hours %v, want noon above all", period, counts)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for _, name := range []string{"families.jsonl", "v2.1-export.jsonl"} {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			records := 0
			for b.Loop() {
				records += len(readAll(b, string(content)))
			}
			b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// TestRealDeadlinesOfLots holds the deadline of the notice's own data to the one
// that the dataset serves beside it.
func TestRealDeadlinesOfLots(t *testing.T) {
	file := readFile(t, "records-v1-2025.json")
	served := notices(t, file)
	hidden := strings.NewReplacer("datelimitereponse", "x", "DATE_LIMITE_REPONSE", "x").Replace(file)
	compared := 0
	for i, n := range notices(t, hidden) {
		if n.Content.Deadline == nil || served[i].Content.Deadline == nil {
			continue
		}
		if compared++; !n.Content.Deadline.Equal(*served[i].Content.Deadline) {
			t.Errorf("%s: %v, served %v", n.SourceRef, n.Content.Deadline, served[i].Content.Deadline)
		}
	}
	if compared == 0 {
		t.Error("nothing compared")
	}
	t.Logf("%d deadlines of lots are as served", compared)
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := io.ReadAll(realFile(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
