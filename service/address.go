package service

import (
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
		addresses[i] = f.address(address, at(path, strconv.Itoa(i)))
	}
	return addresses
}

// address checks a mail address.
func (f *form) address(address string, path []string) string {
	// Spaces around an address are a slip; a line break is not.
	address = strings.Trim(address, " ")
	if !validAddress(address) {
		f.problems.Add(vigie.Invalid, vigie.Text{
			FR: "Ce n'est pas une adresse mail.",
			EN: "This is not a mail address.",
		}, path...)
	}
	return address
}

// validAddress reports whether a person elsewhere can have that address: its
// host name has a dot.
func validAddress(address string) bool {
	_, host, _ := strings.Cut(address, "@")
	return vigie.IsAddress(address) && strings.Contains(host, ".")
}
