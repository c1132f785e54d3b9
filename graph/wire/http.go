package wire

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"vigie"
)

// HTTP answers each request once, as GraphQL over HTTP says
// (https://graphql.github.io/graphql-over-http/draft/): queries and mutations
// by POST, queries by GET too. It takes whatever no other transport takes, and
// so comes last.
type HTTP struct{}

// Supports implements [graphql.Transport].
func (HTTP) Supports(*http.Request) bool { return true }

// Do implements [graphql.Transport].
func (HTTP) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	a := answer{w, r, exec, mediaType(r)}
	if a.kind == eventStream { // for which the stream is not made
		a.kind = plainJSON
	}
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		a.refuse(refuse(http.StatusMethodNotAllowed, vigie.BadRequest, vigie.Text{
			FR: "Utilisez GET ou POST.", EN: "Use GET or POST.",
		}))
		return
	}
	params, refused := read(r)
	if refused != nil {
		a.refuse(refused)
		return
	}
	op, errs := exec.CreateOperationContext(r.Context(), params)
	switch {
	case len(errs) > 0:
		a.invalid(op, errs)
	case follows(op):
		a.refuse(refuse(http.StatusBadRequest, vigie.BadRequest, vigie.Text{
			FR: "Envoyez une souscription par WebSocket (graphql-transport-ws), ou par une requête POST qui accepte text/event-stream.",
			EN: "Send a subscription over WebSocket (graphql-transport-ws), or by a POST that accepts text/event-stream.",
		}))
	case mutates(op) && r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST")
		a.refuse(refuse(http.StatusMethodNotAllowed, vigie.BadRequest, vigie.Text{
			FR: "Envoyez une mutation par POST.", EN: "Send a mutation by POST.",
		}))
	default:
		responses, ctx := exec.DispatchOperation(r.Context(), op)
		response := responses(ctx)
		switch {
		case response != nil:
		case r.Context().Err() != nil: // the client is gone
			return
		default: // its time was over before it began
			response = exec.DispatchError(ctx, wrapped(context.DeadlineExceeded))
		}
		if response.Data == nil {
			response.Data = json.RawMessage("null")
		}
		a.write(http.StatusOK, response)
	}
}

// answer is how one request is answered.
type answer struct {
	w    http.ResponseWriter
	r    *http.Request
	exec graphql.GraphExecutor
	kind string
}

// refuse answers a request that is not a well-formed one.
func (a *answer) refuse(refused *refusal) {
	a.write(refused.status, a.exec.DispatchError(a.r.Context(), wrapped(refused.err)))
}

// invalid answers an operation that is not run. Who reads application/json
// takes another status than 200 for a broken connection.
func (a *answer) invalid(op *graphql.OperationContext, errs gqlerror.List) {
	status := http.StatusOK
	switch code := vigie.CodeOf(errs[0].Err); {
	case code == vigie.TooManyRequests:
		status = http.StatusTooManyRequests
		a.w.Header().Set("Retry-After", "10")
	case a.kind == responseJSON:
		status = http.StatusBadRequest
	}
	a.write(status, a.exec.DispatchError(graphql.WithOperationContext(a.r.Context(), op), errs))
}

// body is a response as it is written: one without data was never run.
type body struct {
	Errors     gqlerror.List   `json:"errors,omitempty"`
	Data       json.RawMessage `json:"data,omitempty"`
	Extensions map[string]any  `json:"extensions,omitempty"`
}

func (a *answer) write(status int, response *graphql.Response) {
	h := a.w.Header()
	h.Set("Content-Type", a.kind+"; charset=utf-8")
	h.Set("Cache-Control", "no-store") // it is for who asks alone
	a.w.WriteHeader(status)
	// What fails here is the client's connection.
	if len(response.Errors) == 0 && len(response.Extensions) == 0 {
		// The data is JSON already; an encoder would read it all again.
		_, _ = io.WriteString(a.w, `{"data":`)
		_, _ = a.w.Write(response.Data)
		_, _ = io.WriteString(a.w, "}\n")
		return
	}
	_ = json.NewEncoder(a.w).Encode(body{response.Errors, response.Data, response.Extensions})
}
