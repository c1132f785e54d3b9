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
	for address, want := range map[string]bool{
		"a@example.org": true, "jean.dupont+veille@sous.example.org": true, "a@example": false, "a.b@localhost": false, `"a@b.c"@example.org`: false,
	} {
		if got := validAddress(address); got != want {
			t.Errorf("%q: %v", address, got)
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
