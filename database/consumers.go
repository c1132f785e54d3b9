package database

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// The consumers: whatever follows the changes.
const (
	// AlertsConsumer turns notices into deliveries, and CatchUpConsumer what
	// watches missed.
	AlertsConsumer  = "alerts"
	CatchUpConsumer = "catch-up"
	// IndexConsumer puts tenders into the search index.
	IndexConsumer = "index"
	// MailsConsumer writes and sends mails.
	MailsConsumer = "mails"
	// MatcherConsumer keeps watches in memory.
	MatcherConsumer = "matcher"
	// RetentionConsumer deletes what was kept for long enough.
	RetentionConsumer = "retention"
)

// Cursor is the last change that a consumer is done with; 0 for one that is not
// known yet.
func (db *DB) Cursor(ctx context.Context, consumer string) (int64, error) {
	var cursor int64
	err := db.NewRaw("SELECT cursor FROM consumers WHERE name = ?", consumer).Scan(ctx, &cursor)
	if IsNoRows(err) {
		return 0, nil
	}
	return cursor, Translate(err)
}

// Advance notes that a consumer is done with all changes up to one. Its cursor
// never goes back.
func (db *DB) Advance(ctx context.Context, consumer string, to int64) error {
	_, err := db.NewRaw(`INSERT INTO consumers (name, cursor) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET cursor = EXCLUDED.cursor WHERE consumers.cursor < EXCLUDED.cursor`, consumer, to).Exec(ctx)
	return Translate(err)
}

// IdleAt is when a consumer last noted that it was done with everything; zero
// for never.
func (db *DB) IdleAt(ctx context.Context, consumer string) (time.Time, error) {
	var at bun.NullTime
	err := db.NewRaw("SELECT seen_at FROM consumers WHERE name = ?", consumer).Scan(ctx, &at)
	if IsNoRows(err) {
		return time.Time{}, nil
	}
	return at.Time, Translate(err)
}

// MarkIdle notes that a consumer is done with everything now.
func (db *DB) MarkIdle(ctx context.Context, consumer string) error {
	_, err := db.NewRaw("UPDATE consumers SET seen_at = ? WHERE name = ?", db.Stamp(), consumer).Exec(ctx)
	return Translate(err)
}

// Behind is what a consumer has still to do.
type Behind struct {
	// Changes is how many changes, or other pieces of work, it has not processed.
	Changes int64
	// First is the number of the oldest of them, where they have numbers; else
	// Since is how long the oldest has waited.
	First int64
	Since time.Time
}

// Behind reads what a consumer has still to do: a query for its columns changes,
// first and, where that is known, since.
func (db *DB) Behind(ctx context.Context, query string, args ...any) (Behind, error) {
	var row struct {
		Changes int64
		First   int64
		Since   bun.NullTime
	}
	err := db.NewRaw(query, args...).Scan(ctx, &row)
	return Behind{row.Changes, row.First, row.Since.Time}, Translate(err)
}
