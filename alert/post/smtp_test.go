package post_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/mail"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/emersion/go-smtp"

	"vigie/alert/post"
	"vigie/alert/post/posttest"
)

// failure sends a message and returns why it was not accepted.
func failure(t *testing.T, mailer post.Mailer, ctx context.Context) *post.Error {
	t.Helper()
	err := mailer.Send(ctx, posttest.Message())
	e, ok := errors.AsType[*post.Error](err)
	if !ok {
		t.Fatalf("error %v of type %T", err, err)
	}
	return e
}

// TestReplies checks what replies mean, and that the next message is sent over another connection. TestClassify has
// all replies.
func TestReplies(t *testing.T) {
	none := smtp.NoEnhancedCode
	for _, test := range []struct {
		verb     string
		code     int
		enhanced smtp.EnhancedCode
		want     post.Kind
		allMail  bool
	}{
		{"RCPT", 550, smtp.EnhancedCode{5, 1, 1}, post.ForAddress, false},
		{"RCPT", 556, smtp.EnhancedCode{5, 1, 10}, post.ForAddress, false},
		{"RCPT", 550, none, post.ForMessage, false},
		{"RCPT", 552, smtp.EnhancedCode{5, 2, 2}, post.Temporary, false},
		{"RCPT", 550, smtp.EnhancedCode{5, 7, 1}, post.ForSender, false},
		{"RCPT", 530, smtp.EnhancedCode{5, 7, 0}, post.ForSender, false},
		{"RCPT", 450, smtp.EnhancedCode{4, 2, 0}, post.Temporary, false},
		{"RCPT", 451, none, post.Temporary, false},
		{"DATA", 550, smtp.EnhancedCode{5, 1, 1}, post.ForAddress, false},
		{"DATA", 550, none, post.ForMessage, false},
		{"DATA", 554, smtp.EnhancedCode{5, 7, 1}, post.ForMessage, false},
		{"DATA", 550, smtp.EnhancedCode{5, 7, 26}, post.ForSender, false},
		{"DATA", 552, smtp.EnhancedCode{5, 3, 4}, post.ForSender, false},
		{"DATA", 452, smtp.EnhancedCode{4, 3, 1}, post.Temporary, false},
		// A refusal of the sender concerns all mail.
		{"MAIL", 550, none, post.ForSender, true},
		{"MAIL", 553, smtp.EnhancedCode{5, 1, 8}, post.ForSender, true},
		{"MAIL", 451, smtp.EnhancedCode{4, 7, 1}, post.Temporary, true},
	} {
		t.Run(fmt.Sprint(test.verb, test.code, test.enhanced), func(t *testing.T) {
			refused := false
			server := posttest.NewServer(t, posttest.Config{Script: func(c posttest.Command) error {
				if c.Verb != test.verb || refused {
					return nil
				}
				refused = true
				return &smtp.SMTPError{Code: test.code, EnhancedCode: test.enhanced, Message: "no,\nsays the server"}
			}})
			mailer := open(t, server.URL())
			got := failure(t, mailer, t.Context())
			code, reply := "", fmt.Sprintf("%d no, says the server", test.code)
			if test.enhanced != none {
				code = strings.ReplaceAll(strings.Trim(fmt.Sprint(test.enhanced), "[]"), " ", ".")
				reply = fmt.Sprintf("%d no, %s says the server", test.code, code)
			}
			if got.Kind != test.want || got.AllMail != test.allMail || got.Code != test.code || got.Enhanced != code || got.Unknown {
				t.Errorf("kind %v, all mail %t, code %d, enhanced %q, unknown %t; want kind %v", got.Kind, got.AllMail, got.Code, got.Enhanced, got.Unknown, test.want)
			}
			if got.Reply != reply || !strings.Contains(got.Error(), reply) {
				t.Errorf("reply %q in %v, want %q", got.Reply, got, reply)
			}
			if n := len(server.Received()); n > 0 {
				t.Errorf("%d messages arrived", n)
			}
			if err := mailer.Send(t.Context(), posttest.Message()); err != nil {
				t.Errorf("the next message: %v", err)
			}
			if n, connections := len(server.Received()), server.Connections(); n != 1 || connections != 2 {
				t.Errorf("then %d arrived, and there were %d connections", n, connections)
			}
		})
	}
}

