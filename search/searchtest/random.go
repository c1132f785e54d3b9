package searchtest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vigie"
	"vigie/query"
	"vigie/query/querytest"
	"vigie/search"
)

// testRandom compares an engine with the naive evaluator: random documents
// that change, random queries in all dimensions. VIGIE_TEST_SEED repeats a
// run, VIGIE_TEST_ROUNDS makes it longer.
func testRandom(t *testing.T, open func(*testing.T) search.Engine) {
	const documents, changes, queries, together = 300, 60, 100, 10
	seed := querytest.Setting(t, "VIGIE_TEST_SEED", rand.Uint64())
	rounds := querytest.Setting(t, "VIGIE_TEST_ROUNDS", 8)
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	t.Logf("VIGIE_TEST_SEED=%d VIGIE_TEST_ROUNDS=%d", seed, rounds)
	index, all := indexOf(t, open), naive{}
	var last int64
	for round := range rounds {
		n := changes
		if round == 0 {
			n = documents
		}
		docs := make([]search.Document, n)
		for i := range docs {
			last++
			docs[i] = g.document(1+g.Int64N(documents), last)
		}
		put(t, index, docs...)
		all.put(docs)
		for range queries / together {
			asked := make([]search.Query, together)
			for i := range asked {
				asked[i] = g.query(all)
			}
			got, err := index.Search(t.Context(), asked)
			if err != nil {
				t.Fatalf("round %d: %v\n%s", round, err, describe(asked...))
			}
			for i, q := range asked {
				if diff := gocmp.Diff(all.search(q), got[i], cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("round %d: %s\n-naive +engine:\n%s", round, describe(q), diff)
				}
			}
		}
	}
}

func describe(queries ...search.Query) string {
	var text string
	for _, q := range queries {
		text += fmt.Sprintf("%+v formulas: %q after: %+v before: %+v\n", q, q.Any, q.After, q.Before)
	}
	return text
}

// base is the time around which random and other documents are published and end.
var base = time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)

// generator makes random documents and queries that often match: few values, many combinations.
type generator struct{ *rand.Rand }

func (g generator) chance(p float64) bool { return g.Float64() < p }

func pick[T any](g generator, list []T) T { return list[g.IntN(len(list))] }

// some returns at most most distinct values of a list, in its order.
func some[T any](g generator, list []T, most int) []T {
	var picked []T
	for _, v := range list {
		if len(picked) < most && g.chance(float64(most)/float64(len(list)+1)) {
			picked = append(picked, v)
		}
	}
	return picked
}

func (g generator) terms() []string {
	return []string{"batiment", "cantine", "ecole", "maitrise", "maitrise_oeuvre", "oeuvre", "reseau", "route", "toiture", "voirie"}
}

// values are some of a criterion that documents have.
func (g generator) values(c query.Criterion) []string {
	switch c.Field {
	case query.EstimatedValue:
		return []string{"000000000000101", "000000003999999", "000000004000000", "000000004000001", "000000009000000", "999999999999999"}
	case query.Source:
		return []string{"boamp", "Ville-de-Lyon", "ville-de-lyon"}
	case query.Department:
		return []string{"01", "2A", "2B", "69", "971"}
	case query.Buyer:
		return []string{"buyer_1", "buyer_10", "buyer_2", "buyer_3", "buyer_31"}
	case query.CPV:
		return []string{"45", "452", "45233140", "71", "71000000", "90"}
	}
	return c.All()
}

// asked are what queries ask for of a criterion: values, or numbers between two.
func (g generator) asked(c query.Criterion) []string {
	if c.Kind == query.Range {
		return querytest.Samples(c)
	}
	return g.values(c)
}

// moment returns a time near base: few seconds apart, so that rows tie and bounds meet.
func (g generator) moment() time.Time {
	t := base.Add(time.Duration(g.IntN(21)-10) * time.Second)
	if g.chance(0.2) {
		t = t.Add(time.Duration(g.IntN(1e9)))
	}
	return t
}

