package meili

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/query"
	"vigie/search"
	"vigie/search/internal/plan"
)

func atoms(field query.Field, values ...string) query.Conj {
	var c query.Conj
	for _, v := range values {
		c = append(c, query.Atom{Field: field, Value: v})
	}
	return c
}

// Texts stay short, however many IDs are excluded.
func TestFilterWithoutMany(t *testing.T) {
	ids := make([]int64, 2*idsTogether+1)
	for i := range ids {
		ids[i] = int64(i + 1)
	}
	texts := filter(plan.Where(search.Query{Without: ids}, plan.NoFacet))
	if len(texts) != 4 || texts[3] != "NOT (vigieTender IN [201])" {
		t.Errorf("%d texts: %v", len(texts), texts)
	}
}

func TestFilter(t *testing.T) {
	now := time.Unix(1000, 0)
	term := func(values ...string) query.Conj { return atoms(query.Term, values...) }
	formula := func(clauses ...query.Clause) []query.Formula { return []query.Formula{{Clauses: clauses}} }
	for name, test := range map[string]struct {
		q    search.Query
		want string
	}{
		"everything": {search.Query{}, `["cursor NOT EXISTS"]`},
		"a term":     {search.Query{Any: formula(query.Clause{term("voirie")})}, `["cursor NOT EXISTS","terms = \"voirie\""]`},
		"all terms": {
			search.Query{Any: formula(query.Clause{term("voirie")}, query.Clause{term("route")})},
			`["cursor NOT EXISTS","terms = \"voirie\"","terms = \"route\""]`,
		},
		"any term": {
			search.Query{Any: formula(query.Clause{term("voirie"), term("route"), term("pont")})},
			`["cursor NOT EXISTS","terms IN [\"voirie\", \"route\", \"pont\"]"]`,
		},
		"a phrase": {
			search.Query{Any: formula(query.Clause{term("a", "b", "a_b")})},
			`["cursor NOT EXISTS","terms = \"a\"","terms = \"b\"","terms = \"a_b\""]`,
		},
		"any of words and phrases": {
			search.Query{Any: formula(query.Clause{term("voirie"), term("a", "b", "a_b"), term("route"), atoms(query.CPV, "45")})},
			`["cursor NOT EXISTS",["terms IN [\"voirie\", \"route\"]","(terms = \"a\" AND terms = \"b\" AND terms = \"a_b\")","cpv = \"45\""]]`,
		},
		"exclusions": {
			search.Query{Any: []query.Formula{{Excluded: []query.Conj{term("voirie"), term("a", "b")}}}},
			`["cursor NOT EXISTS","NOT (terms = \"voirie\")","NOT ((terms = \"a\" AND terms = \"b\"))"]`,
		},
		"without some": {
			search.Query{Without: []int64{7, 12}, Filter: search.Filter{Values: query.Values{query.Buyer: {"buyer_1"}}}},
			`["cursor NOT EXISTS","buyer = \"buyer_1\"","NOT (vigieTender IN [7, 12])"]`,
		},
		"formulas": {
			search.Query{Any: []query.Formula{
				{Clauses: []query.Clause{{term("voirie"), term("a", "b")}, {atoms(query.Department, "2A"), atoms(query.Department, vigie.Nationwide)}}},
				{Clauses: []query.Clause{{term("route")}}, Excluded: []query.Conj{term("pont")}},
			}},
			`["cursor NOT EXISTS",["((terms = \"voirie\" OR (terms = \"a\" AND terms = \"b\")) AND departments IN [\"2A\", \"NATIONWIDE\"])","(terms = \"route\" AND NOT (terms = \"pont\"))"]]`,
		},
		"a filter of each kind": {
			search.Query{Now: now, Filter: search.Filter{
				Statuses: []vigie.TenderStatus{vigie.StatusOnline, vigie.StatusAwarded}, Values: query.Values{
					query.Department: {"01"}, query.Buyer: {"buyer_1", "buyer_2"}, query.Nature: {"WORKS"}, query.Procedure: {"ADAPTED"},
					query.CPV: {"45", "452"},
				}, PublishedFrom: new(time.Unix(1, 1)), PublishedTo: new(time.Unix(2, 1)),
				DeadlineFrom: new(time.Unix(-1, 0)), DeadlineTo: new(time.Unix(4, 0)),
			}},
			`["cursor NOT EXISTS",["(outcome = \"UNDECIDED\" AND closes >= 1000)","outcome = \"AWARDED\""],"departments = \"01\"",` +
				`"buyer IN [\"buyer_1\", \"buyer_2\"]","natures = \"WORKS\"","procedure = \"ADAPTED\"","cpv IN [\"45\", \"452\"]",` +
				`"publishedAt >= 2","publishedAt <= 2","deadlineLow >= -1","deadlineHigh <= 4"]`,
		},
		"closed, a blink past": {
			search.Query{Now: now.Add(1), Filter: search.Filter{Statuses: []vigie.TenderStatus{vigie.StatusClosed}}},
			`["cursor NOT EXISTS","outcome = \"UNDECIDED\"","closes <= 1000"]`,
		},
		"a value that would end the list": {
			search.Query{Filter: search.Filter{Values: query.Values{query.Buyer: {`x"] OR vigieTender > 0`, "a\\", "B\n"}}}},
			`["cursor NOT EXISTS","buyer IN [\"x.22.5d.20.4f.52.20vigie.54ender.20.3e.200\", \"a.5c\", \".42.0a\"]"]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(filter(plan.Where(test.q, plan.NoFacet)))
			if err != nil {
				t.Fatal(err)
			}
			text := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(got))
			if text != test.want {
				t.Errorf("\n%s, want\n%s", text, test.want)
			}
		})
	}
}

func TestFilterByKey(t *testing.T) {
	at := time.Unix(50, 999)
	for name, test := range map[string]struct {
		order search.Order
		key   search.Key
		want  string
	}{
		"newest first": {
			search.PublishedDesc, search.Key{At: &at, ID: 7},
			`["cursor NOT EXISTS",["publishedAt <= 49","(publishedAt = 50 AND vigieTender <= 6)"]]`,
		},
		"soonest first": {
			search.DeadlineAsc, search.Key{At: &at, ID: 7},
			`["cursor NOT EXISTS",["deadlineHigh >= 51","(deadlineHigh = 50 AND vigieTender >= 8)"]]`,
		},
		"soonest first, among those without": {
			search.DeadlineAsc, search.Key{ID: 7},
			`["cursor NOT EXISTS","deadlineHigh = 9007199254740991","vigieTender >= 8"]`,
		},
		"latest first, among those without": {
			search.DeadlineDesc, search.Key{ID: 7},
			`["cursor NOT EXISTS","deadlineLow = -9007199254740991","vigieTender <= 6"]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(filter(plan.Simplify(plan.SortOf(test.order).Beyond(test.key))))
			if err != nil {
				t.Fatal(err)
			}
			text := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(got))
			if text != test.want {
				t.Errorf("\n%s, want\n%s", text, test.want)
			}
		})
	}
}

