package database

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// The names of the consumers, which are the jobs that work in the background; server/serve.go and server/mail.go start
// them. Those that keep their cursor here move it by [DB.Advance], which consumer.Stream calls.
const (
	// AlertsConsumer turns notices into deliveries (alert.Alerter.Notices), and moves the cursor of alerts.
	// CatchUpConsumer does so for what watches missed (alert.Alerter.CatchUp); its cursors are in the watches.
	AlertsConsumer  = "alerts"
	CatchUpConsumer = "catch-up"
	// IndexConsumer puts tenders into the search index (feed.Indexer), which holds its cursor.
	IndexConsumer = "index"
	// MailsConsumer writes and sends mails (alert.Sender). It has no cursor: a recipient's next check says when.
	MailsConsumer = "mails"
	// WebhooksConsumer does the same of messages to webhooks.
	WebhooksConsumer = "webhooks"
	// MatcherConsumer keeps watches in memory (feed.Matcher), where no mail is sent; else the alerter does.
	MatcherConsumer = "matcher"
	// NewsConsumer sends events to subscribers (feed.Broadcaster); its cursor is in memory.
	NewsConsumer = "news"
	// BuyersConsumer keeps the directory of buyers in memory (feed.Buyers); its cursor is there, too.
	BuyersConsumer = "buyers"
	// RemindersConsumer enters reminders of deadlines (alert.Alerter.Reminders). It has no cursor: each account says when to
	// look at it next.
	RemindersConsumer = "reminders"
	// RetentionConsumer deletes data whose time is over (alert.Retention), once a day.
	RetentionConsumer = "retention"
)

// Cursor returns the last change that a consumer has processed; 0 for a consumer that is not known yet.
func (db *DB) Cursor(ctx context.Context, consumer string) (int64, error) {
	var cursor int64
	err := db.NewRaw("SELECT cursor FROM consumers WHERE name = ?", consumer).Scan(ctx, &cursor)
	if IsNoRows(err) {
		return 0, nil
	}
	return cursor, Translate(err)
}

// Advance records that a consumer has processed all changes up to one. The cursor never goes back.
func (db *DB) Advance(ctx context.Context, consumer string, to int64) error {
	_, err := db.NewRaw(`INSERT INTO consumers (name, cursor) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET cursor = EXCLUDED.cursor WHERE consumers.cursor < EXCLUDED.cursor`, consumer, to).Exec(ctx)
	return Translate(err)
}

// IdleAt returns when a consumer last had nothing left to do; zero for never.
func (db *DB) IdleAt(ctx context.Context, consumer string) (time.Time, error) {
	var at bun.NullTime
	err := db.NewRaw("SELECT seen_at FROM consumers WHERE name = ?", consumer).Scan(ctx, &at)
	if IsNoRows(err) {
		return time.Time{}, nil
	}
	return at.Time, Translate(err)
}

// MarkIdle records that a consumer has nothing left to do now.
func (db *DB) MarkIdle(ctx context.Context, consumer string) error {
	_, err := db.NewRaw("UPDATE consumers SET seen_at = ? WHERE name = ?", db.Stamp(), consumer).Exec(ctx)
	return Translate(err)
}

// Behind is what a consumer still has to do.
type Behind struct {
	// Changes counts the changes, or other pieces of work, that it has not processed.
	Changes int64
	// First is the number of the oldest change, if it has one; otherwise Since is how long the oldest has waited.
	First int64
	Since time.Time
}

// Behind reads what a consumer still has to do, by a query for the columns changes, first and, if known, since.
func (db *DB) Behind(ctx context.Context, query string, args ...any) (Behind, error) {
	var row struct {
		Changes int64
		First   int64
		Since   bun.NullTime
	}
	err := db.NewRaw(query, args...).Scan(ctx, &row)
	return Behind{row.Changes, row.First, row.Since.Time}, Translate(err)
}
