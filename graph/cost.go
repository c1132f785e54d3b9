package graph

import (
	"context"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"vigie"
	"vigie/service"
)

// What an operation costs, in units of about 15 µs of processor time with
// 100,000 tenders: a test drives the dearest operations of [Limits.Cost]. A
// field costs 1; what a list holds costs as often as rows are asked for, or as
// such a list usually has; and what takes more work than a field has a price
// below.
const (
	// countPrice is that of a total, which every search has; rowsPrice that of
	// sorting and reading a page, textPrice of finding a text, twice where its
	// typing errors are put right, facetPrice of counting one facet.
	countPrice, rowsPrice, textPrice, facetPrice = 100, 200, 2000, 300
	// previewPrice is that of what a draft of criteria is measured by.
	previewPrice = 2000
	// buyersPrice is that of finding all buyers that ten words find, in memory.
	buyersPrice = 200
	// deliveriesPrice is that of a page of a watch's deliveries and their total.
	deliveriesPrice = 50
	// matchPrice is that of finding which watches match a tender.
	matchPrice = 100
	// noticesPrice is that of reading all that a tender's notices say.
	noticesPrice = 10
	// descriptionPrice is that of writing a description: it may be long, and is in memory until the client has read it.
	descriptionPrice = 3
	// placesPrice is that of telling where a tender has keywords.
	placesPrice = 50
	// explainPrice is that of finding out which alerts of a tender were sent, or why none.
	explainPrice = 100
	// watchesPrice is that of counting by a hundred watches.
	watchesPrice = 100 * countPrice
	// eventsPrice is that of working out what so many changes mean.
	eventsPrice = 10_000
	// cpvPrice is that of looking through the vocabulary, upsertPrice of storing a
	// watch that a platform has.
	cpvPrice, upsertPrice = 500, 300
	// backOfficePrice is that of reading much of a table, totalsPrice that of counting the rows of each table.
	backOfficePrice, totalsPrice = 2000, 8000
	// webhookPrice is that of calling an endpoint, which may take seconds: one operation does it twice at most.
	webhookPrice = 10_000
	// replayPrice is that of having a thousand messages sent again.
	replayPrice = 2000
	// exportPrice is that of reading all that is held of an account.
	exportPrice = 1000
)

// costing works out what operations cost. gqlgen's ComplexityLimit does not fit:
// its function for a field is given the arguments and the sum of what the field
// selects, but not what that is (a total alone costs no page of rows), nor how
// long the page around "edges" is.
type costing struct{ variables map[string]any }

// of is what a selection costs, within something that was asked for so many rows.
func (c costing) of(set ast.SelectionSet, rows int) int {
	cost := 0
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			cost = sum(cost, c.field(s, rows))
		case *ast.InlineFragment:
			cost = sum(cost, c.of(s.SelectionSet, rows))
		case *ast.FragmentSpread:
			cost = sum(cost, c.of(s.Definition.SelectionSet, rows))
		}
	}
	return cost
}

func (c costing) field(f *ast.Field, rows int) int {
	if f.Definition == nil || f.ObjectDefinition == nil {
		return 1
	}
	var arguments map[string]any
	if len(f.Definition.Arguments) > 0 { // most fields have none
		arguments = f.ArgumentMap(c.variables)
	}
	length, inside := 1, 1
	if asked, said := rowsOf(f.Definition, arguments); f.Definition.Type.Elem == nil {
		inside = asked
	} else if len(f.SelectionSet) > 0 {
		length = asked
		if !said {
			length = c.length(f, rows)
		}
	}
	return sum(product(length, sum(1, c.of(f.SelectionSet, inside))), price(f.ObjectDefinition.Name+"."+f.Name, f, arguments))
}

// length is how many things a list without arguments counts as.
func (c costing) length(f *ast.Field, rows int) int {
	usual, searched := listLength(f.ObjectDefinition.Name, f.Name, rows)
	if searched > usual && c.searches(f.SelectionSet) {
		return searched
	}
	return usual
}

// searches reports whether a selection has searches or pages of its own.
func (c costing) searches(set ast.SelectionSet) bool {
	return slices.ContainsFunc(set, func(selection ast.Selection) bool {
		switch s := selection.(type) {
		case *ast.InlineFragment:
			return c.searches(s.SelectionSet)
		case *ast.FragmentSpread:
			return c.searches(s.Definition.SelectionSet)
		case *ast.Field:
			return s.Definition != nil && s.ObjectDefinition != nil && (s.Definition.Arguments.ForName("first") != nil || c.searches(s.SelectionSet) ||
				price(s.ObjectDefinition.Name+"."+s.Name, s, s.ArgumentMap(c.variables)) >= countPrice)
		}
		return false
	})
}

// product is a times b, up to where counting stops, as of [sum].
func product(a, b int) int {
	if b > 0 && a > maxCount/b {
		return maxCount
	}
	return a * b
}

