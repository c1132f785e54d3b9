// Package search finds tenders: those that a formula is true of, exactly, and
// those that a free text comes near to. [Index] is implemented by an embedded
// engine (package bleve) and by a served one (package meili); package
// searchtest holds both to this contract.
package search

import (
	"context"
	"time"

	"vigie"
	"vigie/query"
)

// Version is that of what engines make of a [Document]. It belongs in an
// index's name, so that no binary reads what another wrote differently.
const Version = 3

// MaxFacetValues is how many values of a facet a search counts at most: those
// that occur most. Only buyers can be more.
const MaxFacetValues = 10_000

// MaxWords is how many words of a text a search looks for: the first ones,
// stop words not counted.
const MaxWords = 10

// Document is what an index knows of one tender.
type Document struct {
	// Facts are of at most 100 bytes each. An empty value is none: it is
	// neither found nor counted.
	query.Facts
	ID      int64 // of the tender, from 1
	Number  int64 // of its last change
	Outcome vigie.Outcome
	// Times count in whole seconds; fractions are cut off. The times of a Query
	// are compared with that as they are.
	PublishedAt time.Time
	Deadline    *time.Time
	// OnlineUntil is when a tender without a deadline closes.
	OnlineUntil *time.Time
	// Title, Description, BuyerName and Other are for free text alone.
	Title, Description, BuyerName string
	// Other holds the rest of what free text finds: lots, reference, labels.
	Other []string
	// Deleted takes the tender out of the index; its number still counts.
	Deleted bool
}

// Engine holds indexes by name. A name is of letters, digits and hyphens.
type Engine interface {
	// Open returns the index of that name, which it makes where there is none.
	Open(ctx context.Context, name string) (Index, error)
	// Names returns those that this product made in this engine.
	Names(ctx context.Context) ([]string, error)
	// Drop removes an index and what it holds; one that is not there is no error.
	Drop(ctx context.Context, name string) error
	// Ping tells whether the engine answers.
	Ping(ctx context.Context) error
	// Close frees what the engine holds on this machine, open indexes included.
	Close() error
}

// Index is one set of documents. All methods may be called at once, but Put
// by one caller at a time. An engine that does not answer gives an error of
// code [vigie.Unavailable].
type Index interface {
	// Put stores documents, each in place of any of the same ID, earlier in
	// the list or in the index, and returns when searches find them and a
	// crash keeps them. A Put that failed may have stored some, always those
	// of lower numbers first; doing it again is harmless. It takes any number of
	// documents; one that is too large by itself gives an error of [TooLarge].
	Put(ctx context.Context, docs []Document) error
	// Cursor is the highest number ever put; 0 for a new or lost index. A
	// cursor that is lower than what was put is allowed after a crash, a higher
	// one never: the feed goes on from it.
	Cursor(ctx context.Context) (int64, error)
	// Search answers queries, all at once, in their order. One that contradicts
	// itself ([Query.Check]) gives an error of code [vigie.BadRequest]. Rows,
	// totals and counts are exact, yet those of one answer may be moments apart
	// while documents are put.
	Search(ctx context.Context, queries []Query) ([]Result, error)
}

// Query says which tenders, in what order, and what to count. Zero fields do
// not constrain.
type Query struct {
	// Any holds formulas of which one must be true; nil asks nothing, an empty
	// non-nil list matches nothing.
	Any    []query.Formula
	Filter Filter
	// Without names tenders that are left out, whatever else holds of them: of
	// rows, totals and counts. Engines stay quick with some 2,000.
	Without []int64
	// Text must be found, forgiving of accents and, in words that are not very
	// long, of typing errors: each word anywhere in title, buyer, description and
	// the rest, the last one as the beginning of a word too, from two letters on. Stop words aside: a text of nothing else finds
	// nothing, a blank one does not constrain.
	Text string
	// Now decides which tenders are online.
	Now time.Time
	// Order is [PublishedDesc] unless said.
	Order Order
	// After and Before give the rows beyond a key in the query's order; Before
	// those nearest to it, still in the query's order. FromEnd gives the last
	// rows of all, as a Before beyond the end would. One of the three at most.
	After, Before *Key
	FromEnd       bool
	// Offset skips rows; with none of these three.
	Offset int
	// Limit is how many rows to return; 0 for totals and facets alone.
	Limit int
	// Facets says what to count.
	Facets []Facet
}

// Filter narrows a query strictly: within a list any, between lists all.
type Filter struct {
	Statuses    []vigie.TenderStatus
	Departments []string // INSEE codes and [vigie.Nationwide]
	Buyers      []string // global ids
	Natures     []vigie.Nature
	Procedures  []vigie.Procedure
	CPVCodes    []string // prefixes of 2 to 8 digits
	// The bounds are inclusive. Tenders without a deadline lie within no bound
	// on it.
	PublishedFrom, PublishedTo *time.Time
	DeadlineFrom, DeadlineTo   *time.Time
}

// Order is the order of rows. Rows of equal value follow their IDs, upwards in
// an ascending order and downwards in a descending one.
type Order string

// The orders. Tenders without a deadline come last in both orders of it.
const (
	PublishedDesc Order = "PUBLISHED_AT_DESC"
	PublishedAsc  Order = "PUBLISHED_AT_ASC"
	DeadlineAsc   Order = "DEADLINE_ASC"
	DeadlineDesc  Order = "DEADLINE_DESC"
	// Relevance, best first, needs a Text and knows no keys. Of equally good
	// rows the later published comes first.
	Relevance Order = "RELEVANCE"
)

// Key is a row's place in an order: the value that the index sorts it by, whole
// seconds, and its ID. Nil At: no deadline.
type Key struct {
	At *time.Time
	ID int64
}

// Facet is something to count by.
type Facet string

// The facets. Each is counted over the query without the filter on its own
// field, by all values that occur, up to [MaxFacetValues].
const (
	ByDepartment Facet = "department" // values: INSEE codes and [vigie.Nationwide]
	ByBuyer      Facet = "buyer"      // values: global ids
	ByNature     Facet = "nature"
	ByProcedure  Facet = "procedure"
)

// Result answers a query.
type Result struct {
	Hits []Hit
	// Total is how many tenders match, exactly, keys and limit aside.
	Total int
	// Counts are by facet and value; values that do not occur are left out.
	Counts map[Facet]map[string]int
}

// Hit is one row.
type Hit struct {
	// Key is what the index sorted the row by. The next page begins there, even
	// where the database has newer values of the tender. In the order of
	// [Relevance], which knows no keys, it is the ID alone.
	Key
	// Highlights are the passages in which the Text was found: the whole
	// title, about 200 characters of the description; only those with a hit.
	Highlights []Highlight
}

// Highlight is a passage of a field, cut into found and other parts.
type Highlight struct {
	Field string // "title" or "description"
	Parts []Part
}

// Part is a run of text; Hit where the search found it.
type Part struct {
	Text string
	Hit  bool
}
