package graph

import (
	"vigie/graph/gql"
	"vigie/search"
	"vigie/service"
)

// What an operation costs: a field 1; a list what one of its items does, times
// the items asked for; and what is searched for, as much as a hundred fields.
// Fields that search and stand in a list search once for each item.
const (
	searchCost = 100
	// longestPage is the most that any page has.
	longestPage = 100
)

func costs() (c gql.ComplexityRoot) {
	c.Query.Watches = func(child int, _ service.WatchOrder, first *int32, _ *string, last *int32, _ *string) int {
		return 1 + child*pageSize(first, last)
	}
	c.Query.MatchingTenders = func(child int, _ []string, _ bool, _ *gql.TenderFilter, _ search.Order, first *int32, _ *string, last *int32, _ *string, _ *int32) int {
		return searchCost + child*pageSize(first, last)
	}
	c.Query.Tenders = func(child int, _ *string, _ *gql.TenderFilter, _ *search.Order, first *int32, _ *string, last *int32, _ *string, _ *int32) int {
		return searchCost + child*pageSize(first, last)
	}
	c.Query.PreviewMatches = func(child int, _ gql.CriteriaInput, first *int32) int {
		return 2*searchCost + child*pageSize(first, nil)
	}
	c.Query.Buyers = func(child int, _ string, first *int32, _ *string, last *int32, _ *string) int {
		return 1 + child*pageSize(first, last)
	}
	c.Watch.MatchingTenders = func(child int, _ *gql.TenderFilter, _ search.Order, first *int32, _ *string, last *int32, _ *string, _ *int32) int {
		return searchCost + child*pageSize(first, last)
	}
	c.Watch.Deliveries = func(child int, first *int32, _ *string, last *int32, _ *string) int {
		return 1 + child*pageSize(first, last)
	}
	c.Account.Watches = func(child int, _ service.WatchOrder, first *int32, _ *string, last *int32, _ *string) int {
		return 1 + child*pageSize(first, last)
	}
	c.Watch.ExplainAlert = func(child int, _ string) int { return searchCost + child }
	c.Mutation.ExportAccount = func(child int) int { return 10*searchCost + child }
	c.Watch.OnlineCount = func(int) int { return searchCost }
	c.Watch.Health = func(child int) int { return searchCost + child }
	c.TenderFacets.Buyers = func(child int, first *int32) int { return 1 + child }
	return c
}

// pageSize is how many items are asked for; a number that will be refused
// counts as the nearest that is not.
func pageSize(first, last *int32) int {
	size := int32(longestPage)
	switch {
	case last != nil:
		size = *last
	case first != nil:
		size = *first
	}
	return int(min(max(size, 1), longestPage))
}
