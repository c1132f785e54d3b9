// Package querytest makes random tenders and criteria that often match, and decides in the simplest way which do: the
// tests of every evaluator use it, so that all are tested with the same cases.
package querytest

import (
	"math/rand/v2"
	"slices"
	"strings"

	"vigie"
	"vigie/lexicon"
	"vigie/query"
)

// Generator makes random texts, tenders and criteria.
type Generator struct{ *rand.Rand }

// New returns a generator; equal seeds give equal results.
func New(seed uint64) Generator { return Generator{rand.New(rand.NewPCG(seed, 1))} }

const (
	// Buyers is the number of buyers, with the ids 1 to Buyers.
	Buyers = 4

	words = "voirie voiries réfection enrobé enrobés à chaud maîtrise d'œuvre d’oeuvre de la travaux travail route V.R.D. nettoyage locaux local école chauffe-eau 2024 été CCAS C.C.A.S. R&D R+2 22kW 22 kW"
)

func departments() []string { return []string{"01", "07", "2A", "69", "971"} }

// Samples are values of a criterion that tenders of [Generator.Tender] have, or not.
func Samples(c query.Criterion) []string {
	switch c.Field {
	case query.Department:
		return departments()
	case query.Buyer:
		return []string{"buyer_1", "buyer_2", "buyer_3", "buyer_4"}
	case query.CPV:
		return []string{"45", "452", "713", "9"}
	}
	return c.All()
}

// Text returns a random text of at most most words: with accents, apostrophes, hyphens, stop words, repeated words,
// and sometimes several sentences.
func (g Generator) Text(most int) string {
	return strings.Join(pick(g, strings.Fields(words), most), []string{" ", " ", ". "}[g.IntN(3)])
}

// Tender returns a tender of a few words, places and codes, or of none: nationwide, of unknown nature.
func (g Generator) Tender() *vigie.Tender {
	t := &vigie.Tender{BuyerID: 1 + g.Int64N(Buyers)}
	t.Title, t.Description = g.Text(6), g.Text(10)
	t.Departments = vigie.Sorted(pick(g, departments(), 2))
	t.Natures = pick(g, vigie.Natures(), 2)
	t.Procedure = append(vigie.Procedures(), "")[g.IntN(len(vigie.Procedures())+1)]
	t.CPVCodes = pick(g, []string{"45233140", "45000000", "71300000"}, 2)
	return t
}

// Criteria returns criteria that validation accepts, with some dimensions or none.
func (g Generator) Criteria() vigie.Criteria {
	c := vigie.Criteria{KeywordMode: vigie.KeywordModes()[g.IntN(2)], IncludeNationwide: g.IntN(2) == 0}
	for range g.IntN(4) {
		if keyword := g.Text(3); !query.Meaningless(keyword) {
			c.Keywords = append(c.Keywords, keyword)
		}
	}
	if g.IntN(3) == 0 {
		if keyword := g.Text(2); !query.Meaningless(keyword) {
			c.ExcludedKeywords = []string{keyword}
		}
	}
	for _, criterion := range query.Criteria() {
		if g.IntN(4) == 0 {
			criterion.Set(&c, pick(g, Samples(criterion), 3))
		}
	}
	return c
}

// pick returns at most most values of a list; some can occur twice.
func pick[T any](g Generator, list []T, most int) []T {
	var picked []T
	for range g.IntN(most + 1) {
		picked = append(picked, list[g.IntN(len(list))])
	}
	return picked
}

// Matches decides whether criteria match a tender as the design defines it, with nothing but the lexicon.
func Matches(c vigie.Criteria, t *vigie.Tender) bool {
	fields := []string{t.Title, t.Reference, t.SourceRef, t.Description}
	for _, lot := range t.Lots {
		fields = append(fields, lot.Title)
	}
	for _, code := range t.CPVCodes {
		fields = append(fields, vigie.CPVLabel(code))
	}
	terms, _ := lexicon.Terms(append(fields, t.Labels...)...)
	has := func(keyword string) bool {
		for _, term := range lexicon.Phrase(keyword) {
			if !slices.Contains(terms, term) {
				return false
			}
		}
		return true
	}
	found := 0
	for _, keyword := range c.Keywords {
		if has(keyword) {
			found++
		}
	}
	if c.KeywordMode == vigie.AllKeywords && found < len(c.Keywords) || c.KeywordMode == vigie.AnyKeyword && len(c.Keywords) > 0 && found == 0 {
		return false
	}
	if slices.ContainsFunc(c.ExcludedKeywords, has) {
		return false
	}
	if len(c.BuyerIDs) > 0 && !slices.Contains(c.BuyerIDs, t.BuyerID) {
		return false
	}
	if len(c.Departments) > 0 {
		inOne := slices.ContainsFunc(t.Departments, func(code string) bool { return slices.Contains(c.Departments, code) })
		if !inOne && !(len(t.Departments) == 0 && c.IncludeNationwide) {
			return false
		}
	}
	if len(c.Natures) > 0 && !slices.ContainsFunc(t.Natures, func(n vigie.Nature) bool { return slices.Contains(c.Natures, n) }) {
		return false
	}
	if len(c.Procedures) > 0 && !slices.Contains(c.Procedures, t.Procedure) {
		return false
	}
	return len(c.CPVCodes) == 0 || slices.ContainsFunc(t.CPVCodes, func(code string) bool {
		return slices.ContainsFunc(c.CPVCodes, func(prefix string) bool { return strings.HasPrefix(code, prefix) })
	})
}
