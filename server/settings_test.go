package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// sample is what a setting may be, and what it must not be.
type sample struct{ good, bad []string }

// number is the sample of a number between two bounds; each has a value just
// beyond it.
func number(low, high, below, above string) sample {
	return sample{[]string{low, high}, []string{below, above, "0x10", "many", "1,5", "NaN", "Inf", "-Inf", "1e999", " 1", "-1"}}
}

// choice is the sample of a switch.
func choice() sample {
	return sample{[]string{"true", "false", "1", "0", "yes", "no"}, []string{"perhaps", "2", " "}}
}

// httpURL is the sample of the URL of a web server.
func httpURL() sample {
	return sample{
		[]string{"http://127.0.0.1:4318", "https://a.example", "https://a.example:8443/path/"},
		[]string{"x", "a.example", "javascript:alert(1)", "ftp://a.example", "//a.example", "https://", "https://:8080", "https://a.example:99999", "https://a b.example", "https://-a.example", "https://a..example", "https://user:word@a.example", "https://a.example/\n", " https://a.example"},
	}
}

// pageSample is the sample of a page of the platform's, with the placeholders that it
// must have.
func pageSample(placeholders string) sample {
	s := httpURL()
	for i := range s.good {
		s.good[i] = strings.TrimRight(s.good[i], "/") + "/veille?a=1#" + placeholders
	}
	for i := range s.bad {
		s.bad[i] += "/" + placeholders
	}
	s.good = append(s.good, "https://évry.example/"+placeholders)
	s.bad = append(s.bad, "https://a.example/{nothing}"+placeholders, "https://a.example/{"+placeholders, "https://a.example/été/"+placeholders,
		"https://"+strings.Repeat("a", 63)+"."+strings.Repeat("b", 64)+".example/"+placeholders)
	if placeholders != "" {
		s.bad = append(s.bad, "https://a.example/", "https://"+placeholders+".example/"+placeholders)
	}
	return s
}

// mailAddress is the sample of a mail address.
func mailAddress() sample {
	return sample{
		[]string{"a@b.example", "a.b+c@xn--vry-9la.example", "veille@évry.example"},
		[]string{"a", "a b", "@b.example", "a@", "a@b@c.example", `"x"@b.example`, "a@b.example\nBcc: c@b.example", "é@b.example", "a@-b.example", "a@b..example",
			"a@[127.0.0.1]", strings.Repeat("a", 65) + "@b.example", "a@" + strings.Repeat("b", 64) + ".example"},
	}
}

// existing is the sample of a file or folder that must be there.
func existing(there, other string) sample {
	return sample{[]string{there}, []string{filepath.Join(filepath.Dir(there), "none"), other, "\x00"}}
}

