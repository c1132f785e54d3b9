package database_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/database"
	"vigie/store"
	"vigie/store/storetest"
)

// Probing a database changes nothing, and a file that is not a database is an error.
func TestProbe(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			url := open(t)
			s, err := store.Open(t.Context(), url, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			version, err := database.Probe(t.Context(), url)
			if err != nil || !strings.Contains(version, "SQL") {
				t.Errorf("%q, %v", version, err)
			}
		})
	}
	missing := filepath.Join(t.TempDir(), "none.db")
	if _, err := database.Probe(t.Context(), "sqlite:"+missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("file that does not exist: %v", err)
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("the file was created")
	}
	other := filepath.Join(t.TempDir(), "letter.txt")
	if err := os.WriteFile(other, []byte(strings.Repeat("Bonjour ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"sqlite:" + other, "postgres://nobody:hunter2@127.0.0.1:1/none", "mysql://x"} {
		if _, err := database.Probe(t.Context(), url); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// Of a file that is damaged operators learn what to do: most often a backup was put beside the -wal of what was there before.
func TestDamagedFile(t *testing.T) {
	url := storetest.SQLite(t)
	s, err := store.Open(t.Context(), url, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(strings.TrimPrefix(url, "sqlite:"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte(strings.Repeat("\xff", 3000)), 100); err != nil { // behind the header
		t.Fatal(err)
	}
	file.Close()
	_, err = database.Probe(t.Context(), url)
	if e, ok := errors.AsType[*vigie.Error](err); !ok || e.Code != vigie.Internal || !strings.Contains(e.Text.EN, "-wal") {
		t.Errorf("%v", err)
	}
}
