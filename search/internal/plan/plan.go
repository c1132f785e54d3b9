// Package plan is what every engine does with documents and queries before it uses its own language: a [Row] is a
// flattened document, an [Expr] a query's condition on rows, and a [Sort] its order. Engines only translate.
package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"vigie"
	"vigie/query"
	"vigie/search"
)

// The fields of a [Row] that a query can ask for.
const (
	ID          = "vigieTender"
	Terms       = "terms"
	Departments = "departments"
	Buyer       = "buyer"
	Natures     = "natures"
	Procedure   = "procedure"
	CPV         = "cpv"
	Outcome     = "outcome"
	PublishedAt = "publishedAt"
	UpdatedAt   = "updatedAt"
	// DeadlineLow and DeadlineHigh are the deadline; if there is none, they are [Low] and [High]. The one comes last
	// in the descending order and is within no lower bound, the other in the ascending order and within no upper
	// bound.
	DeadlineLow  = "deadlineLow"
	DeadlineHigh = "deadlineHigh"
	// Closes is when the tender closes, [High] where that is not known.
	Closes = "closes"
)

// The fields of full-text search.
const (
	Title       = "title"
	Description = "description"
	BuyerName   = "buyerName"
	Other       = "other"
)

// Low and High are beyond all values of numeric fields, and still exact in the float64 of engines.
const (
	High = 1<<53 - 1
	Low  = -High
)

// Undecided is the outcome of a row whose tender has none.
const Undecided = "UNDECIDED"

// Row is a document as engines keep it.
type Row struct {
	ID           int64    `json:"vigieTender"`
	Number       int64    `json:"number"`
	Terms        []string `json:"terms"`
	Departments  []string `json:"departments"`
	Buyer        []string `json:"buyer"`
	Natures      []string `json:"natures"`
	Procedure    []string `json:"procedure"`
	CPV          []string `json:"cpv"`
	Outcome      string   `json:"outcome"`
	PublishedAt  int64    `json:"publishedAt"`
	UpdatedAt    int64    `json:"updatedAt"`
	DeadlineLow  int64    `json:"deadlineLow"`
	DeadlineHigh int64    `json:"deadlineHigh"`
	Closes       int64    `json:"closes"`
	Title        string   `json:"title"`
	Description  string   `json:"description"`
	BuyerName    string   `json:"buyerName"`
	Other        []string `json:"other"`
}

// RowOf flattens a document.
func RowOf(d search.Document) Row {
	r := Row{
		ID: d.ID, Number: d.Number,
		Terms: said(d.Terms), Departments: said(d.Departments), Buyer: said([]string{d.Buyer}),
		Natures: said(d.Natures), Procedure: said([]string{d.Procedure}), CPV: said(d.CPVPrefixes),
		Outcome: Undecided, PublishedAt: d.PublishedAt.Unix(), UpdatedAt: d.UpdatedAt.Unix(), DeadlineLow: Low, DeadlineHigh: High, Closes: High,
		Title: d.Title, Description: d.Description, BuyerName: d.BuyerName, Other: d.Other,
	}
	if d.Outcome == vigie.Cancelled || d.Outcome == vigie.Awarded {
		r.Outcome = string(d.Outcome)
	}
	if d.Deadline != nil {
		r.DeadlineLow = d.Deadline.Unix()
		r.DeadlineHigh = r.DeadlineLow
	}
	if closes := cmp.Or(d.Deadline, d.OnlineUntil); closes != nil {
		r.Closes = closes.Unix()
	}
	return r
}

// said returns the values without empty ones.
func said(values []string) []string {
	if !slices.Contains(values, "") {
		return values
	}
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
}

// Batches splits documents into what is stored in one step: the last of each ID, in the order of their numbers, so
// that a batch's highest number is a cursor. IDs are positive; any other is a defect of ours.
func Batches(docs []search.Document) ([][]search.Document, error) {
	const size = 1000
	last := make(map[int64]int, len(docs))
	for i, d := range docs {
		if d.ID < 1 {
			return nil, search.Internal(fmt.Errorf("search: a document with ID %d", d.ID))
		}
		last[d.ID] = i
	}
	var kept []search.Document
	for i, d := range docs {
		if last[d.ID] == i {
			kept = append(kept, d)
		}
	}
	slices.SortStableFunc(kept, func(a, b search.Document) int { return cmp.Compare(a.Number, b.Number) })
	return slices.Collect(slices.Chunk(kept, size)), nil
}

// FacetField returns the field that a facet counts, "" for an unknown facet.
func FacetField(f search.Facet) string {
	switch f {
	case search.ByDepartment:
		return Departments
	case search.ByBuyer:
		return Buyer
	case search.ByNature:
		return Natures
	case search.ByProcedure:
		return Procedure
	case search.ByCPV:
		return CPV
	}
	return ""
}

func fieldOf(f query.Field) string {
	switch f {
	case query.Term:
		return Terms
	case query.Department:
		return Departments
	case query.Buyer:
		return Buyer
	case query.Nature:
		return Natures
	case query.Procedure:
		return Procedure
	case query.CPV:
		return CPV
	}
	return ""
}

// Sort is an order of rows by a field, rows of equal value by their IDs in the
// same direction.
type Sort struct {
	Field string
	Desc  bool
}

// SortOf returns the sort of an order other than [search.Relevance].
func SortOf(o search.Order) Sort {
	switch o {
	case search.PublishedAsc:
		return Sort{PublishedAt, false}
	case search.DeadlineAsc:
		return Sort{DeadlineHigh, false}
	case search.DeadlineDesc:
		return Sort{DeadlineLow, true}
	case search.PublishedDesc, search.Relevance:
	}
	return Sort{PublishedAt, true}
}

// Reversed returns the opposite order.
func (s Sort) Reversed() Sort { return Sort{s.Field, !s.Desc} }

// At returns a key's value in this order.
func (s Sort) At(k search.Key) int64 {
	switch {
	case k.At != nil:
		return k.At.Unix()
	case s.Field == DeadlineLow:
		return Low
	}
	return High
}

// Key returns the key of a row, by its value in this order: the inverse of [Sort.At].
func (s Sort) Key(at, id int64) search.Key {
	if s.Field == DeadlineLow && at == Low || s.Field == DeadlineHigh && at == High {
		return search.Key{ID: id}
	}
	return search.Key{At: new(time.Unix(at, 0).UTC()), ID: id}
}

// Beyond returns the condition that a row comes after a key in this order.
func (s Sort) Beyond(k search.Key) Expr {
	at := s.At(k)
	if s.Desc {
		return Or{Range{s.Field, Low, at - 1}, And{Range{s.Field, at, at}, Range{ID, Low, k.ID - 1}}}
	}
	return Or{Range{s.Field, at + 1, High}, And{Range{s.Field, at, at}, Range{ID, k.ID + 1, High}}}
}

// ceil returns the first whole second not before t.
func ceil(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}
