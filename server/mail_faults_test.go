package main

import (
	"bytes"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vigie/alert/post/posttest"
)

// A mail server that hangs, before its first word or when it has read a mail,
// holds up mails alone: the API goes on answering, and the server stops within
// its grace. Once it answers again, the mails leave; the one that it may have
// read leaves again, as it was.
func TestMailServerHangs(t *testing.T) {
	t.Parallel()
	var away *line
	var hangs atomic.Bool
	read := make(chan struct{}, 1)
	mail := posttest.NewServer(t, posttest.Config{Script: func(c posttest.Command) error {
		if c.Verb == "DATA" && hangs.CompareAndSwap(true, false) {
			away.become(hanging, "")
			read <- struct{}{}
		}
		return nil
	}})
	address := mail.URL("tls", "none", "connections", "1")
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	away = newLine(t, u.Host)
	env := map[string]string{
		"VIGIE_DATA": t.TempDir(), "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0",
		"VIGIE_MAIL_URL": away.toward(t, address), "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_MAIL_SPACING": "50ms", "VIGIE_PUBLIC_URL": "https://vigie.example",
	}
	server := start(t, env, nil, "serve")
	s := newSurvivor(t, server)
	letters := func() (first []letterFile) {
		seen := map[string]bool{}
		for _, m := range mail.Received() {
			letter := readLetter(t, bytes.NewReader(m.Content))
			if id := letter.Get("Message-ID"); !seen[id] {
				seen[id] = true
				first = append(first, letter)
			}
		}
		return first
	}

	away.become(hanging, "")
	s.publish()
	s.finds()
	away.reached(t)
	s.publish()
	s.finds()
	ready(t, s.base)
	away.become("", "")
	s.mailedAs(letters)

	hangs.Store(true)
	s.publish()
	<-read
	s.publish()
	s.finds()
	ready(t, s.base)
	server.stops(t)

	// The mail is tried again after a minute.
	later := new(clock)
	later.set(2 * time.Minute)
	away.become("", "")
	before := len(mail.Received())
	server = startAt(t, env, nil, later.now, "serve")
	s.base, s.private = server.listening(t), server.private(t)
	s.mailedAs(letters)
	if again := len(mail.Received()) - before; again != 2 {
		t.Errorf("%d mails left, not the one that waited and the one again", again)
	}
}

// A mail server that does not answer is known to be away as soon as a mail cannot leave: nobody waits for the next of the
// rare times at which it is asked anyway. That is one line of the log, and one when it is back, and not one for each attempt.
func TestMailServerIsMissedSoon(t *testing.T) {
	t.Parallel()
	mail := posttest.NewServer(t, posttest.Config{})
	address := mail.URL("tls", "none")
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	away := newLine(t, u.Host)
	server := start(t, map[string]string{
		"VIGIE_DATA": t.TempDir(), "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0",
		"VIGIE_MAIL_URL": away.toward(t, address), "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_MAIL_SPACING": "50ms", "VIGIE_PUBLIC_URL": "https://vigie.example",
	}, nil, "serve")
	s := newSurvivor(t, server)
	awaits(t, func() (bool, string) {
		_, body := get(t, s.private+"/readyz")
		return bytes.Contains(body, []byte(`"mail":"ok"`)), string(body)
	})
	away.become(cut, "")
	s.publish()
	awaits(t, func() (bool, string) {
		said := server.err.String()
		return strings.Contains(said, `msg="dependency does not answer" dependency=mail`), "it is not known to be away:\n" + said
	})
	failures := func() float64 {
		series, _ := scrape(t, s.private)
		return series[`vigie_consumer_failures_total{consumer="mails"}`]
	}
	before := failures()
	awaits(t, func() (bool, string) { return failures() > before+2, "the mail is not tried again" })
	away.become("", "")
	s.mailedAs(func() (letters []letterFile) {
		for _, m := range mail.Received() {
			letters = append(letters, readLetter(t, bytes.NewReader(m.Content)))
		}
		return letters
	})
	server.said(t, `(msg="dependency answers again" dependency=mail)`)
	var lines []string
	for line := range strings.Lines(server.err.String()) {
		if strings.Contains(line, "consumer=mails") || strings.Contains(line, "dependency=mail") {
			lines = append(lines, line)
		}
	}
	if len(lines) != 2 || !strings.Contains(lines[1], `msg="dependency answers again" dependency=mail`) {
		t.Errorf("%d lines are logged:\n%s", len(lines), strings.Join(lines, ""))
	}
}