func (g generator) maybe(p float64) *time.Time {
	if g.chance(p) {
		return new(g.moment())
	}
	return nil
}

func (g generator) document(id, number int64) search.Document {
	if g.chance(0.1) {
		return search.Document{ID: id, Number: number, Deleted: true}
	}
	d := search.Document{
		ID: id, Number: number, PublishedAt: g.moment(), UpdatedAt: g.moment(), Deadline: g.maybe(0.7), OnlineUntil: g.maybe(0.3),
		Outcome: pick(g, []vigie.Outcome{"", "", "", vigie.Cancelled, vigie.Awarded, vigie.Planned}),
	}
	d.Facts[query.Term] = some(g, g.terms(), 4)
	for _, c := range query.Filters() {
		most := 3
		if c.Kind == query.Range {
			most = 1
		}
		d.Facts[c.Field] = vigie.Sorted(some(g, g.values(c), most))
		if len(d.Facts[c.Field]) == 0 && c.None != "" {
			d.Facts[c.Field] = []string{c.None}
		}
	}
	return d
}

func (g generator) query(all naive) search.Query {
	q := search.Query{
		Now:    g.moment(),
		Order:  pick(g, []search.Order{"", search.PublishedAsc, search.PublishedDesc, search.DeadlineAsc, search.DeadlineDesc, search.UpdatedDesc}),
		Limit:  g.IntN(20),
		Facets: some(g, query.Facets(), 3),
	}
	if g.chance(0.6) {
		q.Any = make([]query.Formula, g.IntN(4))
		for i := range q.Any {
			q.Any[i] = g.formula()
		}
	}
	q.Filter = g.filter()
	if g.chance(0.3) {
		for range g.IntN(100) {
			q.Without = append(q.Without, 1+g.Int64N(350)) // also ids that do not exist, and repeated ones
		}
	}
	if g.chance(0.1) {
		q.Within = []int64{} // finds none, unless more is added
		for range g.IntN(100) {
			q.Within = append(q.Within, 1+g.Int64N(350))
		}
	}
	key := func() *search.Key {
		if d, ok := all[1+g.Int64N(400)]; ok {
			return new(keyOf(q.Order, d))
		}
		return &search.Key{At: new(g.moment().Truncate(time.Second)), ID: g.Int64N(400)}
	}
	switch g.IntN(5) {
	case 0:
		q.After = key()
	case 1:
		q.Before = key()
	case 2:
		q.FromEnd = true
	case 3:
		q.Offset = g.IntN(60)
	}
	return q
}

func (g generator) filter() search.Filter {
	var f search.Filter
	if g.chance(0.4) {
		f.Statuses = some(g, vigie.Statuses(), 3)
	}
	for _, c := range query.Filters() {
		if g.chance(0.2) {
			f.Values[c.Field] = some(g, append(g.asked(c), c.None, "absent"), 3)
		}
	}
	f.PublishedFrom, f.PublishedTo = g.maybe(0.1), g.maybe(0.1)
	f.UpdatedFrom = g.maybe(0.1)
	f.DeadlineFrom, f.DeadlineTo = g.maybe(0.1), g.maybe(0.1)
	return f
}

func (g generator) formula() query.Formula {
	var f query.Formula
	for range g.IntN(3) {
		clause := query.Clause{}
		for range g.IntN(4) {
			clause = append(clause, g.conj())
		}
		f.Clauses = append(f.Clauses, clause)
	}
	for range g.IntN(3) {
		f.Excluded = append(f.Excluded, g.conj())
	}
	return f
}

func (g generator) conj() query.Conj {
	var c query.Conj
	for range max(1, g.IntN(4)-1) {
		a := query.Atom{Field: query.Term, Value: pick(g, append(g.terms(), "absent"))}
		if g.chance(0.6) {
			criterion := pick(g, query.Filters())
			a = query.Atom{Field: criterion.Field, Value: pick(g, append(g.asked(criterion), criterion.None))}
		}
		c = append(c, a)
	}
	return c
}