// settingSamples are those of all settings, by name.
func settingSamples(t *testing.T) map[string]sample {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "file.json")
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	listen := sample{[]string{"127.0.0.1:0", ":8080", "[::1]:65535", "localhost:8080"}, []string{"x", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http", "a b:80", "::1:80"}}
	folder := sample{[]string{dir, "relative", "~"}, []string{"\x00", " ", file}}
	line := sample{[]string{"Marchés d'Exemple"}, []string{" ", "two\nlines", "a\x00", "a\u202eb", "\xff", strings.Repeat("é", 101)}}
	footer := sample{[]string{"Plate-forme d'exemple, 1 rue d'Exemple", "two\nlines"}, []string{" ", "a\x00", "\xff", strings.Repeat("é", 1001)}}
	ratio := number("0", "1", "-0.1", "7")
	ratio.good = append(ratio.good, "0.25")
	ratio.bad = slices.DeleteFunc(ratio.bad, func(s string) bool { return s == "0x10" })
	sourceRate := number("0", "100000", "-0.1", "100001")
	sourceRate.bad = slices.DeleteFunc(sourceRate.bad, func(s string) bool { return s == "0x10" })
	rate := func() sample { return number("1", "1000000000", "0", "1000000001") }
	span := func(low, high, below, above string) sample {
		return sample{[]string{low, high}, []string{below, above, "90", "-1m", "a minute", "NaN", "1e9s", " 1m"}}
	}
	spacing := span("0s", "24h", "-1s", "25h")
	sender := mailAddress()
	sender.good = append(sender.good, "Veille <a@b.example>", "Marchés d'Évry <veille@évry.example>", `"A, B" <a@b.example>`)
	sender.bad = append(sender.bad, "Veille a@b.example", "a@b.example, c@b.example", "Marchés d'Évry \\ <a@b.example>", "Veille <>", strings.Repeat("V", 500)+" <a@b.example>")
	bounces := mailAddress()
	bounces.good = append(bounces.good, strings.Repeat("a", 23)+"@b.example")
	bounces.good = append(bounces.good, "a@"+strings.Repeat(strings.Repeat("b", 50)+".", 4)+"example")
	bounces.bad = append(bounces.bad, strings.Repeat("a", 24)+"@b.example", "aa@"+strings.Repeat(strings.Repeat("b", 50)+".", 4)+"example")
	site := httpURL()
	site.good = append(site.good, "https://veille.évry.fr", "https://VEILLE.example", "http://localhost:8080", "http://[::1]:8080")
	site.bad = append(site.bad, "veille.example.fr", "https://veille.example?a=1", "https://veille.example/#a", "https://ｖeille.example", "https://xn--a.example", "https://a\u200db.example", "https://a.example/{x}", "https://a.example/"+strings.Repeat("a", 300))
	origins := sample{
		[]string{"https://a.example", "http://localhost:3000", "https://*.a.example,https://b.example:8443", "https://*", "https://évry.example"},
		[]string{"a.example", "*", "null", "https://", "https://a.example/", "https://a.example/x", "javascript://a.example", "https://*.*.example", "https://a.example https://b.example", "https://a.example,b.example", "https://a b.example", "https://[::1]:3000", "https://u@a.example", "https://a.example?"},
	}
	networks := sample{[]string{"10.0.0.0/8", "192.0.2.1/32,2001:db8::/32", "10.1.2.3/8", "192.0.2.1"}, []string{"x", "10.0.0.0/33", "0.0.0.0/0", "::/0", "::ffff:10.0.0.0/104", "fe80::1%eth0", "10.0.0.0/8;192.0.2.1/32", "10.0.0.0/8,"}}
	secret := sample{[]string{testSecret, testSecret + "," + strings.Repeat("fedcba98", 4)}, []string{"short", strings.Repeat(" ", 36), strings.Repeat("x", 36), testSecret + ",short", testSecret + ", " + testSecret, testSecret + "\n", testSecret + "\x00", testSecret + ",", strings.Repeat("ab", 18)}}
	mailer := sample{
		[]string{"smtp://mail.example", "smtps://user:word@mail.example:465?connections=8", "outbox:" + filepath.Join(dir, "outbox")},
		[]string{"x", "ftp://x", "outbox:", "smtp://", "smtp://mail.example?connections=0", "smtp://mail.example?connections=1000", "smtp://mail.example?nothing=1", "smtp://mail.example:99999", "smtp:mail.example", "smtp://mail.example?timeout=-1s", "outbox:" + file},
	}
	issuer := sample{[]string{"https://issuer.example", "http://127.0.0.1:8080/realms/a"}, []string{"x", "issuer.example", "https://", "https://issuer.example?a=1", "https://issuer.example/#a", "ftp://issuer.example", "https://u:w@issuer.example", " https://issuer.example", "https://issuer.example/a b"}}
	return map[string]sample{
		"LISTEN": listen, "PRIVATE_LISTEN": listen, "DATA": folder,
		"DATABASE_URL": {[]string{"sqlite:" + filepath.Join(dir, "x.db"), "postgres://vigie:word@db.example/vigie", "postgresql://db.example/vigie?pool_max_conns=8"}, []string{"x", "mysql://x", "sqlite:", "sqlite: ", "sqlite::memory:", "postgres://", "postgres://a b/c", "postgres://db.example:port/vigie", "postgres://db.example/vigie?pool_max_conns=0", "postgres://db.example/vigie?pool_max_conns=-1", "postgres://db.example/vigie?pool_max_conns=100000"}},
		"SEARCH_URL":   {[]string{"bleve:" + filepath.Join(dir, "index"), "http://127.0.0.1:7700", "https://search.example", "http://a.example:7700,http://b.example:7700", "https://a.example/one, https://a.example/two", "bleve:" + filepath.Join(dir, "a,b")}, []string{"x", "http://a.example,", ",http://a.example", "http://a.example,http://a.example/", "http://a.example,https://A.example", "http://a.example,bleve:index", "http://a.example,b.example", strings.Repeat("http://a.example,", 5) + "http://b.example", "bleve:", "bleve: ", "127.0.0.1:7700", "ftp://a", "http://", "http://:7700", "http://a.example:99999"}},
		"SEARCH_KEY":   {[]string{"masterKey", testSecret, "a key for tests", "key one,key two"}, []string{" ", "a ", "a\nb", "é"}},
		"OIDC_ISSUER":  issuer, "OIDC_AUDIENCE": {[]string{"vigie", "https://vigie.example"}, []string{" ", "a\nb", "\xff", strings.Repeat("a", 501)}},
		"JWKS_FILE": existing(file, dir), "TRUST_EMAILS": choice(), "SECRET": secret,
		"PUBLIC_URL": site, "MAIL_URL": mailer, "MAIL_FROM": sender, "MAIL_REPLY_TO": mailAddress(), "MAIL_BOUNCES": bounces, "MAIL_TEMPLATES": existing(dir, file),
		"MAIL_LEASE": span("1s", "1h", "0s", "2h"), "MAIL_SPACING": spacing, "WEBHOOK_TIMEOUT": span("1s", "60s", "0s", "61s"), "WEBHOOK_NETWORKS": networks, "ALERT_MAX_AGE": span("1h", "8760h", "0s", "9000h"), "KEEP_MAILS": number("1", "120", "0", "121"),
		"MIGRATE": choice(), "OLD_IDS": choice(), "PAGE": choice(), "PAGE_HOME": pageSample(""), "PAGE_WATCHES": pageSample(""), "PAGE_WATCH": pageSample("{watchId}"), "PAGE_TENDER": pageSample("{source}/{sourceRef}"),
		"BRAND_NAME": line, "BRAND_FOOTER": footer, "BRAND_FOOTER_EN": footer,
		"MAX_BODY": number("1000", "67108864", "0", "67108865"), "MAX_TOKENS": number("100", "1000000", "0", "1000001"), "MAX_DEPTH": number("3", "1000", "0", "1001"),
		"MAX_FIELDS": number("10", "1000000", "0", "1000001"), "MAX_ALIASES": number("1", "1000000", "0", "1000001"), "MAX_DIRECTIVES": number("1", "1000000", "0", "1000001"),
		"MAX_COST": number("100", "100000000", "0", "100000001"), "MAX_TIME": span("100ms", "50s", "0s", "51s"), "MAX_ON_SOCKET": number("1", "10000", "0", "10001"),
		"MAX_SUBSCRIPTIONS": number("1", "100000", "0", "100001"), "MAX_STREAMS": number("1", "1000000", "0", "1000001"), "MAX_CONNECTIONS": number("1", "1000000", "0", "1000001"), "MAX_IN_FLIGHT": number("1", "100000", "0", "100001"),
		"MAX_EXPORTS":  number("1", "1000", "0", "1001"),
		"RATE_ACCOUNT": rate(), "RATE_ADDRESS": rate(), "RATE_BAD_TOKENS": rate(),
		"TRUSTED_PROXIES": networks, "ALLOWED_ORIGINS": origins, "INTROSPECTION": choice(), "TRUSTED_DOCUMENTS": existing(file, dir),
		"OTLP_URL": httpURL(), "TRACE_RATIO": ratio,
		"STOP_DELAY": span("0s", "10m", "-1s", "11m"),
		"LOG_FORMAT": {[]string{"text", "json"}, []string{"JSON", "xml", "text,json"}}, "LOG_LEVEL": {[]string{"debug", "info", "warn", "error"}, []string{"INFO", "trace", "0"}},
		"SOURCES":   {[]string{"boamp", "boamp,ted", "decp, find-a-tender"}, []string{"boamps", "boamp ted", "boamp,", "BOAMP"}},
		"SINCE":     {[]string{"2026-01-31", "2000-01-01"}, []string{"2026-02-30", "31/01/2026", "1999-12-31", "2026", "2026-01-31T00:00:00Z", "2101-01-01"}},
		"BOAMP_URL": httpURL(), "DECP_URL": httpURL(), "FIND_A_TENDER_URL": httpURL(), "TED_URL": httpURL(), "TED_SEARCH_URL": httpURL(), "SOURCE_PROXY": httpURL(),
		"SOURCE_AGENT": {[]string{"Mozilla/5.0 (compatible; Vigie; +https://veille.example.org)"}, []string{" ", "a\nb", strings.Repeat("a", 501)}},
		"SOURCE_RATE":  sourceRate,
	}
}

// whole is an environment in which a server starts.
func whole(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir(), "VIGIE_MAIL_URL": "outbox:" + t.TempDir(),
		"VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_PUBLIC_URL": "https://vigie.example",
	}
}

