package webhook_test

import (
	"compress/gzip"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vigie/alert/webhook"
)

const (
	// patience is for animals that answer: more than a busy machine needs.
	patience = time.Minute
	// short is for those that never do.
	short = 300 * time.Millisecond
	// soon is for those that begin an answer, which takes a moment on a busy machine, and never end it.
	soon = 3 * time.Second
	// innerText is what an answer has and nobody is to read.
	innerText = "inner-answer"
	// secretPath is in URLs, and nobody is to read it either.
	secretPath = "/secret-path"
)

// animal is an endpoint that does what it should not.
type animal struct {
	// handle answers over TLS; raw instead has the bare connection, under TLS too unless it is bare.
	handle http.HandlerFunc
	raw    func(net.Conn)
	bare   bool
	http2  bool
	limit  time.Duration
	// sent is what becomes of a message, asked of a challenge.
	sent, asked webhook.Error
}

func zoo() map[string]animal {
	status := func(code int, headers ...string) animal {
		refused := webhook.Error{Kind: webhook.Temporary, Reason: webhook.AnsweredStatus, Status: code}
		return animal{sent: refused, asked: refused, limit: patience, handle: func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(code)
			io.WriteString(w, innerText)
		}}
	}
	after := func(a animal, wait time.Duration) animal {
		a.sent.RetryAfter, a.asked.RetryAfter = wait, wait
		return a
	}
	kind := func(a animal, k webhook.Kind) animal {
		a.sent.Kind, a.asked.Kind = k, k
		return a
	}
	fails := func(r webhook.Reason, limit time.Duration, raw func(net.Conn)) animal {
		e := webhook.Error{Kind: webhook.Temporary, Reason: r}
		return animal{raw: raw, limit: limit, sent: e, asked: e}
	}
	bare := func(a animal) animal { a.bare = true; return a }
	// accepts is one whose message was accepted, whatever it does after that.
	accepts := func(asked webhook.Reason, limit time.Duration, handle http.HandlerFunc) animal {
		return animal{handle: handle, limit: limit, asked: webhook.Error{Kind: webhook.Temporary, Reason: asked}}
	}
	date := func(t time.Time) string { return t.UTC().Format(http.TimeFormat) }
	return map[string]animal{
		"200 with HTML":       repeats(accepts("", patience, page)),
		"204":                 repeats(accepts("", patience, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })),
		"202 and a gzip bomb": repeats(accepts("", patience, bomb)),
		"10 GB body":          repeats(accepts("", patience, flood)),
		"drips a body":        accepts(webhook.TimedOut, soon, dripBody),
		"cuts the body":       accepts(webhook.NotConnected, patience, cutBody),
		"speaks HTTP/2 too":   {handle: page, http2: true, limit: patience, asked: webhook.Error{Kind: webhook.Temporary, Reason: webhook.NotRepeated, Status: 200}},

		"hangs":                 fails(webhook.TimedOut, short, hang),
		"hangs before TLS":      bare(fails(webhook.TimedOut, short, hang)),
		"drips headers":         fails(webhook.TimedOut, short, dripHeaders),
		"interim answers alone": fails(webhook.BadAnswer, patience, interim),
		"header flood":          fails(webhook.BadAnswer, patience, headerFlood),
		"40 kB of headers":      fails(webhook.BadAnswer, patience, longHeaders),
		"one endless header":    fails(webhook.BadAnswer, patience, endlessHeader),
		"no HTTP":               fails(webhook.BadAnswer, patience, func(c net.Conn) { io.WriteString(c, "SSH-2.0-"+innerText+"\r\n"); drain(c) }),
		"HTTP/2 unasked":        fails(webhook.BadAnswer, patience, func(c net.Conn) { c.Write([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00\r\n\r\n")); drain(c) }),
		"no TLS":                bare(fails(webhook.Untrusted, patience, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"); drain(c) })),
		"closes at once":        bare(fails(webhook.NotConnected, patience, func(net.Conn) {})),
		"closes after reading":  fails(webhook.NotConnected, patience, func(net.Conn) {}),
		"cuts the headers":      fails(webhook.NotConnected, patience, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\n") }),
		"cuts a header":         fails(webhook.BadAnswer, patience, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nX-"+innerText) }),

		"410":                   kind(status(410), webhook.Gone),
		"400":                   status(400),
		"401":                   status(401, "WWW-Authenticate", "Basic"),
		"404":                   status(404),
		"500":                   status(500),
		"304":                   status(304),
		"300":                   status(300),
		"101":                   {raw: upgrade, limit: patience, sent: webhook.Error{Kind: webhook.Temporary, Reason: webhook.AnsweredStatus, Status: 101}, asked: webhook.Error{Kind: webhook.Temporary, Reason: webhook.AnsweredStatus, Status: 101}},
		"429, no word when":     status(429),
		"429 in seconds":        after(status(429, "Retry-After", "90"), 90*time.Second),
		"429 at a time":         after(status(429, "Retry-After", date(now().Add(time.Hour))), time.Hour),
		"503 in seconds":        after(status(503, "Retry-After", "7"), 7*time.Second),
		"503 in the past":       status(503, "Retry-After", date(now().Add(-time.Hour))),
		"503 in a century":      after(status(503, "Retry-After", "4000000000"), webhook.MaxRetryAfter),
		"503 in many centuries": status(503, "Retry-After", "99999999999999999999"),
		"503 in a century, too": after(status(503, "Retry-After", date(now().AddDate(100, 0, 0))), webhook.MaxRetryAfter),
		"503 in words":          status(503, "Retry-After", "soon"),
		"500 in seconds":        status(500, "Retry-After", "90"),
	}
}

// repeats is asked to repeat a word, and does not.
func repeats(a animal) animal {
	a.asked = webhook.Error{Kind: webhook.Temporary, Reason: webhook.NotRepeated, Status: http.StatusOK}
	return a
}

// Whatever an endpoint does, an attempt ends in time, takes little, tells nothing but a status, and is classified.
func TestZoo(t *testing.T) {
	for name, animal := range zoo() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := animal.keep(t) + secretPath
			c := client(t, webhook.Options{Networks: local, Timeout: animal.limit})
			check(t, "sent", c.Send(t.Context(), endpoint(url), "message_1", now(), []byte(`{}`)), animal.sent)
			check(t, "asked", c.Challenge(t.Context(), endpoint(url), "message_2", now(), "word"), animal.asked)
		})
	}
}

func check(t *testing.T, what string, err error, want webhook.Error) {
	t.Helper()
	if want.Reason == "" {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	got, ok := errors.AsType[*webhook.Error](err)
	if !ok || got.Kind != want.Kind || got.Reason != want.Reason || got.Status != want.Status || got.RetryAfter != want.RetryAfter {
		t.Errorf("%s: %#v, want %#v", what, err, want)
		return
	}
	if text := err.Error() + fmt.Sprintf("%+v", *got); strings.Contains(text, innerText) || strings.Contains(text, secretPath) {
		t.Errorf("%s: the error tells %q", what, text)
	}
}

// keep starts an animal, and returns its URL.
func (a animal) keep(t *testing.T) string {
	if a.handle != nil {
		s := httptest.NewUnstartedServer(a.handle)
		s.EnableHTTP2, s.Config.ErrorLog = a.http2, log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
		return s.URL
	}
	s := httptest.NewTLSServer(nil)
	s.Close()
	l := listen(t, "127.0.0.1:0")
	var listener net.Listener = l
	if !a.bare {
		listener = tls.NewListener(l, &tls.Config{Certificates: s.TLS.Certificates})
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if !a.bare { // what comes before the request is no answer to it
					conn.Read(make([]byte, 1))
				}
				a.raw(conn)
			}()
		}
	}()
	return "https://" + l.Addr().String()
}

func page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	io.WriteString(w, "<html>"+innerText+"</html>")
}

// bomb sends 10 MB in 10 kB, whether or not it was asked to.
func bomb(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Accept-Encoding") != "" {
		w.WriteHeader(http.StatusInternalServerError) // the client would unpack it
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	w.WriteHeader(http.StatusAccepted)
	z := gzip.NewWriter(w)
	io.CopyN(z, zeros{}, 10<<20)
	z.Close()
}

// zeros is a reader without an end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// flood sends 10 GB. What was sent when the client went is counted.
func flood(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "10000000000")
	sent, _ := io.CopyN(w, zeros{}, 10_000_000_000)
	flooded.Store(max(flooded.Load(), sent))
}

