package database_test

import (
	"path/filepath"
	"testing"

	"vigie/database"
)

// The name of a database says where it is, and never its password.
func TestName(t *testing.T) {
	t.Setenv("PGPASSWORD", "hidden")
	t.Setenv("PGHOST", "")
	here, err := filepath.Abs("data/vigie.db")
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]string{
		"sqlite:data/vigie.db":                                                  "sqlite:" + here,
		"sqlite:/var/lib/v/vigie.db":                                            "sqlite:/var/lib/v/vigie.db",
		"postgres://ana:hidden@db.example/vigie?sslmode=disable":                "postgres://ana@db.example:5432/vigie",
		"postgresql://db.example:6432/vigie?user=ana&password=hidden":           "postgres://ana@db.example:6432/vigie",
		"postgres://ana:hidden@a.example,b.example/vigie":                       "postgres://ana@a.example:5432,b.example:5432/vigie",
		"postgres://ana:hidden@db.example/vigie?search_path=one":                "postgres://ana@db.example:5432/vigie?search_path=one",
		"postgres://ana:hidden@/vigie?host=/run/postgresql":                     "postgres://ana@/vigie?host=%2Frun%2Fpostgresql",
		"postgres://ana:hidden@db.example/vigie?pool_max_conns=9&hidden=hidden": "postgres://ana@db.example:5432/vigie",
		"postgres://ana:hid den@db.example/vigie":                               "a PostgreSQL database whose URL cannot be read",
	} {
		if got := database.Name(given); got != want {
			t.Errorf("%s: %s, want %s", given, got, want)
		}
	}
}
