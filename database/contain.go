package database

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/uptrace/bun"
)

// Containing returns the operator and the pattern that tell whether a column contains a text, in capital or small letters.
// Which letters are the same is spelt out in the pattern: SQLite lowers those of ASCII alone, and PostgreSQL those that its
// locale knows.
func (d dialect) Containing(text string) (operator bun.Safe, pattern string) {
	plain := regexp.QuoteMeta
	if !d.postgres {
		plain = globbed
	}
	var b strings.Builder
	for _, r := range text {
		cases := string(r)
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			cases += string(other)
		}
		if cases == string(r) {
			b.WriteString(plain(cases))
		} else {
			b.WriteString("[" + cases + "]") // letters, which mean themselves
		}
	}
	if d.postgres {
		return "~", b.String()
	}
	return "GLOB", "*" + b.String() + "*"
}

// globbed is a character as GLOB takes it for itself.
func globbed(character string) string {
	if strings.Contains("*?[", character) {
		return "[" + character + "]"
	}
	return character
}
