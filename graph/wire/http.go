package wire

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
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
//
// What GET answers and is the same for all has an ETag, and may be kept. An answer
// of more than 1 kB is compressed for who accepts gzip.
type HTTP struct {
	Intake
	// Keep is for how long anybody may keep the answer to an operation; 0 not at
	// all. Nil keeps nothing.
	Keep    func(*graphql.OperationContext) time.Duration
	packers packers
}

// Supports implements [graphql.Transport].
func (*HTTP) Supports(*http.Request) bool { return true }

// Do implements [graphql.Transport].
func (h *HTTP) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	r = r.WithContext(exchanging(r.Context()))
	a := &answer{w: w, r: r, exec: exec, kind: mediaType(r), packers: &h.packers}
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
		a.refuse(refuse(http.StatusMethodNotAllowed, vigie.BadRequest, vigie.Same("Use GET or POST.")))
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
	if response == nil { // the client has disconnected
		return
	}
	text := a.packers.pack(r, pieces(response)...)
	end()
	written, err := h.answer(r.Context(), a.done, text.pieces...)
	if err != nil {
		a.refuse(turnedAway(err))
		return
	}
	defer written()
	control := http.NewResponseController(w)
	if limit := h.limits(r.Context()).Time; limit > 0 {
		_ = control.SetWriteDeadline(time.Now().Add(limit))
	}
	over := waits(r.Context(), func() { _ = control.SetWriteDeadline(past()) })
	a.send(status, text)
	_ = over() // it was written as far as it could be
}

// run runs an operation.
func (h *HTTP) run(a *answer, asked *question) (status int, response *graphql.Response) {
	ctx := a.r.Context()
	rate, err := h.admit(ctx)
	rate.Write(a.w.Header())
	if err != nil {
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
		return a.refusal(refuse(http.StatusBadRequest, vigie.BadRequest, vigie.Same("Send a subscription over WebSocket (graphql-transport-ws), or by a POST that accepts text/event-stream.")))
	case mutates(op) && !asked.post:
		a.w.Header().Set("Allow", "POST")
		return a.refusal(refuse(http.StatusMethodNotAllowed, vigie.BadRequest, vigie.Same("Send a mutation by POST.")))
	}
	a.done = mutates(op)
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
	if !asked.post && h.Keep != nil && len(response.Errors) == 0 {
		a.keep = h.Keep(op)
	}
	return http.StatusOK, response
}

// answer is how one request is answered.
type answer struct {
	w    http.ResponseWriter
	r    *http.Request
	exec graphql.GraphExecutor
	kind string
	// keep is for how long anybody may keep it.
	keep    time.Duration
	packers *packers // nil where nothing is compressed
	// done is that a mutation was run.
	done bool
}

// refuse answers a request that is not run.
func (a *answer) refuse(refused *refusal) {
	status, response := a.refusal(refused)
	a.keep = 0
	a.send(status, a.packers.pack(a.r, pieces(response)...))
}

// refusal is the answer to a request that is not run.
func (a *answer) refusal(refused *refusal) (status int, response *graphql.Response) {
	wait := refused.err.RetryAfter
	switch refused.status {
	case http.StatusTooManyRequests:
		wait = cmp.Or(wait, 10*time.Second)
	case http.StatusServiceUnavailable:
		wait = cmp.Or(wait, time.Second)
	}
	if wait > 0 {
		a.w.Header().Set("Retry-After", strconv.Itoa(Seconds(wait)))
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

// send writes an answer. What fails here is the client's connection.
func (a *answer) send(status int, text packed) {
	h := a.w.Header()
	h.Add("Vary", "Accept-Encoding")
	if text.gzipped {
		h.Set("Content-Encoding", "gzip")
	}
	if a.keep > 0 {
		tag := text.tag()
		h.Add("Vary", "Accept, Accept-Language, Authorization")
		h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", Seconds(a.keep)))
		h.Set("ETag", tag)
		if hasTag(a.r.Header.Values("If-None-Match"), tag) {
			h.Del("Content-Encoding")
			a.w.WriteHeader(http.StatusNotModified)
			return
		}
	} else {
		h.Set("Cache-Control", "no-store") // it is for who asks alone
	}
	h.Set("Content-Type", a.kind+"; charset=utf-8")
	a.w.WriteHeader(status)
	for _, piece := range text.pieces {
		_, _ = a.w.Write(piece)
	}
}

// pieces are a response as it is written, with the end of its line. Its data is
// JSON already: an encoder would read it all again, and copy it.
func pieces(response *graphql.Response) [][]byte {
	var list [][]byte
	next := "{"
	part := func(name string, value any) {
		// Errors and extensions are of plain types: they can be encoded.
		raw, isRaw := value.(json.RawMessage)
		if !isRaw {
			raw, _ = json.Marshal(value)
		}
		list = append(list, []byte(next+`"`+name+`":`), raw)
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
	return append(list, []byte("}\n"))
}
