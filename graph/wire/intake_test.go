package wire_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/testserver"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"vigie"
	"vigie/graph/wire"
)

// taken is what callers have taken, and not given back.
type taken struct{ requests, bytes, places atomic.Int64 }

func take(of *atomic.Int64, n int64) (func(), error) {
	of.Add(n)
	var once atomic.Bool
	return func() {
		if once.CompareAndSwap(false, true) {
			of.Add(-n)
		}
	}, nil
}

// strict answers as [serve] does, with little time; taken is what is in use.
func strict(t *testing.T) (*httptest.Server, *taken) {
	t.Helper()
	use := new(taken)
	intake := wire.Intake{
		Limits: func(context.Context) wire.Limits {
			return wire.Limits{Bytes: 1000, Time: 200 * time.Millisecond, Values: 50, Depth: 5}
		},
		Open:  func(context.Context) (func(), error) { return take(&use.requests, 1) },
		Hold:  func(_ context.Context, n int) (func(), error) { return take(&use.bytes, int64(n)) },
		Begin: func(context.Context) (func(), error) { return take(&use.places, 1) },
	}
	api := testserver.New()
	api.AddTransport(wire.Socket{Websocket: transport.Websocket{
		Implementation: wire.Sockets{Intake: intake, Most: 2, Present: func(_ context.Context, err error) *gqlerror.Error { return gqlerror.Errorf("%v", err) }},
		InitTimeout:    time.Second,
	}})
	api.AddTransport(wire.Stream{Intake: intake, KeepAlive: time.Minute})
	api.AddTransport(&wire.HTTP{Intake: intake})
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return server, use
}

// free waits until everything was given back.
func (u *taken) free(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); u.requests.Load() != 0 || u.bytes.Load() != 0 || u.places.Load() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not given back: %d requests, %d bytes, %d places", u.requests.Load(), u.bytes.Load(), u.places.Load())
		}
	}
}

// Every request, however it ends, gives back what it took, and at the latest
// when its time is over.
func TestRequestsGiveBack(t *testing.T) {
	server, use := strict(t)
	body := func(text string) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(text), text) }
	many := strings.TrimSuffix(strings.Repeat("{},", 100), ",")
	for name, c := range map[string]struct {
		says   string
		status int
	}{
		"a query":                     {body(`{"query":"{ name }"}`), 200},
		"in chunks":                   {"Transfer-Encoding: chunked\r\n\r\n14\r\n" + `{"query":"{ name }"}` + "\r\n0\r\n\r\n", 200},
		"no query":                    {body(`{}`), 400},
		"no JSON":                     {body(`{`), 400},
		"what is not valid":           {body(`{"query":"{ nome }"}`), 200},
		"a subscription":              {body(`{"query":"subscription { name }"}`), 400},
		"too long":                    {body(strings.Repeat(" ", 1001)), 413},
		"too long, announced":         {"Content-Length: 1000000\r\n\r\n" + strings.Repeat(" ", 1001), 413},
		"too long, in chunks":         {"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + strings.Repeat(" ", 1001) + "\r\n", 413},
		"too many values":             {body(`{"query":"{ name }","variables":{"x":[` + many + `]}}`), 413},
		"too deep":                    {body(`{"query":"{ name }","variables":{"x":[[[[]]]]}}`), 413},
		"nothing":                     {"Content-Length: 20\r\n\r\n", 408},
		"half a body":                 {"Content-Length: 20\r\n\r\n{", 408},
		"half a body in chunks":       {"Transfer-Encoding: chunked\r\n\r\n14\r\n{", 408},
		"what is compressed":          {"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n{", 415},
		"half a body for events":      {"Accept: text/event-stream\r\nContent-Length: 20\r\n\r\n{", 408},
		"a query for events":          {"Accept: text/event-stream\r\n" + body(`{"query":"{ name }"}`), 200},
		"too many values, for events": {"Accept: text/event-stream\r\n" + body(`{"query":"{ name }","variables":{"x":[`+many+`]}}`), 413},
	} {
		t.Run(name, func(t *testing.T) {
			conn := open(t, server)
			fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%s", c.says)
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if _, err := io.ReadAll(response.Body); err != nil || response.StatusCode != c.status {
				t.Errorf("%s, %v; want %d", response.Status, err, c.status)
			}
			use.free(t)
		})
	}
	for name, says := range map[string]string{
		"half a body, and leaves":       "Content-Length: 20\r\n\r\n{",
		"half a body, byte after byte":  "Content-Length: 900\r\n\r\n",
		"a stream that nobody listens":  "Accept: text/event-stream\r\n" + body(`{"query":"subscription { name }"}`),
		"half a body without an answer": "Content-Length: 20\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			conn := open(t, server)
			fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%s", says)
			switch {
			case strings.HasSuffix(name, "leaves"):
				conn.Close()
			case strings.HasSuffix(name, "byte after byte"):
				for started := time.Now(); time.Since(started) < 5*time.Second; time.Sleep(10 * time.Millisecond) {
					if _, err := conn.Write([]byte(" ")); err != nil {
						break // its time is over
					}
				}
			}
			use.free(t)
		})
	}
}

