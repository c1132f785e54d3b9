package graph

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"vigie"
	"vigie/graph/wire"
)

// present words an error for the client: what the domain says in the reader's
// language, what the parser says as it is, and of anything else no more than
// that it happened.
func present(log *slog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		shown := graphql.DefaultErrorPresenter(ctx, err)
		if e, ok := errors.AsType[*vigie.Error](err); ok && e.Code != vigie.Internal {
			if e.Err != nil {
				log.WarnContext(ctx, "request failed", "component", "api", "action", "answer", "code", e.Code, "path", shown.Path.String(), "error", err)
			}
			shown.Message = e.Message(locale(ctx))
			shown.Extensions = extensions(ctx, e.Code)
			detail(shown.Extensions, e)
			if len(e.Field) > 0 {
				shown.Extensions["argument"] = strings.Join(e.Field, ".")
			}
			blameArgument(ctx, shown)
			return shown
		}
		if g, ok := errors.AsType[*gqlerror.Error](err); ok && errors.Unwrap(g) == nil && g.Extensions["code"] != nil {
			return shown // of parsing or validation
		}
		if errors.Is(err, context.DeadlineExceeded) {
			log.WarnContext(ctx, "request timed out", "component", "api", "action", "answer", "path", shown.Path.String(), "error", err)
			shown.Message = say(ctx, vigie.Text{FR: "La réponse a pris trop de temps et a été interrompue. Réessayez, ou demandez moins de données.", EN: "The answer took too long and was stopped. Try again, or ask for less."})
			shown.Extensions = extensions(ctx, vigie.TimedOut)
			return shown
		}
		if errors.Is(err, context.Canceled) {
			shown.Message, shown.Extensions = "The request was cancelled.", map[string]any{"code": "CANCELED"}
			return shown
		}
		if inputError(shown) {
			shown.Extensions = map[string]any{"code": string(vigie.BadRequest)}
			blameArgument(ctx, shown)
			return shown
		}
		log.ErrorContext(ctx, "request failed", "component", "api", "action", "answer", "path", shown.Path.String(), "error", err)
		shown.Message = say(ctx, vigie.Text{FR: "Une erreur s’est produite de notre côté. Réessayez dans un instant.", EN: "Something went wrong on our side. Try again in a moment."})
		shown.Extensions = extensions(ctx, vigie.Internal)
		return shown
	}
}

// discreet shows errors as next does, but not what is wrong with a document, nor
// with how much of it: by that, guesses would find out the schema name by name.
func discreet(next graphql.ErrorPresenterFunc) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		if field := graphql.GetFieldContext(ctx); field != nil && field.Field.Field != nil && (field.Field.Name == "__schema" || field.Field.Name == "__type") {
			err = &vigie.Error{Code: vigie.Forbidden, Text: vigie.Same("The schema is not public.")}
		}
		shown := next(ctx, err)
		if shown.Extensions["code"] != errcode.ValidationFailed {
			return shown
		}
		for _, before := range graphql.GetErrors(ctx) {
			if before.Extensions["code"] == errcode.ValidationFailed {
				return nil // it is said already
			}
		}
		return &gqlerror.Error{Message: "The document is not valid.", Extensions: shown.Extensions}
	}
}

// extensions are what programs read of an error. Where the server is to blame,
// the request's name is among them, for operators to find it by.
func extensions(ctx context.Context, code vigie.Code) map[string]any {
	e := map[string]any{"code": string(code)}
	switch code {
	case vigie.Internal, vigie.Unavailable, vigie.TimedOut:
		if id := RequestOf(ctx); id != "" {
			e["requestId"] = id
		}
	}
	return e
}

// Extensions are what programs read of an error of a request that became no operation: as those of an operation's, with
// the request's name in any case, for no operation's log has it.
func Extensions(ctx context.Context, e *vigie.Error) map[string]any {
	read := extensions(ctx, e.Code)
	read["requestId"] = RequestOf(ctx)
	detail(read, e)
	return read
}

// detail adds the numbers of an error: the limit that was passed, and after how
// many seconds trying again may be of use.
func detail(extensions map[string]any, e *vigie.Error) {
	if e.Limit != nil {
		limit := map[string]any{"name": e.Limit.Name, "maximum": e.Limit.Maximum}
		if e.Limit.Requested > 0 {
			limit["requested"] = e.Limit.Requested
		}
		extensions["limit"] = limit
	}
	if e.RetryAfter > 0 {
		extensions["retryAfter"] = wire.Seconds(e.RetryAfter)
	}
}

// blameArgument says where a wrong value lies in the arguments of a field. gqlgen
// puts that behind the field's path, which is a place in the answer.
func blameArgument(ctx context.Context, shown *gqlerror.Error) {
	field := graphql.GetFieldContext(ctx)
	if field == nil {
		return
	}
	at := len(field.Path())
	if len(shown.Path) <= at {
		return
	}
	shown.Extensions["argument"] = strings.ReplaceAll(strings.ReplaceAll(shown.Path[at:].String(), "[", "."), "]", "")
	shown.Path = shown.Path[:at]
}

// inputError tells the errors that gqlgen makes itself of a wrong value in an
// input: they have no cause and no code.
func inputError(e *gqlerror.Error) bool { return e.Err == nil && e.Extensions["code"] == nil }

// recovered turns a panic of a resolver into an error and a log line.
func recovered(log *slog.Logger) graphql.RecoverFunc {
	return func(ctx context.Context, p any) error {
		log.ErrorContext(ctx, "resolver panicked", "component", "api", "action", "answer", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		return &vigie.Error{Code: vigie.Internal, Err: fmt.Errorf("panic: %v", p)}
	}
}

// userErrors splits an error into what a person can correct and what is not
// theirs to. field is where a mistake without a field of its own lies.
func userErrors(err error, field ...string) ([]*vigie.Error, error) {
	if err == nil {
		return []*vigie.Error{}, nil
	}
	if problems, ok := errors.AsType[vigie.Problems](err); ok {
		return problems, nil
	}
	if e, ok := errors.AsType[*vigie.Error](err); ok {
		if e.Code.Correctable() {
			if len(e.Field) == 0 {
				e.Field = field
			}
			return []*vigie.Error{e}, nil
		}
	}
	return nil, err
}

func (errorType) Message(ctx context.Context, e *vigie.Error) (string, error) {
	return say(ctx, e.Text), nil
}

func (warningType) Message(ctx context.Context, w *vigie.Warning) (string, error) {
	return say(ctx, w.Text), nil
}
