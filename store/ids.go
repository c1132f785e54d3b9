package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/uptrace/bun"

	"vigie/database"
	"vigie/opaque"
)

// The settings that ids are made by.
const (
	// idKey is the key of all ids and cursors, in hexadecimal. It is the database's,
	// and not made of a secret: an id stays the same when secrets are replaced or
	// lost, on all replicas, and in a backup.
	idKey = "id_key"
	// lastPlainID is the last number that was given out before ids were made with a
	// key; 0 where none was.
	lastPlainID = "last_plain_id"
)

// makeIDKey gives a database its key, where it has none.
func makeIDKey(ctx context.Context, db *database.DB) error {
	key := make([]byte, opaque.KeySize)
	_, _ = rand.Read(key) // never fails
	return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		var last int64
		if err := tx.NewRaw("SELECT last FROM change_numbers").Scan(ctx, &last); err != nil {
			return err
		}
		_, err := tx.NewInsert().Model(&[]*database.Setting{
			{Name: idKey, Value: hex.EncodeToString(key)}, {Name: lastPlainID, Value: strconv.FormatInt(last, 10)},
		}).On("CONFLICT DO NOTHING").Exec(ctx)
		return err
	})
}

// readIDKey reads the key of a database.
func readIDKey(ctx context.Context, db *database.DB) (*opaque.Keys, error) {
	var rows []database.Setting
	if err := db.NewSelect().Model(&rows).Where("name IN (?)", bun.List([]string{idKey, lastPlainID})).Scan(ctx); err != nil {
		return nil, database.Translate(err)
	}
	values := make(map[string]string)
	for _, row := range rows {
		values[row.Name] = row.Value
	}
	if len(values) < 2 {
		return nil, database.OlderDatabase("no key of ids")
	}
	key, err := hex.DecodeString(values[idKey])
	last, lastErr := strconv.ParseInt(values[lastPlainID], 10, 64)
	if err := errors.Join(err, lastErr); err != nil {
		return nil, fmt.Errorf("read the key of ids: %w", err)
	}
	return opaque.New(key, last)
}

// IDs make the ids and cursors that clients are given, and read them.
func (s *Store) IDs() *opaque.Keys { return s.ids }
