package post_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"vigie/alert/post"
	"vigie/alert/post/posttest"
)

// A mail server is checked by signing in, and gets no mail.
func TestCheck(t *testing.T) {
	for _, encryption := range []string{"", "starttls", "implicit"} {
		var mutex sync.Mutex
		var verbs []string
		closed := false
		mail := posttest.NewServer(t, posttest.Config{TLS: encryption, User: "vigie", Password: "hunter2", Script: func(c posttest.Command) error {
			mutex.Lock()
			defer mutex.Unlock()
			verbs = append(verbs, c.Verb)
			if closed {
				return &smtp.SMTPError{Code: 535, Message: "not you"}
			}
			return nil
		}})
		m, err := post.Open(mail.URL("auth", "plain-noenc"))
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if err := post.Check(t.Context(), m); err != nil {
			t.Errorf("%q: %v", encryption, err)
		}
		mutex.Lock()
		if got := strings.Join(verbs, " "); got != "AUTH" {
			t.Errorf("%q: it was asked for %s", encryption, got)
		}
		closed = true
		mutex.Unlock()
		if err := post.Check(t.Context(), m); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q, signed in with a wrong password: %v", encryption, err)
		}
	}
	nobody, err := post.Open("smtp://127.0.0.1:1?timeout=5s")
	if err != nil {
		t.Fatal(err)
	}
	if err := post.Check(t.Context(), nobody); err == nil {
		t.Error("a port without a server is accepted")
	}
}

// A folder is checked with a file that is removed.
func TestCheckOutbox(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "outbox")
	m, err := post.Open("outbox:" + dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := post.Check(t.Context(), m); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("the check left %v, %v", entries, err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := post.Check(t.Context(), m); err == nil {
		t.Error("a missing folder is accepted")
	}
}
