package searchtest

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vigie"
	"vigie/query"
	"vigie/search"
)

// with returns a document of one term.
func with(id, number int64, value string) search.Document {
	return search.Document{ID: id, Number: number, PublishedAt: base, Facts: query.Facts{query.Term: {value}, query.Buyer: {"buyer_1"}}}
}

func gone(id, number int64) search.Document {
	return search.Document{ID: id, Number: number, Deleted: true}
}

// testPut puts documents in place of existing ones, and deletes some.
func testPut(t *testing.T, open func(*testing.T) search.Engine) {
	index := indexOf(t, open)
	for _, step := range []struct {
		name string
		put  []search.Document
		want map[string][]int64
	}{
		{"new", []search.Document{with(1, 1, "a"), with(2, 2, "a"), with(3, 3, "b")}, map[string][]int64{"a": {2, 1}, "b": {3}}},
		{"the same again", []search.Document{with(1, 1, "a"), with(2, 2, "a"), with(3, 3, "b")}, map[string][]int64{"a": {2, 1}, "b": {3}}},
		{"an update", []search.Document{with(1, 4, "b")}, map[string][]int64{"a": {2}, "b": {3, 1}}},
		{"nothing", nil, map[string][]int64{"a": {2}, "b": {3, 1}}},
		{"a deletion", []search.Document{gone(3, 5)}, map[string][]int64{"a": {2}, "b": {1}}},
		{"a deletion again, and of what never was", []search.Document{gone(3, 5), gone(77, 6)}, map[string][]int64{"a": {2}, "b": {1}}},
		{"back again", []search.Document{with(3, 7, "a")}, map[string][]int64{"a": {3, 2}, "b": {1}}},
		{"the last of an ID counts", []search.Document{with(4, 8, "a"), gone(2, 9), with(4, 10, "b"), with(2, 11, "b"), gone(1, 12)}, map[string][]int64{"a": {3}, "b": {4, 2}}},
		{"new and gone at once", []search.Document{with(5, 13, "a"), gone(5, 14)}, map[string][]int64{"a": {3}, "b": {4, 2}}},
		{"all gone", []search.Document{gone(2, 15), gone(3, 16), gone(4, 17)}, map[string][]int64{"a": {}, "b": {}}},
	} {
		put(t, index, step.put...)
		total := 0
		for value, want := range step.want {
			total += len(want)
			got := ids(ask(t, index, search.Query{Any: formula(query.Clause{term(value)}), Limit: 10}))
			if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: with %q: -want +got:\n%s", step.name, value, diff)
			}
		}
		r := ask(t, index, search.Query{Facets: []query.Field{query.Buyer}})
		if r.Total != total || r.Counts[query.Buyer]["buyer_1"] != total {
			t.Errorf("%s: total %d, by buyer %v; want %d", step.name, r.Total, r.Counts, total)
		}
	}
}

// testCursor puts numbers, also by deletions, and opens the index again.
func testCursor(t *testing.T, open func(*testing.T) search.Engine) {
	name := nameOf(t, "")
	engine := open(t)
	index, err := engine.Open(t.Context(), name)
	check(t, err)
	expect := func(step string, want int64) {
		t.Helper()
		if got, err := index.Cursor(t.Context()); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", step, got, err, want)
		}
		results, err := index.Search(t.Context(), []search.Query{{Limit: 1}, {Cursor: true}, {Limit: 1, Cursor: true}})
		check(t, err)
		if results[0].Cursor != 0 || results[1].Cursor != want || results[2].Cursor != want {
			t.Errorf("%s: answers came with the cursors %d, %d and %d, want 0, %d and %[5]d", step, results[0].Cursor, results[1].Cursor, results[2].Cursor, want)
		}
	}
	expect("new", 0)
	put(t, index)
	expect("nothing put", 0)
	put(t, index, with(1, 7, "a"), with(2, 5, "a"))
	expect("not the last but the highest", 7)
	put(t, index, with(3, 6, "a"))
	expect("a lower one", 7)
	put(t, index, gone(1, 8))
	expect("a deletion", 8)
	put(t, index, gone(99, 9), with(4, 10, "a"), gone(4, 11))
	expect("deletions of what never was", 11)
	const exact = 1<<53 - 1
	put(t, index, with(5, exact, "a"))
	expect("a very high one", exact)
	check(t, engine.Close())

	engine = open(t)
	defer func() { check(t, engine.Close()) }()
	index, err = engine.Open(t.Context(), name)
	check(t, err)
	expect("opened again", exact)
	if r := ask(t, index, search.Query{Limit: 10}); !slices.Equal(ids(r), []int64{5, 3, 2}) || r.Total != 3 {
		t.Errorf("after reopening: %+v", r)
	}
	check(t, engine.Drop(t.Context(), name))
	index, err = engine.Open(t.Context(), name)
	check(t, err)
	expect("dropped and created again", 0)
	if r := ask(t, index, search.Query{}); r.Total != 0 {
		t.Errorf("dropped and created again: %+v", r)
	}
	check(t, engine.Drop(t.Context(), name))
}