// TestReuse sends one message after the other over one connection.
func TestReuse(t *testing.T) {
	server := posttest.NewServer(t, posttest.Config{TLS: "starttls"})
	mailer := open(t, server.URL())
	for range 5 {
		if err := mailer.Send(t.Context(), posttest.Message()); err != nil {
			t.Fatal(err)
		}
	}
	if n, connections := len(server.Received()), server.Connections(); n != 5 || connections != 1 {
		t.Errorf("%d arrived over %d connections", n, connections)
	}
}

// TestIdle leaves a connection idle for too long: it is closed, and the next message opens another.
func TestIdle(t *testing.T) {
	server := posttest.NewServer(t, posttest.Config{})
	mailer := open(t, server.URL("idle", "1ms"))
	for i := range 3 {
		if err := mailer.Send(t.Context(), posttest.Message()); err != nil {
			t.Fatal(err)
		}
		server.Left()
		if connections := server.Connections(); connections != i+1 {
			t.Errorf("after %d messages, %d connections", i+1, connections)
		}
	}
}

// TestHangup makes the server close idle connections.
func TestHangup(t *testing.T) {
	const connections = 3
	gate := make(chan struct{})
	server := posttest.NewServer(t, posttest.Config{Script: atOnce(connections, gate)})
	mailer := open(t, server.URL("connections", fmt.Sprint(connections)))
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			if err := mailer.Send(t.Context(), posttest.Message()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	server.Hangup()
	for range connections {
		server.Left()
	}
	if err := mailer.Send(t.Context(), posttest.Message()); err != nil {
		t.Error(err)
	}
	if n, all := len(server.Received()), server.Connections(); n != connections+1 || all != connections+1 {
		t.Errorf("%d arrived over %d connections", n, all)
	}
}

// atOnce blocks each client at RCPT until n clients have reached it.
func atOnce(n int32, gate chan struct{}) func(posttest.Command) error {
	var come atomic.Int32
	return func(c posttest.Command) error {
		if c.Verb == "RCPT" {
			if come.Add(1) == n {
				close(gate)
			}
			<-gate
		}
		return nil
	}
}

// TestBounded sends many messages at once, over few connections.
func TestBounded(t *testing.T) {
	const connections = 2
	gate := make(chan struct{})
	server := posttest.NewServer(t, posttest.Config{Script: atOnce(connections, gate)})
	mailer := open(t, server.URL("connections", fmt.Sprint(connections)))
	var group sync.WaitGroup
	for range 30 {
		group.Go(func() {
			if err := mailer.Send(t.Context(), posttest.Message()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n, all := len(server.Received()), server.Connections(); n != 30 || all != connections {
		t.Errorf("%d arrived over %d connections, want %d", n, all, connections)
	}
}

// TestEnough makes the server accept no more on a connection after some messages, with one reply or another: the next
// message is sent over a new one.
func TestEnough(t *testing.T) {
	for _, enough := range []*smtp.SMTPError{
		{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "enough on this connection"},
		{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 5, 3}, Message: "too many messages"},
		{Code: 503, EnhancedCode: smtp.EnhancedCode{5, 5, 1}, Message: "nested MAIL command"},
		{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 5, 0}, Message: "too many messages on this connection"},
	} {
		t.Run(fmt.Sprint(enough.Code), func(t *testing.T) {
			mails := 0
			server := posttest.NewServer(t, posttest.Config{Script: func(c posttest.Command) error {
				if c.Verb == "MAIL" {
					if mails++; mails%3 == 0 {
						return enough
					}
				}
				return nil
			}})
			mailer := open(t, server.URL())
			for range 6 {
				if err := mailer.Send(t.Context(), posttest.Message()); err != nil {
					t.Fatal(err)
				}
			}
			if n := len(server.Received()); n != 6 {
				t.Errorf("%d arrived", n)
			}
		})
	}
}

// TestRefusedWhileReused makes the server refuse a recipient over a reused connection: that is about the recipient,
// who is not tried again.
func TestRefusedWhileReused(t *testing.T) {
	tries := 0
	server := posttest.NewServer(t, posttest.Config{Script: func(c posttest.Command) error {
		if c.Verb == "RCPT" {
			if tries++; tries == 2 {
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
			}
		}
		return nil
	}})
	mailer := open(t, server.URL())
	if err := mailer.Send(t.Context(), posttest.Message()); err != nil {
		t.Fatal(err)
	}
	if got := failure(t, mailer, t.Context()); got.Kind != post.ForAddress || tries != 2 {
		t.Errorf("%+v after %d recipients", got, tries)
	}
}

// TestSaidTooMuch makes the server reply more than it should after it has accepted a message: the message is
// accepted, and the connection is not reused.
func TestSaidTooMuch(t *testing.T) {
	var once atomic.Bool
	var mails atomic.Int32
	server := posttest.NewServer(t, posttest.Config{Answer: func(line string) string {
		if strings.HasPrefix(line, "MAIL") {
			mails.Add(1)
		}
		if line == "." && once.CompareAndSwap(false, true) {
			return "250 2.0.0 queued\r\n250 2.0.0 queued\r\n"
		}
		return ""
	}})
	mailer := open(t, server.URL("timeout", "5s"))
	for i := range 3 {
		if err := mailer.Send(t.Context(), posttest.Message()); err != nil {
			t.Errorf("message %d: %v", i, err)
		}
	}
	if n, connections := len(server.Received()), server.Connections(); n != 2 || connections != 2 || mails.Load() != 3 {
		t.Errorf("%d arrived after the first, over %d connections, by %d commands", n, connections-1, mails.Load()-1)
	}
}

// conversation is an SMTP server's part of a session, as a test writes it.
type conversation struct {
	in  *bufio.Reader
	out io.Writer
}

// hear reads a line, which is to begin so.
func (c conversation) hear(command string) error {
	line, err := c.in.ReadString('\n')
	if err == nil && !strings.HasPrefix(line, command) {
		err = fmt.Errorf("%q came, and not %s", line, command)
	}
	return err
}

// hearMessage reads up to the end of a message.
func (c conversation) hearMessage() error {
	for {
		if line, err := c.in.ReadString('\n'); err != nil || line == ".\r\n" {
			return err
		}
	}
}

func (c conversation) say(lines ...string) error {
	_, err := io.WriteString(c.out, strings.Join(lines, "\r\n")+"\r\n")
	return err
}

// talk starts a server for one session, and returns its URL. What the server's part returns is an error of the test.
func talk(t *testing.T, part func(c conversation) error) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			err = part(conversation{bufio.NewReader(conn), conn})
			conn.Close()
		}
		done <- err
	}()
	t.Cleanup(func() {
		listener.Close()
		if err := <-done; err != nil {
			t.Errorf("the server: %v", err)
		}
	})
	return "smtp://" + listener.Addr().String() + "?timeout=30s"
}

