package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"vigie"
	"vigie/bench/corpus"
	"vigie/match"
	"vigie/query"
)

// open opens the real notices where VIGIE_TEST_DATA has them, else the samples.
func open(t testing.TB) *corpus.Corpus {
	t.Helper()
	c, err := corpus.Open(os.Getenv("VIGIE_TEST_DATA"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func BenchmarkMatch(b *testing.B) {
	c := open(b)
	x := match.New(c.Frequencies(1))
	var changes []match.Change
	for i, w := range c.Watches(1_000_000, 1) {
		changes = append(changes, match.Change{Watch: int64(i + 1), Formula: new(query.Compile(w))})
	}
	x.Apply(changes)
	for _, kind := range corpus.Kinds() {
		tenders := c.Tenders(300, kind, 1)
		b.Run(string(kind), func(b *testing.B) {
			var list []int64
			i := 0
			for b.Loop() {
				list, _ = x.Match(tenders[i%len(tenders)], list[:0])
				i++
			}
		})
	}
}

// BenchmarkEdits changes a watch of 100,000 again and again, each time to words and bounds of the value that no other
// has, and reports how many of these are still known in the end, and how long the slowest change took.
func BenchmarkEdits(b *testing.B) {
	c := open(b)
	x := match.New(c.Frequencies(1))
	var changes []match.Change
	for i, w := range c.Watches(100_000, 1) {
		changes = append(changes, match.Change{Watch: int64(i + 1), Formula: new(query.Compile(w))})
	}
	x.Apply(changes)
	before, slowest, n := x.Stats(), time.Duration(0), 0
	for b.Loop() {
		n++
		w := vigie.Criteria{Keywords: []string{fmt.Sprint("mot", n)}, MinValue: fmt.Sprint(n)}
		start := time.Now()
		x.Apply([]match.Change{{Watch: int64(1 + n%1000), Formula: new(query.Compile(w))}})
		slowest = max(slowest, time.Since(start))
	}
	after := x.Stats()
	b.ReportMetric(float64(after.Ranges-before.Ranges), "ranges-left")
	b.ReportMetric(float64(after.Atoms-before.Atoms), "atoms-left")
	b.ReportMetric(float64(slowest.Milliseconds()), "slowest-ms")
}