func open(t *testing.T, server *httptest.Server) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// Sockets give back what their messages took, too, and are closed in the end.
func TestSocketsGiveBack(t *testing.T) {
	server, use := strict(t)
	const hello = `{"type":"connection_init"}`
	for name, c := range map[string]struct {
		says []string
		code websocket.StatusCode // -1 where it is closed without one
	}{
		"says what is too long":              {[]string{hello, strings.Repeat(" ", 1001)}, 1009},
		"greets at length":                   {[]string{strings.Repeat(" ", 1001)}, 1009},
		"greets with many values":            {[]string{`{"type":"connection_init","payload":{"x":[` + strings.Repeat("1,", 100) + `1]}}`}, 4400},
		"greets with what is no object":      {[]string{`{"type":"connection_init","payload":1}`}, -1},
		"says no JSON":                       {[]string{hello, "{"}, 4400},
		"pings before it greets":             {[]string{`{"type":"ping"}`}, 4400},
		"asks with many values, then leaves": {[]string{hello, `{"type":"subscribe","id":"1","payload":{"query":"{ name }","variables":{"x":[` + strings.Repeat("1,", 100) + `1]}}}`, "{"}, 4400},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, server, wire.Protocol)
			for _, text := range c.says {
				_ = conn.Write(t.Context(), websocket.MessageText, []byte(text)) // it may be closed
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var err error
			for err == nil {
				_, _, err = conn.Read(ctx)
			}
			if code := websocket.CloseStatus(err); code != c.code || ctx.Err() != nil {
				t.Errorf("closed by %d (%v), not %d", code, err, c.code)
			}
			use.free(t)
		})
	}
}

// Long answers on a socket take memory of their caller's until they are read;
// a caller that has none left is cut off.
func TestSocketsCountAnswers(t *testing.T) {
	const length = 100_000
	for name, c := range map[string]struct {
		may  bool
		code websocket.StatusCode
	}{"within its share": {true, -1}, "above it": {false, 1013}} {
		t.Run(name, func(t *testing.T) {
			use, most := new(taken), new(atomic.Int64)
			hold := func(_ context.Context, n int) (func(), error) {
				if n > length/2 && !c.may {
					return nil, &vigie.Error{Code: vigie.TooManyRequests}
				}
				release, err := take(&use.bytes, int64(n))
				most.Store(max(most.Load(), use.bytes.Load()))
				return release, err
			}
			server := httptest.NewServer(long(length, wire.Intake{Hold: hold}))
			defer server.Close()
			conn := dial(t, server, wire.Protocol)
			conn.SetReadLimit(2 * length)
			for _, text := range []string{`{"type":"connection_init"}`, `{"type":"subscribe","id":"1","payload":{"query":"{ name }"}}`} {
				if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
					t.Fatal(err)
				}
			}
			var m message
			var err error
			for err == nil && m.Type != "complete" {
				err = read(t, conn, &m)
			}
			if code := websocket.CloseStatus(err); code != c.code {
				t.Errorf("closed by %d (%v), not %d", code, err, c.code)
			}
			if c.may != (most.Load() >= length) {
				t.Errorf("took %d bytes for an answer of %d", most.Load(), length)
			}
			conn.CloseNow()
			use.free(t)
		})
	}
}

