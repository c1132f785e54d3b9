package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Protocol is the one spoken on sockets
// (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md).
const Protocol = "graphql-transport-ws"

// The codes that a socket is closed with: the protocol's own, and those of
// RFC 6455.
const (
	closeGoingAway    = 1001
	closeBadMessage   = 4400
	closeUnauthorized = 4401
	closeNotSpoken    = 4406
	closeNoGreeting   = 4408
	closeTwice        = 4409
	closeGreetedTwice = 4429
)

// Sockets makes sockets that hold their clients to the protocol, where gqlgen's
// do not: ids stand for one operation each, and are not without number. Clients
// that break it are told by the code that they know it by, and stop.
type Sockets struct {
	// Origins are those from whose pages sockets are accepted, beside our own, such
	// as https://*.example.org; * stands for any part.
	Origins []string
	// Most is how many operations may be open on a socket; one more is answered
	// with the error that Full makes.
	Most int
	Full func(context.Context) *gqlerror.Error
}

// Accept implements [transport.WebsocketImplementation].
func (s Sockets) Accept(w http.ResponseWriter, r *http.Request, _ transport.WebsocketAcceptOptions) (transport.WebsocketConn, error) {
	ours := transport.CoderWebsocketImplementation{AcceptOptions: websocket.AcceptOptions{
		Subprotocols: []string{Protocol}, OriginPatterns: s.Origins,
	}}
	conn, err := ours.Accept(w, r, transport.WebsocketAcceptOptions{})
	if err != nil {
		return nil, err
	}
	socket := &socket{limited: conn.(limited), rules: s, request: r.Context(), open: make(map[string]bool)}
	if conn.Subprotocol() != Protocol {
		_ = socket.WriteClose(closeNotSpoken, "Subprotocol not acceptable") // the next reading fails
	}
	return socket, nil
}

// limited is what the transport asks of a socket, and may ask.
type limited interface {
	transport.WebsocketConn
	transport.WebsocketReadLimiter
	transport.WebsocketReadDeadliner
}

// socket holds its client to the protocol. It sees all that is read and
// written.
type socket struct {
	limited
	rules   Sockets
	request context.Context

	mutex   sync.Mutex
	greeted bool            // the client has said who it is
	let     bool            // and was let in
	open    map[string]bool // until we have said that it is over
}

// message is one of the protocol's.
type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// Subprotocol implements [transport.WebsocketConn]. Where it was another, the
// socket is closed by now.
func (s *socket) Subprotocol() string { return Protocol }

// NextReader returns the next message that the protocol allows.
func (s *socket) NextReader() (int, io.Reader, error) {
	for {
		kind, r, err := s.limited.NextReader()
		if err != nil {
			return kind, nil, err
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return kind, nil, err
		}
		var m message
		if !decode(text, &m) || !slices.Contains([]string{"connection_init", "subscribe", "complete", "ping", "pong"}, m.Type) {
			return kind, nil, s.end(closeBadMessage, "Invalid message")
		}
		full, err := s.received(m)
		if err != nil {
			return kind, nil, err
		}
		if !full {
			return kind, bytes.NewReader(text), nil
		}
		payload, err := json.Marshal(gqlerror.List{s.rules.Full(s.request)})
		if err == nil {
			err = s.limited.WriteJSON(message{Type: "error", ID: m.ID, Payload: payload})
		}
		if err != nil {
			return kind, nil, err
		}
	}
}

// received notes what the client said; full is whether it asks for more than
// it may.
func (s *socket) received(m message) (full bool, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch m.Type {
	case "connection_init":
		if s.greeted {
			return false, s.end(closeGreetedTwice, "Too many initialisation requests")
		}
		s.greeted = true
	case "subscribe":
		switch {
		case !s.let:
			return false, s.end(closeUnauthorized, "Unauthorized")
		case m.ID == "":
			return false, s.end(closeBadMessage, "Invalid message")
		case s.open[m.ID]:
			return false, s.end(closeTwice, fmt.Sprintf("Subscriber for %.60s already exists", m.ID))
		case len(s.open) >= s.rules.Most:
			return true, nil
		}
		s.open[m.ID] = true
	}
	return false, nil
}

// end closes the socket.
func (s *socket) end(code int, reason string) error {
	_ = s.limited.WriteClose(code, reason) // it may be closed already
	return transport.ErrWebsocketClosed
}

// WriteJSON sends a message. That an operation is over is said once.
func (s *socket) WriteJSON(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		return err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch m.Type {
	case "connection_ack":
		s.let = true
	case "error", "complete":
		if !s.open[m.ID] {
			return nil
		}
		delete(s.open, m.ID)
	}
	return s.limited.WriteJSON(json.RawMessage(text))
}

// WriteClose closes the socket, by the protocol's code where gqlgen has one of
// its own; and tells the client to come back where it is the server that stops.
func (s *socket) WriteClose(code int, reason string) error {
	switch {
	case code == transport.WebsocketCloseProtocolError && reason == "connection initialisation timeout":
		code = closeNoGreeting
	case code == transport.WebsocketCloseProtocolError:
		code = closeBadMessage
	case code == transport.WebsocketCloseNormalClosure && s.request.Err() != nil:
		code = closeGoingAway
	}
	return s.limited.WriteClose(code, reason)
}
