// Package database opens the database, PostgreSQL or SQLite, through Bun, and holds what its users share:
// connections, the differences between the two, migrations, change numbers, snapshots, leadership, and the cursors
// and quarantine of consumers. The packages that use it say what the tables mean.
package database

import (
	"cmp"
	"context"
	"database/sql"
	"time"

	"github.com/uptrace/bun"
)

// DB is an open database. Its methods are safe for concurrent use. Errors of Bun's methods are the driver's:
// [Translate] translates them. Errors of DB's own methods are translated already.
type DB struct {
	*bun.DB
	dialect
	now  func() time.Time
	bell bell
	// listener opens a connection that only listens; nil on SQLite.
	listener connector
	// alone is what keeps servers away; nil where they may work beside this process.
	alone *Leadership
	// pipeline runs statements; nil on SQLite.
	pipeline *pipeline
	// hooks are those of [DB.Observe].
	hooks []bun.QueryHook
	// writing has a value while a transaction of this process writes to SQLite; nil on PostgreSQL.
	writing chan struct{}
}

// Open opens the database that url names, "sqlite:PATH" or "postgres://…". It changes nothing. It refuses a database
// whose migrations are not those of this version, with the code [Empty], [Older] or [Newer].
func Open(ctx context.Context, url string, now func() time.Time) (*DB, error) {
	return open(ctx, url, use{}, now)
}

// OpenAlone is [Open] for a process beside which no server may work: it refuses a database that one works with, with
// the code [InUse], and servers that start in that time wait. Close it soon.
//
// On PostgreSQL the connection by which a server listens shares a lock, which is taken here for one process alone. On
// SQLite, every connection holds a lock of the file, so that other commands count as well.
func OpenAlone(ctx context.Context, url string, now func() time.Time) (*DB, error) {
	db, err := open(ctx, url, use{alone: true}, now)
	if locked(err) {
		return nil, inUse()
	}
	if err != nil {
		return nil, err
	}
	if db.alone, err = db.leadSoon(ctx, serving); err != nil || db.alone == nil {
		db.Close()
		return nil, cmp.Or(err, inUse())
	}
	return db, nil
}

func open(ctx context.Context, url string, how use, now func() time.Time) (*DB, error) {
	db, err := connect(url, how)
	if err != nil {
		return nil, err
	}
	db.now = now
	if err := db.checkSchema(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// Close closes the database.
func (db *DB) Close() error {
	if db.alone != nil {
		db.alone.Resign()
	}
	return db.DB.Close()
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return Translate(db.PingContext(ctx)) }

// Observe calls hook for every query from now on. Call it at the start, before the database is shared.
func (db *DB) Observe(hook bun.QueryHook) {
	db.DB, db.hooks = db.WithQueryHook(hook), append(db.hooks, hook)
}

// Write runs fn in a transaction.
func (db *DB) Write(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	end, err := db.turn(ctx)
	if err != nil {
		return Translate(err)
	}
	defer end()
	return Translate(db.RunInTx(ctx, nil, fn))
}

// turn waits until no other transaction of this process writes to SQLite. Its file has one writer at a time, and SQLite has
// the others try again after pauses of up to a tenth of a second, in no order.
func (db *DB) turn(ctx context.Context) (end func(), err error) {
	if db.writing == nil {
		return func() {}, nil
	}
	select {
	case db.writing <- struct{}{}:
		return func() { <-db.writing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(busyTimeout):
		return nil, errBusy
	}
}

// Snapshot reads the database as it was at one moment.
type Snapshot struct {
	bun.Tx
	// Number is the number of the last change in it.
	Number int64
}

// Snapshot gives fn a snapshot of the database. fn does not see what others change while it runs, and they do not
// wait for it.
func (db *DB) Snapshot(ctx context.Context, fn func(ctx context.Context, now *Snapshot) error) error {
	// SQLite's readers have a snapshot at every isolation level.
	options := &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	return Translate(db.RunInTx(ctx, options, func(ctx context.Context, tx bun.Tx) error {
		now := &Snapshot{Tx: tx}
		if err := tx.NewRaw("SELECT last FROM change_numbers").Scan(ctx, &now.Number); err != nil {
			return err
		}
		return fn(ctx, now)
	}))
}

// Now returns the present time.
func (db *DB) Now() time.Time { return db.now() }

// Stamp returns the present time at the precision that both databases store.
func (db *DB) Stamp() time.Time { return db.now().UTC().Truncate(time.Microsecond) }

// LastNumber returns the number of the last committed change.
func (db *DB) LastNumber(ctx context.Context) (int64, error) {
	var last int64
	err := db.NewRaw("SELECT last FROM change_numbers").Scan(ctx, &last)
	return last, Translate(err)
}

// TakeNumbers takes n change numbers and returns the first. The row of the counter stays locked until the transaction
// ends, so transactions commit in the order of their numbers, and a reader that has read up to a number has missed
// none below. To prevent deadlocks, numbers are taken after all other rows are locked.
func TakeNumbers(ctx context.Context, tx bun.Tx, n int) (int64, error) {
	var last int64
	err := tx.NewRaw("UPDATE change_numbers SET last = last + ? RETURNING last", n).Scan(ctx, &last)
	return last - int64(n) + 1, err
}

// Setting is a named value that all replicas share.
type Setting struct {
	bun.BaseModel `bun:"settings"`
	Name          string `bun:"name,pk"`
	Value         string
}

// EpochSetting is the name of the setting that holds a database's epoch.
const EpochSetting = "epoch"

// Epoch returns a random word that identifies a database.
func Epoch(ctx context.Context, db bun.IDB) (string, error) {
	epoch := Setting{Name: EpochSetting}
	err := db.NewSelect().Model(&epoch).WherePK().Scan(ctx)
	return epoch.Value, Translate(err)
}
