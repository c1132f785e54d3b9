package storetest

import (
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// Everything returns all rows of all tables of a database, each as a text that begins with the name of its table.
func Everything(t testing.TB, rawURL string) []string {
	t.Helper()
	names := "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
	if strings.HasPrefix(rawURL, "sqlite:") {
		names = "SELECT name FROM sqlite_master WHERE type = 'table'"
	}
	db := connect(t, rawURL)
	defer db.Close()
	var texts []string
	for _, table := range read(t, db, names) {
		for _, row := range read(t, db, fmt.Sprintf("SELECT * FROM %q", fmt.Sprint(table[0]))) {
			for i, value := range row {
				if bytes, ok := value.([]byte); ok {
					row[i] = string(bytes)
				}
			}
			texts = append(texts, fmt.Sprint(table[0], row))
		}
	}
	return texts
}

// Rows returns what a query answers without the store: a line for each row, its columns separated by spaces.
func Rows(t testing.TB, rawURL, query string) string {
	t.Helper()
	db := connect(t, rawURL)
	defer db.Close()
	var lines strings.Builder
	for _, row := range read(t, db, query) {
		fmt.Fprintln(&lines, row...)
	}
	return lines.String()
}

func read(t testing.TB, db *sql.DB, query string) (all [][]any) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// Exec runs a statement on a database without the store.
func Exec(t testing.TB, rawURL, statement string) {
	t.Helper()
	if err := TryExec(t, rawURL, statement); err != nil {
		t.Fatal(err)
	}
}

// TryExec is [Exec] of a statement that the database may refuse.
func TryExec(t testing.TB, rawURL, statement string) error {
	t.Helper()
	db := connect(t, rawURL)
	defer db.Close()
	_, err := db.ExecContext(t.Context(), statement)
	return err
}

// connect opens a database without the store.
func connect(t testing.TB, rawURL string) *sql.DB {
	t.Helper()
	driver := "pgx"
	if path, ok := strings.CutPrefix(rawURL, "sqlite:"); ok {
		driver, rawURL = "sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path}).String()
	}
	db, err := sql.Open(driver, rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return db
}
