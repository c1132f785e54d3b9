package service

import (
	"strconv"
	"strings"

	"vigie"
	"vigie/address"
)

// addresses checks mail addresses.
func (f *form) addresses(list []string, path []string) []string {
	if !f.atMost(len(list), vigie.MaxRecipients, path) {
		return nil
	}
	addresses := make([]string, len(list))
	for i, text := range list {
		addresses[i] = f.address(text, at(path, strconv.Itoa(i)))
	}
	return addresses
}

// address checks a mail address, and returns it as mail servers have it: its
// domain may be typed in any letters. Accents before the at sign are taken for a
// slip: hardly anybody has such an address, and hardly any server takes it.
func (f *form) address(text string, path []string) string {
	// Spaces around an address are a slip; a line break is not.
	text = strings.Trim(text, " ")
	a, ok := address.Parse(text)
	switch _, host, _ := strings.Cut(a.Text, "@"); {
	case ok && a.UTF8:
		f.problems.Add(vigie.Invalid, vigie.Text{
			FR: "Cette adresse électronique contient un accent avant l’arobase (@). Saisissez cette partie sans accents.",
			EN: "This email address has an accent before the at sign (@). Type that part without accents.",
		}, path...)
	case !ok || !strings.Contains(host, "."): // a person elsewhere has a host with a dot
		f.problems.Add(vigie.Invalid, vigie.Text{
			FR: "Cette adresse électronique n’est pas valable. Format attendu : nom@domaine.fr",
			EN: "This email address is not valid. Expected format: name@domain.fr",
		}, path...)
	default:
		return a.Text
	}
	return text
}
