package bleve

import (
	"fmt"
	"strconv"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/custom"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/keyword"
	"github.com/blevesearch/bleve/v2/analysis/tokenizer/whitespace"
	"github.com/blevesearch/bleve/v2/mapping"

	"vigie/search/internal/plan"
)

// The fields that hold a text's words, for finding, beside the text itself,
// for showing.
const (
	titleWords       = plan.Title + "Words"
	descriptionWords = plan.Description + "Words"
	buyerWords       = plan.BuyerName + "Words"
	otherWords       = plan.Other + "Words"
)

// rank is the field that rows are sorted by instead of a numeric one: each row
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

// analyzerName is of the one analyzer: the words come ready, and are only cut
// at spaces.
const analyzerName = "words"

func newMapping() mapping.IndexMapping {
	doc := bleve.NewDocumentStaticMapping()
	for field, read := range map[string]bool{
		plan.Terms: false, plan.Outcome: false,
		plan.Departments: true, plan.Buyer: true, plan.Natures: true, plan.Procedure: true, plan.CPV: true,
		rank(plan.PublishedAt): true, rank(plan.UpdatedAt): true, rank(plan.DeadlineLow): true, rank(plan.DeadlineHigh): true, rank(plan.Closes): true,
	} {
		f := bleve.NewKeywordFieldMapping()
		f.Analyzer = keyword.Name
		f.Store, f.IncludeInAll, f.IncludeTermVectors, f.SkipFreqNorm = false, false, false, true
		f.DocValues = read
		doc.AddFieldMappingsAt(field, f)
	}
	for _, field := range []string{plan.PublishedAt, plan.UpdatedAt, plan.DeadlineLow, plan.DeadlineHigh, plan.Closes} {
		f := bleve.NewNumericFieldMapping()
		f.Store, f.IncludeInAll, f.DocValues = false, false, false
		doc.AddFieldMappingsAt(field, f)
	}
	for _, field := range []string{titleWords, descriptionWords, buyerWords, otherWords} {
		f := bleve.NewTextFieldMapping()
		f.Analyzer = analyzerName
		f.Store, f.IncludeInAll, f.IncludeTermVectors, f.DocValues = false, false, false, false
		doc.AddFieldMappingsAt(field, f)
	}
	for _, field := range []string{plan.Title, plan.Description} {
		f := bleve.NewTextFieldMapping()
		f.Index, f.IncludeInAll, f.IncludeTermVectors, f.DocValues = false, false, false, false
		doc.AddFieldMappingsAt(field, f)
	}
	m := bleve.NewIndexMapping()
	m.DefaultMapping = doc
	m.IndexDynamic, m.StoreDynamic, m.DocValuesDynamic = false, false, false
	err := m.AddCustomAnalyzer(analyzerName, map[string]any{"type": custom.Name, "tokenizer": whitespace.Name})
	if err != nil {
		panic("bleve: the analyzer of our own mapping: " + err.Error())
	}
	return m
}

// fields is a row as the mapping names it.
func fields(r plan.Row) map[string]any {
	other := make([]string, len(r.Other))
	for i, text := range r.Other {
		other[i] = plan.Indexed(text)
	}
	return map[string]any{
		plan.Terms:              r.Terms,
		plan.Departments:        r.Departments,
		plan.Buyer:              r.Buyer,
		plan.Natures:            r.Natures,
		plan.Procedure:          r.Procedure,
		plan.CPV:                r.CPV,
		plan.Outcome:            r.Outcome,
		plan.PublishedAt:        float64(r.PublishedAt),
		plan.UpdatedAt:          float64(r.UpdatedAt),
		plan.DeadlineLow:        float64(r.DeadlineLow),
		plan.DeadlineHigh:       float64(r.DeadlineHigh),
		plan.Closes:             float64(r.Closes),
		rank(plan.PublishedAt):  ranked(r.PublishedAt, r.ID),
		rank(plan.UpdatedAt):    ranked(r.UpdatedAt, r.ID),
		rank(plan.DeadlineLow):  ranked(r.DeadlineLow, r.ID),
		rank(plan.DeadlineHigh): ranked(r.DeadlineHigh, r.ID),
		rank(plan.Closes):       ranked(r.Closes, r.ID),
		plan.Title:              r.Title,
		plan.Description:        r.Description,
		titleWords:              plan.Indexed(r.Title),
		descriptionWords:        plan.Indexed(r.Description),
		buyerWords:              plan.Indexed(r.BuyerName),
		otherWords:              other,
	}
}
