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
	// Criteria is nil where the watch is paused or deleted, or cannot be read; Unreadable is why not.
	Criteria   *vigie.Criteria
	Unreadable error
}

// ChangedWatches yields the watches whose last change has a number above after, in the order of their ids; if after
// is 0, paused and deleted ones are left out. An error is the last thing it yields.
func (now *Snapshot) ChangedWatches(ctx context.Context, after int64) iter.Seq2[WatchState, error] {
	return func(yield func(WatchState, error) bool) {
		columns, criteria := listColumns()
		q := now.tx.NewSelect().Model((*vigie.Watch)(nil)).
			ColumnExpr("watch.id, watch.active AND watch.deleted_at IS NULL").
			ColumnExpr("COALESCE(buyers.buyer_id, 0)").
			Column("keyword_mode", "include_nationwide", "min_value", "max_value", "include_unknown_value").
			Column("keywords", "excluded_keywords").Column(columns...).
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

// listsOfWords are the keywords and the excluded keywords.
const listsOfWords = 2

// watchScanner returns a function that reads a row of ChangedWatches.
func watchScanner(criteria []query.Criterion) func(*sql.Rows) (WatchState, error) {
	raw := make([]sql.RawBytes, listsOfWords+len(criteria))
	return func(rows *sql.Rows) (WatchState, error) {
		var w WatchState
		var on bool
		var c vigie.Criteria
		var buyer int64
		into := []any{&w.ID, &on, &buyer, &c.KeywordMode, &c.IncludeNationwide, &c.MinValue, &c.MaxValue, &c.IncludeUnknownValue}
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
		if w.Unreadable = readLists(&c, raw, criteria); w.Unreadable != nil {
			w.Criteria = nil
		}
		return w, nil
	}
}

// readLists reads the lists of criteria: keywords, excluded keywords, then the lists of values.
func readLists(c *vigie.Criteria, raw []sql.RawBytes, criteria []query.Criterion) error {
	for i, text := range raw {
		if string(text) == "[]" {
			continue
		}
		var list []string
		if err := json.Unmarshal(text, &list); err != nil {
			return err
		}
		switch i {
		case 0:
			c.Keywords = list
		case 1:
			c.ExcludedKeywords = list
		default:
			criteria[i-listsOfWords].Set(c, list)
		}
	}
	return nil
}

// Notices returns notices by their numbers, in the order of these; withdrawn notices are left out.
func (now *Snapshot) Notices(ctx context.Context, numbers []int64) ([]*vigie.Notice, error) {
	var notices []*vigie.Notice
	err := now.tx.NewSelect().Model(&notices).Where("id IN (?)", bun.List(numbers)).Where("NOT withdrawn").Order("id").Scan(ctx)
	return notices, database.Translate(err)
}

// NoticeHead is a notice without what it says.
type NoticeHead struct {
	vigie.Notice
	// Further reports whether an earlier notice of its tender counts.
	Further bool
}

// NoticeHeads is Notices without what the notices say.
func (now *Snapshot) NoticeHeads(ctx context.Context, numbers []int64) ([]*NoticeHead, error) {
	var heads []*NoticeHead
	earlier := now.tx.NewSelect().TableExpr("notices AS earlier").ColumnExpr("1").
		Where("earlier.tender_id = notice.tender_id").Where("earlier.id < notice.id").Where("NOT earlier.withdrawn")
	err := now.tx.NewSelect().Model((*vigie.Notice)(nil)).Column("id", "tender_id", "kind", "quiet", "copied", "published_at", "received_at").
		ColumnExpr("EXISTS (?) AS further", earlier).
		Where("id IN (?)", bun.List(numbers)).Where("NOT withdrawn").Order("id").Scan(ctx, &heads)
	return heads, database.Translate(err)
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

// LastTenders returns the tenders that changed last, at most limit; those that cannot be read are left out.
func (now *Snapshot) LastTenders(ctx context.Context, limit int64) ([]*vigie.Tender, error) {
	var ids []int64
	err := now.tx.NewSelect().Model((*vigie.Tender)(nil)).Column("id").Where("merged_into IS NULL").Order("number DESC").Limit(limit).Scan(ctx, &ids)
	if err != nil {
		return nil, database.Translate(err)
	}
	var tenders []*vigie.Tender
	_, err = database.ReadApart(ids, func(ids []int64) error {
		var some []*vigie.Tender
		err := now.tx.NewSelect().Model(&some).Where("id IN (?)", bun.List(ids)).Scan(ctx)
		if err == nil {
			tenders = append(tenders, some...)
		}
		return err
	})
	return tenders, database.Translate(err)
}

// Epoch returns what [Store.Epoch] does.
func (now *Snapshot) Epoch(ctx context.Context) (string, error) { return database.Epoch(ctx, now.tx) }

// RecentlyOff returns the watches that were switched off or deleted by a change above after, and why some of them cannot be
// read, by id. The ledger still has to alert them of the notices that came while they were on; those in the matcher's
// quarantine catch up on these later.
func (now *Snapshot) RecentlyOff(ctx context.Context, after int64) ([]*vigie.Watch, map[int64]error, error) {
	return watchesApart(ctx, now.tx, now.tx.NewSelect().Where("NOT (active AND deleted_at IS NULL)").
		Where("id IN (SELECT watch_id FROM watch_periods WHERE until > ?)", after).
		Where("id NOT IN (?)", database.SetAsideBy(now.tx, database.MatcherConsumer)))
}
