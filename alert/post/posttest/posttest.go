package posttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"vigie/alert/post"
)

// Run runs the conformance suite: open returns a new mailer, and a function that returns what it has sent so far.
func Run(t *testing.T, open func(t *testing.T) (post.Mailer, func() []Received)) {
	for name, test := range map[string]func(*testing.T, post.Mailer, func() []Received){
		"Message": testMessage, "Again": testAgain, "Addresses": testAddresses, "Headers": testHeaders,
		"Domains": testDomains, "LocalParts": testLocalParts, "AfterFailure": testAfterFailure,
		"Goroutines": testGoroutines, "Context": testContext, "Closed": testClosed,
	} {
		t.Run(name, func(t *testing.T) {
			mailer, received := open(t)
			t.Cleanup(func() { mailer.Close() })
			test(t, mailer, received)
		})
	}
}

// Message returns a message with every field set.
func Message() post.Message {
	return post.Message{
		ID: "d41d8cd98f@valombre.example", From: mail.Address{Name: "Marchés de Valombre", Address: "alertes@valombre.example"},
		ReplyTo: "marches@valombre.example", To: "lecteur@bourg-fictif.example", EnvelopeFrom: "retours+k3j5x@valombre.example",
		InReplyTo: "9f86d081884c@valombre.example",
		Subject:   "3 nouveaux marchés – veille « Voirie et réseaux divers dans l'Ain et l'Ardèche » à surveiller de près",
		Text:      "Bonjour,\n\n.\n..une ligne qui commence par un point\nFrom ici\n" + strings.Repeat("très long ", 300) + "\n",
		HTML:      "<!DOCTYPE html>\n<html lang=\"fr\"><p>3 nouveaux marchés à 17\u00a0h\u00a000 = 5\u00a0pm</p></html>\n",
		Date:      time.Date(2026, 11, 9, 8, 0, 0, 0, time.FixedZone("", 3600)),
		Headers: map[string]string{
			"List-Unsubscribe":      "<https://valombre.example/quitter/" + strings.Repeat("x", 100) + ">",
			"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
			"List-Id":               "Veilles <veilles.valombre.example>",
			"Auto-Submitted":        "auto-generated",
			"Precedence":            "bulk",
		},
	}
}

func testMessage(t *testing.T, mailer post.Mailer, received func() []Received) {
	want := Message()
	if err := mailer.Send(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	list := received()
	if len(list) != 1 {
		t.Fatalf("%d messages arrived", len(list))
	}
	got := list[0]
	if got.From != want.EnvelopeFrom || got.To != want.To {
		t.Errorf("from %s to %s", got.From, got.To)
	}
	for line := range bytes.Lines(got.Content) {
		if !bytes.HasSuffix(line, []byte("\r\n")) || bytes.Count(line, []byte("\r")) != 1 || len(line) > 1000 {
			t.Errorf("line %q", line)
		}
	}
	parsed, err := mail.ReadMessage(bytes.NewReader(got.Content))
	if err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{
		"Message-Id": "<" + want.ID + ">", "Date": "Mon, 09 Nov 2026 08:00:00 +0100", "To": "<" + want.To + ">",
		"In-Reply-To": "<" + want.InReplyTo + ">", "References": "<" + want.InReplyTo + ">",
		"Reply-To": "<" + want.ReplyTo + ">", "Subject": want.Subject, "Mime-Version": "1.0",
	}
	for name, value := range want.Headers {
		headers[name] = value
	}
	for name, value := range headers {
		said, err := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get(name))
		if err != nil || said != value || len(parsed.Header[textproto.CanonicalMIMEHeaderKey(name)]) != 1 {
			t.Errorf("%s: %q (error %v), want %q", name, said, err, value)
		}
	}
	delete(parsed.Header, "Return-Path")              // only files have it
	if n := len(parsed.Header); n != len(headers)+2 { // plus From and Content-Type
		t.Errorf("there are %d headers: %v", n, parsed.Header)
	}
	if from, err := mail.ParseAddress(parsed.Header.Get("From")); err != nil || *from != want.From {
		t.Errorf("From: %v (error %v), want %v", from, err, want.From)
	}
	texts := bodies(t, parsed)
	if len(texts) != 2 || texts[0] != "text/plain "+want.Text || texts[1] != "text/html "+want.HTML {
		t.Errorf("the texts are %q", texts)
	}
}

// bodies returns the parts of a multipart/alternative, each with its type.
func bodies(t *testing.T, m *mail.Message) (texts []string) {
	t.Helper()
	kind, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content is %s (error %v)", kind, err)
	}
	parts := multipart.NewReader(m.Body, parameters["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, parameters, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil || !strings.EqualFold(parameters["charset"], "utf-8") || part.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
			t.Errorf("a part has headers %v (error %v)", part.Header, err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, kind+" "+strings.ReplaceAll(string(text), "\r\n", "\n"))
	}
}

