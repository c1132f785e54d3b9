package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/text/language"

	"vigie"
	"vigie/graph"
	"vigie/store"
)

// authSettings say whose tokens are believed.
type authSettings struct {
	OIDCIssuer   string   `name:"oidc-issuer" help:"The OpenID Connect issuer whose tokens sign people in." type:"issuer" placeholder:"URL"`
	OIDCAudience string   `name:"oidc-audience" help:"The audience (aud) that tokens must have." type:"name" placeholder:"NAME"`
	JWKSFile     string   `name:"jwks-file" help:"A file (JSON Web Key Set) with the public keys of a platform that signs its own tokens; used instead of the issuer's." type:"existingfile"`
	TrustEmails  bool     `help:"Treat the email of every token as verified: the issuer has verified it."`
	Secret       []string `help:"Secrets of 32 characters or more, for the links of mails and, without an issuer, for tokens of \"vigie token\": the first signs, all verify." type:"secret" placeholder:"SECRET"`
}

// ownIssuer is who signs the tokens of the command `token`.
const ownIssuer = "vigie"

// signatures are the algorithms that public keys may sign with. "none" and,
// for keys that anyone knows, the HMAC family are not among them.
func signatures() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
	}
}

// verifier makes what checks tokens.
func (a authSettings) verifier(now func() time.Time) (*verifier, error) {
	switch {
	case (a.OIDCIssuer != "" || a.JWKSFile != "") && (a.OIDCIssuer == "" || a.OIDCAudience == ""):
		return nil, errors.New("set both VIGIE_OIDC_ISSUER (--oidc-issuer) and VIGIE_OIDC_AUDIENCE (--oidc-audience): tokens must name who signed them (iss), and for whom (aud)")
	case a.JWKSFile != "":
		keys, err := readKeyFile(a.JWKSFile)
		if err != nil {
			return nil, err
		}
		return a.newVerifier(keys, now)
	case a.OIDCIssuer != "":
		return a.newVerifier(newIssuerKeys(a.OIDCIssuer, http.DefaultTransport, now), now)
	case len(a.Secret) > 0:
		v, err := a.newVerifier(secrets(a.Secret), now)
		if err != nil {
			return nil, err
		}
		v.issuer, v.audience, v.algorithms = ownIssuer, ownIssuer, []jose.SignatureAlgorithm{jose.HS256}
		return v, nil
	}
	return nil, errors.New("nobody can sign in: set VIGIE_OIDC_ISSUER (--oidc-issuer), VIGIE_JWKS_FILE (--jwks-file) or VIGIE_SECRET (--secret)")
}

// verifier checks tokens.
type verifier struct {
	keys             keySet
	algorithms       []jose.SignatureAlgorithm
	issuer, audience string
	// trustEmails is whether every email counts as verified.
	trustEmails bool
	now         func() time.Time
	// checked are tokens that were found valid a moment ago, by their hashes. It
	// is not an expirable.LRU, because that reads the machine's clock, and not now.
	checked *lru.Cache[[sha256.Size]byte, checkedToken]
	// place waits for a place to check a token in, which is free again after leave.
	place func(context.Context) (leave func(), err error)
}

// checkedToken is what a valid token says.
type checkedToken struct {
	*statement
	at time.Time // when it was checked
}

const (
	// maxToken bounds tokens, in bytes.
	maxToken = 64 << 10
	// mostChecked is how many tokens are kept.
	mostChecked = 10_000
	// believed is how long a token counts as valid before its signature is verified
	// again.
	believed = 30 * time.Second
	// skew is how far an issuer's clock may be ahead of ours.
	skew = 5 * time.Minute
)

func (a authSettings) newVerifier(keys keySet, now func() time.Time) (*verifier, error) {
	checked, err := lru.New[[sha256.Size]byte, checkedToken](mostChecked)
	return &verifier{
		keys: keys, algorithms: signatures(), issuer: a.OIDCIssuer, audience: a.OIDCAudience, trustEmails: a.TrustEmails, now: now, checked: checked,
		place: func(context.Context) (func(), error) { return func() {}, nil },
	}, err
}

