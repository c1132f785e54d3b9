package store

import (
	"context"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// ItemRef names an item in quarantine.
type ItemRef struct {
	Consumer string
	Item     int64
}

// Retry asks for another try of items in quarantine, all of them if none is named, and returns how many. It frees
// watches and recipients at once; consumers find the rest by [database.DB.Retries].
func (s *Store) Retry(ctx context.Context, items []ItemRef) (int, error) {
	var chosen []*database.Quarantined
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		chosen = nil
		q := s.db.ForUpdate(tx.NewSelect().Model(&chosen)).Order("consumer", "item")
		if len(items) > 0 {
			q = q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
				for _, item := range items {
					q = q.WhereOr("consumer = ? AND item = ?", item.Consumer, item.Item)
				}
				return q
			})
		}
		if err := q.Scan(ctx); err != nil {
			return err
		}
		var watches []*database.Quarantined
		for _, row := range chosen {
			switch row.Kind {
			case database.WatchItem:
				watches = append(watches, row)
			case database.RecipientItem:
			default:
				if _, err := tx.NewUpdate().Model(row).Set("retry = TRUE").WherePK().Exec(ctx); err != nil {
					return err
				}
				continue
			}
			if _, err := tx.NewDelete().Model(row).WherePK().Exec(ctx); err != nil {
				return err
			}
		}
		return s.reviveWatches(ctx, tx, watches)
	})
	return len(chosen), err
}

// reviveWatches gives quarantined watches a new number, so that consumers read them again, and has them catch up on what
// they missed: those that are off, once they are on. What came while they were off is included: rather an alert too
// many than one too few.
func (s *Store) reviveWatches(ctx context.Context, tx bun.Tx, rows []*database.Quarantined) error {
	from := make(map[int64]int64, len(rows))
	for _, row := range rows {
		from[row.Item] = row.Number
	}
	var watches []*vigie.Watch
	err := s.db.ForUpdate(tx.NewSelect().Model(&watches).Column("id", "number", "since", "catch_up_from", "active", "deleted_at").Where("id IN (?)", bun.List(slices.Collect(maps.Keys(from)))).Order("id")).Scan(ctx)
	if err != nil || len(watches) == 0 {
		return err
	}
	numbers, err := database.Take(ctx, tx, len(watches))
	if err != nil {
		return err
	}
	for _, w := range watches {
		if missed := from[w.ID]; w.CatchUpFrom == nil || missed < *w.CatchUpFrom {
			w.CatchUpFrom = &missed
		}
		w.Number = numbers.Next()
		if w.Active && w.DeletedAt == nil { // what it missed ends here
			if err := endPeriod(ctx, tx, w.ID, w.Since, w.Number); err != nil {
				return err
			}
			w.Since = w.Number
		}
		if _, err := tx.NewUpdate().Model(w).Column("number", "since", "catch_up_from").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}
