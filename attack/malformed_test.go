package attack

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// malformed are attacks by malformed and ambiguous HTTP.
func malformed() []attack {
	return []attack{
		{name: "requests that proxies read in another way", anonymous: true, do: func(a *attacker) {
			forms := a.smuggled()
			a.times(len(forms), 4, func(i int) { a.smuggle(forms[i%len(forms)]) })
		}},
		{name: "headers by thousands", anonymous: true, do: func(a *attacker) {
			long := "GET /healthz HTTP/1.1\r\nHost: x\r\n" + numbered(a.n(6000), "X-%d: x\r\n") + "\r\n"
			a.times(32, 4, func(int) { a.raw(long) })
		}},
		{name: "a header of a megabyte", anonymous: true, do: func(a *attacker) {
			long := "GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", a.n(2_000_000)) + "\r\n\r\n"
			a.times(32, 4, func(int) { a.raw(long) })
		}},
		{name: "cookies by thousands", anonymous: true, first: "400 BAD_REQUEST", do: func(a *attacker) {
			cookies := strings.Repeat("a=b; ", a.n(14_000))
			for _, path := range []string{"/graphql", "/veille", "/playground", "/"} {
				a.times(8, 4, func(int) {
					a.send(request{method: http.MethodGet, path: path, header: http.Header{"Cookie": {cookies}}})
				})
			}
		}},
		{name: "addresses before addresses", anonymous: true, first: "400 BAD_REQUEST", do: func(a *attacker) {
			forwarded := strings.Repeat("127.0.0.1, ", a.n(6000))
			a.times(64, 4, func(int) { a.send(request{header: http.Header{"X-Forwarded-For": {forwarded}}, body: `{}`}) })
		}},
		{name: "languages and types without end", anonymous: true, cpu: 3 * time.Second, do: func(a *attacker) {
			body := operation(`{ departments { code } }`, nil)
			for _, header := range []http.Header{
				{"Accept-Language": {strings.Repeat("fr;q=0.1,", a.n(7500))}}, {"Accept": {strings.Repeat("text/event-stream;q=0.1,", a.n(2800))}},
				{"Content-Type": {"application/json" + strings.Repeat("; a=b", a.n(13_000))}}, {"Content-Type": {"multipart/form-data; boundary=" + strings.Repeat("x", 65_000)}},
				{"Accept-Language": {strings.Repeat("a-", a.n(33_000))}}, {"Origin": {"https://" + strings.Repeat("a.", a.n(33_000))}},
			} {
				a.times(8, 4, func(int) { a.send(request{header: header, body: body}) })
			}
		}},
		{name: "every method on every path", anonymous: true, do: func(a *attacker) {
			for _, path := range oddPaths() {
				for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X"} {
					a.raw(method + " " + path + " HTTP/1.1\r\nHost: " + a.address + "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
				}
			}
		}},
		{name: "links of mails that are guessed", anonymous: true, first: "404", do: func(a *attacker) {
			a.times(200, 8, func(i int) {
				path := []string{"/confirm", "/leave", "/confirm/x"}[i%3]
				got := a.send(request{method: []string{"GET", "POST"}[i%2], path: fmt.Sprintf("%s/%d.%032x", path, i, i), header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, body: "List-Unsubscribe=One-Click"})
				if got.status == http.StatusOK {
					a.Errorf("%s: %d", path, got.status)
				}
			})
		}},
		{name: "uploads to pages that take none", anonymous: true, first: "405", do: func(a *attacker) {
			long := strings.Repeat("x", a.n(20_000_000))
			for _, path := range []string{"/", "/healthz", "/readyz", "/veille", "/playground", "/confirm", "/nothing"} {
				a.times(4, 4, func(int) { a.send(request{path: path, body: long}) })
			}
		}},
	}
}

// raw sends a text and reads what comes until the server has nothing more to
// say.
func (a *attacker) raw(text string) []byte {
	conn, err := a.dial(false)
	if err != nil {
		a.note("not connected", nil)
		return nil
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	_, _ = io.WriteString(conn, text) // it may be cut
	_ = conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	answered, _ := io.ReadAll(conn) // the time is over
	status, _, _ := strings.Cut(strings.TrimPrefix(string(answered), "HTTP/1.1 "), " ")
	a.note(or(status, "cut"), answered)
	return answered
}

// smuggled are requests in which another may hide, and the number of answers
// that each may have at the most.
func (a *attacker) smuggled() []string {
	const hidden = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	head := "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	return []string{
		head + "Content-Length: 0\r\nContent-Length: 38\r\n\r\n" + hidden,
		head + "Content-Length: 0, 38\r\n\r\n" + hidden,
		head + "Content-Length: +38\r\n\r\n" + hidden,
		head + "Content-Length: 0x0\r\n\r\n" + hidden,
		head + "Content-Length: -1\r\n\r\n" + hidden,
		head + "Content-Length: 99999999999999999999\r\n\r\n" + hidden,
		head + "Content-Length : 0\r\n\r\n" + hidden,
		head + "Content-Length: 38\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
		head + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + hidden,
		head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		head + "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + hidden,
		head + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + hidden,
		head + "Transfer-Encoding: chunked\r\n\r\n-1\r\n" + hidden,
		head + "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + hidden,
		head + "Transfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("x", 100_000) + "\r\nx\r\n0\r\n\r\n",
		head + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X-Trailer: x\r\n", 50_000) + "\r\n",
		"POST /graphql HTTP/1.1\nHost: x\nContent-Length: 38\nTransfer-Encoding: chunked\n\n0\n\n" + hidden,
		"GET /graphql HTTP/1.1\r\nHost: x\r\n Folded: y\r\nContent-Length: 38\r\n\r\n" + hidden,
		"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "GET /healthz HTTP/1.1\r\n\r\n", "GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n", "GET /healthz\r\n\r\n",
		"GET http://other.example/healthz HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /healthz HTTP/1.1\r\nHost: x\r\nA\x00B: y\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\x00\x00\x00\x00", strings.Repeat("A", 2_000_000), strings.Repeat("\r\n", 100_000),
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /graphql HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 999999999\r\n\r\n", "GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
	}
}

// smuggle sends a request in which another hides. Whatever proxies make of it,
// the one that hides is not answered as well where the first is in doubt.
func (a *attacker) smuggle(text string) {
	answered := a.raw(text)
	if ambiguous := strings.Count(text, "Content-Length") > 1 || strings.Contains(text, "xchunked") || strings.Contains(text, "\x0b"); !ambiguous {
		return
	}
	if n := bytes.Count(answered, []byte("HTTP/1.1 ")); n > 1 {
		a.Errorf("%.200q is answered %d times", text, n)
	}
}

// oddPaths are paths that servers trip over.
func oddPaths() []string {
	return []string{
		"/", "/graphql", "/graphql/", "//graphql", "/graphql/..", "/./graphql", "/GRAPHQL", "/graphql%00", "/graphql;x", "/graphql?", "/graphql#x", "/%67raphql", "/confirm", "/confirm/", "/confirm/a/b", "/confirm/%2e%2e/x",
		"/confirm/" + strings.Repeat("a", 100_000), "/leave/\xff", "/veille", "/veille/../etc/passwd", "/veille/..%2f..%2fetc/passwd", "/veille/%c0%ae", "/playground/../../x", "/playground/assets.sha256", "/metrics", "/debug/pprof/", "/readyz", "/healthz", "/.git/config", "/.env",
	}
}
