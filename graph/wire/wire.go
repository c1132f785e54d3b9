// Package wire carries GraphQL requests and their answers: over HTTP, as
// server-sent events, and by the rules of graphql-transport-ws.
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
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
	return r.Header.Get("Upgrade") != "" || wantsEvents(r)
}

// wantsEvents reports whether a request is one for server-sent events.
func wantsEvents(r *http.Request) bool {
	return r.Method == http.MethodPost && mediaType(r) == eventStream
}

// mediaType is what the client would rather read: the first it names of those
// that we write, by the weights it gives them (RFC 9110, section 12.5.1).
// Without any wish it is application/json, as clients expect who came before
// GraphQL over HTTP was specified.
func mediaType(r *http.Request) string {
	for _, wish := range goautoneg.ParseAccept(r.Header.Get("Accept")) {
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

// read reads what a request asks, by GET or POST.
func read(r *http.Request) (*graphql.RawParams, *refusal) {
	params := &graphql.RawParams{Headers: r.Header}
	params.ReadTime.Start = graphql.Now()
	var refused *refusal
	if r.Method == http.MethodPost {
		refused = readBody(r, params)
	} else {
		refused = readAddress(r, params)
	}
	params.ReadTime.End = graphql.Now()
	if refused == nil && params.Query == "" && params.Extensions["persistedQuery"] == nil {
		refused = refuse(http.StatusBadRequest, vigie.BadRequest, vigie.Text{
			FR: "La requête n’a pas de champ « query ». Ajoutez-le.", EN: "The request has no field “query”. Add it.",
		})
	}
	return params, refused
}

// readBody reads a POST. A form is refused: it needs no preflight, and would
// let any page run mutations.
func readBody(r *http.Request, params *graphql.RawParams) *refusal {
	kind, with, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := with["charset"]; err != nil || kind != plainJSON || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return refuse(http.StatusUnsupportedMediaType, vigie.BadRequest, vigie.Text{
			FR: "Le corps de la requête doit être du JSON (Content-Type : application/json).",
			EN: "The request's body must be JSON (Content-Type: application/json).",
		})
	}
	body, err := io.ReadAll(r.Body)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return refuse(http.StatusRequestEntityTooLarge, vigie.LimitExceeded, vigie.Text{
			FR: "Le corps de la requête dépasse %d octets : partagez-la en plusieurs.", EN: "The request's body is longer than %d bytes: split it.",
		}.With(tooLarge.Limit))
	}
	if err != nil {
		return refuse(http.StatusBadRequest, vigie.BadRequest, vigie.Text{
			FR: "Le corps de la requête n’est pas arrivé en entier. Renvoyez-la.", EN: "The request's body did not arrive whole. Send it again.",
		})
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		return refuse(http.StatusBadRequest, vigie.BadRequest, vigie.Text{
			FR: "Envoyez une seule opération par requête.", EN: "Send one operation per request.",
		})
	}
	if !decode(body, params) {
		return refuse(http.StatusBadRequest, vigie.BadRequest, vigie.Text{
			FR: "Le corps de la requête n’est pas une requête GraphQL en JSON.", EN: "The request's body is not a GraphQL request in JSON.",
		})
	}
	return nil
}

// readAddress reads a GET.
func readAddress(r *http.Request, params *graphql.RawParams) *refusal {
	values := r.URL.Query()
	params.Query, params.OperationName = values.Get("query"), values.Get("operationName")
	for name, into := range map[string]any{"variables": &params.Variables, "extensions": &params.Extensions} {
		if text := values.Get(name); text != "" && !decode([]byte(text), into) {
			return refuse(http.StatusBadRequest, vigie.BadRequest, vigie.Text{
				FR: "« %s » n’est pas un objet JSON.", EN: "“%s” is not a JSON object.",
			}.With(name))
		}
	}
	return nil
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
