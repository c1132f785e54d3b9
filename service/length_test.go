package service

import (
	"context"
	"strings"
	"testing"

	"vigie"
	"vigie/lexicon"
	"vigie/query"
)

// Limits count what folding makes of a text: one character may become 18.
func TestLimitsCountWhatFoldingMakes(t *testing.T) {
	for _, grows := range []string{"\ufdfa", "\ufb03", "œ"} {
		for name, refused := range map[string]func(text string) bool{
			"search": func(text string) bool { _, err := searchText(text); return err != nil },
			"keyword": func(text string) bool {
				var f form
				return f.badKeyword(text, nil)
			},
			"keywords": func(text string) bool {
				var f form
				_, err := f.criteria(context.Background(), nil, query.Patch{Keywords: &[]string{text}, ExcludedKeywords: &[]string{text}}, nil, inputName)
				return err != nil || len(f.problems) > 1
			},
			"name": func(text string) bool {
				var f form
				f.name(text, nil)
				return len(f.problems) > 0
			},
			"published": func(text string) bool {
				var f form
				f.text(text, 100, false, nil)
				return len(f.problems) > 0
			},
			"reference": func(text string) bool {
				var f form
				f.ref(text, 100, "ref")
				return len(f.problems) > 0
			},
		} {
			most := 100
			if name == "search" {
				most = vigie.MaxSearchLength
			}
			fits := strings.Repeat(grows, most/lexicon.Length(grows))
			if refused(fits) {
				t.Errorf("%s: %d × %U is refused", name, most/lexicon.Length(grows), []rune(grows)[0])
			}
			if !refused(fits + grows + grows) {
				t.Errorf("%s: more than %d × %U passes", name, most/lexicon.Length(grows), []rune(grows)[0])
			}
		}
	}
}
