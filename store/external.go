package store

import (
	"context"
	"errors"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// watchExternalID is a row of watch_external_ids: what a platform calls a watch of an account.
type watchExternalID struct {
	bun.BaseModel `bun:"watch_external_ids"`
	AccountID     int64  `bun:",pk"`
	ExternalID    string `bun:",pk"`
	WatchID       int64
}

// ExternalIDs returns what platforms call watches, by watch: as they stored them, else as they were imported.
func (s *Store) ExternalIDs(ctx context.Context, watches []int64) (map[int64]string, error) {
	ids := make(map[int64]string)
	for _, table := range []string{"imported_watches", "watch_external_ids"} {
		var rows []struct {
			WatchID    int64
			ExternalID string
		}
		err := s.db.NewSelect().Table(table).Column("watch_id", "external_id").Where("watch_id IN (?)", bun.List(watches)).
			Order("external_id DESC").Scan(ctx, &rows)
		if err != nil {
			return nil, database.Translate(err)
		}
		for _, row := range rows { // of several, the first in order
			ids[row.WatchID] = row.ExternalID
		}
	}
	return ids, nil
}

// WatchOfExternalID returns the id of the watch that a platform calls so, among those of an account; 0 if there is
// none.
func (s *Store) WatchOfExternalID(ctx context.Context, account *vigie.Account, externalID string) (int64, error) {
	return watchOfExternalID(ctx, s.db, account, externalID)
}

func watchOfExternalID(ctx context.Context, db bun.IDB, account *vigie.Account, externalID string) (int64, error) {
	stored := db.NewSelect().Model((*watchExternalID)(nil)).Column("watch_id").
		Where("account_id = ?", account.ID).Where("external_id = ?", externalID)
	importedAs := db.NewSelect().Model((*imported)(nil)).Column("watch_id").
		Where("issuer = ?", account.Issuer).Where("external_id = ?", externalID)
	for _, known := range []*bun.SelectQuery{stored, importedAs} {
		var id int64
		err := db.NewSelect().Model((*vigie.Watch)(nil)).Column("id").Where("id IN (?)", known).
			Where("account_id = ?", account.ID).Where("deleted_at IS NULL").Scan(ctx, &id)
		if err == nil || !database.IsNoRows(err) {
			return id, database.Translate(err)
		}
	}
	return 0, nil
}

// ErrCalled is the error where an account has a watch that a platform calls so already.
var ErrCalled = errors.New("a watch is called so already")

// freeExternalID checks that no watch of an account, which is locked, is called so; else the error is [ErrCalled].
func freeExternalID(ctx context.Context, tx bun.Tx, account *vigie.Account, externalID string) error {
	if externalID == "" {
		return nil
	}
	known, err := watchOfExternalID(ctx, tx, account, externalID)
	if err == nil && known != 0 {
		err = ErrCalled
	}
	return err
}

// nameExternally stores what a platform calls a new watch; "" for nothing.
func nameExternally(ctx context.Context, tx bun.Tx, account *vigie.Account, watch int64, externalID string) error {
	if externalID == "" {
		return nil
	}
	row := &watchExternalID{AccountID: account.ID, ExternalID: externalID, WatchID: watch}
	_, err := tx.NewInsert().Model(row).On("CONFLICT (account_id, external_id) DO UPDATE").Set("watch_id = EXCLUDED.watch_id").Exec(ctx)
	return err
}

// versionMismatch refuses a change of a watch that was changed since it was read.
func versionMismatch() error {
	return &vigie.Error{Code: vigie.VersionMismatch, Field: []string{"expectedVersion"}, Text: vigie.Text{
		FR: "Cette veille a été modifiée entre-temps. Relisez-la, puis recommencez.",
		EN: "This watch was changed in the meantime. Read it again, then try again.",
	}}
}
