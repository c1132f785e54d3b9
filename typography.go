package vigie

import (
	"regexp"
	"strings"
)

// typeset is a French text as it is printed: no line ends before high
// punctuation, inside guillemets or within « 17 h 00 » and « 120 000 € ». What stands between
// guillemets is somebody's words, and stays as they are.
func typeset(s string) string {
	if !strings.ContainsAny(s, ":;?!«€%") && !strings.Contains(s, " h ") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 2*len(nbsp))
	for i := 0; i < len(s); {
		n, printed := unbroken(s, i)
		b.WriteString(printed)
		i += n
	}
	return b.String()
}

// unbroken is what must stay in one line at a place of a text, as it is printed, and how many bytes of the text that is; or
// the next byte.
func unbroken(s string, at int) (n int, printed string) {
	rest, inWord := s[at:], at > 0 && isWordByte(s[at-1])
	switch c := rest[0]; {
	case c == ' ' && len(rest) > 1 && strings.IndexByte(":;?!", rest[1]) >= 0:
		return 1, nbsp
	case c >= '0' && c <= '9' && !inWord:
		if number := numbers.FindString(rest); number != "" {
			return len(number), strings.ReplaceAll(number, " ", nbsp)
		}
	case c == "«"[0]:
		if quote := quotation.FindString(rest); quote != "" {
			words := strings.TrimSuffix(strings.TrimPrefix(quote, "«"), "»")
			return len(quote), "«" + nbsp + strings.Trim(words, " "+nbsp) + nbsp + "»"
		}
	}
	return 1, rest[:1]
}

// isWordByte reports whether a byte is a letter or a digit of ASCII.
func isWordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_'
}

var (
	quotation = regexp.MustCompile(`^«[^«»]*»`)
	numbers   = regexp.MustCompile(`^(?:[0-9]{1,2} h [0-9]{2}\b|[0-9]{1,3}(?: [0-9]{3})*(?:,[0-9]+)? [€%])`)
)

const nbsp = "\u00a0" // a space that no line ends at
