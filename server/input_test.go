package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vigie/store/storetest"
)

// What cannot be imported is named with the reason, the status says so, and nothing is said to have been read.
func TestImportOfNothing(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty, blank, missing := file("empty.json", ""), file("blank.json", " \n"), filepath.Join(dir, "missing.json")
	database := adopted(t, storetest.SQLite(t))
	for _, what := range []string{"boamp", "ted", "ocds", "decp", "watches"} {
		for given, says := range map[string]string{
			empty: "there is nothing in it", blank: "there is nothing in it", "-": "there is nothing in it",
			missing: "no such file or directory", dir: "it is a folder: name the files in it",
		} {
			args := []string{"import", what, "--database-url", database, given}
			if what == "watches" {
				args = append(args, "--secret", testSecret)
			}
			if c := run(t, nil, "", args...); c.status != 1 || c.out.String() != "" || !strings.HasSuffix(c.err.String(), "\nvigie: "+given+": "+says+"\n") {
				t.Errorf("import %s %s: status %d, %s%s", what, given, c.status, c.out.String(), c.err.String())
			}
		}
	}

	// The others are imported all the same, and counted.
	one := file("one.json", `{"idweb":"26-1","objet":"Voirie","dateparution":"2026-11-02","nomacheteur":"Commune"}`)
	c := run(t, nil, "", "import", "boamp", "--database-url", database, empty, one, missing)
	if want := "1 notice read: 1 new (corrections of other notices: 0), 0 changed, 0 unchanged, 0 refused.\n"; c.status != 1 || c.out.String() != want {
		t.Errorf("one file of three: status %d, %s", c.status, c.out.String())
	}
	if want := "\nvigie: " + empty + ": there is nothing in it\nvigie: " + missing + ": no such file or directory\n"; !strings.HasSuffix(c.err.String(), want) {
		t.Errorf("of the others it says %s", c.err.String())
	}
	// A list of none is right.
	if c := run(t, nil, "[]", "import", "boamp", "--database-url", database, "-"); c.status != 0 || !strings.HasPrefix(c.out.String(), "0 notices read") {
		t.Errorf("an empty list: status %d, %s%s", c.status, c.out.String(), c.err.String())
	}
}

// A release that says only what changed is read with an earlier one of another file of the same import.
func TestImportFilesTogether(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for i, release := range []string{
		`{"ocid":"ocds-1","id":"1","date":"2026-11-01T00:00:00Z","tag":["tender"],"buyer":{"name":"Commune"},"tender":{"title":"Voirie"}}`,
		`{"ocid":"ocds-1","id":"2","date":"2026-11-02T00:00:00Z","tag":["tenderUpdate"],"tender":{"tenderPeriod":{"endDate":"2026-12-24T12:00:00Z"}}}`,
	} {
		files = append(files, filepath.Join(dir, fmt.Sprint(i, ".json")))
		if err := os.WriteFile(files[i], []byte(release), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	database := adopted(t, storetest.SQLite(t))
	if c := run(t, nil, "", "import", "ocds", "--database-url", database, files[1]); c.status != 1 || !strings.Contains(c.err.String(), "Import the files of the procedure together, the oldest first") {
		t.Errorf("by itself: status %d, %s%s", c.status, c.out.String(), c.err.String())
	}
	c := run(t, nil, "", "import", "ocds", "--database-url", database, files[0], files[1])
	if want := "2 notices read: 2 new (corrections of other notices: 1), 0 changed, 0 unchanged, 0 refused.\n"; c.status != 0 || c.out.String() != want {
		t.Errorf("together: status %d, %s%s", c.status, c.out.String(), c.err.String())
	}
}

// A person at a terminal learns that a command waits for what is to be typed.
func TestStandardInput(t *testing.T) {
	for asks, want := range map[bool]string{true: "vigie: reading standard input, up to its end (Ctrl-D)\n", false: ""} {
		c := startWith(t, nil, func(p *process) { p.in, p.asks = strings.NewReader("Voirie"), asks }, "analyze")
		if <-c.ended; c.out.String() != "voirie\n" || c.err.String() != want {
			t.Errorf("%v: %s%s", asks, c.out.String(), c.err.String())
		}
	}
}
