package attack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// attacker is somebody at one address, who may have a token.
type attacker struct {
	testing.TB
	*server
	ctx    context.Context // ends with the attack
	line   context.Context // ends when what is still sent or awaited is given up
	at     string          // its address
	token  string
	client *http.Client
	// random draws what the attack leaves open. The suite's always draws the
	// same.
	random *rand.Rand
	// wild has sizes and counts be drawn.
	wild bool

	mutex  sync.Mutex
	conns  []net.Conn
	counts map[string]int // of answers, by status and code
	first  *answer        // nil where none was asked for by HTTP
}

// attacker is one at an address that nobody attacked from.
func (s *server) attacker(t testing.TB) *attacker {
	n := s.attackers.Add(1)
	a := &attacker{TB: t, server: s, ctx: t.Context(), line: t.Context(), at: fmt.Sprintf("127.1.%d.%d", n/250, n%250+1), counts: make(map[string]int)}
	a.random = rand.New(rand.NewPCG(1, 1))
	a.token = s.issuer.token(t, "attacker-"+a.at, nil)
	a.client = clientFrom(a.at, time.Minute)
	return a
}

// n is a size or count: n itself, or, of a wild attacker, up to twice that.
func (a *attacker) n(n int) int {
	if !a.wild {
		return n
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return 1 + a.random.IntN(2*n)
}

// leave lets go of all that it holds.
func (a *attacker) leave() {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for _, conn := range a.conns {
		conn.Close()
	}
	a.conns = nil
	a.client.CloseIdleConnections()
}

// answer is what the server answered.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error
}

// code is that of the first error, "" if there is none.
func (r answer) code() string {
	var body struct {
		Errors []struct{ Extensions struct{ Code string } }
	}
	if json.Unmarshal(r.body, &body) != nil || len(body.Errors) == 0 {
		return ""
	}
	return body.Errors[0].Extensions.Code
}

// String is the status, with the code of the first error and the limit that it
// names.
func (r answer) String() string {
	var body struct {
		Errors []struct {
			Extensions struct{ Limit struct{ Name string } }
		}
	}
	limit := ""
	if json.Unmarshal(r.body, &body) == nil && len(body.Errors) > 0 {
		limit = body.Errors[0].Extensions.Limit.Name
	}
	return strings.TrimSpace(fmt.Sprint(r.status, " ", r.code(), " ", limit))
}

// request is one that an attacker makes; POST to the API as JSON unless said.
type request struct {
	method, path string
	header       http.Header
	body         string
}

// send sends a request, and notes what was answered.
func (a *attacker) send(r request) answer {
	if r.method == "" {
		r.method = http.MethodPost
	}
	if r.path == "" {
		r.path = "/graphql"
	}
	out, err := http.NewRequestWithContext(a.line, r.method, a.url(r.path), strings.NewReader(r.body))
	if err != nil {
		return answer{err: err}
	}
	if out.Header = r.header.Clone(); out.Header == nil {
		out.Header = make(http.Header)
	}
	if out.Header.Get("Content-Type") == "" {
		out.Header.Set("Content-Type", "application/json")
	}
	if a.token != "" && out.Header.Get("Authorization") == "" {
		out.Header.Set("Authorization", "Bearer "+a.token)
	}
	response, err := a.client.Do(out)
	if err != nil {
		a.note("cut", nil)
		return answer{err: err}
	}
	defer response.Body.Close()
	got := answer{status: response.StatusCode, header: response.Header}
	got.body, got.err = io.ReadAll(response.Body)
	a.mutex.Lock()
	if a.first == nil {
		a.first = &got
	}
	a.mutex.Unlock()
	a.note(strings.TrimSpace(fmt.Sprint(got.status, " ", got.code())), got.body)
	return got
}

// ask sends an operation.
func (a *attacker) ask(query string, variables any) answer {
	return a.send(request{body: operation(query, variables)})
}

// operation is the body of a request.
func operation(query string, variables any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(map[string]any{"query": query, "variables": variables}) // of strings and their like: it cannot fail
	return text.String()
}

