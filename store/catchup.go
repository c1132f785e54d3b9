package store

import (
	"context"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// Change is that a tender changed.
type Change struct {
	ID     int64 // of the tender
	Number int64 // of its last change
}

// ChangesAfter returns the tenders whose last change has a number above one, in
// the order of the numbers, at most limit; merged ones too.
func (s *Store) ChangesAfter(ctx context.Context, after int64, limit int) ([]Change, error) {
	var list []Change
	err := s.db.NewRaw("SELECT id, number FROM tenders WHERE number > ? ORDER BY number LIMIT ?", after, limit).Scan(ctx, &list)
	return list, database.Translate(err)
}

// TendersByID returns tenders by their ids, as they stand: those that were merged
// or withdrawn too.
func (s *Store) TendersByID(ctx context.Context, ids []int64) (map[int64]*vigie.Tender, error) {
	var tenders []*vigie.Tender
	err := s.db.NewSelect().Model(&tenders).Where("id IN (?)", bun.List(ids)).Scan(ctx)
	byID := make(map[int64]*vigie.Tender, len(tenders))
	for _, t := range tenders {
		byID[t.ID] = t
	}
	return byID, database.Translate(err)
}

// catchesUp tells, of a watch, that it is to tell what it missed and may: it is
// on, and was not set aside by the matcher.
func catchesUp(db bun.IDB, q *bun.SelectQuery) *bun.SelectQuery {
	return q.Where("catch_up_from IS NOT NULL").Where("active").Where("deleted_at IS NULL").
		Where("watch.id NOT IN (?)", database.SetAsideBy(db, database.MatcherConsumer))
}

// AnyCatchingUp tells whether any watch is to tell what it missed.
func (s *Store) AnyCatchingUp(ctx context.Context) (bool, error) {
	any, err := catchesUp(s.db, s.db.NewSelect().Model((*vigie.Watch)(nil))).Exists(ctx)
	return any, database.Translate(err)
}

// CatchingUp returns the watches that are to tell what they missed, in the order
// of their ids. Each has come to its CatchUpFrom.
func (s *Store) CatchingUp(ctx context.Context) ([]*vigie.Watch, error) {
	var watches []*vigie.Watch
	err := catchesUp(s.db, s.db.NewSelect().Model(&watches)).Order("id").Scan(ctx)
	if err == nil {
		err = loadWatchBuyers(ctx, s.db, watches)
	}
	return watches, database.Translate(err)
}

// WatchesByID returns watches, also those that do not catch up any more.
func (s *Store) WatchesByID(ctx context.Context, ids []int64) ([]*vigie.Watch, error) {
	var watches []*vigie.Watch
	err := s.db.NewSelect().Model(&watches).Where("id IN (?)", bun.List(ids)).Order("id").Scan(ctx)
	if err == nil {
		err = loadWatchBuyers(ctx, s.db, watches)
	}
	return watches, database.Translate(err)
}

// MissedAfter returns the tenders that changed after a number, in the order of
// their numbers, at most limit, as far as the ledger knows all their notices.
// whole tells that it does so of all there are.
func (now *Snapshot) MissedAfter(ctx context.Context, after int64, limit int) (list []Change, whole bool, err error) {
	var pending int64
	err = now.tx.NewRaw(`SELECT COALESCE(MIN(id), 0) FROM notices
		WHERE id > (SELECT cursor FROM consumers WHERE name = ?) AND NOT withdrawn`, database.AlertsConsumer).Scan(ctx, &pending)
	if err != nil {
		return nil, false, database.Translate(err)
	}
	// A tender has a number above those of its notices.
	q := now.tx.NewSelect().Model((*vigie.Tender)(nil)).Column("id", "number").Where("number > ?", after)
	if pending > 0 {
		q = q.Where("number < ?", pending)
	}
	err = q.Order("number").Limit(int64(limit)).Scan(ctx, &list)
	return list, pending == 0, database.Translate(err)
}

// CaughtUpTo notes that watches were told all that they missed up to a change;
// done tells that this was all, for good. A watch that was changed meanwhile, so
// that it has something else to catch up on, stays as it is.
func (s *Store) CaughtUpTo(ctx context.Context, watches map[int64]*vigie.Watch, to int64, done bool) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		from := make(map[int64][]int64) // watches by where they have come to
		for _, w := range watches {
			from[*w.CatchUpFrom] = append(from[*w.CatchUpFrom], w.ID)
		}
		for _, was := range slices.Sorted(maps.Keys(from)) {
			if was >= to && !done {
				continue
			}
			ids := from[was]
			q := tx.NewUpdate().Model((*vigie.Watch)(nil)).Set("catch_up_from = ?", to)
			if done {
				q = tx.NewUpdate().Model((*vigie.Watch)(nil)).Set("catch_up_from = NULL")
			}
			// What it has to catch up on because of its last pause is told by this.
			_, err := q.Set("paused = CASE WHEN paused < ? THEN paused END", was).
				Where("id IN (?)", bun.List(ids)).Where("catch_up_from = ?", was).Exec(ctx)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// CatchUpRecipients returns those who follow watches that catch up, at most
// [vigie.MaxBatch] of them.
func (s *Store) CatchUpRecipients(ctx context.Context, watches []int64) ([]WatchRecipient, error) {
	return scanWatchRecipients(ctx, s.watchRecipients().ColumnExpr("w.keywords").Where("w.id IN (?)", bun.List(watches)).
		Where("w.active").Where("w.deleted_at IS NULL"))
}

// CatchUpBehind is what watches that catch up have still to see.
func (s *Store) CatchUpBehind(ctx context.Context) (database.Behind, error) {
	waiting := catchesUp(s.db, s.db.NewSelect().Model((*vigie.Watch)(nil))).ColumnExpr("MIN(catch_up_from)")
	since := catchesUp(s.db, s.db.NewSelect().Model((*vigie.Watch)(nil))).ColumnExpr("MIN(updated_at)")
	return s.db.Behind(ctx, "SELECT COUNT(*) AS changes, 0 AS first, (?) AS since FROM tenders WHERE number > (?)", since, waiting)
}

// notToldSince leaves out the news of a tender for recipients that were mailed
// about it, because of something else, since it was found out who knows it:
// notices are entered while watches catch up.
func notToldSince(ctx context.Context, tx bun.Tx, about AlertSubject, alerts []Alert) ([]Alert, error) {
	if about.AsOf == 0 {
		return alerts, nil
	}
	var told []int64
	err := tx.NewSelect().TableExpr("deliveries AS l").ColumnExpr("DISTINCT l.recipient_id").
		Where("l.tender_id IN (SELECT id FROM tenders WHERE id = ? OR merged_into = ?)", about.TenderID, about.TenderID).
		Where("l.kind IN (?, ?)", vigie.DeliverNew, vigie.DeliverCorrected).Where("l.dropped_at IS NULL").
		Where("l.mail_id IN (SELECT id FROM mails WHERE state NOT IN (?, ?))", vigie.MailOpen, vigie.MailAside).Where("l.id > ?", about.AsOf).Where("l.notice_id <> ?", about.NoticeID).OrderExpr("l.recipient_id").Scan(ctx, &told)
	if err != nil || len(told) == 0 {
		return alerts, err
	}
	return slices.DeleteFunc(slices.Clone(alerts), func(a Alert) bool {
		_, knows := slices.BinarySearch(told, a.RecipientID)
		return a.Kind == vigie.DeliverNew && knows
	}), nil
}
