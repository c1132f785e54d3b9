package database_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// No other package of the server asks which database it runs on.
func TestDialectsStayHere(t *testing.T) {
	for _, name := range []string{"store", "alert", "feed", "consumer", "service", "graph"} {
		err := filepath.WalkDir(filepath.Join("..", name), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "storetest") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, word := range []string{"postgres ", ".postgres", "pgconn", "sqlite3", "pg_advisory"} {
				if strings.Contains(string(text), word) {
					t.Errorf("%s contains %q", path, word)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