// begin is how a session with an extension begins.
func (c conversation) begin(extension string) error {
	return cmp.Or(c.say("220 localhost"), c.hear("EHLO"), c.say("250-localhost", "250 "+extension))
}

// TestCommandsAtOnce sends the commands before a message at once where the server takes that, which this one waits for.
func TestCommandsAtOnce(t *testing.T) {
	mailer := open(t, talk(t, func(c conversation) error {
		return cmp.Or(c.begin("PIPELINING"), c.hear("MAIL"), c.hear("RCPT"), c.hear("DATA"), c.say("250 yes", "251 elsewhere", "354 go on"),
			c.hearMessage(), c.say("250 thanks"))
	}))
	if err := mailer.Send(t.Context(), posttest.Message()); err != nil {
		t.Error(err)
	}
}

// TestCommandsOneByOne waits for each reply where the server does not take several commands at once.
func TestCommandsOneByOne(t *testing.T) {
	mailer := open(t, talk(t, func(c conversation) error {
		err := c.begin("8BITMIME")
		for _, command := range [][2]string{{"MAIL", "250 yes"}, {"RCPT", "250 yes"}, {"DATA", "354 go on"}} {
			err = cmp.Or(err, c.hear(command[0]))
			if n := c.in.Buffered(); n > 0 {
				err = cmp.Or(err, fmt.Errorf("%d bytes came before the reply to %s", n, command[0]))
			}
			err = cmp.Or(err, c.say(command[1]))
		}
		return cmp.Or(err, c.hearMessage(), c.say("250 thanks"))
	}))
	if err := mailer.Send(t.Context(), posttest.Message()); err != nil {
		t.Error(err)
	}
}

