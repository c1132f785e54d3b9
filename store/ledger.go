package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"vigie"
	"vigie/database"
)

// RecentlyOff returns the watches that were switched off or deleted by a change above after. The ledger still has to
// alert them of the notices that came while they were on.
func (now *Snapshot) RecentlyOff(ctx context.Context, after int64) ([]*vigie.Watch, error) {
	var watches []*vigie.Watch
	err := now.tx.NewSelect().Model(&watches).Where("NOT (active AND deleted_at IS NULL)").
		Where("id IN (SELECT watch_id FROM watch_periods WHERE until > ?)", after).Order("id").Scan(ctx)
	if err == nil {
		err = loadWatchBuyers(ctx, now.tx, watches)
	}
	return watches, database.Translate(err)
}

// WatchRecipient is an address that may be mailed about a watch.
type WatchRecipient struct {
	RecipientID int64
	WatchID     int64
	Frequency   vigie.Frequency
	// Keywords are the watch's; of a recipient that was alerted, those that matched then.
	Keywords []string
	// Account is the owner of the watch, with what decides when its digests leave.
	Account vigie.Account
}

// watchRecipientRow is a WatchRecipient as it is read.
type watchRecipientRow struct {
	RecipientID int64
	WatchID     int64
	Frequency   vigie.Frequency
	Keywords    []string
	AccountID   int64
	TimeZone    string
	DigestHour  int32
	DigestDay   vigie.Weekday
}

// watchRecipients selects the addresses that get the alerts of watches: those that consented, and have not left,
// bounced or been removed since.
func (s *Store) watchRecipients() *bun.SelectQuery {
	return s.db.NewSelect().TableExpr("watches AS w").
		Join("JOIN subscriptions AS s ON s.watch_id = w.id").
		Join("JOIN recipients AS r ON r.id = s.recipient_id").
		Join("JOIN accounts AS a ON a.id = w.account_id").
		Join("LEFT JOIN addresses AS d ON d.address_key = r.address_key").
		ColumnExpr("r.id AS recipient_id, w.id AS watch_id, w.frequency, a.id AS account_id, a.time_zone, a.digest_hour, a.digest_day").
		Where("s.removed_at IS NULL").Where("s.left_at IS NULL").
		Where("r.left_at IS NULL").Where("d.bounced_at IS NULL").Where("(" + confirmed + " OR r.unvouched_at IS NOT NULL)")
}

// onAt narrows watches, as w, to those that were on when a notice came, whatever their state is now.
func onAt(q *bun.SelectQuery, notice int64) *bun.SelectQuery {
	return q.Where(`(w.active AND w.deleted_at IS NULL AND w.since < ?0 OR EXISTS
		(SELECT 1 FROM watch_periods AS p WHERE p.watch_id = w.id AND p.since < ?0 AND p.until > ?0))`, notice)
}

// confirmed is the condition that the owner of a recipient r, of an account a, consented: by the link of a mail, or
// because the account's issuer has verified the address as the account's own.
const confirmed = "(r.confirmed_at IS NOT NULL OR a.email_verified AND lower(a.email) = r.address_key)"

// WatchRecipients returns the recipients of watches, at most [vigie.MaxBatch] watches, that were on when a notice
// came.
func (s *Store) WatchRecipients(ctx context.Context, watches []int64, notice int64) ([]WatchRecipient, error) {
	return scanWatchRecipients(ctx, onAt(s.watchRecipients(), notice).ColumnExpr("w.keywords").Where("w.id IN (?)", bun.List(watches)))
}

// Alerted returns the recipients that were, or will be, alerted of a tender because of a notice before the given one,
// through the watches that were on when the given one came.
func (s *Store) Alerted(ctx context.Context, about AlertSubject) ([]WatchRecipient, error) {
	q := onAt(s.watchRecipients(), about.NoticeID).ColumnExpr("why.keywords").
		Join("JOIN reasons AS why ON why.watch_id = w.id").
		Join("JOIN deliveries AS l ON l.id = why.delivery_id AND l.recipient_id = r.id")
	return scanWatchRecipients(ctx, alerted(q, about).Where("l.notice_id < ?", about.NoticeID).OrderExpr("r.id, w.id, l.id"))
}

// Knowledge is what a recipient knows of a tender because of other notices than a given one.
type Knowledge struct {
	// Before reports whether it was, or will be, alerted because of a notice before the given one.
	Before bool
	// Informed reports whether a mail has informed it, because of whichever notice: notices are not always processed
	// in their order.
	Informed bool
}

