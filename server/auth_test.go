package main

import (
	"testing"

	"vigie"
)

// Who asks for none of our languages has not asked for French.
func TestLocaleOf(t *testing.T) {
	for asked, want := range map[string]vigie.Locale{
		"": "", "fr": vigie.French, "fr-CA,en;q=0.5": vigie.French, "en-GB": vigie.English, "de, en;q=0.5": vigie.English, "de": "", "*": "",
	} {
		if got := localeOf(asked); got != want {
			t.Errorf("%q asks for %q, not %q", asked, got, want)
		}
	}
}
