package setting

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"vigie"
	"vigie/alert/link"
)

// form is what the texts of a setting look like.
type form struct {
	// right says what is right, after "it must be".
	right string
	// hidden texts are never shown: they are secrets, or may hold one.
	hidden bool
	// read returns a text as it is used, or why it is not right.
	read func(text string) (string, error)
}

// forms are all forms, by the names that tags have.
func forms() map[string]form {
	return map[string]form{
		"line":         {"one line of at most 100 characters", false, line(100)},
		"text":         {"a text of at most 1000 characters", false, text(1000)},
		"name":         {"one line of at most 500 characters", false, line(500)},
		"word":         {"one word of at most 500 characters", false, word},
		"key":          {"a key as Meilisearch has it: in ASCII, without spaces before or after it", true, key},
		"secret":       {fmt.Sprintf("secrets of at least %d characters each, separated by commas, such as \"openssl rand -hex 32\" makes", link.MinSecret), true, secret},
		"listen":       {"an address of this machine and a port, such as 127.0.0.1:8080 or :8080", false, listen},
		"folder":       {"the name of a folder", false, folder},
		"existingfile": {"the name of an existing file", false, existing(false)},
		"existingdir":  {"the name of an existing folder", false, existing(true)},
		"database":     {"sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME", true, database},
		"engine":       {"bleve:PATH, or the URL of a Meilisearch such as http://127.0.0.1:7700, or several of these, separated by commas", true, engine},
		"mailer":       {"smtp://USER:PASSWORD@HOST:PORT, smtps://… or outbox:DIR", true, folderOr("outbox:", "smtp", "smtps")},
		"issuer":       {"the issuer (iss) exactly as tokens name it: a URL such as https://issuer.example", false, issuer},
		"url":          {"an http or https URL, such as https://platform.example", false, webURL()},
		"site":         {"an http or https URL without parameters, such as https://veille.example.org", false, site},
		"watchpage":    {"an http or https URL with {watchId} after its host", false, webURL("{watchId}")},
		"tenderpage":   {"an http or https URL with {sourceRef} after its host; it may also have {source}", false, webURL("{sourceRef}", "{source}")},
		"sender":       {"a mail address, or a name and a mail address: Veille <veille@example.org>", false, sender},
		"address":      {"a mail address, such as veille@example.org", false, address},
		"returnpath":   {fmt.Sprintf("a mail address with at most %d characters before the @: a plus sign and the %d of a tag must have room there", maxLocal-tag, tag-1), false, returnPath},
		"networks":     {"networks, separated by commas, such as 10.0.0.0/8", false, list(network)},
		"origins":      {"origins, separated by commas, such as https://www.example.org or https://*.example.org", false, list(origin)},
		"logformat":    {"text or json", false, oneOf("text", "json")},
		"loglevel":     {"debug, info, warn or error", false, oneOf("debug", "info", "warn", "error")},
		"scope":        {"publish, support or admin", false, oneOf("publish", "support", "admin")},
		"words":        {"words, separated by commas", false, list(word)},
		"sources":      {"names of public sources, separated by commas: boamp, ted, decp, find-a-tender", false, list(oneOf("boamp", "ted", "decp", "find-a-tender"))},
		"day":          {"a day since 2000, such as 2026-11-30", false, day},
	}
}

// Decode implements [kong.Mapper].
func (f form) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	text, err := pop(ctx)
	if err != nil {
		return err
	}
	if text == "" && !ctx.Value.Required && !ctx.Value.HasDefault {
		return nil // as if it were not set
	}
	if text, err = f.read(text); err != nil {
		return fmt.Errorf("%w; it must be %s", err, f.right)
	}
	if target.Kind() == reflect.Slice {
		for part := range strings.SplitSeq(text, ",") {
			target.Set(reflect.Append(target, reflect.ValueOf(part)))
		}
		return nil
	}
	target.SetString(text)
	return nil
}

// pop takes a flag's value from the command line, or from wherever else it is.
func pop(ctx *kong.DecodeContext) (string, error) {
	token, err := ctx.Scan.PopValue("value")
	if err != nil {
		return "", err
	}
	return fmt.Sprint(token.Value), nil
}

// oneOf reads one of some words.
func oneOf(words ...string) func(string) (string, error) {
	return func(text string) (string, error) {
		if !slices.Contains(words, text) {
			return "", errors.New("this name is unknown")
		}
		return text, nil
	}
}

// day reads a day.
func day(text string) (string, error) {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil || at.Year() < 2000 || at.Year() > 2100 {
		return "", errors.New("this is no day")
	}
	return text, nil
}

// list reads what is separated by commas.
func list(read func(string) (string, error)) func(string) (string, error) {
	return func(text string) (string, error) {
		parts := strings.Split(text, ",")
		for i, part := range parts {
			var err error
			if parts[i], err = read(strings.Trim(part, " ")); err != nil {
				return "", fmt.Errorf("%q: %w", part, err)
			}
		}
		return strings.Join(parts, ","), nil
	}
}