var flooded atomic.Int64

// A client takes no more of a long answer than its bounds say, and what the systems between have room for.
func TestZooTakesLittle(t *testing.T) {
	flooded.Store(0)
	s := httptest.NewTLSServer(http.HandlerFunc(flood))
	c := client(t, webhook.Options{Networks: local, Timeout: patience})
	if err := c.Send(t.Context(), endpoint(s.URL), "message_1", now(), nil); err != nil {
		t.Error(err)
	}
	if err := c.Challenge(t.Context(), endpoint(s.URL), "message_2", now(), "word"); reasonOf(err) != webhook.NotRepeated {
		t.Error(err)
	}
	s.Close() // waits for its handlers
	if n := flooded.Load(); n == 0 || n > 64<<20 {
		t.Errorf("%d bytes were sent", n)
	}
}

// each calls f every second, as a slow animal does, until the client has gone.
func each(gone <-chan struct{}, f func() error) {
	for tick := time.NewTicker(time.Second); ; {
		if f() != nil {
			return
		}
		select {
		case <-gone:
			return
		case <-tick.C:
		}
	}
}

func dripBody(w http.ResponseWriter, r *http.Request) {
	each(r.Context().Done(), func() error {
		_, err := io.WriteString(w, " ")
		w.(http.Flusher).Flush()
		return err
	})
}

func cutBody(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	io.WriteString(w, innerText)
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// drain reads until the client goes.
func drain(c net.Conn) { io.Copy(io.Discard, c) }

func hang(c net.Conn) { drain(c) }

func dripHeaders(c net.Conn) {
	gone := make(chan struct{})
	go func() { drain(c); close(gone) }()
	rest := "HTTP/1.1 200 OK\r\nX-Header: " + strings.Repeat("x", 1000)
	each(gone, func() error {
		_, err := io.WriteString(c, rest[:1])
		rest = rest[1:]
		return err
	})
}

func interim(c net.Conn) {
	for {
		if _, err := io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </"+strings.Repeat("x", 1000)+">\r\n\r\n"); err != nil {
			return
		}
	}
}

func headerFlood(c net.Conn) {
	io.WriteString(c, "HTTP/1.1 200 OK\r\n")
	for i := 0; ; i++ {
		if _, err := fmt.Fprintf(c, "X-Header-%d: %s\r\n", i, innerText); err != nil {
			return
		}
	}
}

func longHeaders(c net.Conn) {
	io.WriteString(c, "HTTP/1.1 200 OK\r\n"+strings.Repeat("X-Header: "+strings.Repeat("x", 1000)+"\r\n", 40)+"Content-Length: 0\r\n\r\n")
	drain(c)
}

func endlessHeader(c net.Conn) {
	io.WriteString(c, "HTTP/1.1 200 OK\r\nX-Header: ")
	io.Copy(c, letters{})
}

// letters is a reader of one letter without an end.
type letters struct{}

func (letters) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

func upgrade(c net.Conn) {
	io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	drain(c)
}
