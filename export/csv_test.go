package export

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// However a text is cut into cells, none begins with a formula, and nothing but
// single quotes was added.
func TestDefused(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	signs := []rune("=+-@＝＋－＠\t\r\n,;|\" 'aé1\u200b\ufffd")
	for range 20_000 {
		var b strings.Builder
		for range random.IntN(12) {
			b.WriteRune(signs[random.IntN(len(signs))])
		}
		text := b.String()
		got := defused(text)
		if without(got) != without(text) {
			t.Fatalf("%q became %q", text, got)
		}
		if got != "" && strings.ContainsAny(got[:1], "\t\r\n") {
			t.Fatalf("%q begins a line", got)
		}
		for _, cell := range strings.FieldsFunc(got, func(r rune) bool { return strings.ContainsRune(",;|\t\r\n\"", r) }) {
			if cell = strings.Trim(cell, " \u200b"); cell != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(cell)[0]) {
				t.Fatalf("%q became %q, with the cell %q", text, got, cell)
			}
		}
		if !strings.ContainsAny(text, "=+-@＝＋－＠\t\r\n") && got != text {
			t.Fatalf("%q became %q", text, got)
		}
	}
}

func without(s string) string { return strings.ReplaceAll(s, "'", "") }
