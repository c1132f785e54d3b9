package main

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"vigie"
	"vigie/address"
	"vigie/service"
)

// claims are what a token that is signed here says, beside who signed it.
type claims struct {
	Email         string   `json:"email,omitempty"`
	EmailVerified bool     `json:"email_verified,omitempty"`
	Name          string   `json:"name,omitempty"`
	Locale        string   `json:"locale,omitempty"`
	Scope         string   `json:"scope,omitempty"`
	Sources       []string `json:"sources,omitempty"`
}

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

const (
	// publishScope lets a token publish notices of its sources.
	publishScope = "publish"
	// supportScope lets a token look at all accounts; it has none itself, so that
	// its holder changes nothing.
	supportScope = "support"
	// adminScope is the same, and lets a token read what the back office has of all
	// accounts together.
	adminScope = "admin"
)

const (
	// maxClaim bounds what names somebody, in characters. Of subjects, OpenID
	// Connect Core 1.0 says so (section 2).
	maxClaim = 255
	// maxScope bounds the scopes, which may be many that are not ours.
	maxScope = 4096
	// maxSources bounds the list of a publisher's sources.
	maxSources = 200
	// lastYear is the last one that a token can be valid in. An expiry beyond is
	// one in milliseconds.
	lastYear = 9999
)

// statement is what a valid token says.
type statement struct {
	issuer, subject string
	audience        jwt.Audience
	notBefore       *jwt.NumericDate
	expiry          time.Time
	// email, name and locale are "" where the token does not say.
	email, name, locale string
	// verified is whether the issuer vouches for email, nil where it does not say.
	verified *bool
	scopes   []string
	sources  []string
}

// read reads the claims of a token: each by its exact name, once, and of its
// form. The error names the first claim that is not.
func read(payload []byte) (*statement, error) {
	var members map[string]json.RawMessage
	if err := exactly(payload, &members); err != nil {
		return nil, badToken(err)
	}
	r := &claimReader{members: members}
	s := &statement{
		issuer: r.text("iss", maxClaim), subject: r.text("sub", maxClaim), expiry: r.expiry(),
		email: r.text("email", vigie.MaxEmailLength), verified: r.verified(),
		name: r.text("name", maxClaim), locale: r.text("locale", maxClaim), scopes: r.scopes(),
	}
	r.value("aud", &s.audience)
	r.value("nbf", &s.notBefore)
	if s.subject == "" {
		r.refuse("sub", "absent")
	}
	if email, ok := address.Parse(s.email); ok {
		s.email = email.Text
	} else if s.email != "" {
		r.refuse("email", "not an address")
	}
	if slices.Contains(s.scopes, publishScope) {
		s.sources = r.sources()
	}
	if r.err != nil {
		return nil, r.err
	}
	return s, nil
}

// claimReader reads claims and keeps why the first was refused.
type claimReader struct {
	members map[string]json.RawMessage
	err     error
}

func (r *claimReader) refuse(claim, why string) {
	if r.err == nil {
		r.err = &vigie.Error{Code: vigie.Unauthenticated, Err: errors.New("claim " + claim + ": " + why), Text: vigie.Text{
			FR: "Ce jeton a été refusé : son champ « %s » n’a pas la forme attendue.",
			EN: "This token was refused: its claim “%s” does not have the expected form.",
		}.With(claim)}
	}
}

// value reads a claim; one that is absent, or null, leaves into as it is.
func (r *claimReader) value(claim string, into any) {
	if raw := r.members[claim]; len(raw) > 0 && string(raw) != "null" && exactly(raw, into) != nil {
		r.refuse(claim, "of another type")
	}
}

// text reads a line of at most so many characters, "" where it is absent.
func (r *claimReader) text(claim string, most int) string {
	var s string
	r.value(claim, &s)
	if !isLine(s, most) {
		r.refuse(claim, "too long, or with characters that cannot be seen")
		return ""
	}
	return s
}

// isLine reports whether s has at most so many characters, none of which is a
// control, a line break, or what stands for one that could not be read.
func isLine(s string, most int) bool {
	return utf8.RuneCountInString(s) <= most && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) || r == utf8.RuneError
	})
}

// verified reads what the token says of its email; some issuers write the
// boolean as a text.
func (r *claimReader) verified() *bool {
	var said any
	r.value("email_verified", &said)
	switch said {
	case nil:
		return nil
	case true, "true":
		return new(true)
	case false, "false":
		return new(false)
	}
	r.refuse("email_verified", "neither true nor false")
	return nil
}

// expiry reads until when the token is valid.
func (r *claimReader) expiry() time.Time {
	var at *jwt.NumericDate
	r.value("exp", &at)
	if at == nil || at.Time().UTC().Year() > lastYear {
		r.refuse("exp", "no time")
	}
	return at.Time()
}

// scopes reads the scopes, which single spaces part (RFC 6749, section 3.3).
// Publishing changes things and a support agent changes none, so no token is for
// both.
func (r *claimReader) scopes() []string {
	text := r.text("scope", maxScope)
	if text == "" {
		return nil
	}
	list := strings.Split(text, " ")
	for _, scope := range list {
		if scope == "" || strings.ContainsFunc(scope, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' }) {
			r.refuse("scope", "not words with one space between them")
			return nil
		}
	}
	if slices.Contains(list, publishScope) && r.err == nil {
		for _, scope := range []string{supportScope, adminScope} {
			if slices.Contains(list, scope) {
				r.err = contradiction(scope)
			}
		}
	}
	return list
}

// contradiction refuses a token that is for publishing and for a scope that
// changes nothing.
func contradiction(scope string) error {
	return &vigie.Error{Code: vigie.Unauthenticated, Err: errors.New("claim scope: contradicts itself"), Text: vigie.Text{
		FR: "Ce jeton a été refusé : ses portées (scope) « %s » et « %s » s’excluent.",
		EN: "This token was refused: its scopes “%s” and “%s” exclude each other.",
	}.With(publishScope, scope)}
}

// sources reads what a publisher may publish for.
func (r *claimReader) sources() []string {
	var list []string
	r.value("sources", &list)
	if len(list) > maxSources || slices.ContainsFunc(list, func(source string) bool { return source == "" || !isLine(source, maxClaim) }) {
		r.refuse("sources", "not names of sources")
	}
	return list
}

// supportAgent is the support agent that a token stands for, nil for none.
func (s *statement) supportAgent() *service.SupportAgent {
	admin := slices.Contains(s.scopes, adminScope)
	if !admin && !slices.Contains(s.scopes, supportScope) {
		return nil
	}
	return &service.SupportAgent{Issuer: s.issuer, Subject: s.subject, Admin: admin}
}
