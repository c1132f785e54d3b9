package graph

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"vigie"
)

// How long lists without pages are counted as, by how long most of them are. Few
// are longer, and none without bounds: a watch has at most 200 buyers, a tender
// 500 lots.
const (
	// few is the length of lists that mostly have a row or two: places, watches,
	// addresses.
	few = 1
	// several is that of lots, criteria, lines, choices; and of those watches and
	// addresses, where a search is made for each row.
	several = 10
)

// longestPage is the most rows that any page has.
const longestPage = 100

// listLength is how many things a list of objects counts as, of which no argument
// says it; searched, where a search is made for each of them. rows is what the
// field around it was asked for. It is 0 for a list that is not here: a test finds
// it.
func listLength(object, field string, rows int) (usual, searched int) {
	if strings.HasSuffix(object, "Connection") && (field == "edges" || field == "nodes") {
		return rows, rows
	}
	switch object + "." + field {
	case "MatchPreview.nodes", "MatchPreview.examples", "MarkTendersSeenPayload.tenders", "MarkInterestPayload.tenders",
		"UpsertWatchesPayload.results", "PublishNoticesPayload.results", "UpsertBuyersPayload.results":
		return rows, rows
	case "Query.account", // those of one address
		"TenderConnection.places", "MatchingTenderConnection.places":
		return few, few
	case "Query.sources", "Query.webhooks", "Account.webhooks", "Watch.webhooks", "Watch.recipients", "Watch.explainAlert",
		"AlertExplanation.deliveries", "AlertExplanation.reasons", "Delivery.reasons",
		"TenderMatched.matchedBy", "Tender.matchedBy", "MatchingTenderEdge.matchedBy",
		"Criteria.buyers", "Criteria.departments", "Criteria.cpvs",
		"Tender.departments", "Tender.cpvs", "Tender.places", "Tender.awardCriteria", "Tender.notices", "Tender.publications", "Tender.reminders",
		"Lot.cpvs", "Lot.places", "Lot.awardCriteria", "LotAward.winners", "Notice.changes",
		"WatchMatch.places", "CriterionResult.places", "KeywordPlace.excerpt",
		"TenderEdge.highlights", "MatchingTenderEdge.highlights", "PreviewExample.highlights", "Highlight.parts":
		return few, several
	case "Query.departments", // a hundred, in memory
		"Tender.lots", "Tender.awards", "Watch.summary", "MatchExplanation.criteria",
		"TenderFacets.departments", "TenderFacets.natures", "TenderFacets.procedures", "TenderFacets.deadlineKinds",
		"TenderFacets.techniques", "TenderFacets.sources", "TenderFacets.statuses", "TenderFacets.watches":
		return several, several
	}
	switch {
	case field == "userErrors" || field == "warnings":
		return few, few
	case object == "Choices" || object == "FormChoices":
		return several, several
	}
	return 0, 0
}

// rowsOf is how many rows a field is asked for by its arguments: by the size of a
// page, or by what it is given. Else it is one, and not said.
func rowsOf(f *ast.FieldDefinition, arguments map[string]any) (rows int, said bool) {
	switch {
	case f.Arguments.ForName("first") != nil:
		return pageSize(arguments), true
	case f.Arguments.ForName("days") != nil:
		return bounded(arguments, "days"), true
	}
	if given := given(arguments); given > 0 {
		return given, true
	}
	return 1, false
}

// given is how many things a field is given, to return each of them or to store it.
func given(arguments map[string]any) int {
	for _, name := range []string{"ids", "tenderIds", "input"} {
		if list, ok := arguments[name].([]any); ok {
			return min(len(list), vigie.MaxBatch) // what is given more is refused
		}
	}
	return 0
}

// pageSize is how many rows a page is asked for; last replaces first.
func pageSize(arguments map[string]any) int {
	if arguments["last"] != nil {
		return bounded(arguments, "last")
	}
	return bounded(arguments, "first")
}

// bounded is an argument that is a number of rows; one that will be refused counts
// as the nearest that is not.
func bounded(arguments map[string]any, name string) int {
	size := int64(longestPage)
	switch n := arguments[name].(type) {
	case int64:
		size = n
	case int32:
		size = int64(n)
	case int:
		size = int64(n)
	}
	return int(min(max(size, 1), longestPage))
}
