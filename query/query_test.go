package query_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"vigie"
	"vigie/lexicon"
	"vigie/query"
)

// words are what random tenders and criteria are made of.
var words = strings.Fields("voirie voiries réfection enrobé enrobés à chaud maîtrise d'œuvre d’oeuvre de la travaux travail route V.R.D. nettoyage locaux local école chauffe-eau 2024 été")

func pick[T any](r *rand.Rand, list []T, most int) []T {
	var picked []T
	for range r.IntN(most + 1) {
		picked = append(picked, list[r.IntN(len(list))])
	}
	return picked
}

func randomText(r *rand.Rand, most int) string {
	return strings.Join(pick(r, words, most), []string{" ", " ", ". "}[r.IntN(3)])
}

func randomTender(r *rand.Rand) *vigie.Tender {
	t := &vigie.Tender{BuyerID: 1 + r.Int64N(3)}
	t.Title, t.Description = randomText(r, 6), randomText(r, 10)
	t.Departments = vigie.Sorted(pick(r, []string{"01", "07", "2A"}, 2))
	t.Natures = pick(r, vigie.Natures(), 2)
	t.CPVCodes = pick(r, []string{"45233140", "45000000", "71300000"}, 2)
	return t
}

func randomCriteria(r *rand.Rand) vigie.Criteria {
	c := vigie.Criteria{KeywordMode: vigie.KeywordModes()[r.IntN(2)], IncludeNationwide: r.IntN(2) == 0}
	for range r.IntN(4) {
		if keyword := randomText(r, 3); !query.Meaningless(keyword) {
			c.Keywords = append(c.Keywords, keyword)
		}
	}
	if r.IntN(3) == 0 {
		if keyword := randomText(r, 2); !query.Meaningless(keyword) {
			c.ExcludedKeywords = []string{keyword}
		}
	}
	if r.IntN(3) == 0 {
		c.Departments = pick(r, []string{"01", "07", "2A"}, 2)
	}
	if r.IntN(4) == 0 {
		c.BuyerIDs = pick(r, []int64{1, 2, 3}, 2)
	}
	if r.IntN(4) == 0 {
		c.Natures = pick(r, vigie.Natures(), 2)
	}
	if r.IntN(4) == 0 {
		c.CPVCodes = pick(r, []string{"45", "452", "713", "9"}, 2)
	}
	return c
}

// matches says what "matches" means, in the words of the design and by no
// other means than the lexicon.
func matches(c vigie.Criteria, t *vigie.Tender) bool {
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
	return len(c.CPVCodes) == 0 || slices.ContainsFunc(t.CPVCodes, func(code string) bool {
		return slices.ContainsFunc(c.CPVCodes, func(prefix string) bool { return strings.HasPrefix(code, prefix) })
	})
}

// The formula, the explanation and the plain words of the design agree.
func TestOneMeaning(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	matched := 0
	for range 20_000 {
		tender, criteria := randomTender(r), randomCriteria(r)
		facts, _ := query.FactsOf(tender)
		want := matches(criteria, tender)
		if want {
			matched++
		}
		formula := query.Compile(criteria)
		if got := formula.Matches(facts); got != want {
			t.Fatalf("formula %s says %v, not %v\n%+v\n%+v", formula, got, want, criteria, tender)
		}
		if got := query.Explain(criteria, facts, nil).Matches; got != want {
			t.Fatalf("the explanation says %v, not %v\n%+v\n%+v", got, want, criteria, tender)
		}
	}
	if matched < 2000 || matched > 18_000 {
		t.Errorf("%d of 20,000 match: too lopsided to prove much", matched)
	}
}

