package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"

	"vigie/alert/post/posttest"
	"vigie/search/meili/meilitest"
	"vigie/store/storetest"
)

// speedup is by how much a drill shortens all times of the alert rules: a minute stands for half an hour. What they say of
// the load (shares, latencies) stays as it is.
const speedup = 30

// faultTime is how long a fault lasts.
const faultTime = time.Minute

// A fault drill: under a light load each dependency of a server is cut, brought back, slowed and brought back. The log has
// one line when it goes and one when it comes back; its alert fires and is resolved; requests that need the dependency get
// an error of the API, all others succeed; what was published is found and mailed.
//
// By default that is the search engine alone, cut. VIGIE_TEST_DRILL names others, or « all » (`make drill`), which prints
// the table of docs/runbook.md.
func TestDrill(t *testing.T) {
	beServed()
	t.Parallel()
	d := newDrill(t)
	d.rows = append(d.rows, d.phase("–", "all well", func() { d.lasts(5 * time.Second) }))
	d.expectAllWell(d.rows[0])
	named := os.Getenv("VIGIE_TEST_DRILL")
	for _, dependency := range drilled() {
		if named == "all" || strings.Contains(named, dependency) || named == "" && dependency == "search" {
			d.cut(dependency)
		}
		if named == "all" || strings.Contains(named, dependency) {
			d.slow(dependency)
		}
	}
	d.nothingLost()
	t.Logf("\n%s", d.table())
}

// drilled are the dependencies, in the order of the table.
func drilled() []string { return []string{"database", "search", "mail", "issuer", "collector"} }

// The runbook has the table of a drill of this version: a row for each dependency and state.
func TestDrillIsInRunbook(t *testing.T) {
	text, err := os.ReadFile("../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\n"+drillHead) {
		t.Errorf("the runbook has no table that begins with\n%s", drillHead)
	}
	for _, dependency := range drilled() {
		for _, state := range []string{"cut", "back", "slow"} {
			if !strings.Contains(string(text), "\n| "+dependency+" | "+state+" |") {
				t.Errorf("the runbook's table has no row of %s, %s", dependency, state)
			}
		}
	}
}

// drill is a server whose dependencies can be cut and slowed, with those who use it and a Prometheus that watches it.
type drill struct {
	t          *testing.T
	server     *serving
	lines      map[string]*line
	issuer     *rotatingIssuer
	mail       *posttest.Server
	prometheus string
	// people have tokens of a known key, publisher one that may publish.
	people    []string
	publisher string
	rows      []drillRow

	mutex     sync.Mutex
	published map[string]bool // the numbers whose publication was answered without an error
	next      atomic.Int64
}

// drillRow is what happened in one phase.
type drillRow struct {
	dependency, state string
	answers           map[string]*tally // by question
	alerts            []string
	log               []string
}

