package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"vigie"
)

// checkAt schedules the check of recipients at a time, unless they are to be checked sooner. The recipients are
// locked.
func checkAt(ctx context.Context, tx bun.Tx, recipients []int64, at time.Time) error {
	at = at.UTC().Truncate(time.Microsecond)
	_, err := tx.NewUpdate().Model((*recipient)(nil)).Set("look_at = ?", at).
		Where("id IN (?)", bun.List(recipients)).Where("look_at IS NULL OR look_at > ?", at).Exec(ctx)
	return err
}

// checkNow schedules a check of recipients, and of all their waiting deliveries, for now: which mail they want, or
// when, has changed. The recipients are locked.
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
	return checkAt(ctx, tx, recipients, now)
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
