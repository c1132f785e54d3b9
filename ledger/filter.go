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

// DeliveryFilter narrows a list of deliveries: any value of a list, all lists together. Zero fields do not narrow.
type DeliveryFilter struct {
	// States are as the API shows them: a claimed delivery is waiting.
	States []vigie.DeliveryState
	Kinds  []vigie.DeliveryKind
	// Watches led to the delivery; Subscriptions are recipients on watches, each meant on all watches.
	Watches, Subscriptions, Tenders []int64
	// SentFrom and SentTo are inclusive; what was not sent lies within no bound.
	SentFrom, SentTo *time.Time
}

// AccountDeliveries returns the sent and pending deliveries to the recipients of an account, as [Ledger.Deliveries]
// does for a watch, and how many there are in all.
func (l *Ledger) AccountDeliveries(ctx context.Context, account int64, f DeliveryFilter, w DeliveryWindow) ([]*Outgoing, int, error) {
	total, err := l.accountDeliveries(account, f).Count(ctx)
	if err != nil {
		return nil, 0, database.Translate(err)
	}
	q := l.accountDeliveries(account, f).Apply(outgoingColumns).Apply(w.of)
	var list []*Outgoing
	err = q.Scan(ctx, &list)
	return list, int(total), database.Translate(err)
}

// DeliveriesByID returns deliveries of an account by id.
func (l *Ledger) DeliveriesByID(ctx context.Context, account *vigie.Account, ids []int64) (map[int64]*Outgoing, error) {
	var list []*Outgoing
	err := l.accountDeliveries(account.ID, DeliveryFilter{}).Apply(outgoingColumns).Where("d.id IN (?)", bun.List(ids)).Scan(ctx, &list)
	byID := make(map[int64]*Outgoing, len(list))
	for _, o := range list {
		byID[o.ID] = o
	}
	return byID, database.Translate(err)
}

// outgoingColumns adds to a query for deliveries what [Outgoing] has. A delivery that several watches led to has the
// recipient of the first of them; a reminder has that of any watch, or the recipient's own, see [Ledger.Addresses].
func outgoingColumns(q *bun.SelectQuery) *bun.SelectQuery {
	return q.ColumnExpr("d.*").ColumnExpr(outgoingOf).
		ColumnExpr(`COALESCE((SELECT MIN(s.id) FROM subscriptions AS s JOIN reasons AS why ON why.watch_id = s.watch_id
			WHERE why.delivery_id = d.id AND s.recipient_id = d.recipient_id),
			(SELECT MIN(s.id) FROM subscriptions AS s WHERE s.recipient_id = d.recipient_id), d.recipient_id) AS subscription_id`).Apply(withHold)
}

// accountDeliveries selects deliveries to the recipients of an account.
func (l *Ledger) accountDeliveries(account int64, f DeliveryFilter) *bun.SelectQuery {
	q := l.db.NewSelect().TableExpr("deliveries AS d").Join("JOIN recipients AS r ON r.id = d.recipient_id").
		Join("LEFT JOIN mails AS m ON m.id = d.mail_id").Where("r.account_id = ?", account).Where(ofAccount).
		Where("NOT (d.kind = ? AND d.mail_id IS NULL)", vigie.DeliverClosingSoon).
		Where("(d.kind = ? OR EXISTS (SELECT 1 FROM reasons AS why JOIN subscriptions AS s ON s.watch_id = why.watch_id AND s.recipient_id = d.recipient_id WHERE why.delivery_id = d.id))", vigie.DeliverReminder)
	if len(f.States) > 0 {
		states := f.States
		if slices.Contains(states, vigie.DeliveryWaiting) {
			states = append(slices.Clone(states), vigie.DeliveryClaimed)
		}
		conditions := make([]string, len(states))
		for i, state := range states {
			conditions[i] = in(state)
		}
		q = q.Where("d.id IN (SELECT id FROM deliveries WHERE recipient_id IN (SELECT id FROM recipients WHERE account_id = ?) AND ((?)))",
			account, bun.Safe(strings.Join(conditions, ") OR (")))
	}
	if len(f.Kinds) > 0 {
		q = q.Where("d.kind IN (?)", bun.List(f.Kinds))
	}
	if f.Watches != nil {
		q = q.Where("d.id IN (SELECT delivery_id FROM reasons WHERE watch_id IN (?))", bun.List(f.Watches))
	}
	if f.Subscriptions != nil {
		q = q.Where("(d.recipient_id IN (SELECT recipient_id FROM subscriptions WHERE id IN (?0)) OR d.recipient_id IN (?0))", bun.List(f.Subscriptions))
	}
	if f.Tenders != nil { // under all the ids that lead to them
		q = q.Where(`d.tender_id IN (SELECT same.id FROM tenders AS asked JOIN tenders AS same
			ON COALESCE(same.merged_into, same.id) = COALESCE(asked.merged_into, asked.id) WHERE asked.id IN (?))`, bun.List(f.Tenders))
	}
	if f.SentFrom != nil {
		q = q.Where("m.state = ?", vigie.MailSent).Where("m.closed_at >= ?", f.SentFrom.UTC())
	}
	if f.SentTo != nil {
		q = q.Where("m.state = ?", vigie.MailSent).Where("m.closed_at <= ?", f.SentTo.UTC())
	}
	return q
}