// refused runs a server that must not start, and returns what it says.
func refused(t *testing.T, env map[string]string) string {
	t.Helper()
	c := start(t, env, nil, "serve")
	deadline := time.After(time.Minute)
	for {
		select {
		case <-c.ended:
			if c.status == 0 {
				t.Errorf("it ended well: %s", c.err.String())
			}
			return c.err.String()
		case <-deadline:
			t.Fatal("it neither starts nor stops")
		case <-time.After(5 * time.Millisecond):
			if strings.Contains(c.err.String(), "listening") {
				t.Error("it started")
				return c.err.String()
			}
		}
	}
}

// No setting has a value that would start a server and do harm: it is stopped,
// and says which setting it is, what was given and what is right.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	all := settingSamples(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, bad := range all[name].bad {
			t.Run(name+"="+bad, func(t *testing.T) {
				t.Parallel()
				env := whole(t)
				env["VIGIE_"+name] = bad
				if name == "OIDC_ISSUER" || name == "JWKS_FILE" {
					env["VIGIE_OIDC_AUDIENCE"] = "vigie"
				}
				said := refused(t, env)
				if !strings.Contains(said, "VIGIE_"+name) || strings.Contains(said, "panic") {
					t.Errorf("it says %q", said)
				}
				for _, other := range regexp.MustCompile(`VIGIE_\w+`).FindAllString(said, -1) {
					if other != "VIGIE_"+name && other != "VIGIE_MAIL_FROM" {
						t.Errorf("it says something of %s: %q", other, said)
					}
				}
			})
		}
	}
}

