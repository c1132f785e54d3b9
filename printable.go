package vigie

import (
	"strings"
	"unicode"
)

// Printable returns a text that a program elsewhere wrote, such as a server's reply, on one line and without what does not
// show: PostgreSQL stores no NUL and nothing but UTF-8, and terminals obey control characters.
func Printable(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}
