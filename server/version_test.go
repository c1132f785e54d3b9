package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A build as `make build` does it says its version and its commit, by whichever way it is asked; without the history it
// is built all the same, and says what the environment says.
func TestVersionOfBuild(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	if want := "go build -trimpath -buildvcs=false -ldflags \"$$(scripts/linker-flags)\" -o bin/vigie ./server"; !strings.Contains(string(makefile), want) {
		t.Errorf("`make build` is not %s", want)
	}
	flags := output(t, "..", nil, "scripts/linker-flags")
	program := filepath.Join(t.TempDir(), "vigie")
	output(t, "..", []string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", program, "./server")
	commit := output(t, "..", nil, "git", "rev-parse", "HEAD")
	version := output(t, "..", nil, "git", "describe", "--tags", "--always", "--dirty")
	want := "vigie " + version + " (commit " + commit + ", go"
	for _, asked := range []string{"version", "--version"} {
		if said := output(t, t.TempDir(), nil, program, asked); !strings.HasPrefix(said, want) {
			t.Errorf("vigie %s says %s, not %s…", asked, said, want)
		}
	}

	// Without a history: the script is in a folder of its own.
	script, err := os.ReadFile("../scripts/linker-flags")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "scripts"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "scripts", "linker-flags"), script, 0o700); err != nil {
		t.Fatal(err)
	}
	for want, env := range map[string][]string{
		"-X main.version= -X main.revision=":            nil,
		"-X main.version=1.2.0 -X main.revision=c0ffee": {"VIGIE_VERSION=1.2.0", "VIGIE_REVISION=c0ffee"},
	} {
		if got := output(t, folder, env, "scripts/linker-flags"); got != want {
			t.Errorf("without a history: %s, not %s", got, want)
		}
	}
}

// output runs a program in a folder, and returns what it prints, without the end of the line.
func output(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	if strings.Contains(name, "/") && !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	if absolute, err := filepath.Abs(name); err == nil && strings.Contains(name, "/") {
		name = absolute
	}
	c := exec.Command(name, args...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
	return strings.TrimSuffix(string(out), "\n")
}