// note counts an answer. One that is our fault fails the test.
func (a *attacker) note(what string, body []byte) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.counts[what]++; a.counts[what] == 1 && (strings.HasPrefix(what, "500") || bytes.Contains(body, []byte(`"INTERNAL"`))) {
		a.Errorf("answered %s: %.500s", what, body)
	}
}

// answers are the counts, for people to read.
func (a *attacker) answers() string {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	var list []string
	for what, n := range a.counts {
		list = append(list, fmt.Sprintf("%d × %s", n, what))
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// times does something so often, some at once, unless the attack is over. The
// first is done alone, so that its answer is its own.
func (a *attacker) times(n, atOnce int, do func(i int)) {
	a.Helper()
	var all sync.WaitGroup
	places := make(chan bool, atOnce)
	for i := range a.n(n) {
		select {
		case places <- true:
		case <-a.ctx.Done():
			all.Wait()
			return
		}
		if i == 0 {
			do(i)
			<-places
			continue
		}
		all.Go(func() {
			defer func() { <-places }()
			do(i)
		})
	}
	all.Wait()
}

// untilOver waits until the attack is over.
func (a *attacker) untilOver() { <-a.ctx.Done() }

// dial opens a connection, which is closed when the attack is over.
// One that reads little has a small window.
func (a *attacker) dial(readsLittle bool) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(a.at)}, Timeout: 10 * time.Second}
	if readsLittle {
		dialer.Control = func(_, _ string, raw syscall.RawConn) error {
			var set error
			return firstError(raw.Control(func(fd uintptr) {
				set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 2048)
			}), set)
		}
	}
	conn, err := dialer.DialContext(a.line, "tcp", a.address)
	if err != nil {
		return nil, err
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.conns = append(a.conns, conn)
	return conn, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// open opens many connections and sends something on each; a server may refuse
// any of them.
func (a *attacker) open(n int, readsLittle bool, text string) (conns []net.Conn) {
	var mutex sync.Mutex
	a.times(n, 50, func(int) {
		conn, err := a.dial(readsLittle)
		if err != nil {
			a.note("not connected", nil)
			return
		}
		if _, err := io.WriteString(conn, text); err != nil {
			a.note("cut", nil)
			return
		}
		mutex.Lock()
		defer mutex.Unlock()
		conns = append(conns, conn)
	})
	return conns
}

// post is a POST as it stands on the wire.
func (a *attacker) post(body string, headers ...string) string {
	lines := append([]string{"POST /graphql HTTP/1.1", "Host: " + a.address, "Content-Type: application/json", fmt.Sprint("Content-Length: ", len(body))}, headers...)
	if a.token != "" {
		lines = append(lines, "Authorization: Bearer "+a.token)
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

// message is one of graphql-transport-ws.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// socket opens a WebSocket and, sends connection_init if asked to; nil if it is
// refused.
func (a *attacker) socket(greet, readsLittle bool) *websocket.Conn {
	a.Helper()
	header := make(http.Header)
	if a.token != "" {
		header.Set("Authorization", "Bearer "+a.token)
	}
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return a.dial(readsLittle) }}
	conn, response, err := websocket.Dial(a.line, a.url("/graphql"), &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, HTTPHeader: header, Subprotocols: []string{"graphql-transport-ws"},
	})
	if response != nil && response.Body != nil {
		response.Body.Close()
	}
	if err != nil {
		a.note("socket refused", nil)
		return nil
	}
	conn.SetReadLimit(64 << 20)
	if !greet {
		return conn
	}
	var hello message
	if wsjson.Write(a.line, conn, message{Type: "connection_init"}) != nil || wsjson.Read(a.line, conn, &hello) != nil || hello.Type != "connection_ack" {
		a.note("socket refused", nil)
		return nil
	}
	return conn
}

// subscribe asks for something on a socket.
func (a *attacker) subscribe(conn *websocket.Conn, id, query string, variables any) error {
	return wsjson.Write(a.line, conn, message{ID: id, Type: "subscribe", Payload: json.RawMessage(operation(query, variables))})
}
