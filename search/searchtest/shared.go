package searchtest

import (
	"slices"
	"testing"

	"vigie/query"
	"vigie/query/querytest"
	"vigie/search"
)

// testSharedCases uses the cases that the matcher and the formula are tested with: criteria as people type them, of
// tenders with accents, phrases, exclusions.
func testSharedCases(t *testing.T, open func(*testing.T) search.Engine) {
	const tenders, watches, together = 200, 300, 30
	seed := querytest.Setting(t, "VIGIE_TEST_SEED", 11)
	g := querytest.New(seed)
	docs := make([]search.Document, tenders)
	for i := range docs {
		facts, _ := query.FactsOf(g.Tender())
		docs[i] = search.Document{ID: int64(i + 1), Number: int64(i + 1), PublishedAt: base, Facts: facts}
	}
	index := indexOf(t, open, docs...)
	found := 0
	for range watches / together {
		asked := make([]search.Query, together)
		for i := range asked {
			asked[i] = search.Query{Any: []query.Formula{query.Compile(g.Criteria())}, Now: base, Order: search.PublishedAsc, Limit: tenders}
		}
		results, err := index.Search(t.Context(), asked)
		check(t, err)
		for i, q := range asked {
			var got, want []int64
			for _, hit := range results[i].Hits {
				got = append(got, hit.ID)
			}
			slices.Sort(got)
			for _, d := range docs {
				if q.Any[0].Matches(d.Facts) {
					want = append(want, d.ID)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("VIGIE_TEST_SEED=%d: %s finds %v, not %v", seed, q.Any[0], got, want)
			}
			found += len(want)
		}
	}
	if found < watches || found > tenders*watches*3/4 {
		t.Errorf("%d of %d pairs match: too lopsided to prove much", found, tenders*watches)
	}
}
