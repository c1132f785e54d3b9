package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"vigie/store/storetest"
)

const follow = `subscription { tenderMatched { kind tender { sourceRef } matchedBy { watch { name } } } }`

// wsMessage is a message of the protocol graphql-transport-ws.
type wsMessage struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// wsClient is the other end of a socket.
type wsClient struct {
	t    *testing.T
	conn *websocket.Conn
}

// dial opens a connection; status is that of the answer.
func dial(t *testing.T, base string, options *websocket.DialOptions) (conn *websocket.Conn, status int, err error) {
	t.Helper()
	conn, response, err := websocket.Dial(t.Context(), base+"/graphql", options)
	if response == nil {
		return conn, 0, err
	}
	if response.Body != nil {
		response.Body.Close()
	}
	return conn, response.StatusCode, err
}

// connect opens a socket. The token stands in the header, or in the greeting.
func connect(t *testing.T, base, header, greeting string) wsClient {
	t.Helper()
	options := &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{}}
	if header != "" {
		options.HTTPHeader.Set("Authorization", "Bearer "+header)
	}
	conn, status, err := dial(t, base, options)
	if err != nil {
		t.Fatalf("%v (%d)", err, status)
	}
	t.Cleanup(func() { conn.CloseNow() })
	c := wsClient{t, conn}
	hello := wsMessage{Type: "connection_init"}
	if greeting != "" {
		hello.Payload = json.RawMessage(fmt.Sprintf(`{"Authorization":"Bearer %s"}`, greeting))
	}
	c.send(hello)
	return c
}

func (c wsClient) send(m wsMessage) {
	c.t.Helper()
	if err := wsjson.Write(c.t.Context(), c.conn, m); err != nil {
		c.t.Fatal(err)
	}
}

// next is the next message other than pings; or why there is none.
func (c wsClient) next() (wsMessage, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	for {
		var m wsMessage
		if err := wsjson.Read(ctx, c.conn, &m); err != nil {
			return m, err
		}
		switch m.Type {
		case "ping":
			c.send(wsMessage{Type: "pong"})
		case "pong":
		default:
			return m, nil
		}
	}
}

// expect checks the type of the next message.
func (c wsClient) expect(kind string) wsMessage {
	c.t.Helper()
	m, err := c.next()
	if err != nil || m.Type != kind {
		c.t.Fatalf("%s %s, %v; want %s", m.Type, m.Payload, err, kind)
	}
	return m
}

// subscribe subscribes on a socket; what comes is sent on.
func (c wsClient) subscribe() <-chan string {
	c.t.Helper()
	c.expect("connection_ack")
	question, err := json.Marshal(map[string]string{"query": follow})
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(wsMessage{ID: "1", Type: "subscribe", Payload: question})
	received := make(chan string, 1000)
	go func() {
		defer close(received)
		for {
			m, err := c.next()
			if err != nil {
				received <- fmt.Sprint("closed ", int(websocket.CloseStatus(err)))
				return
			}
			received <- m.Type + " " + string(m.Payload)
		}
	}()
	return received
}

// eventStream subscribes over server-sent events; what comes is sent on.
func eventStream(t *testing.T, base, token string) <-chan string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/graphql", strings.NewReader(fmt.Sprintf(`{"query":%q}`, follow)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	received := make(chan string, 1000)
	go func() {
		defer close(received)
		if response.StatusCode != http.StatusOK {
			received <- response.Status
			return
		}
		event := ""
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			switch name, rest, _ := strings.Cut(lines.Text(), ": "); name {
			case "event":
				if event = rest; event == "complete" {
					received <- event + " "
				}
			case "data":
				received <- event + " " + rest
			}
		}
		received <- "ended"
	}()
	return received
}

// until waits for an event that satisfies a condition.
func until(t *testing.T, received <-chan string, want string) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	var others []string
	for {
		select {
		case said, ok := <-received:
			if strings.Contains(said, want) {
				return
			}
			if others = append(others, said); !ok {
				t.Fatalf("received %q and no more, want %q", others, want)
			}
		case <-deadline:
			t.Fatalf("received %q, want %q", others, want)
		}
	}
}

// newsSite is running servers, someone with a watch, and a publisher.
type newsSite struct {
	t                 *testing.T
	person, publisher string
	published         int
}

