package post

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	neturl "net/url"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// server sends to an SMTP server, over connections that it keeps for a while.
type server struct {
	host    string
	options []mail.Option
	// tls is set where TLS starts before SMTP.
	tls *tls.Config
	// timeout bounds the sending of one message, idle how long a connection waits
	// for another.
	timeout, idle time.Duration
	// slots limits the connections: each one in use holds a slot.
	slots chan struct{}

	mu      sync.Mutex
	waiting []*connection // the last one used is used first
	closed  bool
}

// connection is one SMTP session with the server.
type connection struct {
	smtp *smtp.Client
	net  net.Conn
	// reused reports whether the connection was idle before: the server may have closed it since.
	reused bool
	// begun reports whether the server waits for a message although it has refused its sender or its recipient.
	begun  bool
	expiry *time.Timer
}

func openSMTP(address string) (*server, error) {
	u, err := neturl.Parse(address)
	if err != nil {
		// The error would show the password.
		return nil, errors.New("post: the URL of the SMTP server is malformed (percent-encode what is special in the user and the password)")
	}
	if u.Hostname() == "" || u.Opaque != "" || u.Path != "" && u.Path != "/" || u.Fragment != "" {
		return nil, fmt.Errorf("post: the URL is not of the form %s://USER:PASSWORD@HOST:PORT", u.Scheme)
	}
	s := &server{host: u.Hostname(), timeout: time.Minute, idle: 30 * time.Second}
	config := &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12}
	port, policy, auth := 25, mail.TLSOpportunistic, mail.SMTPAuthNoAuth
	if u.User != nil {
		password, _ := u.User.Password()
		port, auth = 587, mail.SMTPAuthAutoDiscover
		s.options = append(s.options, mail.WithUsername(u.User.Username()), mail.WithPassword(password))
	}
	if u.Scheme == "smtps" {
		port, s.tls = 465, config
	}
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, errors.New("post: the port of the SMTP server is not a number")
		}
	}
	connections := 4
	parameters, err := neturl.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("post: parameters of the SMTP server's URL: %w", err)
	}
	for name, values := range parameters {
		value := values[len(values)-1]
		var err error
		switch name {
		case "tls":
			policy, err = tlsPolicy(value, u.Scheme)
		case "auth":
			err = auth.UnmarshalString(value)
		case "connections":
			if connections, err = strconv.Atoi(value); err == nil && connections < 1 {
				err = errors.New("at least one is needed")
			}
		case "idle":
			s.idle, err = positive(value)
		case "timeout":
			s.timeout, err = positive(value)
		case "helo":
			s.options = append(s.options, mail.WithHELO(value))
		case "ca":
			config.RootCAs, err = certificates(value)
		default:
			err = errors.New("unknown parameter")
		}
		if err != nil {
			return nil, fmt.Errorf("post: parameter %s of the SMTP server: %w", name, err)
		}
	}
	s.slots = make(chan struct{}, connections)
	s.options = append(s.options,
		mail.WithPort(port), mail.WithTimeout(s.timeout), mail.WithSMTPAuth(auth), mail.WithTLSConfig(config), mail.WithTLSPolicy(policy),
		// A connection that died while it was idle fails at the next message's first command.
		mail.WithoutNoop(),
	)
	if _, err := mail.NewClient(s.host, s.options...); err != nil {
		return nil, fmt.Errorf("post: %w", err)
	}
	return s, nil
}

// tlsPolicy parses the parameter tls. Over smtps, TLS is there from the start.
func tlsPolicy(value, scheme string) (mail.TLSPolicy, error) {
	switch {
	case scheme == "smtps":
		return 0, errors.New("smtps is always over TLS")
	case value == "opportunistic":
		return mail.TLSOpportunistic, nil
	case value == "required":
		return mail.TLSMandatory, nil
	case value == "none":
		return mail.NoTLS, nil
	}
	return 0, errors.New("it must be opportunistic, required or none")
}

func positive(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err == nil && d <= 0 {
		err = errors.New("it must be above 0")
	}
	return d, err
}