// TestMessageForNobody refuses a recipient and takes a message nevertheless, as servers may (RFC 2920 §3.1): nothing is sent,
// and nothing that could be taken for a message.
func TestMessageForNobody(t *testing.T) {
	mailer := open(t, talk(t, func(c conversation) error {
		err := cmp.Or(c.begin("PIPELINING"), c.hear("MAIL"), c.hear("RCPT"), c.hear("DATA"), c.say("250 yes", "550 5.1.1 no such user", "354 go on"))
		if err != nil {
			return err
		}
		if more, err := io.ReadAll(c.in); err != nil || len(more) > 0 {
			return fmt.Errorf("then came %q, error %w", more, err)
		}
		return nil
	}))
	if got := failure(t, mailer, t.Context()); got.Kind != post.ForAddress || got.Code != 550 || got.Unknown {
		t.Errorf("%+v", got)
	}
}

// TestUTF8 sends to an address that is not ASCII, through servers that accept those and servers that do not.
func TestUTF8(t *testing.T) {
	m := posttest.Message()
	m.To = "rené@bourg-fictif.example"
	send := func(config posttest.Config) (*post.Error, int) {
		server := posttest.NewServer(t, config)
		err := open(t, server.URL()).Send(t.Context(), m)
		failure, _ := errors.AsType[*post.Error](err)
		return failure, len(server.Received())
	}
	if got, n := send(posttest.Config{}); got != nil || n != 1 {
		t.Errorf("%d arrived, error %v", n, got)
	}
	if got, n := send(posttest.Config{ASCII: true}); n != 0 || got == nil || got.Kind != post.ForAddress || got.AllMail || !strings.Contains(got.Error(), "does not offer SMTPUTF8") {
		t.Errorf("%d arrived, error %+v", n, got)
	}
	// What the server says about SMTPUTF8 does not concern other messages.
	refuse := func(c posttest.Command) error {
		if c.Verb == "MAIL" {
			return &smtp.SMTPError{Code: 555, EnhancedCode: smtp.EnhancedCode{5, 5, 4}, Message: "unknown parameter SMTPUTF8"}
		}
		return nil
	}
	if got, n := send(posttest.Config{Script: refuse}); n != 0 || got == nil || got.Kind != post.ForSender || got.AllMail {
		t.Errorf("%d arrived, error %+v", n, got)
	}
}

// TestGreeting makes the server refuse us in its greeting.
func TestGreeting(t *testing.T) {
	server := posttest.NewServer(t, posttest.Config{Answer: func(string) string { return "554 5.7.1 not from there\r\n" }})
	if got := failure(t, open(t, server.URL()), t.Context()); got.Kind != post.ForSender || !got.AllMail || got.Enhanced != "5.7.1" {
		t.Errorf("%+v, want one about the sender of all mail", got)
	}
}

// TestDrop makes the server disappear while a message is sent: after it was sent whole, nobody knows whether it was
// accepted.
func TestDrop(t *testing.T) {
	for verb, unknown := range map[string]bool{"MAIL": false, "RCPT": false, "DATA": true} {
		t.Run(verb, func(t *testing.T) {
			var dropped atomic.Bool
			server := posttest.NewServer(t, posttest.Config{Script: func(c posttest.Command) error {
				if c.Verb == verb && dropped.CompareAndSwap(false, true) {
					c.Hangup()
				}
				return nil
			}})
			mailer := open(t, server.URL())
			got := failure(t, mailer, t.Context())
			if got.Kind != post.Temporary || got.Unknown != unknown || got.AllMail != (verb == "MAIL") || got.Code != 0 || got.Reply != "" || got.Err == nil {
				t.Errorf("%+v, want a temporary one, unknown %t", got, unknown)
			}
			server.Drain()
			if err := mailer.Send(t.Context(), posttest.Message()); err != nil || len(server.Received()) != 1 {
				t.Errorf("then %d arrived, error %v", len(server.Received()), err)
			}
		})
	}
}

