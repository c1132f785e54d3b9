package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// names finds what a pattern's group says, in a file of deploy or docs.
func names(t *testing.T, file, pattern string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", file))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// queries are those of the dashboard's panels.
func dashboardQueries(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../deploy/grafana/vigie.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries = append(queries, target.Expr)
		}
	}
	if len(queries) < 20 {
		t.Fatalf("the dashboard has %d queries", len(queries))
	}
	return queries
}

// Each alert has a section in the runbook, a test that has it sound and one that has it silent while all is well, and there
// are no others.
func TestAlertsAreExplained(t *testing.T) {
	alerts := names(t, "deploy/prometheus/rules.yml", `alert: (\w+)`)
	if got := names(t, "docs/runbook.md", `(?m)^## (Vigie\w+)$`); !slices.Equal(got, alerts) {
		t.Errorf("docs/runbook.md explains %v; the alerts are %v", got, alerts)
	}
	if got := names(t, "deploy/prometheus/rules_test.yml", `alertname: (\w+)\n +exp_alerts:`); !slices.Equal(got, alerts) {
		t.Errorf("rules_test.yml has %v sound; the alerts are %v", got, alerts)
	}
	if got := names(t, "deploy/prometheus/rules_test.yml", `eval_time: 8h, alertname: (\w+)`); !slices.Equal(got, alerts) {
		t.Errorf("rules_test.yml has %v silent while all is well; the alerts are %v", got, alerts)
	}
}

// The alerts that are not sent beside an outage exist.
func TestFollowingAlertsExist(t *testing.T) {
	alerts := names(t, "deploy/prometheus/rules.yml", `alert: (\w+)`)
	following := names(t, "deploy/prometheus/alertmanager.yml", `\b(Vigie\w+)`)
	for _, name := range following {
		if !slices.Contains(alerts, name) {
			t.Errorf("there is no alert %s", name)
		}
	}
	if len(following) < 5 {
		t.Errorf("only %v are named", following)
	}
}

// The alerts sound when they should, by Prometheus's own test; and its settings are valid.
func TestAlertRules(t *testing.T) {
	t.Parallel()
	promtool := program(t, "promtool")
	for _, arguments := range [][]string{{"check", "config", "prometheus.yml"}, {"test", "rules", "rules_test.yml"}} {
		command := exec.Command(promtool, arguments...)
		command.Dir = "../deploy/prometheus"
		if said, err := command.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(arguments, " "), err, said)
		}
	}
}

// Alerts and dashboard ask for metrics that there are, with labels that they have, and can be evaluated; each metric of
// ours is explained.
func TestDeployedMetricsExist(t *testing.T) {
	promtool := program(t, "promtool")
	env := map[string]string{
		"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir(), "VIGIE_SOURCES": "boamp", "VIGIE_BOAMP_URL": "http://" + nobody(t),
		"VIGIE_SEARCH_URL": "http://" + nobody(t) + ",http://" + nobody(t), // two nodes, for those have metrics of their own
		"VIGIE_MAIL_URL":   "outbox:" + t.TempDir(), "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_PUBLIC_URL": "https://vigie.example",
	}
	server := start(t, env, nil, "serve")
	server.listening(t)
	ready(t, server.listening(t))
	private := server.private(t)
	there := make(map[string]bool) // names, and names with each label
	awaits(t, func() (bool, string) {
		series, _ := scrape(t, private)
		for s := range series {
			name, labels, _ := strings.Cut(s, "{")
			there[name] = true
			for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(labels, -1) {
				there[name+" "+label[1]] = true
			}
		}
		return there["vigie_behind"], "no consumer runs"
	})
	rules, err := os.ReadFile("../deploy/prometheus/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	queries := dashboardQueries(t)
	asked := regexp.MustCompile(`\b((?:vigie|go|process)_\w+)(?:\{([^}]*)\})?`)
	for _, text := range append([]string{string(rules)}, queries...) {
		for _, m := range asked.FindAllStringSubmatch(text, -1) {
			if m[1] == "go_version" {
				continue // a label
			}
			if !there[m[1]] {
				t.Errorf("there is no metric %s", m[1])
			}
			for _, label := range regexp.MustCompile(`(\w+) *[!=]~?"`).FindAllStringSubmatch(m[2], -1) {
				if !there[m[1]+" "+label[1]] && label[1] != "job" {
					t.Errorf("%s has no label %s", m[1], label[1])
				}
			}
		}
	}

	// Prometheus can evaluate what the dashboard asks.
	var b strings.Builder
	b.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for i, query := range queries {
		fmt.Fprintf(&b, "  - {record: \"query:%d\", expr: %q}\n", i, strings.ReplaceAll(query, "$__rate_interval", "5m"))
	}
	file := filepath.Join(t.TempDir(), "queries.yml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command(promtool, "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}

	documented := names(t, "docs/operations.md", "`(vigie_[a-z_]+)")
	for name := range there {
		name = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		if strings.HasPrefix(name, "vigie_") && !strings.Contains(name, " ") && !slices.Contains(documented, name) {
			t.Errorf("docs/operations.md does not explain %s", name)
			documented = append(documented, name)
		}
	}
	for _, name := range documented {
		if !there[name] && !there[name+"_count"] {
			t.Errorf("docs/operations.md explains %s, which is not there", name)
		}
	}
}
