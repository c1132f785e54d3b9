package service

import (
	"strings"
	"testing"
)

func TestCPVPrefix(t *testing.T) {
	for code, want := range map[string]string{
		"45233140-2": "4523314", "45233140": "4523314", "45000000": "45", "45000000-7": "45", "452": "452", "45": "45", "30": "30", "03000000": "03", " 713 ": "713",
	} {
		if got, ok := cpvPrefix(code); !ok || got != want {
			t.Errorf("%q: %q, %v, want %q", code, got, ok, want)
		}
	}
	for _, code := range []string{"", "4", "4x", "452331400", "45233140-22", "45233140-x", "٤٥"} {
		if got, ok := cpvPrefix(code); ok {
			t.Errorf("%q is taken for %q", code, got)
		}
	}
}

func TestValidAddress(t *testing.T) {
	for _, good := range []string{"a@example.org", "jean.dupont+veille@sous.example.org", "o'brien@example.org"} {
		if !validAddress(good) {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []string{
		"", "a", "a@", "@example.org", "a@example", "a b@example.org", "a@example.org\r\nBcc: b@example.org", "a@example.org\n",
		"A <a@example.org>", `"a b"@example.org`, `"a\" SIZE=1"@example.org`, "a@[127.0.0.1]", "a@-x.org", "é@example.org", "a@exämple.org",
		"a@example.org,b@example.org", "a@b@example.org", strings.Repeat("a", 250) + "@example.org", "a@example.org\x00",
	} {
		if validAddress(bad) {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{" a\t b\u00a0c \n": "a b c", "e\u0301te\u0301": "été", "a\x00b\x1b[0m": "ab[0m", "": "", "voi\u00adrie\u202e": "voirie", "\u200b \ufeff": ""} {
		if got := clean(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// No text that is not a cursor of the list panics or passes.
func FuzzCursor(f *testing.F) {
	f.Add(cursor{List: "x", ID: 3}.String())
	f.Add("")
	f.Add("eyJsIjoieCIsImkiOjN9")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseCursor(s, "x", "after")
		if err == nil && c.String() != s {
			t.Errorf("%q is taken for %q", s, c)
		}
		if _, err := parseCursor(s, "y", "after"); err == nil && strings.Contains(s, "x") && c.List == "x" {
			t.Errorf("%q is good for two lists", s)
		}
	})
}
