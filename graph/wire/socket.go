package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"vigie"
)

// Protocol is the one spoken on sockets
// (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md).
const Protocol = "graphql-transport-ws"

// The codes that a socket is closed with: the protocol's own, and those of
// RFC 6455.
const (
	closeGoingAway    = 1001
	closeTooLong      = 1009
	closeTryAgain     = 1013
	closeBadMessage   = 4400
	closeUnauthorized = 4401
	closeNotSpoken    = 4406
	closeNoGreeting   = 4408
	closeTwice        = 4409
	closeGreetedTwice = 4429
)

// Sockets makes sockets that hold their clients to the protocol, where gqlgen's
// do not: ids stand for one operation each, and are not without number. Clients
// that break it get the close code that they know it by, and stop.
type Sockets struct {
	Intake
	// Origins are those from whose pages sockets are accepted, beside our own, such
	// as https://*.example.org; * stands for any part.
	Origins []string
	// Most is how many operations may be open on a socket.
	Most int
	// Present words the error of an operation that is not run.
	Present func(context.Context, error) *gqlerror.Error
}

// Socket is the transport over WebSocket, of an implementation by [Sockets].
type Socket struct{ transport.Websocket }

// Supports implements [graphql.Transport].
func (Socket) Supports(r *http.Request) bool { return upgrades(r) }

// Do implements [graphql.Transport].
func (s Socket) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	c := new(caller)
	defer c.leave() // gqlgen does not close each connection that it is done with
	s.Websocket.Do(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)), exec)
}

// caller is who speaks on a socket.
type caller struct {
	said   atomic.Pointer[context.Context] // the context that the first message led to
	socket *socket                         // nil where it was not accepted
}

type callerKey struct{}

// Greeted notes who speaks on a socket from now on. ctx says it, and comes from
// the request's.
func Greeted(ctx context.Context) {
	if c, ok := ctx.Value(callerKey{}).(*caller); ok {
		c.said.Store(&ctx)
	}
}

// leave ends the socket.
func (c *caller) leave() {
	if c.socket != nil {
		_ = c.socket.Close() // it may be closed already
		c.socket.memory.becomes(nil, true)
	}
}

// Accept implements [transport.WebsocketImplementation].
func (s Sockets) Accept(w http.ResponseWriter, r *http.Request, _ transport.WebsocketAcceptOptions) (transport.WebsocketConn, error) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{Protocol}, OriginPatterns: s.Origins})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(-1) // what is read is limited by who speaks
	socket := &socket{link: &link{Conn: conn}, rules: s, request: r.Context(), open: make(map[string]bool)}
	if c, ok := r.Context().Value(callerKey{}).(*caller); ok {
		c.socket = socket
	}
	if conn.Subprotocol() != Protocol {
		_ = socket.WriteClose(closeNotSpoken, "Subprotocol not acceptable") // the next reading fails
	}
	return socket, nil
}

// socket holds its client to the protocol. It sees all that is read and
// written.
type socket struct {
	*link
	rules   Sockets
	request context.Context
	memory  memory // of the last message

	mutex   sync.Mutex
	greeted bool            // the client has said who it is
	let     bool            // and was let in
	open    map[string]bool // until we have said that it is over
}

// caller is the context of who speaks.
func (s *socket) caller() context.Context {
	if c, ok := s.request.Value(callerKey{}).(*caller); ok {
		if ctx := c.said.Load(); ctx != nil {
			return *ctx
		}
	}
	return s.request
}

// memory is what the message takes that was read last.
type memory struct {
	mutex   sync.Mutex
	release func()
	over    bool // nothing is read any more
}

// becomes gives back what was taken, in exchange for what is taken now.
func (m *memory) becomes(release func(), over bool) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.release != nil {
		m.release()
	}
	m.release = release
	if m.over = m.over || over; m.over && release != nil {
		release()
	}
}

// message is one of the protocol's.
type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// Subprotocol implements [transport.WebsocketConn]. Where it was another, the
// socket is closed.
func (s *socket) Subprotocol() string { return Protocol }

