package searchtest

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"vigie"
	"vigie/query"
	"vigie/search"
)

// vocabulary is how many words a [Corpus] has. The nth word is n times rarer than the first, which about half of all
// documents have.
const vocabulary = 40_000

// Corpus yields n documents for benchmarks, always the same ones: about 70
// terms each of which three quarters are single words, one department of 101
// or none, 5,000 buyers or one for twenty documents, half of them online at [CorpusNow].
func Corpus(n int) iter.Seq[search.Document] {
	return func(yield func(search.Document) bool) {
		g := generator{rand.New(rand.NewPCG(1, 1))}
		buyers := max(5000, n/20)
		ranks := rand.NewZipf(g.Rand, 1.05, 8, vocabulary-1)
		for id := range int64(n) {
			var text []string
			for range 45 {
				text = append(text, word(ranks.Uint64()))
			}
			d := search.Document{
				ID: id + 1, Number: id + 1,
				PublishedAt: CorpusNow().Add(-time.Duration(g.IntN(400*24*3600)) * time.Second),
				Text:        words(strings.Join(text[:8], " "), strings.Join(text[8:], " "), "Commune de "+word(g.Uint64N(5000))),
			}
			if g.chance(0.95) {
				d.Deadline = new(CorpusNow().Add(time.Duration(g.IntN(60*24*3600)-30*24*3600) * time.Second))
			}
			d.Facts[query.Term] = slices.Clone(text)
			for i := range 18 {
				d.Facts[query.Term] = append(d.Facts[query.Term], text[2*i]+"_"+text[2*i+1])
			}
			d.Facts[query.Term] = vigie.Sorted(d.Facts[query.Term])
			d.Facts[query.Department] = []string{vigie.Nationwide}
			if g.chance(0.95) {
				d.Facts[query.Department][0] = vigie.Departments()[g.IntN(101)].Code
			}
			d.Facts[query.Buyer] = []string{vigie.GlobalID(vigie.KindBuyer, 1+g.Int64N(int64(buyers)))}
			d.Facts[query.Nature] = []string{string(pick(g, vigie.Natures()))}
			d.Facts[query.Procedure] = []string{string(pick(g, vigie.Procedures()))}
			d.Facts[query.DeadlineKind] = []string{string(pick(g, vigie.DeadlineKinds()))}
			d.Facts[query.Technique] = []string{string(pick(g, vigie.Techniques()))}
			d.Facts[query.EstimatedValue] = []string{query.UnknownValue}
			if g.chance(1. / 3) {
				d.Facts[query.EstimatedValue][0] = fmt.Sprintf("%015d", g.IntN(1e8))
			}
			d.Facts[query.Source] = []string{"boamp"}
			code := strconv.Itoa(10_000_000 + g.IntN(200)*400_000)
			for length := 2; length <= len(code); length++ {
				d.Facts[query.CPV] = append(d.Facts[query.CPV], code[:length])
			}
			if !yield(d) {
				return
			}
		}
	}
}

// CorpusNow is the time at which a [Corpus] is searched.
func CorpusNow() time.Time { return base }

func word(n uint64) string { return "mot" + strconv.FormatUint(n, 36) }

// Mix returns queries for a [Corpus] as a platform's pages send them, each for a page of 20 and the total of online
// tenders: of 20, seven are a watch with two required words, six one with any of five words in three departments, two
// a phrase under a CPV division, two a list of one department, two a home page of five watches at once, and one lists
// everything.
func Mix(n int) []search.Query {
	g := generator{rand.New(rand.NewPCG(2, 2))}
	aword := func() string { return word(20 + g.Uint64N(2000)) }
	departments := func(n int) query.Clause {
		clause := query.Clause{is(query.Department, vigie.Nationwide)}
		for range n {
			clause = append(clause, is(query.Department, vigie.Departments()[g.IntN(101)].Code))
		}
		return clause
	}
	two := func() query.Formula {
		return query.Formula{Clauses: []query.Clause{{term(aword())}, {term(word(g.Uint64N(60)))}}}
	}
	five := func() query.Formula {
		var any query.Clause
		for range 5 {
			any = append(any, term(aword()))
		}
		return query.Formula{Clauses: []query.Clause{any, departments(3)}, Excluded: []query.Conj{term(aword())}}
	}
	phrase := func() query.Formula {
		a, b := word(g.Uint64N(20)), word(g.Uint64N(20))
		return query.Formula{Clauses: []query.Clause{{terms(a, b, a+"_"+b)}, {is(query.CPV, strconv.Itoa(10+g.IntN(80)))}}}
	}
	var list []search.Query
	for i := range n {
		q := search.Query{Now: CorpusNow(), Limit: 20, Filter: search.Filter{Statuses: []vigie.TenderStatus{vigie.StatusOnline}}}
		switch i % 20 {
		case 0, 1, 2, 3, 4, 5, 6:
			q.Any = []query.Formula{two()}
		case 7, 8, 9, 10, 11, 12:
			q.Any = []query.Formula{five()}
		case 13, 14:
			q.Any = []query.Formula{phrase()}
		case 15, 16:
			q.Filter.Values[query.Department] = []string{vigie.Departments()[g.IntN(101)].Code}
		case 17, 18:
			q.Any = []query.Formula{two(), five(), two(), five(), phrase()}
		}
		list = append(list, q)
	}
	return list
}