func certificates(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("the file has no certificate in PEM")
	}
	return pool, nil
}

// Send hands a message to the server.
func (s *server) Send(ctx context.Context, m Message) error {
	e, err := m.compose()
	if err != nil {
		return err
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return away(ctx.Err())
	}
	for {
		if err := ctx.Err(); err != nil {
			return away(err)
		}
		c, err := s.connect(ctx)
		if err != nil {
			return err
		}
		failure, stale := s.try(ctx, c, e)
		if failure == nil {
			return nil
		}
		// The server may have closed an idle connection, which says nothing about this message, not sent yet.
		if !stale {
			return failure
		}
	}
}

// try sends a message over a connection. It keeps the connection only if the message was accepted: after a failure
// nobody can be sure that client and server agree on what comes next (a refused DATA leaves the transaction open).
// stale reports that the connection was idle before and failed before the message was sent, for a reason that may be
// the connection's.
func (s *server) try(ctx context.Context, c *connection, e *envelope) (failure *Error, stale bool) {
	stop := context.AfterFunc(ctx, func() { c.net.Close() })
	at, err := c.transact(e, s.timeout)
	cut := !stop()
	switch {
	case err == nil && !cut && c.smtp.Text.R.Buffered() == 0:
		s.keep(c)
		return nil, false
	case err == nil: // accepted, whatever fails after it
		c.net.Close()
		return nil, false
	}
	failure = fromTransaction(err, at, e)
	if cut {
		failure.Err = errors.Join(ctx.Err(), failure.Err)
	}
	if cut || c.begun || failure.Code == 0 || failure.Code == closing {
		// Without QUIT: within a message it would end what was written of it, and have that delivered.
		c.net.Close()
	} else {
		c.quit()
	}
	return failure, !cut && c.reused && mayBeStale(failure.Code, at)
}

// mayBeStale reports whether a failure on a reused connection may come from that: the server has closed it, accepts
// no more on one connection, or has lost count of the commands.
func mayBeStale(code int, at phase) bool {
	return at == sender || at < content && (code == 0 || code == closing || code == badSequence)
}

// command is one of those before a message, with its phase and the reply that accepts it: a code, or how it begins.
type command struct {
	at      phase
	line    string
	accepts int
}

// transact hands a message over (RFC 5321 §3.3). If that fails it returns the phase.
func (c *connection) transact(e *envelope, timeout time.Duration) (phase, error) {
	if err := c.smtp.UpdateDeadline(timeout); err != nil {
		return sender, err
	}
	if e.utf8 && !c.offers("SMTPUTF8") {
		return recipient, errNoUTF8
	}
	commands := []command{{sender, c.mail(e), 250}, {recipient, "RCPT TO:<" + e.to + ">", 25}, {start, "DATA", 354}}
	atOnce := 1
	if c.offers("PIPELINING") { // RFC 2920: their replies are waited for once
		atOnce = len(commands)
	}
	for some := range slices.Chunk(commands, atOnce) {
		if at, err := c.ask(some); err != nil {
			return at, err
		}
	}
	text := c.smtp.Text
	if _, err := text.W.Write(afterData(e.content)); err != nil {
		return content, err
	}
	if err := text.W.Flush(); err != nil {
		return content, err
	}
	_, _, err := text.ReadResponse(250)
	return end, err
}

// offers reports whether the server has an extension.
func (c *connection) offers(extension string) bool {
	known, _ := c.smtp.Extension(extension)
	return known
}

// mail is the command that begins the transaction of a message.
func (c *connection) mail(e *envelope) string {
	line := "MAIL FROM:<" + e.from + ">"
	if c.offers("8BITMIME") {
		line += " BODY=8BITMIME"
	}
	if e.utf8 {
		line += " SMTPUTF8"
	}
	return line
}

