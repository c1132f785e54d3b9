package attack

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// connections are attacks by connections that hold on to something: slow
// writers, slow readers, and those that do nothing.
func connections() []attack {
	return []attack{
		{name: "posts of which one byte comes", anonymous: true, do: func(a *attacker) { a.halfPosts(64) }},
		{name: "a thousand such posts", anonymous: true, do: func(a *attacker) { a.halfPosts(1000) }},
		{name: "headers that do not end", anonymous: true, do: func(a *attacker) {
			a.open(500, false, "POST /graphql HTTP/1.1\r\nHost: vigie.example\r\nX-")
			a.untilOver()
		}},
		{name: "long headers that do not end", anonymous: true, do: func(a *attacker) {
			a.open(100, false, "GET / HTTP/1.1\r\nHost: vigie.example\r\n"+strings.Repeat("X-Padding: "+strings.Repeat("x", 1000)+"\r\n", a.n(900)))
			a.untilOver()
		}},
		{name: "connections that say nothing", anonymous: true, do: func(a *attacker) {
			a.open(1000, false, "")
			a.untilOver()
		}},
		{name: "posts that come byte by byte", do: func(a *attacker) {
			body := operation(`{ departments { code } }`, map[string]any{"x": strings.Repeat("x", 10_000)})
			whole := a.post(body)
			conns := a.open(128, false, whole[:len(whole)-len(body)])
			a.slowly(func(i int) {
				for _, conn := range conns {
					_, _ = io.WriteString(conn, body[i:i+1]) // it may be cut
				}
			})
		}},
		{name: "chunks that come byte by byte", do: func(a *attacker) {
			conns := a.open(128, false, "POST /graphql HTTP/1.1\r\nHost: vigie.example\r\nContent-Type: application/json\r\nAuthorization: Bearer "+a.token+"\r\nTransfer-Encoding: chunked\r\n\r\n")
			a.slowly(func(int) {
				for _, conn := range conns {
					_, _ = io.WriteString(conn, "1\r\n \r\n")
				}
			})
		}},
		// An answer is some thousand times as long as its question.
		{name: "long answers that nobody reads", memory: unread, cpu: 4 * time.Second, do: func(a *attacker) {
			a.open(64, true, a.post(operation(longAnswer(a.n(40)), nil)))
			a.untilOver()
		}},
		{name: "long answers that are read byte by byte", memory: unread, cpu: 4 * time.Second, do: func(a *attacker) {
			conns := a.open(64, true, a.post(operation(longAnswer(a.n(40)), nil)))
			a.slowly(func(int) {
				for _, conn := range conns {
					readOne(conn)
				}
			})
		}},
		{name: "a thousand questions on a connection, at once", cpu: 4 * time.Second, do: func(a *attacker) {
			question := a.post(operation(`{ departments { code name region } }`, nil))
			a.open(4, true, strings.Repeat(question, a.n(250)))
			a.untilOver()
		}},
		{name: "connections that come and go", anonymous: true, do: func(a *attacker) {
			a.times(2000, 8, func(int) {
				if conn, err := a.dial(false); err == nil {
					conn.Close()
				}
			})
		}},
	}
}

// halfPosts sends the beginning of posts, again and again where they are ended.
func (a *attacker) halfPosts(n int) {
	body := bytes.Repeat([]byte("x"), 9)
	whole := a.post(string(body))
	conns := a.open(n, false, whole[:len(whole)-8])
	a.slowly(func(int) {
		for i, conn := range conns {
			_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond / 4))
			_, err := conn.Read(make([]byte, 512))
			if timeout, ok := err.(net.Error); err == nil || ok && timeout.Timeout() {
				continue
			}
			if again, err := a.dial(false); err == nil {
				_, _ = io.WriteString(again, whole[:len(whole)-8])
				conns[i] = again
			}
		}
	})
}

// slowly does something ten times a second until the attack is over.
func (a *attacker) slowly(do func(i int)) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-a.ctx.Done():
			return
		case <-ticker.C:
			do(i)
		}
	}
}

func readOne(conn net.Conn) {
	_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, _ = conn.Read(make([]byte, 1))
}

// longAnswer asks for descriptions, many times over.
func longAnswer(aliases int) string {
	var fields strings.Builder
	for i := range min(aliases, 48) {
		fmt.Fprintf(&fields, "a%d: description ", i)
	}
	return "{ tenders(first: 100) { nodes { " + fields.String() + "} } }"
}
