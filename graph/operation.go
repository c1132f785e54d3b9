package graph

import (
	"context"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"vigie"
	"vigie/graph/input"
)

// variables reads an operation's variables before gqlgen does, which goes by
// gqlparser: what that finds is right then.
type variables struct {
	input.Coercer
	documents graphql.Cache[*ast.QueryDocument] // the executor's
	tokens    int
	rules     func() *rules.Rules
}

// ExtensionName implements [graphql.HandlerExtension].
func (*variables) ExtensionName() string { return "Variables" }

// Validate implements [graphql.HandlerExtension].
func (*variables) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements [graphql.OperationParameterMutator].
func (v *variables) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	doc, err := v.document(ctx, params.Query)
	if doc == nil || err != nil {
		return err
	}
	op := doc.Operations.ForName(params.OperationName)
	if op == nil {
		return nil
	}
	params.Variables, err = v.Variables(op, params.Variables)
	return err
}

// document is a valid document, which the executor finds in its cache next; nil
// where it is not valid, for the executor to say why. The error is that it is
// not to be validated at all.
func (v *variables) document(ctx context.Context, text string) (*ast.QueryDocument, *gqlerror.Error) {
	if doc, ok := v.documents.Get(ctx, text); ok {
		return doc, nil
	}
	doc := parsed(text, v.tokens)
	if doc == nil || len(doc.Operations) == 0 {
		return nil, nil
	}
	if err := checkNamePairs(doc); err != nil {
		return nil, err
	}
	if err := checkSteps(doc); err != nil {
		return nil, err
	}
	if len(validator.ValidateWithRules(v.Schema, doc, v.rules())) > 0 {
		return nil, nil
	}
	v.documents.Add(ctx, text, doc)
	return doc, nil
}

// parsed is the document that a text is, nil for none.
func parsed(text string, tokens int) *ast.QueryDocument {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, tokens)
	if err != nil {
		return nil
	}
	return doc
}

// costLimit refuses operations that cost more than one may.
type costLimit struct{ most int }

// ExtensionName implements [graphql.HandlerExtension].
func (costLimit) ExtensionName() string { return "Cost" }

// Validate implements [graphql.HandlerExtension].
func (costLimit) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements [graphql.OperationContextMutator].
func (l costLimit) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	cost := costOf(op)
	if cost <= l.most {
		return nil
	}
	return tooDear(cost, l.most)
}

// within gives queries and mutations a time limit.
func within(limit time.Duration) graphql.OperationMiddleware {
	return func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		if graphql.GetOperationContext(ctx).Operation.Operation == ast.Subscription {
			return next(ctx)
		}
		ctx, cancel := context.WithTimeout(ctx, limit)
		respond := next(ctx)
		return func(ctx context.Context) *graphql.Response {
			defer cancel()
			return respond(ctx)
		}
	}
}

// paced has queries and mutations wait until their caller may have work done that
// costs as much, before anything of them is run. Each event of a subscription
// waits by itself.
func paced(pace func(ctx context.Context, cost int) (done func(), err error), present graphql.ErrorPresenterFunc) graphql.OperationMiddleware {
	return func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		op := graphql.GetOperationContext(ctx)
		if op.Operation.Operation == ast.Subscription {
			return pacedEvents(ctx, next, func(ctx context.Context) (func(), error) { return pace(ctx, costOf(op)) })
		}
		done, err := pace(ctx, costOf(op))
		if err != nil {
			return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{present(ctx, err)}})
		}
		respond := next(ctx)
		return func(ctx context.Context) *graphql.Response {
			defer done()
			return respond(ctx)
		}
	}
}

// turns has each event of a subscription wait for its turn, once it is asked for.
// An event that nobody asks for takes none: its client may be reading the one
// before.
type turns struct {
	take  func(context.Context) (done func(), err error)
	asked chan struct{}
	mutex sync.Mutex
	done  func() // ends the turn; nil while there is none
}

type turnsKey struct{}

func pacedEvents(ctx context.Context, next graphql.OperationHandler, take func(context.Context) (func(), error)) graphql.ResponseHandler {
	t := &turns{take: take, asked: make(chan struct{}, 1)}
	respond := next(context.WithValue(ctx, turnsKey{}, t))
	return func(ctx context.Context) *graphql.Response {
		select {
		case t.asked <- struct{}{}:
		default: // the last time that it was asked, there was no event
		}
		defer t.end()
		return respond(ctx)
	}
}

// begin waits until an event may be read, which ends with its response.
func (t *turns) begin(ctx context.Context) error {
	select {
	case <-t.asked:
	case <-ctx.Done():
		return ctx.Err()
	}
	done, err := t.take(ctx)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.done = done
	return err
}

func (t *turns) end() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.done != nil {
		t.done()
		t.done = nil
	}
}

// openSubscriptions counts the subscriptions that are open, each account's apart.
type openSubscriptions struct {
	most  int // of one account
	gauge prometheus.Gauge
	mutex sync.Mutex
	open  map[int64]int
}

func newOpenSubscriptions(most int, r prometheus.Registerer) *openSubscriptions {
	o := &openSubscriptions{most: most, open: make(map[int64]int), gauge: prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "vigie_subscriptions", Help: "Subscriptions that are open.",
	})}
	r.MustRegister(o.gauge)
	return o
}

// enter counts one more subscription of an account until leave is called.
func (o *openSubscriptions) enter(account int64) (leave func(), err error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.open[account] >= o.most {
		return nil, &vigie.Error{Code: vigie.TooManyRequests, Text: vigie.Text{
			FR: "Trop de pages sont ouvertes (%d au plus). Fermez-en une, puis rechargez celle-ci.",
			EN: "Too many pages are open (%d at most). Close one, then reload this one.",
		}.With(o.most)}
	}
	o.open[account]++
	o.gauge.Inc()
	return func() {
		o.mutex.Lock()
		defer o.mutex.Unlock()
		if o.open[account]--; o.open[account] == 0 {
			delete(o.open, account)
		}
		o.gauge.Dec()
	}, nil
}