// ask sends commands at once, and reads what the server replies to them. It returns the first failure.
func (c *connection) ask(commands []command) (failed phase, err error) {
	text := c.smtp.Text
	for _, command := range commands {
		if _, err := text.W.WriteString(command.line + "\r\n"); err != nil {
			return command.at, err
		}
	}
	if err := text.W.Flush(); err != nil {
		return commands[0].at, err
	}
	for _, command := range commands {
		_, _, refused := text.ReadResponse(command.accepts)
		switch {
		case err == nil:
			failed, err = command.at, refused
		case refused == nil && command.at == start:
			c.begun = true
		}
		if _, replied := errors.AsType[*textproto.Error](refused); refused != nil && !replied {
			break
		}
	}
	return failed, err
}

// afterData is a message as it is sent after DATA: each dot that begins a line is two, and one alone is the end (RFC 5321
// §4.5.2).
func afterData(content []byte) []byte {
	var b bytes.Buffer
	b.Grow(len(content) + spare)
	for line := range bytes.Lines(content) {
		if line[0] == '.' {
			b.WriteByte('.')
		}
		b.Write(line)
	}
	b.WriteString(".\r\n")
	return b.Bytes()
}

// connect takes an idle connection or opens one.
func (s *server) connect(ctx context.Context) (*connection, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, away(ErrClosed)
	}
	if n := len(s.waiting); n > 0 {
		c := s.waiting[n-1]
		s.waiting = s.waiting[:n-1]
		s.mu.Unlock()
		c.expiry.Stop()
		return c, nil
	}
	s.mu.Unlock()
	return s.dial(ctx)
}

func (s *server) dial(ctx context.Context) (*connection, error) {
	c := &connection{}
	stop := func() bool { return true }
	// Each connection has a client of its own: its dialler gives us the network connection.
	client, err := mail.NewClient(s.host, append(s.options[:len(s.options):len(s.options)],
		mail.WithDialContextFunc(func(dialling context.Context, network, address string) (net.Conn, error) {
			var dialer net.Dialer
			conn, err := dialer.DialContext(dialling, network, address)
			if err != nil {
				return nil, err
			}
			c.net = conn
			// The client observes the context only up to here.
			stop = context.AfterFunc(ctx, func() { conn.Close() })
			if s.tls == nil {
				return conn, nil
			}
			// The client recognises encryption by this type.
			secure := tls.Client(conn, s.tls)
			return secure, secure.HandshakeContext(dialling)
		}))...)
	if err != nil {
		return nil, away(err)
	}
	c.smtp, err = client.DialToSMTPClientWithContext(ctx)
	if cut := !stop(); cut {
		err = errors.Join(ctx.Err(), err)
	}
	if err != nil {
		if c.net != nil {
			c.net.Close()
		}
		return nil, fromDial(err)
	}
	return c, nil
}

// keep keeps a connection for the next message.
func (s *server) keep(c *connection) {
	c.reused = true
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		go c.quit()
		return
	}
	c.expiry = time.AfterFunc(s.idle, func() { s.expire(c) })
	s.waiting = append(s.waiting, c)
}

// expire closes a connection that was idle for too long, unless it was just taken.
func (s *server) expire(c *connection) {
	s.mu.Lock()
	for i, w := range s.waiting {
		if w == c {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			s.mu.Unlock()
			c.quit()
			return
		}
	}
	s.mu.Unlock()
}

// quit ends the session.
func (c *connection) quit() {
	defer c.net.Close()
	if err := c.net.SetDeadline(time.Now().Add(quitTimeout)); err == nil {
		// A server that does not answer has left already.
		_ = c.smtp.Quit()
	}
}

// quitTimeout is how long to wait for a server's reply to QUIT.
const quitTimeout = 5 * time.Second

// AtOnce returns the most connections.
func (s *server) AtOnce() int { return cap(s.slots) }

// Close closes the idle connections. Messages that are being sent are finished.
func (s *server) Close() error {
	s.mu.Lock()
	waiting := s.waiting
	s.waiting, s.closed = nil, true
	s.mu.Unlock()
	for _, c := range waiting {
		c.expiry.Stop()
		c.quit()
	}
	return nil
}