func newDrill(t *testing.T) *drill {
	t.Helper()
	program(t, "prometheus")
	d := &drill{t: t, lines: make(map[string]*line), published: make(map[string]bool)}
	engine, key := meilitest.Server(t)
	database := storetest.Postgres(t)
	d.mail = posttest.NewServer(t, posttest.Config{})
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	t.Cleanup(collector.Close)
	d.issuer = newRotatingIssuer(t)
	d.issuer.become(d.through("issuer", d.issuer.server.URL), "1")
	d.server = serves(t, map[string]string{
		"VIGIE_DATABASE_URL": d.through("database", database), "VIGIE_SEARCH_URL": d.through("search", engine), "VIGIE_SEARCH_KEY": key,
		"VIGIE_MAIL_URL": d.through("mail", d.mail.URL("tls", "none")), "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_PUBLIC_URL": "https://vigie.example", "VIGIE_MAIL_SPACING": "50ms",
		"VIGIE_OIDC_ISSUER": d.issuer.url, "VIGIE_OIDC_AUDIENCE": "vigie", "VIGIE_OTLP_URL": d.through("collector", collector.URL), "VIGIE_SECRET": testSecret,
		"VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir(), "VIGIE_RATE_ADDRESS": "100000", "VIGIE_RATE_BAD_TOKENS": "100000",
	})
	d.prometheus = watchedBy(t, d.server.private)
	for i := range 20 {
		who := fmt.Sprint("person-", i)
		d.people = append(d.people, d.issuer.token(t, who))
		made := ask(t, d.server.base, d.people[i], `mutation { createWatch(input: { name: "Voirie", criteria: { keywords: ["voirie"] } }) { watch { id } userErrors { message } } }`, nil)
		if len(made.Errors) > 0 {
			t.Fatal(made.Errors)
		}
	}
	d.publisher = d.issuer.token(t, "publisher")
	made := ask(t, d.server.base, d.publisher, `mutation { createWatch(input: { name: "Voirie", criteria: { keywords: ["voirie"] }, frequency: IMMEDIATE }) { watch { id } userErrors { message } } }`, nil)
	if len(made.Errors) > 0 {
		t.Fatal(made.Errors)
	}
	awaitsFor(t, time.Minute, func() (bool, string) {
		firing := d.firing("ALERTS")
		return d.seen(`vigie_dependency_up == 1`) == len(drilled()) && len(firing) == 0, fmt.Sprintf("at the start these fire: %v", firing)
	})
	return d
}

// through has a dependency reached through a line of its own.
func (d *drill) through(dependency, address string) string {
	u, err := url.Parse(address)
	if err != nil {
		d.t.Fatal(err)
	}
	d.lines[dependency] = newLine(d.t, u.Host)
	return d.lines[dependency].toward(d.t, address)
}

// cut cuts a dependency until its alert fires and for a while, and brings it back.
func (d *drill) cut(dependency string) {
	d.rotate(dependency)
	gone := d.phase(dependency, "cut", func() {
		d.lines[dependency].become(cut, "")
		atLeast := d.while()
		d.fires("VigieDependencyDown", dependency)
		<-atLeast
	})
	back := d.phase(dependency, "back", func() {
		d.lines[dependency].become("", "")
		d.quiet(dependency)
	})
	d.rows = append(d.rows, gone, back)
	d.expectCut(gone)
	d.expectBack(back)
}

// slow slows a dependency for a while, and brings it back.
func (d *drill) slow(dependency string) {
	d.rotate(dependency)
	row := d.phase(dependency, "slow", func() {
		d.lines[dependency].become(slowed, "")
		d.lasts(faultTime)
	})
	d.lines[dependency].become("", "")
	d.quiet(dependency)
	d.rows = append(d.rows, row)
	d.expectNoDefect(row)
	if slices.Contains(row.alerts, "VigieSearchSlow") != (dependency == "search") {
		d.t.Errorf("%s slow: these fire: %v", dependency, row.alerts)
	}
}

// rotate has the issuer begin to sign with a new key, for else nobody would need it.
func (d *drill) rotate(dependency string) {
	if dependency == "issuer" {
		d.issuer.become(d.issuer.url, fmt.Sprint(len(d.rows)+1))
	}
}

// while is closed after the time of a fault; in short, at once.
func (d *drill) while() <-chan time.Time {
	if os.Getenv("VIGIE_TEST_DRILL") == "" {
		return time.After(0)
	}
	return time.After(faultTime)
}

// lasts lets the load go on.
func (d *drill) lasts(long time.Duration) { <-time.After(long) }

// quiet waits until a dependency answers and no alert fires any more.
func (d *drill) quiet(dependency string) {
	awaitsFor(d.t, 10*time.Minute, func() (bool, string) {
		firing := d.firing("ALERTS")
		up := d.seen(fmt.Sprintf(`vigie_dependency_up{dependency=%q} == 1`, dependency)) == 1
		return up && len(firing) == 0, fmt.Sprintf("%s answers: %t; these fire: %v", dependency, up, firing)
	})
}

