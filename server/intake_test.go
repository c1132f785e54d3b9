package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/metrics"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

const anyoneMayAsk = "{ limits { watches: __typename } }"

// rawPost opens a connection and sends a POST of which the body may be
// incomplete.
func rawPost(t *testing.T, base, headers, body string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: vigie.example\r\nContent-Type: application/json\r\n%s\r\n%s", headers, body); err != nil {
		t.Fatal(err)
	}
	return conn
}

// statusOf reads the status that a connection is answered with.
func statusOf(t *testing.T, conn net.Conn, within time.Duration) int {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// Requests whose bodies do not arrive hold no place, however many they are.
func TestIdleBodies(t *testing.T) {
	t.Parallel()
	base, token := limited(t, map[string]string{"VIGIE_MAX_IN_FLIGHT": "8"})
	ana := token("ana")
	var conns []net.Conn
	for i := range 120 {
		headers := "Content-Length: 9\r\n"
		if i%2 == 1 {
			headers += "Authorization: Bearer " + ana + "\r\n"
		}
		conns = append(conns, rawPost(t, base, headers, "{"))
	}
	for _, who := range []string{"bob", "eve"} {
		started := time.Now()
		if got := ask(t, base, token(who), "{ viewer { email } }", nil); got.status != http.StatusOK || got.code() != "" {
			t.Errorf("another account, during the attack: %d %v", got.status, got.Errors)
		}
		if took := time.Since(started); took > 3*time.Second {
			t.Errorf("another account is answered after %v", took)
		}
	}
	// Of one address, or account, only so many may be on their way; others are refused at once.
	if status := statusOf(t, conns[118], 3*time.Second); status != http.StatusTooManyRequests {
		t.Errorf("one more without a token: %d", status)
	}
	// A body that has not arrived is not waited for long.
	if status := statusOf(t, conns[0], 20*time.Second); status != http.StatusRequestTimeout {
		t.Errorf("a body that does not arrive: %d", status)
	}
}

// A GET with a body that does not arrive is such a request too.
func TestIdleBodyOfGet(t *testing.T) {
	base, token := limited(t, map[string]string{"VIGIE_MAX_IN_FLIGHT": "1"})
	for range 10 {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "GET /graphql?query=%7Bdepartments%7Bcode,name%7D%7D HTTP/1.1\r\nHost: vigie.example\r\nContent-Length: 9\r\n\r\n{")
		if got := ask(t, base, token("ana"), "{ viewer { email } }", nil); got.status != http.StatusOK {
			t.Fatalf("during the attack: %d %v", got.status, got.Errors)
		}
	}
}

// Answers that nobody reads hold no place.
func TestUnreadAnswers(t *testing.T) {
	base, token := limited(t, map[string]string{"VIGIE_MAX_IN_FLIGHT": "1", "VIGIE_RATE_ADDRESS": "1000000"})
	const query = `{"query":"{ __schema { types { name description fields { name description args { name description } } } } }"}`
	one := fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: vigie.example\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(query), query)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	// What the kernel keeps of answers is full at some time; then sending more
	// requests blocks too.
	stuck := false
	for range 3000 {
		conn.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := io.WriteString(conn, strings.Repeat(one, 100)); err != nil {
			stuck = true
			break
		}
	}
	if !stuck {
		t.Fatal("the kernel has taken all answers")
	}
	if got := ask(t, base, token("ana"), "{ viewer { email } }", nil); got.status != http.StatusOK {
		t.Errorf("during the attack: %d %v", got.status, got.Errors)
	}
}

// allocated is how many bytes this process has ever allocated.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// emptyObjects is a request with n values in its variables.
func emptyObjects(n int) string {
	return `{"query":"{ departments { code } }","variables":{"x":[` + strings.TrimSuffix(strings.Repeat("{},", n), ",") + `]}}`
}