// TestDropReused makes the server disappear after it got a message over a reused connection: the message is not sent
// again.
func TestDropReused(t *testing.T) {
	var mails atomic.Int32
	server := posttest.NewServer(t, posttest.Config{Script: func(c posttest.Command) error {
		if c.Verb == "DATA" && mails.Add(1) == 2 {
			c.Hangup()
		}
		return nil
	}})
	mailer := open(t, server.URL())
	if err := mailer.Send(t.Context(), posttest.Message()); err != nil {
		t.Fatal(err)
	}
	if got := failure(t, mailer, t.Context()); !got.Unknown || mails.Load() != 2 {
		t.Errorf("%+v after %d messages, want an unknown outcome after 2", got, mails.Load())
	}
}

// TestHang makes the server stop answering: the context ends the attempt.
func TestHang(t *testing.T) {
	for verb, unknown := range map[string]bool{"AUTH": false, "MAIL": false, "RCPT": false, "DATA": true} {
		t.Run(verb, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			end := make(chan struct{})
			server := posttest.NewServer(t, posttest.Config{TLS: "implicit", User: "u", Password: "p", Script: func(c posttest.Command) error {
				if c.Verb == verb {
					cancel()
					<-end
				}
				return nil
			}})
			t.Cleanup(func() { close(end) })
			got := failure(t, open(t, server.URL()), ctx)
			if got.Kind != post.Temporary || got.Unknown != unknown || !errors.Is(got, context.Canceled) {
				t.Errorf("%+v, want the context's, unknown %t", got, unknown)
			}
		})
	}
	for _, scheme := range []string{"smtp", "smtps"} {
		t.Run(scheme+" greeting", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			url := silent(t, scheme, cancel)
			if got := failure(t, open(t, url), ctx); got.Kind != post.Temporary || got.Unknown || !errors.Is(got, context.Canceled) {
				t.Errorf("%+v, want the context's", got)
			}
		})
	}
	t.Run("slot", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		taken, end := make(chan struct{}), make(chan struct{})
		server := posttest.NewServer(t, posttest.Config{Script: func(c posttest.Command) error {
			if c.Verb == "MAIL" {
				close(taken)
				<-end
			}
			return nil
		}})
		mailer := open(t, server.URL("connections", "1"))
		var group sync.WaitGroup
		group.Go(func() {
			if err := mailer.Send(t.Context(), posttest.Message()); err != nil {
				t.Error(err)
			}
		})
		<-taken
		cancel()
		if got := failure(t, mailer, ctx); !errors.Is(got, context.Canceled) {
			t.Errorf("%+v, want the context's", got)
		}
		close(end)
		group.Wait()
	})
}

// silent returns the URL of a server that sends no greeting, and calls come at each connection.
func silent(t *testing.T, scheme string, come func()) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	end := make(chan struct{})
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			come()
			group.Go(func() {
				<-end
				conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		close(end)
		group.Wait()
	})
	return scheme + "://" + listener.Addr().String()
}

// TestTimeout lets the mailer's own timeout end the attempt.
func TestTimeout(t *testing.T) {
	url := silent(t, "smtp", func() {})
	got := failure(t, open(t, url+"?timeout=10ms"), t.Context())
	if timeout, ok := errors.AsType[net.Error](got); got.Kind != post.Temporary || !ok || !timeout.Timeout() {
		t.Errorf("%+v, want a timeout", got)
	}
}

func TestNobodyListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if got := failure(t, open(t, "smtp://"+listener.Addr().String()), t.Context()); got.Kind != post.Temporary || !got.AllMail || got.Unknown || got.Err == nil {
		t.Errorf("%+v, want a temporary one, of all mail", got)
	}
}

