// Package posttest has what tests of mail need: an SMTP server that behaves as configured, and the conformance suite
// of [post.Mailer].
package posttest

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Received is a message as it arrived.
type Received struct {
	// From is the return path, To the recipient.
	From, To string
	// UTF8 reports whether the client declared addresses that are not ASCII (SMTPUTF8).
	UTF8 bool
	// Content is headers and body, lines ended by "\r\n".
	Content []byte
}

// String returns a short description for the message of a failed test.
func (r Received) String() string {
	return fmt.Sprintf("from %q to %q, in UTF-8 %t: %q", r.From, r.To, r.UTF8, r.Content)
}

// Config says how a [Server] behaves.
type Config struct {
	// TLS is "", "starttls" or "implicit".
	TLS string
	// User and Password, if set, are required (AUTH PLAIN, also without TLS).
	User, Password string
	// ASCII reports whether the server lacks SMTPUTF8 (RFC 6531).
	ASCII bool
	// Script, if set, is called at each command, also by several clients at once; an *[smtp.SMTPError] that it
	// returns is the reply. It may wait, or close the connection.
	Script func(Command) error
	// Answer, if set, is called before Script, with each line of a client that does not use TLS. If it returns a
	// text, that is written as it is, and the server never sees the line; "" leaves the line to the server.
	Answer func(line string) string
}

// Command is one command that a [Server] got.
type Command struct {
	// Verb is AUTH, MAIL, RCPT or DATA (after the message was read whole).
	Verb string
	// Argument is the user or the address, without parameters.
	Argument string
	// Hangup closes the connection.
	Hangup func()
}

// Server is an SMTP server on loopback, until the end of a test.
type Server struct {
	config  Config
	address string
	scheme  string
	ca      string

	mu          sync.Mutex
	received    []Received
	connections int
	open        map[net.Conn]bool
	left        chan struct{}
}

// NewServer starts a server.
func NewServer(t testing.TB, config Config) *Server {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{config: config, address: tcp.Addr().String(), scheme: "smtp", open: make(map[net.Conn]bool), left: make(chan struct{}, 1000)}
	server := smtp.NewServer(smtp.BackendFunc(s.session))
	server.Domain = "localhost"
	server.AllowInsecureAuth = true
	server.EnableSMTPUTF8 = !config.ASCII
	server.ErrorLog = log.New(io.Discard, "", 0)
	if config.TLS != "" {
		server.TLSConfig = s.certify(t)
	}
	incoming := net.Listener(listener{tcp, s})
	if config.TLS == "implicit" {
		s.scheme = "smtps"
		incoming = tls.NewListener(incoming, server.TLSConfig)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(incoming); err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Errorf("the SMTP server: %v", err)
		}
	}()
	t.Cleanup(func() {
		server.Close()
		tcp.Close() // the server knows the connection only once it serves
		<-done
	})
	return s
}

// URL returns the URL of a mailer that sends to the server, with its user; parameters are added to it.
func (s *Server) URL(parameters ...string) string {
	u := url.URL{Scheme: s.scheme, Host: s.address}
	if s.config.User != "" {
		u.User = url.UserPassword(s.config.User, s.config.Password)
	}
	q := make(url.Values)
	if s.ca != "" {
		q.Set("ca", s.ca)
	}
	for i := 0; i+1 < len(parameters); i += 2 {
		q.Set(parameters[i], parameters[i+1])
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// Received returns what was accepted so far.
func (s *Server) Received() []Received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Received(nil), s.received...)
}

// Drain returns what was accepted since the last call.
func (s *Server) Drain() []Received {
	s.mu.Lock()
	defer s.mu.Unlock()
	received := s.received
	s.received = nil
	return received
}

// Connections returns how many connections were opened so far.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

// Hangup closes all connections, as servers do with those that wait too long.
func (s *Server) Hangup() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.open {
		conn.(*connection).Conn.Close() // the server notices later
	}
}

