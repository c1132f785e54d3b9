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
