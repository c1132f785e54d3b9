package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/text/language"

	"vigie"
	"vigie/address"
	"vigie/graph"
	"vigie/service"
	"vigie/store"
)

// authSettings say whose tokens are believed.
type authSettings struct {
	OIDCIssuer   string   `name:"oidc-issuer" help:"The OpenID Connect issuer whose tokens sign in." type:"issuer" placeholder:"URL"`
	OIDCAudience string   `name:"oidc-audience" help:"The audience that tokens must be for." type:"name" placeholder:"NAME"`
	JWKSFile     string   `name:"jwks-file" help:"The public keys of a platform that signs its own tokens, in place of the issuer's." type:"existingfile"`
	TrustEmails  bool     `help:"Take every token's email for verified: whoever signs them has done so."`
	Secret       []string `help:"Secrets of 32 characters or more, for the links of mails and, without an issuer, for tokens of « vigie token »: the first signs, all verify." type:"secret" placeholder:"SECRET"`
}

// ownIssuer is who signs the tokens of the command `token`.
const ownIssuer = "vigie"

// signatures are the algorithms that public keys may sign with. "none" and,
// for keys that anyone knows, the HMAC family are not among them.
func signatures() []string {
	return []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}
}

// verifier makes what checks tokens.
func (a authSettings) verifier(now func() time.Time) (*verifier, error) {
	config := &oidc.Config{ClientID: a.OIDCAudience, SupportedSigningAlgs: signatures(), Now: now}
	switch {
	case (a.OIDCIssuer != "" || a.JWKSFile != "") && (a.OIDCIssuer == "" || a.OIDCAudience == ""):
		return nil, errors.New("set --oidc-issuer and --oidc-audience: a token must say who signed it, and for whom")
	case a.JWKSFile != "":
		keys, err := readJWKS(a.JWKSFile)
		if err != nil {
			return nil, err
		}
		return newVerifier(oidc.NewVerifier(a.OIDCIssuer, keys, config), "", config, a.TrustEmails)
	case a.OIDCIssuer != "":
		return newVerifier(nil, a.OIDCIssuer, config, a.TrustEmails)
	case len(a.Secret) > 0:
		config = &oidc.Config{ClientID: ownIssuer, SupportedSigningAlgs: []string{string(jose.HS256)}, Now: now}
		return newVerifier(oidc.NewVerifier(ownIssuer, secrets(a.Secret), config), "", config, a.TrustEmails)
	}
	return nil, errors.New("nobody can sign in: set --oidc-issuer, --jwks-file or --secret")
}

// readJWKS reads the public keys of a JSON Web Key Set (RFC 7517).
func readJWKS(path string) (*oidc.StaticKeySet, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("%s: not a JSON Web Key Set: %w", path, err)
	}
	var keys []crypto.PublicKey
	for _, key := range set.Keys {
		if key.IsPublic() {
			keys = append(keys, key.Key)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: no public key", path)
	}
	return &oidc.StaticKeySet{PublicKeys: keys}, nil
}

// secrets verify the tokens of `vigie token`; they are a key set to go-oidc.
type secrets []string

func (s secrets) VerifySignature(_ context.Context, token string) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return nil, err
	}
	for _, secret := range s {
		if payload, err := signed.Verify([]byte(secret)); err == nil {
			return payload, nil
		}
	}
	return nil, errors.New("no secret made this signature")
}

// claims are what a token says.
type claims struct {
	Email         string    `json:"email,omitempty"`
	EmailVerified looseBool `json:"email_verified,omitempty"`
	Name          string    `json:"name,omitempty"`
	Locale        string    `json:"locale,omitempty"`
	Scope         string    `json:"scope,omitempty"`
	Sources       []string  `json:"sources,omitempty"`
}

// looseBool is a boolean that some issuers write as a string.
type looseBool bool

func (b *looseBool) UnmarshalJSON(text []byte) error {
	*b = looseBool(strings.Trim(string(text), `"`) == "true")
	return nil
}

const (
	// publishScope lets a token publish notices of its sources.
	publishScope = "publish"
	// supportScope lets a token look at all accounts; it has none itself, so that
	// whoever bears it changes nothing.
	supportScope = "support"
)

// sign makes a token that a verifier of the same secret accepts.
func sign(secret, subject string, c claims, now time.Time, life time.Duration) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(secret)}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	standard := jwt.Claims{
		Issuer: ownIssuer, Audience: jwt.Audience{ownIssuer}, Subject: subject,
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(life)),
	}
	return jwt.Signed(signer).Claims(standard).Claims(c).Serialize()
}

// verifier checks tokens. Where an issuer's keys are found by discovery, that
// happens with the first token: the issuer may start after us.
type verifier struct {
	issuer string
	config *oidc.Config
	// trustEmails is whether every email counts as verified.
	trustEmails bool
	mutex       sync.Mutex
	verify      *oidc.IDTokenVerifier
	// checked are tokens that were found valid a moment ago, by their hashes.
	checked *lru.Cache[[sha256.Size]byte, checkedToken]
}

// checkedToken is what a valid token says.
type checkedToken struct {
	issuer, subject string
	expiry          time.Time
	claims          claims
	at              time.Time // when it was checked
}

const (
	// mostChecked is how many tokens are kept.
	mostChecked = 10_000
	// believed is how long a token is believed without looking at its signature
	// again. Keys that an issuer takes back are good for as long anyway.
	believed = freshKeys
)

func newVerifier(verify *oidc.IDTokenVerifier, issuer string, config *oidc.Config, trustEmails bool) (*verifier, error) {
	checked, err := lru.New[[sha256.Size]byte, checkedToken](mostChecked)
	return &verifier{verify: verify, issuer: issuer, config: config, trustEmails: trustEmails, checked: checked}, err
}

