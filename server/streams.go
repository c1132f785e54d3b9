package main

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"vigie/graph/wire"
)

// streams are the requests that are answered on and on: over WebSocket, by
// server-sent events, and with files of any length. They have no time limit but for each thing that is
// sent, and end when the server stops.
type streams struct {
	stop context.Context
	open sync.WaitGroup
}

const (
	// writeTimeout is how long a stream's client may take to accept what is sent,
	// lastWriteTimeout how long once the server stops.
	writeTimeout, lastWriteTimeout = 30 * time.Second, time.Second
)

// apart takes streams apart from what next answers else.
func (s *streams) apart(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !wire.Streams(r) && !strings.HasPrefix(r.URL.Path, exportPath) {
			next.ServeHTTP(w, r)
			return
		}
		s.open.Add(1)
		defer s.open.Done()
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		w.Header().Set("X-Accel-Buffering", "no") // nginx would keep events until there are many
		stream := &stream{ResponseWriter: w, control: http.NewResponseController(w), ctx: ctx}
		defer stream.end()
		defer context.AfterFunc(s.stop, func() { cancel(); stream.hurry() })()
		next.ServeHTTP(stream, r.WithContext(ctx))
	})
}

// wait waits until no stream is open, or ctx ends.
func (s *streams) wait(ctx context.Context) {
	none := make(chan struct{})
	go func() {
		defer close(none)
		s.open.Wait()
	}()
	select {
	case <-none:
	case <-ctx.Done():
	}
}

// stream is where a stream is written to. Once its request is over it takes
// nothing more: neither a late sign of life, nor that all was said when it was
// the server that stopped.
type stream struct {
	http.ResponseWriter
	control *http.ResponseController
	ctx     context.Context
	mutex   sync.Mutex
	ended   bool
	// limiting is held while a time limit is set, not while something is sent.
	limiting sync.Mutex
	hijacked bool
}

// Write sends b within a time limit.
func (s *stream) Write(b []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.limit(); err != nil {
		return 0, err
	}
	return s.ResponseWriter.Write(b)
}

// Flush sends what was written, within a time limit.
func (s *stream) Flush() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.limit() == nil {
		_ = s.control.Flush() // what fails here fails the next Write
	}
}

// SetReadDeadline limits the time of what is read.
func (s *stream) SetReadDeadline(at time.Time) error { return s.control.SetReadDeadline(at) }

// SetWriteDeadline limits the time of what is being written, without waiting for
// it.
func (s *stream) SetWriteDeadline(at time.Time) error { return s.control.SetWriteDeadline(at) }

// limit sets the time limit of what is written next, in place of one on the
// whole.
func (s *stream) limit() error {
	if s.ended {
		return net.ErrClosed
	}
	s.limiting.Lock()
	defer s.limiting.Unlock()
	if err := s.ctx.Err(); err != nil {
		return err
	}
	return s.control.SetWriteDeadline(time.Now().Add(writeTimeout))
}

// hurry is for a stream whose context was just cancelled: what is being sent is cut
// off soon. A WebSocket says goodbye by itself.
func (s *stream) hurry() {
	s.limiting.Lock()
	defer s.limiting.Unlock()
	if !s.hijacked {
		_ = s.control.SetWriteDeadline(time.Now().Add(lastWriteTimeout)) // else it has its former limit
	}
}

// end is when the request is over.
func (s *stream) end() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.ended = true
}

// Hijack hands out the connection, for a WebSocket.
func (s *stream) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	s.limiting.Lock()
	conn, both, err := s.control.Hijack()
	s.hijacked = err == nil
	s.limiting.Unlock()
	if err != nil {
		return nil, nil, err
	}
	limited := limitedConn{conn}
	return limited, bufio.NewReadWriter(both.Reader, bufio.NewWriter(limited)), nil
}

// limitedConn sends everything within a time limit.
type limitedConn struct{ net.Conn }

// Write sends b within a time limit.
func (c limitedConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
