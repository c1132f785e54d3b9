package service

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vigie"
	"vigie/ingest/watches"
	"vigie/opaque"
	"vigie/query"
)

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"a@example.org": "a@example.org", " jean.dupont+veille@sous.example.org ": "jean.dupont+veille@sous.example.org",
		"a@évry.example": "a@xn--vry-9la.example", "A@ÉVRY.Example": "A@xn--vry-9la.example", "a@example": "adresse", "a.b@localhost": "adresse", "a@évry": "adresse",
		`"a@b.c"@example.org`: "adresse", "": "adresse", "rené@example.org": "accents", "rené@évry.example": "accents", "rené@localhost": "accents",
		"a\u200d@example.org": "adresse", "a@example.org\nb": "adresse",
	} {
		f := &form{}
		got := f.address(text, []string{"email"})
		if len(f.problems) > 0 {
			got = f.problems[0].Text.FR
		}
		if len(f.problems) > 1 || !strings.Contains(got, want) || strings.Contains(want, "@") && got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{" a\t b\u00a0c \n": "a b c", "e\u0301te\u0301": "été", "a\x00b\x1b[0m": "ab[0m", "": "", "voi\u00adrie\u202e": "voirie", "\u200b \ufeff": ""} {
		if got := clean(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// A keyword of two characters is too short, unless it is a name with a sign.
func TestShortKeywords(t *testing.T) {
	for keyword, accepted := range map[string]bool{
		"R&D": true, "C++": true, "C#": true, "f#": true, "CCAS": true, "É&É": true,
		"ab": false, "c+": false, "#c": false, "1#": false, "St": false, "c": false,
	} {
		for _, in := range []query.Patch{{Keywords: &[]string{keyword}}, {KeywordsText: &keyword}, {ExcludedKeywords: &[]string{keyword}}} {
			var f form
			if _, err := f.criteria(t.Context(), nil, in, nil, inputName); err != nil {
				t.Fatal(err)
			}
			if accepted && len(f.problems) > 0 || !accepted && (len(f.problems) != 1 || f.problems[0].Code != vigie.TooShort) {
				t.Errorf("%q: %+v", keyword, f.problems)
			}
		}
	}
}

// testIDs make ids; those of earlier versions are accepted up to a number.
func testIDs(t testing.TB, old int64) *opaque.Keys {
	t.Helper()
	ids, err := opaque.New(make([]byte, opaque.KeySize), old)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// A cursor is read back as it was, and its length says nothing of its numbers.
func TestCursorHidesNumbers(t *testing.T) {
	ids := testIDs(t, 0)
	sizes := make(map[int]bool)
	for _, number := range []int64{1, 255, 12_345, 1 << 40, 1<<63 - 1} {
		for _, at := range []*int64{nil, new(int64(0)), new(number), new(-number)} {
			c := cursor{List: "été", At: at, Name: "Voirie", ID: number, Now: number / 2}
			sealed := c.seal(ids)
			got, ok := openCursor(ids, sealed)
			if got.At != nil && c.At != nil && *got.At == *c.At {
				got.At = c.At
			}
			if !ok || got != c || c.seal(ids) != sealed {
				t.Errorf("%+v is read as %+v", c, got)
			}
			sizes[len(sealed)] = true
		}
	}
	if len(sizes) != 1 {
		t.Errorf("lengths %v", sizes)
	}
}

// Cursors of earlier versions, which anybody can make, are accepted up to the last
// number that was given out then: beyond, they would show by trying which number a
// row has.
func TestOldCursor(t *testing.T) {
	ids := testIDs(t, 3)
	old := func(content string) string { return base64.RawURLEncoding.EncodeToString([]byte(content)) }
	if c, err := parseCursor(ids, old(`{"l":"deliveries","i":3}`), "deliveries", "after"); err != nil || c.ID != 3 {
		t.Errorf("%+v, %v", c, err)
	}
	for _, content := range []string{
		`{"l":"deliveries","i":4}`, `{"l":"deliveries","i":0}`, `{"l":"deliveries","i":-1}`, `{"l":"deliveries","i":3,"n":-1}`, `{"l":"watches","i":3}`, ``, `null`,
	} {
		if c, err := parseCursor(ids, old(content), "deliveries", "after"); err == nil {
			t.Errorf("%s is taken for %+v", content, c)
		}
	}
	ids.RefuseOld()
	if _, err := parseCursor(ids, old(`{"l":"deliveries","i":3}`), "deliveries", "after"); err == nil {
		t.Error("it is accepted still")
	}
}

// No text that is not a cursor of the list panics or passes.
func FuzzCursor(f *testing.F) {
	ids := testIDs(f, 1000)
	f.Add(cursor{List: "x", ID: 3}.seal(ids))
	f.Add("")
	f.Add("eyJsIjoieCIsImkiOjN9")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseCursor(ids, s, "x", "after")
		if err == nil && c.seal(ids) != s && (c.ID < 1 || c.ID > 1000) {
			t.Errorf("%q is taken for %+v", s, c)
		}
		if _, again := parseCursor(ids, s, "y", "after"); err == nil && again == nil {
			t.Errorf("%q is good for two lists", s)
		}
	})
}

// Whatever a person types is refused, or becomes criteria that stay as they
// are when they are given again; the formula has nothing but terms in it, and
// says of a tender what the explanation says.
func FuzzCriteria(f *testing.F) {
	term := regexp.MustCompile(`^[a-z0-9_]{1,64}$`)
	f.Add("voirie \"eau potable\" R&D", "maîtrise d'œuvre", "travaux", "01,2A", "45000000-7", "Voirie, eau potable. Travaux")
	f.Add("\"", "de la", "l'été", "971", "4", "été")
	f.Add("cafe\u200d\u0301", "the\ufeff\u0301", "", "", "", "")
	f.Add("\x00 \u202e", "ЖЖЖ", "日本語", "", "", "日本語 ЖЖЖ")
	f.Fuzz(func(t *testing.T, text, keyword, excluded, department, cpv, title string) {
		read := func(in query.Patch) (vigie.Criteria, vigie.Problems) {
			var f form
			change, err := f.criteria(context.Background(), nil, in, nil, inputName)
			if err != nil {
				t.Fatal(err)
			}
			return change.Over(newCriteria()), f.problems
		}
		lists := query.Patch{
			ExcludedKeywords: &[]string{excluded}, Lists: query.Values{query.Department: strings.Split(department, ","), query.CPV: {cpv}},
		}
		asText, asList := lists, lists
		asText.KeywordsText, asList.Keywords = &text, &[]string{keyword, text}
		for _, in := range []query.Patch{asText, asList, {KeywordsText: &text}, {Keywords: &[]string{keyword}}, {ExcludedKeywords: &[]string{excluded}}} {
			c, problems := read(in)
			if len(problems) > 0 {
				continue
			}
			again, problems := read(query.Patch{
				Keywords: &c.Keywords, ExcludedKeywords: &c.ExcludedKeywords, Lists: query.Values{query.Department: c.Departments, query.CPV: c.CPVCodes},
			})
			if len(problems) > 0 || fmt.Sprint(again) != fmt.Sprint(c) {
				t.Errorf("%+v given again is %+v, %v", c, again, problems)
			}
			formula := query.Compile(c)
			var conjunctions []query.Conj
			for _, clause := range formula.Clauses {
				conjunctions = append(conjunctions, clause...)
			}
			for _, conjunction := range slices.Concat(conjunctions, formula.Excluded) {
				for _, atom := range conjunction {
					if atom.Field == query.Term && !term.MatchString(atom.Value) {
						t.Errorf("%+v: the term %q", c, atom.Value)
					}
				}
			}
			tender := &vigie.Tender{}
			tender.Title = title
			facts, _ := query.FactsOf(tender)
			if says, matches := query.Explain(c, facts, nil).Matches, formula.Matches(facts); says != matches {
				t.Errorf("%+v: the explanation says %v, the formula %v", c, says, matches)
			}
		}
	})
}

// TestLinesHaveAllCriteria: an imported line can have every criterion, by its name.
func TestLinesHaveAllCriteria(t *testing.T) {
	for _, criterion := range query.Criteria() {
		if criterion.Field == query.Buyer {
			continue // by name or SIRET
		}
		value := criterion.All()[0]
		line := fmt.Sprintf(`{"externalId": "1", %q: [%q]}`, criterion.Name, value)
		for r := range watches.Read(strings.NewReader(line)) {
			if r.Err != nil {
				t.Fatalf("%s: %v", line, r.Err)
			}
			var f form
			patch, err := f.criteria(t.Context(), nil, f.importedCriteria(r.Watch), nil, lineName)
			c := patch.Over(newCriteria())
			if got := criterion.Values(&c); err != nil || len(f.problems) > 0 || !slices.Equal(got, []string{value}) {
				t.Errorf("%s: %q, %v, %v", line, got, err, f.problems)
			}
		}
	}
}