// testAgain sends a message twice, as happens after a crash.
func testAgain(t *testing.T, mailer post.Mailer, received func() []Received) {
	for range 2 {
		if err := mailer.Send(t.Context(), Message()); err != nil {
			t.Fatal(err)
		}
	}
	list := received()
	if len(list) == 0 {
		t.Fatal("nothing arrived")
	}
	for _, got := range list[1:] {
		if !bytes.Equal(got.Content, list[0].Content) {
			t.Errorf("sent the second time:\n%s\nsent the first time:\n%s", got.Content, list[0].Content)
		}
	}
}

func testAddresses(t *testing.T, mailer post.Mailer, received func() []Received) {
	for _, address := range []string{
		"", "nobody", "@bourg-fictif.example", "a@b.example\r\nBcc: c@d.example", "a@b.example\nRCPT TO:<c@d.example>", "a@b.example ", " a@b.example",
		`"a b"@c.example`, `"a@b.example> ORCPT=rfc822;x"@c.example`, "a@b.example,c@d.example", "a@b.example;c@d.example", "A <a@b.example>",
		"<a@b.example>", "a@[127.0.0.1]", "a(comment)@b.example", "a@b.example\x00", "a\t@b.example", "é\u200d@b.example", "é\u2028@b.example", "é b@b.example", "a@é .example", "a@é\r\n.example", "a@-b.example",
		"a..b@c.example", strings.Repeat("a", 250) + "@b.example",
	} {
		for field, change := range map[string]func(*post.Message){
			"To":           func(m *post.Message) { m.To = address },
			"From":         func(m *post.Message) { m.From.Address = address },
			"EnvelopeFrom": func(m *post.Message) { m.EnvelopeFrom = address },
			"ReplyTo":      func(m *post.Message) { m.ReplyTo = address },
			"ID":           func(m *post.Message) { m.ID = address },
		} {
			if field == "ReplyTo" && address == "" {
				continue // the header is optional
			}
			kind := post.ForSender
			if field == "To" {
				kind = post.ForAddress
			}
			refuse(t, mailer, fmt.Sprintf("%s %q", field, address), kind, change)
		}
	}
	if list := received(); len(list) > 0 {
		t.Errorf("a refused message arrived: %v", list)
	}
}

func testHeaders(t *testing.T, mailer post.Mailer, received func() []Received) {
	const line = "a\r\nBcc: c@d.example"
	for name, change := range map[string]func(*post.Message){
		"subject":          func(m *post.Message) { m.Subject = line },
		"subject, bare LF": func(m *post.Message) { m.Subject = "a\nb" },
		"subject, bare CR": func(m *post.Message) { m.Subject = "a\rb" },
		"subject, NUL":     func(m *post.Message) { m.Subject = "a\x00b" },
		"subject, NEL":     func(m *post.Message) { m.Subject = "a\u0085b" },
		"subject, UTF-8":   func(m *post.Message) { m.Subject = "a\xff" },
		"sender's name":    func(m *post.Message) { m.From.Name = line },
		"header's value":   func(m *post.Message) { m.Headers["List-Id"] = line },
		"header's letters": func(m *post.Message) { m.Headers["List-Id"] = "é" },
		"header's length":  func(m *post.Message) { m.Headers["List-Id"] = strings.Repeat("x", 1000) },
		"header's name":    func(m *post.Message) { m.Headers["X: a\r\nBcc"] = "c@d.example" },
		"empty name":       func(m *post.Message) { m.Headers[""] = "a" },
		"a recipient":      func(m *post.Message) { m.Headers["bcc"] = "c@d.example" },
		"second subject":   func(m *post.Message) { m.Headers["SUBJECT"] = "a" },
		"no date":          func(m *post.Message) { m.Date = time.Time{} },
	} {
		refuse(t, mailer, name, post.ForSender, change)
	}
	if list := received(); len(list) > 0 {
		t.Errorf("a refused message arrived: %v", list)
	}
}

// testDomains sends between internationalised domains: everything is sent in ASCII, so that every server accepts it.
func testDomains(t *testing.T, mailer post.Mailer, received func() []Received) {
	m := Message()
	m.ID, m.From.Address, m.ReplyTo, m.EnvelopeFrom, m.To = "a1@évry.example", "veille@évry.example", "marches@ÉVRY.example", "retours+k3@évry.example", "lecteur@e\u0301vry.example"
	if err := mailer.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	list := received()
	if len(list) != 1 {
		t.Fatalf("%d messages arrived", len(list))
	}
	got, domain := list[0], "xn--vry-9la.example"
	if got.From != "retours+k3@"+domain || got.To != "lecteur@"+domain || got.UTF8 {
		t.Errorf("from %s to %s, in UTF-8 %t", got.From, got.To, got.UTF8)
	}
	parsed, err := mail.ReadMessage(bytes.NewReader(got.Content))
	if err != nil {
		t.Fatal(err)
	}
	from, err := mail.ParseAddress(parsed.Header.Get("From"))
	if err != nil || from.Name != m.From.Name || from.Address != "veille@"+domain {
		t.Errorf("From: %v (error %v)", from, err)
	}
	for name, value := range map[string]string{"To": "<lecteur@" + domain + ">", "Reply-To": "<marches@" + domain + ">", "Message-Id": "<a1@" + domain + ">"} {
		if said := parsed.Header.Get(name); said != value {
			t.Errorf("%s: %q, want %q", name, said, value)
		}
	}
}