// check returns what a token says, if it is valid. Until leave, which must be
// called also after an error, it has a place, unless it was found valid a moment
// ago.
func (v *verifier) check(ctx context.Context, token string) (said *statement, leave func(), err error) {
	leave = func() {}
	if len(token) > maxToken {
		return nil, leave, badToken(errors.New("too long"))
	}
	hash, now := sha256.Sum256([]byte(token)), v.now()
	if t, ok := v.checked.Get(hash); ok && !now.Before(t.at) && now.Before(t.at.Add(believed)) && now.Before(t.expiry) {
		return t.statement, leave, nil
	}
	payload, leave, err := v.verify(ctx, token)
	if err != nil {
		return nil, leave, err
	}
	said, err = read(payload)
	if err != nil {
		return nil, leave, err
	}
	if err := v.holds(said, now); err != nil {
		return nil, leave, badToken(err)
	}
	v.checked.Add(hash, checkedToken{said, now})
	return said, leave, nil
}

// verify returns what a token says that a key signed, with a place until leave.
// It has none while it waits for an issuer: one that hangs keeps nobody from
// signing in by a key that is known.
func (v *verifier) verify(ctx context.Context, token string) (payload []byte, leave func(), err error) {
	if leave, err = v.place(ctx); err != nil {
		return nil, func() {}, err
	}
	signed, err := jose.ParseSignedCompact(token, v.algorithms)
	if err != nil {
		return nil, leave, badToken(err)
	}
	issuer, follows := v.keys.(*issuerKeys)
	if !follows {
		payload, err = v.keys.verify(signed)
		return payload, leave, badTokenOr(err)
	}
	known := issuer.known.Load()
	if payload, err = known.verify(signed); err == nil {
		return payload, leave, nil
	}
	leave()
	if err := issuer.newer(ctx, known, err); err != nil {
		return nil, func() {}, badTokenOr(err)
	}
	if leave, err = v.place(ctx); err != nil {
		return nil, func() {}, err
	}
	payload, err = issuer.verify(signed)
	return payload, leave, badTokenOr(err)
}

// holds checks that a token is of the issuer, for us, and valid now.
func (v *verifier) holds(s *statement, now time.Time) error {
	switch {
	case s.issuer != v.issuer:
		return errors.New("of another issuer")
	case !s.audience.Contains(v.audience):
		return errors.New("for another audience")
	case !now.Before(s.expiry):
		return fmt.Errorf("expired at %s", s.expiry.UTC().Format(time.RFC3339))
	case s.notBefore != nil && now.Add(skew).Before(s.notBefore.Time()):
		return errors.New("not valid yet")
	}
	return nil
}

// viewer returns whose token it is.
func (v *verifier) viewer(ctx context.Context, s *store.Store, token string) (*graph.Viewer, error) {
	said, leave, err := v.check(ctx, token)
	defer leave()
	if err != nil {
		return nil, err
	}
	viewer := &graph.Viewer{Until: said.expiry, Sources: said.sources, SupportAgent: said.supportAgent()}
	if viewer.SupportAgent != nil {
		return viewer, nil
	}
	if said.email == "" {
		if !slices.Contains(said.scopes, publishScope) {
			return nil, badToken(errors.New("no email"))
		}
		return viewer, nil
	}
	viewer.Account, err = s.SignIn(ctx, store.Claims{
		Issuer: said.issuer, Subject: said.subject, Name: said.name, Locale: localeOf(said.locale),
		Email: said.email, EmailVerified: v.trustEmails || said.verified != nil && *said.verified,
		VerificationAbsent: !v.trustEmails && said.verified == nil,
	})
	return viewer, err
}

func badToken(err error) error {
	return &vigie.Error{Code: vigie.Unauthenticated, Err: err, Text: vigie.Text{
		FR: "Votre session n’est pas ou plus valable. Reconnectez-vous.",
		EN: "Your session is not valid, or has expired. Sign in again.",
	}}
}

// badTokenOr is that a token is wrong, unless err is that nobody knows; nil
// for nil.
func badTokenOr(err error) error {
	if err == nil || vigie.CodeOf(err) == vigie.Unavailable {
		return err
	}
	return badToken(err)
}

// languages are those the product speaks. It is costly to make, and never
// changes.
var languages = language.NewMatcher([]language.Tag{language.French, language.English})

// maxAccept is the most bytes of a wish for languages that are read: reading takes time before any limit counts the
// caller. Browsers send some tens.
const maxAccept = 1 << 10

// localeOf is the product's language nearest to those asked for, as a tag or
// an Accept-Language header; "" for none.
func localeOf(asked string) vigie.Locale {
	if len(asked) > maxAccept {
		return ""
	}
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
