package searchtest

import (
	"testing"

	"vigie/query"
	"vigie/search"
)

// FuzzText asks an index for texts of any kind: none is answered by an error,
// and what is found can be found again by its order.
func FuzzText(f *testing.F, index search.Index) {
	if err := index.Put(f.Context(), texts()); err != nil {
		f.Fatal(err)
	}
	for _, text := range append(oddValues(), "voirie", "maitrise d'oeuvr", "\ufdfa\ufdfa", "\ufb03\ufb03\ufb03", "C++ R&D V.R.D.", "日月火水木金土 абвгдежз", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		queries := []search.Query{{Text: text, Limit: 3, Facets: []query.Field{query.Department}}, {Text: text}}
		if (search.Query{Text: text, Order: search.Relevance}).Check() == nil {
			queries = append(queries, search.Query{Text: text, Order: search.Relevance, Limit: 3})
		}
		results, err := index.Search(t.Context(), queries)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for _, r := range results {
			if r.Total != results[0].Total {
				t.Errorf("%q: totals %d and %d", text, r.Total, results[0].Total)
			}
		}
	})
}
