package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"vigie"
)

// signingKey is a private key of an issuer, by its id.
type signingKey struct {
	id  string
	key *ecdsa.PrivateKey
}

func newSigningKey(t *testing.T, id string) signingKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signingKey{id, key}
}

// token is one that the key signs, unlike any before.
func (k signingKey) token(t *testing.T, issuer string) string {
	t.Helper()
	return k.sign(t, map[string]any{"iss": issuer, "sub": "ana", "email": "ana@example.org"})
}

// support is a token of a support desk, which has no account.
func (k signingKey) support(t *testing.T) string {
	t.Helper()
	return k.sign(t, map[string]any{"iss": fakeIssuerURL, "sub": "desk", "scope": supportScope})
}

func (k signingKey) sign(t *testing.T, claims map[string]any) string {
	t.Helper()
	claims["aud"], claims["exp"], claims["jti"] = "vigie", time.Now().Add(24*time.Hour).Unix(), rand.Text()
	options := &jose.SignerOptions{}
	if k.id != "" {
		options = options.WithHeader("kid", k.id)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k.key}, options)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// jwk is the public half in JSON, with changes.
func (k signingKey) jwk(t *testing.T, changes map[string]any) map[string]any {
	t.Helper()
	text, err := jose.JSONWebKey{Key: k.key.Public(), KeyID: k.id}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	members := make(map[string]any)
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	for name, value := range changes {
		members[name] = value
	}
	return members
}

func jwks(t *testing.T, keys ...map[string]any) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const fakeIssuerURL = "https://id.example.org"

// fakeIssuer is an issuer that a test may have behave badly.
type fakeIssuer struct {
	mutex sync.Mutex
	keys  string // its key set
	// misbehave answers in its place, where it is not nil.
	misbehave func(r *http.Request) (*http.Response, error)
	asked     []string // the paths
}

func (f *fakeIssuer) set(keys string, misbehave func(*http.Request) (*http.Response, error)) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.keys, f.misbehave = keys, misbehave
}

// requests are how many it got since the last time.
func (f *fakeIssuer) requests() int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	n := len(f.asked)
	f.asked = nil
	return n
}

func answering(r *http.Request, status int, body io.Reader) *http.Response {
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(body), Request: r}
}

// RoundTrip implements [http.RoundTripper].
func (f *fakeIssuer) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mutex.Lock()
	keys, misbehave := f.keys, f.misbehave
	f.asked = append(f.asked, r.URL.Path)
	f.mutex.Unlock()
	if misbehave != nil {
		return misbehave(r)
	}
	if strings.HasPrefix(r.URL.Path, "/.well-known/") {
		keys = fmt.Sprintf(`{"issuer": %q, "jwks_uri": %q}`, fakeIssuerURL, fakeIssuerURL+"/keys")
	}
	return answering(r, http.StatusOK, strings.NewReader(keys)), nil
}

// hang answers nothing for as long as one waits.
func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// drip answers a byte each second, without end.
func drip(r *http.Request) (*http.Response, error) {
	return answering(r, http.StatusOK, dripping{r.Context()}), nil
}

type dripping struct{ ctx context.Context }

func (d dripping) Read(p []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(time.Second):
		return copy(p, " "), nil
	}
}

func fail(r *http.Request) (*http.Response, error) {
	return answering(r, http.StatusInternalServerError, strings.NewReader(strings.Repeat("sorry ", 10_000))), nil
}

func away(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }

