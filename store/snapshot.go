package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"iter"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
	"vigie/query"
)

// Snapshot reads the store as it was at one moment, for callers that must see several things together.
type Snapshot struct {
	tx bun.Tx
	// Number is the number of the last change in it.
	Number int64
}

// Snapshot gives fn a snapshot of the store. fn does not see changes that others make while it runs, and they do not
// wait for it.
func (s *Store) Snapshot(ctx context.Context, fn func(ctx context.Context, now *Snapshot) error) error {
	return s.db.Snapshot(ctx, func(ctx context.Context, now *database.Snapshot) error {
		return fn(ctx, &Snapshot{tx: now.Tx, Number: now.Number})
	})
}

// WatchState is what matching needs of a watch.
type WatchState struct {
	ID int64
	// Criteria is nil where the watch is paused or deleted.
	Criteria *vigie.Criteria
}

// ChangedWatches yields the watches whose last change has a number above after, in the order of their ids; if after
// is 0, paused and deleted ones are left out. An error is the last thing it yields.
func (now *Snapshot) ChangedWatches(ctx context.Context, after int64) iter.Seq2[WatchState, error] {
	return func(yield func(WatchState, error) bool) {
		columns, criteria := listColumns()
		q := now.tx.NewSelect().Model((*vigie.Watch)(nil)).
			ColumnExpr("watch.id, watch.active AND watch.deleted_at IS NULL").
			ColumnExpr("COALESCE(buyers.buyer_id, 0)").
			Column("keyword_mode", "include_nationwide", "keywords", "excluded_keywords").Column(columns...).
			Join("LEFT JOIN watch_buyers AS buyers ON buyers.watch_id = watch.id").
			Where("watch.number > ?", after).OrderExpr("watch.id, buyers.position")
		if after == 0 {
			q = q.Where("watch.active").Where("watch.deleted_at IS NULL")
		}
		rows, err := q.Rows(ctx)
		if err != nil {
			yield(WatchState{}, database.Translate(err))
			return
		}
		defer rows.Close()
		// There can be a million: reading them by hand takes a third of the time.
		scan := watchScanner(criteria)
		var last WatchState
		for rows.Next() {
			row, err := scan(rows)
			switch {
			case err != nil:
				yield(WatchState{}, database.Translate(err))
				return
			case row.ID == last.ID && row.Criteria != nil: // one more buyer
				last.Criteria.BuyerIDs = append(last.Criteria.BuyerIDs, row.Criteria.BuyerIDs...)
			case row.ID != last.ID:
				if last.ID != 0 && !yield(last, nil) {
					return
				}
				last = row
			}
		}
		if err := rows.Err(); err != nil {
			yield(WatchState{}, database.Translate(err))
		} else if last.ID != 0 {
			yield(last, nil)
		}
	}
}

// watchScanner returns a function that reads a row of ChangedWatches.
func watchScanner(criteria []query.Criterion) func(*sql.Rows) (WatchState, error) {
	const words = 2 // keywords and excluded keywords, before the lists of values
	raw := make([]sql.RawBytes, words+len(criteria))
	return func(rows *sql.Rows) (WatchState, error) {
		var w WatchState
		var on bool
		var c vigie.Criteria
		var buyer int64
		into := []any{&w.ID, &on, &buyer, &c.KeywordMode, &c.IncludeNationwide}
		for i := range raw {
			into = append(into, &raw[i])
		}
		if err := rows.Scan(into...); err != nil || !on {
			return w, err
		}
		w.Criteria = &c
		if buyer != 0 {
			c.BuyerIDs = []int64{buyer}
		}
		for i, text := range raw {
			if string(text) == "[]" {
				continue
			}
			var list []string
			if err := json.Unmarshal(text, &list); err != nil {
				return w, err
			}
			switch i {
			case 0:
				c.Keywords = list
			case 1:
				c.ExcludedKeywords = list
			default:
				criteria[i-words].Set(&c, list)
			}
		}
		return w, nil
	}
}

// Notices returns notices by their numbers, in the order of these; withdrawn notices are left out.
func (now *Snapshot) Notices(ctx context.Context, numbers []int64) ([]*vigie.Notice, error) {
	var notices []*vigie.Notice
	err := now.tx.NewSelect().Model(&notices).Where("id IN (?)", bun.List(numbers)).Where("NOT withdrawn").Order("id").Scan(ctx)
	return notices, database.Translate(err)
}

// NoticeHeads is Notices without what the notices say.
func (now *Snapshot) NoticeHeads(ctx context.Context, numbers []int64) ([]*vigie.Notice, error) {
	var notices []*vigie.Notice
	err := now.tx.NewSelect().Model(&notices).Column("id", "tender_id", "kind", "quiet", "copied", "published_at", "received_at").
		Where("id IN (?)", bun.List(numbers)).Where("NOT withdrawn").Order("id").Scan(ctx)
	return notices, database.Translate(err)
}

// NoticesOf returns all notices of tenders, as [Store.Notices] does.
func (now *Snapshot) NoticesOf(ctx context.Context, tenders []int64) (map[int64][]*vigie.Notice, error) {
	return noticesOf(ctx, now.tx, tenders)
}

// Tenders returns tenders by id, as [Store.TendersOfDeliveries] does.
func (now *Snapshot) Tenders(ctx context.Context, ids []int64) (map[int64]*vigie.Tender, error) {
	return tendersByID(ctx, now.tx, ids)
}

// AccountsEdited returns the accounts with watches that changed after a number.
func (now *Snapshot) AccountsEdited(ctx context.Context, after int64) (map[int64]bool, error) {
	var ids []int64
	err := now.tx.NewRaw("SELECT DISTINCT account_id FROM watches WHERE number > ?", after).Scan(ctx, &ids)
	edited := make(map[int64]bool, len(ids))
	for _, id := range ids {
		edited[id] = true
	}
	return edited, database.Translate(err)
}

// LastTenders returns the tenders that changed last, at most limit.
func (now *Snapshot) LastTenders(ctx context.Context, limit int64) ([]*vigie.Tender, error) {
	var tenders []*vigie.Tender
	err := now.tx.NewSelect().Model(&tenders).Where("merged_into IS NULL").Order("number DESC").Limit(limit).Scan(ctx)
	return tenders, database.Translate(err)
}

// Epoch returns what [Store.Epoch] does.
func (now *Snapshot) Epoch(ctx context.Context) (string, error) { return database.Epoch(ctx, now.tx) }

// RecentlyOff returns the watches that were switched off or deleted by a change above after. The ledger still has to
// alert them of the notices that came while they were on.
func (now *Snapshot) RecentlyOff(ctx context.Context, after int64) ([]*vigie.Watch, error) {
	var watches []*vigie.Watch
	err := now.tx.NewSelect().Model(&watches).Where("NOT (active AND deleted_at IS NULL)").
		Where("id IN (SELECT watch_id FROM watch_periods WHERE until > ?)", after).Order("id").Scan(ctx)
	if err == nil {
		err = loadWatchBuyers(ctx, now.tx, watches)
	}
	return watches, database.Translate(err)
}
