package ledger

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// longAgo stands for a time that retention has deleted.
func longAgo() time.Time { return time.Unix(0, 0).UTC() }

// agedDelivery is a delivery with what decides whether it is still needed.
type agedDelivery struct {
	ID, RecipientID int64
	CreatedAt       time.Time
	// ClosedAt is when its mail was sent or given up, DroppedAt when it was dropped.
	ClosedAt, DroppedAt *time.Time
	Outcome             vigie.Outcome // of its tender, like the deadline
	Deadline            *time.Time
	OnlineUntil         *time.Time
}

// stripped reports whether only the fact of the delivery is left.
func (d *agedDelivery) stripped() bool { return !d.CreatedAt.After(longAgo()) }

// settled reports whether the delivery was sent or dropped before a time.
func (d *agedDelivery) settled(before time.Time) bool {
	return d.stripped() || d.ClosedAt != nil && d.ClosedAt.Before(before) || d.dropped(before)
}

func (d *agedDelivery) dropped(before time.Time) bool {
	return d.DroppedAt != nil && d.DroppedAt.Before(before)
}

// over reports whether there can be no more alerts about its tender.
func (d *agedDelivery) over(now time.Time) bool {
	t := vigie.Tender{Outcome: d.Outcome}
	t.Deadline, t.OnlineUntil = d.Deadline, d.OnlineUntil
	return t.Status(now) != vigie.StatusOnline
}

// ExpireDeliveries applies retention to at most [vigie.MaxBatch] deliveries with ids above after: to those that were
// sent or dropped before a time. next is where to go on, 0 at the end.
//
// It deletes deliveries that were dropped, or whose tender is over. If the tender is open, there can be more alerts
// about it, and none may be repeated: of such a delivery stays which address was alerted, and by which watch; the
// times, the mail and the keywords are deleted.
func (l *Ledger) ExpireDeliveries(ctx context.Context, before time.Time, after int64) (next int64, err error) {
	err = l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		var rows []*agedDelivery
		err := tx.NewSelect().TableExpr("deliveries AS d").
			Join("JOIN tenders AS same ON same.id = d.tender_id").
			Join("JOIN tenders AS t ON t.id = COALESCE(same.merged_into, same.id)").
			Join("LEFT JOIN mails AS m ON m.id = d.mail_id").
			ColumnExpr("d.id, d.recipient_id, d.created_at, d.dropped_at, t.outcome, t.deadline, t.online_until").
			ColumnExpr("CASE WHEN m.state <> ? THEN COALESCE(m.closed_at, ?) END AS closed_at", vigie.MailOpen, longAgo()).
			Where("d.id > ?", after).OrderExpr("d.id").Limit(vigie.MaxBatch).Scan(ctx, &rows)
		if err != nil {
			return err
		}
		var deleted, bare, recipients []int64
		next = 0
		for _, d := range rows {
			if d.CreatedAt.Before(before) {
				next = rows[len(rows)-1].ID // ids are in the order of time, or nearly
			}
			switch {
			case !d.settled(before):
				continue
			case d.dropped(before) || d.over(l.db.Stamp()):
				deleted = append(deleted, d.ID)
			case !d.stripped():
				bare = append(bare, d.ID)
			default:
				continue
			}
			recipients = append(recipients, d.RecipientID)
		}
		if len(deleted)+len(bare) == 0 {
			return nil
		}
		if _, err := l.lockRecipients(ctx, tx, database.Distinct(recipients)); err != nil {
			return err
		}
		if len(deleted) > 0 {
			for _, statement := range []string{"DELETE FROM reasons WHERE delivery_id IN (?)", "DELETE FROM deliveries WHERE id IN (?)"} {
				if _, err := tx.NewRaw(statement, bun.List(deleted)).Exec(ctx); err != nil {
					return err
				}
			}
		}
		if len(bare) == 0 {
			return nil
		}
		if _, err := tx.NewUpdate().Model((*reason)(nil)).Set("keywords = '[]'").Where("delivery_id IN (?)", bun.List(bare)).Exec(ctx); err != nil {
			return err
		}
		_, err = tx.NewUpdate().Model((*vigie.Delivery)(nil)).Set("created_at = ?", longAgo()).Set("due_at = ?", longAgo()).
			Where("id IN (?)", bun.List(bare)).Exec(ctx)
		return err
	})
	return next, err
}

// ExpireMails applies retention to mails as [Ledger.ExpireDeliveries] does to deliveries: to those that were sent, or
// given up, before a time. Of a mail that a remaining delivery refers to, only its existence and its outcome stay.
func (l *Ledger) ExpireMails(ctx context.Context, before time.Time, after int64) (next int64, err error) {
	err = l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		var rows, settled []*vigie.Mail
		err := tx.NewSelect().Model(&rows).Column("id", "recipient_id", "created_at", "closed_at").
			Where("id > ?", after).Order("id").Limit(vigie.MaxBatch).Scan(ctx)
		if err != nil {
			return err
		}
		var ids []int64
		next = 0
		for _, m := range rows {
			if m.CreatedAt.Before(before) {
				next = rows[len(rows)-1].ID
			}
			if stripped(m) || m.ClosedAt != nil && m.ClosedAt.Before(before) {
				settled, ids = append(settled, m), append(ids, m.ID)
			}
		}
		if len(settled) == 0 {
			return nil
		}
		var telling []int64
		err = tx.NewSelect().Model((*vigie.Delivery)(nil)).ColumnExpr("DISTINCT mail_id").Where("mail_id IN (?)", bun.List(ids)).Scan(ctx, &telling)
		if err != nil {
			return err
		}
		var deleted, bare, recipients []int64
		for _, m := range settled {
			switch {
			case !slices.Contains(telling, m.ID):
				deleted = append(deleted, m.ID)
			case !stripped(m):
				bare = append(bare, m.ID)
			default:
				continue
			}
			recipients = append(recipients, m.RecipientID)
		}
		if len(deleted)+len(bare) == 0 {
			return nil
		}
		if _, err := l.lockRecipients(ctx, tx, database.Distinct(recipients)); err != nil {
			return err
		}
		if len(deleted) > 0 {
			if _, err := tx.NewDelete().Model((*vigie.Mail)(nil)).Where("id IN (?)", bun.List(deleted)).Exec(ctx); err != nil {
				return err
			}
		}
		if len(bare) == 0 {
			return nil
		}
		_, err = tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("message_id = CAST(id AS TEXT)").Set("error = ''").Set("closed_at = NULL").Set("replay_at = NULL").Set("replayed_at = NULL").
			Set("created_at = ?", longAgo()).Set("retry_at = ?", longAgo()).Where("id IN (?)", bun.List(bare)).Exec(ctx)
		return err
	})
	return next, err
}

// stripped reports whether only the outcome of a mail is left.
func stripped(m *vigie.Mail) bool { return !m.CreatedAt.After(longAgo()) }
