package searchtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"vigie"
	"vigie/query"
	"vigie/search"
)

func orders() []search.Order {
	return []search.Order{search.PublishedDesc, search.PublishedAsc, search.DeadlineAsc, search.DeadlineDesc, search.UpdatedDesc}
}

// tied returns documents with few publication times and deadlines, some without.
func tied(n int64) []search.Document {
	docs := make([]search.Document, n)
	for i := range docs {
		id := int64(i) + 1
		docs[i] = with(id, id, "a")
		docs[i].PublishedAt, docs[i].UpdatedAt = after(float64(id*7%5)), after(float64(id*5%6))
		if id%4 != 0 {
			docs[i].Deadline = new(after(float64(id * 3 % 4)))
		}
	}
	return docs
}

// testPages reads all rows by key, in both directions, and by page number, in every order and in pages of every size.
func testPages(t *testing.T, open func(*testing.T) search.Engine) {
	const n = 23
	index, all := indexOf(t, open, tied(n)...), naive{}
	all.put(tied(n))
	for _, order := range orders() {
		rows := all.search(search.Query{Order: order, Limit: n})
		want := ids(rows)
		if diff := gocmp.Diff(rows.Hits, ask(t, index, search.Query{Order: order, Limit: n}).Hits); diff != "" {
			t.Errorf("%s: -want +got:\n%s", order, diff)
		}
		for _, size := range []int{1, 4, n, n + 5} {
			t.Run(fmt.Sprint(order, " by ", size), func(t *testing.T) {
				var queries []search.Query
				page := func(q search.Query) { queries = append(queries, q) }
				for at := 0; at < n; at += size {
					q := search.Query{Order: order, Limit: size}
					page(search.Query{Order: order, Limit: size, Offset: at})
					if at > 0 {
						q.After = &rows.Hits[at-1].Key
					}
					page(q)
				}
				var forward, numbered []int64
				results, err := index.Search(t.Context(), queries)
				check(t, err)
				for i, r := range results {
					if r.Total != n {
						t.Errorf("total %d", r.Total)
					}
					if i%2 == 0 {
						numbered = append(numbered, ids(r)...)
					} else {
						forward = append(forward, ids(r)...)
					}
				}
				if !slices.Equal(forward, want) {
					t.Errorf("forward:\n%v, want\n%v", forward, want)
				}
				if !slices.Equal(numbered, want) {
					t.Errorf("by number:\n%v, want\n%v", numbered, want)
				}
				var backward []int64
				q := search.Query{Order: order, Limit: size, FromEnd: true}
				for range n + 1 {
					r := ask(t, index, q)
					if len(r.Hits) == 0 {
						break
					}
					backward = append(ids(r), backward...)
					q.FromEnd, q.Before = false, &r.Hits[0].Key
				}
				if !slices.Equal(backward, want) {
					t.Errorf("backward:\n%v, want\n%v", backward, want)
				}
			})
		}
	}
	for name, q := range map[string]search.Query{
		"beyond the end by number": {Offset: n, Limit: 5},
		"far beyond":               {Offset: 5000, Limit: 5},
		"beyond the end by key":    {After: &search.Key{At: new(after(-100)), ID: 1}, Limit: 5},
		"no rows by key":           {After: &search.Key{At: new(after(3)), ID: 1}},
		"no rows from the end":     {FromEnd: true},
	} {
		if r := ask(t, index, q); r.Total != n || len(r.Hits) != 0 {
			t.Errorf("%s: total %d, rows %v", name, r.Total, ids(r))
		}
	}
	if got := ids(ask(t, index, search.Query{Offset: 5, Limit: 4})); !slices.Equal(got, ids(all.search(search.Query{Offset: 5, Limit: 4}))) {
		t.Errorf("an offset that is not a multiple of the limit: %v", got)
	}
}

// testPagesWhileChanging turns pages while tenders are added, moved and deleted: those that were not changed are
// returned once each, in order.
func testPagesWhileChanging(t *testing.T, open func(*testing.T) search.Engine) {
	const n, size, disturbed = 40, 6, 4
	g := generator{rand.New(rand.NewPCG(1, 2))}
	for _, order := range orders() {
		t.Run(string(order), func(t *testing.T) {
			index, now := indexOf(t, open, tied(n)...), naive{}
			now.put(tied(n))
			number, newcomer := int64(n), int64(n)
			touched := map[int64]bool{}
			disturb := func() {
				docs := tied(n + 3)[n:]
				for i := range docs {
					newcomer++
					docs[i].ID = newcomer
					touched[newcomer] = true
				}
				moved, removed := 1+g.Int64N(n), 1+g.Int64N(n)
				touched[moved], touched[removed] = true, true
				mover := with(moved, 0, "a")
				mover.PublishedAt, mover.UpdatedAt, mover.Deadline = g.moment(), g.moment(), g.maybe(0.7)
				docs = append(docs, mover, gone(removed, 0))
				for i := range docs {
					number++
					docs[i].Number = number
				}
				put(t, index, docs...)
				now.put(docs)
			}
			turn := func(q search.Query, next func(rows []search.Hit) search.Query) [][]int64 {
				var seen [][]int64
				for page := 0; ; page++ {
					r := ask(t, index, q)
					if len(r.Hits) == 0 {
						return seen
					}
					seen = append(seen, ids(r))
					q = next(r.Hits)
					if page < disturbed {
						disturb()
					}
				}
			}
			compare := func(way string, pages [][]int64) {
				untouched := func(rows []int64) []int64 {
					return slices.DeleteFunc(rows, func(id int64) bool { return touched[id] })
				}
				got := untouched(slices.Concat(pages...))
				want := untouched(ids(now.search(search.Query{Order: order, Limit: 1000})))
				if !slices.Equal(got, want) {
					t.Errorf("%s:\n%v, want\n%v", way, got, want)
				}
			}
			forward := turn(search.Query{Order: order, Limit: size}, func(rows []search.Hit) search.Query {
				return search.Query{Order: order, Limit: size, After: &rows[len(rows)-1].Key}
			})
			compare("forward", forward)
			clear(touched)
			backward := turn(search.Query{Order: order, Limit: size, FromEnd: true}, func(rows []search.Hit) search.Query {
				return search.Query{Order: order, Limit: size, Before: &rows[0].Key}
			})
			slices.Reverse(backward)
			compare("backward", backward)
		})
	}
}

