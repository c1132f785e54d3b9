package graph

import (
	"context"
	"sync"
	"time"

	"github.com/99designs/gqlgen/complexity"
	"github.com/99designs/gqlgen/graphql"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"vigie"
)

// admission lets operations in: each counts, whichever way it came.
type admission struct {
	admit func(context.Context) error
}

// ExtensionName implements [graphql.HandlerExtension].
func (admission) ExtensionName() string { return "Admission" }

// Validate implements [graphql.HandlerExtension].
func (admission) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements [graphql.OperationParameterMutator].
func (a admission) MutateOperationParameters(ctx context.Context, _ *graphql.RawParams) *gqlerror.Error {
	if err := a.admit(ctx); err != nil {
		return &gqlerror.Error{Message: err.Error(), Err: err}
	}
	return nil
}

// costLimit refuses operations that cost more than one may.
type costLimit struct {
	most   int
	schema graphql.ExecutableSchema
}

// ExtensionName implements [graphql.HandlerExtension].
func (*costLimit) ExtensionName() string { return "Cost" }

// Validate implements [graphql.HandlerExtension].
func (l *costLimit) Validate(s graphql.ExecutableSchema) error {
	l.schema = s
	return nil
}

// MutateOperationContext implements [graphql.OperationContextMutator].
func (l *costLimit) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	cost := complexity.Calculate(ctx, l.schema, op.Operation, op.Variables)
	if cost <= l.most {
		return nil
	}
	err := &vigie.Error{Code: vigie.LimitExceeded, Text: vigie.Text{
		FR: "L'opération coûte %d, et peut coûter %d au plus : demandez moins de lignes ou de champs.",
		EN: "The operation costs %d and may cost %d at most: ask for fewer rows or fields.",
	}.With(cost, l.most)}
	return &gqlerror.Error{Message: err.Error(), Err: err}
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

// followers counts the subscriptions that are open, each account's apart.
type followers struct {
	most  int // of one account
	gauge prometheus.Gauge
	mutex sync.Mutex
	open  map[int64]int
}

func newFollowers(most int, r prometheus.Registerer) *followers {
	f := &followers{most: most, open: make(map[int64]int), gauge: prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "vigie_subscriptions", Help: "Subscriptions that are open.",
	})}
	r.MustRegister(f.gauge)
	return f
}

// enter counts one more subscription of an account until leave is called.
func (f *followers) enter(account int64) (leave func(), err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.open[account] >= f.most {
		return nil, &vigie.Error{Code: vigie.TooManyRequests, Text: vigie.Text{
			FR: "Ce compte suit déjà %d fois les marchés qui correspondent : fermez d'autres pages.",
			EN: "This account follows the tenders that match %d times already: close other pages.",
		}.With(f.most)}
	}
	f.open[account]++
	f.gauge.Inc()
	return func() {
		f.mutex.Lock()
		defer f.mutex.Unlock()
		if f.open[account]--; f.open[account] == 0 {
			delete(f.open, account)
		}
		f.gauge.Dec()
	}, nil
}
