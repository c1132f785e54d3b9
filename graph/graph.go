// Package graph answers the API of schema.graphqls. A resolver checks who
// asks, calls one use case of package service, and returns what it says;
// package gql beside it is generated.
package graph

import (
	"context"
	"log/slog"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"vigie/graph/gql"
	"vigie/service"
)

// NewHandler answers GraphQL over HTTP. Who asks is in the request's context,
// see [WithViewer].
func NewHandler(s *service.Service, log *slog.Logger) *handler.Server {
	r := &resolver{s}
	srv := handler.New(gql.NewExecutableSchema(gql.Config{Resolvers: r}))
	// No form transports: a form needs no preflight, and would let any page
	// run mutations.
	srv.AddTransport(transport.Options{})
	srv.AddTransport(transport.GET{})
	srv.AddTransport(transport.POST{})
	srv.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	srv.Use(extension.Introspection{})
	srv.SetErrorPresenter(present(log))
	srv.SetRecoverFunc(recovered(log))
	srv.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		return next(withLoaders(ctx, s))
	})
	return srv
}

// resolver hands out the resolvers of the schema's types.
type resolver struct{ service *service.Service }

type (
	query        struct{ *resolver }
	mutation     struct{ *resolver }
	accountType  struct{ *resolver }
	watchType    struct{ *resolver }
	criteriaType struct{ *resolver }
	buyerType    struct{ *resolver }
	tenderType   struct{ *resolver }
	facetsType   struct{ *resolver }
	lotType      struct{ *resolver }
	noticeType   struct{ *resolver }
	changeType   struct{ *resolver }
	errorType    struct{ *resolver }
	warningType  struct{ *resolver }
)

func (r *resolver) Query() gql.QueryResolver               { return query{r} }
func (r *resolver) Mutation() gql.MutationResolver         { return mutation{r} }
func (r *resolver) Account() gql.AccountResolver           { return accountType{r} }
func (r *resolver) Watch() gql.WatchResolver               { return watchType{r} }
func (r *resolver) Criteria() gql.CriteriaResolver         { return criteriaType{r} }
func (r *resolver) Buyer() gql.BuyerResolver               { return buyerType{r} }
func (r *resolver) Tender() gql.TenderResolver             { return tenderType{r} }
func (r *resolver) TenderFacets() gql.TenderFacetsResolver { return facetsType{r} }
func (r *resolver) Lot() gql.LotResolver                   { return lotType{r} }
func (r *resolver) Notice() gql.NoticeResolver             { return noticeType{r} }
func (r *resolver) NoticeChange() gql.NoticeChangeResolver { return changeType{r} }
func (r *resolver) UserError() gql.UserErrorResolver       { return errorType{r} }
func (r *resolver) Warning() gql.WarningResolver           { return warningType{r} }

// orNull is s, or null where it is empty.
func orNull[T ~string](s T) *T {
	if s == "" {
		return nil
	}
	return &s
}

// value is what p points to, or nothing.
func value[T any](p *T) T {
	var v T
	if p != nil {
		v = *p
	}
	return v
}

// pointers is what gqlgen wants of a list.
func pointers[T any](list []T) []*T {
	out := make([]*T, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}
