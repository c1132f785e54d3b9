package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"vigie"
	"vigie/server/dependency"
)

// keySet are the keys that sign tokens.
type keySet interface {
	// verify returns what a token says that one of the keys signed.
	verify(token *jose.JSONWebSignature) ([]byte, error)
}

// secrets verify the tokens of `vigie token`.
type secrets []string

func (s secrets) verify(token *jose.JSONWebSignature) ([]byte, error) {
	for _, secret := range s {
		if payload, err := token.Verify([]byte(secret)); err == nil {
			return payload, nil
		}
	}
	return nil, errors.New("none of the secrets made this signature")
}

// publicKeys are the public keys of a JSON Web Key Set (RFC 7517) that verify
// signatures.
type publicKeys []publicKey

// publicKey is one of them. Its id and algorithm are "" where the set does not
// say.
type publicKey struct {
	id        string
	algorithm string
	key       crypto.PublicKey
}

// errUnknownKey is that a token names a key, or needs one, that is not there.
var errUnknownKey = errors.New("signed with an unknown key")

func (k publicKeys) verify(token *jose.JSONWebSignature) ([]byte, error) {
	header, err := token.Signatures[0].Header, errUnknownKey
	for _, key := range k {
		if key.id != "" && header.KeyID != "" && key.id != header.KeyID || key.algorithm != "" && key.algorithm != header.Algorithm {
			continue
		}
		payload, wrong := token.Verify(key.key)
		if wrong == nil {
			return payload, nil
		}
		err = wrong
	}
	return nil, err
}

// readKeys reads a JSON Web Key Set. Keys for other purposes, or of types that
// are not supported, are left out. The error lists keys that are broken, and
// says if the set has no key for signatures; the keys that can be used are
// returned even so.
func readKeys(text []byte) (publicKeys, error) {
	var set struct {
		Keys []jsonText `json:"keys"`
	}
	if err := exactly(text, &set); err != nil {
		return nil, fmt.Errorf("not a JSON Web Key Set: %w", err)
	}
	var keys publicKeys
	var broken error
	for i, text := range set.Keys {
		key, err := readKey(text)
		switch {
		case err != nil:
			broken = errors.Join(broken, fmt.Errorf("key %d: %w", i+1, err))
		case key != nil:
			keys = append(keys, *key)
		}
	}
	if len(keys) == 0 {
		broken = errors.Join(broken, errors.New("no public key for signatures"))
	}
	return keys, broken
}

// jsonText is a part of JSON that is read by itself.
type jsonText []byte

// UnmarshalJSON implements [json.Unmarshaler].
func (t *jsonText) UnmarshalJSON(text []byte) error {
	*t = slices.Clone(text)
	return nil
}

// readKey reads a key; nil for one that verifies no signatures.
func readKey(text []byte) (*publicKey, error) {
	var purpose struct {
		Use        string    `json:"use"`
		Operations *[]string `json:"key_ops"`
	}
	if err := exactly(text, &purpose); err != nil {
		return nil, err
	}
	if purpose.Use != "" && purpose.Use != "sig" || purpose.Operations != nil && !slices.Contains(*purpose.Operations, "verify") {
		return nil, nil
	}
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON(text); errors.Is(err, jose.ErrUnsupportedKeyType) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if !key.IsPublic() || key.Algorithm != "" && !slices.Contains(signatures(), jose.SignatureAlgorithm(key.Algorithm)) {
		return nil, nil
	}
	return &publicKey{key.KeyID, key.Algorithm, key.Key}, nil
}

