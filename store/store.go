// Package store keeps what the product knows, in PostgreSQL or SQLite, through
// Bun. It is the truth; search indexes and matchers are derived from it.
//
// An exported method is one transaction. What a driver says is translated here
// into a [vigie.Error].
package store

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/uptrace/bun"

	"vigie/opaque"
)

// Store is an open database. Its methods may be called at once.
type Store struct {
	db      *bun.DB
	dialect dialect
	now     func() time.Time
	// statements are what is asked most.
	statements statements
	met        *met
	// fingerprints are those of an address, as [Store.Remember] says; may be nil.
	fingerprints func(address string) []string
	// bell rings when notices were published through this store.
	bell bell
	ids  *opaque.Keys
}

// Open opens the database that url names, "sqlite:PATH" or "postgres://…". It
// changes nothing: a database whose tables are not those that this version
// works with is refused, with the code [Empty], [Older] or [Newer].
func Open(ctx context.Context, url string, now func() time.Time) (*Store, error) {
	db, dialect, err := connect(url, mustExist)
	if err != nil {
		return nil, err
	}
	if err := checkSchema(ctx, db, dialect); err != nil {
		db.Close()
		return nil, err
	}
	ids, err := readIDKey(ctx, db)
	if err != nil {
		db.Close()
		return nil, err
	}
	return &Store{db: db, dialect: dialect, now: now, statements: dialect.statements(db), met: newMet(), ids: ids}, nil
}

// Close lets go of the database.
func (s *Store) Close() error { return s.db.Close() }

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return translate(s.db.PingContext(ctx)) }

// Observe has hook told of every query from now on. It is for the start,
// before the store is shared.
func (s *Store) Observe(hook bun.QueryHook) { s.db = s.db.WithQueryHook(hook) }

// setting is a named value that all replicas share.
type setting struct {
	bun.BaseModel `bun:"settings"`
	Name          string `bun:"name,pk"`
	Value         string
}

// Epoch is a random word that is this database's own.
func (s *Store) Epoch(ctx context.Context) (string, error) { return epoch(ctx, s.db) }

func epoch(ctx context.Context, db bun.IDB) (string, error) {
	epoch := setting{Name: "epoch"}
	err := db.NewSelect().Model(&epoch).WherePK().Scan(ctx)
	return epoch.Value, translate(err)
}

// write runs fn in a transaction.
func (s *Store) write(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	return translate(s.db.RunInTx(ctx, nil, fn))
}

// takeNumbers takes n change numbers and returns the first. Transactions that
// took numbers commit in the order of them, so whoever has read up to one
// number has missed none below: the row of the counter stays locked until the
// end. Hence the rule that prevents deadlocks: numbers are taken after all
// other rows are locked.
func takeNumbers(ctx context.Context, tx bun.Tx, n int) (int64, error) {
	var last int64
	err := tx.NewRaw("UPDATE change_numbers SET last = last + ? RETURNING last", n).Scan(ctx, &last)
	return last - int64(n) + 1, err
}

// LastNumber is the number of the last committed change.
func (s *Store) LastNumber(ctx context.Context) (int64, error) {
	var last int64
	err := s.db.NewRaw("SELECT last FROM change_numbers").Scan(ctx, &last)
	return last, translate(err)
}

// stamp is the present moment at the precision that both databases keep.
func (s *Store) stamp() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// unused is how many change numbers a database leaves out that was restored: more
// than were ever taken between a backup and the loss.
const unused = 1_000_000_000

// Restored begins a new past for a database that was restored from a backup.
// What was taken after the backup and is lost shall not be met again: not the
// numbers, by which people hold links and mails; not the documents of the
// search indexes; nor the Message-IDs.
func (s *Store) Restored(ctx context.Context) error {
	return s.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewUpdate().Model(&setting{Name: "epoch", Value: rand.Text()}).WherePK().Exec(ctx); err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model((*SearchIndex)(nil)).Where("TRUE").Exec(ctx); err != nil {
			return err
		}
		_, err := takeNumbers(ctx, tx, unused)
		return err
	})
}
