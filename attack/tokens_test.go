package attack

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// tokens are attacks by what stands in the Authorization header.
func tokens() []attack {
	return []attack{
		{name: "wrong tokens of all kinds", anonymous: true, first: "401 UNAUTHENTICATED", cpu: 3 * time.Second, codes: []string{"UNAUTHENTICATED", "TOO_MANY_REQUESTS"}, do: func(a *attacker) {
			before := a.issuer.asked.Load()
			wrong := a.wrongTokens()
			a.times(400, 8, func(i int) { a.askAs(wrong[i%len(wrong)], `{ viewer { email } }`) })
			if asked := a.issuer.asked.Load() - before; asked > 3 {
				a.Errorf("the issuer is asked %d times", asked)
			}
		}},
		{name: "tokens of keys that nobody knows", anonymous: true, first: "401 UNAUTHENTICATED", cpu: 3 * time.Second, codes: []string{"UNAUTHENTICATED", "TOO_MANY_REQUESTS"}, do: func(a *attacker) {
			before := a.issuer.asked.Load()
			stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				a.Fatal(err)
			}
			a.times(200, 8, func(i int) {
				a.askAs(signed(a, jose.ES256, stranger, fmt.Sprint("unknown-", i), map[string]any{"iss": a.issuer.url, "aud": "vigie", "sub": a.at, "exp": time.Now().Add(time.Hour).Unix(), "email": "attacker@example.org"}), `{ viewer { email } }`)
			})
			if asked := a.issuer.asked.Load() - before; asked > 3 {
				a.Errorf("the issuer is asked %d times", asked)
			}
		}},
		{name: "tokens that are long", anonymous: true, first: "401 UNAUTHENTICATED", cpu: 3 * time.Second, do: func(a *attacker) {
			for _, claims := range []map[string]any{
				{"sub": strings.Repeat("s", a.n(40_000))}, {"name": strings.Repeat("n", a.n(40_000))}, {"aud": strings.Fields(strings.Repeat("vigie ", a.n(5000)))},
				{"email": strings.Repeat("é", 20_000) + "@example.org"}, {"x": emptyObjects(a.n(13_000))},
			} {
				long := a.issuer.token(a, a.at, claims)
				a.times(8, 4, func(int) { a.askAs(long, `{ viewer { email } }`) })
			}
			a.times(8, 4, func(int) { a.askAs(strings.Repeat("a.", 30_000), `{ viewer { email } }`) })
		}},
		{name: "claims that pretend to be others", anonymous: true, first: "200 FORBIDDEN", do: func(a *attacker) { a.pretend() }},
		{name: "accounts without end", anonymous: true, cpu: 6 * time.Second, do: func(a *attacker) {
			// An issuer that lets anyone in makes as many accounts as it likes.
			a.times(300, 8, func(i int) {
				a.askAs(a.issuer.token(a, a.at, map[string]any{"sub": fmt.Sprint(a.at, i)}), `{ viewer { id } }`)
			})
		}},
	}
}

// askAs asks with a token of its own.
func (a *attacker) askAs(token, query string) answer {
	return a.send(request{header: http.Header{"Authorization": {"Bearer " + token}}, body: operation(query, nil)})
}

// wrongTokens are forged, cut, of wrong algorithms and of wrong keys.
func (a *attacker) wrongTokens() []string {
	good := a.issuer.token(a, a.at, nil)
	parts := strings.Split(good, ".")
	header := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	person := map[string]any{"iss": a.issuer.url, "aud": "vigie", "sub": a.at, "exp": time.Now().Add(time.Hour).Unix()}
	public := []byte(fmt.Sprint(a.issuer.key.X, a.issuer.key.Y))
	return []string{
		"x", "..", "...", good + ".", good[:len(good)-4], parts[0] + "." + parts[1] + ".", parts[1] + "." + parts[0] + "." + parts[2],
		header(`{"alg":"none"}`) + "." + parts[1] + ".", header(`{"alg":"None","kid":"1"}`) + "." + parts[1] + ".", header(`{"alg":"ES256","kid":"../../etc/passwd"}`) + "." + parts[1] + "." + parts[2],
		header(`{"alg":"HS256","kid":"1"}`) + "." + parts[1] + "." + parts[2], header(`{"alg":"ES256","jwk":{"kty":"EC"},"x5u":"http://127.0.0.1:1/","jku":"http://127.0.0.1:1/"}`) + "." + parts[1] + "." + parts[2],
		header(`{"alg":"ES256","kid":"1","crit":["x"],"x":1}`) + "." + parts[1] + "." + parts[2], header(`{"alg":"RS256","kid":"`+strings.Repeat("k", 10_000)+`"}`) + "." + parts[1] + "." + parts[2],
		signed(a, jose.HS256, append(public, secret...), "1", person), signed(a, jose.HS256, []byte(secret), "", map[string]any{"iss": "vigie", "aud": "vigie", "sub": "1", "exp": person["exp"]}),
		a.issuer.token(a, a.at, map[string]any{"exp": 1}), a.issuer.token(a, a.at, map[string]any{"iss": "vigie"}),
		a.issuer.token(a, a.at, map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}), a.issuer.token(a, a.at, map[string]any{"aud": "other"}),
		signed(a, jose.ES256, a.issuer.key, "1", []int{1}), `{"payload":"","signatures":[]}`, "\u00e9", strings.Repeat(".", 5000),
	}
}

// pretend has tokens of the issuer with claims that a person may have chosen.
// Nobody becomes another, or more than a person, by them.
func (a *attacker) pretend() {
	const desk = `{ account(email: "bystander-1@example.org") { email } }`
	for _, change := range []map[string]any{
		{"Scope": "support"}, {"SCOPE": "support", "scope": "openid"}, {"scope": "support\t"}, {"scope": "openid\tsupport"}, {"scope": "openid\u00a0support"},
		{"scope": []string{"support"}}, {"scope": " support"}, {"scp": "support"}, {"ſcope": "support"}, {"scope": "publish support"}, {"scope": "SUPPORT"}, {"scope": "support\x00"},
	} {
		got := a.askAs(a.issuer.token(a, a.at, change), desk)
		if code := got.code(); code != "FORBIDDEN" && code != "UNAUTHENTICATED" {
			a.Errorf("%q answers %s %.200s", change, code, got.body)
		}
	}
	for _, change := range []map[string]any{
		{"EMAIL": "victim@example.org"}, {"Email": "victim@example.org"}, {"Sub": "victim"}, {"email": []string{"victim@example.org"}}, {"email": "victim@example.org\r\nBcc: x"},
		{"email": "victim@example.org\x00"}, {"email_verified": "yes"}, {"name": "a\x00"}, {"sub": "a\x00b"}, {"sub": strings.Repeat("s", 8000)}, {"exp": "1e999"}, {"email": map[string]any{"a": 1}},
	} {
		got := a.askAs(a.issuer.token(a, a.at, change), `{ viewer { email } }`)
		if got.status == http.StatusOK && strings.Contains(string(got.body), "victim") {
			a.Errorf("%q answers %.200s", change, got.body)
		}
	}
}
