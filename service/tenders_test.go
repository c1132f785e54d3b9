package service

import (
	"slices"
	"testing"

	"vigie"
	"vigie/query"
	"vigie/search"
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

// By relevance, a page says that there is another one as long as there is: none reaches beyond MaxOffset.
func TestRelevanceEnds(t *testing.T) {
	for _, test := range []struct {
		order  search.Order
		offset int
		next   bool
	}{
		{search.Relevance, 0, true}, {search.Relevance, vigie.MaxOffset - 40, true}, {search.Relevance, vigie.MaxOffset - 39, false},
		{search.Relevance, vigie.MaxOffset - 20, false}, {search.PublishedDesc, vigie.MaxOffset - 20, true},
	} {
		p := &TenderPlan{query: search.Query{Order: test.order, Offset: test.offset}, window: window{size: 20}}
		page := p.page(p.query, []search.Result{{Hits: make([]search.Hit, 21), Total: 20_000}}, nil)
		if page.PageInfo.HasNextPage != test.next {
			t.Errorf("%s, from %d: another page: %v", test.order, test.offset, page.PageInfo.HasNextPage)
		}
		next := &TenderPlan{query: search.Query{Order: test.order, Text: "x", Limit: 21, Offset: test.offset + 20}, window: window{size: 20, page: (test.offset+20)/20 + 1}}
		if err := next.place(); err != nil || test.order == search.Relevance && test.offset%20 == 0 && (next.query.Limit > 0) != test.next {
			t.Errorf("%s, the page from %d asks for %d rows, %v", test.order, test.offset+20, next.query.Limit, err)
		}
	}
}