// price is what a field costs beside what is in it.
func price(name string, f *ast.Field, arguments map[string]any) int {
	switch name {
	case "Query.tenders", "Query.matchingTenders", "Watch.matchingTenders":
		price := countPrice
		if selected(f.SelectionSet, "edges") || selected(f.SelectionSet, "nodes") || selected(f.SelectionSet, "pageInfo") {
			price += rowsPrice + depth(arguments)
		}
		if text, _ := arguments["search"].(string); strings.TrimSpace(text) != "" {
			price += textPrice
		}
		return price
	case "TenderFacets.departments", "TenderFacets.buyers", "TenderFacets.natures", "TenderFacets.procedures",
		"TenderFacets.cpvCodes", "TenderFacets.deadlineKinds", "TenderFacets.techniques", "TenderFacets.sources":
		return facetPrice
	case "TenderFacets.statuses":
		return len(vigie.Statuses()) * countPrice
	case "TenderFacets.watches":
		return watchesPrice
	case "Query.tenderEvents":
		return eventsPrice
	case "Query.cpvCodes":
		return cpvPrice
	case "Account.deliveries":
		return countPrice
	case "BackOffice.accounts", "BackOffice.domains", "BackOffice.suppressedAddresses", "BackOffice.usage":
		return backOfficePrice
	case "BackOffice.totals":
		return totalsPrice
	case "Mutation.upsertWatches":
		return upsertPrice * min(given(arguments), service.MaxUpserts)
	case "Query.previewMatches":
		return previewPrice
	case "Query.buyers":
		return buyersPrice
	case "Query.sources", "Watch.onlineCount", "Watch.unseenCount", "Watch.health", "Buyer.onlineCount":
		return countPrice
	case "Watch.deliveries":
		return deliveriesPrice
	case "Tender.matchedBy", "MatchingTenderEdge.matchedBy", "MatchingTenderEdge.highlights", "MatchingTenderEdge.matchedAt", "PreviewExample.highlights":
		return matchPrice
	case "Tender.notices":
		return noticesPrice
	case "Tender.description", "Lot.description":
		return descriptionPrice
	case "WatchMatch.places", "CriterionResult.places":
		return placesPrice
	case "Query.explainMatch", "Watch.explainAlert":
		return explainPrice
	case "Mutation.createWatch", "Mutation.updateWatch":
		return previewPrice // its warnings are those of a preview
	case "Mutation.addWebhook", "Mutation.updateWebhook", "Mutation.testWebhook":
		return webhookPrice
	case "Mutation.replayDeliveries":
		return replayPrice
	case "Account.webhooks", "Query.webhooks", "Watch.webhooks":
		return deliveriesPrice
	case "Mutation.exportAccount":
		return exportPrice
	}
	return 0
}

// depth is what the rows before a numbered page cost, which are passed over.
func depth(arguments map[string]any) int {
	const each = 5
	page := 0
	switch n := arguments["page"].(type) {
	case int64:
		page = int(min(max(n, 0), vigie.MaxOffset))
	case int32:
		page = int(min(max(n, 0), vigie.MaxOffset))
	}
	return min(page*pageSize(arguments), vigie.MaxOffset) / each
}

// selected reports whether a selection has a field, at once or by a fragment.
func selected(set ast.SelectionSet, name string) bool {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if s.Name == name {
				return true
			}
		case *ast.InlineFragment:
			if selected(s.SelectionSet, name) {
				return true
			}
		case *ast.FragmentSpread:
			if selected(s.Definition.SelectionSet, name) {
				return true
			}
		}
	}
	return false
}

// tooDear is the error of what would take more work than one operation may.
func tooDear(cost, most int) *gqlerror.Error {
	return overLimit(vigie.Limit{Name: costName, Requested: cost, Maximum: most},
		vigie.Same("This operation costs %d; the limit is %d. Ask for fewer rows or fields.").With(cost, most))
}

// costName is what programs know the cost of an operation by.
const costName = "cost"

// costOf is what an operation costs. It is worked out once.
func costOf(op *graphql.OperationContext) int {
	cost, known := op.Stats.GetExtension(costName).(int)
	if !known {
		cost = costing{op.Variables}.of(op.Operation.SelectionSet, 1)
		op.Stats.SetExtension(costName, cost)
	}
	return cost
}

// showCost adds to each response the cost of its operation, and the limit.
func showCost(most int) graphql.ResponseMiddleware {
	return func(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
		response := next(ctx)
		if response == nil || !graphql.HasOperationContext(ctx) {
			return response
		}
		if cost, known := graphql.GetOperationContext(ctx).Stats.GetExtension(costName).(int); known {
			if response.Extensions == nil {
				response.Extensions = make(map[string]any, 1)
			}
			response.Extensions[costName] = shownCost{cost, most}
		}
		return response
	}
}

// shownCost is the cost as clients get it.
type shownCost struct {
	Requested int `json:"requested"`
	Maximum   int `json:"maximum"`
}
