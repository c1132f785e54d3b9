// Package plan is what every engine does with documents and queries before it uses its own language: a [Row] is a
// flattened document, an [Expr] a query's condition on rows, and a [Sort] its order. Engines only translate.
package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"vigie"
	"vigie/query"
	"vigie/search"
)

// The fields of a [Row] that a query can ask for, beside the values and numbers, which have the names of [query.Field].
const (
	ID          = "vigieTender"
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

// Low and High are beyond all values of numeric fields, and still exact in the float64 of engines.
const (
	High = 1<<53 - 1
	Low  = -High
)

// Undecided is the outcome of a row whose tender has none.
const Undecided = "UNDECIDED"

// Row is a document as engines keep it.
type Row struct {
	// Values and Numbers are by field; in JSON they are beside the others. A number is [Low] where a tender has none.
	Values       map[string][]string `json:"-"`
	Numbers      map[string]int64    `json:"-"`
	ID           int64               `json:"vigieTender"`
	Number       int64               `json:"number"`
	Outcome      string              `json:"outcome"`
	PublishedAt  int64               `json:"publishedAt"`
	UpdatedAt    int64               `json:"updatedAt"`
	DeadlineLow  int64               `json:"deadlineLow"`
	DeadlineHigh int64               `json:"deadlineHigh"`
	Closes       int64               `json:"closes"`
}

// MarshalJSON implements [json.Marshaler]: a row is one flat object.
func (r Row) MarshalJSON() ([]byte, error) {
	type others Row
	text, err := json.Marshal(others(r))
	if err != nil {
		return nil, err
	}
	byField := make(map[string]any, len(r.Values)+len(r.Numbers))
	for field, values := range r.Values {
		byField[field] = values
	}
	for field, number := range r.Numbers {
		byField[field] = number
	}
	more, err := json.Marshal(byField)
	if err != nil || len(byField) == 0 {
		return text, err
	}
	return slices.Concat(text[:len(text)-1], []byte{','}, more[1:]), nil
}

// NumberFields are the fields of a row's numbers, ValueFields those of its values.
func NumberFields() []string { return fields(true) }

// ValueFields are the fields of a row's values that are facts.
func ValueFields() []string { return fields(false) }

func fields(numbers bool) []string {
	var names []string
	for _, field := range query.Fields() {
		if isNumber(field) == numbers {
			names = append(names, field.String())
		}
	}
	return names
}

func isNumber(field query.Field) bool {
	criterion := field.Criterion()
	return criterion != nil && criterion.Kind == query.Range
}

// RowOf flattens a document.
func RowOf(d search.Document) Row {
	r := Row{
		Values: make(map[string][]string, len(d.Facts)), Numbers: make(map[string]int64), ID: d.ID, Number: d.Number,
		Outcome: Undecided, PublishedAt: d.PublishedAt.Unix(), UpdatedAt: d.UpdatedAt.Unix(), DeadlineLow: Low, DeadlineHigh: High, Closes: High,
	}
	for i, values := range d.Facts {
		field := query.Field(i)
		if !isNumber(field) {
			r.Values[field.String()] = said(values)
			continue
		}
		r.Numbers[field.String()] = Low
		if n, ok := d.Facts.Number(field); ok {
			r.Numbers[field.String()] = n
		}
	}
	for field, values := range map[string][]string{
		Words: d.Text.Words, Title: d.Text.Title, BuyerIs: d.Text.Buyer, Written: d.Text.Written, Spelled: d.Text.Spelled, Codes: d.Text.Codes,
	} {
		r.Values[field] = said(values)
	}
	switch d.Outcome {
	case vigie.Cancelled, vigie.Awarded, vigie.Planned:
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
	case search.UpdatedDesc:
		return Sort{UpdatedAt, true}
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

// MostFrequent leaves the n values with the highest counts; of those with as many, the first in the order of bytes.
func MostFrequent(counts map[string]int, n int) {
	if len(counts) <= n {
		return
	}
	sorted := slices.Sorted(maps.Values(counts)) // numbers alone, for there may be many values
	least := sorted[len(sorted)-n]
	var ties []string
	for value, count := range counts {
		switch {
		case count < least:
			delete(counts, value)
		case count == least:
			ties = append(ties, value)
		}
	}
	slices.Sort(ties)
	for _, value := range ties[len(ties)-(len(counts)-n):] {
		delete(counts, value)
	}
}
