// Package graph answers the API of schema.graphqls. A resolver checks who
// asks, calls one use case of package service, and returns what it says;
// package gql beside it is generated.
package graph

import (
	"context"
	"log/slog"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/ast"

	"vigie/graph/gql"
	"vigie/graph/input"
	"vigie/graph/wire"
	"vigie/service"
)

// SignIn says who asks, by the value of an Authorization header; nil for nobody
// in particular.
type SignIn func(ctx context.Context, authorization string) (*Viewer, error)

// Options say how operations are answered.
type Options struct {
	// SignIn says who asks on a socket whose client cannot set headers, and names
	// its token when it connects: by what stands for the Authorization header. An
	// error of code [vigie.Unauthenticated] refuses the connection.
	SignIn SignIn
	// Intake is what requests have to pass before they are parsed.
	Intake wire.Intake
	// Pace waits until the caller of a context may have work done of a cost, which
	// ends with done; nil never waits.
	Pace   func(ctx context.Context, cost int) (done func(), err error)
	Limits Limits
	// Private has the API not show what it is made of: neither by introspection,
	// nor by suggestions, nor by what is wrong with a document.
	Private bool
	// Trusted are the only documents that are run, by the SHA-256 of their text
	// in hexadecimal and by whatever else they may be asked for; nil runs any.
	Trusted map[string]string
	// Origins are those from whose pages sockets are accepted, beside our own, such
	// as https://*.example.org; * stands for any part.
	Origins []string
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Limits are what one operation, socket or account may take.
type Limits struct {
	// Tokens is how many words and signs a document may have.
	Tokens int
	Shape  Shape
	// Cost is what an operation may cost, see [costing].
	Cost int
	// Time is for how long a query or mutation may take.
	Time time.Duration
	// OnSocket is how many operations may be open on a socket, Subscriptions how
	// many subscriptions of an account.
	OnSocket, Subscriptions int
}

// DefaultLimits are enough for everything that pages ask.
func DefaultLimits() Limits {
	return Limits{
		Tokens: 3000, Shape: Shape{Depth: 15, Fields: 1000, Aliases: 50, Directives: 50}, Cost: 20_000, Time: 20 * time.Second,
		OnSocket: 20, Subscriptions: 50,
	}
}

// NewHandler answers GraphQL over HTTP, WebSocket and server-sent events. Who
// asks is in the request's context, see [WithViewer].
func NewHandler(s *service.Service, o Options) *handler.Server {
	r := &resolver{s, newOpenSubscriptions(o.Limits.Subscriptions, o.Metrics)}
	schema, rules := schema(), documentRules(o.Private)
	documents := newCache(mostParsed, func(text string, _ *ast.QueryDocument) int { return len(text) })
	srv := handler.New(gql.NewExecutableSchema(gql.Config{Resolvers: r, Schema: schema}))
	srv.AddTransport(transport.Options{})
	srv.AddTransport(socket(o))
	srv.AddTransport(wire.Stream{Intake: o.Intake, KeepAlive: keepAlive})
	srv.AddTransport(&wire.HTTP{Intake: o.Intake, Keep: keep})
	srv.SetParserTokenLimit(o.Limits.Tokens)
	srv.SetQueryCache(documents)
	srv.SetValidationRulesFn(rules)
	srv.SetDisableSuggestion(o.Private)
	// In this order: what is cheap to refuse is refused first.
	srv.Use(noNULs{})
	if o.Trusted == nil {
		srv.Use(extension.AutomaticPersistedQuery{Cache: newCache(mostPersisted, func(hash, text string) int { return len(hash) + len(text) })})
	} else {
		srv.Use(trusted(o.Trusted))
	}
	srv.Use(&variables{input.Coercer{Schema: schema, Scalars: scalars(), Private: o.Private}, documents, o.Limits.Tokens, rules})
	srv.Use(o.Limits.Shape)
	srv.Use(costLimit{o.Limits.Cost})
	if !o.Private {
		srv.Use(extension.Introspection{})
	}
	shown := present(o.Log)
	if o.Private {
		shown = discreet(shown)
	}
	srv.SetErrorPresenter(shown)
	srv.SetRecoverFunc(recovered(o.Log))
	m := newMetrics(schema, o.Metrics)
	srv.AroundOperations(m.operation)
	srv.AroundResponses(m.response)
	srv.AroundRootFields(m.field)
	srv.AroundOperations(within(o.Limits.Time))
	if o.Pace != nil {
		srv.AroundOperations(paced(o.Pace, shown))
	}
	srv.AroundOperations(withEnding)
	srv.AroundResponses(func(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
		// A subscription has many, each of its own moment.
		return next(withLoaders(ctx, s))
	})
	srv.AroundResponses(withDescriptions)
	srv.AroundRootFields(readAgain(s))
	srv.AroundResponses(sayEnding)
	srv.AroundResponses(showCost(o.Limits.Cost))
	return srv
}

// resolver hands out the resolvers of the schema's types.
type resolver struct {
	service       *service.Service
	subscriptions *openSubscriptions
}

type (
	query           struct{ *resolver }
	mutation        struct{ *resolver }
	subscription    struct{ *resolver }
	accountType     struct{ *resolver }
	watchType       struct{ *resolver }
	deliveryType    struct{ *resolver }
	webhookType     struct{ *resolver }
	recipientType   struct{ *resolver }
	criteriaType    struct{ *resolver }
	buyerType       struct{ *resolver }
	tenderType      struct{ *resolver }
	facetsType      struct{ *resolver }
	backOfficeType  struct{ *resolver }
	usageType       struct{ *resolver }
	matchType       struct{ *resolver }
	departmentType  struct{ *resolver }
	watchMatchType  struct{ *resolver }
	publicationType struct{ *resolver }
	sourceType      struct{ *resolver }
	noticeType      struct{ *resolver }
	changeType      struct{ *resolver }
	errorType       struct{ *resolver }
	warningType     struct{ *resolver }

	alertReasonType struct{ *resolver }
)

func (r *resolver) Query() gql.QueryResolver                           { return query{r} }
func (r *resolver) Mutation() gql.MutationResolver                     { return mutation{r} }
func (r *resolver) Subscription() gql.SubscriptionResolver             { return subscription{r} }
func (r *resolver) Account() gql.AccountResolver                       { return accountType{r} }
func (r *resolver) Watch() gql.WatchResolver                           { return watchType{r} }
func (r *resolver) Delivery() gql.DeliveryResolver                     { return deliveryType{r} }
func (r *resolver) Webhook() gql.WebhookResolver                       { return webhookType{r} }
func (r *resolver) Recipient() gql.RecipientResolver                   { return recipientType{r} }
func (r *resolver) Criteria() gql.CriteriaResolver                     { return criteriaType{r} }
func (r *resolver) Buyer() gql.BuyerResolver                           { return buyerType{r} }
func (r *resolver) Tender() gql.TenderResolver                         { return tenderType{r} }
func (r *resolver) TenderFacets() gql.TenderFacetsResolver             { return facetsType{r} }
func (r *resolver) BackOffice() gql.BackOfficeResolver                 { return backOfficeType{r} }
func (r *resolver) Usage() gql.UsageResolver                           { return usageType{r} }
func (r *resolver) Department() gql.DepartmentResolver                 { return departmentType{r} }
func (r *resolver) MatchingTenderEdge() gql.MatchingTenderEdgeResolver { return matchType{r} }
func (r *resolver) Source() gql.SourceResolver                         { return sourceType{r} }
func (r *resolver) WatchMatch() gql.WatchMatchResolver                 { return watchMatchType{r} }
func (r *resolver) Publication() gql.PublicationResolver               { return publicationType{r} }
func (r *resolver) Notice() gql.NoticeResolver                         { return noticeType{r} }
func (r *resolver) NoticeChange() gql.NoticeChangeResolver             { return changeType{r} }
func (r *resolver) UserError() gql.UserErrorResolver                   { return errorType{r} }
func (r *resolver) Warning() gql.WarningResolver                       { return warningType{r} }
func (r *resolver) AlertReason() gql.AlertReasonResolver               { return alertReasonType{r} }

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

// valueOr is what p points to; where it points to nothing, otherwise.
func valueOr[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// pointers is what gqlgen wants of a list.
func pointers[T any](list []T) []*T {
	out := make([]*T, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}
