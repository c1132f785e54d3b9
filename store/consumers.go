package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"vigie"
)

// The consumers that the database knows by name.
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
func (s *Store) Cursor(ctx context.Context, consumer string) (int64, error) {
	var cursor int64
	err := s.db.NewRaw("SELECT cursor FROM consumers WHERE name = ?", consumer).Scan(ctx, &cursor)
	if isNoRows(err) {
		return 0, nil
	}
	return cursor, translate(err)
}

// Advance notes that a consumer is done with all changes up to one. Its cursor
// never goes back.
func (s *Store) Advance(ctx context.Context, consumer string, to int64) error {
	_, err := s.db.NewRaw(`INSERT INTO consumers (name, cursor) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET cursor = EXCLUDED.cursor WHERE consumers.cursor < EXCLUDED.cursor`, consumer, to).Exec(ctx)
	return translate(err)
}

// SeenAt is when a consumer last noted that it was done with everything; zero
// for never.
func (s *Store) SeenAt(ctx context.Context, consumer string) (time.Time, error) {
	var at bun.NullTime
	err := s.db.NewRaw("SELECT seen_at FROM consumers WHERE name = ?", consumer).Scan(ctx, &at)
	if isNoRows(err) {
		return time.Time{}, nil
	}
	return at.Time, translate(err)
}

// NoteSeen notes that a consumer is done with everything now.
func (s *Store) NoteSeen(ctx context.Context, consumer string) error {
	_, err := s.db.NewRaw("UPDATE consumers SET seen_at = ? WHERE name = ?", s.stamp(), consumer).Exec(ctx)
	return translate(err)
}

// Told is the last notice of which the deliveries were entered.
func (s *Store) Told(ctx context.Context) (int64, error) { return s.Cursor(ctx, AlertsConsumer) }

// NoticesAfter returns the numbers of the notices above one, in order, at most
// limit; those that were withdrawn are left out.
func (now *Snapshot) NoticesAfter(ctx context.Context, after int64, limit int) ([]int64, error) {
	var ids []int64
	err := now.tx.NewRaw("SELECT id FROM notices WHERE id > ? AND NOT withdrawn ORDER BY id LIMIT ?", after, limit).Scan(ctx, &ids)
	return ids, translate(err)
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

// behindRow is a Behind as it is read.
type behindRow struct {
	Changes int64
	First   int64
	Since   bun.NullTime
}

func (s *Store) behind(ctx context.Context, query string, args ...any) (Behind, error) {
	var row behindRow
	err := s.db.NewRaw(query, args...).Scan(ctx, &row)
	return Behind{row.Changes, row.First, row.Since.Time}, translate(err)
}

// NoticesBehind is what a consumer of notices has still to do that is done with
// those up to one.
func (s *Store) NoticesBehind(ctx context.Context, after int64) (Behind, error) {
	return s.behind(ctx, "SELECT COUNT(*) AS changes, COALESCE(MIN(id), 0) AS first FROM notices WHERE id > ? AND NOT withdrawn", after)
}

// AlertsBehind is what is still to be entered into the ledger.
func (s *Store) AlertsBehind(ctx context.Context) (Behind, error) {
	told, err := s.Told(ctx)
	if err != nil {
		return Behind{}, err
	}
	return s.NoticesBehind(ctx, told)
}

// IndexBehind is what the search index of a version that answers does not show
// as it is.
func (s *Store) IndexBehind(ctx context.Context, version string) (Behind, error) {
	return s.behind(ctx, "SELECT COUNT(*) AS changes, COALESCE(MIN(number), 0) AS first FROM tenders WHERE number > (?)", indexReached(s.db, version))
}

// MailsBehind are the recipients to whom a mail is due, or on its way.
func (s *Store) MailsBehind(ctx context.Context) (Behind, error) {
	return s.behind(ctx, `SELECT COUNT(*) AS changes, 0 AS first, MIN(at) AS since FROM (
		SELECT look_at AS at FROM recipients WHERE look_at <= ? AND id NOT IN (?)
		UNION ALL SELECT created_at AS at FROM mails WHERE state = ?) AS waiting`,
		s.stamp(), setAside(s.db, MailsConsumer), vigie.MailOpen)
}

// Lag is what is still to be done, by those who follow the database.
type Lag struct {
	// Index counts the tenders that the search index does not show as they are.
	Index int64
	// Alerts counts the notices whose deliveries were not entered.
	Alerts int64
	// CatchUp counts the changes that watches which catch up have not seen.
	CatchUp int64
	// Mails counts the recipients to whom a mail is due, or on its way.
	Mails int64
}

// Lag tells what is still to be done; the index meant is the newest of its
// version that answers.
func (s *Store) Lag(ctx context.Context, indexVersion string) (Lag, error) {
	var lag Lag
	for _, part := range []struct {
		count  *int64
		behind func(context.Context) (Behind, error)
	}{
		{&lag.Index, func(ctx context.Context) (Behind, error) { return s.IndexBehind(ctx, indexVersion) }},
		{&lag.Alerts, s.AlertsBehind}, {&lag.CatchUp, s.CatchUpBehind}, {&lag.Mails, s.MailsBehind},
	} {
		behind, err := part.behind(ctx)
		if err != nil {
			return Lag{}, err
		}
		*part.count = behind.Changes
	}
	return lag, nil
}

// indexReached selects the last change that the index which answers holds.
func indexReached(db bun.IDB, version string) *bun.SelectQuery {
	return db.NewSelect().Model((*SearchIndex)(nil)).ColumnExpr("COALESCE(MAX(reached), 0)").
		Where("generation = (?)", db.NewSelect().Model((*SearchIndex)(nil)).ModelTableExpr("search_indexes AS newest").
			ColumnExpr("MAX(newest.generation)").Where("newest.version = ?", version).Where("newest.reached IS NOT NULL")).
		Where("version = ?", version)
}
