// Package store keeps the product's data in a [database.DB]. The database is the truth; search indexes and matchers
// are derived from it.
//
// Each exported method is one transaction. A driver's errors are translated into a [vigie.Error].
package store

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/uptrace/bun"

	"vigie/database"
	"vigie/ledger"
	"vigie/opaque"
)

// Store reads and writes the product's data. Its methods are safe for concurrent use.
type Store struct {
	db *database.DB
	// statements are the most frequent queries.
	statements statements
	accounts   *accountCache
	buyers     *buyerDirectory
	ids        *opaque.Keys
	ledger     *ledger.Ledger
}

// New returns the store in a database.
func New(ctx context.Context, db *database.DB) (*Store, error) {
	ids, err := readIDKey(ctx, db)
	if err != nil {
		return nil, err
	}
	return &Store{db: db, statements: statementsOf(db), accounts: newAccountCache(), buyers: newBuyerDirectory(), ids: ids, ledger: ledger.New(db, ids)}, nil
}

// Open opens the database that url names, as [database.Open] does, and returns
// the store in it.
func Open(ctx context.Context, url string, now func() time.Time) (*Store, error) {
	db, err := database.Open(ctx, url, now)
	if err != nil {
		return nil, err
	}
	return in(ctx, db)
}

// OpenAlone is [Open] for a process beside which no server may work, as [database.OpenAlone] is.
func OpenAlone(ctx context.Context, url string, now func() time.Time) (*Store, error) {
	db, err := database.OpenAlone(ctx, url, now)
	if err != nil {
		return nil, err
	}
	return in(ctx, db)
}

// in returns the store in a database that was just opened, and closes that if it cannot.
func in(ctx context.Context, db *database.DB) (*Store, error) {
	s, err := New(ctx, db)
	if err != nil {
		db.Close()
	}
	return s, err
}

// Migrate migrates the database that url names, and repairs what older versions stored.
func Migrate(ctx context.Context, url string) error {
	return database.Migrate(ctx, url, database.Mending{Before: mendBefore, After: func(ctx context.Context, db *database.DB) error {
		if err := refold(ctx, db); err != nil {
			return err
		}
		if err := ledger.MendKeys(ctx, db); err != nil {
			return err
		}
		return makeIDKey(ctx, db)
	}})
}

// Database returns the database that the store is in.
func (s *Store) Database() *database.DB { return s.db }

// Ledger returns the ledger in the same database.
func (s *Store) Ledger() *ledger.Ledger { return s.ledger }

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// Epoch returns a random word that identifies this database.
func (s *Store) Epoch(ctx context.Context) (string, error) { return database.Epoch(ctx, s.db) }

// unused is how many change numbers a restored database skips: more than were ever taken between a backup and the
// loss.
const unused = 1_000_000_000

// Restored gives a database that was restored from a backup a new epoch and a gap in its numbers. What was taken
// after the backup and lost must not be used again: not the numbers, which are in people's links and mails; not the
// documents of the search indexes; not the Message-IDs.
func (s *Store) Restored(ctx context.Context) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewUpdate().Model(&database.Setting{Name: "epoch", Value: rand.Text()}).WherePK().Exec(ctx); err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model((*SearchIndex)(nil)).Where("TRUE").Exec(ctx); err != nil {
			return err
		}
		_, err := database.TakeNumbers(ctx, tx, unused)
		return err
	})
}
