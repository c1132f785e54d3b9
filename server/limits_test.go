package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/testserver"
	"github.com/coder/websocket"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/graph"
	"vigie/graph/wire"
)

// limited is a running server with settings of its own; the token is that of a
// person.
func limited(t *testing.T, settings map[string]string) (base string, token func(name string) string) {
	t.Helper()
	env := map[string]string{"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir()}
	for name, value := range settings {
		env[name] = value
	}
	base = start(t, env, nil, "serve").listening(t)
	ready(t, base)
	return base, func(name string) string {
		t.Helper()
		c := claims{Email: name + "@example.org", EmailVerified: true}
		if name == "portal" {
			c = claims{Scope: publishScope, Sources: []string{name}}
		}
		signed, err := sign(testSecret, name, c, time.Now(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
}

// Everyone has a turn of their own: accounts, addresses without a token, and
// those that bring wrong ones.
func TestTurns(t *testing.T) {
	base, token := limited(t, map[string]string{"VIGIE_RATE_ACCOUNT": "3", "VIGIE_RATE_ADDRESS": "2", "VIGIE_RATE_BAD_TOKENS": "2"})
	expect := func(token, query string, status int, code string) {
		t.Helper()
		if got := ask(t, base, token, query, nil); got.status != status || got.code() != code {
			t.Errorf("%d %v, not %d %s", got.status, got.Errors, status, code)
		}
	}
	const mine, anyones = "{ viewer { email } }", "{ limits { watches: __typename } }"
	for range 3 {
		expect(token("ana"), mine, 200, "")
	}
	expect(token("ana"), mine, 429, "TOO_MANY_REQUESTS")
	socket := connect(t, base, token("ana"), "")
	socket.expect("connection_ack")
	socket.send(wsMessage{ID: "1", Type: "subscribe", Payload: []byte(`{"query":"{ viewer { email } }"}`)})
	if m, err := socket.next(); err != nil || !strings.Contains(string(m.Payload), "TOO_MANY_REQUESTS") {
		t.Errorf("on a socket: %s, %v", m.Payload, err)
	}
	expect(token("bob"), mine, 200, "")
	for range 2 {
		expect("", anyones, 200, "")
	}
	expect("", anyones, 429, "TOO_MANY_REQUESTS")
	nobody := connect(t, base, "", "")
	nobody.expect("connection_ack")
	nobody.send(wsMessage{ID: "1", Type: "subscribe", Payload: []byte(`{"query":"{ limits { watches: __typename } }"}`)})
	if m, err := nobody.next(); err != nil || !strings.Contains(string(m.Payload), "TOO_MANY_REQUESTS") {
		t.Errorf("on a socket without a token: %s, %v", m.Payload, err)
	}
	for range 2 {
		expect("wrong", mine, 401, "UNAUTHENTICATED")
	}
	refused := ask(t, base, "wrong", mine, nil)
	if refused.status != 429 || refused.code() != "TOO_MANY_REQUESTS" || fmt.Sprint(refused.Errors[0].Extensions["limit"]) != "map[maximum:2 name:badTokens]" {
		t.Errorf("after too many wrong tokens: %d %v", refused.status, refused.Errors)
	}
	expect(token("eve"), mine, 200, "")
}

// However many wrong tokens come, the issuer is asked for its keys only now and
// then.
func TestFloodOfWrongTokens(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issuer := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "1", Algorithm: "ES256"}}}
	var asked atomic.Int64
	discovery := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		issuer.ServeHTTP(w, r)
	}))
	defer discovery.Close()
	issuer.SetIssuer(discovery.URL)
	base, _ := limited(t, map[string]string{"VIGIE_OIDC_ISSUER": discovery.URL, "VIGIE_OIDC_AUDIENCE": "vigie", "VIGIE_RATE_BAD_TOKENS": "1000"})
	token := func(kid string) string {
		t.Helper()
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", kid))
		if err != nil {
			t.Fatal(err)
		}
		signed, err := jwt.Signed(signer).Claims(map[string]any{
			"iss": discovery.URL, "aud": "vigie", "sub": "1", "exp": time.Now().Add(time.Hour).Unix(), "email": "a@example.org",
		}).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	for i := range 50 {
		if got := ask(t, base, token(fmt.Sprint("unknown-", i)), "{ viewer { email } }", nil); got.status != http.StatusUnauthorized {
			t.Fatalf("%+v", got)
		}
	}
	if got := ask(t, base, token("1"), "{ viewer { email } }", nil); got.status != http.StatusOK {
		t.Errorf("%+v", got)
	}
	if n := asked.Load(); n > 2 { // the discovery, and the keys
		t.Errorf("the issuer was asked %d times", n)
	}
}

