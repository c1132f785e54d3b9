package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The file of settings in the repository is the one that the command prints, and `make generate` writes it.
func TestSettingsFile(t *testing.T) {
	kept, err := os.ReadFile("../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	c := run(t, nil, "", "settings")
	if c.status != 0 || c.out.String() != string(kept) {
		t.Errorf(".env.example is not what `vigie settings` prints (status %d): run `make generate`", c.status)
	}

	flags := flagsOf(t, "serve")
	own := composeOwn()
	env := make(map[string]string)
	for _, match := range regexp.MustCompile(`(?m)^# (.+)\n#(VIGIE_[A-Z_]+)=(.*)$`).FindAllStringSubmatch(c.out.String(), -1) {
		help, name, value := match[1], match[2], match[3]
		if _, twice := env[name]; twice || help == "" {
			t.Errorf("%s stands there twice, or without help: %q", name, help)
		}
		env[name] = strings.Trim(value, "'")
		if slices.ContainsFunc(own, func(v [3]string) bool { return v[0] == name }) {
			continue
		}
		if flags[name] == nil {
			t.Errorf("%s is no setting of a server", name)
		}
		delete(flags, name)
	}
	for name := range flags {
		t.Errorf("%s is missing", name)
	}
	// What it says is what holds where nothing is set.
	set, problems := settled(t, env)
	if len(problems) > 0 {
		t.Errorf("with all of it set: %v", problems)
	}
	unset, problems := settled(t, nil)
	if len(problems) > 0 || !reflect.DeepEqual(set, unset) {
		t.Errorf("with all of it set:\n%+v\nwith nothing set:\n%+v %v", set, unset, problems)
	}

	// With all of it set, a shell reads the same. So do commands by hand and the pipe of bounces.
	file := filepath.Join(t.TempDir(), "vigie.env")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(c.out.String(), "\n#VIGIE_", "\nVIGIE_")), 0o600); err != nil {
		t.Fatal(err)
	}
	shell := exec.CommandContext(t.Context(), "env", "-i", "sh", "-e", "-c", `set -a; . "$0"; exec env`, file)
	said, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for name, value := range env {
		if !strings.Contains("\n"+string(said), "\n"+name+"="+value+"\n") {
			t.Errorf("a shell does not read %s as %q", name, value)
		}
	}
}

// compose.yaml reads the file of settings, sets itself what the file says that it does, and knows its own variables.
func TestComposeSettings(t *testing.T) {
	text, err := os.ReadFile("../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	compose := string(text)
	if !strings.Contains(compose, "\n    env_file: [{path: .env, required: false}]\n") {
		t.Error("the server does not read .env")
	}
	var fixed []string
	for _, match := range regexp.MustCompile(`(?m)^      (VIGIE_[A-Z_]+): *(.+)$`).FindAllStringSubmatch(compose, -1) {
		if !strings.Contains(match[2], "${"+match[1]) {
			fixed = append(fixed, match[1])
		}
	}
	if !slices.Equal(fixed, composed()) {
		t.Errorf("compose.yaml sets %v itself", fixed)
	}
	flags, own := flagsOf(t, "serve"), make(map[string]bool)
	for _, match := range regexp.MustCompile(`\$\{(VIGIE_[A-Z_]+)`).FindAllStringSubmatch(compose, -1) {
		if flags[match[1]] == nil {
			own[match[1]] = true
		}
	}
	var listed []string
	for _, v := range composeOwn() {
		listed = append(listed, v[0])
		if v[2] != "" && !strings.Contains(compose, "${"+v[0]+":-"+v[2]+"}") {
			t.Errorf("the default of %s is not %s", v[0], v[2])
		}
	}
	if got := slices.Sorted(maps.Keys(own)); !slices.Equal(got, slices.Sorted(slices.Values(listed))) {
		t.Errorf("compose.yaml has variables of its own: %v", got)
	}
}