// fires waits until an alert about a dependency fires.
func (d *drill) fires(alert, dependency string) {
	awaitsFor(d.t, 10*time.Minute, func() (bool, string) {
		firing := d.firing(`ALERTS{alertstate="firing"}`)
		return slices.Contains(firing, fmt.Sprintf("%s (%s)", alert, dependency)), fmt.Sprintf("%s cut, and these fire: %v\n%s", dependency, firing, d.server.said)
	})
}

// phase keeps up the load while something happens, and reports what came of it.
func (d *drill) phase(dependency, state string, happens func()) drillRow {
	d.t.Helper()
	began, from := time.Now(), len(d.server.said.String())
	row := drillRow{dependency: dependency, state: state, answers: d.underLoad(happens)}
	seconds := max(int(time.Since(began).Seconds()), 1)
	row.alerts = d.firing(fmt.Sprintf(`max_over_time(ALERTS{alertstate="firing"}[%ds])`, seconds))
	row.log = logged(d.server.said.String()[from:])
	return row
}

// expectAllWell checks that everything is answered, no alert fires and nothing is logged.
func (d *drill) expectAllWell(row drillRow) {
	d.t.Helper()
	for question, a := range row.answers {
		if a.share("ok") < 1 {
			d.t.Errorf("with all well, %s: %v", question, a.outcomes)
		}
	}
	if len(row.alerts) > 0 || len(row.log) > 0 {
		d.t.Errorf("with all well, these fire: %v; the log: %v", row.alerts, row.log)
	}
}

// expectCut checks that the log names this dependency alone, once, and that requests which do not need it succeed.
func (d *drill) expectCut(row drillRow) {
	d.t.Helper()
	d.expectNoDefect(row)
	if went := dependencyLines(row.log); !slices.Equal(went, []string{"gone: " + row.dependency + " ×1"}) {
		d.t.Errorf("%s cut: the log says %v", row.dependency, went)
	}
	if slices.Contains(row.alerts, "VigieOverloaded") {
		d.t.Errorf("%s cut: these fire: %v", row.dependency, row.alerts)
	}
	needed := map[string][]string{"database": {"plain query", "search", "publish", "new sign-in"}, "search": {"search"}, "issuer": {"new sign-in"}}[row.dependency]
	for question, a := range row.answers {
		if !slices.Contains(needed, question) && a.share("ok") < 1 {
			d.t.Errorf("%s cut, %s: %v", row.dependency, question, a.outcomes)
		}
	}
}

// expectBack checks that the log names the dependency once, as back.
func (d *drill) expectBack(row drillRow) {
	d.t.Helper()
	d.expectNoDefect(row)
	if came := dependencyLines(row.log); !slices.Equal(came, []string{"back: " + row.dependency + " ×1"}) {
		d.t.Errorf("%s back: the log says %v", row.dependency, came)
	}
}

// expectNoDefect checks that each request is answered, and none with an error that would be a defect.
func (d *drill) expectNoDefect(row drillRow) {
	d.t.Helper()
	for question, a := range row.answers {
		if a.outcomes["INTERNAL"] > 0 || a.outcomes["no answer"] > 0 || len(a.latencies) == 0 {
			d.t.Errorf("%s %s, %s: %v", row.dependency, row.state, question, a.outcomes)
		}
	}
	if slices.Contains(row.alerts, "VigieDefect") || slices.Contains(row.alerts, "VigieDown") {
		d.t.Errorf("%s %s: these fire: %v", row.dependency, row.state, row.alerts)
	}
}

// dependencyLines are the lines about dependencies.
func dependencyLines(log []string) (lines []string) {
	for _, line := range log {
		if strings.HasPrefix(line, "gone: ") || strings.HasPrefix(line, "back: ") {
			lines = append(lines, line)
		}
	}
	return lines
}

