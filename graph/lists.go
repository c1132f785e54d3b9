package graph

import (
	"context"
	"errors"
	"net/url"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"vigie"
	"vigie/graph/gql"
	"vigie/graph/input"
	"vigie/graph/wire"
	"vigie/service"
)

// Lists reads from an address which tenders are asked for, for exports. The
// parameters become variables of an operation that asks for the list's field,
// which is run as far as its plan: what a list accepts, refuses and finds, an
// export does too.
type Lists struct {
	intake   wire.Intake
	executor *executor.Executor
	present  graphql.ErrorPresenterFunc
}

// NewLists reads addresses by the options of [NewHandler].
func NewLists(s *service.Service, o Options) *Lists {
	schema := schema()
	l := &Lists{o.Intake, executor.New(gql.NewExecutableSchema(gql.Config{Resolvers: &resolver{service: s}, Schema: schema})), present(o.Log)}
	l.executor.SetDefaultRulesFn(documentRules(o.Private))
	l.executor.SetQueryCache(newCache(mostParsed, func(text string, _ *ast.QueryDocument) int { return len(text) }))
	l.executor.Use(noNULs{})
	l.executor.Use(coerced{input.Coercer{Schema: schema, Scalars: scalars(), Private: o.Private}})
	l.executor.SetErrorPresenter(l.present)
	l.executor.SetRecoverFunc(recovered(o.Log))
	l.executor.AroundOperations(within(o.Limits.Time))
	l.executor.AroundResponses(func(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
		return next(withLoaders(ctx, s))
	})
	return l
}

// coerced reads variables as [variables] does, of documents that are our own.
type coerced struct{ input.Coercer }

// ExtensionName implements [graphql.HandlerExtension].
func (coerced) ExtensionName() string { return "Variables" }

// Validate implements [graphql.HandlerExtension].
func (coerced) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements [graphql.OperationParameterMutator].
func (c coerced) MutateOperationParameters(_ context.Context, params *graphql.RawParams) (err *gqlerror.Error) {
	params.Variables, err = c.Variables(parsed(params.Query, 0).Operations[0], params.Variables)
	return err
}

// listing is the operation that asks for a list, "" for no list.
func listing(list string) string {
	switch list {
	case "tenders":
		return `query ($search: String, $complete: Boolean, $filter: TenderFilter, $orderBy: TenderOrder) {
			tenders(search: $search, complete: $complete, filter: $filter, orderBy: $orderBy) { pageInfo { endCursor } }
		}`
	case "matchingTenders":
		return `query ($watchIds: [ID!], $includeInactive: Boolean, $search: String, $complete: Boolean, $filter: TenderFilter, $orderBy: TenderOrder) {
			matchingTenders(watchIds: $watchIds, includeInactive: $includeInactive, search: $search, complete: $complete, filter: $filter, orderBy: $orderBy) {
				pageInfo { endCursor }
			}
		}`
	}
	return ""
}

type plannedKey struct{}

// planned is what a list's field was asked for.
type planned struct{ plan *service.TenderPlan }

// Plan makes the plan of a list (tenders, matchingTenders) from the parameters of
// an address: the arguments of the list's field, of which filter is JSON, and
// watch, any number of times, for watchIds. It returns the account that asks, nil
// for none. The error is for [Lists.Present].
func (l *Lists) Plan(ctx context.Context, list string, by url.Values) (*service.TenderPlan, *vigie.Account, error) {
	viewer, err := signedIn(ctx)
	if err != nil {
		return nil, nil, err
	}
	asked := new(planned)
	ctx = graphql.StartOperationTrace(context.WithValue(ctx, plannedKey{}, asked))
	params := &graphql.RawParams{Query: listing(list)}
	if params.Variables, err = l.variables(ctx, list, by); err != nil {
		return nil, nil, err
	}
	op, errs := l.executor.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		return nil, nil, errs[0]
	}
	responses, ctx := l.executor.DispatchOperation(ctx, op)
	response := responses(ctx)
	switch {
	case response != nil && len(response.Errors) > 0:
		return nil, nil, response.Errors[0]
	case asked.plan == nil:
		return nil, nil, context.Cause(ctx)
	}
	return asked.plan, viewer.Account, nil
}

// variables are what the parameters of an address stand for.
func (l *Lists) variables(ctx context.Context, list string, by url.Values) (map[string]any, error) {
	op := parsed(listing(list), 0).Operations[0]
	values := make(map[string]any, len(by))
	for name, given := range by {
		variable := name
		if name == "watch" {
			variable = "watchIds"
		}
		declared := op.VariableDefinitions.ForName(variable)
		if declared == nil || name == "watchIds" {
			return nil, badParameter(vigie.Same("There is no parameter “%.100s” here.").With(name), name)
		}
		if declared.Type.Elem == nil && len(given) > 1 {
			return nil, badParameter(vigie.Same("Give “%s” once.").With(name), name)
		}
		var err error
		if values[variable], err = l.value(ctx, declared.Type, name, given); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// value is what a parameter stands for, as JSON has it.
func (l *Lists) value(ctx context.Context, t *ast.Type, name string, given []string) (any, error) {
	switch {
	case t.Elem != nil:
		items := make([]any, len(given))
		for i, item := range given {
			items[i] = item
		}
		return items, nil
	case t.NamedType == "TenderFilter":
		return l.intake.Value(ctx, name, given[0])
	case t.NamedType == "Boolean" && (given[0] == "true" || given[0] == "false"):
		return given[0] == "true", nil
	}
	return given[0], nil
}

func badParameter(text vigie.Text, name string) error {
	return &vigie.Error{Code: vigie.BadRequest, Field: []string{name}, Text: text}
}

// Present words an error of an export as the API words errors, with its code.
func (l *Lists) Present(ctx context.Context, err error) (shown *gqlerror.Error, code vigie.Code) {
	shown, presented := errors.AsType[*gqlerror.Error](err)
	if !presented || shown.Extensions["code"] == nil { // else the plan's operation has worded it, and logged it
		shown = l.present(ctx, err)
	}
	shown.Path, shown.Locations = nil, nil // of a document that is not the client's
	text, _ := shown.Extensions["code"].(string)
	return shown, vigie.Code(text)
}

// RetryAfter is after how long an error may be gone, in seconds; 0 where nothing is known.
func RetryAfter(err error) int {
	if e, ok := errors.AsType[*vigie.Error](err); ok {
		return wire.Seconds(e.RetryAfter)
	}
	return 0
}

// LocaleOf is the language of the reader of a request.
func LocaleOf(ctx context.Context) vigie.Locale { return locale(ctx) }
