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
	for _, text := range append(oddValues(), "voirie", "maitrise d'oeuvr", "\ufdfa\ufdfa", "\ufb03\ufb03\ufb03", "C++ R&D V.R.D.", `-"a b`, `-a "b" -`, "45233140-2", "lot 2", "Haute-Savoie 74", "213 501 234 00012", "日月火水木金土 абвгдежз", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		queries := []search.Query{
			{Text: text, Limit: 3, Facets: []query.Field{query.Department}}, {Text: text},
			{Text: text, Complete: true, Limit: 3}, {Text: text, Corrected: text}, {Text: "zzqxw", Corrected: text},
		}
		if (search.Query{Text: text, Order: search.Relevance}).Check() == nil {
			queries = append(queries, search.Query{Text: text, Order: search.Relevance, Limit: 3})
		}
		results, err := index.Search(t.Context(), queries)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for i, r := range results {
			switch {
			case i == 4: // of a text that asks for nothing, only the other is left
			case i == 2 && r.Total < results[0].Total, i != 2 && r.Total != results[0].Total:
				t.Errorf("%q: totals %d and %d", text, r.Total, results[0].Total)
			}
		}
	})
}
