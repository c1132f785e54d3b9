package service

import (
	"slices"
	"testing"

	"vigie/query"
)

func TestTopBuyers(t *testing.T) {
	f := &TenderFacets{Counts: map[query.Field]map[string]int{query.Buyer: {
		"buyer_10": 2, "buyer_9": 2, "buyer_100": 2, "buyer_2": 1, "buyer_3": 5, "buyer_1": 1,
	}}}
	all := []int64{3, 9, 10, 100, 1, 2}
	for n := range len(all) + 2 {
		if got, want := f.TopBuyers(n), all[:min(n, len(all))]; !slices.Equal(got, want) {
			t.Errorf("the first %d: %v, want %v", n, got, want)
		}
	}
	if got := new(TenderFacets).TopBuyers(3); len(got) != 0 {
		t.Errorf("of none: %v", got)
	}
}
