package query_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"vigie"
	"vigie/lexicon"
	"vigie/query"
	"vigie/query/querytest"
)

// The formula, the explanation and the plain definition agree.
func TestOneMeaning(t *testing.T) {
	g := querytest.New(1)
	matched, decided := 0, make(map[string][2]int)
	for range 20_000 {
		tender, criteria := g.Tender(), g.Criteria()
		facts, _ := query.FactsOf(tender)
		want := querytest.Matches(criteria, tender)
		if want {
			matched++
		}
		formula := query.Compile(criteria)
		if got := formula.Matches(facts); got != want {
			t.Fatalf("formula %s says %v, not %v\n%+v\n%+v", formula, got, want, criteria, tender)
		}
		explained := query.Explain(criteria, facts, nil)
		if got := explained.Matches; got != want {
			t.Fatalf("the explanation says %v, not %v\n%+v\n%+v", got, want, criteria, tender)
		}
		for _, r := range explained.Criteria {
			n := decided[r.Criterion]
			if r.Satisfied {
				n[0]++
			} else {
				n[1]++
			}
			decided[r.Criterion] = n
		}
	}
	for _, criterion := range query.Criteria() {
		if n := decided[criterion.Name]; n[0] < 100 || n[1] < 100 {
			t.Errorf("%s is met %d times and missed %d times: too few to prove much", criterion.Name, n[0], n[1])
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
		{vigie.Criteria{Keywords: []string{"Voiries", "maîtrise d'œuvre"}, KeywordMode: vigie.AllKeywords}, "(voirie) & (maitrise_oeuvre)"},
		{vigie.Criteria{Keywords: []string{"voirie", "chauffe-eau"}, KeywordMode: vigie.AnyKeyword}, "(voirie | chauffe_eau)"},
		{vigie.Criteria{ExcludedKeywords: []string{"appel d'offres"}}, "!(appel_offre)"},
		{vigie.Criteria{Departments: []string{"01", "2A"}, IncludeNationwide: true}, "(01 | 2A | NATIONWIDE)"},
		{vigie.Criteria{Departments: []string{"01"}, Natures: []vigie.Nature{vigie.Works}, CPVCodes: []string{"45"}, BuyerIDs: []int64{7}}, "(buyer_7) & (01) & (WORKS) & (45)"},
		{vigie.Criteria{MinValue: "40000"}, "(000000004000000-999999999999999)"},
		{vigie.Criteria{MaxValue: "99.50", IncludeUnknownValue: true}, "(000000000000000-000000000009950 | UNKNOWN)"},
		{vigie.Criteria{IncludeUnknownValue: true}, ""},
		{vigie.Criteria{DeadlineKinds: []vigie.DeadlineKind{"BIDS"}, Techniques: []vigie.Technique{vigie.FrameworkAgreement}}, "(BIDS) & (FRAMEWORK)"},
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
		"voirie, assainissement ; eau": `["voirie" "assainissement" "eau"]`,
		"voirie,eau;gaz":               `["voirie" "eau" "gaz"]`,
		`"voirie, eau" 3,5`:            `["voirie, eau" "3,5"]`,
		`voirie "-10" - lot`:           `["voirie" "-10" "lot"]`,
		"chauffe-eau":                  `["chauffe-eau"]`,
	} {
		got, excluded := query.ParseKeywords(text)
		if fmt.Sprintf("%q", got) != want || len(excluded) > 0 {
			t.Errorf("%q: %q, want %s; without %q", text, got, want, excluded)
		}
		if again, excluded := query.ParseKeywords(query.FormatKeywords(got)); !slices.Equal(again, got) || len(excluded) > 0 {
			t.Errorf("%q: formatted and parsed again it is %q", got, again)
		}
	}
}

// A leading minus excludes, as in search engines.
func TestParseExcluded(t *testing.T) {
	for text, want := range map[string]string{
		"voirie -éclairage":          `["voirie"] ["éclairage"]`,
		`-"eau potable",−gaz voirie`: `["voirie"] ["eau potable" "gaz"]`,
		"-a -":                       `[] ["a"]`,
		"--voirie eau-gaz":           `["eau-gaz"] ["voirie"]`,
	} {
		keywords, excluded := query.ParseKeywords(text)
		if got := fmt.Sprintf("%q %q", keywords, excluded); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestKeywordsCompared(t *testing.T) {
	if !query.SameKeyword("Voirie", "voiries") || query.SameKeyword("eau potable", "eau") {
		t.Error("the same keywords")
	}
	if !query.Covers("eau", "eau potable") || query.Covers("eau potable", "eau") || query.Covers("de", "eau de pluie") {
		t.Error("what one keyword has of another")
	}
	for keyword, want := range map[string]string{"(c)": "c", "c++": "", "R+2": "", "voirie": "", "É!!": "e"} {
		if got := query.Letter(keyword); got != want {
			t.Errorf("%q is left as %q, want %q", keyword, got, want)
		}
	}
}

func TestCPVPrefix(t *testing.T) {
	for code, want := range map[string]string{
		"45233140-2": "4523314", "45233140": "4523314", "45000000": "45", "45000000-7": "45", "452": "452", "45": "45", "30": "30", "03000000": "03", " 713 ": "713",
	} {
		if got, mistake := query.CPV.Criterion().Parse(code); mistake != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", code, got, mistake, want)
		}
	}
	for _, code := range []string{"", "4", "4x", "452331400", "45233140-22", "45233140-x", "٤٥"} {
		if got, mistake := query.CPV.Criterion().Parse(code); mistake == nil {
			t.Errorf("%q is taken for %q", code, got)
		}
	}
}

func TestFacts(t *testing.T) {
	f, cut := query.FactsOf(&vigie.Tender{
		SourceRef: "26-1", BuyerID: 4,
		Content: vigie.Content{Title: "Voirie", CPVCodes: []string{"45233140", "45233000"}, Lots: []vigie.Lot{{Title: "Enrobé"}}, Labels: []string{"Signalisation"}},
	})
	if cut || !slices.Equal(f[query.Buyer], []string{"buyer_4"}) || !slices.Equal(f[query.Department], []string{vigie.Nationwide}) {
		t.Errorf("%+v", f)
	}
	if want := "45 452 4523 45233 452330 4523300 45233000 452331 4523314 45233140"; strings.Join(f[query.CPV], " ") != want {
		t.Errorf("prefixes %v", f[query.CPV])
	}
	for _, term := range []string{"voirie", "enrobe", "signalisation", "routier", "26", "26_1"} {
		if !f.Has(query.Atom{Field: query.Term, Value: term}) {
			t.Errorf("no term %q in %v", term, f[query.Term])
		}
	}
	long, cut := query.FactsOf(&vigie.Tender{Content: vigie.Content{Title: "voirie", Description: numbers(5000)}})
	if !cut || len(long[query.Term]) != lexicon.MaxTerms || !long.Has(query.Atom{Field: query.Term, Value: "voirie"}) {
		t.Errorf("cut %v, %d terms", cut, len(long[query.Term]))
	}
}

func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprint(&b, i, " ")
	}
	return b.String()
}

