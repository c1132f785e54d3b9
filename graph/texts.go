package graph

import (
	"context"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"

	"vigie"
)

// mostDescriptions is how many bytes the descriptions in one answer may have, in all: those of the largest tender, whose
// 500 lots have 10 kB each, and of a page of a hundred others.
const mostDescriptions = 8 << 20

// descriptions are what is left of that for one answer.
type descriptions struct{ left atomic.Int64 }

type descriptionsKey struct{}

// withDescriptions has the answer that is made within ctx count its descriptions.
func withDescriptions(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	d := new(descriptions)
	d.left.Store(mostDescriptions)
	return next(context.WithValue(ctx, descriptionsKey{}, d))
}

// describe counts descriptions of so many bytes. It returns an error once an answer has too many.
func describe(ctx context.Context, bytes int) error {
	d, ok := ctx.Value(descriptionsKey{}).(*descriptions)
	if !ok || d.left.Add(-int64(bytes)) >= 0 {
		return nil
	}
	return &vigie.Error{
		Code: vigie.LimitExceeded, Limit: &vigie.Limit{Name: "descriptions", Maximum: mostDescriptions},
		Text: vigie.Same("The descriptions in this answer have more than %d bytes. Ask for fewer tenders at a time, or not for the descriptions of their lots.").With(mostDescriptions),
	}
}

// describeLots counts the descriptions of a tender's lots as often as the field that is being answered asks for them.
func describeLots(ctx context.Context, lots []vigie.Lot) error {
	if len(lots) == 0 || graphql.GetFieldContext(ctx) == nil {
		return nil
	}
	bytes := 0
	for _, field := range graphql.CollectFieldsCtx(ctx, nil) {
		if field.Name != "description" {
			continue
		}
		for i := range lots {
			bytes += len(lots[i].Description)
		}
	}
	return describe(ctx, bytes)
}