func newNewsSite(t *testing.T, base string) *newsSite {
	t.Helper()
	s := &newsSite{t: t}
	var err error
	if s.person, err = sign(testSecret, "a", claims{Email: "a@example.org", EmailVerified: true}, time.Now(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if s.publisher, err = sign(testSecret, "portal", claims{Scope: publishScope, Sources: []string{"portal"}}, time.Now(), time.Hour); err != nil {
		t.Fatal(err)
	}
	a := ask(t, base, s.person, `mutation { createWatch(input: { name: "Voirie", criteria: { keywords: ["voirie"] } }) { watch { id } } }`, nil)
	if len(a.Errors) > 0 {
		t.Fatal(a.Errors)
	}
	return s
}

// publish publishes a tender at one of the servers and returns its number.
func (s *newsSite) publish(base string) string {
	s.t.Helper()
	s.published++
	ref := fmt.Sprint("ref-", s.published)
	a := ask(s.t, base, s.publisher, `mutation ($ref: String!) { publishNotices(input: [{ source: "portal", sourceRef: $ref, title: "Voirie", buyerName: "Commune", publishedAt: "2026-01-01T00:00:00Z" }]) { results { outcome } } }`,
		map[string]any{"ref": ref})
	if len(a.Errors) > 0 {
		s.t.Fatal(a.Errors)
	}
	return ref
}

// underWay publishes until a subscription is seen to work: nothing else shows
// when it does.
func (s *newsSite) underWay(base string, received <-chan string) <-chan string {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		s.publish(base)
		select {
		case said := <-received:
			if !strings.HasPrefix(said, "next ") || !strings.Contains(said, `"kind":"NEW"`) || !strings.Contains(said, `[{"watch":{"name":"Voirie"}}]`) {
				s.t.Fatal(said)
			}
			return received
		case <-time.After(50 * time.Millisecond):
		}
	}
	s.t.Fatal("the subscription does not get under way")
	return nil
}

// Subscriptions over each transport, signed in each way, get what is
// published; they end with an error when the token expires, and with a word to
// come back when the server stops, which it does at once.
func TestSubscriptions(t *testing.T) {
	t.Parallel()
	env := map[string]string{"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir()}
	server := start(t, env, nil, "serve")
	base := server.listening(t)
	s := newNewsSite(t, base)
	signed := connect(t, base, s.person, "").subscribe()
	greeted := connect(t, base, "", s.person).subscribe()
	events := eventStream(t, base, s.person)
	for _, received := range []<-chan string{signed, greeted, events} {
		s.underWay(base, received)
	}
	ref := s.publish(base)
	for _, received := range []<-chan string{signed, greeted, events} {
		until(t, received, ref)
	}

	// A new socket takes the place of one that was closed.
	closed := connect(t, base, "", s.person)
	s.underWay(base, closed.subscribe())
	closed.conn.CloseNow()
	again := s.underWay(base, connect(t, base, "", s.person).subscribe())
	until(t, again, s.publish(base))

	brief := func() string {
		token, err := sign(testSecret, "a", claims{Email: "a@example.org", EmailVerified: true}, time.Now(), 4*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	expiring := []<-chan string{connect(t, base, "", brief()).subscribe(), connect(t, base, brief(), "").subscribe(), eventStream(t, base, brief())}
	for _, received := range expiring {
		until(t, received, `"code":"UNAUTHENTICATED"`)
		until(t, received, "complete ")
	}
	for _, received := range expiring[:2] {
		until(t, received, "closed 1000") // the whole socket
	}

	server.stop()
	select {
	case <-server.ended:
	case <-time.After(9 * time.Second): // less than the ten of what has an end
		t.Fatal("streams keep the server from stopping")
	}
	if server.status != 0 {
		t.Errorf("status %d: %s", server.status, server.err.String())
	}
	for _, received := range []<-chan string{signed, greeted, again} {
		until(t, received, "closed 1001")
	}
	for said := range events {
		if strings.HasPrefix(said, "complete") {
			t.Error("a stream that is cut says that it is complete")
		}
	}
}

// A wrong token is refused before anything else, in the way of each transport.
func TestSubscriptionsRefused(t *testing.T) {
	env := map[string]string{"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir()}
	base := start(t, env, nil, "serve").listening(t)
	for name, token := range map[string]string{"nonsense": "nonsense", "empty": " "} {
		c := connect(t, base, "", token)
		var closed websocket.CloseError
		if m, err := c.next(); !errors.As(err, &closed) || closed.Code != 4401 || !strings.Contains(closed.Reason, "session") {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	_, status, err := dial(t, base, &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{"Authorization": {"Bearer nonsense"}},
	})
	if err == nil || status != http.StatusUnauthorized {
		t.Errorf("in the header: %d, %v", status, err)
	}
	if said := <-eventStream(t, base, "nonsense"); !strings.HasPrefix(said, "401") {
		t.Errorf("server-sent events: %s", said)
	}
	// Without a token one may come in, as over HTTP, but not subscribe.
	received := connect(t, base, "", "").subscribe()
	until(t, received, `"code":"UNAUTHENTICATED"`)
	// A page elsewhere may not come in at all.
	_, status, err = dial(t, base, &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{"Origin": {"https://example.org"}},
	})
	if err == nil || status == http.StatusSwitchingProtocols {
		t.Errorf("from elsewhere: %d, %v", status, err)
	}
}

// What one replica is given reaches the subscribers of another, also when the
// one has stopped.
func TestSubscriptionsOfReplicas(t *testing.T) {
	database := storetest.Postgres(t)
	replica := func() (*command, string) {
		env := map[string]string{"VIGIE_DATABASE_URL": database, "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir()}
		c := start(t, env, nil, "serve")
		return c, c.listening(t)
	}
	first, firstBase := replica()
	_, secondBase := replica()
	s := newNewsSite(t, firstBase)
	atFirst := s.underWay(firstBase, connect(t, firstBase, s.person, "").subscribe())
	atSecond := s.underWay(firstBase, connect(t, secondBase, s.person, "").subscribe())
	events := s.underWay(secondBase, eventStream(t, secondBase, s.person))
	for _, base := range []string{firstBase, secondBase} {
		ref := s.publish(base)
		for _, received := range []<-chan string{atFirst, atSecond, events} {
			until(t, received, ref)
		}
	}
	first.stop()
	<-first.ended
	until(t, atFirst, "closed 1001")
	ref := s.publish(secondBase)
	until(t, atSecond, ref)
	until(t, events, ref)
}

// The time limits of requests are not those of streams.
func TestStreamsOutliveTimeLimits(t *testing.T) {
	t.Parallel()
	const limit = 300 * time.Millisecond // on a busy machine, requests take a while to be read
	s := &streams{stop: t.Context()}
	server := httptest.NewUnstartedServer(s.apart(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "one ")
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(5 * limit):
			_, _ = io.WriteString(w, "two")
		}
	})))
	server.Config.ReadTimeout, server.Config.WriteTimeout = limit, limit
	server.Start()
	defer server.Close()
	for accept, want := range map[string]string{"text/event-stream": "one two", "application/json": "one "} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", accept)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		said, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if string(said) != want {
			t.Errorf("%s: %q, want %q", accept, said, want)
		}
	}
}

