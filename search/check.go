package search

import (
	"errors"
	"fmt"
	"strings"

	"vigie"
)

// Check returns what contradicts itself in the query, as an error with the code [vigie.BadRequest]; nil if nothing
// does.
func (q Query) Check() error {
	var places int // that the page is said to be at
	for _, given := range []bool{q.After != nil, q.Before != nil, q.FromEnd, q.Offset > 0} {
		if given {
			places++
		}
	}
	var fault string
	switch {
	case q.Offset < 0 || q.Limit < 0:
		fault = "a negative offset or limit"
	case places > 1:
		fault = "more than one of after, before, from the end, and an offset"
	case q.Order == Relevance && strings.TrimSpace(q.Text) == "":
		fault = "relevance without a text"
	case q.Order == Relevance && (q.After != nil || q.Before != nil || q.FromEnd):
		fault = "relevance by key"
	case q.timeless(q.After) || q.timeless(q.Before):
		fault = "a key without the time that rows are ordered by"
	case !q.Order.valid():
		fault = fmt.Sprintf("unknown order %q", q.Order)
	default:
		return nil
	}
	return &vigie.Error{
		Code: vigie.BadRequest,
		Text: vigie.Text{FR: "Cette recherche n’est pas possible. Simplifiez-la, puis recommencez.", EN: "This search is not possible. Simplify it, then try again."},
		Err:  errors.New("search: " + fault),
	}
}

// timeless reports whether a key lacks the time that every row has.
func (q Query) timeless(key *Key) bool {
	return key != nil && key.At == nil && q.Order != DeadlineAsc && q.Order != DeadlineDesc
}

func (o Order) valid() bool {
	switch o {
	case "", PublishedDesc, PublishedAsc, DeadlineAsc, DeadlineDesc, UpdatedDesc, Relevance:
		return true
	}
	return false
}

// CheckName refuses a name that an index cannot have, with an error with the code [vigie.Invalid].
func CheckName(name string) error {
	const longest = 100
	odd := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-')
	}
	if name == "" || len(name) > longest || strings.ContainsFunc(name, odd) {
		return &vigie.Error{
			Code: vigie.Invalid,
			Text: vigie.Text{
				FR: "Le nom d’index %q n’est pas valable : utilisez seulement des lettres, des chiffres et des traits d’union.",
				EN: "The index name %q is not valid: use letters, digits and hyphens only.",
			}.With(name),
		}
	}
	return nil
}

// Unavailable returns the error of an engine that does not answer now. While Meilisearch is away, what needs it is null
// in the API, with this error; the indexer (package feed) waits and goes on from its cursor; mails wait for the index for
// some minutes (indexWait in package ledger) and are then sent; nothing else stops.
func Unavailable(cause error) error {
	return &vigie.Error{
		Code: vigie.Unavailable,
		Text: vigie.Text{
			FR: "La recherche est momentanément indisponible. Réessayez dans un instant.",
			EN: "The search is not available at the moment. Try again shortly.",
		},
		Err: cause,
	}
}

// Internal returns the error of an engine that was asked wrongly: a defect of ours.
func Internal(cause error) error {
	return &vigie.Error{
		Code: vigie.Internal,
		Text: vigie.Text{FR: "La recherche a échoué. Réessayez dans un instant.", EN: "The search failed. Try again in a moment."},
		Err:  cause,
	}
}

// TooLarge returns the error of an engine that refuses a document because of its size; it accepts others.
func TooLarge(cause error) error {
	return &vigie.Error{
		Code: vigie.LimitExceeded,
		Text: vigie.Text{
			FR: "Un marché est trop long pour l’index de recherche : il n’apparaît pas dans les listes. Raccourcissez sa description.",
			EN: "A tender is too long for the search index: it appears in no list. Shorten its description.",
		},
		Err: cause,
	}
}

// IsTooLarge reports whether err is an error of [TooLarge].
func IsTooLarge(err error) bool { return vigie.CodeOf(err) == vigie.LimitExceeded }
