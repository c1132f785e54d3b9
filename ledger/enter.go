package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// Alert is one recipient's alert about a tender, to be entered as a delivery.
type Alert struct {
	RecipientID int64
	Kind        vigie.DeliveryKind
	Urgent      bool
	DueAt       time.Time
	Reasons     []vigie.Reason
}

// AlertSubject is what alerts are about.
type AlertSubject struct {
	TenderID int64
	// NoticeID is the notice that caused the alerts.
	NoticeID int64
	// Number is the change of the tender that the alerts are about.
	Number int64
}

// Enter enters deliveries into the ledger, at most [vigie.MaxBatch]. It is idempotent: a delivery that exists gains
// only the reasons that are new; one that was dropped waits again if it gains any. Recipients that were erased since are
// left out. So are recipients of a cancellation whose alert about the tender was dropped since, and recipients that were
// removed from one of the watches, perhaps because the account has another address now; again reports that there are
// such recipients: their alerts must be decided again.
func (l *Ledger) Enter(ctx context.Context, about AlertSubject, alerts []Alert) (again bool, err error) {
	if len(alerts) == 0 {
		return false, nil
	}
	err = l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		again, err = l.enter(ctx, tx, about, alerts)
		return err
	})
	return again, err
}

func (l *Ledger) enter(ctx context.Context, tx bun.Tx, about AlertSubject, alerts []Alert) (again bool, err error) {
	recipients := make([]int64, len(alerts))
	for i, a := range alerts {
		recipients[i] = a.RecipientID
	}
	recipients, err = l.lockRecipients(ctx, tx, recipients)
	if err != nil || len(recipients) == 0 {
		return false, err
	}
	alerts = slices.DeleteFunc(slices.Clone(alerts), func(a Alert) bool {
		_, there := slices.BinarySearch(recipients, a.RecipientID)
		return !there
	})
	entered, err := entered(ctx, tx, about, recipients)
	if err != nil {
		return false, err
	}
	still, err := withoutRemoved(ctx, tx, recipients, alerts)
	again = len(still) < len(alerts)
	if err == nil {
		still, err = withoutUnalerted(ctx, tx, about, still)
	}
	if err == nil {
		still, err = withoutInformed(ctx, tx, about, still)
	}
	if err != nil || len(still) == 0 {
		return again, err
	}
	numbers, err := database.Take(ctx, tx, len(still))
	if err != nil {
		return again, err
	}
	e := entry{now: l.db.Stamp(), due: make(map[time.Time][]int64)}
	for _, a := range still {
		e.add(about, a, entered, &numbers)
	}
	return again, e.save(ctx, tx)
}

// withoutRemoved leaves out the alerts for recipients that are no longer on one of the watches that led to them.
func withoutRemoved(ctx context.Context, tx bun.Tx, recipients []int64, alerts []Alert) ([]Alert, error) {
	var rows []*subscription
	err := tx.NewSelect().Model(&rows).Column("recipient_id", "watch_id").Where("recipient_id IN (?)", bun.List(recipients)).
		Where("removed_at IS NULL").Scan(ctx)
	type place struct{ recipient, watch int64 }
	on := make(map[place]bool, len(rows))
	for _, row := range rows {
		on[place{row.RecipientID, row.WatchID}] = true
	}
	return slices.DeleteFunc(alerts, func(a Alert) bool {
		return slices.ContainsFunc(a.Reasons, func(r vigie.Reason) bool { return !on[place{a.RecipientID, r.WatchID}] })
	}), err
}

// withoutUnalerted leaves out the cancellations for recipients that were not alerted of the tender and will not be.
func withoutUnalerted(ctx context.Context, tx bun.Tx, about AlertSubject, alerts []Alert) ([]Alert, error) {
	return without(ctx, tx, about, alerts, vigie.DeliverCancelled, false, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("l.notice_id < ?", about.NoticeID)
	})
}

// withoutInformed leaves out the alerts that a tender is new for recipients that a mail has informed of it already,
// because of whichever other notice, perhaps since the alerts were decided.
func withoutInformed(ctx context.Context, tx bun.Tx, about AlertSubject, alerts []Alert) ([]Alert, error) {
	return without(ctx, tx, about, alerts, vigie.DeliverNew, true, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Join("JOIN mails AS m ON m.id = l.mail_id").Where(mailClosed)
	})
}