// settled are the settings of a server with variables, and what is wrong with
// them.
func settled(t *testing.T, env map[string]string) (serverSettings, []error) {
	t.Helper()
	p := &process{
		out: t.Output(), err: t.Output(), names: func() []string { return slices.Collect(maps.Keys(env)) },
		env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	}
	var c commands
	settings := p.reader()
	if _, err := p.parser(&c, settings).Parse([]string{"serve"}); err != nil {
		return c.Serve.serverSettings, []error{err}
	}
	return c.Serve.serverSettings, settings.Problems()
}

// What is right is taken, to the last value within its bounds.
func TestGoodSettings(t *testing.T) {
	t.Parallel()
	for name, sample := range settingSamples(t) {
		for _, good := range sample.good {
			env := whole(t)
			env["VIGIE_"+name] = good
			if _, problems := settled(t, env); len(problems) > 0 {
				t.Errorf("VIGIE_%s=%s: %v", name, good, problems)
			}
		}
	}
}

// Every setting of a server is tried with good and bad values. That none lacks a
// form or bounds is seen where the command line is built: it cannot be.
func TestEverySettingIsTried(t *testing.T) {
	all := settingSamples(t)
	for name := range flagsOf(t, "serve") {
		name = strings.TrimPrefix(name, "VIGIE_")
		if s := all[name]; len(s.good) == 0 || len(s.bad) == 0 {
			t.Errorf("%s has no sample", name)
		}
		delete(all, name)
	}
	for name := range all {
		t.Errorf("%s is no setting of a server", name)
	}
}

