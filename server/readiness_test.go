package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/search"
	"vigie/server/dependency"
)

// nobody is an address at which nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer closed.Close()
	return closed.Addr().String()
}

// A server without its search engine, mail server and issuer can do the rest of its work, and is ready: a load balancer
// must not remove all replicas. Who is away, where and why is for operators: at their own address, and in the log, once
// for each.
func TestReadyWithoutOthers(t *testing.T) {
	t.Parallel()
	engine, mail, issuer := nobody(t), nobody(t), nobody(t)
	env := map[string]string{
		"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir(), "VIGIE_SEARCH_URL": "http://" + engine,
		"VIGIE_MAIL_URL": "smtp://" + mail, "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_PUBLIC_URL": "https://vigie.example",
		"VIGIE_OIDC_ISSUER": "http://" + issuer, "VIGIE_OIDC_AUDIENCE": "vigie",
	}
	server := start(t, env, nil, "serve")
	base, private := server.listening(t), server.private(t)
	ready(t, base)
	away := map[string]string{"search": engine, "mail": mail, "issuer": issuer}
	awaits(t, func() (bool, string) {
		status, body := get(t, private+"/readyz")
		said := map[string]any{}
		if err := json.Unmarshal(body, &said); err != nil {
			t.Fatal(err)
		}
		for name, address := range away {
			if !strings.Contains(fmt.Sprint(said[name]), address) {
				return false, fmt.Sprintf("the private answer does not say that %s is away: %s", name, body)
			}
		}
		return status == http.StatusOK && said["database"] == "ok" && said["behind"] != nil, fmt.Sprintf("the private answer is %d %s", status, body)
	})
	for range 2 {
		if status, body := get(t, base+"/readyz"); status != http.StatusOK || strings.TrimSpace(string(body)) != `{"ready":true}` {
			t.Errorf("the public answer is %d %s", status, body)
		}
	}
	for name := range away {
		if n := strings.Count(server.err.String(), `msg="dependency does not answer" dependency=`+name); n != 1 {
			t.Errorf("that %s is away is logged %d times:\n%s", name, n, server.err.String())
		}
	}
}

// A process that has never had its index waits for it while the search engine answers, for replicas of another version
// may have theirs; one that had it goes on without it.
func TestReadyOnceComplete(t *testing.T) {
	var failed error
	c := &readiness{
		database: awaited(t, nil), search: awaited(t, nil), index: func() error { return failed },
	}
	failed = errors.New("being built")
	if got := c.reason(); got != indexIsMissing {
		t.Errorf("while it is built: %q", got)
	}
	failed = nil
	if got := c.reason(); got != "" {
		t.Errorf("once it is built: %q", got)
	}
	failed = errors.New("being built again")
	if got := c.reason(); got != "" {
		t.Errorf("when it is lost: %q", got)
	}
	c.stopping.Store(true)
	if got := c.reason(); got != stopsNow {
		t.Errorf("when it stops: %q", got)
	}
	at := httptest.NewServer(http.HandlerFunc(c.forAnyone))
	defer at.Close()
	if said := run(t, nil, "", "health", "--listen", at.Listener.Addr().String()); said.status != 1 || !strings.Contains(said.err.String(), "not ready: "+meaningOf(stopsNow)+"\n") {
		t.Errorf("the command health ends with %d: %s", said.status, said.err.String())
	}
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	if said := run(t, nil, "", "health", "--listen", other.Listener.Addr().String()); said.status != 1 || !strings.Contains(said.err.String(), "is not a Vigie server: it answers /readyz with 404 Not Found") {
		t.Errorf("of another server it says: %d, %s", said.status, said.err.String())
	}
	for _, reason := range []string{stopsNow, noDatabase, indexIsMissing} {
		if meaningOf(reason) == "" {
			t.Errorf("nothing says what %q means", reason)
		}
	}
}

// awaited is a dependency that was asked, and answered with err.
func awaited(t *testing.T, err error) *dependency.Dependency {
	t.Helper()
	d := dependency.New("test", func(context.Context) error { return err }, operatorMessage, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	awaits(t, func() (bool, string) { return d.Answers() || d.Err() != nil, "the dependency is not asked" })
	cancel()
	running.Wait()
	return d
}

// A search is not even tried while the search engine is known to be away.
func TestSearchKnownToBeAway(t *testing.T) {
	asked, r := &countedIndex{}, prometheus.NewRegistry()
	seconds := newSearchSeconds(r)
	for _, test := range []struct {
		err  error
		want int
	}{{nil, 2}, {errors.New("connection refused"), 0}} {
		*asked = countedIndex{}
		index := guardedIndex{asked, awaited(t, test.err), seconds}
		_, searching := index.Search(t.Context(), nil)
		_, words := index.Words(t.Context())
		if asked.times != test.want {
			t.Errorf("with %v: asked %d times", test.err, asked.times)
		}
		for _, err := range []error{searching, words} {
			if test.err == nil && err != nil || test.err != nil && (vigie.CodeOf(err) != vigie.Unavailable || !errors.Is(err, test.err)) {
				t.Errorf("with %v: %v", test.err, err)
			}
		}
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if got := families[0].GetMetric()[0].GetHistogram().GetSampleCount(); got != 1 {
		t.Errorf("the time of %d searches is known; the engine was asked for one", got)
	}
}

// countedIndex counts what it is asked.
type countedIndex struct {
	search.Index
	times int
}

func (x *countedIndex) Search(context.Context, []search.Query) ([]search.Result, error) {
	x.times++
	return nil, nil
}

func (x *countedIndex) Words(context.Context) (map[string]int, error) {
	x.times++
	return nil, nil
}