// Knowledge returns what recipients know of the tender of a notice, by recipient, whatever the state of their watches.
func (s *Store) Knowledge(ctx context.Context, about AlertSubject) (map[int64]Knowledge, error) {
	var rows []struct {
		RecipientID int64
		Knowledge   `bun:"embed:"`
	}
	err := alerted(s.db.NewSelect().TableExpr("deliveries AS l"), about).Join("LEFT JOIN mails AS m ON m.id = l.mail_id AND "+closed).
		ColumnExpr("l.recipient_id, MIN(l.notice_id) < ? AS before, COUNT(m.id) > 0 AS informed", about.NoticeID).Group("l.recipient_id").Scan(ctx, &rows)
	byRecipient := make(map[int64]Knowledge, len(rows))
	for _, row := range rows {
		byRecipient[row.RecipientID] = row.Knowledge
	}
	return byRecipient, database.Translate(err)
}

// closed is the condition that a mail, m, will not be tried any more.
var closed = fmt.Sprintf("m.state NOT IN ('%s', '%s')", vigie.MailOpen, vigie.MailAside)

// alerted narrows deliveries, as l, to those by which recipients are alerted of a tender because of another notice: sent
// or pending, about the tender or one that was merged into it.
func alerted(q *bun.SelectQuery, about AlertSubject) *bun.SelectQuery {
	return q.Where("l.tender_id IN (?)", same(about.TenderID)).Where("l.kind IN (?, ?)", vigie.DeliverNew, vigie.DeliverCorrected).
		Where("l.notice_id <> ?", about.NoticeID).Where("l.dropped_at IS NULL")
}

// same selects a tender and those that were merged into it.
func same(tender int64) schema.QueryAppender {
	return bun.SafeQuery("SELECT id FROM tenders WHERE id = ? OR merged_into = ?", tender, tender)
}

func scanWatchRecipients(ctx context.Context, q *bun.SelectQuery) ([]WatchRecipient, error) {
	var rows []watchRecipientRow
	if err := q.Scan(ctx, &rows); err != nil {
		return nil, database.Translate(err)
	}
	list := make([]WatchRecipient, len(rows))
	for i, row := range rows {
		list[i] = WatchRecipient{row.RecipientID, row.WatchID, row.Frequency, row.Keywords, vigie.Account{
			ID: row.AccountID, TimeZone: row.TimeZone, DigestHour: row.DigestHour, DigestDay: row.DigestDay,
		}}
	}
	return list, nil
}

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
// only the reasons that are new. Recipients that were erased since are left out. So are recipients of a cancellation
// whose alert about the tender was dropped since.
func (s *Store) Enter(ctx context.Context, about AlertSubject, alerts []Alert) error {
	if len(alerts) == 0 {
		return nil
	}
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		recipients := make([]int64, len(alerts))
		for i, a := range alerts {
			recipients[i] = a.RecipientID
		}
		recipients, err := s.lockRecipients(ctx, tx, recipients)
		if err != nil || len(recipients) == 0 {
			return err
		}
		entered, err := entered(ctx, tx, about, recipients)
		if err != nil {
			return err
		}
		alerts, err := withoutUnalerted(ctx, tx, about, alerts)
		if err == nil {
			alerts, err = withoutInformed(ctx, tx, about, alerts)
		}
		if err != nil || len(alerts) == 0 {
			return err
		}
		numbers, err := takeSome(ctx, tx, len(alerts))
		if err != nil {
			return err
		}
		e := entry{now: s.db.Stamp(), due: make(map[time.Time][]int64)}
		for _, a := range alerts {
			if _, there := slices.BinarySearch(recipients, a.RecipientID); there {
				e.add(about, a, entered, &numbers)
			}
		}
		return e.save(ctx, tx)
	})
}

// withoutUnalerted leaves out the cancellations for recipients that were not alerted of the tender and will not be.
func withoutUnalerted(ctx context.Context, tx bun.Tx, about AlertSubject, alerts []Alert) ([]Alert, error) {
	var asked []int64
	for _, a := range alerts {
		if a.Kind == vigie.DeliverCancelled {
			asked = append(asked, a.RecipientID)
		}
	}
	if len(asked) == 0 {
		return alerts, nil
	}
	var hear []int64
	err := alerted(tx.NewSelect().TableExpr("deliveries AS l"), about).ColumnExpr("DISTINCT l.recipient_id").
		Where("l.notice_id < ?", about.NoticeID).Where("l.recipient_id IN (?)", bun.List(asked)).OrderExpr("l.recipient_id").Scan(ctx, &hear)
	return slices.DeleteFunc(slices.Clone(alerts), func(a Alert) bool {
		_, hears := slices.BinarySearch(hear, a.RecipientID)
		return a.Kind == vigie.DeliverCancelled && !hears
	}), err
}

