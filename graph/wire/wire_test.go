package wire_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/testserver"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"vigie/graph/wire"
)

// urql is what that client says it reads, with every query.
const urql = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"

// serve answers a small API by all transports: { name }, and a subscription.
func serve(t *testing.T) (*testserver.TestServer, *httptest.Server) {
	api := testserver.New()
	intake := wire.Intake{Limits: func(context.Context) wire.Limits { return wire.Limits{Bytes: 1000} }}
	api.AddTransport(wire.Socket{Websocket: transport.Websocket{
		Implementation: wire.Sockets{Intake: intake, Most: 2, Present: func(_ context.Context, err error) *gqlerror.Error { return gqlerror.Errorf("%v", err) }},
		InitTimeout:    time.Second,
	}})
	api.AddTransport(wire.Stream{Intake: intake, KeepAlive: time.Millisecond})
	api.AddTransport(&wire.HTTP{Intake: intake})
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return api, server
}

func TestHTTP(t *testing.T) {
	_, server := serve(t)
	address := func(values ...string) string {
		v := url.Values{}
		for i := 0; i < len(values); i += 2 {
			v.Set(values[i], values[i+1])
		}
		return "?" + v.Encode()
	}
	for _, c := range []struct {
		name, method, address, kind, accept, body string
		status                                    int
		answer, holds                             string
	}{
		{"a query", "POST", "", "application/json", "", `{"query":"{ name }"}`, 200, "application/json", `{"data":{"name":"test"}}`},
		{"of another charset's name", "POST", "", "application/json; charset=UTF-8", "", `{"query":"{ name }"}`, 200, "application/json", "test"},
		{"of another charset", "POST", "", "application/json; charset=latin1", "", `{"query":"{ name }"}`, 415, "application/json", "Content-Type"},
		{"by GET", "GET", address("query", "query($id: Int!) { find(id: $id) }", "variables", `{"id":1}`), "", "", "", 200, "application/json", "test"},
		{"by GET, for events", "GET", address("query", "{ name }"), "", "text/event-stream", "", 200, "application/json", "test"},
		{"as urql asks", "POST", "", "application/json", urql, `{"query":"{ name }"}`, 200, "application/graphql-response+json", "test"},
		{"by weight", "POST", "", "application/json", "application/graphql-response+json;q=0.5, application/json", `{"query":"{ name }"}`, 200, "application/json", "test"},
		{"for anything", "POST", "", "application/json", "*/*", `{"query":"{ name }"}`, 200, "application/json", "test"},
		{"for what we do not write", "POST", "", "application/json", "text/html", `{"query":"{ name }"}`, 200, "application/json", "test"},
		{"at length", "POST", "", "application/json", strings.Repeat("text/x, ", 200) + "application/graphql-response+json", `{"query":"{ name }"}`, 200, "application/json", "test"},
		{"wrong, in JSON", "POST", "", "application/json", "", `{"query":"{ nome }"}`, 200, "application/json", `{"errors":[{"message":"Cannot query`},
		{"wrong", "POST", "", "application/json", urql, `{"query":"{ nome }"}`, 400, "application/graphql-response+json", `{"errors":[{"message":"Cannot query`},
		{"a mutation", "POST", "", "application/json", "", `{"query":"mutation { name }"}`, 200, "application/json", `"data":null}`},
		{"a mutation by GET", "GET", address("query", "mutation { name }"), "", "", "", 405, "application/json", "POST"},
		{"another method", "PUT", "", "application/json", "", `{"query":"{ name }"}`, 405, "application/json", "GET"},
		{"a subscription", "POST", "", "application/json", "", `{"query":"subscription { name }"}`, 400, "application/json", "graphql-transport-ws"},
		{"a form", "POST", "", "application/x-www-form-urlencoded", "", "query={ name }", 415, "application/json", "Content-Type"},
		{"a form of parts", "POST", "", "multipart/form-data; boundary=b", "", "--b\r\n\r\n--b--", 415, "application/json", "Content-Type"},
		{"plain text", "POST", "", "text/plain", "", `{"query":"{ name }"}`, 415, "application/json", "Content-Type"},
		{"several", "POST", "", "application/json", "", ` [{"query":"{ name }"}]`, 400, "application/json", "Send one operation"},
		{"no JSON", "POST", "", "application/json", "", `{"query":"secret`, 400, "application/json", "not a GraphQL request"},
		{"more than one value", "POST", "", "application/json", "", `{"query":"{ name }"} {}`, 400, "application/json", "not a GraphQL request"},
		{"a number for a query", "POST", "", "application/json", "", `{"query":1}`, 400, "application/json", "not a GraphQL request"},
		{"nothing", "POST", "", "application/json", "", `{}`, 400, "application/json", "no field “query”"},
		{"nothing by GET", "GET", "", "", "", "", 400, "application/json", "no field “query”"},
		{"wrong variables by GET", "GET", address("query", "{ name }", "variables", "1"), "", "", "", 400, "application/json", "variables"},
		{"too much", "POST", "", "application/json", "", `{"query":"{ name }","variables":{"secret":"` + strings.Repeat("x", 1000) + `"}}`, 413, "application/json", "1000 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.address, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", c.kind)
			request.Header.Set("Accept", c.accept)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			kind, charset, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
			if response.StatusCode != c.status || kind != c.answer || charset != " charset=utf-8" || !strings.Contains(string(body), c.holds) {
				t.Errorf("%d %s\n%s\nwant %d %s, %s", response.StatusCode, response.Header.Get("Content-Type"), body, c.status, c.answer, c.holds)
			}
			if !json.Valid(body) || strings.Contains(string(body), "secret") || strings.Contains(string(body), `"data"`) != (c.status == 200 && !strings.HasPrefix(c.holds, `{"errors"`)) {
				t.Errorf("the body is %s", body)
			}
			if c.status == 405 && !strings.Contains(response.Header.Get("Allow"), "POST") {
				t.Errorf("Allow: %s", response.Header.Get("Allow"))
			}
		})
	}
}

