package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// allCommands are the commands as people type them, with their flags.
func allCommands(t *testing.T) map[string][]*kong.Flag {
	t.Helper()
	p := &process{out: t.Output(), err: t.Output()}
	all := make(map[string][]*kong.Flag)
	for _, leaf := range p.parser(&commands{}, p.reader()).Model.Leaves(true) {
		all[strings.TrimPrefix(leaf.FullPath(), "vigie ")] = leaf.Flags
	}
	return all
}

// The manual page has every command and every flag, and no mistake that roff knows of.
func TestManual(t *testing.T) {
	c := run(t, nil, "", "manual")
	if c.status != 0 {
		t.Fatal(c.err.String())
	}
	roff := exec.Command("groff", "-man", "-ww", "-Tutf8", "-P-cbou", "-rLL=200n")
	var out, complaints bytes.Buffer
	roff.Stdin, roff.Stdout, roff.Stderr = strings.NewReader(c.out.String()), &out, &complaints
	if err := roff.Run(); err != nil || complaints.Len() > 0 {
		t.Fatalf("%v: %s", err, complaints.String())
	}
	page := strings.ReplaceAll(out.String(), "‐", "-")
	for name, flags := range allCommands(t) {
		if !strings.Contains(page, "\n   "+name) {
			t.Errorf("%s is missing", name)
		}
		for _, flag := range flags {
			if !strings.Contains(page, "--"+flag.Name) {
				t.Errorf("%s --%s is missing", name, flag.Name)
			}
		}
	}
}

// The help of a command shows what its flags are where nothing is set, and their bounds.
func TestHelpShowsDefaults(t *testing.T) {
	for name, flags := range allCommands(t) {
		c := run(t, nil, "", append(strings.Fields(name), "--help")...)
		help := strings.Join(strings.Fields(c.out.String()), " ")
		for _, flag := range flags {
			if flag.Default != "" && !strings.Contains(help, "default "+flag.Default+")") {
				t.Errorf("vigie %s --help does not say that --%s is %s", name, flag.Name, flag.Default)
			}
			if low, high, bounded := strings.Cut(flag.Tag.Get("bounds"), ".."); bounded && !strings.Contains(help, "("+low+" to "+high) {
				t.Errorf("vigie %s --help does not say that --%s is from %s to %s", name, flag.Name, low, high)
			}
		}
	}
}

// bash completes commands, their flags, and files.
func TestCompletion(t *testing.T) {
	script := run(t, nil, "", "completion")
	if script.status != 0 {
		t.Fatal(script.err.String())
	}
	complete := func(words ...string) string {
		t.Helper()
		c := exec.Command("bash", "-e", "-u", "-c", "eval \"$0\"\nCOMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1))\n_vigie\necho \"${COMPREPLY[@]:-}\"", script.out.String())
		c.Args = append(c.Args, words...)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	for typed, want := range map[string]string{
		"vigie ser": "serve", "vigie imp": "import", "vigie import ": "--help --version boamp decp ocds ted watches", "vigie import b": "boamp",
		"vigie import boamp --q": "--quiet", "vigie import boamp noti": "", "vigie account del": "delete", "vigie account delete --y": "--yes",
		"vigie serve --no-mig": "--no-migrate", "vigie serve --data x --database-": "--database-url", "vigie migrate --database-url x --da": "--data --database-url",
	} {
		if got := complete(strings.Split(typed, " ")...); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
	for name, flags := range allCommands(t) {
		for _, flag := range flags {
			typed := append(append([]string{"vigie"}, strings.Fields(name)...), "--"+flag.Name)
			if got := complete(typed...); !strings.Contains(" "+got+" ", " --"+flag.Name+" ") {
				t.Errorf("%v: %q", typed, got)
			}
		}
	}
}
