package webhook_test

import (
	"context"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"vigie/alert/webhook"
)

// local is the one address of this machine that clients in these tests may connect to.
var local = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

func now() time.Time { return time.Date(2026, 11, 30, 15, 0, 0, 0, time.UTC) }

// client makes a client, which trusts the certificate of test servers: it is for example.com, 127.0.0.1 and ::1.
func client(t testing.TB, o webhook.Options) *webhook.Client {
	o.Now = now
	if o.Roots == nil {
		s := httptest.NewTLSServer(nil)
		s.Close()
		o.Roots = x509.NewCertPool()
		o.Roots.AddCert(s.Certificate())
	}
	c := webhook.NewClient(o)
	t.Cleanup(c.Close)
	return c
}

// endpoint has a URL that nobody else is to learn.
func endpoint(url string) webhook.Endpoint {
	return webhook.Endpoint{ID: "webhook_1", URL: url, Format: webhook.Standard, Secrets: []webhook.Secret{webhook.Secret(strings.Repeat("k", webhook.SecretSize))}}
}

// names is a name server: it says at each question for the addresses of a name what comes next, and the last for ever.
type names struct {
	mu        sync.Mutex
	addresses map[string][][]string
	asked     map[string]int
}

// resolver asks a name server on this machine, by the protocol.
func resolver(t testing.TB, addresses map[string][][]string) (*net.Resolver, *names) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	n := &names{addresses: addresses, asked: make(map[string]int)}
	go n.serve(conn)
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}, n
}

func (n *names) serve(conn net.PacketConn) {
	packet := make([]byte, 1500)
	for {
		size, from, err := conn.ReadFrom(packet)
		if err != nil {
			return
		}
		var question dnsmessage.Message
		if question.Unpack(packet[:size]) != nil || len(question.Questions) != 1 {
			continue
		}
		answer, err := n.answer(question)
		if err == nil {
			conn.WriteTo(answer, from)
		}
	}
}

// answer tells the addresses of one family. A resolver asks for both, A once: it counts.
func (n *names) answer(m dnsmessage.Message) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	q := m.Questions[0]
	name := strings.TrimSuffix(q.Name.String(), ".")
	told, known := n.addresses[name]
	m.Header = dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true}
	m.Additionals = nil
	if !known {
		m.RCode = dnsmessage.RCodeNameError
		return m.Pack()
	}
	for _, text := range told[min(n.asked[name], len(told)-1)] {
		addr := netip.MustParseAddr(text)
		header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
		switch {
		case addr.Is4() && q.Type == dnsmessage.TypeA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}})
		case addr.Is6() && q.Type == dnsmessage.TypeAAAA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	if q.Type == dnsmessage.TypeA {
		n.asked[name]++
	}
	return m.Pack()
}

// trap is a listener that nobody is to connect to.
type trap struct{ net.Listener }

// listen sets a trap at an address of this machine.
func listen(t *testing.T, address string) trap {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return trap{l}
}

func (l trap) port() string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// untouched checks that nobody connected: connections are accepted in their order, and the first is our own.
func (l trap) untouched(t *testing.T) {
	t.Helper()
	own, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	first, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if first.RemoteAddr().String() != own.LocalAddr().String() {
		t.Errorf("somebody connected to %s", l.Addr())
	}
}
