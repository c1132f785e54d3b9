package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"vigie/search"
	"vigie/store/storetest"
)

// With JSON each line is an object; below the level that is set, nothing is written.
func TestLogSettings(t *testing.T) {
	env := map[string]string{"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir(), "VIGIE_LOG_FORMAT": "json"}
	server := start(t, env, nil, "serve")
	server.said(t, `"level":"INFO","msg":"listening","address":"(127\.0\.0\.1:\d+)"`)
	server.stops(t)
	if want := `"msg":"stopping","after":"0s"`; !strings.Contains(server.err.String(), want) {
		t.Errorf("it does not say %s:\n%s", want, server.err.String())
	}
	for line := range strings.Lines(server.err.String()) {
		var said struct{ Time, Level, Msg string }
		if err := json.Unmarshal([]byte(line), &said); err != nil || said.Time == "" || said.Level == "" || said.Msg == "" {
			t.Errorf("%q: %v", line, err)
		}
	}
	for level, want := range map[string]string{"debug": "DEBUG INFO WARN ERROR", "info": "INFO WARN ERROR", "warn": "WARN ERROR", "error": "ERROR"} {
		var said safeBuffer
		log := (&process{err: &said, logging: logSettings{LogLevel: level}}).log()
		for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
			log.Log(t.Context(), l, "x")
		}
		var got []string
		for _, m := range regexp.MustCompile(`level=(\w+)`).FindAllStringSubmatch(said.String(), -1) {
			got = append(got, m[1])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("at level %s it writes %v", level, got)
		}
	}
}

// While a dependency is away, what fails for want of it is no news; all else is.
func TestCalm(t *testing.T) {
	var said safeBuffer
	away := true
	log := (&process{err: &said, away: func() bool { return away }}).log().With("consumer", "index")
	log.Error("one", "error", search.Unavailable(errors.New("connection refused")))
	log.Error("two", "error", errors.New("a defect"))
	away = false
	log.Error("three", "error", search.Unavailable(errors.New("connection refused")))
	log.Error("four", "error", search.Unavailable(errors.New("connection refused")))
	if got := said.String(); strings.Contains(got, "one") || !strings.Contains(got, "two") || !strings.Contains(got, "three") || strings.Contains(got, "four") {
		t.Errorf("it writes:\n%s", got)
	}
}

