// Package wire carries GraphQL requests and their answers: over HTTP, as
// server-sent events, and by the rules of graphql-transport-ws.
//
// It fills gaps of gqlgen's transports. When gqlgen closes one, remove what is
// here for it:
//   - GraphQL over HTTP: the media type by the client's weights, the status by
//     the media type, and what else the audits of graphql-http find ([HTTP]).
//   - Server-sent events: a request is answered as events only if the client
//     prefers them, and errors before the first event are events too ([Stream]).
//   - A body or a message is limited in length, time, values and depth before it
//     is decoded; gqlgen reads each whole ([Intake], link).
//   - A place among the requests that are answered is free before the answer is
//     written, so that slow readers hold none ([HTTP]).
//   - graphql-transport-ws: an id stands for one operation, operations on a
//     socket are limited, and clients that break the protocol are closed by its
//     codes ([Sockets]).
//   - A request that offers another protocol than WebSocket is answered as any other, and each connection is closed when
//     gqlgen is done with it ([Socket]).
package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/munnerz/goautoneg"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"vigie"
)

const (
	plainJSON    = "application/json"
	responseJSON = "application/graphql-response+json"
	eventStream  = "text/event-stream"
)

// Streams reports whether a request wants to be answered on and on: over
// WebSocket, or by server-sent events before anything else. Clients such as
// urql name those last of all that they can read, with every query.
func Streams(r *http.Request) bool {
	return upgrades(r) || wantsEvents(r)
}

// upgrades reports whether a request asks for a WebSocket. Another protocol that it
// offers, such as h2c, is passed over (RFC 9110, section 7.8).
func upgrades(r *http.Request) bool {
	for offered := range strings.SplitSeq(strings.Join(r.Header.Values("Upgrade"), ","), ",") {
		if strings.EqualFold(strings.TrimSpace(offered), "websocket") {
			return true
		}
	}
	return false
}

// wantsEvents reports whether a request is one for server-sent events.
func wantsEvents(r *http.Request) bool {
	return r.Method == http.MethodPost && mediaType(r) == eventStream
}

// maxAccept is the most bytes of a wish for media types that are read: reading
// takes time before any limit counts the caller. Clients send some tens.
const maxAccept = 1 << 10

// mediaType is what the client would rather read: the first it names of those
// that we write, by the weights it gives them (RFC 9110, section 12.5.1).
// Without any wish it is application/json, as clients expect who came before
// GraphQL over HTTP was specified.
func mediaType(r *http.Request) string {
	accept := r.Header.Get("Accept")
	if len(accept) > maxAccept {
		return plainJSON
	}
	for _, wish := range goautoneg.ParseAccept(accept) {
		if wish.Q == 0 {
			continue
		}
		switch wanted := wish.Type + "/" + wish.SubType; wanted {
		case responseJSON, eventStream:
			return wanted
		case plainJSON, "application/*", "*/*":
			return plainJSON
		}
	}
	return plainJSON
}

// refusal is why a request is not answered, and with which status.
type refusal struct {
	status int
	err    *vigie.Error
}

func refuse(status int, code vigie.Code, text vigie.Text) *refusal {
	return &refusal{status, &vigie.Error{Code: code, Text: text}}
}

// question is what a request asks, as it was sent.
type question struct {
	post bool
	text []byte     // of a POST
	by   url.Values // of a GET
	time graphql.TraceTiming
}

// receive reads what a request asks, by GET or POST, and parses nothing of it.
// The memory that it takes is given back by release.
func (i Intake) receive(w http.ResponseWriter, r *http.Request) (asked *question, release func(), refused *refusal) {
	asked = &question{post: r.Method == http.MethodPost}
	asked.time.Start = graphql.Now()
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		refused = refuse(http.StatusUnsupportedMediaType, vigie.BadRequest, vigie.Same("Send the request's body without compression (Content-Encoding)."))
	} else if kind, with, err := mime.ParseMediaType(r.Header.Get("Content-Type")); asked.post && (err != nil || kind != plainJSON || with["charset"] != "" && !strings.EqualFold(with["charset"], "utf-8")) {
		// A form needs no preflight, and would let any page run mutations.
		refused = refuse(http.StatusUnsupportedMediaType, vigie.BadRequest, vigie.Same("The request's body must be JSON (Content-Type: application/json)."))
	}
	if refused != nil {
		w.Header().Set("Connection", "close") // nobody waits for the body
		return asked, func() {}, refused
	}
	asked.text, release, refused = i.body(w, r) // also of a GET: it must be out of the way
	if !asked.post {
		asked.by = r.URL.Query()
	}
	asked.time.End = graphql.Now()
	return asked, release, refused
}

// parse makes of a question what an operation needs. Only now is there anything
// larger than its text.
func (i Intake) parse(ctx context.Context, asked *question, headers http.Header) (*graphql.RawParams, *refusal) {
	params := &graphql.RawParams{Headers: headers, ReadTime: asked.time}
	var refused *refusal
	if asked.post {
		refused = i.parseBody(ctx, asked.text, params)
	} else {
		refused = i.parseAddress(ctx, asked.by, params)
	}
	if refused == nil && params.Query == "" && params.Extensions["persistedQuery"] == nil {
		refused = refuse(http.StatusBadRequest, vigie.BadRequest, vigie.Same("The request has no field “query”. Add it."))
	}
	return params, refused
}

func (i Intake) parseBody(ctx context.Context, text []byte, params *graphql.RawParams) *refusal {
	if refused := i.check(ctx, text); refused != nil {
		return refused
	}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		return refuse(http.StatusBadRequest, vigie.BadRequest, vigie.Same("Send one operation per request."))
	}
	if !decode(text, params) {
		return refuse(http.StatusBadRequest, vigie.BadRequest, vigie.Same("The request's body is not a GraphQL request in JSON."))
	}
	return nil
}

func (i Intake) parseAddress(ctx context.Context, by url.Values, params *graphql.RawParams) *refusal {
	params.Query, params.OperationName = by.Get("query"), by.Get("operationName")
	if refused := i.check(ctx, []byte(by.Get("variables")), []byte(by.Get("extensions"))); refused != nil {
		return refused
	}
	for name, into := range map[string]any{"variables": &params.Variables, "extensions": &params.Extensions} {
		if text := by.Get(name); text != "" && !decode([]byte(text), into) {
			return refuse(http.StatusBadRequest, vigie.BadRequest, vigie.Same("“%s” is not a JSON object.").With(name))
		}
	}
	return nil
}

// Value reads a parameter of an address that is JSON, within the caller's limits.
func (i Intake) Value(ctx context.Context, name, text string) (value any, err error) {
	if refused := i.check(ctx, []byte(text)); refused != nil {
		return nil, refused.err
	}
	if !decode([]byte(text), &value) {
		return nil, &vigie.Error{Code: vigie.BadRequest, Field: []string{name}, Text: vigie.Same("“%s” is not JSON.").With(name)}
	}
	return value, nil
}

// decode reads one JSON value and nothing after it. Numbers stay as they are
// written.
func decode(text []byte, into any) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if d.Decode(into) != nil {
		return false
	}
	_, err := d.Token()
	return err == io.EOF
}

// wrapped gives an error the type that gqlgen's executor takes; the presenter
// finds it again.
func wrapped(err error) gqlerror.List { return gqlerror.List{{Message: err.Error(), Err: err}} }

// mutates tells an operation that GET must not run, and follows one that only
// a stream can answer.
func mutates(op *graphql.OperationContext) bool { return op.Operation.Operation == ast.Mutation }
func follows(op *graphql.OperationContext) bool { return op.Operation.Operation == ast.Subscription }