// flood answers without end, and as fast as one reads.
func flood(r *http.Request) (*http.Response, error) {
	return answering(r, http.StatusOK, endless{}), nil
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// withIssuer runs a test with a verifier of the issuer's tokens, whose keys are
// followed, in a bubble of time.
func withIssuer(t *testing.T, f *fakeIssuer, test func(t *testing.T, v *verifier)) {
	synctest.Test(t, func(t *testing.T) {
		v, err := authSettings{OIDCIssuer: fakeIssuerURL, OIDCAudience: "vigie"}.newVerifier(newIssuerKeys(fakeIssuerURL, f, time.Now), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var following sync.WaitGroup
		following.Go(func() { v.keys.(*issuerKeys).dependency(slog.New(slog.DiscardHandler)).Run(ctx) })
		defer following.Wait()
		defer cancel()
		synctest.Wait()
		test(t, v)
	})
}

// signInAll checks tokens concurrently, each within limit. It fails if one ends
// with another code than want, or takes longer than most.
func signInAll(t *testing.T, v *verifier, limit time.Duration, want vigie.Code, most time.Duration, tokens ...string) {
	t.Helper()
	var wait sync.WaitGroup
	for i, token := range tokens {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			start := time.Now()
			_, leave, err := v.check(ctx, token)
			leave()
			if vigie.CodeOf(err) != want {
				t.Errorf("sign-in %d: %v, not %q", i, err, want)
			}
			if took := time.Since(start); took > most {
				t.Errorf("sign-in %d took %s, and may take %s", i, took, most)
			}
		})
	}
	wait.Wait()
}

// five are tokens of one key.
func five(t *testing.T, k signingKey) []string {
	t.Helper()
	tokens := make([]string, 5)
	for i := range tokens {
		tokens[i] = k.token(t, fakeIssuerURL)
	}
	return tokens
}

// However an issuer fails that was never there, nobody waits longer than they
// may, nor longer than it is given to answer; it is asked again now and then,
// and people sign in soon after it is back.
func TestIssuerNeverThere(t *testing.T) {
	for name, misbehave := range map[string]func(*http.Request) (*http.Response, error){"hangs": hang, "drips": drip, "fails": fail, "is away": away, "floods": flood} {
		t.Run(name, func(t *testing.T) {
			key := newSigningKey(t, "1")
			f := &fakeIssuer{misbehave: misbehave}
			withIssuer(t, f, func(t *testing.T, v *verifier) {
				for range 3 {
					signInAll(t, v, 3*time.Second, vigie.Unavailable, 3*time.Second, five(t, key)...)
					signInAll(t, v, 20*time.Second, vigie.Unavailable, issuerPatience, five(t, key)...)
				}
				f.requests()
				time.Sleep(time.Hour)
				if n := f.requests(); n > 130 { // every 30 seconds, and more often at first
					t.Errorf("it was asked %d times in an hour", n)
				}
				f.set(jwks(t, key.jwk(t, nil)), nil)
				time.Sleep(freshKeys)
				signInAll(t, v, 20*time.Second, "", 0, five(t, key)...)
			})
		})
	}
}

// While an issuer is away that was there, who has a token of a known key signs
// in without waiting; once it is back, so do others.
func TestIssuerAway(t *testing.T) {
	for name, misbehave := range map[string]func(*http.Request) (*http.Response, error){
		"hangs": hang, "drips": drip, "fails": fail, "is away": away, "floods": flood,
		"knows no keys": func(r *http.Request) (*http.Response, error) {
			return answering(r, http.StatusOK, strings.NewReader(`{"issuer": "`+fakeIssuerURL+`", "jwks_uri": "`+fakeIssuerURL+`/keys", "keys": []}`)), nil
		},
		"is another": func(r *http.Request) (*http.Response, error) {
			return answering(r, http.StatusOK, strings.NewReader(`{"issuer": "https://other.example.org", "jwks_uri": "`+fakeIssuerURL+`/keys"}`)), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			known, newer := newSigningKey(t, "1"), newSigningKey(t, "2")
			f := &fakeIssuer{keys: jwks(t, known.jwk(t, nil))}
			withIssuer(t, f, func(t *testing.T, v *verifier) {
				signInAll(t, v, time.Second, "", 0, five(t, known)...)
				f.set("", misbehave)
				for range 12 {
					time.Sleep(5 * time.Minute)
					signInAll(t, v, time.Second, "", 0, five(t, known)...)
				}
				signInAll(t, v, 20*time.Second, vigie.Unavailable, issuerPatience, five(t, newer)...)
				signInAll(t, v, time.Second, "", 0, five(t, known)...)
				f.set(jwks(t, known.jwk(t, nil), newer.jwk(t, nil)), nil)
				time.Sleep(freshKeys)
				signInAll(t, v, time.Second, "", 0, append(five(t, newer), five(t, known)...)...)
			})
		})
	}
}

