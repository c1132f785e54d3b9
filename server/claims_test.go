package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"vigie/store/storetest"
)

// signText signs any text as the claims of a token.
func signText(t *testing.T, text string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(testSecret)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// claimsText writes claims as JSON: those of a good token, with changes by name,
// "" for a claim that is left out, and what is to stand behind them.
func claimsText(changes map[string]string, more ...string) string {
	members := map[string]string{
		"iss": `"vigie"`, "aud": `"vigie"`, "exp": fmt.Sprint(time.Now().Add(time.Hour).Unix()), "sub": `"ana"`, "email": `"ana@example.org"`,
	}
	for name, value := range changes {
		members[name] = value
	}
	var list []string
	for name, value := range members {
		if value != "" {
			list = append(list, fmt.Sprintf("%q: %s", name, value))
		}
	}
	slices.Sort(list)
	return "{" + strings.Join(append(list, more...), ", ") + "}"
}

// quoted is a JSON string of n letters.
func quoted(n int) string { return `"` + strings.Repeat("x", n) + `"` }

// Each claim has its exact name, once, and its form. A token that has not is
// refused, with the name of the claim, and leaves no trace.
func TestClaimForms(t *testing.T) {
	changed := func(name, value string) string { return claimsText(map[string]string{name: value}) }
	publisher := func(sources string) string {
		return claimsText(map[string]string{"email": "", "scope": `"publish"`, "sources": sources})
	}
	const viewer = `{ viewer { email emailVerified name } }`
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			database := open(t)
			base, _ := limited(t, map[string]string{"VIGIE_DATABASE_URL": database, "VIGIE_RATE_BAD_TOKENS": "100000"})
			for name, claims := range map[string]string{
				"good":                              claimsText(nil),
				"a scope of another name":           claimsText(nil, `"Scope": "support"`),
				"an email of another name":          claimsText(nil, `"EMAIL": "victim@example.org"`),
				"a verification of another name":    claimsText(nil, `"Email_Verified": true`),
				"a subject of another name":         claimsText(nil, `"SUB": "`+strings.Repeat("v", 8000)+`"`),
				"sources that are not looked at":    claimsText(nil, `"sources": {"a": 1}`),
				"scopes that are not looked at":     changed("scope", `"openid email https://example.org/read"`),
				"nothing said":                      claimsText(map[string]string{"name": "null", "locale": "null", "scope": `""`, "email_verified": "null"}),
				"not verified, as a text":           changed("email_verified", `"false"`),
				"the longest subject":               changed("sub", quoted(255)),
				"the longest subject of characters": changed("sub", `"`+strings.Repeat("é", 255)+`"`),
				"a language unknown":                changed("locale", `"tlh"`),
				"the longest name":                  claimsText(map[string]string{"sub": `"long"`, "name": `"` + strings.Repeat("é", 255) + `"`}),
			} {
				got := ask(t, base, signText(t, claims), viewer, nil)
				if got.status != 200 || got.code() != "" {
					t.Errorf("%s: %d %v", name, got.status, got.Errors)
				} else if person := got.Data["viewer"].(map[string]any); person["email"] != "ana@example.org" || person["emailVerified"] != false {
					t.Errorf("%s: %v", name, person)
				}
			}
			for _, verified := range []string{"true", `"true"`} {
				got := ask(t, base, signText(t, claimsText(map[string]string{"sub": `"vouched"`, "email_verified": verified})), viewer, nil)
				if fmt.Sprint(got.Data["viewer"]) != "map[email:ana@example.org emailVerified:true name:<nil>]" {
					t.Errorf("verified, %s: %v %v", verified, got.Data, got.Errors)
				}
			}
			before := storetest.Everything(t, database)
			for name, c := range map[string]struct{ claims, claim string }{
				"an email of another name alone": {claimsText(map[string]string{"email": ""}, `"Email": "ana@example.org"`), ""},
				"an expiry of another name":      {claimsText(map[string]string{"exp": "1"}, `"EXP": 99999999999`), ""},
				"an audience of another name":    {claimsText(map[string]string{"aud": `"other"`}, `"Aud": "vigie"`), ""},
				"an issuer of another name":      {claimsText(map[string]string{"iss": `"other"`}, `"ISS": "vigie"`), ""},
				"a subject of another name":      {claimsText(map[string]string{"sub": ""}, `"Sub": "ana"`), "sub"},
				"two emails":                     {claimsText(nil, `"email": "victim@example.org"`), ""},
				"two subjects":                   {claimsText(nil, `"sub": "victim"`), ""},
				"two scopes":                     {claimsText(nil, `"scope": "openid"`, `"scope": "support"`), ""},
				"two names, one in escapes":      {claimsText(nil, `"e\u006dail": "victim@example.org"`), ""},
				"scopes apart by a tab":          {changed("scope", `"openid\tsupport"`), "scope"},
				"scopes apart by a line break":   {changed("scope", `"openid\nsupport"`), "scope"},
				"scopes apart by a no-break":     {changed("scope", `"openid\u00a0support"`), "scope"},
				"scopes apart by two spaces":     {changed("scope", `"openid  support"`), "scope"},
				"a space before the scopes":      {changed("scope", `" support"`), "scope"},
				"scopes as a list":               {changed("scope", `["support"]`), "scope"},
				"scopes without end":             {changed("scope", `"`+strings.Repeat("openid ", 1000)+`support"`), "scope"},
				"scopes that contradict":         {claimsText(map[string]string{"scope": `"publish support"`, "sources": `["portal"]`}), "scope"},
				"publishing and administration":  {claimsText(map[string]string{"scope": `"admin publish"`, "sources": `["portal"]`}), "scope"},
				"no subject":                     {changed("sub", ""), "sub"},
				"an empty subject":               {changed("sub", `""`), "sub"},
				"a null subject":                 {changed("sub", "null"), "sub"},
				"a subject that is a number":     {changed("sub", "42"), "sub"},
				"a subject too long":             {changed("sub", quoted(256)), "sub"},
				"a subject of 8,000":             {changed("sub", quoted(8000)), "sub"},
				"a subject of 45,000":            {changed("sub", quoted(45_000)), ""},
				"a subject with a NUL":           {changed("sub", `"an\u0000a"`), "sub"},
				"a subject with a line break":    {changed("sub", `"an\na"`), "sub"},
				"a subject of half a character":  {changed("sub", `"an\ud83da"`), "sub"},
				"no email":                       {changed("email", ""), ""},
				"an email with a line break":     {changed("email", `"ana@example.org\r\nBcc: bob@example.org"`), "email"},
				"an email with a NUL":            {changed("email", `"ana\u0000@example.org"`), "email"},
				"emails as a list":               {changed("email", `["ana@example.org"]`), "email"},
				"no address":                     {changed("email", `"not an address"`), "email"},
				"two addresses":                  {changed("email", `"ana@example.org, bob@example.org"`), "email"},
				"a named address":                {changed("email", `"Ana <ana@example.org>"`), "email"},
				"an email too long":              {changed("email", `"`+strings.Repeat("a", 250)+`@example.org"`), "email"},
				"an email that is a number":      {changed("email", "42"), "email"},
				"verified by a number":           {changed("email_verified", "1"), "email_verified"},
				"verified by a word":             {changed("email_verified", `"yes"`), "email_verified"},
				"a name too long":                {changed("name", quoted(256)), "name"},
				"a name of 50,000":               {changed("name", quoted(50_000)), ""},
				"a name with a NUL":              {changed("name", `"An\u0000a"`), "name"},
				"a name with a line break":       {changed("name", `"Ana\nBcc"`), "name"},
				"a name that is an object":       {changed("name", `{"first": "Ana"}`), "name"},
				"a language that is a number":    {changed("locale", "1"), "locale"},
				"a language of 300":              {changed("locale", quoted(300)), "locale"},
				"a language with a NUL":          {changed("locale", `"fr\u0000"`), "locale"},
				"no expiry":                      {changed("exp", ""), "exp"},
				"an expiry that is a text":       {changed("exp", `"99999999999"`), "exp"},
				"an expiry in milliseconds":      {changed("exp", fmt.Sprint(time.Now().Add(time.Hour).UnixMilli())), "exp"},
				"an audience that is a number":   {changed("aud", "1"), ""},
				"sources as a text":              {publisher(`"portal"`), "sources"},
				"sources with a number":          {publisher(`["portal", 1]`), "sources"},
				"sources with a NUL":             {publisher(`["por\u0000tal"]`), "sources"},
				"a source too long":              {publisher(`["` + strings.Repeat("x", 300) + `"]`), "sources"},
				"no object":                      {`["ana"]`, ""},
				"text that is not UTF-8":         {strings.Replace(claimsText(nil), `"ana"`, "\"an\xffa\"", 1), ""},
				"two objects":                    {claimsText(nil) + "{}", ""},
			} {
				got := ask(t, base, signText(t, c.claims), viewer, nil)
				if got.status != 401 || got.code() != "UNAUTHENTICATED" {
					t.Errorf("%s: %d %v", name, got.status, got.Errors)
				} else if !strings.Contains(got.Errors[0].Message, c.claim) {
					t.Errorf("%s: the answer does not name %s: %s", name, c.claim, got.Errors[0].Message)
				}
			}
			if after := storetest.Everything(t, database); !slices.Equal(persons(before), persons(after)) {
				t.Errorf("there are %q, and were %q", persons(after), persons(before))
			}
		})
	}
}

// persons are the rows of accounts and their addresses, in an order.
func persons(rows []string) []string {
	rows = slices.DeleteFunc(slices.Clone(rows), func(row string) bool {
		return !strings.HasPrefix(row, "accounts[") && !strings.HasPrefix(row, "recipients[")
	})
	slices.Sort(rows)
	return rows
}
