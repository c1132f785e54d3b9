package store

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// Marks are the marks that an account has put on a tender. A tender is never both dismissed and of interest: each of
// these marks ends the other, and of two tenders that are merged, one dismissed and one of interest, the result is of
// interest, for what is missing in a list is worse than what is too much.
type Marks struct{ Seen, Dismissed, Interested bool }

// Mark is something that an account can do with a tender, and undo: the name of the column that says when it did.
type Mark string

// The marks.
const (
	Seen       Mark = "seen_at"
	Dismissed  Mark = "dismissed_at"
	Interested Mark = "interested_at"
)

// ends is the mark that a mark ends, "" for none.
func (m Mark) ends() Mark {
	switch m {
	case Dismissed:
		return Interested
	case Interested:
		return Dismissed
	}
	return ""
}

// tenderMark is a row of tender_marks. A tender that was merged into another keeps its row: the mark then holds for
// the other tender, which readers find through the alias.
type tenderMark struct {
	AccountID    int64 `bun:",pk"`
	TenderID     int64 `bun:",pk"`
	SeenAt       *time.Time
	DismissedAt  *time.Time
	InterestedAt *time.Time
	// RemindFrom and RemindDeadline are what reminders go by, see [vigie.Interest].
	RemindFrom, RemindDeadline *time.Time
}

// SetMark puts a mark of an account on tenders, or removes it. It is idempotent: an existing mark keeps its time.
// The mark that it ends is removed. Unknown ids are left out.
func (s *Store) SetMark(ctx context.Context, account int64, mark Mark, on bool, tenders []int64) error {
	if len(tenders) == 0 {
		return nil
	}
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := s.lockAccount(ctx, tx, account); err != nil {
			return err
		}
		var leading []int64
		err := tx.NewSelect().Model((*vigie.Tender)(nil)).ColumnExpr("DISTINCT COALESCE(merged_into, id)").
			Where("id IN (?)", bun.List(tenders)).Scan(ctx, &leading)
		if err != nil || len(leading) == 0 {
			return err
		}
		if !on {
			return removeMark(ctx, tx, account, mark, leading)
		}
		if ended := mark.ends(); ended != "" {
			if err := removeMark(ctx, tx, account, ended, leading); err != nil {
				return err
			}
		}
		return s.putMark(ctx, tx, account, mark, leading)
	})
}

// removeMark removes a mark of an account from tenders, and from those that were merged into them.
func removeMark(ctx context.Context, tx bun.Tx, account int64, mark Mark, leading []int64) error {
	same := tx.NewSelect().Model((*vigie.Tender)(nil)).Column("id").
		Where("id IN (?)", bun.List(leading)).WhereOr("merged_into IN (?)", bun.List(leading))
	_, err := tx.NewUpdate().Model((*tenderMark)(nil)).Set("? = NULL", bun.Ident(mark)).
		Where("account_id = ?", account).Where("? IS NOT NULL", bun.Ident(mark)).Where("tender_id IN (?)", same).Exec(ctx)
	return err
}

// putMark puts a mark of an account on tenders.
func (s *Store) putMark(ctx context.Context, tx bun.Tx, account int64, mark Mark, leading []int64) error {
	slices.Sort(leading) // rows are locked in the order of their ids
	deadlines, err := deadlines(ctx, tx, leading)
	if err != nil {
		return err
	}
	rows := make([]tenderMark, len(leading))
	for i, id := range leading {
		rows[i] = tenderMark{AccountID: account, TenderID: id}
		switch now := s.db.Stamp(); mark {
		case Seen:
			rows[i].SeenAt = &now
		case Dismissed:
			rows[i].DismissedAt = &now
		case Interested:
			rows[i].InterestedAt, rows[i].RemindFrom, rows[i].RemindDeadline = &now, &now, deadlines[id]
		}
	}
	put := tx.NewInsert().Model(&rows).On("CONFLICT (account_id, tender_id) DO UPDATE").
		Set("? = COALESCE(tender_mark.?, EXCLUDED.?)", bun.Ident(mark), bun.Ident(mark), bun.Ident(mark))
	if mark == Interested {
		for _, column := range []bun.Ident{"remind_from", "remind_deadline"} {
			put = put.Set("? = CASE WHEN tender_mark.interested_at IS NULL THEN EXCLUDED.? ELSE tender_mark.? END", column, column, column)
		}
	}
	if _, err := put.Exec(ctx); err != nil || mark != Interested {
		return err
	}
	return s.ledger.Marked(ctx, tx, account)
}