// text reads any text that people can read.
func text(most int) func(string) (string, error) {
	return func(text string) (string, error) {
		unprintable := func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\u00a0' && r != '\u202f' }
		switch {
		case !utf8.ValidString(text):
			return "", errors.New("it is not UTF-8")
		case strings.ContainsFunc(text, unprintable):
			return "", errors.New("it has characters that cannot be seen")
		case strings.TrimSpace(text) == "":
			return "", errors.New("it is empty")
		case utf8.RuneCountInString(text) > most:
			return "", fmt.Errorf("it has %d characters", utf8.RuneCountInString(text))
		}
		return text, nil
	}
}

// line reads a text of one line.
func line(most int) func(string) (string, error) {
	read := text(most)
	return func(text string) (string, error) {
		if strings.Contains(text, "\n") {
			return "", errors.New("it has several lines")
		}
		return read(text)
	}
}

// word reads a text without spaces, in ASCII.
func word(text string) (string, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("it has spaces, or characters that are not ASCII")
	}
	return line(500)(text)
}

// key reads what is sent in a header. There may be spaces in it.
func key(text string) (string, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) || strings.TrimSpace(text) != text {
		return "", errors.New("it cannot be sent in a header as it is")
	}
	return line(500)(text)
}

// minDistinct is how many different characters a secret has at least: 32 times
// the same one can be guessed.
const minDistinct = 6

// secret reads secrets. It says nothing of them but how long they are.
func secret(text string) (string, error) {
	for i, one := range strings.Split(text, ",") {
		which := "it"
		if i > 0 {
			which = fmt.Sprintf("secret number %d", i+1)
		}
		distinct := slices.Sorted(slices.Values([]rune(one)))
		switch {
		case len(one) < link.MinSecret:
			return "", fmt.Errorf("%s has %d characters", which, len(one))
		case strings.TrimSpace(one) != one:
			return "", fmt.Errorf("%s begins or ends with a space", which)
		case strings.ContainsFunc(one, unicode.IsControl):
			return "", fmt.Errorf("%s has characters that cannot be seen", which)
		case len(slices.Compact(distinct)) < minDistinct:
			return "", fmt.Errorf("%s has fewer than %d different characters", which, minDistinct)
		}
	}
	return text, nil
}

func listen(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", errors.New("it is not HOST:PORT")
	}
	if err := checkPort(port); err != nil {
		return "", err
	}
	if host == "" {
		return text, nil
	}
	if _, err := netip.ParseAddr(host); err != nil {
		if _, err := asciiHost(host); err != nil {
			return "", err
		}
	}
	return text, nil
}

func checkPort(port string) error {
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return fmt.Errorf("%q is not a port: a port is a number up to 65535", port)
	}
	return nil
}

// path reads the name of a file or folder.
func path(text string) (string, error) {
	if strings.TrimSpace(text) == "" || strings.Contains(text, "\x00") {
		return "", errors.New("it is empty")
	}
	return kong.ExpandPath(text), nil
}

// folder reads the name of a folder that may still have to be made.
func folder(text string) (string, error) {
	name, err := path(text)
	if err != nil {
		return "", err
	}
	if found, err := os.Stat(name); err == nil && !found.IsDir() {
		return "", errors.New("it is a file")
	}
	return name, nil
}

// existing reads the name of a file, or folder, that must be there.
func existing(dir bool) func(string) (string, error) {
	return func(text string) (string, error) {
		name, err := path(text)
		if err != nil {
			return "", err
		}
		found, err := os.Stat(name)
		switch {
		case err != nil:
			return "", errors.Unwrap(err)
		case dir && !found.IsDir():
			return "", errors.New("it is a file")
		case !dir && found.IsDir():
			return "", errors.New("it is a folder")
		}
		return name, nil
	}
}

const (
	// maxLocal is how many characters may stand before the @ of an address (RFC
	// 5321 §4.5.3.1.1), and tag how many of them a mail's own return path takes
	// for a plus sign and a token.
	maxLocal = 64
	tag      = len("+") + link.TokenLength
)

// address reads a mail address. The name of its host may have any letters.
func address(text string) (string, error) {
	local, host, ok := strings.Cut(text, "@")
	if !ok {
		return "", errors.New("it has no @")
	}
	host, err := asciiHost(host)
	if err != nil {
		return "", err
	}
	if text = local + "@" + host; !vigie.IsAddress(text) {
		return "", errors.New("it is not a valid mail address")
	}
	if len(local) > maxLocal {
		return "", fmt.Errorf("it has %d characters before the @; at most %d are allowed", len(local), maxLocal)
	}
	return text, nil
}

