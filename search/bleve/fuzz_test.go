package bleve_test

import (
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"vigie/search"
	"vigie/search/bleve"
	"vigie/search/searchtest"
)

func FuzzText(f *testing.F) {
	engine, err := bleve.Open(f.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = engine.Close() })
	index, err := engine.Open(f.Context(), "texts")
	if err != nil {
		f.Fatal(err)
	}
	searchtest.FuzzText(f, index)
}

// No text takes much memory, whatever it folds to and however many words may be
// near to its own.
func TestTextsTakeLittle(t *testing.T) {
	const most = 16 << 20
	engine := openEngine(t, t.TempDir())
	t.Cleanup(func() { check(t, engine.Close()) })
	index, err := engine.Open(t.Context(), "texts")
	check(t, err)
	var docs []search.Document
	for d := range searchtest.Corpus(300) {
		docs = append(docs, d)
	}
	check(t, index.Put(t.Context(), docs))
	ten := func(word string) string { return strings.Repeat(word+" ", 10) }
	different := func(length int) string {
		var b strings.Builder
		for i := range 10 {
			b.WriteString(strings.Repeat(string(rune('a'+i))+"bcdefghijk"[i:], length)[:length] + " ")
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"sentences in a character": strings.Repeat("\ufdfa", 200), "ligatures": strings.Repeat("\ufb03", 200),
		"a long word": strings.Repeat("abcdefgh", 25), "long words": different(19), "words of 30": different(30),
		"another script": ten("日月火水木金土山川田人口車門東西南北春"), "one letter": "m", "two letters": "mo",
	} {
		for _, order := range []search.Order{search.Relevance, search.PublishedDesc} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := index.Search(t.Context(), []search.Query{{Text: text, Complete: true, Order: order, Limit: 100}})
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; err != nil || took > most {
				t.Errorf("%s, %s: %d MB, %v", name, order, took>>20, err)
			}
		}
	}
}
