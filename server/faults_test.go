package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// line is a TCP line between a server and something that it needs, which a test
// can break in several ways.
type line struct {
	listener net.Listener
	to       string
	mutex    sync.Mutex
	changed  *sync.Cond
	broken   string // one of the ways; "" while it holds
	nonsense string
	open     map[net.Conn]bool
	waiting  int // on the way, while it hangs
}

// The ways in which a line breaks.
const (
	cut     = "cut"     // nothing passes: connections end, and so does each new one
	hanging = "hanging" // what was sent stays on the way
	babbles = "babbles" // each request gets nonsense
	slowed  = "slowed"  // what was sent takes a while, each way
)

// slowness is how long that takes.
const slowness = 100 * time.Millisecond

// newLine makes a line to an address.
func newLine(t *testing.T, to string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{listener: listener, to: to, open: make(map[net.Conn]bool)}
	l.changed = sync.NewCond(&l.mutex)
	var ends sync.WaitGroup
	ends.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			ends.Go(func() { l.carry(conn) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		l.become(cut, "")
		ends.Wait()
	})
	return l
}

// toward is a URL with the line in place of its host.
func (l *line) toward(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = l.listener.Addr().String()
	return u.String()
}

// become breaks the line in a way, or mends it.
func (l *line) become(broken, nonsense string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.broken, l.nonsense = broken, nonsense
	if broken == cut {
		for conn := range l.open {
			conn.Close()
		}
	}
	l.changed.Broadcast()
}

// lead has the line lead to another address, and ends the connections to the one before.
func (l *line) lead(to string) {
	l.become(cut, "")
	l.mutex.Lock()
	l.to = to
	l.mutex.Unlock()
	l.become("", "")
}

// hold has a connection cut when the line is, and reports whether it is now.
func (l *line) hold(conn net.Conn) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.open[conn] = true
	return l.broken != cut
}

func (l *line) release(conn net.Conn) {
	conn.Close()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	delete(l.open, conn)
}

func (l *line) leadsTo() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.to
}

// reached waits until something waits for a line that hangs.
func (l *line) reached(t *testing.T) {
	t.Helper()
	awaits(t, func() (bool, string) {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		return l.waiting > 0, "nobody waits for the line"
	})
}

// state waits while the line hangs, and returns how it is then.
func (l *line) state() (broken, nonsense string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for l.broken == hanging {
		l.waiting++
		l.changed.Wait()
		l.waiting--
	}
	return l.broken, l.nonsense
}

// carry carries what a connection says, and what it is answered.
func (l *line) carry(near net.Conn) {
	defer l.release(near)
	if !l.hold(near) {
		return
	}
	far, err := net.Dial("tcp", l.leadsTo())
	if err != nil {
		return
	}
	defer l.release(far)
	if !l.hold(far) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		defer near.Close()
		l.pass(near, far, func(string) bool { return false })
	})
	defer back.Wait()
	defer far.Close()
	l.pass(far, near, func(nonsense string) bool {
		_, _ = io.WriteString(near, nonsense)
		return true
	})
}

// pass copies from one end to the other while the line holds; instead of what
// a line that babbles should carry, it has something else done, which can end
// it.
func (l *line) pass(to, from net.Conn, instead func(nonsense string) bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		switch broken, nonsense := l.state(); broken {
		case cut:
			return
		case babbles:
			if instead(nonsense) {
				return
			}
		case slowed:
			time.Sleep(slowness)
			fallthrough
		default:
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
}

// awaits waits until something holds; why says why it does not.
func awaits(t *testing.T, holds func() (ok bool, why string)) {
	t.Helper()
	awaitsFor(t, 30*time.Second, holds)
}

// awaitsFor is [awaits] with another patience.
func awaitsFor(t *testing.T, patience time.Duration, holds func() (ok bool, why string)) {
	t.Helper()
	var why string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var ok bool
		if ok, why = holds(); ok {
			return
		}
	}
	t.Fatal(why)
}

// stops stops a server, which ends well, and in far less time than what it
// waits for may take otherwise.
func (c *command) stops(t *testing.T) {
	t.Helper()
	c.stop()
	select {
	case <-c.ended:
	case <-time.After(30 * time.Second):
		t.Fatalf("the server does not stop:\n%s", c.err.String())
	}
	if c.status != 0 {
		t.Errorf("status %d: %s", c.status, c.err.String())
	}
}

// get gets a page of a server.
func get(t *testing.T, address string) (status int, body []byte) {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body
}