// without leaves out the alerts of a kind for recipients that have other alerts about the tender, of those that which
// selects; or, unless have, for those that have none.
func without(ctx context.Context, tx bun.Tx, about AlertSubject, alerts []Alert, kind vigie.DeliveryKind, have bool, which func(*bun.SelectQuery) *bun.SelectQuery) ([]Alert, error) {
	var asked []int64
	for _, a := range alerts {
		if a.Kind == kind {
			asked = append(asked, a.RecipientID)
		}
	}
	if len(asked) == 0 {
		return alerts, nil
	}
	var having []int64
	err := which(alerted(tx.NewSelect().TableExpr("deliveries AS l"), about)).ColumnExpr("DISTINCT l.recipient_id").
		Where("l.recipient_id IN (?)", bun.List(asked)).OrderExpr("l.recipient_id").Scan(ctx, &having)
	return slices.DeleteFunc(slices.Clone(alerts), func(a Alert) bool {
		_, has := slices.BinarySearch(having, a.RecipientID)
		return a.Kind == kind && has == have
	}), err
}

// lockRecipients locks recipients until the end of the transaction and returns those that exist, in the order of
// their ids.
func (l *Ledger) lockRecipients(ctx context.Context, tx bun.Tx, ids []int64) ([]int64, error) {
	var locked []int64
	err := l.db.ForUpdate(tx.NewSelect().Model((*recipient)(nil)).Column("id").
		Where("id IN (?)", bun.List(ids)).Order("id")).Scan(ctx, &locked)
	return locked, err
}

// deliveryKey identifies a delivery among those about one subject.
type deliveryKey struct {
	recipient int64
	kind      vigie.DeliveryKind
	notice    int64
}

// known are the deliveries of some recipients that are in the ledger already.
type known struct {
	byKey map[deliveryKey]*vigie.Delivery
	// unsent are the waiting deliveries that announce the tender as new, by recipient.
	unsent map[int64][]*vigie.Delivery
	// reasons are those of the dropped deliveries.
	reasons map[reasonKey]bool
}

// reasonKey identifies a reason.
type reasonKey struct{ delivery, watch int64 }

// entered returns the deliveries that are in the ledger already.
func entered(ctx context.Context, tx bun.Tx, about AlertSubject, recipients []int64) (known, error) {
	var rows []*vigie.Delivery
	err := tx.NewSelect().Model(&rows).ColumnExpr("?TableColumns, h.since AS held_at").
		Join("LEFT JOIN delivery_holds AS h ON h.delivery_id = delivery.id").Where("tender_id IN (?)", merged(about.TenderID)).
		Where("(notice_id IN (0, ?) OR kind = ? AND ("+unclaimed+" OR "+in(vigie.DeliveryClaimed)+"))", about.NoticeID, vigie.DeliverNew).
		Where("recipient_id IN (?)", bun.List(recipients)).Scan(ctx)
	k := known{byKey: make(map[deliveryKey]*vigie.Delivery, len(rows)), unsent: make(map[int64][]*vigie.Delivery)}
	for _, d := range rows {
		k.byKey[deliveryKey{d.RecipientID, d.Kind, d.NoticeID}] = d
		if d.Kind == vigie.DeliverNew && d.NoticeID != about.NoticeID && d.DroppedAt == nil {
			k.unsent[d.RecipientID] = append(k.unsent[d.RecipientID], d)
		}
	}
	if err == nil {
		k.reasons, err = reasonsOfDropped(ctx, tx, rows)
	}
	return k, err
}

// reasonsOfDropped returns the reasons of those of some deliveries that were dropped.
func reasonsOfDropped(ctx context.Context, tx bun.Tx, deliveries []*vigie.Delivery) (map[reasonKey]bool, error) {
	var dropped []int64
	for _, d := range deliveries {
		if d.DroppedAt != nil {
			dropped = append(dropped, d.ID)
		}
	}
	if len(dropped) == 0 {
		return nil, nil
	}
	var rows []reason
	err := tx.NewSelect().Model(&rows).Column("delivery_id", "watch_id").Where("delivery_id IN (?)", bun.List(dropped)).Scan(ctx)
	reasons := make(map[reasonKey]bool, len(rows))
	for _, r := range rows {
		reasons[reasonKey{r.DeliveryID, r.WatchID}] = true
	}
	return reasons, err
}

