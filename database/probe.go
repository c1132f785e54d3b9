package database

import (
	"context"
	"os"
	"strings"

	"vigie"
)

// Probe connects to the database that url names, returns its name and version, and disconnects. It creates and
// changes nothing; for a file that does not exist, the error is an [os.ErrNotExist].
func Probe(ctx context.Context, url string) (version string, err error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil {
			return "", err
		}
	}
	db, err := connect(url, use{})
	if err != nil {
		return "", err
	}
	defer db.Close()
	version, err = db.probe(ctx)
	return version, Translate(err)
}

// oldestPostgres is the oldest PostgreSQL that is supported.
const oldestPostgres = 15

// probe returns the database's name and version, and an error if we cannot work in it.
func (db *DB) probe(ctx context.Context) (version string, err error) {
	if !db.postgres {
		var tables int // fails if the file is not a database
		err := db.NewRaw("SELECT sqlite_version(), COUNT(*) FROM sqlite_master").Scan(ctx, &version, &tables)
		return "SQLite " + version, err
	}
	var number int
	var may bool
	err = db.NewRaw(`SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000,
		COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false)`).Scan(ctx, &version, &number, &may)
	switch version = "PostgreSQL " + version; {
	case err != nil:
		return "", err
	case number < oldestPostgres:
		return version, &vigie.Error{Code: vigie.Invalid, Text: vigie.Text{
			FR: "%s est trop ancien : installez PostgreSQL 15 ou une version plus récente.", EN: "%s is too old: install PostgreSQL 15 or newer.",
		}.With(version)}
	case !may:
		return version, &vigie.Error{Code: vigie.Invalid, Text: vigie.Text{
			FR: "L’utilisateur PostgreSQL ne peut pas créer de tables dans son schéma. Accordez-lui ce droit (GRANT CREATE ON SCHEMA).", EN: "The PostgreSQL user may not create tables in its schema. Grant it that right (GRANT CREATE ON SCHEMA).",
		}}
	}
	return version, nil
}
