package bleve_test

import (
	"cmp"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"vigie/query"
	"vigie/search"
	"vigie/search/bleve"
	"vigie/search/searchtest"
)

// BenchmarkSearch searches 100,000 documents of about 70 terms with the mix of [searchtest.Mix], and reports how the time
// is spread; the last lists and counts all of them. Filling the index takes a minute. VIGIE_BENCH_DOCUMENTS is another
// number of documents, and VIGIE_BENCH_INDEX a folder where the index is kept for the next time.
func BenchmarkSearch(b *testing.B) {
	const queries = 400
	documents := 100_000
	if text := os.Getenv("VIGIE_BENCH_DOCUMENTS"); text != "" {
		var err error
		if documents, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	index := benchIndex(b, cmp.Or(os.Getenv("VIGIE_BENCH_INDEX"), filepath.Join(b.TempDir(), "index")), documents)
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
		{"facets of all", func(q *search.Query) {
			*q = search.Query{Now: q.Now, Limit: 20, Facets: query.Facets()}
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

// benchIndex is an index of so many documents in a folder, which may have some of them.
func benchIndex(b *testing.B, folder string, documents int) search.Index {
	const batch = 1000
	engine, err := bleve.Open(folder, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { engine.Close() })
	index, err := engine.Open(b.Context(), "bench")
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	cursor, err := index.Cursor(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var docs []search.Document
	for d := range searchtest.Corpus(documents) {
		if d.Number <= cursor {
			continue
		}
		if docs = append(docs, d); len(docs) == batch || d.Number == int64(documents) {
			if err := index.Put(b.Context(), docs); err != nil {
				b.Fatal(err)
			}
			docs = docs[:0]
		}
	}
	b.Logf("%d documents put in %s", documents-int(cursor), time.Since(start).Round(time.Second))
	return index
}
