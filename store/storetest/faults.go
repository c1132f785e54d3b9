package storetest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

// BreakLead ends the connection to PostgreSQL of the process that leads a job.
func BreakLead(t testing.TB, url, job string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	ended, err := conn.Exec(t.Context(), `SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory'
		AND (classid::bigint << 32) | objid::bigint = hashtextextended(concat(current_schema(), '.vigie.lead.', $1::text), 0)`, job)
	if err != nil || ended.RowsAffected() != 1 {
		t.Fatalf("%d leaders of %s ended, %v", ended.RowsAffected(), job, err)
	}
}

// MissingTable returns a database's error for a table that does not exist.
func MissingTable(t testing.TB, url string) error {
	t.Helper()
	db := connect(t, url)
	defer db.Close()
	_, err := db.ExecContext(t.Context(), "DELETE FROM there_is_no_such_table")
	return err
}
