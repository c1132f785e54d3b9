package database

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"

	"vigie"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Codes of a database that is refused.
const (
	// Empty is the code for a database that was never migrated, or a file that does not exist.
	Empty vigie.Code = "DATABASE_EMPTY"
	// Older is the code for a database that lacks a migration of this version.
	Older vigie.Code = "DATABASE_OLDER"
	// Newer is the code for a database with a migration that this version does not know.
	Newer vigie.Code = "DATABASE_NEWER"
	// InUse is the code for a database that a server works with.
	InUse vigie.Code = "DATABASE_IN_USE"
)

// Mending repairs the rows of an older database in Go, where SQL cannot.
type Mending struct {
	// Before runs before the migrations, with the names of those that were already applied; After runs after them.
	Before func(ctx context.Context, db *DB, applied []string) error
	After  func(ctx context.Context, db *DB) error
}

// Migrate applies this version's migrations to the database that url names. It creates a SQLite file if there is
// none. It refuses a database that is newer than this version and leaves it as it is.
func Migrate(ctx context.Context, url string, mending Mending) error {
	db, err := connect(url, use{create: true})
	if err != nil {
		return err
	}
	defer db.Close()
	err = db.exclusively(ctx, "migrate", func(ctx context.Context) error {
		err := db.checkSchema(ctx)
		if code := vigie.CodeOf(err); err != nil && code != Empty && code != Older {
			return err
		}
		return db.migrate(ctx, mending)
	})
	if err != nil {
		return fmt.Errorf("migrate the database: %w", Translate(err))
	}
	return nil
}

func (db *DB) migrate(ctx context.Context, mending Mending) error {
	list, err := ownMigrations()
	if err != nil {
		return err
	}
	// A migration is marked as applied in its own transaction: otherwise a crash between the two would run it twice.
	// Bun marks it too, afterwards (its default is before), so that mark must be allowed to exist.
	migrator := migrate.NewMigrator(db.DB, list, migrate.WithMarkAppliedOnSuccess(true), migrate.WithUpsert(true),
		migrate.BeforeMigration(db.giveWay), migrate.AfterMigration(markApplied))
	if err := migrator.Init(ctx); err != nil {
		return err
	}
	known, err := migrator.MigrationsWithStatus(ctx)
	if err != nil {
		return err
	}
	var applied []string
	for _, m := range known.Applied() {
		applied = append(applied, m.Name)
	}
	if err := mending.Before(ctx, db, applied); err != nil {
		return err
	}
	if err := apply(ctx, migrator); err != nil {
		return err
	}
	if err := mending.After(ctx, db); err != nil {
		return err
	}
	// The names of search indexes contain the epoch, so that a restored or new database never uses the index of
	// another.
	_, err = db.NewInsert().Model(&Setting{Name: EpochSetting, Value: rand.Text()}).On("CONFLICT DO NOTHING").Exec(ctx)
	return err
}

// A migration locks tables one after another, and so do the transactions of a server that runs. Where each waits for the
// other, PostgreSQL ends one of them after a second (deadlock_timeout): it is to be the migration.
const (
	lockWait   = 500 * time.Millisecond
	retryPause = 200 * time.Millisecond
)

// giveWay has a migration wait for a lock for a moment alone.
func (db *DB) giveWay(ctx context.Context, tx bun.IConn, _ *migrate.Migration) error {
	if !db.postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d", lockWait.Milliseconds()))
	return err
}

// apply applies the migrations that are not applied yet. One that gave way is tried again, until ctx ends.
func apply(ctx context.Context, migrator *migrate.Migrator) error {
	for {
		if _, err := migrator.Migrate(ctx); !gaveWay(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryPause):
		}
	}
}

// gaveWay reports whether a migration waited for a lock for too long, or in a circle with another transaction: 55P03
// (lock_not_available) and 40P01 (deadlock_detected) in PostgreSQL's appendix A.
func gaveWay(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pgErr.Code == "55P03" || pgErr.Code == "40P01")
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
func (db *DB) checkSchema(ctx context.Context) error {
	list, err := ownMigrations()
	if err != nil {
		return err
	}
	migrated, err := db.hasTable(ctx, "bun_migrations")
	if err != nil {
		return Translate(err)
	}
	if !migrated {
		return emptyDatabase()
	}
	migrator := migrate.NewMigrator(db.DB, list)
	unknown, err := migrator.MissingMigrations(ctx)
	if err != nil {
		return Translate(err)
	}
	known, err := migrator.MigrationsWithStatus(ctx)
	if err != nil {
		return Translate(err)
	}
	switch lacking := known.Unapplied(); {
	case len(unknown) > 0:
		return &vigie.Error{Code: Newer, Err: errors.New("unknown migrations: " + names(unknown)), Text: vigie.Text{
			FR: "La base de données est plus récente que cette version de Vigie : utilisez la version qui l’a mise à jour, ou restaurez une sauvegarde antérieure à la mise à jour.",
			EN: "The database is newer than this version of Vigie: use the version that migrated it, or restore a backup made before that migration.",
		}}
	case len(known.Applied()) == 0:
		return emptyDatabase()
	case len(lacking) > 0:
		return OlderDatabase("migrations to apply: " + names(lacking))
	}
	return nil
}

// OlderDatabase is the error of a database that lacks something which its migration
// makes.
func OlderDatabase(lacks string) error {
	return &vigie.Error{Code: Older, Err: errors.New(lacks), Text: vigie.Text{
		FR: "La base de données est plus ancienne que cette version de Vigie : exécutez d’abord « vigie migrate », ou démarrez un serveur de cette version.",
		EN: "The database is older than this version of Vigie: run “vigie migrate” first, or start a server of this version.",
	}}
}

func emptyDatabase() error {
	return &vigie.Error{Code: Empty, Text: vigie.Text{
		FR: "La base de données est vide : exécutez d’abord « vigie migrate », ou démarrez le serveur.",
		EN: "The database is empty: run “vigie migrate” first, or start the server.",
	}}
}

func noDatabase(path string) error {
	return &vigie.Error{Code: Empty, Text: vigie.Text{
		FR: "Il n’y a pas de base de données %s : indiquez où elle se trouve, ou créez-la d’abord avec « vigie migrate ».",
		EN: "There is no database file %s: say where the database is, or run “vigie migrate” first, which makes it there.",
	}.With(path)}
}

func inUse() error {
	return &vigie.Error{Code: InUse, Text: vigie.Text{
		FR: "Un serveur, ou une autre commande, utilise cette base de données : arrêtez-le, puis recommencez.",
		EN: "A server, or another command, is using this database: stop it, then run this command again.",
	}}
}

func names(migrations migrate.MigrationSlice) string {
	all := make([]string, len(migrations))
	for i, m := range migrations {
		all[i] = m.Name
	}
	return strings.Join(all, ", ")
}
