package graph

import (
	"context"
	"strings"
	"time"

	"vigie"
	"vigie/service"
)

// Viewer is who asks, as the bearer token says.
type Viewer struct {
	// Account is nil for publishers and support agents, which are no persons.
	Account *vigie.Account
	// Sources are those that the viewer may publish for.
	Sources []string
	// SupportAgent is the support agent that asks, nil for others: it sees the things of all
	// accounts, and changes none.
	SupportAgent *service.SupportAgent
	// Until is when the token expires; zero for never.
	Until time.Time
}

type viewerKey struct{}

// WithViewer has the requests of a context be the viewer's.
func WithViewer(ctx context.Context, v *Viewer) context.Context {
	return context.WithValue(ctx, viewerKey{}, v)
}

type localeKey struct{}

// WithLocale says which language a request asks for.
func WithLocale(ctx context.Context, l vigie.Locale) context.Context {
	return context.WithValue(ctx, localeKey{}, l)
}

// signedIn returns the viewer, with an account or without.
func signedIn(ctx context.Context) (*Viewer, error) {
	if v, _ := ctx.Value(viewerKey{}).(*Viewer); v != nil {
		return v, nil
	}
	return nil, &vigie.Error{Code: vigie.Unauthenticated, Text: vigie.Text{
		FR: "Vous n’êtes pas connecté. Reconnectez-vous, puis recommencez.",
		EN: "You are not signed in. Sign in, then try again.",
	}}
}

// signedInAccount returns the account that asks.
func signedInAccount(ctx context.Context) (*vigie.Account, error) {
	v, err := signedIn(ctx)
	if err != nil {
		return nil, err
	}
	if v.Account == nil {
		return nil, &vigie.Error{Code: vigie.Forbidden, Text: vigie.Same("This token belongs to no person: it allows only what its scope names. Use a person's token.")}
	}
	if l, ok := ctx.Value(loadersKey{}).(*loaders); ok && l.changed != nil {
		return l.changed, nil
	}
	return v.Account, nil
}

// supportAgent returns the support agent that asks; nil if the viewer is not one.
func supportAgent(ctx context.Context) *service.SupportAgent {
	if v, _ := ctx.Value(viewerKey{}).(*Viewer); v != nil {
		return v.SupportAgent
	}
	return nil
}

// locale is the reader's language: what the request asks for, else the account's.
func locale(ctx context.Context) vigie.Locale {
	if l, ok := ctx.Value(localeKey{}).(vigie.Locale); ok {
		return l
	}
	if a, err := signedInAccount(ctx); err == nil {
		return a.Locale
	}
	return vigie.French
}

// say words a text in the reader's language.
func say(ctx context.Context, t vigie.Text) string { return t.In(locale(ctx)) }

// sayAll words several.
func sayAll(ctx context.Context, texts []vigie.Text) []string {
	said := make([]string, len(texts))
	for i, t := range texts {
		said[i] = say(ctx, t)
	}
	return said
}

// ViewerKey names who asks, for counting; ok is false for nobody in particular.
func ViewerKey(ctx context.Context) (key string, ok bool) {
	v, _ := ctx.Value(viewerKey{}).(*Viewer)
	switch {
	case v == nil:
		return "", false
	case v.Account != nil:
		return vigie.GlobalID(vigie.KindAccount, v.Account.ID), true
	case v.SupportAgent != nil:
		return "support " + v.SupportAgent.Issuer + " " + v.SupportAgent.Subject, true
	}
	return "publisher of " + strings.Join(v.Sources, " "), true
}

// Known reports whether who asks has signed in.
func Known(ctx context.Context) bool {
	v, _ := ctx.Value(viewerKey{}).(*Viewer)
	return v != nil
}

// Publishes reports whether who asks may publish.
func Publishes(ctx context.Context) bool {
	v, _ := ctx.Value(viewerKey{}).(*Viewer)
	return v != nil && len(v.Sources) > 0
}

type requestKey struct{}

// WithRequest names the request of a context. Its client gets the name with
// what it cannot correct itself.
func WithRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestOf is the name of the request, "" for none.
func RequestOf(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}
