// Package address reads mail addresses in any letters, and writes them as mail
// servers have them.
package address

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"vigie"
)

// Address is a mail address as servers have it.
type Address struct {
	// Text has its domain in ASCII: A-labels (IDNA, RFC 5891), where there were
	// other letters.
	Text string
	// UTF8 is whether what is before the at sign is not ASCII. Then only servers
	// that know SMTPUTF8 (RFC 6531) take mail for it.
	UTF8 bool
}

// maxLocal is how long the part before the at sign may be, in bytes (RFC 5321
// §4.5.3.1.1), where it is not ASCII.
const maxLocal = 64

// profile is that of those who look names up ([idna.Lookup]), with lengths
// checked.
var profile = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.CheckJoiners(true), idna.VerifyDNSLength(true))

// Parse reads an address of the form that [vigie.IsAddress] knows, in any
// letters. What it returns stays as it is if it is parsed again.
func Parse(s string) (Address, bool) {
	local, domain, _ := strings.Cut(s, "@")
	if !isASCII(domain) {
		ascii, err := profile.ToASCII(domain)
		if err != nil || !utf8.ValidString(domain) {
			return Address{}, false
		}
		domain = ascii
	}
	a := Address{Text: local + "@" + domain, UTF8: !isASCII(local)}
	plain := local
	if a.UTF8 {
		plain = strings.Map(plainLetter, local)
		if len(local) > maxLocal || len(a.Text) > vigie.MaxEmailLength {
			return Address{}, false
		}
	}
	return a, vigie.IsAddress(plain + "@" + domain)
}

// Canonical returns an address as servers have it, and what is no address as it
// is. Two ways to write one domain become the same.
func Canonical(s string) string {
	if a, ok := Parse(s); ok {
		return a.Text
	}
	return s
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// plainLetter replaces letters and digits beyond ASCII by one that may stand in
// any address, and what else is beyond it by one that may not.
func plainLetter(r rune) rune {
	switch {
	case r <= unicode.MaxASCII:
		return r
	case unicode.In(r, unicode.L, unicode.M, unicode.Nd):
		return 'x'
	}
	return ' '
}
