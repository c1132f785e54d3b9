package database_test

import (
	"context"
	"testing"
	"time"

	"vigie/database"
	"vigie/store/storetest"
)

// A migration does not wait long for a table that a transaction reads, for that may wait for the migration, too: it gives way
// and is tried again.
func TestMigrationGivesWay(t *testing.T) {
	url := storetest.Kinds()["postgres"](t)
	db := storetest.Open(t, url).Database()
	for _, statement := range []string{"DELETE FROM bun_migrations WHERE name = '20261201090000'", "CREATE INDEX recipients_look ON recipients (id)"} {
		storetest.Exec(t, url, statement)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	var recipients int
	if err := tx.NewRaw("SELECT count(*) FROM recipients").Scan(ctx, &recipients); err != nil {
		t.Fatal(err)
	}
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	waits := func(want bool) {
		t.Helper()
		for waiting := !want; waiting != want; <-look.C {
			err := db.NewRaw("SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'recipients'::regclass AND NOT granted)").Scan(ctx, &waiting)
			if err != nil {
				t.Fatalf("that the migration waits is never %v: %v", want, err)
			}
		}
	}
	nothing := func(context.Context, *database.DB) error { return nil }
	migrated := make(chan error, 1)
	go func() {
		migrated <- database.Migrate(ctx, url, database.Mending{Before: func(context.Context, *database.DB, []string) error { return nil }, After: nothing})
	}()
	for _, waiting := range []bool{true, false, true, false} {
		waits(waiting)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Fatal(err)
	}
}