// ailing waits until a server says that one dependency alone does not answer. It is alive, and ready all the same, but
// without its database.
func ailing(t *testing.T, s *survivor, away string) {
	t.Helper()
	if status, _ := get(t, s.base+"/healthz"); status != http.StatusOK {
		t.Errorf("/healthz answers %d", status)
	}
	awaits(t, func() (bool, string) {
		_, body := get(t, s.private+"/readyz")
		said := map[string]any{}
		if err := json.Unmarshal(body, &said); err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{"database", "search"} {
			if (said[other] == "ok") == (other == away) {
				return false, fmt.Sprintf("/readyz says %s, not that %s is away", body, away)
			}
		}
		return true, ""
	})
	want, says := http.StatusOK, `{"ready":true}`
	if away == "database" {
		want, says = http.StatusServiceUnavailable, `{"ready":false,"reason":"database"}`
	}
	if status, body := get(t, s.base+"/readyz"); status != want || strings.TrimSpace(string(body)) != says {
		t.Errorf("without the %s, /readyz answers %d: %s", away, status, body)
	}
}

// survivor is someone with a watch, who also publishes, at a server that lives
// through faults.
type survivor struct {
	t                    *testing.T
	base, private, token string
	published            int
}

func newSurvivor(t *testing.T, server *command) *survivor {
	t.Helper()
	s := &survivor{t: t, base: server.listening(t), private: server.private(t)}
	var err error
	s.token, err = sign(testSecret, "ana", claims{Email: "ana@example.org", EmailVerified: true, Scope: publishScope, Sources: []string{"portal"}}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s.do(`mutation { createWatch(input: { name: "Voirie", criteria: { keywords: ["voirie"] }, frequency: IMMEDIATE }) { watch { id } userErrors { message } } }`)
	return s
}

// in has a part of a test that fails fail by itself.
func (s *survivor) in(t *testing.T) *survivor {
	outer := s.t
	s.t = t
	t.Cleanup(func() { s.t = outer })
	return s
}

// do asks what must succeed.
func (s *survivor) do(query string) answer {
	s.t.Helper()
	a := ask(s.t, s.base, s.token, query, nil)
	if len(a.Errors) > 0 || strings.Contains(fmt.Sprint(a.Data), "message:") {
		s.t.Fatalf("%s: %+v", query, a)
	}
	return a
}

// publish publishes one more tender.
func (s *survivor) publish() {
	s.t.Helper()
	s.do(publication(s.published + 1))
	s.published++
}

// publication publishes the nth tender.
func publication(n int) string { return publicationAt(n, time.Now()) }

func publicationAt(n int, at time.Time) string {
	return fmt.Sprintf(`mutation { publishNotices(input: [{
		source: "portal", sourceRef: "ref-%d", title: "Voirie communale %dx", buyerName: "Commune d'Exemple", publishedAt: %q
	}]) { userErrors { message } } }`, n, n, at.UTC().Format(time.RFC3339))
}

// finds waits until all that was published is found.
func (s *survivor) finds() {
	s.t.Helper()
	awaits(s.t, func() (bool, string) {
		a := ask(s.t, s.base, s.token, `{ matchingTenders { totalCount } }`, nil)
		want := fmt.Sprintf("map[matchingTenders:map[totalCount:%d]]", s.published)
		return fmt.Sprint(a.Data) == want, fmt.Sprintf("found %+v, want %s", a, want)
	})
}

// mailed waits until each tender that was published is in a mail of a folder,
// and checks that none is in two.
func (s *survivor) mailed(box string) {
	s.t.Helper()
	s.mailedAs(func() []letterFile { return outbox(s.t, box) })
}

// mailedAs is mailed for mails that are kept in another way.
func (s *survivor) mailedAs(letters func() []letterFile) {
	s.t.Helper()
	count := func() map[string]int {
		times := make(map[string]int)
		for _, letter := range letters() {
			for _, m := range tendersOf.FindAllStringSubmatch(letter.text, -1) {
				times[m[1]]++
			}
		}
		return times
	}
	awaits(s.t, func() (bool, string) {
		times := count()
		return len(times) == s.published, fmt.Sprintf("mails about %v, of %d", times, s.published)
	})
	idle(s.t, s.private)
	for n, times := range count() {
		if times != 1 {
			s.t.Errorf("tender %s is in %d mails", n, times)
		}
	}
}

// tendersOf finds the tenders that a mail is about.
var tendersOf = regexp.MustCompile(`(?m)^- Voirie communale (\d+)x`)

// clock is a clock that can be put forward and back.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) set(ahead time.Duration) { c.ahead.Store(int64(ahead)) }
