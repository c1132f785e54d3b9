// Package searchtest is the conformance suite of search engines, which each engine's tests run.
package searchtest

import (
	"context"
	"strings"
	"testing"

	"vigie/search"
)

// Run runs the suite. Open opens the engine; all its calls within one test reach the same indexes, once the engine
// before is closed. The suite closes the engines.
func Run(t *testing.T, open func(t *testing.T) search.Engine) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, func(*testing.T) search.Engine)
	}{
		{"Conditions", testConditions},
		{"Any", testAny},
		{"BadRequests", testBadRequests},
		{"Empty", testEmpty},
		{"Facets", testFacets},
		{"Put", testPut},
		{"Cursor", testCursor},
		{"Engine", testEngine},
		{"Pages", testPages},
		{"PagesWhileChanging", testPagesWhileChanging},
		{"PagesWithout", testPagesWithout},
		{"Many", testMany},
		{"OddValues", testOddValues},
		{"Text", testText},
		{"Relevance", testRelevance},
		{"Words", testWords},
		{"Concurrent", testConcurrent},
		{"SharedCases", testSharedCases},
		{"Random", testRandom},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open) })
	}
}

// indexOf opens an index for one test, with documents in it.
func indexOf(t *testing.T, open func(*testing.T) search.Engine, docs ...search.Document) search.Index {
	t.Helper()
	engine := open(t)
	t.Cleanup(func() { check(t, engine.Close()) })
	name := nameOf(t, "")
	index, err := engine.Open(t.Context(), name)
	check(t, err)
	t.Cleanup(func() { check(t, engine.Drop(context.WithoutCancel(t.Context()), name)) })
	put(t, index, docs...)
	return index
}

// nameOf returns a name for an index that no other test uses.
func nameOf(t *testing.T, suffix string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, t.Name())
	return plain + suffix
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, index search.Index, docs ...search.Document) {
	t.Helper()
	check(t, index.Put(t.Context(), docs))
}

// ask sends one query.
func ask(t *testing.T, index search.Index, q search.Query) search.Result {
	t.Helper()
	results, err := index.Search(t.Context(), []search.Query{q})
	check(t, err)
	if len(results) != 1 {
		t.Fatalf("%d results for one query", len(results))
	}
	return results[0]
}

// ids are those of a result's rows.
func ids(r search.Result) []int64 {
	list := []int64{}
	for _, hit := range r.Hits {
		list = append(list, hit.ID)
	}
	return list
}
