package vigie

import (
	"net/mail"
	"strings"
)

// IsAddress reports whether s is a mail address of the kind that people and
// mail servers have: a dotted atom, an at sign, a host name. Quoted local
// parts, comments and address literals are legal (RFC 5322 §3.4.1), and have
// been used to smuggle headers into mail and parameters into SMTP commands.
func IsAddress(s string) bool {
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Address != s || len(s) > MaxEmailLength {
		return false
	}
	for _, r := range s {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`"()<>[]\,;:`, r) {
			return false
		}
	}
	_, host, _ := strings.Cut(s, "@")
	return !strings.HasPrefix(host, "-")
}

// AddressKey returns the form in which mail addresses are compared, everywhere: two addresses with one key get the same
// mail. Only the letters of ASCII are lowered. Beyond them, what one server takes for the same letter another does not,
// and some letters have a small form in ASCII: the sign of the kelvin would become a k, and one person's address
// another's.
func AddressKey(email string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, email)
}