// Who signs in with a key that is new waits for it, and one request fetches it
// for all; a key that is taken back is believed for a few minutes.
func TestIssuerRotatesKeys(t *testing.T) {
	for name, ids := range map[string][2]string{"with ids": {"1", "2"}, "without": {"", ""}, "under one id": {"1", "1"}} {
		t.Run(name, func(t *testing.T) {
			old, newer := newSigningKey(t, ids[0]), newSigningKey(t, ids[1])
			f := &fakeIssuer{keys: jwks(t, old.jwk(t, nil))}
			withIssuer(t, f, func(t *testing.T, v *verifier) {
				signInAll(t, v, time.Second, "", 0, five(t, old)...)
				time.Sleep(freshKeys)
				f.requests()
				f.set(jwks(t, newer.jwk(t, nil)), func(r *http.Request) (*http.Response, error) {
					time.Sleep(time.Second)
					return answering(r, http.StatusOK, strings.NewReader(jwks(t, newer.jwk(t, nil)))), nil
				})
				signInAll(t, v, 20*time.Second, "", time.Second, five(t, newer)...)
				if n := f.requests(); n != 1 {
					t.Errorf("it was asked %d times for one key", n)
				}
				signInAll(t, v, 20*time.Second, vigie.Unauthenticated, 0, five(t, old)...)
			})
		})
	}
	t.Run("and nobody uses the new one", func(t *testing.T) {
		old, newer := newSigningKey(t, "1"), newSigningKey(t, "2")
		f := &fakeIssuer{keys: jwks(t, old.jwk(t, nil))}
		withIssuer(t, f, func(t *testing.T, v *verifier) {
			token := old.token(t, fakeIssuerURL)
			signInAll(t, v, time.Second, "", 0, token)
			f.set(jwks(t, newer.jwk(t, nil)), nil)
			time.Sleep(keysAge + believed)
			signInAll(t, v, 20*time.Second, vigie.Unauthenticated, 0, append(five(t, old), token)...)
		})
	})
}