// flagsOf are the flags of a command, by the names of their variables.
func flagsOf(t *testing.T, command string) map[string]*kong.Flag {
	t.Helper()
	p := &process{out: t.Output(), err: t.Output()}
	flags := make(map[string]*kong.Flag)
	err := kong.Visit(p.parser(&commands{}, p.reader()).Model, func(node kong.Visitable, next kong.Next) error {
		if n, ok := node.(*kong.Node); ok && (command == "" || n.Name == command) {
			for _, flag := range n.Flags {
				flags["VIGIE_"+strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))] = flag
			}
		}
		return next(nil)
	})
	if err != nil || len(flags) == 0 {
		t.Fatalf("the flags of %q: %d, %v", command, len(flags), err)
	}
	return flags
}

// The reference lists every setting of a server, with its default, and no other.
func TestReferenceListsSettings(t *testing.T) {
	text, err := os.ReadFile("../docs/reference.md")
	if err != nil {
		t.Fatal(err)
	}
	flags := flagsOf(t, "serve")
	code := regexp.MustCompile("`([^`]*)`|none")
	for _, row := range regexp.MustCompile("(?m)^\\| (`VIGIE_[^|]*?) *\\| *([^|]*?) *\\|").FindAllStringSubmatch(string(text), -1) {
		names, defaults := code.FindAllStringSubmatch(row[1], -1), code.FindAllStringSubmatch(row[2], -1)
		for i, match := range names {
			name := match[1]
			if strings.HasPrefix(name, "_") { // after `VIGIE_MAX_BODY`, `_TOKENS` is VIGIE_MAX_TOKENS
				name = strings.Join(strings.SplitN(names[0][1], "_", 3)[:2], "_") + name
			}
			flag := flags[name]
			if flag == nil {
				t.Errorf("there is no setting %s, or it stands there twice", name)
				continue
			}
			delete(flags, name)
			if want := flag.Default; len(defaults) == len(names) && defaults[i][1] != want && !(want == "" && flag.IsBool() && defaults[i][1] == "false") {
				t.Errorf("the default of %s is %q, not %q", name, want, defaults[i][1])
			} else if len(defaults) != len(names) && want != "" && !strings.Contains(row[2], "--help") {
				t.Errorf("the default of %s is %q, which does not stand there", name, want)
			}
		}
	}
	for name := range flags {
		t.Errorf("%s is not listed", name)
	}
}

// Every VIGIE_ name in the documents and in the files for operators is a setting.
func TestNamedSettings(t *testing.T) {
	paths, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	deployed, err := filepath.Glob("../deploy/*/*")
	if err != nil || len(deployed) < 10 {
		t.Fatalf("%d files of deploy, %v", len(deployed), err)
	}
	paths = append(paths, deployed...)
	p := &process{out: t.Output(), err: t.Output()}
	for _, path := range append(paths, "../README.md", "../compose.yaml", "../Dockerfile") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		named := make(map[string]string)
		for _, name := range regexp.MustCompile(`VIGIE_[A-Z_]*[A-Z]\b`).FindAllString(string(text), -1) {
			named[name] = "x"
		}
		p.env = func(name string) (string, bool) { value, ok := named[name]; return value, ok }
		p.names = func() []string { return slices.Collect(maps.Keys(named)) }
		settings := p.reader()
		p.parser(&commands{}, settings)
		for _, problem := range settings.Problems() {
			t.Errorf("%s: %v", path, problem)
		}
	}
}
