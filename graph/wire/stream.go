package wire

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Stream answers by server-sent events, in the distinct connections mode of
// the GraphQL over SSE protocol
// (https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md): an event
// « next » for each response, and « complete » after the last.
type Stream struct {
	Intake
	// KeepAlive is how often something is sent where nothing happens.
	KeepAlive time.Duration
}

// Supports implements [graphql.Transport].
func (Stream) Supports(r *http.Request) bool {
	return !upgrades(r) && wantsEvents(r)
}

// Do implements [graphql.Transport].
func (s Stream) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	r = r.WithContext(exchanging(r.Context()))
	params, release, refused := s.question(w, r)
	defer release()
	a := &answer{w: w, r: r, exec: exec, kind: plainJSON}
	if refused != nil {
		a.refuse(refused)
		return
	}
	op, errs := exec.CreateOperationContext(r.Context(), params)
	if len(errs) > 0 || !follows(op) {
		s.once(a, op, errs)
		return
	}
	release() // a subscription can last
	s.stream(a, op)
}

// once answers what has one response: it takes a place and memory as over HTTP.
func (s Stream) once(a *answer, op *graphql.OperationContext, errs gqlerror.List) {
	ctx := graphql.WithOperationContext(a.r.Context(), op)
	end, err := s.begin(ctx)
	if err != nil {
		a.refuse(turnedAway(err))
		return
	}
	defer end()
	response := a.exec.DispatchError(ctx, errs)
	if len(errs) == 0 {
		responses, running := a.exec.DispatchOperation(ctx, op)
		if response = responses(running); response == nil {
			response = a.exec.DispatchError(running, wrapped(context.DeadlineExceeded))
		}
	}
	end()
	written, err := s.answer(ctx, len(errs) == 0 && mutates(op), pieces(response)...)
	if err != nil {
		a.refuse(turnedAway(err))
		return
	}
	defer written()
	over := waits(ctx, func() { _ = http.NewResponseController(a.w).SetWriteDeadline(past()) })
	e := open(a.w)
	e.next(response)
	e.complete()
	_ = over() // it was written as far as it could be
}

// stream sends the responses of a subscription, until it ends.
func (s Stream) stream(a *answer, op *graphql.OperationContext) {
	ctx, cancel := context.WithCancel(graphql.WithOperationContext(a.r.Context(), op))
	e := open(a.w)
	var alive sync.WaitGroup
	alive.Go(func() { e.keepAlive(ctx, s.KeepAlive) })
	defer alive.Wait() // nothing is written once we return
	defer cancel()
	responses, running := a.exec.DispatchOperation(ctx, op)
	for response := responses(running); response != nil; response = responses(running) {
		e.next(response)
	}
	if a.r.Context().Err() == nil { // else it is the server that ends it
		e.complete()
	}
}

// question reads what a request asks. It is counted until released.
func (s Stream) question(w http.ResponseWriter, r *http.Request) (params *graphql.RawParams, release func(), refused *refusal) {
	done, err := s.open(r.Context())
	if err != nil {
		w.Header().Set("Connection", "close") // nobody waits for the body
		return nil, func() {}, turnedAway(err)
	}
	asked, arrived, refused := s.receive(w, r)
	release = sync.OnceFunc(func() { arrived(); done() })
	if refused != nil {
		return nil, release, refused
	}
	rate, err := s.admit(r.Context())
	rate.Write(w.Header())
	if err != nil {
		return nil, release, turnedAway(err)
	}
	params, refused = s.parse(r.Context(), asked, r.Header)
	return params, release, refused
}

// events writes events, one at a time.
type events struct {
	mutex   sync.Mutex
	w       io.Writer
	control *http.ResponseController
}

// open begins a stream of events.
func open(w http.ResponseWriter) *events {
	h := w.Header()
	h.Set("Content-Type", eventStream)
	h.Set("Cache-Control", "no-store")
	e := &events{w: w, control: http.NewResponseController(w)}
	e.send(text(":\n\n")) // the headers, so that the client knows it is connected
	return e
}

func (e *events) complete() { e.send(text("event: complete\ndata:\n\n")) }

// send writes and flushes. What fails is the client's connection, which ends
// the request's context too.
func (e *events) send(write func(io.Writer) error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if write(e.w) == nil {
		_ = e.control.Flush()
	}
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// next sends a response: its JSON is one line.
func (e *events) next(response *graphql.Response) {
	e.send(func(w io.Writer) error {
		_ = text("event: next\ndata: ")(w)
		for _, piece := range pieces(response) {
			_, _ = w.Write(piece)
		}
		return text("\n")(w)
	})
}

func (e *events) keepAlive(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			e.send(text(":\n\n"))
		}
	}
}