// An issuer that does not answer is known to be away as soon as a token needs it: nobody waits for the next of the rare
// times at which it is asked anyway.
func TestIssuerIsMissedSoon(t *testing.T) {
	old, newer := newSigningKey(t, "1"), newSigningKey(t, "2")
	f := &fakeIssuer{keys: jwks(t, old.jwk(t, nil))}
	synctest.Test(t, func(t *testing.T) {
		keys := newIssuerKeys(fakeIssuerURL, f, time.Now)
		v, err := authSettings{OIDCIssuer: fakeIssuerURL, OIDCAudience: "vigie"}.newVerifier(keys, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		d := keys.dependency(slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		var following sync.WaitGroup
		following.Go(func() { d.Run(ctx) })
		defer following.Wait()
		defer cancel()
		synctest.Wait()
		f.set("", away)
		time.Sleep(freshKeys)
		if !d.Answers() {
			t.Error("it is away before anybody can know")
		}
		signInAll(t, v, 20*time.Second, vigie.Unavailable, 20*time.Second, newer.token(t, fakeIssuerURL))
		time.Sleep(2 * askAgain)
		if d.Err() == nil {
			t.Error("it is not known to be away")
		}
	})
}

// A flood of tokens with unknown keys does not raise the rate of requests to the
// issuer, and does not disturb tokens with known keys.
func TestUnknownKeys(t *testing.T) {
	known, stranger := newSigningKey(t, "1"), newSigningKey(t, "1")
	f := &fakeIssuer{keys: jwks(t, known.jwk(t, nil))}
	withIssuer(t, f, func(t *testing.T, v *verifier) {
		f.requests()
		for i := range 300 {
			signInAll(t, v, time.Second, vigie.Unauthenticated, 0, signingKey{fmt.Sprint("no-", i), stranger.key}.token(t, fakeIssuerURL), stranger.token(t, fakeIssuerURL))
			signInAll(t, v, time.Second, "", 0, known.token(t, fakeIssuerURL))
			time.Sleep(time.Second)
		}
		if n := f.requests(); n > 11 {
			t.Errorf("in five minutes it was asked %d times", n)
		}
	})
}

// Who goes away while an issuer is asked does not end it for others.
func TestAskingIsNobodysOwn(t *testing.T) {
	key := newSigningKey(t, "1")
	f := &fakeIssuer{}
	f.misbehave = func(r *http.Request) (*http.Response, error) {
		time.Sleep(2 * time.Second)
		f.set(jwks(t, key.jwk(t, nil)), nil)
		return f.RoundTrip(r)
	}
	synctest.Test(t, func(t *testing.T) {
		v, err := authSettings{OIDCIssuer: fakeIssuerURL, OIDCAudience: "vigie"}.newVerifier(newIssuerKeys(fakeIssuerURL, f, time.Now), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		wait.Go(func() { signInAll(t, v, time.Second, vigie.Unavailable, time.Second, key.token(t, fakeIssuerURL)) })
		synctest.Wait()
		signInAll(t, v, 20*time.Second, "", 2*time.Second, five(t, key)...)
		wait.Wait()
	})
}

// A key signs where its use, its operations and its algorithm allow it; what is
// broken, or not known, spoils no other.
func TestKeySets(t *testing.T) {
	good := newSigningKey(t, "1")
	other := newSigningKey(t, "2")
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret := map[string]any{"kty": "oct", "k": base64.RawURLEncoding.EncodeToString(make([]byte, 32)), "kid": "1"}
	private, err := jose.JSONWebKey{Key: good.key, KeyID: "1"}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	use := func(changes map[string]any) string { return jwks(t, good.jwk(t, changes)) }
	for name, c := range map[string]struct {
		set    string
		signs  bool // a token of the key with id 1
		broken bool // and a file of that set is refused
	}{
		"plain":                   {use(nil), true, false},
		"for signatures":          {use(map[string]any{"use": "sig"}), true, false},
		"to verify":               {use(map[string]any{"key_ops": []string{"verify"}}), true, false},
		"both":                    {use(map[string]any{"use": "sig", "key_ops": []string{"sign", "verify"}}), true, false},
		"of its algorithm":        {use(map[string]any{"alg": "ES256"}), true, false},
		"without an id":           {use(map[string]any{"kid": ""}), true, false},
		"for encryption":          {use(map[string]any{"use": "enc"}), false, true},
		"for another use":         {use(map[string]any{"use": "SIG"}), false, true},
		"to encrypt":              {use(map[string]any{"key_ops": []string{"encrypt", "wrapKey"}}), false, true},
		"to sign alone":           {use(map[string]any{"key_ops": []string{"sign"}}), false, true},
		"for nothing":             {use(map[string]any{"key_ops": []string{}}), false, true},
		"its use contradicted":    {use(map[string]any{"use": "enc", "key_ops": []string{"verify"}}), false, true},
		"of another algorithm":    {use(map[string]any{"alg": "ES384"}), false, false},
		"of no algorithm of ours": {use(map[string]any{"alg": "ECDH-ES"}), false, true},
		"of another id":           {use(map[string]any{"kid": "3"}), false, false},
		"a use that is a list":    {use(map[string]any{"use": []string{"sig"}}), false, true},
		"operations as a text":    {use(map[string]any{"key_ops": "verify"}), false, true},
		"use said twice":          {strings.Replace(use(map[string]any{"use": "enc"}), `"use":"enc"`, `"use":"enc","use":"sig"`, 1), false, true},
		"use by another name":     {strings.Replace(use(map[string]any{"use": "enc"}), `"use":"enc"`, `"use":"enc","Use":"sig"`, 1), false, true},
		"keys by another name":    {strings.Replace(use(nil), `"keys"`, `"Keys"`, 1), false, true},
		"a secret":                {jwks(t, secret), false, true},
		"a private key":           {`{"keys": [` + string(private) + `]}`, false, true},
		"an empty set":            {`{"keys": []}`, false, true},
		"no set":                  {`{}`, false, true},
		"no JSON":                 {`keys`, false, true},
		"beside one that is not known": {jwks(t, map[string]any{"kty": "AKP-2", "kid": "9"}, map[string]any{"kty": "OKP", "crv": "Ed448", "x": "AA"}, other.jwk(t, map[string]any{"use": "enc"}),
			map[string]any{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(edwards)}, good.jwk(t, nil)), true, false},
		"beside one that is broken": {jwks(t, map[string]any{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, good.jwk(t, nil)), true, true},
	} {
		keys, err := readKeys([]byte(c.set))
		if (err != nil) != c.broken {
			t.Errorf("%s: %v", name, err)
		}
		signed, parseErr := jose.ParseSignedCompact(good.token(t, fakeIssuerURL), signatures())
		if parseErr != nil {
			t.Fatal(parseErr)
		}
		if _, err := keys.verify(signed); (err == nil) != c.signs {
			t.Errorf("%s: the token is good: %v", name, err)
		}
	}
}

// While an issuer hangs, signing in ends within the server's limit for each, and
// keeps nobody else from being answered.
func TestSignInWhileIssuerHangs(t *testing.T) {
	stop := make(chan struct{})
	issuer := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	}))
	defer issuer.Close()
	defer close(stop)
	const limit = time.Second
	base, _ := limited(t, map[string]string{"VIGIE_OIDC_ISSUER": issuer.URL, "VIGIE_OIDC_AUDIENCE": "vigie", "VIGIE_MAX_TIME": limit.String(), "VIGIE_MAX_IN_FLIGHT": "8"})
	key := newSigningKey(t, "1")
	var wait sync.WaitGroup
	for range 5 {
		token := key.token(t, issuer.URL)
		wait.Go(func() {
			start := time.Now()
			got := ask(t, base, token, `{ viewer { email } }`, nil)
			if took := time.Since(start); got.status != http.StatusServiceUnavailable || took > 3*limit {
				t.Errorf("%d after %s", got.status, took)
			}
		})
	}
	if got := ask(t, base, "", `{ departments { code } }`, nil); got.status != http.StatusOK {
		t.Errorf("an anonymous query at the same time: %d", got.status)
	}
	wait.Wait()
}

// While an issuer hangs, and tokens of unknown keys wait for it from two
// addresses, who has no token, one that was checked a moment ago, or one of a
// known key signs in without waiting.
func TestIssuerHangsForUnknownKeysAlone(t *testing.T) {
	known, stranger := newSigningKey(t, "1"), newSigningKey(t, "2")
	f := &fakeIssuer{keys: jwks(t, known.jwk(t, nil))}
	withIssuer(t, f, func(t *testing.T, v *verifier) {
		g, err := limitSettings{MaxInFlight: 4, RateBadTokens: 30}.open(time.Now)
		if err != nil {
			t.Fatal(err)
		}
		v.place = g.enterSignIn
		s := &site{gate: g, log: slog.New(slog.DiscardHandler)}
		api := s.authenticate(g.signIn(bearer(v, nil)), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
		ask := func(address, token string) int {
			r := httptest.NewRequestWithContext(context.WithValue(t.Context(), addressKey{}, address), http.MethodPost, "/graphql", nil)
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			w := httptest.NewRecorder()
			api.ServeHTTP(w, r)
			return w.Code
		}
		cached := known.support(t)
		if status := ask("192.0.2.3", cached); status != http.StatusOK {
			t.Fatalf("at first: %d", status)
		}
		f.set("", hang)
		time.Sleep(freshKeys - time.Second)
		if status := ask("192.0.2.3", cached); status != http.StatusOK { // as it is soon to be checked again
			t.Fatalf("later: %d", status)
		}
		time.Sleep(2 * time.Second)
		ask("192.0.2.3", cached)
		var wait sync.WaitGroup
		for _, address := range []string{"192.0.2.1", "192.0.2.2"} {
			for range 10 {
				token := stranger.support(t)
				wait.Go(func() { ask(address, token) })
			}
		}
		synctest.Wait()
		for name, token := range map[string]string{"no token": "", "one checked before": cached, "one of a known key": known.support(t)} {
			start := time.Now()
			if status := ask("192.0.2.3", token); status != http.StatusOK || time.Since(start) > 0 {
				t.Errorf("%s: %d after %s", name, status, time.Since(start))
			}
		}
		wait.Wait()
	})
}
