package store

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"vigie"
)

// Quarantined is an item that a consumer could not process, and set aside.
type Quarantined struct {
	bun.BaseModel `bun:"quarantine"`
	Consumer      string `bun:",pk"`
	Item          int64  `bun:",pk"` // the id of what Kind says
	Kind          string
	// Number is the item's place in the order of changes.
	Number int64
	// Detail is what the consumer needs beside that to try again.
	Detail string
	Error  string
	Tries  int64
	// FirstAt is when it was set aside first, LastAt when it was last tried.
	FirstAt, LastAt time.Time
	// Retry is whether it is to be tried again.
	Retry bool
}

// The kinds of items.
const (
	NoticeItem    = "notice"
	TenderItem    = "tender"
	WatchItem     = "watch"
	MailItem      = "mail"
	RecipientItem = "recipient"
)

// maxError is how much is kept of what an item failed with; the log has it all.
const maxError = 1000

// setAside selects the items of a consumer that are set aside.
func setAside(db bun.IDB, consumer string) *bun.SelectQuery {
	return db.NewSelect().Model((*Quarantined)(nil)).Column("item").Where("consumer = ?", consumer)
}

// SetAside sets an item aside, or notes that it failed again. A mail is closed
// until it is tried again, so that others to its recipient can leave.
func (s *Store) SetAside(ctx context.Context, q *Quarantined) error {
	row := *q
	row.FirstAt, row.LastAt, row.Retry = s.stamp(), s.stamp(), false
	if len(row.Error) > maxError {
		row.Error = row.Error[:maxError]
	}
	row.Error = strings.ToValidUTF8(strings.ReplaceAll(row.Error, "\x00", ""), "")
	return s.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewInsert().Model(&row).On("CONFLICT (consumer, item) DO UPDATE").
			Set("error = EXCLUDED.error").Set("tries = quarantined.tries + EXCLUDED.tries").
			Set("last_at = EXCLUDED.last_at").Set("retry = FALSE").
			Set("number = CASE WHEN EXCLUDED.number < quarantined.number THEN EXCLUDED.number ELSE quarantined.number END").
			// Lists of what it is owed to: they add up.
			Set("detail = CASE WHEN quarantined.detail IN ('', EXCLUDED.detail) THEN EXCLUDED.detail ELSE quarantined.detail || ' ' || EXCLUDED.detail END").
			Exec(ctx)
		if err != nil || row.Kind != MailItem {
			return err
		}
		_, err = tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("state = ?", vigie.MailAside).Set("closed_at = ?", row.LastAt).Set("leased_until = 0").
			Where("id = ?", row.Item).Where("state = ?", vigie.MailOpen).Exec(ctx)
		return err
	})
}

// Quarantine returns all that is set aside, the oldest first.
func (s *Store) Quarantine(ctx context.Context) ([]*Quarantined, error) {
	var list []*Quarantined
	err := s.db.NewSelect().Model(&list).Order("first_at", "consumer", "item").Scan(ctx)
	return list, translate(err)
}

// QuarantineSizes tells how many items are set aside, by consumer.
func (s *Store) QuarantineSizes(ctx context.Context) (map[string]int64, error) {
	var rows []struct {
		Consumer string
		Items    int64
	}
	err := s.db.NewSelect().Model((*Quarantined)(nil)).ColumnExpr("consumer, COUNT(*) AS items").Group("consumer").Scan(ctx, &rows)
	sizes := make(map[string]int64, len(rows))
	for _, row := range rows {
		sizes[row.Consumer] = row.Items
	}
	return sizes, translate(err)
}

// Retries returns what a consumer is to try again, in the order of numbers, at
// most limit.
func (s *Store) Retries(ctx context.Context, consumer string, limit int) ([]*Quarantined, error) {
	var list []*Quarantined
	err := s.db.NewSelect().Model(&list).Where("consumer = ?", consumer).Where("retry").Order("number", "item").Limit(int64(limit)).Scan(ctx)
	return list, translate(err)
}

// Release takes items of a consumer out of the quarantine: they were processed.
func (s *Store) Release(ctx context.Context, consumer string, items []int64) error {
	if len(items) == 0 {
		return nil
	}
	_, err := s.db.NewDelete().Model((*Quarantined)(nil)).Where("consumer = ?", consumer).Where("item IN (?)", bun.List(items)).Exec(ctx)
	return translate(err)
}

// ItemRef names an item that is set aside.
type ItemRef struct {
	Consumer string
	Item     int64
}

// Retry has items that are set aside tried again, all of them where none is
// named, and tells how many. A watch or a recipient is simply free again; what
// else is asked for is found by [Store.Retries].
func (s *Store) Retry(ctx context.Context, items []ItemRef) (int, error) {
	var chosen []*Quarantined
	err := s.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		chosen = nil
		q := s.dialect.forUpdate(tx.NewSelect().Model(&chosen)).Order("consumer", "item")
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
		var watches []*Quarantined
		for _, row := range chosen {
			switch row.Kind {
			case WatchItem:
				watches = append(watches, row)
			case RecipientItem:
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

// reviveWatches has all who follow changes meet watches again that were set
// aside, and has those that are on tell what they missed meanwhile.
func (s *Store) reviveWatches(ctx context.Context, tx bun.Tx, rows []*Quarantined) error {
	from := make(map[int64]int64, len(rows))
	for _, row := range rows {
		from[row.Item] = row.Number
	}
	var watches []*vigie.Watch
	err := s.dialect.forUpdate(tx.NewSelect().Model(&watches).Where("id IN (?)", bun.List(slices.Collect(maps.Keys(from)))).Order("id")).Scan(ctx)
	if err != nil || len(watches) == 0 {
		return err
	}
	numbers, err := takeSome(ctx, tx, len(watches))
	if err != nil {
		return err
	}
	for _, w := range watches {
		missed := max(from[w.ID], w.Since)
		if w.Active && (w.CatchUpFrom == nil || missed < *w.CatchUpFrom) {
			w.CatchUpFrom = &missed
		}
		w.Number = numbers.next()
		if _, err := tx.NewUpdate().Model(w).Column("number", "catch_up_from").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ReviveMail has a mail tried again that was set aside, if it is still there;
// not while another to its recipient is on its way.
func (s *Store) ReviveMail(ctx context.Context, id int64) error {
	return s.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		mail := &vigie.Mail{ID: id}
		err := tx.NewSelect().Model(mail).WherePK().Where("state = ?", vigie.MailAside).Scan(ctx)
		switch {
		case err == nil:
			if _, err := s.lockRecipients(ctx, tx, []int64{mail.RecipientID}); err != nil {
				return err
			}
			open, err := tx.NewSelect().Model((*vigie.Mail)(nil)).Where("recipient_id = ?", mail.RecipientID).Where("state = ?", vigie.MailOpen).Exists(ctx)
			if err != nil || open {
				return err
			}
			_, err = tx.NewUpdate().Model(mail).Set("state = ?", vigie.MailOpen).Set("closed_at = NULL").Set("retry_at = ?", s.stamp()).WherePK().Exec(ctx)
			if err != nil {
				return err
			}
		case !isNoRows(err):
			return err
		}
		_, err = tx.NewDelete().Model((*Quarantined)(nil)).Where("consumer = ?", MailsConsumer).Where("item = ?", id).Exec(ctx)
		return err
	})
}
