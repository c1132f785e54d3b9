// Package storetest gives tests databases of every kind that the store runs on.
package storetest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
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
func SQLite(t testing.TB) string { return migrated(t, emptySQLite(t)) }

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
