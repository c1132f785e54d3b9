package store_test

import (
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/database"
	"vigie/store"
	"vigie/store/storetest"
)

// A database is opened only if its migrations are those of this version.
func TestOpenChecksSchema(t *testing.T) {
	for kind, empty := range storetest.Empty() {
		t.Run(kind, func(t *testing.T) {
			url := empty(t)
			code := func() vigie.Code {
				t.Helper()
				s, err := store.Open(t.Context(), url, time.Now)
				if err == nil {
					s.Close()
				}
				return vigie.CodeOf(err)
			}
			if got := code(); got != database.Empty {
				t.Errorf("without tables: %q", got)
			}
			for range 2 { // the second time changes nothing
				if err := store.Migrate(t.Context(), url); err != nil {
					t.Fatal(err)
				}
				if got := code(); got != "" {
					t.Errorf("migrated: %q", got)
				}
			}
			storetest.Exec(t, url, "INSERT INTO bun_migrations (name, group_id) VALUES ('29990101000000', 99)")
			if got := code(); got != database.Newer {
				t.Errorf("with a migration that is not known: %q", got)
			}
			if err := store.Migrate(t.Context(), url); vigie.CodeOf(err) != database.Newer {
				t.Errorf("migrated nevertheless: %v", err)
			}
			storetest.Exec(t, url, "DELETE FROM bun_migrations WHERE name = '29990101000000'")
			storetest.Exec(t, url, "DELETE FROM bun_migrations WHERE name = '20261126000002'")
			if got := code(); got != database.Older {
				t.Errorf("without the last migration: %q", got)
			}
			storetest.Exec(t, url, "DELETE FROM bun_migrations")
			if got := code(); got != database.Empty {
				t.Errorf("with a migration that had only begun: %q", got)
			}
		})
	}
}

// A migration and the mark that it was applied are one transaction: if the mark fails, nothing of the migration
// stays, and it can run again.
func TestMigrationIsMarkedWithin(t *testing.T) {
	const name = "20261124000000"
	for kind, empty := range storetest.Empty() {
		t.Run(kind, func(t *testing.T) {
			url := empty(t)
			if kind == "sqlite" {
				storetest.Exec(t, url, "CREATE TABLE bun_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR, group_id INTEGER, migrated_at TIMESTAMP NOT NULL DEFAULT current_timestamp)")
				storetest.Exec(t, url, "CREATE TRIGGER refuse BEFORE INSERT ON bun_migrations WHEN new.name = '"+name+"' BEGIN SELECT raise(ABORT, 'refused'); END")
			} else {
				storetest.Exec(t, url, "CREATE TABLE bun_migrations (id BIGSERIAL PRIMARY KEY, name VARCHAR, group_id BIGINT, migrated_at TIMESTAMPTZ NOT NULL DEFAULT current_timestamp, CONSTRAINT refuse CHECK (name <> '"+name+"'))")
			}
			if err := store.Migrate(t.Context(), url); err == nil {
				t.Fatal("the mark was not refused")
			}
			if kind == "sqlite" {
				storetest.Exec(t, url, "DROP TRIGGER refuse")
			} else {
				storetest.Exec(t, url, "ALTER TABLE bun_migrations DROP CONSTRAINT refuse")
			}
			if err := store.Migrate(t.Context(), url); err != nil {
				t.Fatal(err)
			}
			storetest.Open(t, url)
		})
	}
}

func TestOpenMakesNoFile(t *testing.T) {
	url := "sqlite:" + t.TempDir() + "/none.db"
	if _, err := store.Open(t.Context(), url, time.Now); vigie.CodeOf(err) != database.Empty || !strings.Contains(err.Error(), "vigie migrate") {
		t.Error(err)
	}
	if err := store.Migrate(t.Context(), url); err != nil {
		t.Error(err)
	}
}
