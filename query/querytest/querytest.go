// Package querytest makes random tenders and criteria that often match, and decides in the simplest way which do: the
// tests of every evaluator use it, so that all are tested with the same cases.
package querytest

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

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

func amounts() []string {
	return []string{"1.01", "39999.99", "40000", "40000.01", "90000", "9999999999999.99"}
}

// Samples are values of a criterion that tenders of [Generator.Tender] have, or not.
func Samples(c query.Criterion) []string {
	switch c.Field {
	case query.EstimatedValue:
		return []string{
			query.Between(0, vigie.MaxCents), query.Between(4_000_000, vigie.MaxCents), query.Between(0, 4_000_000), query.Between(0, 0),
			query.Between(4_000_000, 4_000_000), query.Between(4_000_001, 9_000_000), query.Between(3_999_999, 4_000_001),
			query.Between(9_000_001, vigie.MaxCents-1), query.Between(vigie.MaxCents, vigie.MaxCents),
		}
	case query.Source:
		return []string{"boamp", "Ville-de-Lyon", "ted"}
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

// Tender returns a tender of a few words, places and codes, or of none: nationwide, of unknown nature. Some are performed
// abroad, there alone or not; values are at bounds that criteria have, in other currencies, or not given.
func (g Generator) Tender() *vigie.Tender {
	t := &vigie.Tender{BuyerID: 1 + g.Int64N(Buyers), Source: []string{"boamp", "Ville-de-Lyon", "ted"}[g.IntN(3)]}
	t.Title, t.Description = g.Text(6), g.Text(10)
	for range g.IntN(3) {
		t.Lots = append(t.Lots, vigie.Lot{Title: g.Text(2), Description: g.Text(3)})
	}
	t.Departments = vigie.Sorted(pick(g, departments(), 2))
	t.Details.Places = pick(g, []vigie.Place{{Country: "CH"}, {Country: "BE", Town: "Liège"}, {Town: "Lyon"}, {Country: "RE"}}, 1)
	t.Details.Technique = append(vigie.Techniques(), "")[g.IntN(len(vigie.Techniques())+1)]
	if g.IntN(3) > 0 {
		t.Details.Value = vigie.Money{Amount: amounts()[g.IntN(len(amounts()))], Currency: []string{"EUR", "EUR", "EUR", "CHF"}[g.IntN(4)]}
	}
	if g.IntN(4) > 0 {
		t.Deadline = new(time.Date(2026, 12, 1, 11, 0, 0, 0, time.UTC))
		t.DeadlineKind = []vigie.DeadlineKind{vigie.ForBids, vigie.ForParticipation, vigie.ForInterest}[g.IntN(3)]
	}
	t.Natures = pick(g, vigie.Natures(), 2)
	t.Procedure = append(vigie.Procedures(), "")[g.IntN(len(vigie.Procedures())+1)]
	t.CPVCodes = pick(g, []string{"45233140", "45000000", "71300000"}, 2)
	return t
}

// Criteria returns criteria that validation accepts, with some dimensions or none.
func (g Generator) Criteria() vigie.Criteria {
	c := vigie.Criteria{KeywordMode: vigie.KeywordModes()[g.IntN(2)], IncludeNationwide: g.IntN(2) == 0, IncludeUnknownValue: g.IntN(2) == 0}
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
		if g.IntN(6) == 0 {
			criterion.Set(&c, pick(g, Samples(criterion), 3)) // of a range, the first one
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
		fields = append(fields, lot.Title, lot.Description)
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
		inFrance := len(t.Details.Places) == 0 || slices.ContainsFunc(t.Details.Places, func(p vigie.Place) bool {
			return p.Country != "CH" && p.Country != "BE" // the generator knows no others
		})
		if !inOne && !(len(t.Departments) == 0 && inFrance && c.IncludeNationwide) {
			return false
		}
	}
	if !rightValue(c, t.Details.Value) {
		return false
	}
	if len(c.DeadlineKinds) > 0 {
		kind := t.DeadlineKind
		if kind == "" {
			kind = "BIDS"
		}
		if t.Deadline == nil || !slices.Contains(c.DeadlineKinds, kind) {
			return false
		}
	}
	if len(c.Techniques) > 0 && !slices.Contains(c.Techniques, t.Details.Technique) {
		return false
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

// rightValue decides whether a value is within the bounds of criteria.
func rightValue(c vigie.Criteria, value vigie.Money) bool {
	if c.MinValue == "" && c.MaxValue == "" {
		return true
	}
	if value.Currency != "EUR" {
		return c.IncludeUnknownValue
	}
	amount := func(s string) *big.Rat {
		r, ok := new(big.Rat).SetString(s)
		if !ok {
			panic("querytest: " + s + " is no amount")
		}
		return r
	}
	return (c.MinValue == "" || amount(value.Amount).Cmp(amount(c.MinValue)) >= 0) &&
		(c.MaxValue == "" || amount(value.Amount).Cmp(amount(c.MaxValue)) <= 0)
}
