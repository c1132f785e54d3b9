package store

import (
	"context"

	"vigie"
	"vigie/database"
)

// AlertsCursor returns the number of the last notice whose deliveries were entered.
func (s *Store) AlertsCursor(ctx context.Context) (int64, error) {
	return s.db.Cursor(ctx, database.AlertsConsumer)
}

// NoticesAfter returns at most limit numbers of notices above after, in order; withdrawn notices are left out.
func (now *Snapshot) NoticesAfter(ctx context.Context, after int64, limit int) ([]int64, error) {
	var ids []int64
	err := now.tx.NewRaw("SELECT id FROM notices WHERE id > ? AND NOT withdrawn ORDER BY id LIMIT ?", after, limit).Scan(ctx, &ids)
	return ids, database.Translate(err)
}

// NoticesBehind returns the backlog of a consumer of notices whose cursor is after.
func (s *Store) NoticesBehind(ctx context.Context, after int64) (database.Behind, error) {
	return s.db.Behind(ctx, "SELECT COUNT(*) AS changes, COALESCE(MIN(id), 0) AS first FROM notices WHERE id > ? AND NOT withdrawn", after)
}

// AlertsBehind returns the notices whose deliveries were not entered yet.
func (s *Store) AlertsBehind(ctx context.Context) (database.Behind, error) {
	entered, err := s.AlertsCursor(ctx)
	if err != nil {
		return database.Behind{}, err
	}
	return s.NoticesBehind(ctx, entered)
}

// IndexBehind returns the changes that the active search index of a version does not contain.
func (s *Store) IndexBehind(ctx context.Context, version string) (database.Behind, error) {
	return s.db.Behind(ctx, "SELECT COUNT(*) AS changes, COALESCE(MIN(number), 0) AS first FROM tenders WHERE number > (?)", database.IndexReached(s.db, version))
}

// Lag is the backlog of the consumers.
type Lag struct {
	// Index counts the tenders whose last change the search index does not contain.
	Index int64
	// Alerts counts the notices whose deliveries were not entered.
	Alerts int64
	// CatchUp counts the changes that watches which catch up have not processed.
	CatchUp int64
	// Mails counts the recipients to whom a mail is due, or being sent.
	Mails int64
	// Webhooks counts the same of webhooks.
	Webhooks int64
}

// Lag returns the backlog of the consumers; the index meant is the newest active one of the version.
func (s *Store) Lag(ctx context.Context, indexVersion string) (Lag, error) {
	var lag Lag
	for _, part := range []struct {
		count  *int64
		behind func(context.Context) (database.Behind, error)
	}{
		{&lag.Index, func(ctx context.Context) (database.Behind, error) { return s.IndexBehind(ctx, indexVersion) }},
		{&lag.Alerts, s.AlertsBehind}, {&lag.CatchUp, s.CatchUpBehind},
		{&lag.Mails, s.channelBehind(vigie.MailChannel)}, {&lag.Webhooks, s.channelBehind(vigie.WebhookChannel)},
	} {
		behind, err := part.behind(ctx)
		if err != nil {
			return Lag{}, err
		}
		*part.count = behind.Changes
	}
	return lag, nil
}

// channelBehind returns what counts the recipients to whom something is due, or being sent, through a channel.
func (s *Store) channelBehind(c vigie.Channel) func(context.Context) (database.Behind, error) {
	return func(ctx context.Context) (database.Behind, error) { return s.ledger.MailsBehind(ctx, c) }
}