// A protocol that a client offers and that the server does not speak is passed over: curl --http2 and Java's HttpClient offer h2c.
func TestOtherUpgrades(t *testing.T) {
	_, server := serve(t)
	for upgrade, want := range map[string]struct {
		streams bool
		status  int
	}{
		"h2c": {false, 200}, "HTTP/2.0": {false, 200}, "websocket2": {false, 200},
		"websocket": {true, 101}, "WebSocket": {true, 101}, "h2c, websocket": {true, 101},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"?query={name}", nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABk", "Upgrade": upgrade,
			"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": wire.Protocol,
		} {
			request.Header.Set(name, value)
		}
		if got := wire.Streams(request); got != want.streams {
			t.Errorf("Upgrade: %s: a stream: %v", upgrade, got)
		}
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want.status {
			t.Errorf("Upgrade: %s: %s, want %d", upgrade, response.Status, want.status)
		}
	}
}

func TestStream(t *testing.T) {
	api, server := serve(t)
	ask := func(query string) *http.Response {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(fmt.Sprintf(`{"query":%q}`, query)))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Accept", "text/event-stream")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		return response
	}
	for query, want := range map[string]string{
		"{ name }":              `event: next|data: {"data":{"name":"test"}}|event: complete|data:`,
		"{ nome }":              `event: next|data: {"errors":[{"message":"Cannot query field \"nome\" on type \"Query\". Did you mean \"name\"?","locations":[{"line":1,"column":3}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}|event: complete|data:`,
		"subscription { name }": `event: next|data: {"data":{"name":"test"}}|event: complete|data:`,
	} {
		response, got := ask(query), new(strings.Builder) //nolint:bodyclose // ask does
		if strings.HasPrefix(query, "subscription") {
			api.SendNextSubscriptionMessage()
			api.SendCompleteSubscriptionMessage()
		}
		if _, err := io.Copy(got, response.Body); err != nil {
			t.Fatal(err)
		}
		var lines []string
		for line := range strings.Lines(got.String()) {
			if line = strings.TrimSuffix(line, "\n"); line != "" && line != ":" {
				lines = append(lines, line)
			}
		}
		if said := strings.Join(lines, "|"); said != want || response.Header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("%s: %s\n%s\nnot\n%s", query, response.Header, said, want)
		}
	}
	// What is no request at all is no stream either.
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader("query"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("%s", response.Status)
	}
}

