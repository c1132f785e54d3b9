package search_test

import (
	"strings"
	"testing"

	"vigie/query"
	"vigie/search"
)

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
