package search_test

import (
	"strings"
	"testing"

	"vigie/query"
	"vigie/search"
)

// Every spelling of a keyword is highlighted as a whole.
func TestHighlightsOfSpellings(t *testing.T) {
	for _, test := range []struct{ keyword, text, hit string }{
		{"CCAS", "Repas pour le C.C.A.S. de Lyon", "C.C.A.S"},
		{"CCAS", "Repas pour le C. C. A. S. de Lyon", "C. C. A. S"},
		{"Ste Thérèse", "École Sainte-Thérèse à Lyon", "Sainte-Thérèse"},
		{"3000 m2", "Salle de 3 000 m² à Lyon", "3 000 m²"},
		{"R&D", "Prestations de R & D à Lyon", "R & D"},
		{"C++", "Formations à C++, C#", "C++"},
	} {
		var hits []string
		for _, h := range search.Highlights(test.text, "", query.Spans(test.text, []string{test.keyword}), nil) {
			for _, part := range h.Parts {
				if part.Hit {
					hits = append(hits, part.Text)
				}
			}
		}
		if len(hits) != 1 || hits[0] != test.hit {
			t.Errorf("%s: %q, want %q", test.keyword, hits, test.hit)
		}
	}
}

func TestHighlightsBearAnySpans(t *testing.T) {
	text := strings.Repeat("été ", 100)
	for _, pairs := range [][][2]int{
		nil, {{-1, 3}}, {{3, 3}}, {{5, 4}}, {{0, len(text) + 1}}, {{1, 3}}, {{2, 4}}, {{0, 5}, {0, 5}, {3, 8}}, {{len(text) - 6, len(text)}},
		{{0, len(text)}}, {{390, 396}, {6, 11}},
	} {
		var spans []query.Span
		for _, pair := range pairs {
			spans = append(spans, query.Span{Start: pair[0], End: pair[1]})
		}
		for _, h := range search.Highlights(text, text, spans, spans) {
			var all string
			for _, part := range h.Parts {
				all += part.Text
			}
			if h.Field == "title" && all != text {
				t.Errorf("%v: %q", pairs, all)
			}
			if !strings.Contains(text, strings.Trim(all, "…")) {
				t.Errorf("%v: %q", pairs, all)
			}
		}
	}
}
