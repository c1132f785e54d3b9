package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// modes are the permissions of files and folders.
func modes(t *testing.T, paths ...string) string {
	t.Helper()
	var all []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, info.Mode().Perm().String())
	}
	return strings.Join(all, " ")
}

// A file that is not a database is left as it is.
func TestForeignDatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "letter.txt")
	if err := os.WriteFile(file, []byte("Bonjour"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"audit", "migrate"} {
		if c := run(t, nil, "", name, "--database-url", "sqlite:"+file); c.status != 1 || !strings.Contains(c.err.String(), "not a database") || strings.Count(c.err.String(), "\n") != 2 {
			t.Errorf("%s: status %d, %s", name, c.status, c.err.String())
		}
		if text, err := os.ReadFile(file); err != nil || string(text) != "Bonjour" || modes(t, file) != "-rw-r--r--" {
			t.Errorf("%s: the file has %q, %s", name, text, modes(t, file))
		}
	}
}

// The database of people's watches and addresses is for its owner alone: where
// it is made, and where it was made for all to read. What its operator gave a
// group stays so.
func TestPrivateDatabase(t *testing.T) {
	dir := t.TempDir()
	migrate := func(args ...string) string {
		t.Helper()
		c := run(t, nil, "", append([]string{"migrate"}, args...)...)
		if c.status != 0 {
			t.Fatal(c.err.String())
		}
		return c.err.String()
	}
	data := filepath.Join(dir, "data")
	file := filepath.Join(data, "vigie.db")
	if said := migrate("--data", data); strings.Contains(said, "permissions") {
		t.Errorf("of a new one it says %s", said)
	}
	if got := modes(t, data, file); got != "-rwx------ -rw-------" {
		t.Errorf("new: %s", got)
	}

	for name, c := range map[string]struct {
		folder, file os.FileMode
		want         string
		says         int
	}{
		"for all to read":  {0o755, 0o644, "-rwx------ -rw-------", 2},
		"for all to write": {0o777, 0o666, "-rwx------ -rw-------", 2},
		"for a group":      {0o750, 0o640, "-rwxr-x--- -rw-r-----", 0},
		"as new":           {0o700, 0o600, "-rwx------ -rw-------", 0},
	} {
		if err := os.Chmod(data, c.folder); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, c.file); err != nil {
			t.Fatal(err)
		}
		said := migrate("--data", data)
		if got := modes(t, data, file); got != c.want || strings.Count(said, "permissions") != c.says {
			t.Errorf("%s: %s; it says %q", name, got, said)
		}
	}

	// A folder that was named for nothing but one file is not ours to close.
	elsewhere := filepath.Join(dir, "elsewhere")
	if err := os.Mkdir(elsewhere, 0o755); err != nil {
		t.Fatal(err)
	}
	migrate("--database-url", "sqlite:"+filepath.Join(elsewhere, "x.db"))
	if got := modes(t, elsewhere, filepath.Join(elsewhere, "x.db")); got != "-rwxr-xr-x -rw-------" {
		t.Errorf("by its own name: %s", got)
	}
}

// What SQLite keeps beside a database that is open is as private as that.
func TestPrivateWhileOpen(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	server := start(t, map[string]string{"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": data}, nil, "serve")
	ready(t, server.listening(t))
	files, err := filepath.Glob(filepath.Join(data, "vigie.db*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		if got := modes(t, file); got != "-rw-------" {
			t.Errorf("%s: %s", file, got)
		}
	}
}
