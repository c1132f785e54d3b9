package webhook

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"vigie"
)

// MaxURL is how many bytes the URL of an endpoint has at most.
const MaxURL = 2000

// CheckURL reports what is wrong with the URL of an endpoint, as a [*vigie.Error] without a field; nil for nothing. It
// asks no resolver: where a name leads is checked when a connection is made.
func (c *Client) CheckURL(raw string) error {
	if len(raw) > MaxURL {
		return &vigie.Error{
			Code: vigie.TooLong, Limit: &vigie.Limit{Name: "webhookUrlLength", Requested: len(raw), Maximum: MaxURL},
			Text: vigie.Text{FR: "L’adresse doit avoir %d caractères au plus.", EN: "The address must have at most %d characters."}.With(MaxURL),
		}
	}
	if u, err := url.Parse(raw); err == nil && u.User != nil {
		return wrong(vigie.Invalid, vigie.Text{
			FR: "L’adresse ne doit contenir ni nom d’utilisateur ni mot de passe. Pour reconnaître les alertes, vérifiez leur signature.",
			EN: "The address must have neither user name nor password. To recognise the messages, verify their signature.",
		})
	}
	u, err := parseURL(raw)
	if err != nil {
		return wrong(vigie.Invalid, vigie.Text{
			FR: "Indiquez une adresse web complète, par exemple https://example.org/webhooks.",
			EN: "Give a whole web address, such as https://example.org/webhooks.",
		})
	}
	plain := u.Scheme == "http"
	if plain && len(c.options.Networks) == 0 {
		return wrong(vigie.NotAllowed, vigie.Text{
			FR: "L’adresse doit commencer par https://, pour que les alertes soient chiffrées.",
			EN: "The address must begin with https://, so that messages are encrypted.",
		})
	}
	port := portOf(u)
	if !allowedPort(port) {
		return wrong(vigie.NotAllowed, vigie.Text{
			FR: "Aucune alerte n’est envoyée à ce port. Choisissez le port 443, ou un port à partir de 1024.",
			EN: "No message is sent to this port. Choose port 443, or one from 1024 on.",
		})
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if g := (guard{c.options.Networks, plain}); err == nil && !g.allows(netip.AddrPortFrom(addr, port)) {
		return wrong(vigie.NotAllowed, vigie.Text{
			FR: "Aucune alerte n’est envoyée à cette adresse, qui n’est pas publique. Indiquez l’adresse publique de votre serveur.",
			EN: "No message is sent to this address, which is not public. Give the public address of your server.",
		})
	}
	return nil
}

func wrong(code vigie.Code, text vigie.Text) error { return &vigie.Error{Code: code, Text: text} }

// parseURL reads the URL of an endpoint, and writes its host as resolvers have it. Its error does not name the URL, which
// may be a secret.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Fragment != "" || len(raw) > MaxURL {
		return nil, errURL
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		return u, nil
	}
	// Names with an underscore are no names of hosts, and there are some within networks.
	name, err := idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false)).ToASCII(host)
	if err != nil || name == "" {
		return nil, errURL
	}
	u.Host = strings.Replace(u.Host, host, name, 1)
	return u, nil
}

var errURL = errors.New("not the URL of an endpoint")

// portOf is the port that a URL leads to, 0 for one that cannot be.
func portOf(u *url.URL) uint16 {
	switch {
	case u.Port() != "":
		port, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil {
			return 0
		}
		return uint16(port)
	case u.Scheme == "http":
		return 80
	}
	return 443
}
