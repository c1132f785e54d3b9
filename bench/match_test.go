package main

import (
	"os"
	"testing"

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
