package attack

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// follows asks for all that can be had of each tender that matches.
const follows = `subscription { tenderMatched { kind tender { title description buyer { name } a: description b: description c: description } matchedBy { watch { name } } } }`

// streams are attacks by sockets and event streams.
func streams() []attack {
	return []attack{
		{name: "sockets that do not greet", anonymous: true, do: func(a *attacker) {
			a.times(500, 20, func(int) { a.socket(false, true) })
			a.untilOver()
		}},
		{name: "sockets that greet and do nothing", anonymous: true, do: func(a *attacker) {
			a.times(500, 20, func(int) { a.socket(true, true) })
			a.untilOver()
		}},
		{name: "sockets that speak nonsense", anonymous: true, do: func(a *attacker) {
			a.times(200, 8, func(i int) { a.nonsense(i) })
		}},
		{name: "frames that are broken", anonymous: true, do: func(a *attacker) {
			a.times(100, 8, func(i int) { a.brokenFrames(i) })
		}},
		{name: "pings without end", anonymous: true, cpu: 3 * time.Second, do: func(a *attacker) {
			a.times(4, 4, func(int) {
				conn := a.socket(true, true)
				for i := 0; conn != nil && i < a.n(2000); i++ {
					if wsjson.Write(a.ctx, conn, message{Type: "ping"}) != nil {
						return
					}
				}
			})
		}},
		{name: "wide messages on sockets", anonymous: true, cpu: 4 * time.Second, do: func(a *attacker) {
			a.times(8, 8, func(int) {
				conn := a.socket(true, false)
				for i := 0; conn != nil && i < 8; i++ {
					if a.subscribe(conn, fmt.Sprint(i), `{ departments { code } }`, map[string]any{"x": emptyObjects(a.n(300_000))}) != nil {
						return
					}
				}
			})
		}},
		{name: "operations without end on a socket", cpu: 4 * time.Second, do: func(a *attacker) {
			a.times(4, 4, func(int) {
				conn := a.socket(true, false)
				if conn == nil {
					return
				}
				conn.CloseRead(a.ctx)
				for i := range a.n(300) {
					if a.subscribe(conn, fmt.Sprint(i), `{ tenders(first: 50) { totalCount nodes { title description } } }`, nil) != nil {
						return
					}
				}
			})
			a.untilOver()
		}},
		{name: "subscriptions that nobody reads", memory: 128, cpu: 4 * time.Second, do: func(a *attacker) {
			a.createWatch(`{ name: "Tout", criteria: {} }`)
			a.times(4, 4, func(int) {
				conn := a.socket(true, true)
				for i := 0; conn != nil && i < 20; i++ {
					if a.subscribe(conn, fmt.Sprint(i), follows, nil) != nil {
						return
					}
				}
			})
			a.publishMany()
			a.untilOver()
		}},
		{name: "event streams that nobody reads", memory: 128, cpu: 4 * time.Second, do: func(a *attacker) {
			a.createWatch(`{ name: "Tout", criteria: {} }`)
			a.open(100, true, a.post(operation(follows, nil), "Accept: text/event-stream"))
			a.publishMany()
			a.untilOver()
		}},
		{name: "event streams of long answers that nobody reads", memory: unread, cpu: 6 * time.Second, do: func(a *attacker) {
			a.open(64, true, a.post(operation(longAnswer(a.n(40)), nil), "Accept: text/event-stream"))
			a.untilOver()
		}},
		{name: "event streams that come and go", memory: unread, cpu: 3 * time.Second, do: func(a *attacker) {
			question := a.post(operation(follows, nil), "Accept: text/event-stream")
			a.times(500, 8, func(int) {
				if conn, err := a.dial(false); err == nil {
					_, _ = conn.Write([]byte(question))
					conn.Close()
				}
			})
		}},
	}
}