// long answers every operation by as many bytes.
func long(length int, intake wire.Intake) http.Handler {
	api := handler.New(&graphql.ExecutableSchemaMock{
		SchemaFunc: func() *ast.Schema {
			return gqlparser.MustLoadSchema(&ast.Source{Input: "type Query { name: String! } type Mutation { name: String! }"})
		},
		ComplexityFunc: func(context.Context, string, string, int, map[string]any) (int, bool) { return 0, false },
		ExecFunc: func(context.Context) graphql.ResponseHandler {
			return graphql.OneShot(&graphql.Response{Data: []byte(`{"name":"` + strings.Repeat("x", length) + `"}`)})
		},
	})
	api.AddTransport(wire.Socket{Websocket: transport.Websocket{
		Implementation: wire.Sockets{Intake: intake, Most: 2, Present: func(_ context.Context, err error) *gqlerror.Error { return gqlerror.Errorf("%v", err) }},
	}})
	api.AddTransport(wire.Stream{Intake: intake, KeepAlive: time.Minute})
	api.AddTransport(&wire.HTTP{Intake: intake})
	return api
}

// A long answer of a query is refused where its caller has no memory left. That of
// a mutation is not: it is done.
func TestMutationsAreAnswered(t *testing.T) {
	hold := func(_ context.Context, n int) (func(), error) {
		if n > 50_000 {
			return nil, &vigie.Error{Code: vigie.TooManyRequests}
		}
		return func() {}, nil
	}
	api := long(100_000, wire.Intake{Hold: hold})
	for query, status := range map[string]int{"{ name }": http.StatusTooManyRequests, "mutation { name }": http.StatusOK} {
		for _, accept := range []string{"application/json", "text/event-stream"} {
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(`{"query":"`+query+`"}`))
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Accept", accept)
			recorder := httptest.NewRecorder()
			api.ServeHTTP(recorder, request)
			if recorder.Code != status || (recorder.Body.Len() > 100_000) != (status == http.StatusOK) {
				t.Errorf("%s for %s: %d, %d bytes", query, accept, recorder.Code, recorder.Body.Len())
			}
		}
	}
}

// A message that does not arrive is not waited for.
func TestHalfMessage(t *testing.T) {
	server, use := strict(t)
	conn := open(t, server)
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: %s\r\n\r\n", server.Listener.Addr(), wire.Protocol)
	from := bufio.NewReader(conn)
	response, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	const text, length, masked = 0x81, 100, 0x80
	for _, message := range [][]byte{
		append([]byte{text, masked | byte(len(`{"type":"connection_init"}`)), 0, 0, 0, 0}, `{"type":"connection_init"}`...),
		append([]byte{text, masked | length, 0, 0, 0, 0}, `{"type":`...),
	} {
		if _, err := conn.Write(message); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.Copy(io.Discard, from); err != nil { // until it is closed
		t.Errorf("it is not closed: %v", err)
	}
	use.free(t)
}

// A caller above its share gets an error, over every transport.
func TestTurnedAway(t *testing.T) {
	for code, status := range map[vigie.Code]int{vigie.TooManyRequests: 429, vigie.Unavailable: 503} {
		refuse := func(context.Context) (func(), error) { return nil, &vigie.Error{Code: code} }
		for name, intake := range map[string]wire.Intake{
			"open":  {Open: refuse},
			"hold":  {Hold: func(ctx context.Context, _ int) (func(), error) { return refuse(ctx) }},
			"begin": {Begin: refuse},
			"admit": {Admit: func(ctx context.Context) (wire.Rate, error) { _, err := refuse(ctx); return wire.Rate{}, err }},
		} {
			api := testserver.New()
			api.AddTransport(wire.Stream{Intake: intake, KeepAlive: time.Minute})
			api.AddTransport(&wire.HTTP{Intake: intake})
			for _, accept := range []string{"application/json", "text/event-stream"} {
				if name == "begin" && accept != "application/json" {
					continue // streams have no place
				}
				request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(`{"query":"{ name }"}`))
				request.Header.Set("Content-Type", "application/json")
				request.Header.Set("Accept", accept)
				recorder := httptest.NewRecorder()
				api.ServeHTTP(recorder, request)
				if recorder.Code != status || recorder.Header().Get("Retry-After") == "" {
					t.Errorf("%s for %s: %d %v, not %d", name, accept, recorder.Code, recorder.Header(), status)
				}
			}
		}
	}
}
