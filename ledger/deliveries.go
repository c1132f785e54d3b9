package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// Outgoing is a delivery as the owner of a watch sees it.
type Outgoing struct {
	vigie.Delivery `bun:"embed:"`
	// SubscriptionID is the id of the recipient on the watch.
	SubscriptionID int64
	WatchID        int64
	AccountID      int64
	// MailState is the state of the mail that the delivery was claimed for, nil for none; ClosedAt is when that mail
	// was accepted, or given up.
	MailState *vigie.MailState
	ClosedAt  *time.Time
	// WebhookID is the endpoint that it is for; 0 for a mail address.
	WebhookID int64
	// Attempts are those of its mail that failed, Error is why the last one did, "" if none did; RetryAt is when the next one
	// is.
	Attempts int64
	Error    string
	RetryAt  *time.Time
	// Replays is how often its message was accepted once more, ReplayedAt when it last was; ReplayAt is set while it is to be.
	Replays              int64
	ReplayedAt, ReplayAt *time.Time
}

// State returns the delivery's state.
func (o *Outgoing) State() vigie.DeliveryState { return o.Delivery.State(o.MailState) }

// Status returns the state as the API shows it: a claimed delivery is still pending.
func (o *Outgoing) Status() vigie.DeliveryState {
	if state := o.State(); state != vigie.DeliveryClaimed {
		return state
	}
	return vigie.DeliveryWaiting
}

// Hold returns why the delivery is held, nil if it is not.
func (o *Outgoing) Hold() *Hold {
	if o.State() != vigie.DeliveryHeld {
		return nil
	}
	return &Hold{Reason: o.HeldFor, Since: *o.HeldAt, Until: o.DueAt}
}

// Hold is why a delivery is held.
type Hold struct {
	Reason vigie.HoldReason
	Since  time.Time
	// Until is when the delivery is dropped, if nothing changes.
	Until time.Time
}

// SentAt returns when the delivery's mail was accepted, nil if it was not.
func (o *Outgoing) SentAt() *time.Time {
	if o.Status() != vigie.DeliverySent {
		return nil
	}
	return o.ClosedAt
}

// GlobalID returns the delivery's id within the server.
func (o *Outgoing) GlobalID() string { return vigie.GlobalID(vigie.KindDelivery, o.ID) }

// outgoing selects deliveries, one row for each watch that led to them. Closing-soon deliveries that have not been
// claimed are left out.
func (l *Ledger) outgoing() *bun.SelectQuery {
	return l.db.NewSelect().TableExpr("reasons AS why").Join("JOIN deliveries AS d ON d.id = why.delivery_id").
		Join("JOIN subscriptions AS s ON s.watch_id = why.watch_id AND s.recipient_id = d.recipient_id").
		Join("JOIN recipients AS r ON r.id = d.recipient_id").
		Join("LEFT JOIN mails AS m ON m.id = d.mail_id").Where(ofAccount).
		Where("NOT (d.kind = ? AND d.mail_id IS NULL)", vigie.DeliverClosingSoon)
}

// ofAccount is the condition that a recipient, r, is the account's own matter: an address, or a webhook that it added. What a
// platform's webhook gets is the platform's.
const ofAccount = "(r.webhook_id IS NULL OR r.webhook_id IN (SELECT id FROM webhooks WHERE account_id IS NOT NULL))"

// outgoingOf are the columns of [Outgoing] that are those of a recipient, r, and of a mail, m.
const outgoingOf = "r.account_id, COALESCE(r.webhook_id, 0) AS webhook_id, m.state AS mail_state, m.closed_at, m.retry_at, COALESCE(m.attempts, 0) AS attempts, COALESCE(m.error, '') AS error, " +
	"COALESCE(m.replays, 0) AS replays, m.replayed_at, m.replay_at"

// DeliveryWindow is a part of a list of deliveries, newest first: at most Limit of those with ids below Below, or,
// counted from the end of the list, above Above; 0 is no bound.
type DeliveryWindow struct {
	Below, Above int64
	Backwards    bool
	Limit        int
}

// of narrows a query for deliveries, as d, to the window.
func (w DeliveryWindow) of(q *bun.SelectQuery) *bun.SelectQuery {
	if w.Below != 0 {
		q = q.Where("d.id < ?", w.Below)
	}
	if w.Above != 0 {
		q = q.Where("d.id > ?", w.Above)
	}
	if w.Backwards {
		q = q.OrderExpr("d.id ASC")
	} else {
		q = q.OrderExpr("d.id DESC")
	}
	return q.Limit(int64(w.Limit))
}