func TestFormula(t *testing.T) {
	for _, test := range []struct {
		criteria vigie.Criteria
		want     string
	}{
		{vigie.Criteria{}, ""},
		{vigie.Criteria{Keywords: []string{"Voiries", "maîtrise d'œuvre"}, KeywordMode: vigie.AllKeywords}, "(voirie) & (maitrise+oeuvre+maitrise_oeuvre)"},
		{vigie.Criteria{Keywords: []string{"voirie", "chauffe-eau"}, KeywordMode: vigie.AnyKeyword}, "(voirie | chauffe+eau+chauffe_eau)"},
		{vigie.Criteria{ExcludedKeywords: []string{"appel d'offres"}}, "!(appel+offre+appel_offre)"},
		{vigie.Criteria{Departments: []string{"01", "2A"}, IncludeNationwide: true}, "(NATIONWIDE | 01 | 2A)"},
		{vigie.Criteria{Departments: []string{"01"}, Natures: []vigie.Nature{vigie.Works}, CPVCodes: []string{"45"}, BuyerIDs: []int64{7}}, "(buyer_7) & (01) & (WORKS) & (45)"},
		{vigie.Criteria{Keywords: []string{"de"}, KeywordMode: vigie.AllKeywords}, "()"}, // refused when given; matches nothing
		{vigie.Criteria{Keywords: []string{"de"}, KeywordMode: vigie.AnyKeyword}, "()"},
	} {
		if got := query.Compile(test.criteria).String(); got != test.want {
			t.Errorf("%+v: %s, want %s", test.criteria, got, test.want)
		}
	}
	if facts, _ := query.FactsOf(&vigie.Tender{}); query.Compile(vigie.Criteria{Keywords: []string{"de"}, KeywordMode: vigie.AnyKeyword}).Matches(facts) {
		t.Error("a keyword without a term matches something")
	}
}

func TestParseKeywords(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "[]",
		"voirie":                       `["voirie"]`,
		"  voirie \t enrobé\n":         `["voirie" "enrobé"]`,
		`"maîtrise d'œuvre" voirie`:    `["maîtrise d'œuvre" "voirie"]`,
		`voirie"eau  potable"lot`:      `["voirie" "eau potable" "lot"]`,
		`« eau potable » “gros œuvre”`: `["eau potable" "gros œuvre"]`,
		`"jamais fermé voirie`:         `["jamais fermé voirie"]`,
		`"" " "`:                       "[]",
	} {
		got := query.ParseKeywords(text)
		if fmt.Sprintf("%q", got) != want {
			t.Errorf("%q: %q, want %s", text, got, want)
		}
		if again := query.ParseKeywords(query.FormatKeywords(got)); !slices.Equal(again, got) {
			t.Errorf("%q: formatted and parsed again it is %q", got, again)
		}
	}
}

func TestFacts(t *testing.T) {
	f, cut := query.FactsOf(&vigie.Tender{
		SourceRef: "26-1", BuyerID: 4,
		Content: vigie.Content{Title: "Voirie", CPVCodes: []string{"45233140", "45233000"}, Lots: []vigie.Lot{{Title: "Enrobé"}}, Labels: []string{"Signalisation"}},
	})
	if cut || f.Buyer != "buyer_4" || !slices.Equal(f.Departments, []string{vigie.Nationwide}) {
		t.Errorf("%+v", f)
	}
	if want := "45 452 4523 45233 452330 4523300 45233000 452331 4523314 45233140"; strings.Join(f.CPVPrefixes, " ") != want {
		t.Errorf("prefixes %v", f.CPVPrefixes)
	}
	for _, term := range []string{"voirie", "enrobe", "signalisation", "routier", "26", "26_1"} {
		if !f.Has(query.Atom{Field: query.Term, Value: term}) {
			t.Errorf("no term %q in %v", term, f.Terms)
		}
	}
	long, cut := query.FactsOf(&vigie.Tender{Content: vigie.Content{Title: "voirie", Description: numbers(5000)}})
	if !cut || len(long.Terms) != lexicon.MaxTerms || !long.Has(query.Atom{Field: query.Term, Value: "voirie"}) {
		t.Errorf("cut %v, %d terms", cut, len(long.Terms))
	}
}

func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprint(&b, i, " ")
	}
	return b.String()
}
