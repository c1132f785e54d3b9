package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/graph"
)

// Who asks for none of our languages has not asked for French.
func TestLocaleOf(t *testing.T) {
	for asked, want := range map[string]vigie.Locale{
		"": "", "fr": vigie.French, "fr-CA,en;q=0.5": vigie.French, "en-GB": vigie.English, "de, en;q=0.5": vigie.English, "de": "", "*": "",
		strings.Repeat("de, ", 300) + "fr": "", // too long to be read
	} {
		if got := localeOf(asked); got != want {
			t.Errorf("%q asks for %q, not %q", asked, got, want)
		}
	}
}

// An account is its subject; address, verification and name follow the token,
// and what a token does not say stays: that an address is verified too, unless
// it is another one now.
// Who leaves while it is signed in is no failure: nothing is logged or counted.
func TestLeavesDuringSignIn(t *testing.T) {
	registry := prometheus.NewRegistry()
	s := &site{measures: newRequestMetrics(registry), log: slog.New(slog.NewTextHandler(failing{t}, nil))}
	ctx, leave := context.WithCancel(t.Context())
	signIn := s.measures.signIn(func(ctx context.Context, _ string) (*graph.Viewer, error) {
		leave()
		return nil, fmt.Errorf("read the account: %w", ctx.Err())
	})
	api := s.authenticate(signIn, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it is answered") }))
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", nil)
	r.Header.Set("Authorization", "Bearer x")
	func() {
		defer func() {
			if p := recover(); p != http.ErrAbortHandler {
				t.Errorf("it ends with %v", p)
			}
		}()
		api.ServeHTTP(httptest.NewRecorder(), r)
	}()
	counted, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range counted {
		for _, m := range family.Metric {
			if family.GetName() == "vigie_sign_ins_total" && m.Counter.GetValue() != 0 {
				t.Errorf("counted: %v", m)
			}
		}
	}
}

// failing fails a test with what is written.
type failing struct{ t *testing.T }

func (f failing) Write(b []byte) (int, error) {
	f.t.Errorf("logged: %s", b)
	return len(b), nil
}

func TestClaims(t *testing.T) {
	env := map[string]string{"VIGIE_SECRET": testSecret, "VIGIE_DATA": t.TempDir(), "VIGIE_LISTEN": "127.0.0.1:0"}
	base := start(t, env, nil, "serve").listening(t)
	id := ""
	for i, step := range []struct{ claims, want string }{
		{`"email": "ana@example.org", "name": "Ana", "locale": "en-GB"`, "ana@example.org false Ana EN"},
		{`"email": "ana@example.org", "email_verified": true, "locale": "fr"`, "ana@example.org true Ana EN"},
		{`"email": "moved@example.org", "email_verified": true, "name": "Ana B.", "scope": "openid profile"`, "moved@example.org true Ana B. EN"},
		{`"email": "moved@example.org"`, "moved@example.org true Ana B. EN"},
		{`"email": "Moved@example.org", "email_verified": null, "name": null`, "Moved@example.org true Ana B. EN"},
		{`"email": "moved@example.org", "email_verified": false`, "moved@example.org false Ana B. EN"},
		{`"email": "moved@example.org"`, "moved@example.org false Ana B. EN"},
		{`"email": "moved@example.org", "email_verified": "true"`, "moved@example.org true Ana B. EN"},
		{`"email": "again@example.org"`, "again@example.org false Ana B. EN"},
		{`"email": "ana@évry.example", "email_verified": true`, "ana@xn--vry-9la.example true Ana B. EN"},
		{`"email": "rené@évry.example", "email_verified": true`, "rené@xn--vry-9la.example true Ana B. EN"},
	} {
		token := signText(t, claimsText(map[string]string{"email": ""}, step.claims))
		a := ask(t, base, token, `{ viewer { id email emailVerified name locale } }`, nil)
		if len(a.Errors) > 0 {
			t.Fatal(a.Errors)
		}
		viewer := a.Data["viewer"].(map[string]any)
		if got := fmt.Sprint(viewer["email"], " ", viewer["emailVerified"], " ", viewer["name"], " ", viewer["locale"]); got != step.want {
			t.Errorf("step %d: %s, not %s", i, got, step.want)
		}
		if i > 0 && viewer["id"] != id {
			t.Errorf("step %d: another account", i)
		}
		id = fmt.Sprint(viewer["id"])
	}
}

// A token that was found valid is believed again without a look at its
// signature, and no longer than it is good for.
func TestCheckedTokens(t *testing.T) {
	now := time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC)
	verifier, err := authSettings{Secret: []string{testSecret}}.verifier(func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	token, err := sign(testSecret, "person", claims{Email: "person@example.org"}, now, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	check := func(when time.Duration, token string, want vigie.Code) {
		t.Helper()
		now = now.Add(when)
		checked, leave, err := verifier.check(t.Context(), token)
		leave()
		if vigie.CodeOf(err) != want {
			t.Errorf("%v, not %q", err, want)
		}
		if err == nil && (checked.subject != "person" || checked.email != "person@example.org") {
			t.Errorf("the token says %+v", checked)
		}
	}
	check(0, token, "")
	check(9*time.Second, token, "")
	check(0, token[:len(token)-2]+"AA", vigie.Unauthenticated)
	check(2*time.Second, token, vigie.Unauthenticated)
	token, err = sign(testSecret, "person", claims{Email: "person@example.org"}, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	check(0, token, "")
	// Its key is taken back.
	verifier.keys = secrets{"another secret of no worth, and as long"}
	check(believed-time.Second, token, "") // it is believed for a while, without a look
	check(time.Second, token, vigie.Unauthenticated)
}