// Values are counted before they are made: a request that is small and grows is
// refused at the cost of its text, whichever way it comes.
func TestManyValues(t *testing.T) {
	base, token := limited(t, nil)
	deep := `{"query":"{ departments { code } }","variables":{"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}}`
	post := func(accept, who, body string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/graphql", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Accept", accept)
		if who != "" {
			request.Header.Set("Authorization", "Bearer "+who)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK && !strings.Contains(string(text), "LIMIT_EXCEEDED") {
			t.Errorf("%s, %v", text, err)
		}
		return response.StatusCode
	}
	for name, c := range map[string]struct {
		who, body string
		status    int
	}{
		"few, of nobody":      {"", emptyObjects(500), 200},
		"many, of nobody":     {"", emptyObjects(20_000), 413},
		"much, of nobody":     {"", emptyObjects(340_000), 413},
		"deep, of nobody":     {"", deep, 413},
		"few, of someone":     {token("ana"), emptyObjects(10_000), 200},
		"many, of someone":    {token("ana"), emptyObjects(340_000), 413},
		"deep, of someone":    {token("ana"), deep, 413},
		"many, of publishers": {token("portal"), emptyObjects(200_000), 200},
		"more, of publishers": {token("portal"), emptyObjects(400_000), 413},
	} {
		for _, accept := range []string{"application/json", "text/event-stream"} {
			before := allocated()
			if status := post(accept, c.who, c.body); status != c.status {
				t.Errorf("%s for %s: %d, not %d", name, accept, status, c.status)
			}
			if grown := allocated() - before; c.status != 200 && grown > 8<<20 {
				t.Errorf("%s for %s: %d MB were allocated for it", name, accept, grown>>20)
			}
		}
	}
}

