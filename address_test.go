package vigie_test

import (
	"strings"
	"testing"

	"vigie"
)

func TestIsAddress(t *testing.T) {
	for _, good := range []string{
		"a@example.org", "prenom.nom+veille@sous.example.org", "o'neill@example.org", "bounces@localhost", "a_b-c=d@example.org",
	} {
		if !vigie.IsAddress(good) {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []string{
		"", "a", "a@", "@example.org", " a@example.org", "a@example.org ", "a@example.org\r\nBcc: b@example.org", "a\x00@example.org",
		`"a b"@example.org`, `"a@example.org> SIZE=1"@example.org`, "A <a@example.org>", "a@example.org, b@example.org",
		"a@example.org;b@example.org", "a@[127.0.0.1]", "a(b)@example.org", "a@-example.org", "é@example.org", "a@exämple.org",
		"a b@example.org", "a@b@example.org", "a@example.org\n", `"a\" SIZE=1"@example.org`, "a..b@example.org", ".a@example.org", strings.Repeat("a", 250) + "@example.org",
	} {
		if vigie.IsAddress(bad) {
			t.Errorf("%q passes", bad)
		}
	}
}

// Addresses are one where only the case of ASCII letters differs. A letter beyond ASCII is not one of ASCII, even if its
// small form is: the sign of the kelvin, the I with a dot.
func TestAddressKey(t *testing.T) {
	for email, want := range map[string]string{
		"": "", "Ana.Nom@Example.ORG": "ana.nom@example.org", "Élodie@Example.org": "Élodie@example.org",
		"\u212aim@example.org": "\u212aim@example.org", "\u0130@example.org": "\u0130@example.org",
	} {
		if got := vigie.AddressKey(email); got != want {
			t.Errorf("the key of %q is %q, not %q", email, got, want)
		}
	}
}
