package store

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"vigie"
)

// Follower is an address that may be written to about a watch.
type Follower struct {
	RecipientID int64
	WatchID     int64
	Frequency   vigie.Frequency
	// Keywords are the watch's; of a follower who was alerted, those that were
	// found then.
	Keywords []string
	// Account is the watch's, with what tells when its digests leave.
	Account vigie.Account
}

// followerRow is a Follower as it is read.
type followerRow struct {
	RecipientID int64
	WatchID     int64
	Frequency   vigie.Frequency
	Keywords    []string
	AccountID   int64
	TimeZone    string
	DigestHour  int32
	DigestDay   vigie.Weekday
}

// followers selects those who consent to mail about watches; whoever was told
// of a bounce, left, was removed or never confirmed is not among them.
func (s *Store) followers() *bun.SelectQuery {
	return s.db.NewSelect().TableExpr("watches AS w").
		Join("JOIN subscriptions AS s ON s.watch_id = w.id").
		Join("JOIN recipients AS r ON r.id = s.recipient_id").
		Join("JOIN accounts AS a ON a.id = w.account_id").
		Join("LEFT JOIN addresses AS d ON d.address_key = r.address_key").
		ColumnExpr("r.id AS recipient_id, w.id AS watch_id, w.frequency, a.id AS account_id, a.time_zone, a.digest_hour, a.digest_day").
		Where("w.active").Where("w.deleted_at IS NULL").Where("s.removed_at IS NULL").Where("s.left_at IS NULL").
		Where("r.left_at IS NULL").Where("d.bounced_at IS NULL").Where(confirmed)
}

// confirmed tells, of a recipient r of an account a, that its owner agreed: by
// the link of a mail, or because whoever signs the account's tokens says that
// it is the account's own.
const confirmed = "(r.confirmed_at IS NOT NULL OR a.email_verified AND lower(a.email) = r.address_key)"

// Followers returns those who follow watches, at most [vigie.MaxBatch] of them,
// that looked out already when a notice came.
func (s *Store) Followers(ctx context.Context, watches []int64, notice int64) ([]Follower, error) {
	return scanFollowers(ctx, s.followers().ColumnExpr("w.keywords").
		Where("w.id IN (?)", bun.List(watches)).Where("w.since < ?", notice))
}

// Alerted returns those who were told, or are going to be told, of a tender
// by reason of a notice before the given one.
func (s *Store) Alerted(ctx context.Context, tender, before int64) ([]Follower, error) {
	q := s.followers().ColumnExpr("why.keywords").
		Join("JOIN reasons AS why ON why.watch_id = w.id").
		Join("JOIN deliveries AS l ON l.id = why.delivery_id AND l.recipient_id = r.id")
	return scanFollowers(ctx, alerted(q, tender, before).OrderExpr("r.id, w.id, l.id"))
}

// alerted narrows deliveries, as l, to those that told, or are going to tell, of
// a tender by reason of a notice before the given one.
func alerted(q *bun.SelectQuery, tender, before int64) *bun.SelectQuery {
	return q.Where("l.tender_id IN (SELECT id FROM tenders WHERE id = ? OR merged_into = ?)", tender, tender).
		Where("l.kind IN (?, ?)", vigie.DeliverNew, vigie.DeliverCorrected).
		Where("l.notice_id < ?", before).Where("l.dropped_at IS NULL")
}

func scanFollowers(ctx context.Context, q *bun.SelectQuery) ([]Follower, error) {
	var rows []followerRow
	if err := q.Scan(ctx, &rows); err != nil {
		return nil, translate(err)
	}
	list := make([]Follower, len(rows))
	for i, row := range rows {
		list[i] = Follower{row.RecipientID, row.WatchID, row.Frequency, row.Keywords, vigie.Account{
			ID: row.AccountID, TimeZone: row.TimeZone, DigestHour: row.DigestHour, DigestDay: row.DigestDay,
		}}
	}
	return list, nil
}

// Alert is that a recipient shall hear of a tender.
type Alert struct {
	RecipientID int64
	Kind        vigie.DeliveryKind
	Urgent      bool
	DueAt       time.Time
	Reasons     []vigie.Reason
}

// Happening is what alerts are about.
type Happening struct {
	TenderID int64
	// NoticeID is the notice that made it happen.
	NoticeID int64
	// Number is the tender's change that the alerts tell of.
	Number int64
	// AsOf is the change as of which it was found out who knows the tender.
	AsOf int64
}

// Enter enters deliveries into the ledger, at most [vigie.MaxBatch]. One that
// is there already gains the reasons that are new, and stays as it is
// otherwise: entering again what was entered changes nothing. Recipients that
// were erased meanwhile are left out, and so are those of a cancellation who
// are not going to hear of the tender any more: what waited for them was dropped
// meanwhile.
func (s *Store) Enter(ctx context.Context, about Happening, alerts []Alert) error {
	if len(alerts) == 0 {
		return nil
	}
	return s.write(ctx, func(ctx context.Context, tx bun.Tx) error {
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
		alerts, err := stillToHear(ctx, tx, about, alerts)
		if err == nil {
			alerts, err = notToldSince(ctx, tx, about, alerts)
		}
		if err != nil || len(alerts) == 0 {
			return err
		}
		numbers, err := takeSome(ctx, tx, len(alerts))
		if err != nil {
			return err
		}
		e := entry{now: s.stamp(), due: make(map[time.Time][]int64)}
		for _, a := range alerts {
			if _, there := slices.BinarySearch(recipients, a.RecipientID); there {
				e.add(about, a, entered, &numbers)
			}
		}
		return e.save(ctx, tx)
	})
}

