package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const testSecret = "0123456789abcdef0123456789abcdef"

// command is a command that runs.
type command struct {
	out, err safeBuffer
	status   int
	stop     context.CancelFunc
	ended    chan struct{}
}

// safeBuffer can be read while it is written.
type safeBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(p)
}

func (b *safeBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}

// start runs `vigie args` with variables, in this process, until the test ends.
func start(t *testing.T, env map[string]string, in io.Reader, args ...string) *command {
	t.Helper()
	return startAt(t, env, in, time.Now, args...)
}

// startAt is [start] by a clock. A server has a private address, too, and stops at once.
func startAt(t *testing.T, env map[string]string, in io.Reader, now func() time.Time, args ...string) *command {
	t.Helper()
	return startWith(t, env, func(p *process) { p.in, p.now = in, now }, args...)
}

// startWith is [start] of a process that is set up in a way of its own.
func startWith(t *testing.T, env map[string]string, setUp func(*process), args ...string) *command {
	t.Helper()
	if len(args) > 0 && args[0] == "serve" {
		given := env
		env = map[string]string{"VIGIE_PRIVATE_LISTEN": "127.0.0.1:0", "VIGIE_STOP_DELAY": "0s"}
		maps.Copy(env, given)
	}
	c := &command{ended: make(chan struct{})}
	p := &process{out: &c.out, err: &c.err, now: time.Now, env: func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}, names: func() []string { return slices.Collect(maps.Keys(env)) }}
	setUp(p)
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	go func() {
		defer close(c.ended)
		c.status = p.run(ctx, args)
	}()
	t.Cleanup(func() { stop(); <-c.ended })
	return c
}

// run runs `vigie args` to its end.
func run(t *testing.T, env map[string]string, in string, args ...string) *command {
	t.Helper()
	c := start(t, env, strings.NewReader(in), args...)
	select {
	case <-c.ended:
	case <-time.After(2 * time.Minute):
		t.Fatalf("vigie %v does not end:\n%s", args, c.err.String())
	}
	return c
}

// listening waits until a server listens, and returns its address.
func (c *command) listening(t *testing.T) string {
	t.Helper()
	return "http://" + c.said(t, `(?:http://|address=)(127\.0\.0\.1:\d+)`)
}

// private is the operators' address of a server that listens.
func (c *command) private(t *testing.T) string {
	t.Helper()
	return "http://" + c.said(t, ` at=(127\.0\.0\.1:\d+)`)
}

// said waits until a server has said what fits a pattern, and returns the
// pattern's group.
func (c *command) said(t *testing.T, pattern string) string {
	t.Helper()
	wanted := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if m := wanted.FindStringSubmatch(c.out.String() + c.err.String()); m != nil {
			return m[1]
		}
		select {
		case <-c.ended:
			t.Fatalf("the server ended with %d:\n%s", c.status, c.err.String())
		default:
		}
	}
	t.Fatalf("the server does not say %s:\n%s", pattern, c.err.String())
	return ""
}

// ready waits until a server is ready.
func ready(t *testing.T, base string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		response, err := http.Get(base + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not ready: %s", body)
		}
	}
}

// answer is what the API answered.
type answer struct {
	status int
	Data   map[string]any
	Errors []struct {
		Path       []any
		Message    string
		Extensions map[string]any
	}
}

// ask asks a running server.
func ask(t *testing.T, base, token, query string, variables map[string]any) answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: response.StatusCode}
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return a
}

func (a answer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	return fmt.Sprint(a.Errors[0].Extensions["code"])
}

