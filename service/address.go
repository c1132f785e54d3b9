package service

import (
	"net/mail"
	"strconv"
	"strings"

	"vigie"
)

// addresses checks mail addresses.
func (f *form) addresses(list []string, path []string) []string {
	if !f.atMost(len(list), vigie.MaxRecipients, path) {
		return nil
	}
	addresses := make([]string, len(list))
	for i, address := range list {
		// Spaces around an address are a slip; a line break is not.
		addresses[i] = strings.Trim(address, " ")
		if !validAddress(addresses[i]) {
			f.problems.Add(vigie.Invalid, vigie.Text{
				FR: "Ce n'est pas une adresse mail.",
				EN: "This is not a mail address.",
			}, at(path, strconv.Itoa(i))...)
		}
	}
	return addresses
}

// validAddress keeps to the addresses that people have: a dotted atom, an at
// sign, a host name with a dot. Quoted local parts, comments and address
// literals are legal (RFC 5322 §3.4.1), and have been used to smuggle headers.
func validAddress(address string) bool {
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || len(address) > vigie.MaxEmailLength {
		return false
	}
	for _, r := range address {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`"()<>[]\,;:`, r) {
			return false
		}
	}
	_, host, _ := strings.Cut(address, "@")
	return strings.Contains(host, ".") && !strings.HasPrefix(host, "-")
}
