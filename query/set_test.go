package query_test

import (
	"slices"
	"testing"

	"vigie"
	"vigie/query"
	"vigie/query/querytest"
)

// What a set's formulas ask for is counted, and a range of numbers as much more as it takes, once: watches share them.
func TestSetCountsRanges(t *testing.T) {
	word := vigie.Criteria{Keywords: []string{"voirie"}, Departments: []string{"01"}}
	least := vigie.Criteria{MinValue: "40000", IncludeUnknownValue: true}
	for _, test := range []struct {
		criteria []vigie.Criteria
		want     int
	}{
		{[]vigie.Criteria{word}, 2},
		{[]vigie.Criteria{least}, 22},
		{[]vigie.Criteria{word, least, least}, 26},
		{[]vigie.Criteria{least, {MinValue: "40000", MaxValue: "90000"}}, 43},
	} {
		if got := query.NewSet(test.criteria).Atoms; got != test.want {
			t.Errorf("%+v: %d atoms, not %d", test.criteria, got, test.want)
		}
	}
}

// A set says of tenders what each formula says, and which keywords they have.
func TestSet(t *testing.T) {
	g := querytest.New(querytest.Setting(t, "VIGIE_TEST_SEED", 5))
	for range 20 {
		criteria := make([]vigie.Criteria, 50)
		for i := range criteria {
			criteria[i] = g.Criteria()
		}
		set, matched := query.NewSet(criteria), 0
		for range 50 {
			facts, _ := query.FactsOf(g.Tender())
			got := make(map[int][]string)
			set.Match(facts, func(place int, keywords []string) { got[place] = append(keywords, "") })
			for i, c := range criteria {
				keywords, ok := got[i]
				if want := query.Compile(c).Matches(facts); ok != want {
					t.Fatalf("%v: %v", c, ok)
				} else if want && !slices.Equal(keywords, append(query.FoundKeywords(c.Keywords, facts), "")) {
					t.Fatalf("%v: %q", c, keywords)
				}
			}
			matched += len(got)
		}
		if matched == 0 {
			t.Error("nothing matches: this proves nothing")
		}
	}
}