// On a socket, too: the operation is refused, and the socket goes on.
func TestManyValuesOnSocket(t *testing.T) {
	base, token := limited(t, nil)
	for name, c := range map[string]struct {
		who string
		n   int
	}{"of nobody": {"", 15_000}, "of someone": {token("ana"), 300_000}} {
		socket := connect(t, base, c.who, "")
		socket.expect("connection_ack")
		before := allocated()
		socket.send(wsMessage{ID: "1", Type: "subscribe", Payload: json.RawMessage(emptyObjects(c.n))})
		if m := socket.expect("error"); !strings.Contains(string(m.Payload), "LIMIT_EXCEEDED") {
			t.Errorf("%s: %s", name, m.Payload)
		}
		if grown := allocated() - before; grown > 16<<20 { // the test's own share is half
			t.Errorf("%s: %d MB were allocated for it", name, grown>>20)
		}
		socket.send(wsMessage{ID: "1", Type: "subscribe", Payload: json.RawMessage(`{"query":"{ departments { code } }"}`)})
		socket.expect("next")
		socket.expect("complete")
	}
	// What is longer than one may send closes the socket, also before it greets.
	for name, says := range map[string][]string{
		"before it greets": {`{"type":"connection_init","payload":{"x":"` + strings.Repeat("x", 100_000) + `"}}`},
		"of nobody":        {`{"type":"connection_init"}`, `{"type":"subscribe","id":"1","payload":{"query":"` + strings.Repeat(" ", 100_000) + `"}}`},
		"of many values":   {`{"type":"connection_init","payload":{"x":[` + strings.TrimSuffix(strings.Repeat("{},", 5000), ",") + `]}}`},
	} {
		conn, _, err := dial(t, base, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range says {
			_ = conn.Write(t.Context(), websocket.MessageText, []byte(text)) // it may be closed already
		}
		for err == nil {
			_, _, err = conn.Read(t.Context())
		}
		want := websocket.StatusMessageTooBig
		if name == "of many values" {
			want = 4400
		}
		if websocket.CloseStatus(err) != want {
			t.Errorf("%s: %v, not %d", name, err, want)
		}
		conn.CloseNow()
	}
}

// Headers have room for the longest token and little else: they are read before
// anything is known of who sends them.
func TestLongHeaders(t *testing.T) {
	base, _ := limited(t, nil)
	for n, want := range map[int]int{maxToken: http.StatusUnauthorized, 128 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		conn := rawPost(t, base, "Content-Length: 2\r\nAuthorization: Bearer "+strings.Repeat("x", n)+"\r\n", "{}")
		if status := statusOf(t, conn, 10*time.Second); status != want {
			t.Errorf("a token of %d: %d, not %d", n, status, want)
		}
	}
}

// Compressed bodies are not read at all.
func TestCompressedBodies(t *testing.T) {
	base, _ := limited(t, nil)
	for encoding, want := range map[string]int{"gzip": 415, "deflate": 415, "br": 415, "zstd": 415, "gzip, gzip": 415, "identity": 200, "": 200} {
		body := `{"query":"` + anyoneMayAsk + `"}`
		headers := fmt.Sprintf("Content-Length: %d\r\n", len(body))
		if encoding != "" {
			headers += "Content-Encoding: " + encoding + "\r\n"
		}
		if status := statusOf(t, rawPost(t, base, headers, body), 10*time.Second); status != want {
			t.Errorf("%q: %d, not %d", encoding, status, want)
		}
	}
}

// An address has so many connections, and the others are not kept from theirs.
func TestConnectionsOfAnAddress(t *testing.T) {
	base, _ := limited(t, map[string]string{"VIGIE_MAX_CONNECTIONS": "5"})
	http.DefaultClient.CloseIdleConnections()
	dialFrom := func(address string) net.Conn {
		t.Helper()
		conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext(t.Context(), "tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	answers := func(conn net.Conn) bool {
		fmt.Fprint(conn, "GET /healthz HTTP/1.1\r\nHost: vigie.example\r\n\r\n")
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	}
	var open []net.Conn
	for range 5 {
		open = append(open, dialFrom("127.0.0.3"))
	}
	for _, conn := range open {
		if !answers(conn) {
			t.Error("a connection within the limit is not answered")
		}
	}
	if answers(dialFrom("127.0.0.3")) {
		t.Error("the sixth connection of an address is answered")
	}
	if !answers(dialFrom("127.0.0.4")) {
		t.Error("another address is not answered")
	}
	open[0].Close()
	waitFor(t, "a connection that is closed makes room", func() bool { return answers(dialFrom("127.0.0.3")) })
}

// Callers who together take all that may be on its way make room for those who
// have less: one of their requests is refused, and the others go on.
func TestWhoHasMostMakesRoom(t *testing.T) {
	base, token := limited(t, map[string]string{"VIGIE_MAX_BODY": "1000"})
	from := func(address string) *http.Client {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
		transport := &http.Transport{DialContext: dialer.DialContext}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport, Timeout: 10 * time.Second}
	}
	ask := func(address, token string) int {
		t.Helper()
		body := `{"query":"` + anyoneMayAsk + `"` + strings.Repeat(" ", 800) + `}`
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/graphql", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := from(address).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	var conns []net.Conn
	hold := func(token string) {
		for range 32 {
			conns = append(conns, rawPost(t, base, "Content-Length: 1000\r\nAuthorization: Bearer "+token+"\r\n", strings.Repeat(" ", 999)))
		}
	}
	hold(token("eve"))
	hold(token("eva"))
	hold(token("evi"))
	refused := func() (n int) {
		for _, conn := range conns {
			if answeredWith(t, conn, "503") {
				n++
			}
		}
		return n
	}
	waitFor(t, "all is taken, and more refused", func() bool { return refused() > 0 })
	before := refused()
	for i := range 10 {
		if status := ask("127.0.0.1", token(fmt.Sprint("ana", i))); status != http.StatusOK {
			t.Errorf("another account: %d", status)
		}
	}
	waitFor(t, "one makes room", func() bool { return refused() > before })
	if n := refused(); n > 60 {
		t.Errorf("%d of 96 are refused", n)
	}
}

// answeredWith reports whether a connection is answered by a status already.
func answeredWith(t *testing.T, conn net.Conn, status string) bool {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 64)
	n := 0
	if err := raw.Read(func(fd uintptr) bool {
		n, _, _ = syscall.Recvfrom(int(fd), text, syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return strings.HasPrefix(string(text[:max(n, 0)]), "HTTP/1.1 "+status)
}

// The caller with most of the streams makes room for a caller with fewer: one is
// closed, by a code or an end that has its client come back.
func TestStreamsMakeRoom(t *testing.T) {
	base, token := limited(t, map[string]string{"VIGIE_MAX_STREAMS": "4"})
	event := func(who string) net.Conn {
		body := `{"query":"subscription { tenderMatched { kind } }"}`
		return rawPost(t, base, fmt.Sprintf("Accept: text/event-stream\r\nContent-Length: %d\r\nAuthorization: Bearer %s\r\n", len(body), token(who)), body)
	}
	first := connect(t, base, token("eve"), "")
	first.expect("connection_ack")
	second := event("eve")
	waitFor(t, "events come", func() bool { return answeredWith(t, second, "200") })
	for range 2 {
		connect(t, base, token("eve"), "").expect("connection_ack")
	}
	connect(t, base, token("ana"), "").expect("connection_ack")
	var err error
	for err == nil {
		_, err = first.next()
	}
	if code := websocket.CloseStatus(err); code != 1013 {
		t.Errorf("the oldest is closed by %d (%v)", code, err)
	}
	connect(t, base, token("bob"), "").expect("connection_ack")
	second.SetReadDeadline(time.Now().Add(10 * time.Second))
	response, err := http.ReadResponse(bufio.NewReader(second), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || strings.Contains(string(text), "complete") {
		t.Errorf("the second oldest ends by %q, %v", text, err)
	}
}