// nonsense says what the protocol does not know.
func (a *attacker) nonsense(i int) {
	conn := a.socket(i%2 == 0, false)
	if conn == nil {
		return
	}
	defer conn.CloseNow()
	said := []string{
		"", "{", "null", "[]", `"subscribe"`, `{"type":"subscribe"}`, `{"type":"subscribe","id":"1","payload":null}`, `{"type":"subscribe","id":"1","payload":{"query":7}}`,
		`{"type":"` + strings.Repeat("x", 100_000) + `"}`, strings.Repeat("[", 200_000), `{"type":"connection_init","payload":{"Authorization":["a"]}}`,
		`{"type":"connection_init","payload":{"Authorization":"Bearer ` + strings.Repeat("y", 500_000) + `"}}`, `{"type":"complete","id":"nobody"}`, "\x00\xff", strings.Repeat("x", 2<<20),
	}
	kind := websocket.MessageText
	if i%3 == 0 {
		kind = websocket.MessageBinary
	}
	_ = conn.Write(a.ctx, kind, []byte(said[i%len(said)])) // the server may have ended it
	_, _, _ = conn.Read(a.ctx)
}

// brokenFrames asks for a WebSocket by hand and sends frames that no client
// makes: reserved bits, unknown kinds, lengths that are never reached, control
// frames that are long or in pieces, unmasked ones.
func (a *attacker) brokenFrames(i int) {
	conn, err := a.dial(false)
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /graphql HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", a.address)
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	head := make([]byte, 512)
	n, err := conn.Read(head)
	if err != nil || !bytes.Contains(head[:n], []byte(" 101 ")) {
		a.note("socket refused", nil)
		return
	}
	mask := "\x01\x02\x03\x04"
	frames := []string{
		"\xf1\x80" + mask, "\x83\x80" + mask, "\x8b\x80" + mask, "\x81\x05hello", "\x89\xfe\x00\x80" + mask + strings.Repeat("x", 128), "\x09\x80" + mask,
		"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff" + mask, "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff" + mask, "\x80\x80" + mask, "\x01\x80" + mask + "\x01\x80" + mask,
		"\x88\x81" + mask + "x", "\x88\x82" + mask + "\x00\x00", strings.Repeat("\x01\x81"+mask+"x", 1) + strings.Repeat("\x00\x81"+mask+"x", 20_000),
		"\x81\xfe\x00\x04" + mask + "\xff\xfe\xfd\xfc",
	}
	frame := []byte(frames[i%len(frames)])
	if a.wild {
		frame[a.random.IntN(len(frame))] ^= byte(1 << a.random.IntN(8))
	}
	_, _ = conn.Write(frame)
	for err == nil { // until it is ended
		_, err = conn.Read(head)
	}
}

func (a *attacker) createWatch(input string) {
	a.Helper()
	got := a.ask(`mutation { createWatch(input: `+input+`) { watch { id } userErrors { message } } }`, nil)
	if got.status != http.StatusOK || !bytes.Contains(got.body, []byte(`"watch":{"id"`)) {
		a.Errorf("no watch: %d %.300s", got.status, got.body)
	}
}

// publishMany has a portal publish what subscriptions get.
func (a *attacker) publishMany() {
	a.Helper()
	portal := a.server.attacker(a.TB)
	defer portal.leave()
	portal.token = a.issuer.publisher(a.TB)
	description := strings.Repeat("Réfection de la voirie communale. ", 100)
	var notices []map[string]any
	for i := range a.n(200) {
		notices = append(notices, map[string]any{
			"source": "portal", "sourceRef": fmt.Sprint(a.at, "-", i), "title": "Voirie", "description": description, "buyerName": "Commune",
			"publishedAt": time.Now().Add(-time.Minute).UTC().Format(time.RFC3339),
		})
	}
	got := portal.ask(`mutation ($input: [NoticeInput!]!) { publishNotices(input: $input) { results { outcome } } }`, map[string]any{"input": notices})
	if got.status != http.StatusOK || !bytes.Contains(got.body, []byte("CREATED")) {
		a.Errorf("not published: %d %.300s", got.status, got.body)
	}
}
