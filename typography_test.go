package vigie_test

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"vigie"
)

// TestTypeset compares French texts of random pieces with what one regular expression makes of them.
func TestTypeset(t *testing.T) {
	const nbsp = "\u00a0"
	breakable := regexp.MustCompile(`«[^«»]*»| [:;?!]|\b[0-9]{1,2} h [0-9]{2}\b|\b[0-9]{1,3}(?: [0-9]{3})*(?:,[0-9]+)? [€%]`)
	want := func(s string) string {
		return breakable.ReplaceAllStringFunc(s, func(part string) string {
			quote, ok := strings.CutPrefix(part, "«")
			if !ok {
				return strings.ReplaceAll(part, " ", nbsp)
			}
			return "«" + nbsp + strings.Trim(strings.TrimSuffix(quote, "»"), " "+nbsp) + nbsp + "»"
		})
	}
	pieces := []string{" ", " ", " ", nbsp, ":", ";", "?", "!", "«", "»", "€", "%", "h", "1", "17", "00", "120", "000", "2026", ",", "5", "Voirie", "é", "_", ".", "à", "\xc2", "’"}
	random := rand.New(rand.NewPCG(1, 2))
	printed := 0
	for range 50_000 {
		var b strings.Builder
		for range random.IntN(12) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		s := b.String()
		got := vigie.Text{FR: s, EN: s + "."}.In(vigie.French)
		if got != want(s) {
			t.Fatalf("%q is printed as %q, want %q", s, got, want(s))
		}
		if got != s {
			printed++
		}
	}
	if printed < 3_000 {
		t.Errorf("only %d of the texts are printed in another way", printed)
	}
}