// A request has a limit of length, which is higher for one that brings notices.
func TestBodies(t *testing.T) {
	base, token := limited(t, map[string]string{"VIGIE_MAX_BODY": "1000"})
	long := func(n int) map[string]any { return map[string]any{"x": strings.Repeat("x", n)} }
	for _, c := range []struct {
		who    string
		length int
		status int
	}{{"ana", 500, 200}, {"ana", 1000, 413}, {"portal", 15_000, 200}, {"portal", 16_000, 413}} {
		if got := ask(t, base, token(c.who), "{ departments { code } }", long(c.length)); got.status != c.status || c.status == 413 && got.code() != "LIMIT_EXCEEDED" {
			t.Errorf("%s, %d bytes: %d %v", c.who, c.length, got.status, got.Errors)
		}
	}
}

// If too many come at once, some wait, the others are asked to try again, and
// when it is quiet all are let in as before. Queries over event streams are no
// exception.
func TestShedding(t *testing.T) {
	g, err := limitSettings{MaxBody: 1000, MaxInFlight: 1, MaxStreams: 1, MaxConnections: 1, RateAddress: 100}.open(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	api := testserver.New()
	api.AddTransport(wire.Stream{Intake: g.intake(), KeepAlive: time.Minute})
	api.AddTransport(&wire.HTTP{Intake: g.intake()})
	handler := g.identify(g.countStreams(api))
	come := func(accept string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(`{"query":"{ name }"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	leave, err := g.answers.enter(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	statuses := make(chan int)
	for range 4 {
		go func() { statuses <- come("").Code }()
	}
	waitFor(t, "four wait", func() bool {
		if !g.answers.waiting.TryAcquire(1) {
			return true
		}
		g.answers.waiting.Release(1)
		return false
	})
	if w := come(""); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("the sixth: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := come("text/event-stream"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a query over an event stream at that time: %d", w.Code)
	}
	for range 4 { // a second is over
		if status := <-statuses; status != http.StatusServiceUnavailable {
			t.Errorf("who waited in vain: %d", status)
		}
	}
	leave()
	leave() // once too often
	for range 2 {
		if w := come(""); w.Code != http.StatusOK {
			t.Errorf("once it is quiet: %d %s", w.Code, w.Body)
		}
	}
	end, err := g.streams.take("another", 1, never)
	if err != nil {
		t.Fatal(err)
	}
	if w := come("text/event-stream"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "UNAVAILABLE") {
		t.Errorf("a stream too many: %d %v %s", w.Code, w.Header(), w.Body)
	}
	end()
	if w := come("text/event-stream"); w.Code != http.StatusOK {
		t.Errorf("a stream where another has ended: %d", w.Code)
	}
	r := prometheus.NewRegistry()
	r.MustRegister(g.overloads)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if got := families[0].GetMetric()[0].GetCounter().GetValue(); got != 7 {
		t.Errorf("of seven refusals %v are counted", got)
	}
}

// One caller has no more than its share, and all together no more than the
// whole.
func TestShares(t *testing.T) {
	s := newShares(3, 5)
	take := func(who string, n int64, want vigie.Code) func() {
		t.Helper()
		give, err := s.take(who, n, never)
		if vigie.CodeOf(err) != want {
			t.Errorf("%s takes %d: %v, want %s", who, n, err, want)
		}
		return give
	}
	first := take("ana", 2, "")
	take("ana", 2, vigie.TooManyRequests)
	second := take("bob", 3, "")
	take("ana", 1, vigie.Unavailable)
	second()
	second() // once too often
	take("ana", 1, "")()
	take("bob", 3, "")()
	first()
	if s.taken != 0 || len(s.by) != 0 {
		t.Errorf("%d are taken, by %v", s.taken, s.by)
	}
}

// Where all is taken, who has most makes room, with the oldest that can be ended,
// for who would have less; nobody else does.
func TestSharesMakeRoom(t *testing.T) {
	s := newShares(4, 6)
	var cut []string
	take := func(who, name string, n int64, can bool, want vigie.Code) func() {
		t.Helper()
		give, err := s.take(who, n, func() bool {
			if can {
				cut = append(cut, name)
			}
			return can
		})
		if vigie.CodeOf(err) != want {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
		return give
	}
	cutOff := func(want ...string) {
		t.Helper()
		if !slices.Equal(cut, want) {
			t.Errorf("cut off are %v, not %v", cut, want)
		}
	}
	working := take("ana", "ana at work", 1, false, "")
	old := take("ana", "ana's oldest", 1, true, "")
	take("ana", "ana's second", 2, true, "")
	take("bob", "bob's oldest", 2, true, "")
	take("bob", "bob's, as ana would have as much", 2, true, vigie.Unavailable)
	cutOff()
	take("eve", "eve's", 1, true, "")
	cutOff("ana's oldest")
	old() // it is no longer ana's to give
	take("eve", "eve's second", 1, true, "")
	cutOff("ana's oldest", "ana's second")
	take("zoe", "zoe's", 2, true, vigie.Unavailable) // ana's cannot be ended, the others have no more
	working()
	take("zoe", "zoe's", 2, true, "")
	if s.taken != 6 || s.by["ana"] != nil {
		t.Errorf("%d are taken, by %v", s.taken, s.by)
	}
}

// waitFor waits until something is true.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never comes that %s", what)
		}
	}
}

// Who stands before a proxy that we trust is known by what the proxy says, and
// by nothing else.
func TestAddress(t *testing.T) {
	g, err := limitSettings{MaxInFlight: 1, TrustedProxies: []string{"10.0.0.0/8", "::1/128"}}.open(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][3]string{
		{"192.0.2.1:1", "198.51.100.7", "192.0.2.1"},
		{"10.1.1.1:1", "198.51.100.7", "198.51.100.7"},
		{"10.1.1.1:1", "203.0.113.9, 198.51.100.7, 10.2.2.2", "198.51.100.7"},
		{"10.1.1.1:1", "", "10.1.1.1"},
		{"10.1.1.1:1", "nonsense", "10.1.1.1"},
		{"[::1]:1", "2001:db8::1", "2001:db8::1"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = c[0]
		r.Header.Set("X-Forwarded-For", c[1])
		if got := g.address(r); got != c[2] {
			t.Errorf("%s for %q is %s, not %s", c[0], c[1], got, c[2])
		}
	}
}

// Pages elsewhere may call the API only where they are allowed to, and every
// answer has headers that make browsers careful.
func TestOrigins(t *testing.T) {
	closed, _ := limited(t, nil)
	open, _ := limited(t, map[string]string{"VIGIE_ALLOWED_ORIGINS": "https://*.platform.example"})
	for _, c := range []struct {
		base, origin string
		allowed      bool
	}{{closed, "https://www.platform.example", false}, {open, "https://www.platform.example", true}, {open, "https://platform.example.evil.example", false}} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, c.base+"/graphql", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Origin", c.origin)
		request.Header.Set("Access-Control-Request-Method", http.MethodPost)
		request.Header.Set("Access-Control-Request-Headers", "authorization,content-type")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := response.Header.Get("Access-Control-Allow-Origin"); (got == c.origin) != c.allowed || got != "" && !c.allowed {
			t.Errorf("a preflight from %s: %q", c.origin, got)
		}
		request.URL.Path = "/export/tenders.csv"
		request.Header.Set("Access-Control-Request-Method", http.MethodGet)
		request.Header.Set("Access-Control-Request-Headers", "authorization")
		if response, err = http.DefaultClient.Do(request); err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := response.Header.Get("Access-Control-Allow-Origin"); (got == c.origin) != c.allowed {
			t.Errorf("a preflight of an export from %s: %q", c.origin, got)
		}
		conn, status, err := dial(t, c.base, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{"Origin": {c.origin}}})
		if c.allowed != (err == nil) || !c.allowed && status != http.StatusForbidden {
			t.Errorf("a socket from %s: %d, %v", c.origin, status, err)
		}
		if err == nil {
			conn.CloseNow()
		}
	}
	for path, policy := range map[string]string{
		"/graphql": "default-src 'none'", "/playground": "script-src 'self'", "/readyz": "default-src 'none'", "/nothing": "default-src 'none'",
	} {
		response, err := http.Get(closed + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		h := response.Header
		if !strings.Contains(h.Get("Content-Security-Policy"), policy) || strings.Contains(h.Get("Content-Security-Policy"), "unsafe-eval") ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Frame-Options") != "DENY" || len(h.Get("X-Request-Id")) < 8 {
			t.Errorf("%s: %v", path, h)
		}
	}
}

// A request's id is its own where it has a plain one.
func TestRequestIDs(t *testing.T) {
	base, _ := limited(t, nil)
	for brought, kept := range map[string]bool{"abc-123.DEF_4": true, "short": false, "with spaces inside": false, "": false, strings.Repeat("x", 65): false} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Request-Id", brought)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := response.Header.Get("X-Request-Id"); got == "" || (got == brought) != kept {
			t.Errorf("%q became %q", brought, got)
		}
	}
}

// An account follows so often and no more; one that ends leaves its place to
// another. Operators see how many there are.
func TestSubscriptionPlaces(t *testing.T) {
	env := map[string]string{
		"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_PRIVATE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir(), "VIGIE_MAX_SUBSCRIPTIONS": "1",
	}
	server := start(t, env, nil, "serve")
	base, private := server.listening(t), "http://"+server.said(t, `at=(127\.0\.0\.1:\d+)`)
	ready(t, base)
	ana, err := sign(testSecret, "ana", claims{Email: "ana@example.org", EmailVerified: true}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) (int, string) {
		t.Helper()
		response, err := http.Get(private + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	open := func(n int) func() bool {
		return func() bool {
			_, metrics := get("/metrics")
			return strings.Contains(metrics, fmt.Sprintf("\nvigie_subscriptions %d\n", n))
		}
	}
	first := connect(t, base, ana, "")
	first.subscribe()
	waitFor(t, "one is open", open(1))
	second := connect(t, base, ana, "")
	until(t, second.subscribe(), "TOO_MANY_REQUESTS")
	first.conn.CloseNow()
	waitFor(t, "none is open", open(0))
	third := connect(t, base, ana, "")
	third.subscribe()
	waitFor(t, "one is open again", open(1))
	if status, text := get("/debug/pprof/goroutine?debug=1"); status != http.StatusOK || !strings.Contains(text, "goroutine profile") {
		t.Errorf("no profile at the private address: %d", status)
	}
	response, err := http.Get(base + "/debug/pprof/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNotFound {
		t.Errorf("profiles at the public address: %s", response.Status)
	}
}

// Trusted documents are known by the id that their file gives them and by their
// hash, whichever tool wrote it.
func TestDocuments(t *testing.T) {
	const text = "query Departments { departments { code } }"
	want := map[string]string{"list-1": text, graph.Hash(text): text}
	for name, c := range map[string]struct {
		file string
		want map[string]string
	}{
		"an object":                      {`{"list-1": "query Departments { departments { code } }"}`, want},
		"Apollo's manifest":              {`{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": "list-1", "name": "Departments", "type": "query", "body": "query Departments { departments { code } }"}]}`, want},
		"nothing":                        {`{}`, map[string]string{}},
		"an id twice":                    {`{"list-1": "query Departments { departments { code } }", "list-1": "{ choices { natures { value } } }"}`, nil},
		"Apollo's ids twice":             {`{"format": "apollo-persisted-query-manifest", "operations": [{"id": "list-1", "body": "{ a }"}, {"id": "list-1", "body": "query Departments { departments { code } }"}]}`, nil},
		"Apollo's names in another case": {`{"format": "apollo-persisted-query-manifest", "operations": [{"ID": "list-1", "Body": "query Departments { departments { code } }"}]}`, nil},
		"Apollo's without a body":        {`{"format": "apollo-persisted-query-manifest", "operations": [{"id": "list-1"}]}`, nil},
		"an empty document":              {`{"list-1": ""}`, nil},
		"another object":                 {`{"operations": [{"id": "list-1"}]}`, nil},
		"no object":                      {`["query Departments { departments { code } }"]`, nil},
		"half an object":                 {`{"list-1": "query`, nil},
	} {
		file := filepath.Join(t.TempDir(), "documents.json")
		if err := os.WriteFile(file, []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := limitSettings{TrustedDocuments: file}.documents()
		if (err != nil) != (c.want == nil) || !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if got, err := (limitSettings{}).documents(); got != nil || err != nil {
		t.Errorf("without a file: %v, %v", got, err)
	}
}

// Each answer shows the rate, and a refusal when to come back.
func TestRateIsShown(t *testing.T) {
	base, token := limited(t, map[string]string{"VIGIE_RATE_ACCOUNT": "2", "VIGIE_RATE_ADDRESS": "30"})
	headers := func(token string) http.Header {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/graphql", strings.NewReader(`{"query":"{ limits { maxWatches } }"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.Header
	}
	for _, want := range []string{`"account";r=1;`, `"account";r=0;`, `"account";r=0;`} {
		h := headers(token("ana"))
		if h.Get("RateLimit-Policy") != `"account";q=2;w=60` || !strings.HasPrefix(h.Get("RateLimit"), want) {
			t.Errorf("%v, want %s", h, want)
		}
	}
	if seconds, err := strconv.Atoi(headers(token("ana")).Get("Retry-After")); err != nil || seconds < 1 || seconds > 30 {
		t.Errorf("come back after %d s, %v", seconds, err)
	}
	if h := headers(""); h.Get("RateLimit-Policy") != `"address";q=30;w=60` || !strings.HasPrefix(h.Get("RateLimit"), `"address";r=29;`) {
		t.Errorf("without a token: %v", h)
	}
}

// Too many wrong tokens close a socket as too much at once does, and are no
// fault of ours in the log.
func TestWrongTokensOnSockets(t *testing.T) {
	env := map[string]string{"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir(), "VIGIE_RATE_BAD_TOKENS": "2"}
	server := start(t, env, nil, "serve")
	base := server.listening(t)
	ready(t, base)
	for i, want := range []websocket.StatusCode{4401, 4401, 1013, 1013} {
		_, err := connect(t, base, "", "wrong").next()
		if code := websocket.CloseStatus(err); code != want {
			t.Errorf("wrong token %d closes by %d (%v), not %d", i+1, code, err, want)
		}
	}
	if log := server.err.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the log says\n%s", log)
	}
}
