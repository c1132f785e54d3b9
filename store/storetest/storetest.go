// Package storetest gives tests databases of every kind that the store runs on.
package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"vigie/store"
)

// Kinds returns the kinds of database, by name; each function returns the URL of an empty, migrated database, which
// is deleted with the test.
func Kinds() map[string]func(testing.TB) string {
	return map[string]func(testing.TB) string{"sqlite": SQLite, "postgres": Postgres}
}

// Empty is [Kinds] without tables.
func Empty() map[string]func(testing.TB) string {
	return map[string]func(testing.TB) string{"sqlite": emptySQLite, "postgres": emptyPostgres}
}

// SQLite returns the URL of a migrated database in a file.
func SQLite(t testing.TB) string {
	file, err := template()
	if err != nil {
		t.Fatal(err)
	}
	url := emptySQLite(t)
	if err := os.WriteFile(strings.TrimPrefix(url, "sqlite:"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	return migrated(t, url)
}

// template is a migrated file, without the settings that each database draws for itself. Under the race detector the
// migrations take a second, and a test process needs hundreds of databases.
var template = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "vigie-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "vigie.db")
	if err := store.Migrate(context.Background(), "sqlite:"+path); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, err
	}
	_, err = db.Exec("DELETE FROM settings WHERE name IN ('epoch', 'id_key', 'last_plain_id')")
	if err = errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// Postgres returns the URL of a migrated schema of its own in the server of VIGIE_TEST_POSTGRES_URL. Without that
// variable the test is skipped with a visible message; in the whole test run it fails.
func Postgres(t testing.TB) string { return migrated(t, emptyPostgres(t)) }

func migrated(t testing.TB, url string) string {
	if err := store.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	return url
}

func emptySQLite(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "vigie.db") }

func emptyPostgres(t testing.TB) string {
	base := os.Getenv("VIGIE_TEST_POSTGRES_URL")
	if base == "" {
		if os.Getenv("VIGIE_TEST_ALL") != "" {
			t.Fatal("VIGIE_TEST_POSTGRES_URL is not set: PostgreSQL is mandatory in the whole test run")
		}
		t.Skip("NOT RUN ON POSTGRESQL: set VIGIE_TEST_POSTGRES_URL, or run `make test`")
	}
	conn, err := pgx.Connect(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	schema := fmt.Sprintf("t%d_%s", time.Now().UnixNano(), strings.Map(letters, strings.ToLower(t.Name())))
	schema = schema[:min(len(schema), 60)]
	if _, err := conn.Exec(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		if _, err := conn.Exec(ctx, "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			t.Error(err)
		}
		conn.Close(ctx)
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

func letters(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
		return r
	}
	return -1
}
