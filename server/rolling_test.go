package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"vigie/search/meili/meilitest"
	"vigie/store/storetest"
)

// daemon runs a program until the test ends.
func daemon(t *testing.T, name string, arguments []string, env ...string) *safeBuffer {
	t.Helper()
	said := new(safeBuffer)
	command := exec.Command(name, arguments...)
	command.Env, command.Stdout, command.Stderr = append(os.Environ(), env...), said, said
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGTERM) // what it started too
		_ = command.Wait()
	})
	return said
}

// Two replicas behind a proxy are replaced one after the other, while people read, write and search and a platform
// publishes: not one request fails.
func TestRollingRestart(t *testing.T) {
	beServed()
	t.Parallel()
	for name, run := range proxies() {
		t.Run(name, func(t *testing.T) { testRollingRestart(t, run) })
	}
}

func testRollingRestart(t *testing.T, run func(t *testing.T, replicas ...string) *proxy) {
	database := storetest.Postgres(t)
	engine, key := meilitest.Server(t)
	addresses := []string{nobody(t), nobody(t)}
	replica := func(address string) *serving {
		return serves(t, map[string]string{
			"VIGIE_DATABASE_URL": database, "VIGIE_SEARCH_URL": engine, "VIGIE_SEARCH_KEY": key, "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": address,
			"VIGIE_DATA": t.TempDir(), "VIGIE_STOP_DELAY": "3s", "VIGIE_RATE_ACCOUNT": "1000000", "VIGIE_TRUSTED_PROXIES": "127.0.0.0/8",
		})
	}
	replicas := []*serving{replica(addresses[0]), replica(addresses[1])}
	base := run(t, addresses...).base
	token, err := sign(testSecret, "ana", claims{Email: "ana@example.org", EmailVerified: true, Scope: publishScope, Sources: []string{"portal"}}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if a := ask(t, base, token, `mutation { createWatch(input: { name: "Voirie", criteria: { keywords: ["voirie"] } }) { watch { id } userErrors { message } } }`, nil); len(a.Errors) > 0 {
		t.Fatal(a.Errors)
	}

	// The load: connections of their own, as many clients have.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	var answered, published atomic.Int64
	failed := make(chan string, 1000)
	one := func(question string) {
		if said := answers(t.Context(), client, base, token, question); said != "" {
			select {
			case failed <- said:
			default:
			}
		}
		answered.Add(1)
	}
	over := make(chan struct{})
	var load sync.WaitGroup
	for _, question := range []func() string{
		func() string { return `{ watches { nodes { name } } }` },
		func() string { return `{ matchingTenders { totalCount } }` },
		func() string { return publication(int(published.Add(1))) },
	} {
		load.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					one(question())
				}
			}
		})
	}

	for i, address := range addresses {
		before := answered.Load()
		if err := replicas[i].process.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		replicas[i].ends(t)
		replicas[i] = replica(address)
		awaits(t, func() (bool, string) {
			series, _ := scrape(t, replicas[i].private)
			return series[`vigie_http_requests_total{code="200",route="graphql"}`] > 0, fmt.Sprintf("the proxy sends nothing to replica %d", i)
		})
		if answered.Load() == before {
			t.Errorf("nothing was asked while replica %d was replaced", i)
		}
	}
	close(over)
	load.Wait()
	close(failed)
	for said := range failed {
		t.Error(said)
	}
	t.Logf("%d requests", answered.Load())
}

// answers asks, and says what is wrong with the answer; "" if nothing is.
func answers(ctx context.Context, client *http.Client, base, token, question string) (wrong string) {
	text, err := json.Marshal(map[string]string{"query": question})
	if err != nil {
		return err.Error()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/graphql", bytes.NewReader(text))
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := client.Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || bytes.Contains(said, []byte(`"errors"`)) {
		return fmt.Sprintf("%s: %s %s %v", question, response.Status, said, err)
	}
	return ""
}

// A server that is to stop is no longer ready, and serves all the same, on connections that end with their answer; then
// it ends.
func TestStopsLater(t *testing.T) {
	t.Parallel()
	env := map[string]string{"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir(), "VIGIE_STOP_DELAY": "2s"}
	server := start(t, env, nil, "serve")
	base := server.listening(t)
	ready(t, base)
	server.stop()
	awaits(t, func() (bool, string) {
		status, body := get(t, base+"/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(string(body), stopsNow), fmt.Sprintf("/readyz answers %d: %s", status, body)
	})
	answer, err := http.Get(base + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK || !answer.Close {
		t.Errorf("it answers %s, and closes the connection: %t", answer.Status, answer.Close)
	}
	server.stops(t)
}