// NextReader returns the next message that the protocol allows.
func (s *socket) NextReader() (int, io.Reader, error) {
	for {
		s.memory.becomes(nil, false) // what was read before has been parsed
		text, err := s.next()
		if err != nil {
			return 0, nil, err
		}
		var m message
		if !decode(text, &m) || !slices.Contains([]string{"connection_init", "subscribe", "complete", "ping", "pong"}, m.Type) {
			return 0, nil, s.end(closeBadMessage, "Invalid message")
		}
		refused, err := s.received(m, text)
		if err != nil {
			return 0, nil, err
		}
		if refused == nil {
			return int(websocket.MessageText), bytes.NewReader(text), nil
		}
		payload, err := json.Marshal(gqlerror.List{s.rules.Present(s.caller(), refused)})
		if err == nil {
			err = s.link.WriteJSON(message{Type: "error", ID: m.ID, Payload: payload})
		}
		if err != nil {
			return 0, nil, err
		}
	}
}

// next reads the next message, within the limits of who speaks.
func (s *socket) next() ([]byte, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	caller := exchanging(s.caller())
	if limit := s.rules.limits(caller).Time; limit > 0 { // from its first byte on
		defer time.AfterFunc(limit, cancel).Stop()
	}
	over := waits(caller, cancel)
	text, release, err := s.rules.gather(caller, r)
	if cut := over(); cut != nil {
		err = cut
	}
	s.memory.becomes(release, false)
	if e, ok := errors.AsType[*vigie.Error](err); ok {
		return nil, s.end(closeTryAgain, e.Error())
	}
	if errors.Is(err, errTooLong) {
		return nil, s.end(closeTooLong, "Message too long")
	}
	return text, err
}

// received notes what the client said; refused is why an operation is not run.
func (s *socket) received(m message, text []byte) (refused, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	large := s.rules.check(s.caller(), text)
	if large != nil && m.Type != "subscribe" {
		return nil, s.end(closeBadMessage, "Invalid message")
	}
	switch m.Type {
	case "connection_init":
		if s.greeted {
			return nil, s.end(closeGreetedTwice, "Too many initialisation requests")
		}
		s.greeted = true
	case "subscribe":
		switch {
		case !s.let:
			return nil, s.end(closeUnauthorized, "Unauthorized")
		case m.ID == "":
			return nil, s.end(closeBadMessage, "Invalid message")
		case s.open[m.ID]:
			return nil, s.end(closeTwice, fmt.Sprintf("Subscriber for %.60s already exists", m.ID))
		case len(s.open) >= s.rules.Most:
			return s.full(), nil
		}
		if _, err := s.rules.admit(s.caller()); err != nil { // nothing here says how many are left
			return err, nil
		}
		if large != nil {
			return large.err, nil
		}
		s.open[m.ID] = true
	}
	return nil, nil
}

// full is why an operation too many is not run.
func (s *socket) full() error {
	return &vigie.Error{Code: vigie.TooManyRequests, Text: vigie.Text{
		FR: "Cette connexion a déjà %d opérations en cours, le maximum. Attendez la fin de l’une d’elles.",
		EN: "This connection has %d operations running already, the maximum. Wait for one to end.",
	}.With(s.rules.Most)}
}

// end closes the socket.
func (s *socket) end(code int, reason string) error {
	_ = s.link.WriteClose(code, reason) // it may be closed already
	return transport.ErrWebsocketClosed
}

// WriteJSON sends a message. That an operation is over is said once. A client
// that leaves more long answers unread than it may have is cut off.
func (s *socket) WriteJSON(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	ctx := exchanging(s.caller())
	release, err := s.rules.answer(ctx, false, text)
	if err != nil {
		return s.end(closeTryAgain, "Too many answers that were not read")
	}
	defer release()
	over := waits(ctx, func() { go func() { _ = s.link.CloseNow() }() }) // it waits for what is under way
	defer func() { _ = over() }()
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
	return s.link.send(text)
}

// WriteClose closes the socket, by the protocol's code where gqlgen has one of
// its own; if the server stops, or makes room for others, the code says to
// connect again.
func (s *socket) WriteClose(code int, reason string) error {
	switch {
	case code == transport.WebsocketCloseProtocolError && reason == "connection initialisation timeout":
		code = closeNoGreeting
	case code == transport.WebsocketCloseProtocolError:
		code = closeBadMessage
	case code == transport.WebsocketCloseNormalClosure && vigie.CodeOf(context.Cause(s.request)) == vigie.Unavailable:
		code = closeTryAgain
	case code == transport.WebsocketCloseNormalClosure && s.request.Err() != nil:
		code = closeGoingAway
	}
	return s.link.WriteClose(code, reason)
}