// testPagesWithout turns pages while more and more tenders are excluded, among them the last row of the page before:
// the others are returned once each, in order, with totals and counts of what is left.
func testPagesWithout(t *testing.T, open func(*testing.T) search.Engine) {
	const n, size = 40, 6
	index, all := indexOf(t, open, tied(n)...), naive{}
	all.put(tied(n))
	for _, order := range orders() {
		for _, backwards := range []bool{false, true} {
			t.Run(fmt.Sprint(order, " backwards ", backwards), func(t *testing.T) {
				q := search.Query{Order: order, Limit: size, FromEnd: backwards, Facets: []query.Field{query.Buyer}}
				before := ids(all.search(search.Query{Order: order, Limit: n}))
				var pages [][]int64
				for {
					r := ask(t, index, q)
					if want := n - len(q.Without); r.Total != want || r.Counts[query.Buyer]["buyer_1"] != want {
						t.Errorf("without %d: total %d, by buyer %v", len(q.Without), r.Total, r.Counts)
					}
					rows := ids(r)
					if len(rows) == 0 {
						break
					}
					for _, id := range rows {
						if slices.Contains(q.Without, id) {
							t.Errorf("%d is returned, without %v", id, q.Without)
						}
					}
					pages = append(pages, rows)
					q.FromEnd = false
					if backwards {
						q.Before = &r.Hits[0].Key
						q.Without = append(q.Without, rows[0], before[max(0, slices.Index(before, rows[0])-2)])
					} else {
						q.After = &r.Hits[len(rows)-1].Key
						q.Without = append(q.Without, rows[len(rows)-1], before[min(n-1, slices.Index(before, rows[len(rows)-1])+2)])
					}
					slices.Sort(q.Without)
					q.Without = slices.Compact(q.Without)
				}
				if backwards {
					slices.Reverse(pages)
				}
				shown := slices.Concat(pages...)
				// What was excluded before its page was read is not returned; everything else is.
				want := slices.DeleteFunc(slices.Clone(before), func(id int64) bool {
					return slices.Contains(q.Without, id) && !slices.Contains(shown, id)
				})
				if !slices.Equal(shown, want) || len(shown) >= n {
					t.Errorf("%v, want %v", shown, want)
				}
			})
		}
	}
}

// testMany reads ten thousand rows, of three thousand buyers.
func testMany(t *testing.T, open func(*testing.T) search.Engine) {
	const n, buyers, size = 10_000, 3_000, 1_000
	docs := make([]search.Document, n)
	for i := range docs {
		id := int64(i) + 1
		docs[i] = with(id, id, "a")
		docs[i].PublishedAt = base.Add(time.Duration(id*7919%997) * time.Second)
		docs[i].Facts[query.Buyer] = []string{vigie.GlobalID(vigie.KindBuyer, id%buyers+1)}
		docs[i].Facts[query.Department] = []string{vigie.Departments()[i%len(vigie.Departments())].Code}
	}
	index, all := indexOf(t, open, docs...), naive{}
	all.put(docs)
	want := ids(all.search(search.Query{Limit: n}))
	var got []int64
	q := search.Query{Limit: size, Any: formula(query.Clause{term("a")})}
	for len(got) < n {
		r := ask(t, index, q)
		if r.Total != n || len(r.Hits) != size {
			t.Fatalf("after %d rows: total %d, %d rows", len(got), r.Total, len(r.Hits))
		}
		got = append(got, ids(r)...)
		q.After = &r.Hits[size-1].Key
	}
	if !slices.Equal(got, want) {
		t.Error("not the rows of the naive evaluator")
	}
	if last := ids(ask(t, index, search.Query{Offset: n - 50, Limit: 50})); !slices.Equal(last, want[n-50:]) {
		t.Errorf("the last page by number: %v", last)
	}
	q = search.Query{Limit: size, Facets: []query.Field{query.Department}}
	for id := range int64(n) {
		if id%50 != 0 {
			q.Without = append(q.Without, id+1)
		}
	}
	if diff := gocmp.Diff(all.search(q), ask(t, index, q)); diff != "" {
		t.Errorf("without %d: -want +got:\n%s", len(q.Without), diff)
	}
	counts := ask(t, index, search.Query{Facets: []query.Field{query.Buyer, query.Department}}).Counts
	if len(counts[query.Buyer]) != buyers || len(counts[query.Department]) != len(vigie.Departments()) {
		t.Errorf("%d buyers, %d departments", len(counts[query.Buyer]), len(counts[query.Department]))
	}
	for i := range int64(buyers) {
		id, want := vigie.GlobalID(vigie.KindBuyer, i+1), n/buyers
		if i >= 1 && i <= n%buyers {
			want++
		}
		if got := counts[query.Buyer][id]; got != want {
			t.Fatalf("%s has %d, want %d", id, got, want)
		}
	}
}