// nothingLost checks that what was published without an error is found and mailed.
func (d *drill) nothingLost() {
	d.t.Helper()
	idle(d.t, d.server.private)
	mailed := make(map[string]bool)
	for _, m := range d.mail.Received() {
		for _, found := range tendersOf.FindAllStringSubmatch(readLetter(d.t, strings.NewReader(string(m.Content))).text, -1) {
			mailed[found[1]] = true
		}
	}
	for number := range d.published {
		if !mailed[number] {
			d.t.Errorf("tender %s was published and not mailed", number)
		}
	}
	a := ask(d.t, d.server.base, d.publisher, `{ matchingTenders { totalCount } }`, nil)
	if total, ok := a.Data["matchingTenders"].(map[string]any); !ok || int(total["totalCount"].(float64)) < len(d.published) {
		d.t.Errorf("of %d tenders, these are found: %v %v", len(d.published), a.Data, a.Errors)
	}
}

// rotatingIssuer is an issuer that signs with its newest key.
type rotatingIssuer struct {
	t      *testing.T
	server *httptest.Server
	url    string
	state  atomic.Pointer[issuerState]
}

type issuerState struct {
	discovery *oidctest.Server
	newest    signingKey
	keys      []oidctest.PublicKey
}

func newRotatingIssuer(t *testing.T) *rotatingIssuer {
	t.Helper()
	i := &rotatingIssuer{t: t}
	i.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { i.state.Load().discovery.ServeHTTP(w, r) }))
	t.Cleanup(i.server.Close)
	return i
}

// become has the issuer be found at a URL, and begin to sign with a new key.
func (i *rotatingIssuer) become(address, key string) {
	i.url = address
	next := &issuerState{newest: newSigningKey(i.t, key)}
	if before := i.state.Load(); before != nil {
		next.keys = before.keys
	}
	next.keys = append(slices.Clone(next.keys), oidctest.PublicKey{PublicKey: next.newest.key.Public(), KeyID: key, Algorithm: "ES256"})
	next.discovery = &oidctest.Server{PublicKeys: next.keys}
	next.discovery.SetIssuer(address)
	i.state.Store(next)
}

// token is one of a person, unlike any before.
func (i *rotatingIssuer) token(t *testing.T, who string) string {
	t.Helper()
	return i.state.Load().newest.sign(t, map[string]any{
		"iss": i.url, "sub": who, "email": who + "@example.org", "email_verified": true, "scope": publishScope, "sources": []string{"portal"},
	})
}

var logLine = regexp.MustCompile(`(?m)^time=\S+ level=(\w+) msg=("(?:[^"\\]|\\.)*"|\S+)(.*)$`)

// logged sums up what the log says: that dependencies went and came back, and warnings and errors, with their number.
func logged(text string) []string {
	times := make(map[string]int)
	for _, m := range logLine.FindAllStringSubmatch(text, -1) {
		said := strings.Trim(m[2], `"`)
		about := regexp.MustCompile(`(?:dependency|consumer|component)=("[^"]*"|\S+)`).FindStringSubmatch(m[3])
		switch {
		case said == "dependency does not answer":
			said = "gone: " + about[1]
		case said == "dependency answers again":
			said = "back: " + about[1]
		case m[1] != "WARN" && m[1] != "ERROR":
			continue
		case about != nil:
			said += " (" + strings.Trim(about[1], `"`) + ")"
		}
		times[said]++
	}
	var lines []string
	for _, said := range slices.Sorted(maps.Keys(times)) {
		lines = append(lines, fmt.Sprintf("%s ×%d", said, times[said]))
	}
	return lines
}

// drillHead is the first line of the table.
const drillHead = "| dependency | state | plain query | search | publish | new sign-in | alerts | log |"

// table writes what happened in Markdown.
func (d *drill) table() string {
	var b strings.Builder
	b.WriteString(drillHead + "\n|" + strings.Repeat("---|", 8) + "\n")
	for _, row := range d.rows {
		fmt.Fprintf(&b, "| %s | %s |", row.dependency, row.state)
		for _, question := range []string{"plain query", "search", "publish", "new sign-in"} {
			fmt.Fprintf(&b, " %s |", row.answers[question])
		}
		fmt.Fprintf(&b, " %s | %s |\n", strings.Join(row.alerts, ", "), strings.Join(row.log, "; "))
	}
	return b.String()
}
