package plan

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vigie/search"
)

func TestSimplify(t *testing.T) {
	const terms = "terms"
	a, b := In{terms, []string{"a"}}, In{terms, []string{"b"}}
	for name, test := range map[string]struct{ x, want Expr }{
		"all":                    {And{}, And(nil)},
		"none":                   {Or{}, Or(nil)},
		"one of all":             {And{a}, a},
		"one of any":             {Or{a}, a},
		"all in all":             {And{a, And{b, And{}}}, And{a, b}},
		"any in any":             {Or{a, Or{b, Or{}}}, Or{a, b}},
		"none in all":            {And{a, Or{}}, Or(nil)},
		"all in any":             {Or{a, And{}}, And(nil)},
		"none in any":            {Or{a, Or{}}, a},
		"not none":               {Not{Or{}}, And{}},
		"not all":                {Not{And{}}, Or{}},
		"not":                    {Not{And{a, And{}}}, Not{a}},
		"in nothing":             {In{terms, nil}, Or{}},
		"in no field":            {In{"", []string{"a"}}, Or{}},
		"no IDs":                 {IDs{}, Or{}},
		"a range of everything":  {Range{ID, Low, High}, And{}},
		"a range of nothing":     {Range{ID, 3, 2}, Or{}},
		"a range past the end":   {Range{ID, High + 1, High}, Or{}},
		"a range of one":         {Range{ID, 3, 3}, Range{ID, 3, 3}},
		"nothing, deep down":     {And{a, Or{Not{And{}}, And{b, In{terms, nil}}}}, Or(nil)},
		"everything, deep down":  {Or{b, Not{And{a, Or{}}}}, And(nil)},
		"nothing to make simple": {And{a, Or{b, Not{a}}}, And{a, Or{b, Not{a}}}},
	} {
		if diff := cmp.Diff(test.want, Simplify(test.x), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

func TestBatches(t *testing.T) {
	var docs []search.Document
	for n := int64(2500); n > 0; n-- {
		docs = append(docs, search.Document{ID: n%2000 + 1, Number: n})
	}
	batches, err := Batches(docs)
	if err != nil {
		t.Fatal(err)
	}
	var numbers []int64
	seen := map[int64]int64{}
	for _, batch := range batches {
		if len(batch) > 1000 {
			t.Errorf("a batch of %d", len(batch))
		}
		for _, d := range batch {
			numbers = append(numbers, d.Number)
			seen[d.ID] = d.Number
		}
	}
	if len(numbers) != 2000 || !slices.IsSorted(numbers) {
		t.Errorf("%d documents, sorted: %v", len(numbers), slices.IsSorted(numbers))
	}
	if seen[401] != 400 {
		t.Errorf("of ID 401 it kept %d, not the last in the list", seen[401])
	}
	if _, err := Batches([]search.Document{{ID: 1}, {}}); err == nil {
		t.Error("a document without ID")
	}
}

func TestFound(t *testing.T) {
	for _, test := range []struct{ asked, text, want string }{
		{"voirie", "La voirie, les VOIRIES et l'envoi", "La [voirie], les [VOIRIES] et l'envoi"},
		{"refection", "Réfection re\u0301fections", "[Réfection] [re\u0301fections]"},
		{"viorie", "voirie avoirie", "[voirie] avoirie"},
		{"voi", "voirie voie avoir", "[voirie] [voie] avoir"},
		{"voi pont", "voirie ponts", "voirie [ponts]"},
		{"2026", "2026 2027", "[2026] 2027"},
		{"oeuvre", "maîtrise d'œuvre", "maîtrise d'[œuvre]"},
		{"vrd", "travaux de V.R.D.", "travaux de [V.R.D]."},
		{"ccas", "C.C.A.S., C. C. A. S., CCAS", "[C.C.A.S]., [C. C. A. S]., [CCAS]"},
		{"C.C.A.S.", "CCAS et ccas", "[CCAS] et [ccas]"},
		{"c++", "C++, C#, C et voirie communale", "[C++], C#, C et voirie communale"},
		{"r&d", "R & D, R+2 et recherche", "[R & D], R+2 et recherche"},
		{"3000 m2", "3 000 m²", "[3 000] [m²]"},
	} {
		spans := Found(test.text, Asked(test.asked))
		got := test.text
		for _, s := range slices.Backward(spans) {
			got = got[:s.Start] + "[" + got[s.Start:s.End] + "]" + got[s.End:]
		}
		if got != test.want {
			t.Errorf("%q: %q, want %q", test.asked, got, test.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"voirie", "voirie", 0}, {"voirie", "viorie", 1},
		{"voirie", "voierie", 1}, {"voirie", "vorie", 1}, {"voirie", "voirle", 1}, {"ca", "abc", 3}, {"école", "ecole", 1},
	} {
		if got := distance([]rune(test.a), []rune(test.b)); got != test.want {
			t.Errorf("%q, %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
