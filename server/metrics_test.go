package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"vigie/store/storetest"
)

// Operators see, at an address of their own, that the matcher follows.
func TestMetrics(t *testing.T) {
	env := map[string]string{
		"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_PRIVATE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir(),
	}
	server := start(t, env, nil, "serve")
	base := server.listening(t)
	ready(t, base)
	at := server.said(t, `at=(127\.0\.0\.1:\d+)`)
	get := func(url string) (int, string) {
		t.Helper()
		response, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	holds := func(want string) {
		t.Helper()
		var said string
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if _, said = get("http://" + at + "/metrics"); strings.Contains(said, "\n"+want+"\n") {
				return
			}
		}
		t.Fatalf("no %q in:\n%s", want, said)
	}
	token, err := sign(testSecret, "a", claims{Email: "a@example.org", EmailVerified: true}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	holds("vigie_match_watches 0")
	made := ask(t, base, token, `mutation { createWatch(input: { name: "Voirie", criteria: { keywords: ["voirie"] } }) { watch { id } } }`, nil)
	if len(made.Errors) > 0 {
		t.Fatal(made.Errors)
	}
	holds("vigie_match_watches 1")
	id := made.Data["createWatch"].(map[string]any)["watch"].(map[string]any)["id"]
	off := ask(t, base, token, `mutation ($id: ID!) { updateWatch(id: $id, input: { active: false }) { watch { active } } }`, map[string]any{"id": id})
	if len(off.Errors) > 0 {
		t.Fatal(off.Errors)
	}
	holds("vigie_match_watches 0")
	if status, _ := get(base + "/metrics"); status != http.StatusNotFound {
		t.Errorf("the public address answers /metrics with %d", status)
	}
}

// program finds a program of scripts/install-test-tools.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("VIGIE_TEST_ALL") != "" {
			t.Fatal(err)
		}
		t.Skipf("NOT RUN WITHOUT %s: scripts/install-test-tools installs it", strings.ToUpper(name))
	}
	return path
}

// scrape reads all metrics: values by name and labels.
func scrape(t *testing.T, private string) (series map[string]float64, text []byte) {
	t.Helper()
	_, text = get(t, private+"/metrics")
	series = make(map[string]float64)
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, value, _ := strings.Cut(strings.TrimSpace(strings.ReplaceAll(line, "} ", "}\t")), "\t")
		if value == "" {
			name, value, _ = strings.Cut(strings.TrimSpace(line), " ")
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		series[name] = n
	}
	return series, text
}