func TestCommandLine(t *testing.T) {
	for _, test := range []struct {
		args   string
		status int
		says   string
	}{
		{"--help", 0, "analyze"},
		{"", 2, "expected one of"},
		{"nonsense", 2, "nonsense"},
		{"serve --database-url=sqlite:x --nonsense", 2, "--nonsense"},
		{"serve", 2, "nobody can sign in"},
		{"serve --mail-url=outbox:/nowhere --secret " + testSecret, 2, "--mail-from"}, // and --public-url: all that is missing
		{"serve --secret=short", 2, "32 characters"},
		{"serve --jwks-file=/nowhere", 2, "/nowhere"},
		{"serve --oidc-issuer=https://example.org", 2, "--oidc-audience"},
		{"migrate --database-url=mysql://x", 2, "sqlite: nor postgres://"},
		{"demo --listen 0.0.0.0:8080", 2, "loopback"},
		{"demo --listen :8080", 2, "loopback"},
		{"token --email a@example.org", 2, "--secret"},
		{"token --email nobody --secret " + testSecret, 2, "it has no @"},
		{"token --email a@example.org --scope root --secret " + testSecret, 2, "it must be publish, support or admin"},
		{"token --email a@example.org --sources portal --secret " + testSecret, 2, "--scope publish"},
		{"health --listen 127.0.0.1:1", 1, "no server answers: does it run, and listen at 127.0.0.1:1 (VIGIE_LISTEN, --listen)?"},
		{"account delete", 2, "missing flags: --secret=SECRET, --subject=SUBJECT (or set VIGIE_SECRET, VIGIE_SUBJECT)"},
		{"--version", 0, built().String()},
		{"version", 0, built().String()},
		{"help", 0, "analyze"},
		{"help import boamp", 0, "Usage: vigie import boamp"},
		{"help nonsense", 2, "nonsense"},
	} {
		t.Run(test.args, func(t *testing.T) {
			args := append(strings.Fields(test.args), dataFlag(t, test.args)...)
			c := run(t, nil, "", args...)
			if said := c.out.String() + c.err.String(); c.status != test.status || !strings.Contains(said, test.says) {
				t.Errorf("status %d, want %d:\n%s", c.status, test.status, said)
			}
		})
	}
}

// dataFlag keeps commands that store out of the working folder.
func dataFlag(t *testing.T, args string) []string {
	switch name, _, _ := strings.Cut(args, " "); name {
	case "serve", "migrate", "demo":
		return []string{"--data", t.TempDir()}
	}
	return nil
}

