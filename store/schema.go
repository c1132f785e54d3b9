package store

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"

	"vigie"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Codes of a database whose tables are not those that this version works with.
const (
	// Empty is a database that was never migrated, or a file that does not exist.
	Empty vigie.Code = "DATABASE_EMPTY"
	// Older is a database that lacks a migration of this version.
	Older vigie.Code = "DATABASE_OLDER"
	// Newer is a database with a migration that this version does not know.
	Newer vigie.Code = "DATABASE_NEWER"
)

// Migrate brings the tables of the database that url names up to date. A SQLite
// file is made where there is none. A database that is newer than this version
// is refused and left as it is.
func Migrate(ctx context.Context, url string) error {
	db, dialect, err := connect(url, mayCreate)
	if err != nil {
		return err
	}
	defer db.Close()
	err = dialect.exclusively(ctx, db, "migrate", func(ctx context.Context) error {
		err := checkSchema(ctx, db, dialect)
		if code := vigie.CodeOf(err); err != nil && code != Empty && code != Older {
			return err
		}
		return migrateTables(ctx, db, dialect)
	})
	if err != nil {
		return fmt.Errorf("migrate the database: %w", translate(err))
	}
	return nil
}

func migrateTables(ctx context.Context, db *bun.DB, dialect dialect) error {
	list, err := ownMigrations()
	if err != nil {
		return err
	}
	// A migration is marked as applied in its own transaction: a crash between
	// the two would have it run twice. Bun marks it by itself too, after (its
	// default is before), so that mark must be allowed to exist.
	migrator := migrate.NewMigrator(db, list, migrate.WithMarkAppliedOnSuccess(true), migrate.WithUpsert(true), migrate.AfterMigration(markApplied))
	if err := migrator.Init(ctx); err != nil {
		return err
	}
	if err := mendBefore(ctx, migrator, db); err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx); err != nil {
		return err
	}
	if err := refold(ctx, db, dialect); err != nil {
		return err
	}
	// Whoever restores an old database, or starts a new one, must not meet the
	// index of another: its name holds the epoch.
	if _, err = db.NewInsert().Model(&setting{Name: "epoch", Value: rand.Text()}).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
		return err
	}
	return makeIDKey(ctx, db)
}

// knownValues is the migration that refuses what [mend] puts right.
const knownValues = "20261128000400"

// mendBefore puts the rows of an older database right, where that is still to be
// done.
func mendBefore(ctx context.Context, migrator *migrate.Migrator, db *bun.DB) error {
	known, err := migrator.MigrationsWithStatus(ctx)
	if err != nil || len(known.Applied()) == 0 {
		return err
	}
	if slices.ContainsFunc(known.Applied(), func(m migrate.Migration) bool { return m.Name == knownValues }) {
		return nil
	}
	return mend(ctx, db)
}

func markApplied(ctx context.Context, tx bun.IConn, m *migrate.Migration) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO bun_migrations (name, group_id) VALUES (?, ?)", m.Name, m.GroupID)
	return err
}

func ownMigrations() (*migrate.Migrations, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	list := migrate.NewMigrations()
	return list, list.Discover(files)
}

// checkSchema compares the migrations of a database with those of this version.
func checkSchema(ctx context.Context, db *bun.DB, dialect dialect) error {
	list, err := ownMigrations()
	if err != nil {
		return err
	}
	migrated, err := dialect.hasTable(ctx, db, "bun_migrations")
	if err != nil {
		return translate(err)
	}
	if !migrated {
		return emptyDatabase()
	}
	migrator := migrate.NewMigrator(db, list)
	unknown, err := migrator.MissingMigrations(ctx)
	if err != nil {
		return translate(err)
	}
	known, err := migrator.MigrationsWithStatus(ctx)
	if err != nil {
		return translate(err)
	}
	switch lacking := known.Unapplied(); {
	case len(unknown) > 0:
		return &vigie.Error{Code: Newer, Err: errors.New("unknown migrations: " + names(unknown)), Text: vigie.Text{
			FR: "La base de données est plus récente que cette version de Vigie : employez la version qui l'a mise à jour, ou restaurez une sauvegarde d'avant.",
			EN: "The database is newer than this version of Vigie: use the version that migrated it, or restore a backup from before.",
		}}
	case len(known.Applied()) == 0:
		return emptyDatabase()
	case len(lacking) > 0:
		return olderDatabase("migrations to apply: " + names(lacking))
	}
	return nil
}

func olderDatabase(lacks string) error {
	return &vigie.Error{Code: Older, Err: errors.New(lacks), Text: vigie.Text{
		FR: "La base de données est plus ancienne que cette version de Vigie : exécutez d'abord « vigie migrate », ou démarrez un serveur de cette version.",
		EN: "The database is older than this version of Vigie: run « vigie migrate » first, or start a server of this version.",
	}}
}

func emptyDatabase() error {
	return &vigie.Error{Code: Empty, Text: vigie.Text{
		FR: "La base de données est vide : exécutez d'abord « vigie migrate », ou démarrez le serveur.",
		EN: "The database is empty: run « vigie migrate » first, or start the server.",
	}}
}

func names(migrations migrate.MigrationSlice) string {
	all := make([]string, len(migrations))
	for i, m := range migrations {
		all[i] = m.Name
	}
	return strings.Join(all, ", ")
}
