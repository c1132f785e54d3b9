// Package corpus draws watches and tenders from the words of real notices, by
// recipes that anyone can run again: the same seed makes the same ones.
package corpus

import (
	_ "embed"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"

	"vigie"
	"vigie/lexicon"
)

// departmentCounts holds a line « code<tab>count » for each department: the
// notices of BOAMP in the first quarter of 2021 (DILA, Licence Ouverte 2.0).
//
//go:embed departments.tsv
var departmentCounts string

// Corpus is what watches and tenders are made of: the titles and buyers of real
// notices, as often as they come.
type Corpus struct {
	titles      []title
	seen        map[string]int // in how many titles a word is
	buyers      weighted[buyer]
	departments weighted[string]
	cpv         weighted[string]

	numbers map[string]int // the index of a buyer, by its folded name
	seats   *rand.Rand     // draws the departments of buyers
}

// title is a title's words, as typed, stop words left out.
type title struct {
	text  string
	words []lexicon.Token
}

type buyer struct {
	id         int64
	name       string
	department string
}

func newCorpus() *Corpus {
	c := &Corpus{
		seen:    make(map[string]int),
		numbers: make(map[string]int),
		seats:   rand.New(rand.NewPCG(1, 1)),
	}
	for line := range strings.Lines(departmentCounts) {
		code, count, _ := strings.Cut(strings.TrimSpace(line), "\t")
		n, err := strconv.Atoi(count)
		if err != nil {
			panic("corpus: departments.tsv: " + err.Error())
		}
		c.departments.add(code, float64(n))
	}
	for i, code := range commonCPV() {
		c.cpv.add(code, 1/float64(i+1))
	}
	return c
}

// add takes in a notice. Which department a buyer is in is not in all exports: it
// is drawn, always the same for the same notices.
func (c *Corpus) add(n *vigie.Notice) {
	t := title{text: n.Content.Title, words: lexicon.Tokens(n.Content.Title)}
	if len(t.words) < 2 {
		return
	}
	c.titles = append(c.titles, t)
	for _, word := range distinct(t.words) {
		c.seen[word]++
	}
	name := lexicon.Fold(n.Buyer.Name)
	if at, ok := c.numbers[name]; ok {
		c.buyers.weights[at]++
		return
	}
	c.numbers[name] = len(c.buyers.values)
	c.buyers.add(buyer{int64(len(c.numbers)), n.Buyer.Name, c.departments.draw(c.seats)}, 1)
}

// Titles is how many notices were read.
func (c *Corpus) Titles() int { return len(c.titles) }

func distinct(tokens []lexicon.Token) []string {
	words := make([]string, len(tokens))
	for i, token := range tokens {
		words[i] = token.Term
	}
	return vigie.Sorted(words)
}

// commonCPV are divisions and groups that many notices have, the commonest
// first.
func commonCPV() []string {
	return []string{
		"45", "71", "452", "71221000", "453", "79", "45233140", "90", "72", "50", "454", "34", "33", "45310000", "60", "66510000",
		"55", "39", "15", "77310000", "48", "71356200", "90910000", "45421000", "30", "80500000", "45330000", "44", "92", "71317000",
	}
}

// weighted draws values, each as often as its weight says.
type weighted[T any] struct {
	values  []T
	weights []float64
	sums    []float64
}

func (w *weighted[T]) add(value T, weight float64) {
	w.values, w.weights = append(w.values, value), append(w.weights, weight)
	w.sums = nil
}

func (w *weighted[T]) draw(g *rand.Rand) T {
	if len(w.sums) != len(w.weights) {
		sum := 0.0
		for _, weight := range w.weights {
			sum += weight
			w.sums = append(w.sums, sum)
		}
	}
	at := g.Float64() * w.sums[len(w.sums)-1]
	return w.values[min(sort.SearchFloat64s(w.sums, at), len(w.values)-1)]
}
