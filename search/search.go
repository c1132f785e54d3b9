// Package search finds tenders: those that a formula is true of, and those that a text finds.
// [Index] is implemented by an embedded engine (package bleve) and by a server (package meili); package searchtest
// tests both against this contract.
package search

import (
	"context"
	"time"

	"vigie"
	"vigie/clip"
	"vigie/freetext"
	"vigie/query"
)

// Version is the version of what engines make of a [Document]. It belongs in an index's name, so that no binary reads
// what another wrote differently.
const Version = 7

// MaxFacetValues is the most values of a facet that a search counts: the most frequent ones. Only buyers and CPV codes can be more.
const MaxFacetValues = 10_000

// Document is what an index stores of one tender.
type Document struct {
	// Facts are of at most 100 bytes each. An empty value is neither found nor counted.
	query.Facts
	ID      int64 // of the tender, from 1
	Number  int64 // of its last change
	Outcome vigie.Outcome
	// Times count in whole seconds; fractions are cut off. The times of a Query are compared with
	// that unchanged.
	PublishedAt time.Time
	// UpdatedAt is when the tender's last notice was published.
	UpdatedAt time.Time
	Deadline  *time.Time
	// OnlineUntil is when a tender without a deadline closes.
	OnlineUntil *time.Time
	// Text is for free-text search only.
	Text freetext.Facts
	// Deleted removes the tender from the index; its number still counts.
	Deleted bool
}

// Engine holds indexes by name. A name is of letters, digits and hyphens.
type Engine interface {
	// Open returns the index of that name, and creates it if there is none.
	Open(ctx context.Context, name string) (Index, error)
	// Names returns the indexes that this product created in this engine.
	Names(ctx context.Context) ([]string, error)
	// Drop deletes an index with its content; it is no error if there is none.
	Drop(ctx context.Context, name string) error
	// Ping reports whether the engine answers.
	Ping(ctx context.Context) error
	// Close frees what the engine holds on this machine, open indexes included.
	Close() error
}

// Index is one set of documents. All methods are safe for concurrent use, except that Put has one caller at a time.
// If the engine does not answer, the error has the code [vigie.Unavailable].
type Index interface {
	// Put stores documents, each in place of any with the same ID, earlier in the list or in the index. It returns
	// when searches find them and they survive a crash. A Put that failed may have stored some, always those with
	// lower numbers first; repeating it is harmless. It takes any number of documents; a document that is too large
	// by itself gives an error of [TooLarge].
	Put(ctx context.Context, docs []Document) error
	// Cursor returns the highest number ever put; 0 for a new or lost index. After a crash it may be lower than what
	// was put, never higher: the indexer continues from it.
	Cursor(ctx context.Context) (int64, error)
	// Search answers queries, all at once, in their order. A query that contradicts itself ([Query.Check]) gives an
	// error with the code [vigie.BadRequest]. Rows, totals and counts are exact, but those of one answer may be
	// moments apart while documents are put.
	Search(ctx context.Context, queries []Query) ([]Result, error)
	// Words returns the words of all documents' Text as they are written, the [freetext.MaxVocabulary] most frequent
	// ones of [freetext.Facts] Written and as many of Spelled, with how many documents have each, or had before they
	// changed.
	Words(ctx context.Context) (map[string]int, error)
}

// Query says which tenders to find, in what order, and what to count. Zero fields do not constrain.
type Query struct {
	// Any holds formulas of which one must be true; nil does not constrain, an empty non-nil list matches nothing.
	Any    []query.Formula
	Filter Filter
	// Without holds tenders that are excluded in any case: from rows, totals and counts. Engines stay fast with some
	// 2,000.
	Without []int64
	// Within holds the only tenders that may be found; nil does not constrain, an empty non-nil list finds none.
	Within []int64
	// Text is what a person typed, and must be found as [freetext.Parse] understands it. A text that asks for nothing
	// does not constrain.
	Text string
	// Complete says that the text is still being typed: its last word may be the beginning of one.
	Complete bool
	// Corrected is another text, "" for none, that may be found instead of Text.
	Corrected string
	// Now decides which tenders are online.
	Now time.Time
	// Order is [PublishedDesc] if empty.
	Order Order
	// After and Before select the rows beyond a key in the query's order; Before those nearest to it, still in the
	// query's order. FromEnd selects the last rows of all, as a Before beyond the end would. At most one of the three
	// may be set.
	After, Before *Key
	FromEnd       bool
	// Offset skips rows; only without these three.
	Offset int
	// Limit is how many rows to return; 0 for totals and facets only.
	Limit int
	// Facets says by what to count: by fields of criteria that have a facet.
	Facets []query.Field
	// Cursor asks for [Result.Cursor].
	Cursor bool
}

// Filter narrows a query strictly: within a list any, between lists all.
type Filter struct {
	Statuses []vigie.TenderStatus
	Values   query.Values // as atoms have them
	// The bounds are inclusive. Tenders without a deadline lie within no bound
	// on it.
	PublishedFrom, PublishedTo *time.Time
	UpdatedFrom                *time.Time
	DeadlineFrom, DeadlineTo   *time.Time
}

// Order is the order of rows. Rows with equal values are sorted by ID, ascending in an ascending order and descending
// in a descending one.
type Order string

// The orders. Tenders without a deadline come last in both orders by deadline.
const (
	PublishedDesc Order = "PUBLISHED_AT_DESC"
	PublishedAsc  Order = "PUBLISHED_AT_ASC"
	DeadlineAsc   Order = "DEADLINE_ASC"
	DeadlineDesc  Order = "DEADLINE_DESC"
	// UpdatedDesc is by when the last notice was published: what is new and what was corrected come first.
	UpdatedDesc Order = "UPDATED_AT_DESC"
	// Relevance, best first, needs a Text and has no keys. A row is the better, the higher it stands in this list: its
	// buyer's name, or a reference or number, is the text; its title has all words as they were typed; its title has
	// all of them, in any number or gender; its buyer's name and town have; it has them anywhere; its title has the
	// last as a beginning; it has that anywhere. What only Corrected finds comes after. Of equally good rows the one published later comes first.
	Relevance Order = "RELEVANCE"
)

// Key is a row's place in an order: the value that the index sorts it by, in whole seconds, and its ID. At is nil
// without a deadline.
type Key struct {
	At *time.Time
	ID int64
}

// Result is the answer to a query.
type Result struct {
	Hits []Hit
	// Total is how many tenders match, exactly, without keys and limit.
	Total int
	// Counts are by facet and value: each facet over the query without the filter on its own field, for all values that
	// occur, up to [MaxFacetValues].
	Counts map[query.Field]map[string]int
	// Cursor is the index's cursor, read before everything else of the answer, if the query asks for it: what was put up to
	// that number is in the answers to this query and to those after it. 0 from an index that has lost its data.
	Cursor int64
}

// Hit is one row.
type Hit struct {
	// Key is what the index sorted the row by. The next page begins there, even if the database has newer values of
	// the tender. In the order of [Relevance], which has no keys, it is only the ID.
	Key
}

// Highlight is a passage of a field, cut into found and other parts.
type Highlight struct {
	Field string // "title" or "description"
	Parts []Part
}

// Part is a run of text; Hit where the search found it.
type Part = clip.Part
