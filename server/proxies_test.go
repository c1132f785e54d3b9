package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"vigie/alert/consent"
	"vigie/alert/link"
)

// proxy is a proxy in front of replicas, and the file of its log.
type proxy struct{ base, log string }

// proxies start each proxy of which deploy has an example, in front of replicas at some addresses.
func proxies() map[string]func(t *testing.T, replicas ...string) *proxy {
	return map[string]func(t *testing.T, replicas ...string) *proxy{"caddy": caddy, "nginx": nginx}
}

// A list that nginx could not read when it was written, for it was not running or its files had a mistake, is read as soon
// as it can be; else nginx would go on sending requests to replicas that stop. The failure is said once.
func TestUpstreamIsReadInTheEnd(t *testing.T) {
	dir := t.TempDir()
	upstream, broken, read := filepath.Join(dir, "upstream.conf"), filepath.Join(dir, "broken"), filepath.Join(dir, "read")
	reload := filepath.Join(dir, "reload")
	script := fmt.Sprintf("#!/bin/sh\n[ -e %q ] && { echo a mistake; exit 1; }\ncp %q %q\n", broken, upstream, read)
	if err := os.WriteFile(reload, []byte(script), 0o700); err != nil { //nolint:gosec // it has to be executable
		t.Fatal(err)
	}
	if err := os.WriteFile(broken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	replica := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer replica.Close()
	said := daemon(t, "bash", []string{"../deploy/nginx/vigie-upstream", upstream, replica.Listener.Addr().String()}, "INTERVAL=0.1", "RELOAD="+reload)
	const complaint = "nginx cannot be reloaded, and is tried again: a mistake\n"
	awaits(t, func() (bool, string) { return strings.Contains(said.String(), complaint), "it says " + said.String() })
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	awaits(t, func() (bool, string) {
		list, err := os.ReadFile(read)
		return err == nil && strings.Contains(string(list), replica.Listener.Addr().String()), fmt.Sprintf("read: %q, %v", list, err)
	})
	if strings.Count(said.String(), complaint) != 1 {
		t.Errorf("it says %s", said)
	}
}

// changed is an example of deploy with other values in it: pairs of one that is there, and what it becomes.
func changed(t *testing.T, file string, pairs ...string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	example := string(text)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(example, pairs[i]) {
			t.Fatalf("%s has no %q", file, pairs[i])
		}
		example = strings.Replace(example, pairs[i], pairs[i+1], 1)
	}
	return example
}