// deadlines returns the deadlines of tenders; those without one are left out.
func deadlines(ctx context.Context, tx bun.Tx, tenders []int64) (map[int64]*time.Time, error) {
	var rows []struct {
		ID       int64
		Deadline *time.Time
	}
	err := tx.NewSelect().TableExpr("tenders").Column("id", "deadline").Where("id IN (?)", bun.List(tenders)).Scan(ctx, &rows)
	byID := make(map[int64]*time.Time, len(rows))
	for _, row := range rows {
		byID[row.ID] = row.Deadline
	}
	return byID, err
}

// Marks returns the marks of an account on tenders, by the ids asked for; tenders without any are left out.
func (s *Store) Marks(ctx context.Context, account int64, tenders []int64) (map[int64]Marks, error) {
	marks := make(map[int64]Marks)
	if len(tenders) == 0 {
		return marks, nil
	}
	var rows []struct {
		ID                          int64
		Seen, Dismissed, Interested bool
	}
	err := s.db.NewSelect().TableExpr("tenders AS asked").
		ColumnExpr("asked.id, mark.seen_at IS NOT NULL AS seen, mark.dismissed_at IS NOT NULL AS dismissed").
		ColumnExpr("mark.interested_at IS NOT NULL AS interested").
		Join("JOIN tenders AS same ON same.id = COALESCE(asked.merged_into, asked.id) OR same.merged_into = COALESCE(asked.merged_into, asked.id)").
		Join("JOIN tender_marks AS mark ON mark.tender_id = same.id AND mark.account_id = ?", account).
		Where("asked.id IN (?)", bun.List(tenders)).Scan(ctx, &rows)
	for _, row := range rows {
		m := marks[row.ID]
		m.Seen, m.Interested = m.Seen || row.Seen, m.Interested || row.Interested
		m.Dismissed = (m.Dismissed || row.Dismissed) && !m.Interested
		marks[row.ID] = m
	}
	return marks, database.Translate(err)
}

// MarkedList is at most Limit tenders that an account put a mark on, the last marked first. Tenders that closed before Open are
// left out; none if it is zero.
type MarkedList struct {
	Account int64
	Mark    Mark
	Open    time.Time
	Limit   int64
}

// MarkedTenders returns the tenders of a list.
func (s *Store) MarkedTenders(ctx context.Context, list MarkedList) ([]int64, error) {
	var ids []int64
	err := s.db.RunAll(ctx, s.marked(list, &ids))
	return ids, database.Translate(err)
}

func (s *Store) marked(list MarkedList, ids *[]int64) database.Read {
	return s.statements.marked[list.Mark].Into(ids, list.Account, s.db.Time(list.Open), list.Limit)
}

// markedTenders selects the tenders of [Store.MarkedTenders] with its arguments, but for the limit.
func markedTenders(db *database.DB, mark Mark) *bun.SelectQuery {
	account := db.Argument(1)
	q := db.NewSelect().Model((*tenderMark)(nil)).ColumnExpr("tender.id").
		Join("JOIN tenders AS same ON same.id = tender_mark.tender_id").
		Join("JOIN tenders AS tender ON tender.id = COALESCE(same.merged_into, same.id)").
		Where("tender_mark.account_id = ?", account).Where("tender_mark.? IS NOT NULL", bun.Ident(mark)).
		Where(openAt, db.Argument(2)).
		Group("tender.id").OrderExpr("MAX(tender_mark.?) DESC, tender.id DESC", bun.Ident(mark))
	if mark == Dismissed {
		q = q.Where("tender.id NOT IN (?)", db.NewSelect().TableExpr("tender_marks AS other").Join("JOIN tenders AS wanted ON wanted.id = other.tender_id").
			ColumnExpr("COALESCE(wanted.merged_into, wanted.id)").Where("other.account_id = ?", account).Where("other.interested_at IS NOT NULL"))
	}
	return q
}