func TestTextsOfValues(t *testing.T) {
	for want, c := range map[string]vigie.Criteria{
		"40 000 € ou plus":                        {MinValue: "40000"},
		"90 000,50 € au plus":                     {MaxValue: "90000.50"},
		"de 40 000 € à 90 000 €":                  {MinValue: "40000", MaxValue: "90000"},
		"indiquée en euros":                       {MinValue: "0"},
		"40 000 € ou plus, non indiquée en euros": {MinValue: "40000", IncludeUnknownValue: true},
	} {
		explained := query.Explain(c, query.Facts{}, nil).Criteria
		if len(explained) != 1 {
			t.Fatalf("%+v: %+v", c, explained)
		}
		var wanted []string
		for _, text := range explained[0].Wanted {
			wanted = append(wanted, text.FR)
		}
		if got := strings.Join(wanted, ", "); got != want || explained[0].Criterion != "value" {
			t.Errorf("%+v: %q, want %q", c, got, want)
		}
	}
	for want, value := range map[string]vigie.Money{
		"120 000 €": {Amount: "120000", Currency: "EUR"}, "99,50 €": {Amount: "99.50", Currency: "EUR"},
		"non indiquée en euros": {Amount: "120000", Currency: "CHF"},
	} {
		tender := &vigie.Tender{}
		tender.Details.Value = value
		facts, _ := query.FactsOf(tender)
		found := query.Explain(vigie.Criteria{MinValue: "1"}, facts, nil).Criteria[0].Found
		if len(found) != 1 || found[0].FR != want {
			t.Errorf("%v is explained as %v, want %q", value, found, want)
		}
	}
}

// What is performed abroad alone is of no department, and not nationwide.
func TestAbroad(t *testing.T) {
	tender := &vigie.Tender{}
	tender.Details.Places = []vigie.Place{{Country: "CH"}}
	facts, _ := query.FactsOf(tender)
	if !slices.Equal(facts[query.Department], []string{vigie.Abroad}) {
		t.Errorf("departments %v", facts[query.Department])
	}
	explained := query.Explain(vigie.Criteria{Departments: []string{"01"}, IncludeNationwide: true}, facts, nil)
	if explained.Matches || explained.Criteria[0].Found[0].FR != "À l’étranger" {
		t.Errorf("%+v", explained)
	}
	if _, mistake := query.Department.Criterion().Parse(vigie.Abroad); mistake == nil {
		t.Error("a watch can ask for it as for a department")
	}
}
