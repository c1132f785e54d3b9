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

// SignIn tells who asks, by the value of an Authorization header; nil for nobody
// in particular.
type SignIn func(ctx context.Context, authorization string) (*Viewer, error)

// NewHandler answers GraphQL over HTTP, WebSocket and server-sent events. Who asks is in the request's context,
// see [WithViewer].
//
// A socket's client that cannot set headers names its token when it connects:
// signIn tells who asks by what stands for the Authorization header. An error
// of code [vigie.Unauthenticated] refuses the connection.
func NewHandler(s *service.Service, signIn SignIn, log *slog.Logger) *handler.Server {
	r := &resolver{s}
	srv := handler.New(gql.NewExecutableSchema(gql.Config{Resolvers: r}))
	// No form transports: a form needs no preflight, and would let any page
	// run mutations.
	srv.AddTransport(transport.Options{})
	srv.AddTransport(socket(signIn, log))
	srv.AddTransport(transport.SSE{KeepAlivePingInterval: keepAlive})
	srv.AddTransport(transport.GET{})
	srv.AddTransport(transport.POST{})
	srv.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	srv.Use(extension.Introspection{})
	srv.SetErrorPresenter(present(log))
	srv.SetRecoverFunc(recovered(log))
	srv.AroundOperations(withEnding)
	srv.AroundResponses(func(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
		// A subscription has many, each of its own moment.
		return next(withLoaders(ctx, s))
	})
	srv.AroundResponses(lastWord)
	return srv
}

// resolver hands out the resolvers of the schema's types.
type resolver struct{ service *service.Service }

type (
	query        struct{ *resolver }
	mutation     struct{ *resolver }
	subscription struct{ *resolver }
	accountType  struct{ *resolver }
	watchType    struct{ *resolver }
	deliveryType struct{ *resolver }
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
func (r *resolver) Subscription() gql.SubscriptionResolver { return subscription{r} }
func (r *resolver) Account() gql.AccountResolver           { return accountType{r} }
func (r *resolver) Watch() gql.WatchResolver               { return watchType{r} }
func (r *resolver) Delivery() gql.DeliveryResolver         { return deliveryType{r} }
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