// message is one of graph-transport-ws.
type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// Clients that break the protocol get the close codes that it has for it.
func TestSocketRules(t *testing.T) {
	subscribe := func(id string) message {
		return message{"subscribe", id, json.RawMessage(`{"query":"subscription { name }"}`)}
	}
	hello := message{Type: "connection_init"}
	for name, c := range map[string]struct {
		protocol string
		says     []any
		code     int
	}{
		"says nothing":                {wire.Protocol, nil, 4408},
		"asks before it greets":       {wire.Protocol, []any{subscribe("1")}, 4401},
		"greets twice":                {wire.Protocol, []any{hello, hello}, 4429},
		"asks twice under one id":     {wire.Protocol, []any{hello, subscribe("1"), subscribe("1")}, 4409},
		"asks without an id":          {wire.Protocol, []any{hello, subscribe("")}, 4400},
		"says what there is not":      {wire.Protocol, []any{hello, message{Type: "start", ID: "1"}}, 4400},
		"says what is no JSON object": {wire.Protocol, []any{hello, "x"}, 4400},
		"greets with what is no JSON": {wire.Protocol, []any{"x"}, 4400},
		"speaks the protocol of old":  {"graphql-ws", []any{hello}, 4406},
		"names no protocol":           {"", []any{hello}, 4406},
	} {
		t.Run(name, func(t *testing.T) {
			_, server := serve(t)
			conn := dial(t, server, c.protocol)
			for _, m := range c.says {
				_ = wsjson.Write(t.Context(), conn, m) // the socket may be closed by now
			}
			for {
				var m message
				if err := read(t, conn, &m); err != nil {
					if code := websocket.CloseStatus(err); int(code) != c.code {
						t.Errorf("closed by %d (%v), not %d", code, err, c.code)
					}
					return
				}
			}
		})
	}
}

func dial(t *testing.T, server *httptest.Server, protocol string) *websocket.Conn {
	t.Helper()
	options := &websocket.DialOptions{}
	if protocol != "" {
		options.Subprotocols = []string{protocol}
	}
	conn, response, err := websocket.Dial(t.Context(), server.URL, options)
	if err != nil {
		t.Fatal(err)
	}
	if response.Body != nil {
		response.Body.Close()
	}
	t.Cleanup(func() { conn.CloseNow() })
	return conn
}

// read reads the next message.
func read(t *testing.T, conn *websocket.Conn, m *message) error {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return wsjson.Read(ctx, conn, m)
}

// An id is free again once its operation is over, and not before; so is its
// place.
func TestSocketPlaces(t *testing.T) {
	api, server := serve(t)
	conn := dial(t, server, wire.Protocol)
	send := func(m message) {
		t.Helper()
		if err := wsjson.Write(t.Context(), conn, m); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(kind, id string) message {
		t.Helper()
		var m message
		if err := read(t, conn, &m); err != nil || m.Type != kind || m.ID != id {
			t.Fatalf("%+v, %v; want %s %s", m, err, kind, id)
		}
		return m
	}
	subscription := json.RawMessage(`{"query":"subscription { name }"}`)
	send(message{Type: "connection_init"})
	expect("connection_ack", "")
	send(message{Type: "ping"})
	expect("pong", "")
	send(message{"subscribe", "1", subscription})
	send(message{"subscribe", "2", subscription})
	send(message{"subscribe", "3", subscription})
	if m := expect("error", "3"); string(m.Payload) != `[{"message":"TOO_MANY_REQUESTS: This connection has 2 operations running already, the maximum. Wait for one to end."}]` {
		t.Errorf("%s", m.Payload)
	}
	api.SendNextSubscriptionMessage()
	var m message
	if err := read(t, conn, &m); err != nil || m.Type != "next" {
		t.Fatal(m, err)
	}
	send(message{Type: "complete", ID: "1"})
	expect("complete", "1")
	send(message{"subscribe", "1", subscription})
	send(message{"subscribe", "4", json.RawMessage(`{"query":"{ nome }"}`)})
	expect("error", "4")
	send(message{Type: "complete", ID: "2"})
	expect("complete", "2")
	send(message{"subscribe", "5", json.RawMessage(`{"query":"{ nome }"}`)})
	expect("error", "5") // and nothing after it
	send(message{"subscribe", "6", json.RawMessage(`{"query":"{ name }"}`)})
	expect("next", "6")
	expect("complete", "6")
}