func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"", "voirie", "2A", "NATIONWIDE", "é", `"`, `\`, ".", "..", ".2e", "a.b", "\x00\xff", "x\" OR \"1"} {
		f.Add(seed)
	}
	fields := plan.ValueFields()
	f.Fuzz(func(t *testing.T, value string) {
		for _, field := range fields {
			escaped := escape(field, value)
			if got := unescape(escaped); got != value {
				t.Errorf("%s: %q became %q became %q", field, value, escaped, got)
			}
			if strings.ContainsFunc(escaped, func(r rune) bool {
				return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r == '.')
			}) {
				t.Errorf("%s: %q became %q", field, value, escaped)
			}
		}
	})
}

func TestEscapeKeepsValuesApart(t *testing.T) {
	values := []string{"2a", "2A", ".2a", "é", "É", "e\u0301", " a", "a", "A", ".41", ".61", ""}
	for _, field := range []string{query.Term.String(), query.Department.String()} {
		var seen []string
		for _, v := range values {
			seen = append(seen, strings.ToLower(escape(field, v))) // Meilisearch ignores case
		}
		slices.Sort(seen)
		if len(slices.Compact(seen)) != len(values) {
			t.Errorf("%s: %q", field, seen)
		}
	}
	ours := query.Values{query.Term: {"maitrise_oeuvre"}, query.Buyer: {"buyer_12"}, query.CPV: {"45233140"}}
	for _, criterion := range query.Criteria() {
		if criterion.Kind == query.Range {
			continue // a number
		}
		if criterion.Field != query.Buyer {
			ours[criterion.Field] = append(ours[criterion.Field], criterion.All()...)
		}
		if criterion.None != "" {
			ours[criterion.Field] = append(ours[criterion.Field], criterion.None)
		}
	}
	for field, values := range ours {
		for _, value := range values {
			if got := escape(query.Field(field).String(), value); got != value {
				t.Errorf("%s: %q became %q: what we make needs no escape", query.Field(field), value, got)
			}
		}
	}
}
