package ingest_test

import (
	"testing"

	"vigie/ingest"
)

func TestWebAddress(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "",
		"https://www.example.org/a":         "https://www.example.org/a",
		"HTTP://example.org":                "HTTP://example.org",
		"www.example.org/a?b=c":             "https://www.example.org/a?b=c",
		"www.example.org/?a=1&amp;region=2": "https://www.example.org/?a=1&region=2",
		"javascript:alert(1)":               "",
		"javascript://example.org/%0aalert": "",
		"ftp://example.org":                 "",
		"https://":                          "",
		"https://user:secret@example.org":   "",
		"https://exa\nmple.org":             "",
		"voir le profil":                    "",
	} {
		if got := ingest.WebAddress(in); got != want {
			t.Errorf("webAddress(%q) = %q, want %q", in, got, want)
		}
	}
}