// testEngine creates, lists and drops indexes.
func testEngine(t *testing.T, open func(*testing.T) search.Engine) {
	ctx := t.Context()
	engine := open(t)
	check(t, engine.Ping(ctx))
	one, two := nameOf(t, "-1"), nameOf(t, "-2")
	first, err := engine.Open(ctx, one)
	check(t, err)
	second, err := engine.Open(ctx, two)
	check(t, err)
	put(t, first, with(1, 1, "a"))
	if r := ask(t, second, search.Query{}); r.Total != 0 {
		t.Errorf("a document of another index: %+v", r)
	}
	again, err := engine.Open(ctx, one)
	check(t, err)
	if r := ask(t, again, search.Query{}); r.Total != 1 {
		t.Errorf("opened twice: %+v", r)
	}
	named := func(name string) bool {
		names, err := engine.Names(ctx)
		check(t, err)
		return slices.Contains(names, name)
	}
	if !named(one) || !named(two) {
		t.Error("Names lacks an index")
	}
	check(t, engine.Drop(ctx, one))
	if named(one) || !named(two) {
		t.Error("Names after Drop")
	}
	if _, err := again.Search(ctx, []search.Query{{}}); vigie.CodeOf(err) != vigie.Unavailable {
		t.Errorf("searching a dropped index: %v", err)
	}
	check(t, engine.Drop(ctx, one))
	check(t, engine.Drop(ctx, nameOf(t, "-never")))
	check(t, engine.Drop(ctx, two))
	for _, name := range []string{"", "a b", "../a", "a/b", "a_b", "é", "a*", ".", "%2e"} {
		if _, err := engine.Open(ctx, name); vigie.CodeOf(err) != vigie.Invalid {
			t.Errorf("Open(%q): %v", name, err)
		}
		if err := engine.Drop(ctx, name); vigie.CodeOf(err) != vigie.Invalid {
			t.Errorf("Drop(%q): %v", name, err)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := second.Search(cancelled, []search.Query{{}}); vigie.CodeOf(err) != vigie.Unavailable {
		t.Errorf("a cancelled search: %v", err)
	}
	check(t, engine.Close())
}

// testConcurrent searches while documents are put: documents whose Put had returned before a search are found, and
// nothing is found twice.
func testConcurrent(t *testing.T, open func(*testing.T) search.Engine) {
	const batch, batches, searchers = 20, 8, 4
	index := indexOf(t, open)
	var mu sync.Mutex
	done := 0 // documents that a Put has returned for
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for range searchers {
		wait.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				mu.Lock()
				least := done
				mu.Unlock()
				results, err := index.Search(t.Context(), []search.Query{{
					Any: formula(query.Clause{term("a")}), Limit: batch * batches, Facets: []query.Field{query.Buyer},
				}})
				if err != nil {
					t.Error(err)
					return
				}
				rows := ids(results[0])
				slices.Sort(rows)
				if len(rows) < least || len(slices.Compact(rows)) != len(results[0].Hits) {
					t.Errorf("%d rows, %d of them distinct, after %d were put", len(results[0].Hits), len(rows), least)
					return
				}
			}
		})
	}
	for b := range int64(batches) {
		docs := make([]search.Document, batch)
		for i := range docs {
			id := b*batch + int64(i) + 1
			docs[i] = with(id, id, "a")
			docs[i].Text = words("Voirie "+strconv.FormatInt(id, 10), "", "")
		}
		put(t, index, docs...)
		mu.Lock()
		done += batch
		mu.Unlock()
	}
	close(stop)
	wait.Wait()
}
