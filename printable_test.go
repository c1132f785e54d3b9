package vigie_test

import (
	"testing"

	"vigie"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "450 4.2.0 a\x00b": "450 4.2.0 ab", " a\r\n\tb\u00a0 c ": "a b c", "caf\xe9": "caf\uFFFD", "a\x1b[31mb\u202ec\u0085d": "a[31mbc d", "été 👩": "été 👩",
	} {
		if got := vigie.Printable(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
