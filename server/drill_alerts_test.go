package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// watchedBy runs a Prometheus by the rules of deploy/prometheus, with shorter times, over a server, and returns where it is.
func watchedBy(t *testing.T, private string) string {
	t.Helper()
	rules, err := os.ReadFile("../deploy/prometheus/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	dir, address := t.TempDir(), nobody(t)
	// The metrics take 3 seconds at most.
	config := fmt.Sprintf("global: {scrape_interval: 5s, scrape_timeout: 5s, evaluation_interval: 1s}\nrule_files: [rules.yml]\nscrape_configs:\n"+
		"- {job_name: vigie, static_configs: [{targets: [%q]}]}\n", strings.TrimPrefix(private, "http://"))
	for name, text := range map[string]string{"rules.yml": shortened(t, string(rules)), "prometheus.yml": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said := daemon(t, program(t, "prometheus"), []string{
		"--config.file=" + filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + address, "--log.level=warn",
	})
	awaits(t, func() (bool, string) {
		answer, err := http.Get("http://" + address + "/-/ready")
		if err != nil {
			return false, fmt.Sprintf("Prometheus does not answer: %v\n%s", err, said)
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK, answer.Status
	})
	return "http://" + address
}

// shortened are the rules with shorter times.
func shortened(t *testing.T, rules string) string {
	t.Helper()
	times := regexp.MustCompile(`((?:for: |\[))(\d+)([mh])\b`)
	rules = times.ReplaceAllStringFunc(rules, func(said string) string {
		m := times.FindStringSubmatch(said)
		long, err := time.ParseDuration(m[2] + m[3])
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s%ds", m[1], int(long.Seconds())/speedup)
	})
	late := regexp.MustCompile(`(vigie_behind_seconds\{[^}]*\}\)) > 600\b`)
	if len(late.FindAllString(rules, -1)) != 2 {
		t.Fatal("the rules about what is late are others")
	}
	return late.ReplaceAllString(rules, fmt.Sprintf("$1 > %d", 600/speedup))
}

// series asks Prometheus.
func (d *drill) series(query string) []map[string]string {
	d.t.Helper()
	status, body := get(d.t, d.prometheus+"/api/v1/query?query="+url.QueryEscape(query))
	var said struct {
		Data struct {
			Result []struct{ Metric map[string]string }
		}
	}
	if err := json.Unmarshal(body, &said); err != nil || status != http.StatusOK {
		d.t.Fatalf("%s: %d %s", query, status, body)
	}
	var found []map[string]string
	for _, r := range said.Data.Result {
		found = append(found, r.Metric)
	}
	return found
}

// seen counts the series that a query finds.
func (d *drill) seen(query string) int { return len(d.series(query)) }

// firing names the alerts that a query finds, and what they are about.
func (d *drill) firing(query string) (names []string) {
	for _, labels := range d.series(query) {
		name := labels["alertname"]
		if about := labels["dependency"] + labels["consumer"]; about != "" {
			name += " (" + about + ")"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