// lockRecipients locks recipients until the end of the transaction and returns those that exist, in the order of
// their ids.
func (s *Store) lockRecipients(ctx context.Context, tx bun.Tx, ids []int64) ([]int64, error) {
	var locked []int64
	err := s.db.ForUpdate(tx.NewSelect().Model((*recipient)(nil)).Column("id").
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
}

// entered returns the deliveries that are in the ledger already.
func entered(ctx context.Context, tx bun.Tx, about AlertSubject, recipients []int64) (known, error) {
	var rows []*vigie.Delivery
	err := tx.NewSelect().Model(&rows).ColumnExpr("?TableColumns, h.since AS held_at").
		Join("LEFT JOIN delivery_holds AS h ON h.delivery_id = delivery.id").Where("tender_id IN (?)", same(about.TenderID)).
		Where("(notice_id IN (0, ?) OR kind = ? AND ("+unclaimed+" OR "+in(vigie.DeliveryClaimed)+"))", about.NoticeID, vigie.DeliverNew).
		Where("recipient_id IN (?)", bun.List(recipients)).Scan(ctx)
	k := known{byKey: make(map[deliveryKey]*vigie.Delivery, len(rows)), unsent: make(map[int64][]*vigie.Delivery)}
	for _, d := range rows {
		k.byKey[deliveryKey{d.RecipientID, d.Kind, d.NoticeID}] = d
		if d.Kind == vigie.DeliverNew && d.NoticeID != about.NoticeID && d.DroppedAt == nil {
			k.unsent[d.RecipientID] = append(k.unsent[d.RecipientID], d)
		}
	}
	return k, err
}

// entry is what one transaction enters.
type entry struct {
	now        time.Time
	deliveries []*vigie.Delivery
	reasons    []*reason
	due        map[time.Time][]int64
	// again are deliveries that gained a reason, so that they may be due sooner, or no longer be held.
	again []int64
}

// reason is a row of reasons.
type reason struct {
	DeliveryID int64 `bun:",pk"`
	WatchID    int64 `bun:",pk"`
	Keywords   []string
}

// add adds an alert. If an alert that announces the tender as new still waits for the recipient, the alert becomes a
// further reason of that one, not a second delivery.
func (e *entry) add(about AlertSubject, a Alert, entered known, numbers *counter) {
	notice := about.NoticeID
	if a.Kind == vigie.DeliverClosingSoon { // one is enough
		notice = 0
	}
	d, there := entered.byKey[deliveryKey{a.RecipientID, a.Kind, notice}]
	unsent := entered.unsent[a.RecipientID]
	switch {
	case there:
		e.because(d, a.Reasons)
	case a.Kind != vigie.DeliverNew || len(unsent) == 0:
		d = &vigie.Delivery{
			ID: numbers.next(), RecipientID: a.RecipientID, TenderID: about.TenderID, Kind: a.Kind, NoticeID: notice,
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

// because adds reasons to a delivery.
func (e *entry) because(d *vigie.Delivery, reasons []vigie.Reason) {
	for _, r := range reasons {
		e.reasons = append(e.reasons, &reason{d.ID, r.WatchID, orEmpty(r.Keywords)})
	}
	if d.HeldAt != nil { // it may no longer be held
		e.again = append(e.again, d.ID)
		e.due[e.now] = append(e.due[e.now], d.RecipientID)
	}
}

func (e *entry) save(ctx context.Context, tx bun.Tx) error {
	if len(e.deliveries) > 0 {
		if _, err := tx.NewInsert().Model(&e.deliveries).Exec(ctx); err != nil {
			return err
		}
	}
	if len(e.reasons) > 0 {
		if _, err := tx.NewInsert().Model(&e.reasons).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
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
	for at, recipients := range e.due {
		if err := checkAt(ctx, tx, recipients, at); err != nil {
			return err
		}
	}
	return nil
}

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
func (s *Store) checkNow(ctx context.Context, tx bun.Tx, recipients []int64) error {
	if len(recipients) == 0 {
		return nil
	}
	now := s.db.Stamp()
	_, err := tx.NewUpdate().Model((*vigie.Delivery)(nil)).Set("due_at = ?", now).
		Where("recipient_id IN (?)", bun.List(recipients)).Where(unclaimed).Where("due_at > ?", now).Exec(ctx)
	if err != nil {
		return err
	}
	return checkAt(ctx, tx, recipients, now)
}

// DecideAgain has the sender decide again about all waiting deliveries of the tenders of notices, at most
// [vigie.MaxBatch]: when they are due, or whether they are still wanted, may have changed.
func (s *Store) DecideAgain(ctx context.Context, notices []int64) error {
	var waiting []struct{ RecipientID, ID int64 }
	err := s.db.NewSelect().TableExpr("deliveries").Column("recipient_id", "id").
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
		err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
			locked, err := s.lockRecipients(ctx, tx, slices.Compact(recipients))
			if err != nil || len(locked) == 0 {
				return err
			}
			now := s.db.Stamp()
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
