package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/uptrace/bun"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"vigie/alert/post"
	"vigie/search"
	"vigie/server/dependency"
)

// traceSettings say where spans go.
type traceSettings struct {
	OTLPURL    string  `name:"otlp-url" help:"The OpenTelemetry collector for traces (OTLP over HTTP), such as http://collector:4318; without it, no traces are sent." type:"url" placeholder:"URL"`
	TraceRatio float64 `help:"The share of requests that is traced, from 0 to 1, for requests without a trace of their own." default:"1" type:"number" bounds:"0..1" placeholder:"N"`
}

// traces makes spans: of requests, and of what they lead to.
type traces struct {
	provider trace.TracerProvider
	tracer   trace.Tracer
	// close sends what is left.
	close func(context.Context) error
	// collector is where they go; nil where none are made.
	collector *dependency.Dependency
}

// untraced makes no spans.
func untraced() *traces {
	provider := noop.NewTracerProvider()
	return &traces{provider, provider.Tracer("vigie"), func(context.Context) error { return nil }, nil}
}

// open opens the way to the collector. Where it does not answer, spans are
// dropped, that is logged once, and nothing else happens.
func (s traceSettings) open(ctx context.Context, log *slog.Logger) (*traces, error) {
	if s.OTLPURL == "" {
		return untraced(), nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(spansURL(s.OTLPURL)))
	if err != nil {
		return nil, fmt.Errorf("VIGIE_OTLP_URL (--otlp-url): %w", err)
	}
	about, err := described(ctx)
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	collector := dependency.New("collector", nil, operatorMessage, log)
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(reported{exporter, collector}), sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(s.TraceRatio))),
		sdktrace.WithResource(about),
	)
	return &traces{provider, provider.Tracer("vigie"), provider.Shutdown, collector}, nil
}

// spansURL is where a collector takes spans.
func spansURL(collector string) string { return strings.TrimRight(collector, "/") + "/v1/traces" }

// described is what all spans say of this process: its version, and which of the replicas it is. OpenTelemetry's own
// variables may add to it.
func described(ctx context.Context) (*resource.Resource, error) {
	attributes := []attribute.KeyValue{
		attribute.String("service.name", "vigie"), attribute.String("service.version", built().version), attribute.String("service.instance.id", rand.Text()),
	}
	if name, err := os.Hostname(); err == nil {
		attributes = append(attributes, attribute.String("host.name", name))
	}
	return resource.New(ctx, resource.WithAttributes(attributes...), resource.WithFromEnv())
}

// reported has the library's failures to send spans reported in our log, where it would write them in a form of its
// own, one by one.
type reported struct {
	sdktrace.SpanExporter
	collector *dependency.Dependency
}

// ExportSpans implements [sdktrace.SpanExporter].
func (r reported) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	r.collector.Report(ctx, r.SpanExporter.ExportSpans(ctx, spans))
	return nil
}

// off reports whether no spans are made.
func (t *traces) off() bool {
	_, off := t.provider.(noop.TracerProvider)
	return off
}

// requests makes a span of each request for the API; those that bring one are
// its children. Other paths are not traced: words in them open pages of mails.
func (t *traces) requests(next http.Handler) http.Handler {
	if t.off() {
		return next
	}
	return otelhttp.NewHandler(next, "", otelhttp.WithTracerProvider(t.provider), otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path }))
}

// end sends what is left, in the time that it is given.
func (t *traces) end(ctx context.Context, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := t.close(ctx); err != nil {
		log.WarnContext(ctx, "the last traces are lost", "component", "server", "action", "stop", "error", err)
	}
}

// operations makes a span of each operation.
func (t *traces) operations(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if t.off() {
		return next(ctx)
	}
	op := graphql.GetOperationContext(ctx)
	kind := string(op.Operation.Operation)
	ctx, span := t.tracer.Start(ctx, kind+" "+op.Operation.Name, trace.WithAttributes(
		attribute.String("graphql.operation.type", kind), attribute.String("graphql.operation.name", op.Operation.Name)))
	context.AfterFunc(ctx, func() { span.End() }) // of a subscription, which answers until then
	respond := next(ctx)
	return func(ctx context.Context) *graphql.Response {
		response := respond(ctx)
		if response != nil && len(response.Errors) > 0 {
			span.SetStatus(codes.Error, fmt.Sprint(response.Errors[0].Extensions["code"])) // what it says may quote its reader
		}
		if op.Operation.Operation != "subscription" {
			span.End()
		}
		return response
	}
}

// queries makes spans of what requests ask of the database. What is asked is
// not in them: it holds people's addresses.
type queries struct{ tracer trace.Tracer }

// BeforeQuery implements [bun.QueryHook].
func (q queries) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	parent := trace.SpanFromContext(ctx)
	if before, ok := ctx.Value(tracedKey{}).(trace.Span); ok { // a transaction ends in the context of its BEGIN
		parent = before
	}
	if !parent.IsRecording() { // the work that never ends is not traced
		return ctx
	}
	ctx, _ = q.tracer.Start(trace.ContextWithSpan(ctx, parent), "SQL "+e.Operation(), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("db.operation.name", e.Operation())))
	return context.WithValue(ctx, tracedKey{}, parent)
}

// tracedKey is the key of the span in which a query was asked.
type tracedKey struct{}

// AfterQuery implements [bun.QueryHook].
func (q queries) AfterQuery(ctx context.Context, e *bun.QueryEvent) {
	if ctx.Value(tracedKey{}) == nil {
		return
	}
	span := trace.SpanFromContext(ctx)
	if e.Err != nil {
		span.SetStatus(codes.Error, "failed")
	}
	span.End()
}

// tracedEngine makes spans of searches.
type tracedEngine struct {
	search.Engine
	tracer trace.Tracer
}

// Open implements [search.Engine].
func (e tracedEngine) Open(ctx context.Context, name string) (search.Index, error) {
	index, err := e.Engine.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return tracedIndex{index, e.tracer}, nil
}

type tracedIndex struct {
	search.Index
	tracer trace.Tracer
}

// Search implements [search.Index].
func (i tracedIndex) Search(ctx context.Context, queries []search.Query) ([]search.Result, error) {
	ctx, span := i.tracer.Start(ctx, "search", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.Int("search.queries", len(queries))))
	defer span.End()
	results, err := i.Index.Search(ctx, queries)
	if err != nil {
		span.SetStatus(codes.Error, "failed")
	}
	return results, err
}

// tracedMailer makes spans of mails.
type tracedMailer struct {
	post.Mailer
	tracer trace.Tracer
}

// Send implements [post.Mailer].
func (m tracedMailer) Send(ctx context.Context, message post.Message) error {
	ctx, span := m.tracer.Start(ctx, "send mail", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("messaging.message.id", message.ID)))
	defer span.End()
	err := m.Mailer.Send(ctx, message)
	if err != nil {
		span.SetStatus(codes.Error, "failed")
	}
	return err
}