func TestAnalyze(t *testing.T) {
	c := run(t, nil, "Travaux de V.R.D.\n\nMaîtrise d’œuvre", "analyze")
	if got, want := c.out.String(), "travaux vrd\n\nmaitrise oeuvre\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	c = run(t, nil, "Maîtrise d’œuvre", "analyze", "--pairs")
	if got, want := c.out.String(), "maitrise oeuvre maitrise_oeuvre\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A server believes the tokens of its secrets, of an issuer or of a key file,
// and no others.
func TestSignIn(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issuer := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "1", Algorithm: "ES256"}}}
	discovery := httptest.NewServer(issuer)
	defer discovery.Close()
	issuer.SetIssuer(discovery.URL)
	jwks := filepath.Join(t.TempDir(), "jwks.json")
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(jwks, set, 0o600); err != nil {
		t.Fatal(err)
	}

	hour := time.Now().Add(time.Hour).Unix()
	claims := func(change map[string]any) map[string]any {
		all := map[string]any{"iss": discovery.URL, "aud": "vigie", "sub": "1", "exp": hour, "email": "a@example.org", "email_verified": true, "name": "A"}
		for name, value := range change {
			if value == nil {
				delete(all, name)
			} else {
				all[name] = value
			}
		}
		return all
	}
	signed := func(alg jose.SignatureAlgorithm, key any, claims map[string]any) string {
		t.Helper()
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "1"))
		if err != nil {
			t.Fatal(err)
		}
		token, err := jwt.Signed(signer).Claims(claims).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good := signed(jose.ES256, key, claims(nil))
	parts := strings.Split(good, ".")
	tests := []struct {
		name, token string
		status      int
		code        string
	}{
		{"good", good, 200, ""},
		{"none", "", 200, "UNAUTHENTICATED"},
		{"expired", signed(jose.ES256, key, claims(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()})), 401, "UNAUTHENTICATED"},
		{"another issuer", signed(jose.ES256, key, claims(map[string]any{"iss": "https://example.org"})), 401, "UNAUTHENTICATED"},
		{"another audience", signed(jose.ES256, key, claims(map[string]any{"aud": "other"})), 401, "UNAUTHENTICATED"},
		{"another key", signed(jose.ES256, stranger, claims(nil)), 401, "UNAUTHENTICATED"},
		{"the public key as a secret", signed(jose.HS256, set, claims(nil)), 401, "UNAUTHENTICATED"},
		{"no signature", "eyJhbGciOiJub25lIn0." + parts[1] + ".", 401, "UNAUTHENTICATED"},
		{"no subject", signed(jose.ES256, key, claims(map[string]any{"sub": nil})), 401, "UNAUTHENTICATED"},
		{"no email", signed(jose.ES256, key, claims(map[string]any{"email": nil})), 401, "UNAUTHENTICATED"},
		{"a publisher", signed(jose.ES256, key, claims(map[string]any{"email": nil, "scope": "openid publish", "sources": []string{"portal"}})), 200, "FORBIDDEN"},
		{"nonsense", "nonsense", 401, "UNAUTHENTICATED"},
	}
	for name, env := range map[string]map[string]string{
		"issuer": {"VIGIE_OIDC_ISSUER": discovery.URL, "VIGIE_OIDC_AUDIENCE": "vigie"},
		"keys":   {"VIGIE_OIDC_ISSUER": discovery.URL, "VIGIE_OIDC_AUDIENCE": "vigie", "VIGIE_JWKS_FILE": jwks},
	} {
		t.Run(name, func(t *testing.T) {
			env["VIGIE_DATA"], env["VIGIE_LISTEN"] = t.TempDir(), "127.0.0.1:0"
			base := start(t, env, nil, "serve").listening(t)
			for _, test := range tests {
				got := ask(t, base, test.token, `{ viewer { email emailVerified name } }`, nil)
				if got.status != test.status || got.code() != test.code {
					t.Errorf("%s: status %d, code %s; want %d, %s", test.name, got.status, got.code(), test.status, test.code)
				}
			}
			if got := fmt.Sprint(ask(t, base, good, `{ viewer { email emailVerified name } }`, nil).Data["viewer"]); got != "map[email:a@example.org emailVerified:true name:A]" {
				t.Error(got)
			}
		})
	}

	t.Run("secret", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "secret")
		const newer = "fedcba9876543210fedcba9876543210"
		if err := os.WriteFile(file, []byte(newer+","+testSecret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		env := map[string]string{"VIGIE_SECRET_FILE": file, "VIGIE_DATA": t.TempDir(), "VIGIE_LISTEN": "127.0.0.1:0"}
		base := start(t, env, nil, "serve").listening(t)
		token := func(secret string, args ...string) string {
			t.Helper()
			c := run(t, map[string]string{"VIGIE_SECRET": secret}, "", append([]string{"token"}, args...)...)
			if c.status != 0 {
				t.Fatal(c.err.String())
			}
			return strings.TrimSpace(c.out.String())
		}
		for _, secret := range []string{newer, testSecret} {
			if got := ask(t, base, token(secret, "--email", "a@example.org"), `{ viewer { email } }`, nil); got.code() != "" {
				t.Errorf("with a known secret: %v", got.Errors)
			}
		}
		if got := ask(t, base, token(strings.Repeat("another-", 4), "--email", "a@example.org"), `{ viewer { email } }`, nil); got.status != 401 {
			t.Errorf("with another secret: %v", got)
		}
		earlier := startAt(t, map[string]string{"VIGIE_SECRET": newer}, nil, func() time.Time { return time.Now().Add(-2 * time.Hour) }, "token", "--email", "a@example.org", "--life=1h")
		<-earlier.ended
		if got := ask(t, base, strings.TrimSpace(earlier.out.String()), `{ viewer { email } }`, nil); got.status != 401 || earlier.status != 0 {
			t.Errorf("with an expired token: %v", got)
		}
		publisher := token(newer, "--scope", "publish", "--sources", "portal")
		got := ask(t, base, publisher, `mutation { publishNotices(input: [{ source: "portal", sourceRef: "1", title: "Voirie", buyerName: "Commune", publishedAt: "2026-01-01T00:00:00Z" }]) { results { outcome } } }`, nil)
		if fmt.Sprint(got.Data) != "map[publishNotices:map[results:[map[outcome:CREATED]]]]" {
			t.Error(got)
		}
	})
}
