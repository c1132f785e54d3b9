package ledger

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// in is the condition that a delivery is in a state: [vigie.Delivery.State] in SQL.
func in(state vigie.DeliveryState) string {
	mailed := func(states ...vigie.MailState) string {
		names := make([]string, len(states))
		for i, state := range states {
			names[i] = "'" + string(state) + "'"
		}
		// Each delivery's own mail is looked up: databases would read all mails in a state for IN.
		return "dropped_at IS NULL AND EXISTS (SELECT 1 FROM mails WHERE mails.id = mail_id AND mails.state IN (" + strings.Join(names, ", ") + "))"
	}
	switch state {
	case vigie.DeliveryWaiting:
		return unclaimed + " AND NOT " + held
	case vigie.DeliveryHeld:
		return unclaimed + " AND " + held
	case vigie.DeliveryClaimed:
		return mailed(vigie.MailOpen, vigie.MailAside)
	case vigie.DeliverySent:
		return mailed(vigie.MailSent)
	case vigie.DeliveryFailed:
		return mailed(vigie.MailFailed)
	case vigie.DeliveryDropped:
		return "(dropped_at IS NOT NULL OR " + mailed(vigie.MailDropped) + ")"
	}
	panic("ledger: unknown state of a delivery: " + string(state))
}

// held is the condition that a delivery is held.
const held = "id IN (SELECT delivery_id FROM delivery_holds)"

// withHold adds to a query for deliveries, as d, why they are held.
func withHold(q *bun.SelectQuery) *bun.SelectQuery {
	return q.Join("LEFT JOIN delivery_holds AS h ON h.delivery_id = d.id").ColumnExpr("h.since AS held_at, COALESCE(h.reason, '') AS held_for")
}

// mayBecome is the condition that a delivery may move to a state, by the table of transitions.
func mayBecome(next vigie.DeliveryState) string {
	var allowed []string
	for _, state := range vigie.DeliveryStates() {
		if slices.Contains(state.Next(), next) {
			allowed = append(allowed, in(state))
		}
	}
	return "((" + strings.Join(allowed, ") OR (") + "))"
}

// move moves deliveries to a state, where the transition is allowed; those that are in the state already are changed
// within it.
func move(ctx context.Context, tx bun.Tx, ids []int64, next vigie.DeliveryState, set func(*bun.UpdateQuery) *bun.UpdateQuery) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := set(tx.NewUpdate().Model((*vigie.Delivery)(nil))).
		Where("id IN (?)", bun.List(ids)).Where("(" + in(next) + " OR " + mayBecome(next) + ")").Exec(ctx)
	return err
}

// claim puts deliveries into mails: pairs of delivery and mail.
func claim(ctx context.Context, tx bun.Tx, members []database.Pair) error {
	return database.Replace(ctx, tx, "deliveries", "mail_id", "id", members, mayBecome(vigie.DeliveryClaimed))
}

// unclaim makes claimed deliveries wait again, until a time.
func unclaim(ctx context.Context, tx bun.Tx, ids []int64, until time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.NewUpdate().Model((*vigie.Delivery)(nil)).Set("mail_id = NULL").Set("due_at = ?", until).
		Where("id IN (?)", bun.List(ids)).Where(in(vigie.DeliveryClaimed)).Exec(ctx)
	return err
}

// drop drops deliveries.
func drop(ctx context.Context, tx bun.Tx, ids []int64, now time.Time) error {
	err := move(ctx, tx, ids, vigie.DeliveryDropped, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Set("dropped_at = COALESCE(dropped_at, ?)", now)
	})
	if err != nil {
		return err
	}
	return endHolds(ctx, tx, ids, vigie.DeliveryDropped)
}

// revive makes dropped deliveries wait again.
func revive(ctx context.Context, tx bun.Tx, ids []int64, now time.Time) error {
	return move(ctx, tx, ids, vigie.DeliveryWaiting, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Set("dropped_at = NULL").Set("mail_id = NULL").Set("due_at = ?", now)
	})
}

// deliveryHold is a row of delivery_holds.
type deliveryHold struct {
	DeliveryID int64 `bun:",pk"`
	Since      time.Time
	Reason     vigie.HoldReason
}

// hold holds deliveries until a time, when they are decided about again.
func hold(ctx context.Context, tx bun.Tx, ids []int64, now time.Time, reason vigie.HoldReason, until time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	var may []int64
	err := tx.NewSelect().Model((*vigie.Delivery)(nil)).Column("id").Where("id IN (?)", bun.List(ids)).
		Where("("+in(vigie.DeliveryHeld)+" OR "+mayBecome(vigie.DeliveryHeld)+")").Order("id").Scan(ctx, &may)
	if err != nil || len(may) == 0 {
		return err
	}
	rows := make([]*deliveryHold, len(may))
	for i, id := range may {
		rows[i] = &deliveryHold{id, now, reason}
	}
	if _, err := tx.NewInsert().Model(&rows).On("CONFLICT (delivery_id) DO UPDATE").Set("reason = EXCLUDED.reason").Exec(ctx); err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model((*vigie.Delivery)(nil)).Set("mail_id = NULL").Set("due_at = ?", until).Where("id IN (?)", bun.List(may)).Exec(ctx)
	return err
}

// release makes held deliveries wait again.
func release(ctx context.Context, tx bun.Tx, ids []int64) error {
	return endHolds(ctx, tx, ids, vigie.DeliveryHeld)
}

// endHolds deletes the holds of deliveries in a state.
func endHolds(ctx context.Context, tx bun.Tx, ids []int64, state vigie.DeliveryState) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.NewRaw("DELETE FROM delivery_holds WHERE delivery_id IN (?) AND delivery_id IN (SELECT id FROM deliveries WHERE ?)",
		bun.List(ids), bun.Safe(in(state))).Exec(ctx)
	return err
}
