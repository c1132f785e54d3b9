package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vigie"
	"vigie/store/storetest"
)

// The units of systemd are valid, and leave the services little that they could do: « exposure » goes from 0 to 10. Below 2
// are services that network and a folder of their own is left to; who has another service reloaded is root.
func TestSystemdUnits(t *testing.T) {
	analyze := program(t, "systemd-analyze")
	for name, exposure := range map[string]string{"vigie": "15", "vigie-upstream": "55"} {
		binary := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(binary, []byte("#!/bin/sh\n"), 0o700); err != nil { //nolint:gosec // it has to be executable
			t.Fatal(err)
		}
		unit := filepath.Join(t.TempDir(), name+".service")
		if err := os.WriteFile(unit, []byte(changed(t, "../deploy/systemd/"+name+".service", "/usr/local/bin/"+name+" ", binary+" ")), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, arguments := range [][]string{{"verify", unit}, {"security", "--offline=true", "--threshold=" + exposure, unit}} {
			said, err := exec.CommandContext(t.Context(), analyze, arguments...).CombinedOutput()
			if err != nil || arguments[0] == "verify" && len(strings.TrimSpace(string(said))) > 0 {
				t.Errorf("%s: systemd-analyze %s: %v\n%s", name, arguments[0], err, said)
			}
		}
	}
}

// What mail servers pipe bounces to gives them to Vigie with the server's settings; where these are not there, or cannot be
// used now, the mail server is asked to try again.
func TestBouncePipe(t *testing.T) {
	beServed()
	b := newBouncing(t, storetest.SQLite(t))
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("vigie", fmt.Sprintf("#!/bin/sh\n%s=\"$*\" exec %q '-test.run=^%s$'\n", terminated, os.Args[0], t.Name()), 0o700)
	path := dir + ":" + os.Getenv("PATH")
	pipe := func(settings string) (status int, says string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), "../deploy/mail/vigie-bounce")
		command.Env = []string{"PATH=" + path, "SETTINGS=" + settings}
		command.Stdin = strings.NewReader(b.returned)
		said, err := command.CombinedOutput()
		if ended, ok := errors.AsType[*exec.ExitError](err); ok {
			return ended.ExitCode(), string(said)
		} else if err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		return 0, string(said)
	}
	if status, _ := pipe(filepath.Join(dir, "nowhere.env")); status != tryAgain {
		t.Errorf("without settings: status %d", status)
	}
	if status, says := pipe(write("unquoted.env", "VIGIE_BRAND_NAME=Marchés (Cie)\n", 0o600)); status != tryAgain || !strings.Contains(says, "need quotes") {
		t.Errorf("with settings that no shell can read: status %d, %s", status, says)
	}
	path = "/usr/bin:/bin"
	if status, says := pipe(write("any.env", "", 0o600)); status != tryAgain || !strings.Contains(says, "no program vigie") {
		t.Errorf("without the program: status %d, %s", status, says)
	}
	path = dir + ":" + path
	// Where no database is named, it is where the service has it.
	folder := names(t, "deploy/systemd/vigie.service", `Environment=VIGIE_DATA=(\S+)`)[0]
	if status, says := pipe(write("secret.env", "VIGIE_SECRET='"+testSecret+"'\n", 0o600)); status != tryAgain || !strings.Contains(says, "sqlite:"+folder+"/vigie.db") {
		t.Errorf("without a database: status %d, %s", status, says)
	}
	settings := "VIGIE_DATABASE_URL='" + b.env["VIGIE_DATABASE_URL"] + "'\nVIGIE_BRAND_NAME='Marchés & Cie'\nVIGIE_SECRET='%s'\n"
	if status, _ := pipe(write("wrong.env", fmt.Sprintf(settings, "short"), 0o600)); status != tryAgain {
		t.Errorf("with a wrong setting: status %d", status)
	}
	b.expect(t, vigie.Pending)
	if status, says := pipe(write("vigie.env", fmt.Sprintf(settings, testSecret), 0o600)); status != 0 {
		t.Errorf("status %d: %s", status, says)
	}
	b.expect(t, vigie.Bounced)
}

// What the workflow asks of the images is the README's first query, and says whether it was answered.
func TestFirstQuery(t *testing.T) {
	base, _ := demoServer(t)
	if said, err := exec.CommandContext(t.Context(), "../scripts/first-query", base).CombinedOutput(); err != nil || !strings.Contains(string(said), "onlineCount") {
		t.Errorf("%v: %s", err, said)
	}
	server := start(t, map[string]string{"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir()}, nil, "serve")
	if said, err := exec.CommandContext(t.Context(), "../scripts/first-query", server.listening(t)).CombinedOutput(); err == nil {
		t.Errorf("without a token it is content with %s", said)
	}
}
