package bench_test

import (
	"os"
	"path/filepath"
	"testing"

	"vigie"
	"vigie/bench"
	"vigie/ingest/boamp"
	"vigie/match"
	"vigie/query"
)

// corpus is of the real notices where VIGIE_TEST_DATA has them, else of the
// samples.
func corpus(t testing.TB) *bench.Corpus {
	t.Helper()
	path := "../server/samples/notices.jsonl"
	if dir := os.Getenv("VIGIE_TEST_DATA"); dir != "" {
		path = filepath.Join(dir, "boamp", "notices-2017-2024.jsonl.gz")
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	return bench.NewCorpus(func(yield func(*vigie.Notice) bool) {
		for record := range boamp.Read(file) {
			if record.Notice != nil && !yield(record.Notice) {
				return
			}
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	c := corpus(b)
	x := match.New(c.Frequencies(1))
	var changes []match.Change
	for i, w := range c.Watches(1_000_000, 1) {
		changes = append(changes, match.Change{Watch: int64(i + 1), Formula: new(query.Compile(w))})
	}
	x.Apply(changes)
	for _, kind := range []bench.Kind{bench.Usual, bench.Hot, bench.Nowhere} {
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