// check tells what a token says, if it is valid.
func (v *verifier) check(ctx context.Context, token string) (checkedToken, error) {
	hash, now := sha256.Sum256([]byte(token)), v.config.Now()
	if t, ok := v.checked.Get(hash); ok && !now.Before(t.at) && now.Before(t.at.Add(believed)) && now.Before(t.expiry) {
		return t, nil
	}
	verify, err := v.get(ctx)
	if err != nil {
		return checkedToken{}, err
	}
	checked, err := verify.Verify(ctx, token)
	if err != nil {
		return checkedToken{}, badToken(err)
	}
	t := checkedToken{issuer: checked.Issuer, subject: checked.Subject, expiry: checked.Expiry, at: now}
	if err := checked.Claims(&t.claims); err != nil {
		return checkedToken{}, badToken(err)
	}
	if t.subject == "" {
		return checkedToken{}, badToken(errors.New("no subject"))
	}
	v.checked.Add(hash, t)
	return t, nil
}

func (v *verifier) get(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.verify != nil {
		return v.verify, nil
	}
	// The provider keeps the context for as long as it fetches keys.
	client := &http.Client{Timeout: 10 * time.Second, Transport: &seldom{next: http.DefaultTransport, now: v.config.Now}}
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), client), v.issuer)
	if err != nil {
		return nil, &vigie.Error{Code: vigie.Unavailable, Err: err, Text: vigie.Text{
			FR: "Le service d'identité ne répond pas. Réessayez dans un instant.",
			EN: "The identity service does not answer. Try again in a moment.",
		}}
	}
	v.verify = provider.Verifier(v.config)
	return v.verify, nil
}

// seldom asks for the same page no more than once in a while, and gives what it
// got in between. A token whose key is not known has the issuer's keys fetched
// anew, so whoever sends many such tokens would have us ask as often.
type seldom struct {
	next  http.RoundTripper
	now   func() time.Time
	mutex sync.Mutex
	pages map[string]*page
}

// page is what was got, or why it was not, and until when that is good.
type page struct {
	status int
	header http.Header
	body   []byte
	err    error
	until  time.Time
}

const (
	// freshKeys is how long an issuer's keys are kept; new ones are usually
	// published well before they are used.
	freshKeys = 30 * time.Second
	// askAgain is how soon an issuer that failed is asked again.
	askAgain = 2 * time.Second
)

// RoundTrip implements [http.RoundTripper], for GET alone.
func (s *seldom) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	p := s.pages[r.URL.String()]
	if p == nil || !s.now().Before(p.until) {
		p = s.fetch(r)
		if s.pages == nil {
			s.pages = make(map[string]*page)
		}
		s.pages[r.URL.String()] = p
	}
	if p.err != nil {
		return nil, p.err
	}
	return &http.Response{
		Status: http.StatusText(p.status), StatusCode: p.status, Header: p.header.Clone(), Body: io.NopCloser(bytes.NewReader(p.body)),
		ContentLength: int64(len(p.body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
	}, nil
}

func (s *seldom) fetch(r *http.Request) *page {
	failed := func(err error) *page { return &page{err: err, until: s.now().Add(askAgain)} }
	response, err := s.next.RoundTrip(r)
	if err != nil {
		return failed(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return failed(err)
	}
	p := &page{status: response.StatusCode, header: response.Header, body: body, until: s.now().Add(freshKeys)}
	if p.status != http.StatusOK {
		p.until = s.now().Add(askAgain)
	}
	return p
}

// viewer tells who bears a token.
func (v *verifier) viewer(ctx context.Context, s *store.Store, token string) (*graph.Viewer, error) {
	checked, err := v.check(ctx, token)
	if err != nil {
		return nil, err
	}
	c := checked.claims
	viewer := &graph.Viewer{Until: checked.expiry}
	scopes := strings.Fields(c.Scope)
	publisher := slices.Contains(scopes, publishScope)
	if publisher {
		viewer.Sources = c.Sources
	}
	if slices.Contains(scopes, supportScope) {
		viewer.Desk = &service.Desk{Issuer: checked.issuer, Subject: checked.subject}
		return viewer, nil
	}
	if c.Email == "" {
		if !publisher {
			return nil, badToken(errors.New("no email"))
		}
		return viewer, nil
	}
	viewer.Account, err = s.SignIn(ctx, store.Claims{
		Issuer: checked.issuer, Subject: checked.subject,
		Email: address.Canonical(c.Email), EmailVerified: bool(c.EmailVerified) || v.trustEmails, Name: c.Name, Locale: localeOf(c.Locale),
	})
	return viewer, err
}

func badToken(err error) error {
	return &vigie.Error{Code: vigie.Unauthenticated, Err: err, Text: vigie.Text{
		FR: "Ce jeton n'est pas valable, ou plus : reconnectez-vous.",
		EN: "This token is not valid, or not any more: sign in again.",
	}}
}

// languages are those the product speaks. It is costly to make, and never
// changes.
var languages = language.NewMatcher([]language.Tag{language.French, language.English})

// localeOf is the product's language nearest to those asked for, as a tag or
// an Accept-Language header; "" for none.
func localeOf(asked string) vigie.Locale {
	tags, _, err := language.ParseAcceptLanguage(asked)
	if err != nil || len(tags) == 0 {
		return ""
	}
	_, i, sure := languages.Match(tags...)
	if sure == language.No {
		return "" // the matcher's default, not what was asked for
	}
	return []vigie.Locale{vigie.French, vigie.English}[i]
}