// All metrics are there from the start, counters at 0, and stay while PostgreSQL is away: an alarm on what is not there
// never rings. What waits then waits longer. Their names follow Prometheus's conventions.
func TestMetricsStay(t *testing.T) {
	t.Parallel()
	promtool := program(t, "promtool")
	database := storetest.Postgres(t)
	away := newLine(t, regexp.MustCompile(`@([^/]+)/`).FindStringSubmatch(database)[1])
	env := map[string]string{
		"VIGIE_DATABASE_URL": away.toward(t, database), "VIGIE_DATA": t.TempDir(), "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0",
		"VIGIE_MAIL_URL": "outbox:" + t.TempDir(), "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_PUBLIC_URL": "https://vigie.example",
		"VIGIE_OIDC_ISSUER": issuerOf(t), "VIGIE_OIDC_AUDIENCE": "vigie", "VIGIE_SOURCES": "boamp", "VIGIE_BOAMP_URL": "http://" + nobody(t),
	}
	server := start(t, env, nil, "serve")
	base, private := server.listening(t), server.private(t)
	ready(t, base)
	const waiting = `vigie_behind_seconds{consumer="source boamp"}`
	var before map[string]float64
	var text []byte
	awaits(t, func() (bool, string) {
		before, text = scrape(t, private)
		leads := before[`vigie_consumer_leads{consumer="index"}`] == 1 && before[`vigie_dependency_up{dependency="mail"}`] == 1
		return leads && before[waiting] > 0 && before[`vigie_dependency_up{dependency="issuer"}`] == 1, "the source does not wait"
	})
	for name, value := range before {
		if strings.HasPrefix(name, "vigie_") && strings.Contains(name, "_total") && value != 0 &&
			!strings.HasPrefix(name, `vigie_http_requests_total{code="200",route="readyz"`) && !strings.HasPrefix(name, `vigie_http_requests_total{code="503",route="readyz"`) &&
			name != `vigie_consumer_failures_total{consumer="source boamp"}` {
			t.Errorf("at the start %s is %v", name, value)
		}
	}
	for name, want := range map[string]float64{
		`vigie_ready`: 1, `vigie_dependency_up{dependency="database"}`: 1, `vigie_dependency_up{dependency="search"}`: 1,
		`vigie_dependency_up{dependency="mail"}`: 1, `vigie_dependency_up{dependency="issuer"}`: 1,
		`vigie_behind{consumer="alerts"}`: 0, `vigie_behind_seconds{consumer="mails"}`: 0, `vigie_consumer_leads{consumer="index"}`: 1,
		`vigie_quarantine{consumer="alerts"}`:                   0,
		`vigie_operations_total{outcome="failed",type="query"}`: 0, `vigie_field_failures_total{field="createWatch"}`: 0,
		`vigie_field_duration_seconds_count{field="matchingTenders"}`: 0, `vigie_errors_total{code="TOO_MANY_REQUESTS"}`: 0,
		`vigie_http_requests_total{code="503",route="graphql"}`: 0, `vigie_http_requests_total{code="429",route="export"}`: 0, `vigie_http_requests_total{code="404",route="dismiss"}`: 0,
		`vigie_sign_ins_total{outcome="UNAUTHENTICATED"}`: 0, `vigie_mails_total{kind="DIGEST",outcome="failed"}`: 0,
		`go_sql_max_open_connections{db_name="vigie"}`: before[`go_sql_max_open_connections{db_name="vigie"}`],
	} {
		if got, there := before[name]; !there || got != want {
			t.Errorf("%s is %v, there: %t", name, got, there)
		}
	}
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = bytes.NewReader(text)
	if said, err := check.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, said)
	}

	away.become(cut, "")
	var after map[string]float64
	awaits(t, func() (bool, string) {
		after, _ = scrape(t, private)
		return after[`vigie_dependency_up{dependency="database"}`] == 0, "the metrics say that the database answers"
	})
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, there := after[name]; !there && strings.HasPrefix(name, "vigie_") {
			t.Errorf("without the database there is no %s", name)
		}
	}
	if after["vigie_ready"] != 0 {
		t.Error("without the database vigie_ready is 1")
	}
	awaits(t, func() (bool, string) {
		later, _ := scrape(t, private)
		return later[waiting] > after[waiting], fmt.Sprintf("%s stays at %v", waiting, after[waiting])
	})
}

// What is asked is counted by the schema's names, with what failed, and never by words of clients.
func TestOperationsAreCounted(t *testing.T) {
	env := map[string]string{"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir()}
	server := start(t, env, nil, "serve")
	base, private := server.listening(t), server.private(t)
	ready(t, base)
	token, err := sign(testSecret, "a", claims{Email: "a@example.org", EmailVerified: true}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ask(t, base, token, `query Mine { mine: viewer { email } watches { nodes { name } } }`, nil)
	ask(t, base, "", `query Theirs { theirOwn: watches { nodes { name } } departments { code } }`, nil)
	ask(t, base, token, `mutation { createWatch(input: { name: "Voirie", criteria: { keywords: ["voirie"] } }) { watch { id } } }`, nil)
	ask(t, base, token, `{ nonsense }`, nil)
	ask(t, base, "nonsense", `{ viewer { email } }`, nil)
	if status, _ := get(t, base+"/secret-word"); status != http.StatusNotFound {
		t.Errorf("a path that is not there answers %d", status)
	}
	got, text := scrape(t, private)
	for name, want := range map[string]float64{
		`vigie_operations_total{outcome="ok",type="query"}`: 1, `vigie_operations_total{outcome="failed",type="query"}`: 1,
		`vigie_operations_total{outcome="ok",type="mutation"}`: 1, `vigie_operation_duration_seconds_count{type="query"}`: 2,
		`vigie_field_duration_seconds_count{field="watches"}`: 2, `vigie_field_failures_total{field="watches"}`: 1,
		`vigie_field_failures_total{field="departments"}`: 0, `vigie_field_duration_seconds_count{field="createWatch"}`: 1,
		`vigie_errors_total{code="UNAUTHENTICATED"}`: 1, `vigie_errors_total{code="GRAPHQL_VALIDATION_FAILED"}`: 1,
		`vigie_sign_ins_total{outcome="ok"}`: 3, `vigie_sign_ins_total{outcome="UNAUTHENTICATED"}`: 1,
		`vigie_http_requests_total{code="401",route="graphql"}`: 1, `vigie_http_requests_total{code="404",route="other"}`: 1,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, not %v", name, got[name], want)
		}
	}
	for _, word := range []string{"Mine", "theirOwn", "nonsense", "secret-word", "example.org"} {
		if bytes.Contains(text, []byte(word)) {
			t.Errorf("the metrics have a client's word, %q", word)
		}
	}
}