// Left waits until one more client has disconnected.
func (s *Server) Left() { <-s.left }

func (s *Server) session(c *smtp.Conn) (smtp.Session, error) {
	return &session{server: s, conn: c.Conn()}, nil
}

// session is one SMTP session.
type session struct {
	server   *Server
	conn     net.Conn
	loggedIn bool
	// begun reports whether a MAIL was accepted that neither a message nor RSET has ended.
	begun bool
	mail  Received
}

func (s *session) ask(verb, argument string) error {
	if s.server.config.Script == nil {
		return nil
	}
	return s.server.config.Script(Command{verb, argument, func() { s.conn.Close() }})
}

// AuthMechanisms implements [smtp.AuthSession].
func (s *session) AuthMechanisms() []string {
	if s.server.config.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth implements [smtp.AuthSession].
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if err := s.ask("AUTH", user); err != nil {
			return err
		}
		if user != s.server.config.User || password != s.server.config.Password {
			return smtp.ErrAuthFailed
		}
		s.loggedIn = true
		return nil
	}), nil
}

// Mail implements [smtp.Session].
func (s *session) Mail(from string, options *smtp.MailOptions) error {
	if s.begun { // as servers do (RFC 5321 §4.1.4)
		return &smtp.SMTPError{Code: 503, EnhancedCode: smtp.EnhancedCode{5, 5, 1}, Message: "nested MAIL command"}
	}
	if s.server.config.User != "" && !s.loggedIn {
		return smtp.ErrAuthRequired
	}
	if err := s.ask("MAIL", from); err != nil {
		return err
	}
	s.begun, s.mail = true, Received{From: from, UTF8: options.UTF8}
	return nil
}

// Rcpt implements [smtp.Session].
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = to
	if ascii := !strings.ContainsFunc(to, func(r rune) bool { return r > unicode.MaxASCII }); ascii == s.mail.UTF8 {
		// A client that asks for SMTPUTF8 without need would only make later servers refuse.
		return &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 6, 7}, Message: "SMTPUTF8 goes with addresses that are not ASCII"}
	}
	return s.ask("RCPT", to)
}

// Data implements [smtp.Session].
func (s *session) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.ask("DATA", ""); err != nil {
		return err
	}
	s.mail.Content = content
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.received = append(s.server.received, s.mail)
	return nil
}

// Reset implements [smtp.Session].
func (s *session) Reset() { s.begun, s.mail = false, Received{} }

// Logout implements [smtp.Session].
func (s *session) Logout() error { return nil }

// listener records the connections that open and close.
type listener struct {
	net.Listener
	server *Server
}

func (l listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: conn, server: l.server, lines: bufio.NewReader(conn)}
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	l.server.connections++
	l.server.open[c] = true
	return c, nil
}

// connection records when it is closed.
type connection struct {
	net.Conn
	server *Server
	lines  *bufio.Reader
	// line is what is left of one that was read.
	line string
}

// Read implements [net.Conn]. With [Config.Answer] it reads a line at a time: clients send several commands at once.
func (c *connection) Read(p []byte) (int, error) {
	if c.server.config.Answer == nil {
		return c.lines.Read(p)
	}
	for c.line == "" {
		line, err := c.lines.ReadString('\n')
		if err != nil {
			return 0, err
		}
		reply := c.server.config.Answer(strings.TrimSuffix(line, "\r\n"))
		if reply == "" {
			c.line = line
		} else if _, err := io.WriteString(c.Conn, reply); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.line)
	c.line = c.line[n:]
	return n, nil
}

func (c *connection) Close() error {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if c.server.open[c] {
		delete(c.server.open, c)
		select {
		case c.server.left <- struct{}{}:
		default: // nobody waits for that many
		}
	}
	return c.Conn.Close()
}

// certify makes a self-signed certificate for loopback.
func (s *Server) certify(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	s.ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(s.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}
