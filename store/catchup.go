package store

import (
	"context"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// Change is a change of a tender.
type Change struct {
	ID     int64 // of the tender
	Number int64 // of its last change
}

// ChangesAfter returns at most limit tenders whose last change has a number above after, in the order of the numbers;
// merged tenders too.
func (s *Store) ChangesAfter(ctx context.Context, after int64, limit int) ([]Change, error) {
	var list []Change
	err := s.db.NewRaw("SELECT id, number FROM tenders WHERE number > ? ORDER BY number LIMIT ?", after, limit).Scan(ctx, &list)
	return list, database.Translate(err)
}

// TendersByID returns tenders by their ids, as they are now: merged and withdrawn ones too.
func (s *Store) TendersByID(ctx context.Context, ids []int64) (map[int64]*vigie.Tender, error) {
	var tenders []*vigie.Tender
	err := s.db.NewSelect().Model(&tenders).Where("id IN (?)", bun.List(ids)).Scan(ctx)
	byID := make(map[int64]*vigie.Tender, len(tenders))
	for _, t := range tenders {
		byID[t.ID] = t
	}
	return byID, database.Translate(err)
}

// catchesUp narrows a query for watches to those that catch up and may do so: they are on, and not in the matcher's
// quarantine.
func catchesUp(db bun.IDB, q *bun.SelectQuery) *bun.SelectQuery {
	return q.Where("catch_up_from IS NOT NULL").Where("active").Where("deleted_at IS NULL").
		Where("watch.id NOT IN (?)", database.SetAsideBy(db, database.MatcherConsumer))
}

// AnyCatchingUp reports whether any watch catches up.
func (s *Store) AnyCatchingUp(ctx context.Context) (bool, error) {
	any, err := catchesUp(s.db, s.db.NewSelect().Model((*vigie.Watch)(nil))).Exists(ctx)
	return any, database.Translate(err)
}

// CatchingUp returns the watches that catch up, in the order of their ids, and why some of them cannot be read, by id. Each
// has got to its CatchUpFrom.
func (s *Store) CatchingUp(ctx context.Context) ([]*vigie.Watch, map[int64]error, error) {
	return watchesApart(ctx, s.db, catchesUp(s.db, s.db.NewSelect()))
}

// WatchesByID returns watches by their ids, also those that no longer catch up.
func (s *Store) WatchesByID(ctx context.Context, ids []int64) ([]*vigie.Watch, error) {
	watches, err := watchesByID(ctx, s.db, ids)
	return watches, database.Translate(err)
}

func watchesByID(ctx context.Context, db bun.IDB, ids []int64) ([]*vigie.Watch, error) {
	var watches []*vigie.Watch
	err := db.NewSelect().Model(&watches).Where("id IN (?)", bun.List(ids)).Order("id").Scan(ctx)
	if err == nil {
		err = loadWatchBuyers(ctx, db, watches)
	}
	return watches, err
}

// watchesApart reads the watches that a query selects, in the order of their ids, and tells why some of them cannot be read.
func watchesApart(ctx context.Context, db bun.IDB, which *bun.SelectQuery) (watches []*vigie.Watch, unreadable map[int64]error, err error) {
	var ids []int64
	if err := which.Model((*vigie.Watch)(nil)).Column("id").Order("id").Scan(ctx, &ids); err != nil {
		return nil, nil, database.Translate(err)
	}
	unreadable, err = database.ReadApart(ids, func(ids []int64) error {
		some, err := watchesByID(ctx, db, ids)
		if err == nil {
			watches = append(watches, some...)
		}
		return err
	})
	return watches, unreadable, database.Translate(err)
}

// mayAlert is the condition that a notice can alert the recipients of a watch that catches up.
const mayAlert = "NOT quiet AND NOT withdrawn AND kind <> 'AWARD'"

// MissedAfter returns the numbers of at most limit notices above a number that can alert somebody, in their order,
// and stops before the first that the ledger has not entered yet. whole reports whether there is none of these.
func (now *Snapshot) MissedAfter(ctx context.Context, after int64, limit int) (numbers []int64, whole bool, err error) {
	entered := now.tx.NewSelect().Table("consumers").ColumnExpr("COALESCE(MAX(cursor), 0)").Where("name = ?", database.AlertsConsumer)
	err = now.tx.NewRaw("SELECT NOT EXISTS (SELECT 1 FROM notices WHERE id > (?) AND NOT withdrawn)", entered).Scan(ctx, &whole)
	if err == nil {
		err = now.tx.NewSelect().Table("notices").Column("id").Where("id > ?", after).Where("id <= (?)", entered).
			Where(mayAlert).Order("id").Limit(int64(limit)).Scan(ctx, &numbers)
	}
	return numbers, whole, database.Translate(err)
}

// CaughtUpTo records that watches have caught up to a notice; done says that they have caught up completely, which is
// also so once they get to when they were last switched on. A watch that was switched on again since it was read, or has
// something else to catch up on, stays as it is.
func (s *Store) CaughtUpTo(ctx context.Context, watches map[int64]*vigie.Watch, to int64, done bool) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		type state struct{ caughtUpTo, since int64 }
		same := make(map[state][]int64)
		for _, w := range watches {
			at := state{*w.CatchUpFrom, w.Since}
			same[at] = append(same[at], w.ID)
		}
		for at, ids := range same {
			was := at.caughtUpTo
			if was >= to && !done {
				continue
			}
			q := tx.NewUpdate().Model((*vigie.Watch)(nil)).Set("catch_up_from = CASE WHEN since > ? AND since <= ? THEN NULL ELSE ? END", was, to, to)
			if done {
				q = tx.NewUpdate().Model((*vigie.Watch)(nil)).Set("catch_up_from = NULL")
			}
			// This also covers what the watch has to catch up on because of its last pause.
			_, err := q.Set("paused = CASE WHEN paused < ? THEN paused END", was).
				Where("id IN (?)", bun.List(ids)).Where("catch_up_from = ?", was).Where("since = ?", at.since).Exec(ctx)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// CatchUpBehind returns the notices that watches which catch up have not processed yet.
func (s *Store) CatchUpBehind(ctx context.Context) (database.Behind, error) {
	waiting := catchesUp(s.db, s.db.NewSelect().Model((*vigie.Watch)(nil))).ColumnExpr("MIN(catch_up_from)")
	since := catchesUp(s.db, s.db.NewSelect().Model((*vigie.Watch)(nil))).ColumnExpr("MIN(updated_at)")
	return s.db.Behind(ctx, "SELECT COUNT(*) AS changes, 0 AS first, (?) AS since FROM notices WHERE id > (?) AND "+mayAlert, since, waiting)
}
