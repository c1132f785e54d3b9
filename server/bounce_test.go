package main

import (
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/alert/link"
	"vigie/ledger"
	"vigie/store"
	"vigie/store/storetest"
)

// bouncing is a database that sent a mail, which came back.
type bouncing struct {
	store    *store.Store
	account  *vigie.Account
	watch    *vigie.Watch
	env      map[string]string
	returned string
}

func newBouncing(t *testing.T, url string) *bouncing {
	t.Helper()
	const bob = "bob@example.org"
	b := &bouncing{env: map[string]string{"VIGIE_DATABASE_URL": adopted(t, url), "VIGIE_SECRET": testSecret}}
	var err error
	check := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	b.store, err = store.Open(t.Context(), url, time.Now)
	check()
	t.Cleanup(func() { b.store.Close() })
	b.account, err = b.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "ana", Email: "ana@example.org", EmailVerified: true})
	check()
	b.watch, err = b.store.CreateWatch(t.Context(), b.account, vigie.Watch{Name: "Voirie", NameKey: "voirie", Active: true, Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords}, Frequency: vigie.Daily}, false, []string{bob})
	check()
	claimed, err := b.store.Ledger().Claim(t.Context(), ledger.ClaimOptions{Limit: 1, Lease: time.Hour, Host: "vigie.example"})
	check()
	keys, err := link.New([]string{testSecret})
	check()
	sample, err := os.ReadFile(filepath.Join("..", "alert", "post", "testdata", "bounces", "postfix-unknown.eml"))
	check()
	b.returned = strings.ReplaceAll(string(sample), "k3j5x7q2", keys.Token(link.Bounce, claimed.Mails[0].ID, bob))
	return b
}

func (b *bouncing) expect(t *testing.T, want vigie.RecipientStatus) {
	t.Helper()
	list, err := b.store.Ledger().Recipients(t.Context(), b.account, []int64{b.watch.ID})
	if err != nil {
		t.Fatal(err)
	}
	if got := list[b.watch.ID][0].Status; got != want {
		t.Errorf("the address is %s, not %s", got, want)
	}
}

// Anybody may have written what a bounce says, and a mail server whose mail is
// not read to its end may take that for a failure.
func TestBounceSaysAnything(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			b := newBouncing(t, open(t))
			text := strings.Replace(b.returned, "Diagnostic-Code: smtp; 550", "Diagnostic-Code: smtp; 550 \xff\xfe '); -- "+strings.Repeat("é", 100_000), 1)
			in := strings.NewReader(text + strings.Repeat("x\n", 5<<20))
			c := start(t, b.env, in, "bounce")
			if <-c.ended; c.status != 0 || in.Len() > 0 {
				t.Errorf("status %d, %d bytes are not read: %s", c.status, in.Len(), c.err.String())
			}
			b.expect(t, vigie.Bounced)
		})
	}
}

// To be stopped is not to be done: the mail server must keep the bounce.
func TestBounceStopped(t *testing.T) {
	b := newBouncing(t, storetest.SQLite(t))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	p := &process{
		in: strings.NewReader(b.returned), out: io.Discard, err: io.Discard, now: time.Now,
		env: func(name string) (string, bool) { return b.env[name], true },
	}
	if status := p.run(ctx, []string{"bounce"}); status != tryAgain {
		t.Errorf("status %d", status)
	}
	b.expect(t, vigie.Pending)
}

// Where the settings are wrong a mail server keeps the bounce until they are
// mended.
func TestBounceWithWrongSettings(t *testing.T) {
	b := newBouncing(t, storetest.SQLite(t))
	for name, wrong := range map[string][]string{
		"a secret": {"VIGIE_SECRET", "short"}, "a misspelt name": {"VIGIE_SECRETS", testSecret}, "both": {"VIGIE_SECRET_FILE", "/etc/hostname"},
	} {
		env := maps.Clone(b.env)
		env[wrong[0]] = wrong[1]
		if c := run(t, env, b.returned, "bounce"); c.status != tryAgain || !strings.Contains(c.err.String(), wrong[0]) {
			t.Errorf("%s: status %d, %s", name, c.status, c.err.String())
		}
	}
	if c := run(t, b.env, b.returned, "bounce", "--nonsense"); c.status != tryAgain {
		t.Errorf("a misspelt flag: status %d", c.status)
	}
	b.expect(t, vigie.Pending)
}
