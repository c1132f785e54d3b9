package meili_test

import (
	"testing"

	"vigie/search/meili"
	"vigie/search/meili/meilitest"
	"vigie/search/searchtest"
)

func FuzzText(f *testing.F) {
	url, key := meilitest.Server(f)
	engine, err := meili.Open(url, key, meili.Options{})
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