// What libraries write to Go's own log has the form of the others.
func TestLibrariesLogAsWeDo(t *testing.T) {
	before := slog.Default()
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(os.Stderr)
		log.SetFlags(log.LstdFlags)
	})
	env := whole(t)
	env["VIGIE_LOG_FORMAT"], env["VIGIE_ALLOWED_ORIGINS"] = "json", "https://platform.example"
	server := startWith(t, env, func(p *process) { p.takeLog = slog.SetDefault }, "serve")
	base := "http://" + server.said(t, `"address":"(127\.0\.0\.1:\d+)"`)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-WebSocket-Protocol": "graphql-transport-ws", "Origin": "https://elsewhere.example",
	} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	server.said(t, `(unable to upgrade)`)
	for line := range strings.Lines(server.err.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

// An outage of the database is one line when it begins and one when it ends, though all consumers fail and all
// requests, and at most one of the request that finds out.
func TestOutageIsLoggedOnce(t *testing.T) {
	t.Parallel()
	database := storetest.Postgres(t)
	away := newLine(t, regexp.MustCompile(`@([^/]+)/`).FindStringSubmatch(database)[1])
	env := map[string]string{
		"VIGIE_DATABASE_URL": away.toward(t, database), "VIGIE_DATA": t.TempDir(), "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0",
		"VIGIE_MAIL_URL": "outbox:" + t.TempDir(), "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_PUBLIC_URL": "https://vigie.example",
	}
	server := start(t, env, nil, "serve")
	base, private := server.listening(t), server.private(t)
	ready(t, base)
	s := newSurvivor(t, server)
	idle(t, private)
	before := len(server.err.String())
	away.become(cut, "")
	awaits(t, func() (bool, string) {
		ask(t, base, s.token, `{ watches { nodes { name } } }`, nil)
		series, _ := scrape(t, private)
		failures := 0.0
		for name, value := range series {
			if strings.HasPrefix(name, "vigie_consumer_failures_total") {
				failures += value
			}
		}
		return failures > 8 && series[`vigie_dependency_up{dependency="database"}`] == 0, fmt.Sprintf("consumers failed %v times", failures)
	})
	away.become("", "")
	ready(t, base)
	s.publish()
	s.finds()
	var lines []string
	for line := range strings.Lines(server.err.String()[before:]) {
		if !strings.Contains(line, "search index") {
			lines = append(lines, line)
		}
	}
	if len(lines) == 3 && strings.Contains(lines[0], `msg="sign-in failed"`) {
		lines = lines[1:]
	}
	if len(lines) != 2 || !strings.Contains(lines[0], `msg="dependency does not answer" dependency=database`) || !strings.Contains(lines[1], `msg="dependency answers again" dependency=database`) {
		t.Errorf("%d lines are logged:\n%s", len(lines), strings.Join(lines, ""))
	}
}

// A collector of traces that fails is logged like any other dependency, in our form and once, and so is that it works
// again.
func TestCollectorFails(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
	var away atomic.Bool
	away.Store(true)
	reached := make(chan struct{}, 1000)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached <- struct{}{}
		if away.Load() {
			w.WriteHeader(http.StatusBadRequest) // which is not tried again
		}
	}))
	defer collector.Close()
	env := map[string]string{"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir(), "VIGIE_OTLP_URL": collector.URL}
	server := start(t, env, nil, "serve")
	base := server.listening(t)
	ready(t, base)
	// Before there was anything to send, nobody knows; an alert that it is away would be wrong.
	if series, _ := scrape(t, server.private(t)); !math.IsNaN(series[`vigie_dependency_up{dependency="collector"}`]) {
		t.Errorf("the collector was not asked, and is said to be %v", series[`vigie_dependency_up{dependency="collector"}`])
	}
	for range 3 {
		ask(t, base, "", `{ departments { code } }`, nil)
		<-reached
	}
	said := func(want string) {
		t.Helper()
		awaits(t, func() (bool, string) {
			ask(t, base, "", `{ departments { code } }`, nil)
			return strings.Contains(server.err.String(), want), "it does not say " + want + ":\n" + server.err.String()
		})
	}
	said(`msg="dependency does not answer" dependency=collector`)
	away.Store(false)
	said(`msg="dependency answers again" dependency=collector`)
	if n := strings.Count(server.err.String(), "dependency=collector"); n != 2 {
		t.Errorf("%d lines:\n%s", n, server.err.String())
	}
}

// ourCode is the code of the product, without tests and benchmarks, line by line.
func ourCode(t *testing.T) (lines []string) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "bench" || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		lines = append(lines, strings.Split(string(text), "\n")...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// Each line says which part of the server it is about, and what that did, so that it can be searched for.
func TestLogLinesNameTheirPart(t *testing.T) {
	written := regexp.MustCompile(`\b[Ll]og\.(?:Debug|Info|Warn|Error)(?:Context)?\([^"]*"([^"]+)"(.*)`)
	found := 0
	for _, line := range ourCode(t) {
		m := written.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		found++
		// A consumer's lines about errors, and the sender's of a mail, have both from where they are made.
		if strings.Contains(m[2], "about(") || slices.Contains([]string{"recipient suppressed", "mail given up", "mail refused, to be tried again"}, m[1]) {
			continue
		}
		if !strings.Contains(m[2], `"component", "`) || !strings.Contains(m[2], `"action", `) {
			t.Errorf("of what part is %q, and what did it do?", m[1])
		}
	}
	if found < 40 {
		t.Errorf("only %d lines are written", found)
	}
}

// What the documents have operators look for in the log is what the server writes.
func TestLogIsQuoted(t *testing.T) {
	code, quoted := strings.Join(ourCode(t), "\n"), 0
	for _, document := range []string{"docs/operations.md", "docs/runbook.md"} {
		for _, message := range names(t, document, `msg="([^"]+)"`) {
			quoted++
			if !strings.Contains(code, `, "`+message+`"`) {
				t.Errorf("%s has operators look for %q, which nothing logs", document, message)
			}
		}
	}
	if quoted < 8 {
		t.Errorf("the documents quote %d lines", quoted)
	}
}