// TestSecurity checks that nothing is sent unencrypted, or to another server.
func TestSecurity(t *testing.T) {
	t.Run("TLS required and not offered", func(t *testing.T) {
		server := posttest.NewServer(t, posttest.Config{})
		if got := failure(t, open(t, server.URL("tls", "required")), t.Context()); got.Kind != post.Temporary {
			t.Errorf("%+v, want a temporary one", got)
		}
	})
	t.Run("TLS required and offered", func(t *testing.T) {
		server := posttest.NewServer(t, posttest.Config{TLS: "starttls"})
		if err := open(t, server.URL("tls", "required")).Send(t.Context(), posttest.Message()); err != nil {
			t.Error(err)
		}
	})
	for _, kind := range []string{"starttls", "implicit"} {
		t.Run("unknown certificate, "+kind, func(t *testing.T) {
			server := posttest.NewServer(t, posttest.Config{TLS: kind, Script: func(c posttest.Command) error {
				if c.Verb == "MAIL" {
					t.Error("the server was trusted")
				}
				return nil
			}})
			url, _, _ := strings.Cut(server.URL(), "?")
			if got := failure(t, open(t, url), t.Context()); got.Kind != post.Temporary {
				t.Errorf("%+v, want a temporary one", got)
			}
		})
	}
	t.Run("password in the clear", func(t *testing.T) {
		asked := false
		server := posttest.NewServer(t, posttest.Config{User: "u", Password: "p", Script: func(c posttest.Command) error {
			asked = asked || c.Verb == "AUTH"
			return nil
		}})
		if got := failure(t, open(t, server.URL()), t.Context()); got.Kind != post.Temporary || asked {
			t.Errorf("%+v, password shown %t", got, asked)
		}
		if err := open(t, server.URL("auth", "plain-noenc")).Send(t.Context(), posttest.Message()); err != nil {
			t.Errorf("allowed: %v", err)
		}
	})
	t.Run("wrong password", func(t *testing.T) {
		server := posttest.NewServer(t, posttest.Config{TLS: "implicit", User: "u", Password: "p"})
		got := failure(t, open(t, strings.Replace(server.URL(), "u:p@", "u:secret@", 1)), t.Context())
		if got.Kind != post.ForSender || !got.AllMail || got.Code != 535 || got.Enhanced != "5.7.8" || strings.Contains(got.Error(), "secret") {
			t.Errorf("%+v, want a 535 about the sender", got)
		}
	})
}

// BenchmarkSMTP sends to a server that does nothing with the mail.
func BenchmarkSMTP(b *testing.B) {
	server := posttest.NewServer(b, posttest.Config{})
	mailer := open(b, server.URL())
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := mailer.Send(b.Context(), posttest.Message()); err != nil {
				b.Error(err)
			}
			server.Drain()
		}
	})
}

