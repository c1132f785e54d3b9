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