// entry is what one transaction enters.
type entry struct {
	now        time.Time
	deliveries []*vigie.Delivery
	reasons    []*reason
	due        map[time.Time][]int64
	// again are deliveries that gained a reason, so that they may be due sooner, or no longer be held; revived are those
	// of them that had been dropped.
	again, revived []int64
}

// reason is a row of reasons.
type reason struct {
	DeliveryID int64 `bun:",pk"`
	WatchID    int64 `bun:",pk"`
	Keywords   keywords
}

// keywords are those of a watch, or those of them that led to a delivery. They only explain it: where they cannot be read,
// it has none.
type keywords []string

// Scan implements [sql.Scanner].
func (k *keywords) Scan(from any) error {
	*k = nil
	text, ok := from.([]byte)
	if !ok {
		text = fmt.Append(nil, from)
	}
	if json.Unmarshal(text, k) != nil {
		*k = nil
	}
	return nil
}

// add adds an alert. If an alert that announces the tender as new still waits for the recipient, the alert becomes a
// further reason of that one, not a second delivery.
func (e *entry) add(about AlertSubject, a Alert, entered known, numbers *database.Counter) {
	notice := about.NoticeID
	if a.Kind == vigie.DeliverClosingSoon { // one is enough
		notice = 0
	}
	d, there := entered.byKey[deliveryKey{a.RecipientID, a.Kind, notice}]
	unsent := entered.unsent[a.RecipientID]
	switch {
	case there:
		e.revive(d, a.Reasons, entered.reasons)
		e.because(d, a.Reasons)
	case a.Kind != vigie.DeliverNew || len(unsent) == 0:
		d = &vigie.Delivery{
			ID: numbers.Next(), RecipientID: a.RecipientID, TenderID: about.TenderID, Kind: a.Kind, NoticeID: notice,
			Number: about.Number, Urgent: a.Urgent, CreatedAt: e.now, DueAt: a.DueAt.UTC().Truncate(time.Microsecond),
		}
		e.deliveries = append(e.deliveries, d)
		e.because(d, a.Reasons)
		e.due[a.DueAt] = append(e.due[a.DueAt], a.RecipientID)
	}
	if a.Kind != vigie.DeliverNew && a.Kind != vigie.DeliverCorrected {
		return
	}
	for _, earlier := range unsent {
		if earlier != d {
			e.because(earlier, a.Reasons)
			e.again = append(e.again, earlier.ID)
			e.due[e.now] = append(e.due[e.now], a.RecipientID)
		}
	}
}

// revive makes a delivery that was dropped wait again, if one of the reasons that it gains is new: what it was dropped
// for, such as a deleted watch, says nothing of another watch.
func (e *entry) revive(d *vigie.Delivery, reasons []vigie.Reason, known map[reasonKey]bool) {
	isNew := func(r vigie.Reason) bool { return !known[reasonKey{d.ID, r.WatchID}] }
	if d.DroppedAt != nil && slices.ContainsFunc(reasons, isNew) {
		e.revived = append(e.revived, d.ID)
		e.due[e.now] = append(e.due[e.now], d.RecipientID)
	}
}

// because adds reasons to a delivery.
func (e *entry) because(d *vigie.Delivery, reasons []vigie.Reason) {
	for _, r := range reasons {
		e.reasons = append(e.reasons, &reason{d.ID, r.WatchID, database.NotNull(r.Keywords)})
	}
	if d.HeldAt != nil { // it may no longer be held
		e.again = append(e.again, d.ID)
		e.due[e.now] = append(e.due[e.now], d.RecipientID)
	}
}

func (e *entry) save(ctx context.Context, tx bun.Tx) error {
	if len(e.deliveries) > 0 {
		if err := database.Insert(ctx, tx, &e.deliveries, ""); err != nil {
			return err
		}
	}
	if len(e.reasons) > 0 {
		if err := database.Insert(ctx, tx, &e.reasons, "CONFLICT DO NOTHING"); err != nil {
			return err
		}
	}
	if len(e.again) > 0 {
		_, err := tx.NewUpdate().Model((*vigie.Delivery)(nil)).Set("due_at = ?", e.now).
			Where("id IN (?)", bun.List(e.again)).Where(unclaimed).Where("due_at > ?", e.now).Exec(ctx)
		if err != nil {
			return err
		}
	}
	if err := revive(ctx, tx, e.revived, e.now); err != nil {
		return err
	}
	for at, recipients := range e.due {
		if err := checkAt(ctx, tx, recipients, at); err != nil {
			return err
		}
	}
	return nil
}