// Deliveries returns the sent and pending deliveries of a watch, and how many there are in all.
func (l *Ledger) Deliveries(ctx context.Context, watch int64, w DeliveryWindow) ([]*Outgoing, int, error) {
	total, err := l.outgoing().Where("why.watch_id = ?", watch).Count(ctx)
	if err != nil {
		return nil, 0, database.Translate(err)
	}
	q := l.outgoing().Where("why.watch_id = ?", watch).
		ColumnExpr("d.*, s.id AS subscription_id, why.watch_id").ColumnExpr(outgoingOf).Apply(withHold).Apply(w.of)
	var list []*Outgoing
	err = q.Scan(ctx, &list)
	return list, int(total), database.Translate(err)
}

// Delivery returns a delivery of an account.
func (l *Ledger) Delivery(ctx context.Context, account, id int64) (*Outgoing, error) {
	o := new(Outgoing)
	err := l.outgoing().Join("JOIN watches AS w ON w.id = why.watch_id").
		ColumnExpr("d.*, s.id AS subscription_id, why.watch_id").ColumnExpr(outgoingOf).Apply(withHold).
		Where("d.id = ?", id).Where("w.account_id = ?", account).OrderExpr("s.id").Limit(1).Scan(ctx, o)
	return o, database.Translate(err)
}

// Attempts returns the deliveries about a tender to the recipients of a watch, whichever watches led to them; oldest
// first. The tender must not be an alias.
func (l *Ledger) Attempts(ctx context.Context, watch, tender int64) ([]*Outgoing, error) {
	var list []*Outgoing
	err := l.db.NewSelect().TableExpr("subscriptions AS s").Join("JOIN deliveries AS d ON d.recipient_id = s.recipient_id").
		Join("JOIN recipients AS r ON r.id = s.recipient_id").Join("LEFT JOIN mails AS m ON m.id = d.mail_id").
		ColumnExpr("d.*, s.id AS subscription_id, s.watch_id").ColumnExpr(outgoingOf).Where(ofAccount).Apply(withHold).
		Where("s.watch_id = ?", watch).Where("d.tender_id IN (?)", merged(tender)).
		Where("NOT (d.kind = ? AND d.mail_id IS NULL)", vigie.DeliverClosingSoon).OrderExpr("d.id").Scan(ctx, &list)
	return list, database.Translate(err)
}

// Reasons returns why deliveries were made, by delivery.
func (l *Ledger) Reasons(ctx context.Context, deliveries []int64) (map[int64][]vigie.Reason, error) {
	var rows []*reason
	err := l.db.NewSelect().Model(&rows).Where("delivery_id IN (?)", bun.List(deliveries)).Order("delivery_id", "watch_id").Scan(ctx)
	byDelivery := make(map[int64][]vigie.Reason, len(deliveries))
	for _, r := range rows {
		byDelivery[r.DeliveryID] = append(byDelivery[r.DeliveryID], vigie.Reason{WatchID: r.WatchID, Keywords: r.Keywords})
	}
	return byDelivery, database.Translate(err)
}

// Health says whether a watch works.
type Health struct {
	WatchID int64
	// EvaluatedAt is when the watch had last been matched with all notices; nil while the watch is off.
	EvaluatedAt *time.Time
	// MatchedAt is when a tender last began to match, MailedAt when a mail because of it was last accepted; nil where
	// that is older than retention keeps.
	MatchedAt, MailedAt *time.Time
}

// Health returns the health of watches, by watch.
func (l *Ledger) Health(ctx context.Context, watches []int64) (map[int64]*Health, error) {
	var rows []*Health
	err := l.db.NewSelect().TableExpr("watches AS w").
		Join("LEFT JOIN reasons AS why ON why.watch_id = w.id").
		Join("LEFT JOIN deliveries AS d ON d.id = why.delivery_id").
		Join("LEFT JOIN mails AS m ON m.id = d.mail_id AND m.state = ?", vigie.MailSent).
		ColumnExpr("w.id AS watch_id").
		ColumnExpr("(SELECT seen_at FROM consumers WHERE name = ? AND w.active) AS evaluated_at", database.AlertsConsumer).
		ColumnExpr("MAX(CASE WHEN d.kind = ? AND d.created_at > ? THEN d.created_at END) AS matched_at", vigie.DeliverNew, longAgo()).
		ColumnExpr("MAX(m.closed_at) AS mailed_at").
		Where("w.id IN (?)", bun.List(watches)).GroupExpr("w.id, w.active").Scan(ctx, &rows)
	byWatch := make(map[int64]*Health, len(rows))
	for _, h := range rows {
		byWatch[h.WatchID] = h
	}
	return byWatch, database.Translate(err)
}