// readKeyFile reads the public keys of a platform.
func readKeyFile(path string) (publicKeys, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	keys, err := readKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

const (
	// freshKeys is how soon an issuer that answered is asked again for a key that
	// is not known, so that a flood of such tokens causes no more requests.
	freshKeys = 30 * time.Second
	// askAgain is how soon one is asked again that did not answer; each time it
	// does not, that takes twice as long, up to freshKeys.
	askAgain = 2 * time.Second
	// keysAge is how often it is asked when nothing else asks: a key that an
	// issuer takes back is believed no longer, while the issuer answers.
	keysAge = 5 * time.Minute
	// issuerPatience is how long it may take to answer.
	issuerPatience = 10 * time.Second
	// maxKeys bounds its answers, in bytes.
	maxKeys = 1 << 20
)

// issuerKeys are the keys that an OpenID Connect issuer publishes. One request
// at a time fetches them, in a goroutine of its own; callers wait for it within
// their own limits. Keys that are known stay valid while the issuer is away.
type issuerKeys struct {
	issuer string
	client *http.Client
	now    func() time.Time
	known  atomic.Pointer[publicKeys] // never nil
	asking singleflight.Group
	// missed is called when a token needs keys and the issuer does not answer.
	missed func()

	// What follows is the fetching's alone, of which there is one at a time.

	url    string    // where the keys are, "" where that must be found out
	next   time.Time // when the issuer may be asked again
	failed error     // why it did not answer the last time
	pause  *backoff.ExponentialBackOff
}

func newIssuerKeys(issuer string, transport http.RoundTripper, now func() time.Time) *issuerKeys {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.Multiplier, pause.MaxInterval, pause.RandomizationFactor = askAgain, 2, freshKeys, 0
	k := &issuerKeys{issuer: issuer, client: &http.Client{Transport: bounded{transport}}, now: now, pause: pause, missed: func() {}}
	k.known.Store(new(publicKeys))
	return k
}

// verify goes by the keys that are known, and never waits.
func (k *issuerKeys) verify(token *jose.JSONWebSignature) ([]byte, error) {
	return k.known.Load().verify(token)
}

// newer waits for keys beyond those that were known, for a token that they did
// not verify, as err says. The error says why there are none; of code
// [vigie.Unavailable], that nobody knows now.
func (k *issuerKeys) newer(ctx context.Context, known *publicKeys, err error) error {
	_, asked := k.ask(ctx)
	switch {
	case k.known.Load() != known:
		return nil
	case asked != nil && errors.Is(err, errUnknownKey):
		k.missed()
		return &vigie.Error{Code: vigie.Unavailable, Err: asked, Text: vigie.Text{
			FR: "La connexion est momentanément indisponible. Réessayez dans un instant.",
			EN: "Signing in is not available at the moment. Try again shortly.",
		}}
	}
	return err
}

// ask has the issuer asked for its keys, unless that was done a moment ago, and
// waits until it has answered or ctx ends. It returns when the issuer may be
// asked again.
func (k *issuerKeys) ask(ctx context.Context) (next time.Time, err error) {
	// The fetching is nobody's own: who goes away does not end it for others.
	answer := k.asking.DoChan("", func() (any, error) {
		k.askOnce()
		return k.next, k.failed
	})
	select {
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	case a := <-answer:
		return a.Val.(time.Time), a.Err
	}
}

func (k *issuerKeys) askOnce() {
	if k.now().Before(k.next) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), issuerPatience)
	defer cancel()
	keys, err := k.fetch(ctx)
	if len(keys) > 0 { // then only some may be broken
		k.known.Store(&keys)
		k.pause.Reset()
		k.next, k.failed = k.now().Add(freshKeys), nil
		return
	}
	k.url = "" // it may have moved
	k.next, k.failed = k.now().Add(k.pause.NextBackOff()), err
}

// fetch asks the issuer for its keys, and where they are.
func (k *issuerKeys) fetch(ctx context.Context) (publicKeys, error) {
	if k.url == "" {
		provider, err := oidc.NewProvider(oidc.ClientContext(ctx, k.client), k.issuer)
		if err != nil {
			// The error holds the whole body of the answer.
			return nil, errors.New("the issuer does not say where its keys are: " + fmt.Sprintf("%.300s", err.Error()))
		}
		var document struct {
			URL string `json:"jwks_uri"`
		}
		if err := provider.Claims(&document); err != nil {
			return nil, fmt.Errorf("the issuer does not say where its keys are: %w", err)
		}
		k.url = document.URL
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, fmt.Errorf("the issuer does not give its keys: %w", err)
	}
	response, err := k.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("the issuer does not give its keys: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the issuer does not give its keys: it answers %s", response.Status)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("the issuer does not give its keys: %w", err)
	}
	return readKeys(text)
}

// dependency has the keys kept in step with the issuer's: it asks for them each time that it is asked.
func (k *issuerKeys) dependency(log *slog.Logger) *dependency.Dependency {
	d := dependency.New("issuer", func(ctx context.Context) error {
		_, err := k.ask(ctx)
		return err
	}, operatorMessage, log)
	d.Every, d.Again, d.Timeout = keysAge, askAgain, issuerPatience+time.Second
	k.missed = d.Suspect
	return d
}

// bounded cuts answers that are too long.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(r)
	if err == nil {
		response.Body = http.MaxBytesReader(nil, response.Body, maxKeys)
	}
	return response, err
}
