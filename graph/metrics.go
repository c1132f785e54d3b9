package graph

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/ast"

	"vigie"
)

// metrics show operators what is asked, how long it takes and what fails. Their labels are the schema's names and
// codes of errors: what clients call their operations would have no bound.
type metrics struct {
	operations, failures, errors *prometheus.CounterVec
	seconds, fieldSeconds        *prometheus.HistogramVec
	codes                        []string
}

// otherCode stands for codes that [codes] does not have.
const otherCode = "other"

// codes are those of top-level errors.
func codes() []string {
	list := []string{errcode.ParseFailed, errcode.ValidationFailed, "PERSISTED_QUERY_NOT_FOUND", "CANCELED", otherCode}
	for _, code := range []vigie.Code{
		vigie.BadRequest, vigie.Unauthenticated, vigie.Forbidden, vigie.LimitExceeded, vigie.TooManyRequests, vigie.TimedOut, vigie.Unavailable,
		vigie.Internal, vigie.NotFound, vigie.TooLong,
	} {
		list = append(list, string(code))
	}
	return list
}

// newMetrics registers the metrics, each at 0.
func newMetrics(schema *ast.Schema, r prometheus.Registerer) *metrics {
	m := &metrics{
		operations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vigie_operations_total", Help: "GraphQL operations, by whether their answer had errors; subscriptions when they begin.",
		}, []string{"type", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "vigie_operation_duration_seconds", Help: "How long queries and mutations took, without what was read and written of the network.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20},
		}, []string{"type"}),
		fieldSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "vigie_field_duration_seconds", Help: "How long each field of Query and Mutation took, with all that was asked below it.",
			Buckets: []float64{.005, .025, .1, .5, 2.5, 10},
		}, []string{"field"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vigie_field_failures_total", Help: "How often a field of Query or Mutation, or something below it, had an error.",
		}, []string{"field"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vigie_errors_total", Help: "Top-level errors of answers to GraphQL operations, by code.",
		}, []string{"code"}),
		codes: codes(),
	}
	for _, kind := range []ast.Operation{ast.Query, ast.Mutation, ast.Subscription} {
		m.operations.WithLabelValues(string(kind), "ok")
		m.operations.WithLabelValues(string(kind), "failed")
		if kind != ast.Subscription {
			m.seconds.WithLabelValues(string(kind))
		}
	}
	for _, field := range slices.Concat(schema.Query.Fields, schema.Mutation.Fields) {
		if !strings.HasPrefix(field.Name, "__") {
			m.fieldSeconds.WithLabelValues(field.Name)
			m.failures.WithLabelValues(field.Name)
		}
	}
	for _, code := range m.codes {
		m.errors.WithLabelValues(code)
	}
	r.MustRegister(m.operations, m.seconds, m.fieldSeconds, m.failures, m.errors)
	return m
}

// operation counts an operation, and how long it takes.
func (m *metrics) operation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	kind, start := graphql.GetOperationContext(ctx).Operation.Operation, time.Now()
	respond := next(ctx)
	if kind == ast.Subscription {
		m.operations.WithLabelValues(string(kind), "ok").Inc()
		return respond
	}
	return func(ctx context.Context) *graphql.Response {
		response := respond(ctx)
		if response == nil {
			return nil
		}
		outcome := "ok"
		if len(response.Errors) > 0 {
			outcome = "failed"
		}
		m.operations.WithLabelValues(string(kind), outcome).Inc()
		m.seconds.WithLabelValues(string(kind)).Observe(time.Since(start).Seconds())
		return response
	}
}

// response counts the errors of an answer.
func (m *metrics) response(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	if response == nil {
		return nil
	}
	for _, err := range response.Errors {
		code := fmt.Sprint(err.Extensions["code"])
		if !slices.Contains(m.codes, code) {
			code = otherCode
		}
		m.errors.WithLabelValues(code).Inc()
	}
	return response
}

// field measures a field of Query or Mutation.
func (m *metrics) field(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	field := graphql.GetRootFieldContext(ctx).Field
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Subscription || strings.HasPrefix(field.Name, "__") {
		return next(ctx)
	}
	start := time.Now()
	answer := next(ctx)
	m.fieldSeconds.WithLabelValues(field.Name).Observe(time.Since(start).Seconds())
	for _, err := range graphql.GetErrors(ctx) {
		if len(err.Path) > 0 && err.Path[0] == ast.PathName(field.Alias) {
			m.failures.WithLabelValues(field.Name).Inc()
			break
		}
	}
	return answer
}
