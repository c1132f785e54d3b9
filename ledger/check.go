package ledger

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// checkAt schedules the check of recipients at a time, unless they are to be checked sooner. The recipients are
// locked.
func checkAt(ctx context.Context, tx bun.Tx, recipients []int64, at time.Time) error {
	values := database.Pass(tx, recipients, at.UTC().Truncate(time.Microsecond))
	_, err := tx.NewUpdate().Conn(values).Model((*recipient)(nil)).Set("look_at = ?", values.Argument(2)).
		Where("id ?", values.Among(1)).Where("look_at IS NULL OR look_at > ?", values.Argument(2)).Exec(ctx)
	return err
}

// checkNow schedules a check of recipients, and of all their waiting deliveries, for now: which mail they want, or
// when, has changed. A message to a webhook keeps its deliveries while they may not be sent, so it is tried now, too. The
// recipients are locked.
func (l *Ledger) checkNow(ctx context.Context, tx bun.Tx, recipients []int64) error {
	if len(recipients) == 0 {
		return nil
	}
	now := l.db.Stamp()
	_, err := tx.NewUpdate().Model((*vigie.Delivery)(nil)).Set("due_at = ?", now).
		Where("recipient_id IN (?)", bun.List(recipients)).Where(unclaimed).Where("due_at > ?", now).Exec(ctx)
	if err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("retry_at = ?", now).Where("recipient_id IN (?)", bun.List(recipients)).
		Where("kind = ?", vigie.WebhookMessage).Where("state = ?", vigie.MailOpen).Where("retry_at > ?", now).Exec(ctx)
	if err != nil {
		return err
	}
	return checkAt(ctx, tx, recipients, now)
}

// DecideAgain has the sender decide again about all waiting deliveries of the tenders of notices, at most
// [vigie.MaxBatch]: when they are due, or whether they are still wanted, may have changed.
func (l *Ledger) DecideAgain(ctx context.Context, notices []int64) error {
	var waiting []struct{ RecipientID, ID int64 }
	err := l.db.NewSelect().TableExpr("deliveries").Column("recipient_id", "id").
		Where(`tender_id IN (SELECT tender_id FROM notices WHERE id IN (?0)
			UNION SELECT t.id FROM notices AS n JOIN tenders AS t ON t.merged_into = n.tender_id WHERE n.id IN (?0))`, bun.List(notices)).
		Where(unclaimed).Order("recipient_id", "id").Scan(ctx, &waiting)
	if err != nil {
		return database.Translate(err)
	}
	for some := range slices.Chunk(waiting, vigie.MaxBatch) {
		var recipients, ids []int64
		for _, d := range some {
			recipients, ids = append(recipients, d.RecipientID), append(ids, d.ID)
		}
		err := l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
			locked, err := l.lockRecipients(ctx, tx, slices.Compact(recipients))
			if err != nil || len(locked) == 0 {
				return err
			}
			now := l.db.Stamp()
			if _, err := tx.NewUpdate().Model((*vigie.Delivery)(nil)).Set("due_at = ?", now).
				Where("id IN (?)", bun.List(ids)).Where(unclaimed).Where("due_at > ?", now).Exec(ctx); err != nil {
				return err
			}
			return checkAt(ctx, tx, locked, now)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// unclaimed is the condition that a delivery waits or is held.
const unclaimed = "mail_id IS NULL AND dropped_at IS NULL"

// WatchChanged decides again about all waiting deliveries of a watch's recipients, removed ones included: its
// recipients, its frequency, or whether it is on, has changed. The recipients are locked.
func (l *Ledger) WatchChanged(ctx context.Context, tx bun.Tx, watch int64) error {
	var recipients []int64
	err := tx.NewSelect().Model((*subscription)(nil)).Column("recipient_id").Where("watch_id = ?", watch).Scan(ctx, &recipients)
	if err != nil {
		return err
	}
	return l.checkNow(ctx, tx, recipients)
}

// RestartQuietDays counts the quiet days of a watch from a time on.
func (l *Ledger) RestartQuietDays(ctx context.Context, tx bun.Tx, watch int64, from time.Time) error {
	_, err := tx.NewUpdate().Model((*subscription)(nil)).Set("heard_at = ?", from).Where("watch_id = ?", watch).Exec(ctx)
	return err
}

// SettingsChanged decides again about all waiting deliveries of an account: its hour, its zone or its language has
// changed.
func (l *Ledger) SettingsChanged(ctx context.Context, tx bun.Tx, account int64) error {
	known, err := l.recipientsOf(ctx, tx, account)
	ids := make([]int64, len(known))
	for i, r := range known {
		ids[i] = r.ID
	}
	if err != nil {
		return err
	}
	return l.checkNow(ctx, tx, ids)
}
