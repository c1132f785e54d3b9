package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"iter"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
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
		q := now.tx.NewSelect().Model((*vigie.Watch)(nil)).
			ColumnExpr("watch.id, watch.active AND watch.deleted_at IS NULL").
			Column("keywords", "keyword_mode", "excluded_keywords", "departments", "include_nationwide", "natures", "cpv_codes").
			ColumnExpr("COALESCE(buyers.buyer_id, 0)").
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
		var last WatchState
		for rows.Next() {
			row, err := scanWatch(rows)
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

// scanWatch reads a row of ChangedWatches.
func scanWatch(rows *sql.Rows) (WatchState, error) {
	var w WatchState
	var on bool
	var c vigie.Criteria
	var keywords, excluded, departments, natures, cpv sql.RawBytes
	var buyer int64
	err := rows.Scan(&w.ID, &on, &keywords, &c.KeywordMode, &excluded, &departments, &c.IncludeNationwide, &natures, &cpv, &buyer)
	if err != nil || !on {
		return w, err
	}
	w.Criteria = &c
	if buyer != 0 {
		c.BuyerIDs = []int64{buyer}
	}
	for _, list := range []struct {
		raw  []byte
		into any
	}{{keywords, &c.Keywords}, {excluded, &c.ExcludedKeywords}, {departments, &c.Departments}, {natures, &c.Natures}, {cpv, &c.CPVCodes}} {
		if string(list.raw) == "[]" {
			continue
		}
		if err := json.Unmarshal(list.raw, list.into); err != nil {
			return w, err
		}
	}
	return w, nil
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
	err := now.tx.NewSelect().Model(&notices).Column("id", "tender_id", "kind", "quiet", "published_at", "received_at").
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
