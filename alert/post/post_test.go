package post_test

import (
	"bytes"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"vigie/alert/post"
	"vigie/alert/post/posttest"
)

func TestOutbox(t *testing.T) {
	posttest.Run(t, func(t *testing.T) (post.Mailer, func() []posttest.Received) {
		dir := filepath.Join(t.TempDir(), "new", "outbox")
		return open(t, "outbox:"+dir), func() []posttest.Received { return readOutbox(t, dir) }
	})
}

func TestSMTP(t *testing.T) {
	for name, config := range map[string]posttest.Config{
		"plain":    {},
		"ascii":    {ASCII: true},
		"starttls": {TLS: "starttls", User: "vigie", Password: "p@ss:w/rd"},
		"smtps":    {TLS: "implicit", User: "vigie", Password: "p@ss:w/rd"},
	} {
		t.Run(name, func(t *testing.T) {
			posttest.Run(t, func(t *testing.T) (post.Mailer, func() []posttest.Received) {
				server := posttest.NewServer(t, config)
				return open(t, server.URL()), server.Received
			})
		})
	}
}

func open(t testing.TB, url string) post.Mailer {
	t.Helper()
	mailer, err := post.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mailer.Close() })
	return mailer
}

// readOutbox reads the files of an outbox in the order of their names.
func readOutbox(t testing.TB, dir string) (list []posttest.Received) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".eml" {
			t.Errorf("there is a file %s", entry.Name())
		}
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		to := strings.Trim(m.Header.Get("To"), "<>")
		list = append(list, posttest.Received{
			From: strings.Trim(m.Header.Get("Return-Path"), "<>"), To: to, Content: content,
			UTF8: strings.ContainsFunc(to, func(r rune) bool { return r > unicode.MaxASCII }),
		})
	}
	return list
}

// TestOutboxNames checks that files are in the order of their messages, and that a message sent twice is one file.
func TestOutboxNames(t *testing.T) {
	dir := t.TempDir()
	mailer := open(t, "outbox:"+dir)
	start := time.Date(2026, 3, 29, 0, 59, 59, 0, time.UTC)
	for _, i := range []int{2, 0, 1, 2, 3} {
		m := posttest.Message()
		m.ID = string("dcab"[i]) + "@valombre.example"
		m.Subject = string("0123"[i])
		// Local time goes from 1:59:59 to 3:00:00 in between.
		m.Date = start.Add(time.Duration(i) * 500 * time.Millisecond).In(time.FixedZone("", []int{3600, 3600, 7200, 0}[i]))
		if err := mailer.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	var subjects []string
	for _, got := range readOutbox(t, dir) {
		m, err := mail.ReadMessage(bytes.NewReader(got.Content))
		if err != nil {
			t.Fatal(err)
		}
		subjects = append(subjects, m.Header.Get("Subject"))
	}
	if !slices.Equal(subjects, []string{"0", "1", "2", "3"}) {
		t.Errorf("in the order of names: %q", subjects)
	}
}

func TestOpen(t *testing.T) {
	for _, url := range []string{
		"smtp://h.example", "smtp://h.example:2525/", "smtp://u:p%40@h.example?tls=required&connections=8&idle=10s&timeout=30s&helo=a.example&auth=login",
		"smtps://u:p@h.example", "smtp://[::1]:25?tls=none",
	} {
		mailer, err := post.Open(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		mailer.Close()
	}
	for _, test := range []struct{ url, want string }{
		{"", "smtp:"}, {"sendmail:", "smtp:"}, {"outbox:", "folder"}, {"smtp:", "form"}, {"smtp:h.example", "form"}, {"smtp://", "form"},
		{"smtp://u:secret@h.example/path", "form"}, {"smtp://u:sec%ret@h.example", "percent"}, {"smtp://u:secret@h.example:x", "malformed"},
		{"smtp://h.example?tls=perhaps", "tls"}, {"smtps://u:secret@h.example?tls=none", "tls"}, {"smtp://h.example?starttls=1", "starttls"},
		{"smtp://h.example?connections=0", "connections"}, {"smtp://h.example?idle=-1s", "idle"}, {"smtp://h.example?timeout=ever", "timeout"},
		{"smtp://h.example?ca=/does/not/exist", "ca"}, {"smtp://u:secret@h.example?auth=guess", "auth"}, {"smtp://h.example:99999", "port"},
	} {
		_, err := post.Open(test.url)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "sec") {
			t.Errorf("%s: error %v, want one that says %s and no password", test.url, err, test.want)
		}
	}
}
