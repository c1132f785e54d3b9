package setting

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// label is a part of a host's name as machines have it. Underscores are not
// for hosts, but there are such, in networks of containers.
var label = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)

// asciiHost returns the name of a host as DNS and mail have it. Names in other
// letters are converted (IDNA) where their readers get back what was written;
// others look like one name and lead to another.
func asciiHost(host string) (string, error) {
	name := strings.ToLower(host)
	if strings.ContainsFunc(name, func(r rune) bool { return r > '~' }) || strings.Contains(name, "xn--") {
		ascii, err := idna.Lookup.ToASCII(name)
		if err != nil {
			return "", fmt.Errorf("%q is not the name of a host", host)
		}
		if back, err := idna.ToUnicode(ascii); err != nil || back != norm.NFC.String(name) && ascii != name {
			return "", fmt.Errorf("%q is %q in DNS: if you mean it, write it so", host, ascii)
		}
		name = ascii
	}
	if len(name) > 253 {
		return "", fmt.Errorf("%q is too long for a name of a host", host)
	}
	for part := range strings.SplitSeq(name, ".") {
		if !label.MatchString(part) {
			return "", fmt.Errorf("%q is not the name of a host", host)
		}
	}
	return name, nil
}

// parseURL reads a URL. Its errors show nothing of it, for there may be a
// password.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return nil, errors.New("it has spaces, or characters that cannot be seen")
	case err != nil:
		return nil, errors.New("it is not a URL")
	case u.Scheme == "":
		return nil, errors.New("it has no scheme, such as https://")
	case u.Opaque != "":
		return nil, errors.New("it has no host")
	}
	return u, nil
}

// parseServer reads the URL of a server, and writes its host as machines do.
func parseServer(text string) (*url.URL, error) {
	u, err := parseURL(text)
	if err == nil && u.Port() != "" {
		err = checkPort(u.Port())
	}
	if err == nil {
		u.Host, err = asciiHostPort(u)
	}
	return u, err
}

// asciiHostPort is the host of a URL, and its port, as machines have them.
func asciiHostPort(u *url.URL) (string, error) {
	host := u.Hostname()
	if host == "" {
		return "", errors.New("it has no host")
	}
	at, err := netip.ParseAddr(host)
	switch {
	case err == nil && at.Zone() != "":
		return "", errors.New("an address with a zone works on this machine only")
	case err == nil:
		return u.Host, nil
	}
	if host, err = asciiHost(host); err != nil {
		return "", err
	}
	if u.Port() != "" {
		host += ":" + u.Port()
	}
	return host, nil
}

// maxURL is how many characters a URL may have: what follows it, in the headers
// of mails, must have room too.
const maxURL = 300

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// webURL reads the URL of a page that browsers open. It must have the first
// placeholder, if there is any, and may have the others.
func webURL(placeholders ...string) func(string) (string, error) {
	return func(text string) (string, error) {
		if len(placeholders) > 0 && !strings.Contains(text, placeholders[0]) {
			return "", fmt.Errorf("%s is missing", placeholders[0])
		}
		plain := text
		for _, known := range placeholders {
			plain = strings.ReplaceAll(plain, known, "x")
		}
		if unknown := placeholder.FindString(plain); unknown != "" {
			return "", fmt.Errorf("%s is not a placeholder here", unknown)
		}
		if strings.ContainsAny(plain, "{}") {
			return "", errors.New("a brace is not closed")
		}
		u, err := parseServer(plain)
		switch {
		case err != nil:
			return "", err
		case u.Scheme != "http" && u.Scheme != "https":
			return "", fmt.Errorf("the scheme %s: is not allowed", u.Scheme)
		case u.User != nil:
			return "", errors.New("it holds a user name, which everyone could read")
		case len(text) > maxURL:
			return "", fmt.Errorf("it has %d characters; at most %d are allowed", len(text), maxURL)
		}
		// What is behind the host stays as it is written.
		scheme, rest, _ := strings.Cut(text, "://")
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		if strings.Contains(rest[:end], "{") {
			return "", errors.New("a placeholder may not be in the host name")
		}
		if strings.ContainsFunc(rest[end:], func(r rune) bool { return r > '~' }) {
			return "", errors.New("after the host it has characters that are not ASCII: percent-encode them")
		}
		return strings.ToLower(scheme) + "://" + u.Host + rest[end:], nil
	}
}

// site reads the URL that the paths of this server are put behind.
func site(text string) (string, error) {
	text, err := webURL()(text)
	if err == nil && strings.ContainsAny(text, "?#") {
		err = errors.New("it has parameters (?…), but paths are appended to it")
	}
	return strings.TrimRight(text, "/"), err
}

// CheckIssuerURL reports why a text is not the URL of an issuer whose keys are
// found by it (OpenID Connect Discovery 1.0, §3).
func CheckIssuerURL(text string) error {
	read, err := site(text)
	if err == nil && read != strings.TrimRight(text, "/") {
		err = errors.New("it is compared with tokens character by character: write the host in lower case and ASCII")
	}
	return err
}

// origin reads what browsers say whose page asks. One * may stand for a part of
// its host.
func origin(text string) (string, error) {
	const any = "any-host"
	u, err := parseServer(strings.Replace(text, "*", any, 1))
	switch {
	case text == "*":
		return "", errors.New("to allow all sites, write https://*")
	case err != nil:
		return "", err
	case u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("it begins with neither http:// nor https://")
	case u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil:
		return "", errors.New("it ends with its host and port, without a slash")
	case strings.Contains(u.Host, "["):
		return "", errors.New("name its host")
	}
	host := u.Host
	if strings.Contains(text, "*") {
		if host = strings.Replace(host, any, "*", 1); !strings.Contains(host, "*") {
			return "", errors.New("* may not stand beside letters that are not ASCII")
		}
	}
	// Browsers leave out the port that the scheme stands for.
	return u.Scheme + "://" + strings.TrimSuffix(host, map[string]string{"http": ":80", "https": ":443"}[u.Scheme]), nil
}
