package webhook_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"vigie/alert/webhook"
)

// A secret is written as integrators know it, and hidden where it might be logged.
func TestSecret(t *testing.T) {
	s, err := webhook.NewSecret(strings.NewReader(strings.Repeat("abcd", 8)))
	if err != nil {
		t.Fatal(err)
	}
	const text = "whsec_YWJjZGFiY2RhYmNkYWJjZGFiY2RhYmNkYWJjZGFiY2Q="
	if s.Text() != text {
		t.Errorf("%s", s.Text())
	}
	if _, err := standardwebhooks.NewWebhook(text); err != nil {
		t.Error(err)
	}
	for _, format := range []string{"%v", "%s", "%+v", "%q"} {
		if said := fmt.Sprintf(format, s); strings.Contains(said, "YWJj") || strings.Contains(said, "abcd") {
			t.Errorf("%s says %s", format, said)
		}
	}
	if _, err := webhook.NewSecret(strings.NewReader("short")); err == nil {
		t.Error("a secret of a few bytes")
	}
}

// What is encrypted opens for its purpose alone, by any secret on the list; and it tells when to encrypt it again.
func TestVault(t *testing.T) {
	vault := func(secrets ...string) *webhook.Vault {
		for i := range secrets {
			secrets[i] = strings.Repeat(secrets[i], 32)
		}
		v, err := webhook.NewVault(secrets)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	const purpose = "secret of webhook_1"
	old, both, replaced, other := vault("a"), vault("b", "a"), vault("b"), vault("c")
	value := []byte("whsec_abc")
	sealed := old.Seal(value, purpose)
	if bytes.Contains(sealed, value) || !bytes.Equal(sealed, old.Seal(value, purpose)) {
		t.Errorf("%q", sealed)
	}
	for name, test := range map[string]struct {
		vault         *webhook.Vault
		purpose       string
		opens, latest bool
	}{
		"its own":         {old, purpose, true, true},
		"a new one first": {both, purpose, true, false},
		"the new alone":   {replaced, purpose, false, false},
		"another":         {other, purpose, false, false},
		"another purpose": {old, "secret of webhook_2", false, false},
	} {
		got, err := test.vault.Open(sealed, test.purpose)
		if (err == nil) != test.opens || test.opens && !bytes.Equal(got, value) || test.vault.Current(sealed, test.purpose) != test.latest {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if anew := both.Seal(value, purpose); !both.Current(anew, purpose) || bytes.Equal(anew, sealed) {
		t.Error("it is not encrypted under the first secret")
	}
	for i := range sealed {
		forged := bytes.Clone(sealed)
		forged[i] ^= 1
		if _, err := old.Open(forged, purpose); err == nil {
			t.Fatalf("a changed byte %d is not noticed", i)
		}
	}
	for _, cut := range [][]byte{nil, sealed[:1], sealed[:13], sealed[:len(sealed)-1], append(bytes.Clone(sealed), 0)} {
		if _, err := old.Open(cut, purpose); err == nil {
			t.Errorf("%d bytes of %d open", len(cut), len(sealed))
		}
	}
	if bytes.Equal(old.Seal(value, "x"), old.Seal(value, "y")) || bytes.Equal(old.Seal([]byte("x"), purpose)[:13], old.Seal([]byte("y"), purpose)[:13]) {
		t.Error("two values have one nonce")
	}
	if _, err := webhook.NewVault(nil); err == nil {
		t.Error("a vault without a secret")
	}
}