// stillToHear leaves out the cancellations for recipients who neither heard of
// the tender nor are going to.
func stillToHear(ctx context.Context, tx bun.Tx, about Happening, alerts []Alert) ([]Alert, error) {
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
	err := alerted(tx.NewSelect().TableExpr("deliveries AS l"), about.TenderID, about.NoticeID).ColumnExpr("DISTINCT l.recipient_id").
		Where("l.recipient_id IN (?)", bun.List(asked)).OrderExpr("l.recipient_id").Scan(ctx, &hear)
	return slices.DeleteFunc(slices.Clone(alerts), func(a Alert) bool {
		_, hears := slices.BinarySearch(hear, a.RecipientID)
		return a.Kind == vigie.DeliverCancelled && !hears
	}), err
}

// lockRecipients keeps others from changing recipients until the end, and
// returns those that there are, in the order of their ids.
func (s *Store) lockRecipients(ctx context.Context, tx bun.Tx, ids []int64) ([]int64, error) {
	var locked []int64
	err := s.dialect.forUpdate(tx.NewSelect().Model((*recipient)(nil)).Column("id").
		Where("id IN (?)", bun.List(ids)).Order("id")).Scan(ctx, &locked)
	return locked, err
}

// deliveryKey tells the deliveries of one happening apart.
type deliveryKey struct {
	recipient int64
	kind      vigie.DeliveryKind
	notice    int64
}

// entered returns the deliveries that are in the ledger already, by their keys.
func entered(ctx context.Context, tx bun.Tx, about Happening, recipients []int64) (map[deliveryKey]int64, error) {
	var rows []*vigie.Delivery
	err := tx.NewSelect().Model(&rows).Where("tender_id = ?", about.TenderID).
		Where("notice_id IN (0, ?)", about.NoticeID).Where("recipient_id IN (?)", bun.List(recipients)).Scan(ctx)
	byKey := make(map[deliveryKey]int64, len(rows))
	for _, d := range rows {
		byKey[deliveryKey{d.RecipientID, d.Kind, d.NoticeID}] = d.ID
	}
	return byKey, err
}

// entry is what one transaction enters.
type entry struct {
	now        time.Time
	deliveries []*vigie.Delivery
	reasons    []*reason
	due        map[time.Time][]int64
}

// reason is a row of reasons.
type reason struct {
	DeliveryID int64 `bun:",pk"`
	WatchID    int64 `bun:",pk"`
	Keywords   []string
}

func (e *entry) add(about Happening, a Alert, entered map[deliveryKey]int64, numbers *counter) {
	notice := about.NoticeID
	if a.Kind == vigie.DeliverClosingSoon { // it is said once
		notice = 0
	}
	id, there := entered[deliveryKey{a.RecipientID, a.Kind, notice}]
	if !there {
		id = numbers.next()
		e.deliveries = append(e.deliveries, &vigie.Delivery{
			ID: id, RecipientID: a.RecipientID, TenderID: about.TenderID, Kind: a.Kind, NoticeID: notice,
			Number: about.Number, Urgent: a.Urgent, CreatedAt: e.now, DueAt: a.DueAt.UTC().Truncate(time.Microsecond),
		})
		e.due[a.DueAt] = append(e.due[a.DueAt], a.RecipientID)
	}
	for _, r := range a.Reasons {
		e.reasons = append(e.reasons, &reason{id, r.WatchID, orEmpty(r.Keywords)})
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
	for at, recipients := range e.due {
		if err := lookAt(ctx, tx, recipients, at); err != nil {
			return err
		}
	}
	return nil
}

// lookAt has recipients looked at at that time, if nothing is to be done
// sooner. They are locked.
func lookAt(ctx context.Context, tx bun.Tx, recipients []int64, at time.Time) error {
	at = at.UTC().Truncate(time.Microsecond)
	_, err := tx.NewUpdate().Model((*recipient)(nil)).Set("look_at = ?", at).
		Where("id IN (?)", bun.List(recipients)).Where("look_at IS NULL OR look_at > ?", at).Exec(ctx)
	return err
}

// lookAgain has everything that waits for recipients looked at now: what they
// want to be told, or when, has changed. They are locked.
func (s *Store) lookAgain(ctx context.Context, tx bun.Tx, recipients []int64) error {
	if len(recipients) == 0 {
		return nil
	}
	now := s.stamp()
	_, err := tx.NewUpdate().Model((*vigie.Delivery)(nil)).Set("due_at = ?", now).
		Where("recipient_id IN (?)", bun.List(recipients)).Where(waiting).Where("due_at > ?", now).Exec(ctx)
	if err != nil {
		return err
	}
	return lookAt(ctx, tx, recipients, now)
}

// waiting tells, of a delivery, that no mail tells of it yet, and that one may.
const waiting = "mail_id IS NULL AND dropped_at IS NULL"
