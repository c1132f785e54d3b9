package setting_test

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"vigie/server/setting"
)

// all is a command line of settings of many forms.
type all struct {
	Site     string        `type:"site"`
	Page     string        `type:"watchpage"`
	From     string        `type:"sender"`
	Bounces  string        `type:"returnpath"`
	Secret   []string      `type:"secret"`
	Database string        `type:"database"`
	Mailer   string        `type:"mailer"`
	Origins  []string      `type:"origins"`
	Networks []string      `type:"networks"`
	Most     int           `type:"number" bounds:"1..100" default:"10"`
	Rate     float64       `type:"number" bounds:"0.5..100" default:"1"`
	Lease    time.Duration `type:"number" bounds:"1s..1h" default:"90s"`
	On       bool
	JWKSFile string `name:"jwks-file" type:"existingfile"`
}

// read reads a command line in an environment.
func read(t *testing.T, env map[string]string, args ...string) (all, []string) {
	t.Helper()
	var c all
	reader := &setting.Reader{
		Prefix: "VIGIE_", Others: []string{"VIGIE_TOKEN", "VIGIE_TEST_*"},
		Lookup: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Names:  func() []string { return slices.Collect(maps.Keys(env)) },
	}
	parser, err := kong.New(&c, reader.Option(), kong.Exit(func(int) {}), kong.Writers(t.Output(), t.Output()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, problem := range reader.Problems() {
		said = append(said, problem.Error())
	}
	return c, said
}

// What is right is read as it is used: hosts as DNS and mail have them.
func TestValues(t *testing.T) {
	for _, c := range []struct{ name, given, want string }{
		{"site", "https://Veille.Évry.FR:8443/", "https://veille.xn--vry-9la.fr:8443"},
		{"site", "https://straße.example", "https://xn--strae-oqa.example"},
		{"site", "https://xn--vry-9la.fr/marches/", "https://xn--vry-9la.fr/marches"},
		{"site", "https://e\u0301vry.fr", "https://xn--vry-9la.fr"},
		{"site", "http://my_server:8080", "http://my_server:8080"},
		{"site", "http://[2001:db8::1]:8080", "http://[2001:db8::1]:8080"},
		{"page", "https://évry.fr/#/{watchId}?a=%C3%A9", "https://xn--vry-9la.fr/#/{watchId}?a=%C3%A9"},
		{"from", "Évry <veille@évry.fr>", "=?utf-8?q?=C3=89vry?= <veille@xn--vry-9la.fr>"},
		{"from", "veille@EXAMPLE.org", "veille@example.org"},
		{"bounces", "retours@évry.fr", "retours@xn--vry-9la.fr"},
		{"mailer", "smtp://u:p%40ss@mail.évry.fr:587?connections=8", "smtp://u:p%40ss@mail.xn--vry-9la.fr:587?connections=8"},
		{"origins", "HTTPS://A.example:443,http://*.évry.fr:3000,https://*", "[https://a.example http://*.xn--vry-9la.fr:3000 https://*]"},
		{"networks", "10.1.2.3/8, 192.0.2.1,::1", "[10.0.0.0/8 192.0.2.1/32 ::1/128]"},
		{"most", "100", "100"}, {"most", "010", "10"}, {"rate", "0.5", "0.5"}, {"lease", "1h", "1h0m0s"}, {"on", "yes", "true"},
	} {
		for way, of := range map[string]func() (all, []string){
			"flag":     func() (all, []string) { return read(t, nil, "--"+c.name+"="+c.given) },
			"variable": func() (all, []string) { return read(t, map[string]string{"VIGIE_" + strings.ToUpper(c.name): c.given}) },
		} {
			values, problems := of()
			got := fmt.Sprint(reflect.ValueOf(values).FieldByNameFunc(func(field string) bool { return strings.EqualFold(field, c.name) }))
			if len(problems) > 0 || got != c.want {
				t.Errorf("%s by a %s: %q is %q, %v; want %q", c.name, way, c.given, got, problems, c.want)
			}
		}
	}
}

// A message names the setting, what was given and what is right; of what may
// hold a secret it shows nothing.
func TestMessages(t *testing.T) {
	const word = "hunter2-hunter2"
	for _, c := range []struct{ name, given, want string }{
		{"SITE", "veille.example.fr", `VIGIE_SITE (--site) is "veille.example.fr": it has no scheme, such as https://; it must be an http or https URL without parameters, such as https://veille.example.org.`},
		{"SITE", "https://ｖeille.example", `"ｖeille.example" is "veille.example" in DNS: if you mean it, write it so`},
		{"SITE", "https://u:" + word + "@a.example", "its value is not shown"},
		{"PAGE", "javascript:alert(1)//{watchId}", "it has no host"},
		{"PAGE", "https://a.example/{watchid}", "{watchId} is missing"},
		{"PAGE", "https://a.example/{watchId}/{id}", "{id} is not a placeholder here"},
		{"BOUNCES", strings.Repeat("a", 24) + "@b.example", "it has 24 characters before the @; it must be a mail address with at most 23 characters before the @"},
		{"SECRET", word, "VIGIE_SECRET (--secret) is not right (its value is not shown): it has 15 characters; it must be secrets of at least 32 characters each"},
		{"SECRET", strings.Repeat(" ", 36), "begins or ends with a space"},
		{"DATABASE", "mysql://u:" + word + "@x", "it begins with neither sqlite: nor postgres://"},
		{"MAILER", "smtp://u:" + word + "%@x", "it is not a URL"},
		{"ORIGINS", "https://a.example,*", `"*": to allow all sites, write https://*`},
		{"NETWORKS", "0.0.0.0/0", "anyone could fake theirs"},
		{"MOST", "0", `VIGIE_MOST (--most) is "0": it must be a whole number from 1 to 100.`},
		{"RATE", "NaN", `VIGIE_RATE (--rate) is "NaN": it must be a number from 0.5 to 100.`},
		{"LEASE", "0s", `VIGIE_LEASE (--lease) is "0s": it must be a time with its unit from 1s to 1h.`},
		{"ON", "perhaps", `VIGIE_ON (--on) is "perhaps"`},
	} {
		_, problems := read(t, map[string]string{"VIGIE_" + c.name: c.given})
		if len(problems) != 1 || !strings.Contains(problems[0], c.want) || strings.Contains(problems[0], word) {
			t.Errorf("of %s=%s it says %q, not %q", c.name, c.given, problems, c.want)
		}
	}
}

// All problems are reported together.
func TestAllProblems(t *testing.T) {
	values, problems := read(t, map[string]string{"VIGIE_MOST": "-1", "VIGIE_SITE": "x", "VIGIE_ORIGIN": "https://a.example"}, "--lease=0s")
	if len(problems) != 4 {
		t.Errorf("it says %q", problems)
	}
	if values.Site != "" || values.Lease != 0 {
		t.Errorf("what is wrong is taken: %+v", values)
	}
}

// A value can be in a file; not in two places.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	site, empty := file("site", "https://a.example\r\n"), file("empty", "\n")
	for _, c := range []struct {
		env  map[string]string
		args []string
		site string
		says string
	}{
		{map[string]string{"VIGIE_SITE_FILE": site}, nil, "https://a.example", ""},
		{map[string]string{"VIGIE_SITE_FILE": site, "VIGIE_SITE": ""}, nil, "https://a.example", ""},
		{map[string]string{"VIGIE_SITE_FILE": site}, []string{"--site", "https://b.example"}, "https://b.example", ""},
		{map[string]string{"VIGIE_SITE_FILE": site, "VIGIE_SITE": "https://a.example"}, nil, "", "VIGIE_SITE and VIGIE_SITE_FILE are both set"},
		{map[string]string{"VIGIE_SITE_FILE": empty}, nil, "", "is empty"},
		{map[string]string{"VIGIE_SITE_FILE": filepath.Join(dir, "none")}, nil, "", "VIGIE_SITE_FILE cannot be read"},
		{map[string]string{"VIGIE_JWKS_FILE": site}, nil, "", ""}, // a setting of its own
	} {
		values, problems := read(t, c.env, c.args...)
		if said := strings.Join(problems, " "); values.Site != c.site || (said == "") != (c.says == "") || !strings.Contains(said, c.says) {
			t.Errorf("%v: %q, %q", c.env, values.Site, said)
		}
	}
}

// A variable that is nearly a setting is misspelt; others are not ours.
func TestStrangers(t *testing.T) {
	for name, want := range map[string]string{
		"VIGIE_SITES": "did you mean VIGIE_SITE?", "VIGIE_ORIGINS_FLIE": "VIGIE_ORIGINS_FLIE is no setting", "VIGIE_ORIGIN_FILE": "did you mean VIGIE_ORIGINS_FILE?",
		"VIGIE_site": "VIGIE_site is no setting", "VIGIE_": "VIGIE_ is no setting.", "VIGIE_NOTHING_LIKE_IT": "VIGIE_NOTHING_LIKE_IT is no setting.", "VIGIE_PORT": "VIGIE_PORT is no setting",
	} {
		if _, problems := read(t, map[string]string{name: "x"}); len(problems) != 1 || !strings.Contains(problems[0], want) {
			t.Errorf("of %s it says %q, not %q", name, problems, want)
		}
	}
	// What Kubernetes and Docker make where a service is called vigie, or vigie-db.
	_, problems := read(t, map[string]string{
		"VIGIE_PORT": "tcp://10.0.0.1:8080", "VIGIE_SERVICE_HOST": "10.0.0.1", "VIGIE_SERVICE_PORT": "8080", "VIGIE_SERVICE_PORT_HTTP": "8080",
		"VIGIE_PORT_8080_TCP": "tcp://10.0.0.1:8080", "VIGIE_PORT_8080_TCP_ADDR": "10.0.0.1", "VIGIE_PORT_8080_TCP_PORT": "8080", "VIGIE_PORT_8080_TCP_PROTO": "tcp",
		"VIGIE_DB_SERVICE_HOST": "10.0.0.2", "VIGIE_DB_PORT": "tcp://10.0.0.2:5432", "VIGIE_TOKEN": "x", "VIGIE_TEST_DATA": "x", "OTHER": "x", "VIGIE": "x",
	})
	if len(problems) > 0 {
		t.Errorf("it says %q", problems)
	}
}

// A flag without a form, or a number without bounds, cannot be declared.
func TestUndeclared(t *testing.T) {
	for name, c := range map[string]any{
		"no form": &struct{ Name string }{},
		"another form": &struct {
			Name string `type:"nothing"`
		}{},
		"no bounds": &struct {
			N int `type:"number"`
		}{},
		"half a bound": &struct {
			N int `type:"number" bounds:"1"`
		}{},
		"no numbers": &struct {
			N int `type:"number" bounds:"a..b"`
		}{},
		"no times": &struct {
			N time.Duration `type:"number" bounds:"1..2"`
		}{},
		"turned round": &struct {
			N float64 `type:"number" bounds:"2..1"`
		}{},
		"a plain number": &struct{ N int }{},
	} {
		if _, err := kong.New(c, (&setting.Reader{}).Option()); err == nil {
			t.Errorf("%s: it can be declared", name)
		}
	}
}

// A default is within its bounds, too.
func TestDefaults(t *testing.T) {
	values, problems := read(t, nil)
	if len(problems) > 0 || values.Most != 10 || values.Rate != 1 || values.Lease != 90*time.Second || math.IsNaN(values.Rate) {
		t.Errorf("%+v, %q", values, problems)
	}
}

// FuzzText holds that whatever is given is either refused or safe: no form lets
// through what breaks a header of a mail or a URL.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"https://veille.évry.fr", "https://a.example/{watchId}", "Évry <a@évry.fr>", "a@b.example", "https://*.évry.fr", "10.0.0.0/8", "smtp://u:p@h:25"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "\x00") || text == "" {
			return // no variable holds it
		}
		for _, name := range []string{"SITE", "PAGE", "FROM", "BOUNCES", "MAILER", "ORIGINS"} {
			values, _ := read(t, map[string]string{"VIGIE_" + name: text})
			for _, value := range []string{values.Site, values.Page, values.From, values.Bounces, strings.Join(values.Origins, "")} {
				if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
					t.Errorf("%s takes %q as %q", name, text, value)
				}
			}
			if len(values.Bounces) > 254-41 {
				t.Errorf("no room for a tag: %q", values.Bounces)
			}
		}
	})
}
