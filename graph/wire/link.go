package wire

import (
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/coder/websocket"
)

// link is a connection as gqlgen's transport wants it. gqlgen's own reads each
// message whole before it can be limited.
type link struct {
	*websocket.Conn
	mutex    sync.Mutex
	deadline *time.Timer // nil without one
	closing  bool        // the close frame is being sent, and closes the connection
}

// reader waits for a message and reads it, until ctx ends.
func (l *link) reader(ctx context.Context) (io.Reader, error) {
	_, r, err := l.Conn.Reader(ctx)
	switch websocket.CloseStatus(err) {
	case websocket.StatusNormalClosure, websocket.StatusNoStatusRcvd:
		return nil, transport.ErrWebsocketClosed
	}
	return r, err
}

// WriteJSON sends a message.
func (l *link) WriteJSON(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return l.send(text)
}

func (l *link) send(text []byte) error {
	l.mutex.Lock()
	closing := l.closing
	l.mutex.Unlock()
	if closing { // nothing follows a close frame
		return transport.ErrWebsocketClosed
	}
	return l.Write(context.Background(), websocket.MessageText, text) // the connection has time limits
}

// WriteClose sends a close frame and closes the connection, without waiting: a client
// may leave the frame unanswered.
func (l *link) WriteClose(code int, reason string) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.stopDeadline()
	if !l.closing {
		l.closing = true
		go func() { _ = l.Conn.Close(websocket.StatusCode(code), reason) }() // it may be closed already
	}
	return nil
}

// Close closes the connection at once, unless a close frame does.
func (l *link) Close() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.stopDeadline()
	if l.closing {
		return nil
	}
	return l.CloseNow()
}

// SetReadDeadline closes the connection at a moment, or never for the zero time.
func (l *link) SetReadDeadline(at time.Time) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.stopDeadline()
	if !at.IsZero() {
		l.deadline = time.AfterFunc(time.Until(at), func() { _ = l.CloseNow() })
	}
	return nil
}

func (l *link) stopDeadline() {
	if l.deadline != nil {
		l.deadline.Stop()
	}
}
