package database

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"vigie/clip"
)

// Quarantined is an item that a consumer could not process.
type Quarantined struct {
	bun.BaseModel `bun:"quarantine"`
	Consumer      string `bun:",pk"`
	Item          int64  `bun:",pk"` // the id; Kind says of what
	Kind          string
	// Number is the item's place in the order of changes.
	Number int64
	// Detail is what else the consumer needs to try again.
	Detail string
	Error  string
	Tries  int64
	// FirstAt is when it was first quarantined, LastAt when it was last tried.
	FirstAt, LastAt time.Time
	// Retry reports whether an operator has asked for another try.
	Retry bool
}

// The kinds of items.
const (
	NoticeItem    = "notice"
	TenderItem    = "tender"
	WatchItem     = "watch"
	MailItem      = "mail"
	RecipientItem = "recipient"
)

// maxError is how much of an error's text is kept; the log has all of it.
const maxError = 1000

// SetAsideBy selects the ids of a consumer's quarantined items.
func SetAsideBy(db bun.IDB, consumer string) *bun.SelectQuery {
	return db.NewSelect().Model((*Quarantined)(nil)).Column("item").Where("consumer = ?", consumer)
}

// IsSetAside reports whether a consumer has quarantined one of these items, and has not processed it since.
func (db *DB) IsSetAside(ctx context.Context, consumer string, items ...int64) (bool, error) {
	if len(items) == 0 {
		return false, nil
	}
	found, err := SetAsideBy(db, consumer).Where("item IN (?)", bun.List(items)).Exists(ctx)
	return found, Translate(err)
}

// SetAside quarantines an item, or records that it failed again; also, if not nil, runs in the same transaction.
func (db *DB) SetAside(ctx context.Context, q *Quarantined, also func(ctx context.Context, tx bun.Tx) error) error {
	row := *q
	row.FirstAt, row.LastAt, row.Retry = db.Stamp(), db.Stamp(), false
	row.Error = row.Error[:clip.Boundary(row.Error, maxError)]
	row.Error = strings.ToValidUTF8(strings.ReplaceAll(row.Error, "\x00", ""), "")
	return db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewInsert().Model(&row).On("CONFLICT (consumer, item) DO UPDATE").
			Set("error = EXCLUDED.error").Set("tries = quarantined.tries + EXCLUDED.tries").
			Set("last_at = EXCLUDED.last_at").Set("retry = FALSE").
			Set("number = CASE WHEN EXCLUDED.number < quarantined.number THEN EXCLUDED.number ELSE quarantined.number END").
			// Lists of watches that are owed the item: they add up.
			Set("detail = CASE WHEN quarantined.detail IN ('', EXCLUDED.detail) THEN EXCLUDED.detail ELSE quarantined.detail || ' ' || EXCLUDED.detail END").
			Exec(ctx)
		if err != nil || also == nil {
			return err
		}
		return also(ctx, tx)
	})
}

// Quarantine returns all quarantined items, the oldest first.
func (db *DB) Quarantine(ctx context.Context) ([]*Quarantined, error) {
	var list []*Quarantined
	err := db.NewSelect().Model(&list).Order("first_at", "consumer", "item").Scan(ctx)
	return list, Translate(err)
}

// QuarantineSizes returns the number of quarantined items, by consumer.
func (db *DB) QuarantineSizes(ctx context.Context) (map[string]int64, error) {
	var rows []struct {
		Consumer string
		Items    int64
	}
	err := db.NewSelect().Model((*Quarantined)(nil)).ColumnExpr("consumer, COUNT(*) AS items").Group("consumer").Scan(ctx, &rows)
	sizes := make(map[string]int64, len(rows))
	for _, row := range rows {
		sizes[row.Consumer] = row.Items
	}
	return sizes, Translate(err)
}

// Retries returns at most limit items that a consumer is to try again, in the order of numbers.
func (db *DB) Retries(ctx context.Context, consumer string, limit int) ([]*Quarantined, error) {
	var list []*Quarantined
	err := db.NewSelect().Model(&list).Where("consumer = ?", consumer).Where("retry").Order("number", "item").Limit(int64(limit)).Scan(ctx)
	return list, Translate(err)
}

// Release removes items of a consumer from the quarantine, because they were processed.
func (db *DB) Release(ctx context.Context, consumer string, items []int64) error {
	if len(items) == 0 {
		return nil
	}
	_, err := db.NewDelete().Model((*Quarantined)(nil)).Where("consumer = ?", consumer).Where("item IN (?)", bun.List(items)).Exec(ctx)
	return Translate(err)
}