// testLocalParts sends to an address that is not ASCII before its at sign: it arrives unchanged, or the mailer says
// that it cannot be reached. Such a sender address is refused, because not every server would accept it.
func testLocalParts(t *testing.T, mailer post.Mailer, received func() []Received) {
	const address = "rené.l'été@évry.example"
	m := Message()
	m.To = address
	err := mailer.Send(t.Context(), m)
	list := received()
	if err != nil {
		if e, ok := errors.AsType[*post.Error](err); !ok || e.Kind != post.ForAddress || !strings.Contains(err.Error(), "ASCII") || len(list) > 0 {
			t.Errorf("error %v, and %d arrived", err, len(list))
		}
	} else {
		want := "rené.l'été@xn--vry-9la.example"
		if len(list) != 1 || list[0].To != want || !list[0].UTF8 || !bytes.Contains(list[0].Content, []byte("\r\nTo: <"+want+">\r\n")) {
			t.Errorf("arrived %v", list)
		}
	}
	for field, change := range map[string]func(*post.Message){
		"From":         func(m *post.Message) { m.From.Address = address },
		"EnvelopeFrom": func(m *post.Message) { m.EnvelopeFrom = address },
		"ReplyTo":      func(m *post.Message) { m.ReplyTo = address },
		"ID":           func(m *post.Message) { m.ID = address },
	} {
		refuse(t, mailer, field, post.ForSender, change)
	}
	if n := len(received()); n != len(list) {
		t.Errorf("%d more arrived", n-len(list))
	}
}

// testAfterFailure sends messages that fail, each followed by one that succeeds.
func testAfterFailure(t *testing.T, mailer post.Mailer, received func() []Received) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for i, fail := range []func(m *post.Message) context.Context{
		func(m *post.Message) context.Context { m.To = "nobody"; return t.Context() },
		func(m *post.Message) context.Context { m.Subject = "a\nb"; return t.Context() },
		func(m *post.Message) context.Context { m.From.Address = "é@b.example"; return t.Context() },
		func(*post.Message) context.Context { return ended },
	} {
		m := Message()
		m.ID = fmt.Sprintf("wrong%d@valombre.example", i)
		if err := mailer.Send(fail(&m), m); err == nil {
			t.Errorf("%s was accepted", m.ID)
		}
		m = Message()
		m.ID = fmt.Sprintf("right%d@valombre.example", i)
		if err := mailer.Send(t.Context(), m); err != nil {
			t.Errorf("after %d failures: %v", i+1, err)
		}
		if n := len(received()); n != i+1 {
			t.Errorf("%d arrived after %d failures", n, i+1)
		}
	}
}

// refuse checks that a changed message is refused.
func refuse(t *testing.T, mailer post.Mailer, what string, kind post.Kind, change func(*post.Message)) {
	t.Helper()
	m := Message()
	change(&m)
	err := mailer.Send(t.Context(), m)
	if e, ok := errors.AsType[*post.Error](err); !ok || e.Kind != kind || e.Unknown {
		t.Errorf("%s: error %v, want one that is %s", what, err, kind)
	}
}

func testGoroutines(t *testing.T, mailer post.Mailer, received func() []Received) {
	const messages = 40
	var group sync.WaitGroup
	for i := range messages {
		group.Go(func() {
			m := Message()
			m.ID = fmt.Sprintf("m%d@valombre.example", i)
			m.To = fmt.Sprintf("lecteur%d@bourg-fictif.example", i)
			if err := mailer.Send(t.Context(), m); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	arrived := make(map[string]int)
	for _, got := range received() {
		parsed, err := mail.ReadMessage(bytes.NewReader(got.Content))
		if err != nil {
			t.Fatal(err)
		}
		arrived[parsed.Header.Get("Message-Id")+got.To+parsed.Header.Get("To")]++
	}
	for i := range messages {
		to := fmt.Sprintf("lecteur%d@bourg-fictif.example", i)
		if n := arrived[fmt.Sprintf("<m%d@valombre.example>%s<%s>", i, to, to)]; n != 1 {
			t.Errorf("message %d arrived %d times", i, n)
		}
	}
}

func testContext(t *testing.T, mailer post.Mailer, received func() []Received) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := mailer.Send(ctx, Message())
	if e, ok := errors.AsType[*post.Error](err); !ok || e.Kind != post.Temporary || e.Unknown || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want a temporary one, of the context", err)
	}
	if n := len(received()); n > 0 {
		t.Errorf("%d messages arrived", n)
	}
}

func testClosed(t *testing.T, mailer post.Mailer, received func() []Received) {
	for range 2 {
		if err := mailer.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	}
	err := mailer.Send(t.Context(), Message())
	if e, ok := errors.AsType[*post.Error](err); !ok || e.Kind != post.Temporary || !errors.Is(err, post.ErrClosed) {
		t.Errorf("error %v, want %v", err, post.ErrClosed)
	}
	if n := len(received()); n > 0 {
		t.Errorf("%d messages arrived", n)
	}
}