// returnPath reads the address that bounces come to.
func returnPath(text string) (string, error) {
	text, err := address(text)
	if err != nil {
		return "", err
	}
	local, _, _ := strings.Cut(text, "@")
	switch {
	case len(local)+tag > maxLocal:
		return "", fmt.Errorf("it has %d characters before the @", len(local))
	case len(text)+tag > vigie.MaxEmailLength:
		return "", fmt.Errorf("it has %d characters; with a tag at most %d are allowed", len(text), vigie.MaxEmailLength-tag)
	}
	return text, nil
}

// sender reads an address with or without a name.
func sender(text string) (string, error) {
	if plain, err := address(text); err == nil {
		return plain, nil
	}
	name, rest, ok := cutLast(text, "<")
	bare, closed := strings.CutSuffix(rest, ">")
	if !ok || !closed {
		_, err := address(text)
		return "", err
	}
	bare, err := address(bare)
	if err != nil {
		return "", err
	}
	parsed, err := mail.ParseAddress(name + "<" + bare + ">")
	if err != nil {
		return "", errors.New("its name cannot be read: put it in double quotes")
	}
	if _, err := line(100)(parsed.Name); parsed.Name != "" && err != nil {
		return "", fmt.Errorf("its name is not valid: %w", err)
	}
	return parsed.String(), nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// network reads a network of proxies, or the address of one.
func network(text string) (string, error) {
	prefix, err := netip.ParsePrefix(text)
	if one, single := netip.ParseAddr(text); single == nil && one.Zone() == "" {
		prefix, err = netip.PrefixFrom(one, one.BitLen()), nil
	}
	switch {
	case err != nil:
		return "", errors.New("it is not a network")
	case prefix.Bits() == 0:
		return "", errors.New("it contains every address, so anyone could fake theirs")
	case prefix.Addr().Is4In6():
		return "", errors.New("write it as IPv4")
	}
	return prefix.Masked().String(), nil
}

// issuer reads what tokens say who signed them. Whether that must be a URL
// depends on where its keys are.
func issuer(text string) (string, error) {
	if !strings.Contains(text, "://") {
		return word(text)
	}
	return text, CheckIssuerURL(text)
}

var postgresPool = regexp.MustCompile(`[?&]pool_max_conns=([^&]*)`)

func database(text string) (string, error) {
	if path, ok := strings.CutPrefix(text, "sqlite:"); ok {
		if strings.TrimSpace(path) == "" || strings.HasPrefix(path, ":memory:") || strings.Contains(path, "\x00") {
			return "", errors.New("it names no file")
		}
		return text, nil
	}
	scheme, _, _ := strings.Cut(text, ":")
	if scheme != "postgres" && scheme != "postgresql" {
		return "", errors.New("it begins with neither sqlite: nor postgres://")
	}
	u, err := parseURL(text)
	if err != nil {
		return "", err
	}
	if u.Host == "" && u.RawQuery == "" { // a socket is named by parameters
		return "", errors.New("it has no host")
	}
	if pool := postgresPool.FindStringSubmatch(text); pool != nil {
		if n, err := strconv.Atoi(pool[1]); err != nil || n < 8 || n > 1000 {
			return "", errors.New("pool_max_conns must be a number from 8 to 1000")
		}
	}
	return text, nil
}

// maxEngines is how many servers one search engine may have: each takes a connection of the database's pool.
const maxEngines = 5

// engine reads where search engines are. It shows nothing of them, for there may be a password. Servers are known by
// their hosts and paths: none may be named twice.
func engine(text string) (string, error) {
	parts := strings.Split(text, ",")
	if len(parts) == 1 || strings.HasPrefix(text, "bleve:") { // whose path may have commas
		return folderOr("bleve:", "http", "https")(text)
	}
	if len(parts) > maxEngines {
		return "", fmt.Errorf("it names %d servers; at most %d are allowed", len(parts), maxEngines)
	}
	known := make(map[string]int)
	for i, part := range parts {
		address, err := folderOr("bleve:", "http", "https")(strings.Trim(part, " "))
		_, server, _ := strings.Cut(strings.TrimRight(address, "/"), "://")
		switch {
		case err == nil && server == "":
			err = errors.New("bleve: stands alone")
		case err == nil && known[server] > 0:
			err = fmt.Errorf("it is number %d, too", known[server])
		}
		if err != nil {
			return "", fmt.Errorf("server number %d: %w", i+1, err)
		}
		parts[i], known[server] = address, i+1
	}
	return strings.Join(parts, ","), nil
}

// folderOr reads either a folder, behind its prefix, or the URL of a server of
// one of the schemes. What parameters a URL has is read where it is opened.
func folderOr(prefix string, schemes ...string) func(string) (string, error) {
	return func(text string) (string, error) {
		if path, ok := strings.CutPrefix(text, prefix); ok {
			_, err := folder(path)
			return text, err
		}
		u, err := parseServer(text)
		if err != nil {
			return "", err
		}
		if !slices.Contains(schemes, u.Scheme) {
			return "", fmt.Errorf("it must begin with %s or %s", prefix, strings.Join(schemes, ":, ")+":")
		}
		return u.String(), nil
	}
}
