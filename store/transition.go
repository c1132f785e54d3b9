package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"vigie"
)

// in is the condition that a delivery is in a state; it is
// [vigie.Delivery.State] in SQL.
func in(state vigie.DeliveryState) string {
	mailed := func(states ...vigie.MailState) string {
		names := make([]string, len(states))
		for i, state := range states {
			names[i] = "'" + string(state) + "'"
		}
		return "dropped_at IS NULL AND mail_id IN (SELECT id FROM mails WHERE state IN (" + strings.Join(names, ", ") + "))"
	}
	switch state {
	case vigie.DeliveryWaiting:
		return unclaimed + " AND held_at IS NULL"
	case vigie.DeliveryHeld:
		return unclaimed + " AND held_at IS NOT NULL"
	case vigie.DeliveryClaimed:
		return mailed(vigie.MailOpen, vigie.MailAside)
	case vigie.DeliverySent:
		return mailed(vigie.MailSent)
	case vigie.DeliveryFailed:
		return mailed(vigie.MailFailed)
	case vigie.DeliveryDropped:
		return "dropped_at IS NOT NULL"
	}
	panic("store: no such state of a delivery: " + string(state))
}

// mayBecome is the condition that a delivery may go over to a state, by the
// table of transitions.
func mayBecome(next vigie.DeliveryState) string {
	var allowed []string
	for _, state := range vigie.DeliveryStates() {
		if slices.Contains(state.Next(), next) {
			allowed = append(allowed, in(state))
		}
	}
	return "((" + strings.Join(allowed, ") OR (") + "))"
}

// move changes deliveries to a state, where that is allowed; those that are in
// it already are changed within it.
func move(ctx context.Context, tx bun.Tx, ids []int64, next vigie.DeliveryState, set func(*bun.UpdateQuery) *bun.UpdateQuery) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := set(tx.NewUpdate().Model((*vigie.Delivery)(nil))).
		Where("id IN (?)", bun.List(ids)).Where("(" + in(next) + " OR " + mayBecome(next) + ")").Exec(ctx)
	return err
}

// claim puts deliveries into mails: pairs of delivery and mail.
func claim(ctx context.Context, tx bun.Tx, members []pair) error {
	return replace(ctx, tx, "deliveries", "mail_id", "id", members, mayBecome(vigie.DeliveryClaimed))
}

// drop has deliveries not be sent any more.
func drop(ctx context.Context, tx bun.Tx, ids []int64, now time.Time) error {
	return move(ctx, tx, ids, vigie.DeliveryDropped, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Set("dropped_at = COALESCE(dropped_at, ?)", now).Set("held_at = NULL").Set("held_for = NULL")
	})
}

// hold has deliveries not be sent for the time being, and decided about again at
// a time.
func hold(ctx context.Context, tx bun.Tx, ids []int64, now time.Time, reason vigie.HoldReason, until time.Time) error {
	return move(ctx, tx, ids, vigie.DeliveryHeld, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Set("held_at = COALESCE(held_at, ?)", now).Set("held_for = ?", reason).Set("mail_id = NULL").Set("due_at = ?", until)
	})
}

// release has held deliveries wait again.
func release(ctx context.Context, tx bun.Tx, ids []int64) error {
	return move(ctx, tx, ids, vigie.DeliveryWaiting, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Set("held_at = NULL").Set("held_for = NULL")
	})
}