// passes waits until a proxy passes requests on.
func passes(t *testing.T, base string, said fmt.Stringer) {
	t.Helper()
	awaits(t, func() (bool, string) {
		answer, err := http.Get(base + "/healthz")
		if err != nil {
			return false, fmt.Sprintf("the proxy does not answer: %v\n%s", err, said)
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK, answer.Status
	})
}

// caddy runs Caddy by the file of deploy/caddy.
func caddy(t *testing.T, replicas ...string) *proxy {
	t.Helper()
	dir, address := t.TempDir(), nobody(t)
	config, log := filepath.Join(dir, "Caddyfile"), filepath.Join(dir, "access.log")
	site := changed(t, "../deploy/caddy/Caddyfile", "veille.example.org {", "http://"+address+" {", "/var/log/caddy/vigie.log", log,
		"127.0.0.1:8080 127.0.0.1:8081 {", strings.Join(replicas, " ")+" {")
	if err := os.WriteFile(config, []byte("{\n\tadmin off\n}\n"+site), 0o600); err != nil {
		t.Fatal(err)
	}
	said := daemon(t, program(t, "caddy"), []string{"run", "--adapter", "caddyfile", "--config", config}, "HOME="+dir)
	passes(t, "http://"+address, said)
	return &proxy{"http://" + address, log}
}

// nginx runs nginx by the files of deploy/nginx.
func nginx(t *testing.T, replicas ...string) *proxy {
	t.Helper()
	binary := "/usr/sbin/nginx" // which is not on everyone's path
	if _, err := os.Stat(binary); err != nil {
		binary = program(t, "nginx")
	}
	dir, address := t.TempDir(), nobody(t)
	upstream, log := filepath.Join(dir, "vigie-upstream.conf"), filepath.Join(dir, "access.log")
	site := changed(t, "../deploy/nginx/vigie.conf", "include /etc/nginx/vigie-upstream.conf;", "include "+upstream+";",
		"listen 443 ssl;", "listen "+address+";", "/var/log/nginx/vigie.log", log)
	site = regexp.MustCompile(`(?m)^ *ssl_.*$`).ReplaceAllString(site, "")
	temporary := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary += fmt.Sprintf("%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	config := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf("pid %s/pid;\nerror_log %s/error.log;\nworker_processes 1;\nevents {}\nhttp {\n%s%s}\n", dir, dir, temporary, site)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	writing := daemon(t, "bash", append([]string{"../deploy/nginx/vigie-upstream", upstream}, replicas...), "INTERVAL=0.2", "RELOAD="+binary+" -e stderr -c "+config+" -s reload")
	awaits(t, func() (bool, string) {
		_, err := os.Stat(upstream)
		return err == nil, "no replicas are written:\n" + writing.String()
	})
	said := daemon(t, binary, []string{"-e", "stderr", "-c", config, "-g", "daemon off;"})
	passes(t, "http://"+address, said)
	t.Cleanup(func() {
		if log, err := os.ReadFile(filepath.Join(dir, "error.log")); err == nil && t.Failed() {
			t.Logf("nginx: %s\n%s", log, writing)
		}
	})
	return &proxy{"http://" + address, log}
}

// Behind each proxy WebSockets and events work, limits count the client's own address, not one that it claims, and secrets
// in paths are not logged.
func TestProxies(t *testing.T) {
	t.Parallel()
	for name, run := range proxies() {
		t.Run(name, func(t *testing.T) {
			server := start(t, map[string]string{
				"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir(), "VIGIE_TRUSTED_PROXIES": "127.0.0.1/32", "VIGIE_RATE_ADDRESS": "5",
			}, nil, "serve")
			base := server.listening(t)
			ready(t, base)
			p := run(t, strings.TrimPrefix(base, "http://"))

			site := newNewsSite(t, p.base)
			site.underWay(p.base, connect(t, p.base, site.person, "").subscribe())
			site.underWay(p.base, eventStream(t, p.base, site.person))

			for i := range 6 {
				claimed := fmt.Sprintf("198.51.100.%d", i)
				want := http.StatusOK
				if i == 5 {
					want = http.StatusTooManyRequests
				}
				if got := askedFrom(t, "127.0.0.2", p.base, claimed); got != want {
					t.Errorf("request %d of one address, which claims another: %d, not %d", i+1, got, want)
				}
			}
			if got := askedFrom(t, "127.0.0.3", p.base, ""); got != http.StatusOK {
				t.Errorf("the first request of another address: %d", got)
			}

			for _, path := range append(consent.Paths(), link.FeedPath, link.CalendarPath) {
				get(t, p.base+path+"secret-word")
			}
			get(t, p.base+"/not-secret")
			awaits(t, func() (bool, string) {
				text, err := os.ReadFile(p.log)
				return err == nil && strings.Contains(string(text), "not-secret"), fmt.Sprintf("the log has %s, %v", text, err)
			})
			if text, err := os.ReadFile(p.log); err != nil || strings.Contains(string(text), "secret-word") {
				t.Errorf("the log shows what is secret:\n%s", text)
			}
		})
	}
}

// askedFrom asks from an address of this machine, which claims to pass a request on for another, and returns the status.
func askedFrom(t *testing.T, address, base, claimed string) int {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/graphql", strings.NewReader(`{"query":"{ departments { code } }"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if claimed != "" {
		request.Header.Set("X-Forwarded-For", claimed)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}