// FuzzMessage sends any texts to a server: the message is refused, or arrives unchanged, for one recipient, with the
// same headers as a harmless one.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{
		"", "a\r\nBcc: x@y.example", "a\nb", "a\rb", "a\x00", "\u0085", "\u2028", "\xff", "  a   b  ", strings.Repeat(" ", 300), strings.Repeat("a ", 200),
		strings.Repeat("é", 500), strings.Repeat("x", 2000), "=?utf-8?q?=0D=0ABcc:_x@y.example?=", `"a" <b@c.example>`, "a@b.example", ".\r\n.\r\nRCPT TO:<x@y.example>\r\n",
		"a: b\r\n\r\nc", "\u202e", `\é`, `x@y.example>
RCPT TO:<z@y.example`, "\t", "\u00a0", "=??q?=0ABcc:_x@y.example?=",
		strings.Repeat(`\`, 600),
	} {
		f.Add(s, s, s, s)
		f.Add("Objet", "Marchés", "reader@bourg-fictif.example", s)
		f.Add(s, "Marchés", "reader@bourg-fictif.example", "Texte")
		f.Add("Objet", s, "reader@bourg-fictif.example", "Texte")
	}
	server := posttest.NewServer(f, posttest.Config{})
	mailer := open(f, server.URL())
	if err := mailer.Send(f.Context(), posttest.Message()); err != nil {
		f.Fatal(err)
	}
	tame := headers(f, server.Drain()[0])
	f.Fuzz(func(t *testing.T, subject, name, to, value string) {
		m := posttest.Message()
		m.Subject, m.From.Name, m.To, m.Text, m.HTML = subject, name, to, value, value
		m.Headers["List-Id"] = value
		err := mailer.Send(t.Context(), m)
		arrived := server.Drain()
		if err != nil {
			if e, ok := errors.AsType[*post.Error](err); !ok || e.Kind == post.Temporary || len(arrived) > 0 {
				t.Fatalf("error %v, %d arrived", err, len(arrived))
			}
			return
		}
		if len(arrived) != 1 || arrived[0].To != to || arrived[0].From != m.EnvelopeFrom {
			t.Fatalf("arrived %v", arrived)
		}
		if got := headers(t, arrived[0]); got != tame {
			t.Errorf("headers %s, want %s", got, tame)
		}
		parsed, err := mail.ReadMessage(bytes.NewReader(arrived[0].Content))
		if err != nil {
			t.Fatal(err)
		}
		if said, err := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject")); err != nil || spaced(said) != spaced(subject) {
			t.Errorf("subject %q (error %v), want %q", said, err, subject)
		}
		if from, err := mail.ParseAddress(parsed.Header.Get("From")); err != nil || from.Address != m.From.Address || spaced(from.Name) != spaced(name) {
			t.Errorf("from %q (error %v), want the name %q", parsed.Header.Get("From"), err, name)
		}
	})
}

// headers returns the names of a message's headers, in their order. It looks at lines only, like the most careless
// mail program.
func headers(t testing.TB, got posttest.Received) string {
	t.Helper()
	head, _, ok := bytes.Cut(got.Content, []byte("\r\n\r\n"))
	if !ok {
		t.Fatalf("no end of headers in %q", got.Content)
	}
	var names []string
	for line := range strings.SplitSeq(string(head), "\r\n") {
		if strings.ContainsAny(line, "\r\n") || strings.TrimSpace(line) == "" || len(line) > 998 {
			t.Errorf("header line %q", line)
		}
		if line[0] == ' ' || line[0] == '\t' {
			continue
		}
		name, _, _ := strings.Cut(line, ":")
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func spaced(s string) string { return strings.Join(strings.Fields(s), " ") }

// TestAfterFailure sends a message that fails, then another: the second is accepted, whatever happened to the first.
func TestAfterFailure(t *testing.T) {
	refuse := func(verb string, code int) func(posttest.Command) error {
		return func(c posttest.Command) error {
			if c.Verb == verb {
				return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 3, 0}, Message: "no"}
			}
			return nil
		}
	}
	answer := func(command, reply string) func(string) string {
		return func(line string) string {
			if strings.HasPrefix(line, command) {
				return reply
			}
			return ""
		}
	}
	for name, wrong := range map[string]posttest.Config{
		"MAIL refused":                 {Script: refuse("MAIL", 451)},
		"RCPT refused":                 {Script: refuse("RCPT", 451)},
		"RCPT refused, RSET too":       {Script: refuse("RCPT", 451), Answer: answer("RSET", "500 5.5.1 what?\r\n")},
		"RCPT closes":                  {Answer: answer("RCPT", "421 4.3.2 shutting down\r\n")},
		"DATA refused":                 {Answer: answer("DATA", "452 4.3.1 no space\r\n")},
		"DATA refused permanently":     {Answer: answer("DATA", "554 5.5.1 no valid recipients\r\n")},
		"DATA accepted before its end": {Answer: answer("DATA", "250 2.0.0 thanks\r\n")},
		"message refused":              {Script: refuse("DATA", 554)},
		"MAIL answered badly":          {Answer: answer("MAIL", "?\r\n")},
		"RCPT answered badly":          {Answer: answer("RCPT", "250\r\n\r\n")},
		"DATA answered badly":          {Answer: answer("DATA", "35x go on\r\n")},
		"RCPT answered twice":          {Answer: answer("RCPT", "550 5.3.0 no\r\n250 2.1.5 yes\r\n")},
	} {
		t.Run(name, func(t *testing.T) {
			var over atomic.Bool
			server := posttest.NewServer(t, posttest.Config{
				Script: func(c posttest.Command) error {
					if over.Load() || wrong.Script == nil {
						return nil
					}
					return wrong.Script(c)
				},
				Answer: func(line string) string {
					if over.Load() || wrong.Answer == nil {
						return ""
					}
					return wrong.Answer(line)
				},
			})
			mailer := open(t, server.URL("connections", "1"))
			failure(t, mailer, t.Context())
			over.Store(true)
			for range 3 {
				if err := mailer.Send(t.Context(), posttest.Message()); err != nil {
					t.Errorf("the next message: %v", err)
				}
			}
			if n := len(server.Received()); n != 3 {
				t.Errorf("%d messages arrived, not the 3 after the first", n)
			}
		})
	}
}
