package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"vigie"
	"vigie/graph/gql"
	"vigie/service"
)

// What payloads have beside what was changed: a client refreshes with it all
// that it shows, in the same request.

// rest is what is asked of a payload's query field: anything.
func rest() *gql.Query { return &gql.Query{} }

// watchEdge is a watch in the list of watches; nil for none.
func (r *resolver) watchEdge(w *vigie.Watch) *service.WatchEdge {
	if w == nil {
		return nil
	}
	return r.service.WatchEdges(w)[0]
}

// readAgain has each mutation of an operation begin with loaders of its own:
// what it changes, and all that its payload leads to, is read after it.
func readAgain(s *service.Service) graphql.RootFieldMiddleware {
	return func(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
		// The fields of a payload's query are root fields too.
		root := graphql.GetFieldContext(ctx)
		if graphql.GetOperationContext(ctx).Operation.Operation == ast.Mutation && root != nil && root.Object == "Mutation" {
			ctx = withLoaders(ctx, s)
		}
		return next(ctx)
	}
}
