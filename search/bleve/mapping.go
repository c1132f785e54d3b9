package bleve

import (
	"fmt"
	"strconv"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/keyword"
	"github.com/blevesearch/bleve/v2/mapping"

	"vigie/query"
	"vigie/search/internal/plan"
)

// rank is the field that rows are sorted and compared by instead of a numeric one: each row
// has one value there, its number and ID in one, where a numeric field has
// sixteen. Reading them is what a search takes most time for.
func rank(field string) string { return field + "Rank" }

// ranked is a value of such a field: in the order of bytes they are in the
// order of numbers, then of IDs.
func ranked(number, id int64) string { return fmt.Sprintf("%014x%014x", number-plan.Low, id) }

// unranked are the number and the ID in a value of such a field.
func unranked(value string) (number, id int64, err error) {
	const half = 14
	if number, err = strconv.ParseInt(value[:min(len(value), half)], 16, 64); err == nil {
		id, err = strconv.ParseInt(value[min(len(value), half):], 16, 64)
	}
	return number + plan.Low, id, err
}

func newMapping() mapping.IndexMapping {
	doc := bleve.NewDocumentStaticMapping()
	read := map[string]bool{ // and not only searched
		plan.Outcome:           false,
		rank(plan.PublishedAt): true, rank(plan.UpdatedAt): true, rank(plan.DeadlineLow): true, rank(plan.DeadlineHigh): true, rank(plan.Closes): true,
	}
	for _, field := range plan.ValueFields() {
		read[field] = false
	}
	for _, field := range query.Facets() {
		read[field.String()] = true
	}
	for _, field := range plan.NumberFields() {
		read[rank(field)] = true
	}
	for _, field := range plan.TextFields() {
		read[field] = false
	}
	for field, read := range read {
		f := bleve.NewKeywordFieldMapping()
		f.Analyzer = keyword.Name
		f.Store, f.IncludeInAll, f.IncludeTermVectors, f.SkipFreqNorm = false, false, false, true
		f.DocValues = read
		doc.AddFieldMappingsAt(field, f)
	}
	// Bleve would put all terms into one more field, which nobody searches.
	doc.AddSubDocumentMapping("_all", bleve.NewDocumentDisabledMapping())
	m := bleve.NewIndexMapping()
	m.DefaultMapping = doc
	m.IndexDynamic, m.StoreDynamic, m.DocValuesDynamic = false, false, false
	return m
}

// fields is a row as the mapping names it.
func fields(r plan.Row) map[string]any {
	all := map[string]any{
		plan.Outcome:            r.Outcome,
		rank(plan.PublishedAt):  ranked(r.PublishedAt, r.ID),
		rank(plan.UpdatedAt):    ranked(r.UpdatedAt, r.ID),
		rank(plan.DeadlineLow):  ranked(r.DeadlineLow, r.ID),
		rank(plan.DeadlineHigh): ranked(r.DeadlineHigh, r.ID),
		rank(plan.Closes):       ranked(r.Closes, r.ID),
	}
	for field, values := range r.Values {
		all[field] = values
	}
	for field, number := range r.Numbers {
		all[rank(field)] = ranked(number, r.ID)
	}
	return all
}
