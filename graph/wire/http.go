package wire

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"vigie"
)

// HTTP answers each request once, as GraphQL over HTTP says
// (https://graphql.github.io/graphql-over-http/draft/): queries and mutations
// by POST, queries by GET too. It takes every request that no other transport takes, and
// so comes last.
//
// A request takes a place only once it has arrived, and has left it before its
// answer is written: neither who sends slowly nor who reads slowly holds one.
type HTTP struct{ Intake }

// Supports implements [graphql.Transport].
func (HTTP) Supports(*http.Request) bool { return true }

// Do implements [graphql.Transport].
func (h HTTP) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	a := &answer{w, r, exec, mediaType(r)}
	if a.kind == eventStream { // for which the stream is not made
		a.kind = plainJSON
	}
	done, err := h.open(r.Context())
	if err != nil {
		w.Header().Set("Connection", "close") // nobody waits for the body
		a.refuse(turnedAway(err))
		return
	}
	defer done()
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		h := w.Header()
		h.Set("Allow", "GET, POST")
		h.Set("Connection", "close")
		a.refuse(refuse(http.StatusMethodNotAllowed, vigie.BadRequest, vigie.Text{
			FR: "Utilisez GET ou POST.", EN: "Use GET or POST.",
		}))
		return
	}
	asked, release, refused := h.receive(w, r)
	defer release()
	if refused != nil {
		a.refuse(refused)
		return
	}
	end, err := h.begin(r.Context())
	if err != nil {
		a.refuse(turnedAway(err))
		return
	}
	defer end() // also after a panic
	status, response := h.run(a, asked)
	end()
	if response == nil { // the client has disconnected
		return
	}
	written, err := h.answer(r.Context(), response.Data)
	if err != nil {
		a.refuse(turnedAway(err))
		return
	}
	defer written()
	limits := h.limits(r.Context())
	if limits.Time > 0 {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(limits.Time))
	}
	a.write(status, response)
}

// run runs an operation.
func (h HTTP) run(a *answer, asked *question) (status int, response *graphql.Response) {
	ctx := a.r.Context()
	if err := h.admit(ctx); err != nil {
		return a.refusal(turnedAway(err))
	}
	params, refused := h.parse(ctx, asked, a.r.Header)
	if refused != nil {
		return a.refusal(refused)
	}
	op, errs := a.exec.CreateOperationContext(ctx, params)
	switch {
	case len(errs) > 0:
		return a.invalid(op, errs)
	case follows(op):
		return a.refusal(refuse(http.StatusBadRequest, vigie.BadRequest, vigie.Text{
			FR: "Envoyez une souscription par WebSocket (graphql-transport-ws), ou par une requête POST qui accepte text/event-stream.",
			EN: "Send a subscription over WebSocket (graphql-transport-ws), or by a POST that accepts text/event-stream.",
		}))
	case mutates(op) && !asked.post:
		a.w.Header().Set("Allow", "POST")
		return a.refusal(refuse(http.StatusMethodNotAllowed, vigie.BadRequest, vigie.Text{
			FR: "Envoyez une mutation par POST.", EN: "Send a mutation by POST.",
		}))
	}
	responses, running := a.exec.DispatchOperation(ctx, op)
	response = responses(running)
	switch {
	case response != nil:
	case ctx.Err() != nil:
		return 0, nil
	default: // its time was over before it began
		response = a.exec.DispatchError(running, wrapped(context.DeadlineExceeded))
	}
	if response.Data == nil {
		response.Data = json.RawMessage("null")
	}
	return http.StatusOK, response
}

// answer is how one request is answered.
type answer struct {
	w    http.ResponseWriter
	r    *http.Request
	exec graphql.GraphExecutor
	kind string
}

// refuse answers a request that is not run.
func (a *answer) refuse(refused *refusal) { a.write(a.refusal(refused)) }

// refusal is the answer to a request that is not run.
func (a *answer) refusal(refused *refusal) (status int, response *graphql.Response) {
	switch refused.status {
	case http.StatusTooManyRequests:
		a.w.Header().Set("Retry-After", "10")
	case http.StatusServiceUnavailable:
		a.w.Header().Set("Retry-After", "1")
	}
	return refused.status, a.exec.DispatchError(a.r.Context(), wrapped(refused.err))
}

// invalid is the answer to an operation that is not run. Who reads
// application/json takes another status than 200 for a broken connection.
func (a *answer) invalid(op *graphql.OperationContext, errs gqlerror.List) (status int, response *graphql.Response) {
	status = http.StatusOK
	if a.kind == responseJSON {
		status = http.StatusBadRequest
	}
	return status, a.exec.DispatchError(graphql.WithOperationContext(a.r.Context(), op), errs)
}

func (a *answer) write(status int, response *graphql.Response) {
	h := a.w.Header()
	h.Set("Content-Type", a.kind+"; charset=utf-8")
	h.Set("Cache-Control", "no-store") // it is for who asks alone
	a.w.WriteHeader(status)
	_ = writeResponse(a.w, response) // what fails is the client's connection
}

// writeResponse writes a response and the end of its line. Its data is JSON
// already: an encoder would read it all again, and copy it.
func writeResponse(w io.Writer, response *graphql.Response) error {
	next := "{"
	part := func(name string, value any) {
		// Errors and extensions are of plain types: they can be encoded.
		raw, isRaw := value.(json.RawMessage)
		if !isRaw {
			raw, _ = json.Marshal(value)
		}
		_, _ = io.WriteString(w, next+`"`+name+`":`)
		_, _ = w.Write(raw)
		next = ","
	}
	if len(response.Errors) > 0 {
		part("errors", response.Errors)
	}
	if len(response.Data) > 0 { // one without was never run
		part("data", response.Data)
	}
	if len(response.Extensions) > 0 {
		part("extensions", response.Extensions)
	}
	_, err := io.WriteString(w, "}\n")
	return err
}
