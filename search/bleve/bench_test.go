package bleve_test

import (
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"vigie/query"
	"vigie/search"
	"vigie/search/bleve"
	"vigie/search/searchtest"
)

// BenchmarkSearch searches 100,000 documents of about 70 terms with the mix of
// [searchtest.Mix], and reports how the time is spread. Filling the index
// takes a minute.
func BenchmarkSearch(b *testing.B) {
	const documents, queries, batch = 100_000, 400, 1000
	engine, err := bleve.Open(filepath.Join(b.TempDir(), "index"), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close()
	index, err := engine.Open(b.Context(), "bench")
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	var docs []search.Document
	for d := range searchtest.Corpus(documents) {
		if docs = append(docs, d); len(docs) == batch {
			if err := index.Put(b.Context(), docs); err != nil {
				b.Fatal(err)
			}
			docs = docs[:0]
		}
	}
	b.Logf("%d documents put in %s", documents, time.Since(start).Round(time.Second))
	mix := searchtest.Mix(queries)
	few := 0
	for _, q := range mix {
		results, err := index.Search(b.Context(), []search.Query{q})
		if err != nil {
			b.Fatal(err)
		}
		if results[0].Total < documents/100 {
			few++
		}
	}
	b.Logf("%d of %d queries match less than 1 %%", few, queries)
	for _, test := range []struct {
		name   string
		change func(*search.Query)
	}{
		{"page", func(*search.Query) {}},
		{"page and facets", func(q *search.Query) {
			q.Facets = query.Facets()
		}},
		{"text by relevance", func(q *search.Query) { q.Text, q.Order = "motq mot1x", search.Relevance }},
	} {
		b.Run(test.name, func(b *testing.B) {
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				q := mix[i%len(mix)]
				test.change(&q)
				start := time.Now()
				if _, err := index.Search(b.Context(), []search.Query{q}); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
			b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
		})
	}
}