// A server that stops waits until its streams have said goodbye.
func TestStreamsEnd(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	open, ending, last, ended := make(chan struct{}), make(chan struct{}), make(chan struct{}), false
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		close(open)
		<-r.Context().Done()
		close(ending)
		<-last
		ended = true
	})
	listener, err := bind(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- door{listener, handler}.serve(ctx, slog.New(slog.DiscardHandler)) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-open
	stop()
	<-ending
	select {
	case err := <-stopped:
		t.Fatal("it does not wait for its streams", err)
	default:
	}
	close(last)
	if err := <-stopped; err != nil || !ended {
		t.Errorf("ended %v, %v", ended, err)
	}
}

// A server that stops cuts off the streams of clients that do not read, soon, and what else takes longer than it waits,
// and ends well.
func TestStopCutsOff(t *testing.T) {
	t.Parallel()
	for path, limit := range map[string]struct {
		most   time.Duration
		warned bool
	}{"/export/tenders.csv": {8 * time.Second, false}, "/graphql": {25 * time.Second, true}} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(make([]byte, 64<<20)) // much more than the system takes of it
			})
			listener, err := bind(ctx, "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var logged safeBuffer
			stopped := make(chan error, 1)
			go func() { stopped <- door{listener, handler}.serve(ctx, slog.New(slog.NewTextHandler(&logged, nil))) }()
			conn, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Read(make([]byte, 1)); err != nil { // the writing has begun
				t.Fatal(err)
			}
			began := time.Now()
			stop()
			if err := <-stopped; err != nil || time.Since(began) > limit.most {
				t.Errorf("%v after %v", err, time.Since(began))
			}
			if warned := strings.Contains(logged.String(), `level=WARN msg="requests were cut off" component=http action=stop`); warned != limit.warned {
				t.Errorf("logged %q", logged.String())
			}
		})
	}
}
