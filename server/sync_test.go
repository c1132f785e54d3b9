package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"vigie/source"
	"vigie/source/sourcetest"
	"vigie/store/storetest"
)

// theServices are public sources with two notices of today, of which TED has one too.
func theServices(t *testing.T) (environment map[string]string, services *sourcetest.Services) {
	t.Helper()
	services = sourcetest.New(time.Now, 1)
	today, deadline := string(source.DayOf(time.Now())), string(source.DayOf(time.Now()).Add(30))+"T12:00"
	services.Publish(
		&sourcetest.Notice{
			ID: "0d3c1a5e-0000-4000-8000-000000000001", Procedure: "0d3c1a5e-1111-4111-8111-000000000001", BOAMP: "26-1", TED: "700-2026",
			Day: today, Kind: "call", Title: "Réfection de la voirie", Buyer: "Commune de Valfleury", Deadline: deadline,
		},
		&sourcetest.Notice{
			ID: "0d3c1a5e-0000-4000-8000-000000000002", Procedure: "0d3c1a5e-1111-4111-8111-000000000002", BOAMP: "26-2",
			Day: today, Kind: "call", Title: "Éclairage public", Buyer: "Commune de Valfleury", Deadline: deadline,
		},
	)
	boamp, ted, decp := httptest.NewServer(services.BOAMP()), httptest.NewServer(services.TED()), httptest.NewServer(services.DECP())
	t.Cleanup(boamp.Close)
	t.Cleanup(ted.Close)
	t.Cleanup(decp.Close)
	return map[string]string{"VIGIE_BOAMP_URL": boamp.URL, "VIGIE_TED_URL": ted.URL, "VIGIE_TED_SEARCH_URL": ted.URL, "VIGIE_DECP_URL": decp.URL, "VIGIE_SOURCE_RATE": "6000"}, services
}

// The command reads what is there, once; what a source cannot give is said, and makes it fail.
func TestSync(t *testing.T) {
	t.Parallel()
	environment, services := theServices(t)
	data := t.TempDir()
	runs := func(want int, arguments ...string) string {
		t.Helper()
		c := run(t, environment, "", append(arguments, "--data", data)...)
		if c.status != want {
			t.Fatalf("%v: status %d\n%s%s", arguments, c.status, c.out.String(), c.err.String())
		}
		return c.out.String() + c.err.String()
	}
	runs(0, "migrate")
	if said := runs(0, "sync"); !strings.Contains(said, "boamp: 2 notices read: 2 new") || !strings.Contains(said, "ted: 1 notice read: 1 new") {
		t.Error(said)
	}
	if said := runs(0, "sync", "boamp"); !strings.Contains(said, "boamp: 2 notices read: 0 new (corrections of other notices: 0), 0 changed, 2 unchanged") || strings.Contains(said, "ted:") {
		t.Error(said)
	}
	services.SetFault(func(*http.Request) string { return "empty 202" }) // which is not asked for again
	if said := runs(1, "sync", "ted"); !strings.Contains(said, "not read whole") {
		t.Error(said)
	}
}

// A command that is interrupted says so, and fails: what it was to do is not done.
func TestInterrupted(t *testing.T) {
	asked := make(chan struct{}, 100)
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer silent.Close()
	c := start(t, map[string]string{"VIGIE_BOAMP_URL": silent.URL}, nil, "sync", "boamp", "--database-url", storetest.SQLite(t))
	<-asked
	c.stop()
	if <-c.ended; c.status != 1 || !strings.HasSuffix(c.err.String(), "vigie: interrupted\n") {
		t.Errorf("status %d, %s", c.status, c.err.String())
	}
}

// A server follows the sources that it is told to, and says how far it got.
func TestServeFollows(t *testing.T) {
	t.Parallel()
	environment, _ := theServices(t)
	for name, value := range whole(t) {
		environment[name] = value
	}
	environment["VIGIE_SOURCES"] = "boamp,ted"
	base := start(t, environment, nil, "serve").listening(t)
	ready(t, base)
	eventually(t, base, `{ sources { name label behind lastError noticesToday } }`, nil,
		"map[sources:[map[behind:0 label:BOAMP lastError:<nil> name:boamp noticesToday:2] map[behind:0 label:TED lastError:<nil> name:ted noticesToday:1]]]")
}
