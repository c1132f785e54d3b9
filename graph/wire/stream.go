package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
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
	return r.Header.Get("Upgrade") == "" && wantsEvents(r)
}

// Do implements [graphql.Transport].
func (s Stream) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	params, release, refused := s.question(w, r)
	defer release()
	if refused != nil {
		(&answer{w, r, exec, plainJSON}).refuse(refused)
		return
	}
	h := w.Header()
	h.Set("Content-Type", eventStream)
	h.Set("Cache-Control", "no-store")
	ctx := r.Context()
	op, errs := exec.CreateOperationContext(ctx, params)
	release() // a stream can last
	ctx, cancel := context.WithCancel(graphql.WithOperationContext(ctx, op))
	e := &events{w: w, control: http.NewResponseController(w)}
	e.send(":\n\n") // the headers, so that the client knows it is connected
	var alive sync.WaitGroup
	alive.Go(func() { e.keepAlive(ctx, s.KeepAlive) })
	defer alive.Wait() // nothing is written once we return
	defer cancel()
	if len(errs) > 0 {
		e.next(exec.DispatchError(ctx, errs))
	} else {
		// What a query ran under is over with its answer, which is told all the same.
		responses, running := exec.DispatchOperation(ctx, op)
		for response := responses(running); response != nil; response = responses(running) {
			e.next(response)
			if !follows(op) {
				break
			}
		}
	}
	e.send("event: complete\ndata:\n\n")
}

// question reads what a request asks.
func (s Stream) question(w http.ResponseWriter, r *http.Request) (params *graphql.RawParams, release func(), refused *refusal) {
	done, err := s.open(r.Context())
	if err != nil {
		w.Header().Set("Connection", "close") // nobody waits for the body
		return nil, func() {}, turnedAway(err)
	}
	defer done()
	asked, release, refused := s.receive(w, r)
	if refused != nil {
		return nil, release, refused
	}
	if err := s.admit(r.Context()); err != nil {
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

// send writes and flushes. What fails is the client's connection, which ends
// the request's context too.
func (e *events) send(text string) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if _, err := io.WriteString(e.w, text); err == nil {
		_ = e.control.Flush()
	}
}

func (e *events) next(response *graphql.Response) {
	var text bytes.Buffer
	// Resolvers' answers are JSON already: this cannot fail.
	_ = json.NewEncoder(&text).Encode(body{response.Errors, response.Data, response.Extensions})
	e.send("event: next\ndata: " + text.String() + "\n")
}

func (e *events) keepAlive(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			e.send(":\n\n")
		}
	}
}
