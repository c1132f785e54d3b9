package ledger

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
	Keywords    keywords
	AccountID   int64
	TimeZone    string
	DigestHour  int32
	DigestDay   vigie.Weekday
	consent
	UnverifiedAt *time.Time `bun:"unvouched_at"`
}

// watchRecipients selects the recipients of watches that have not left, bounced, ended or been removed. scanWatchRecipients
// leaves out those that did not consent.
func (l *Ledger) watchRecipients() *bun.SelectQuery {
	return l.db.NewSelect().TableExpr("watches AS w").
		Join("JOIN subscriptions AS s ON s.watch_id = w.id").
		Join("JOIN recipients AS r ON r.id = s.recipient_id").
		Join("JOIN accounts AS a ON a.id = w.account_id").
		Join("LEFT JOIN addresses AS d ON d.address_key = r.address_key").
		Join("LEFT JOIN webhooks AS h ON h.id = r.webhook_id").
		ColumnExpr("CASE WHEN h.id IS NULL THEN w.frequency ELSE ? END AS frequency", vigie.Immediate). // digests are for people
		ColumnExpr("r.id AS recipient_id, w.id AS watch_id, a.id AS account_id, a.time_zone, a.digest_hour, a.digest_day").
		ColumnExpr(consentColumns + ", r.unvouched_at").
		Where("s.removed_at IS NULL").Where("s.left_at IS NULL").
		Where("r.left_at IS NULL").Where("d.bounced_at IS NULL").
		Where("h.ended_at IS NULL").Where("h.removed_at IS NULL")
}

// onAt narrows watches, as w, to those that were on when a notice came, whatever their state is now.
func onAt(q *bun.SelectQuery, notice int64) *bun.SelectQuery {
	return q.Where(`(w.active AND w.deleted_at IS NULL AND w.since < ?0 OR EXISTS
		(SELECT 1 FROM watch_periods AS p WHERE p.watch_id = w.id AND p.since < ?0 AND p.until > ?0))`, notice)
}

// consent is what decides whether the owner of a recipient r, of an account a, consented; consentColumns are its columns.
// OwnEmail is the account's own address, OwnVerified whether its issuer has verified that.
// Addresses are compared here, by their keys: SQL lowers letters in its own way.
type consent struct {
	ConfirmedAt *time.Time
	AddressKey  string
	OwnEmail    string
	OwnVerified bool
}

const consentColumns = "r.confirmed_at, r.address_key, a.email AS own_email, a.email_verified AS own_verified"

// primary reports whether the recipient is the account's own address.
func (c *consent) primary() bool { return c.AddressKey == vigie.AddressKey(c.OwnEmail) }

// confirmed reports whether the owner consented: by the link of a mail, or because the account's issuer has verified the
// address as the account's own.
func (c *consent) confirmed() bool { return c.ConfirmedAt != nil || c.OwnVerified && c.primary() }

// WatchRecipients returns the recipients of watches, at most [vigie.MaxBatch] watches, that were on when a notice
// came.
func (l *Ledger) WatchRecipients(ctx context.Context, watches []int64, notice int64) ([]WatchRecipient, error) {
	return scanWatchRecipients(ctx, onAt(l.watchRecipients(), notice).ColumnExpr("w.keywords").Where("s.watch_id IN (?)", bun.List(watches)))
}

// Alerted returns the recipients that were, or will be, alerted of a tender because of a notice before the given one,
// through the watches that were on when the given one came.
func (l *Ledger) Alerted(ctx context.Context, about AlertSubject) ([]WatchRecipient, error) {
	return l.scanAlerted(ctx, about, onAt(l.watchRecipients(), about.NoticeID))
}

// alertedThrough is [Ledger.Alerted] through some watches, whatever their state.
func (l *Ledger) alertedThrough(ctx context.Context, about AlertSubject, watches []int64) ([]WatchRecipient, error) {
	return l.scanAlerted(ctx, about, l.watchRecipients().Where("s.watch_id IN (?)", bun.List(watches)))
}

// TendersAlertedThrough returns those of some tenders of which any of the given watches led to an alert that was not
// dropped.
func (l *Ledger) TendersAlertedThrough(ctx context.Context, watches, tenders []int64) (map[int64]bool, error) {
	found := make(map[int64]bool)
	if len(tenders) == 0 {
		return found, nil
	}
	for some := range slices.Chunk(watches, vigie.MaxBatch) {
		var ids []int64
		err := l.db.NewSelect().TableExpr("tenders AS t").Join("JOIN deliveries AS d ON d.tender_id = t.id").Join("JOIN reasons AS y ON y.delivery_id = d.id").
			ColumnExpr("DISTINCT COALESCE(t.merged_into, t.id)").Where("(t.id IN (?0) OR t.merged_into IN (?0))", bun.List(tenders)).
			Where("y.watch_id IN (?)", bun.List(some)).Where("d.dropped_at IS NULL").Scan(ctx, &ids)
		if err != nil {
			return nil, database.Translate(err)
		}
		for _, id := range ids {
			found[id] = true
		}
	}
	return found, nil
}

func (l *Ledger) scanAlerted(ctx context.Context, about AlertSubject, q *bun.SelectQuery) ([]WatchRecipient, error) {
	q = q.ColumnExpr("why.keywords").
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
func (l *Ledger) Knowledge(ctx context.Context, about AlertSubject) (map[int64]Knowledge, error) {
	var rows []struct {
		RecipientID int64
		Knowledge   `bun:"embed:"`
	}
	err := alerted(l.db.NewSelect().TableExpr("deliveries AS l"), about).Join("LEFT JOIN mails AS m ON m.id = l.mail_id AND "+mailClosed).
		ColumnExpr("l.recipient_id, MIN(l.notice_id) < ? AS before, COUNT(m.id) > 0 AS informed", about.NoticeID).Group("l.recipient_id").Scan(ctx, &rows)
	byRecipient := make(map[int64]Knowledge, len(rows))
	for _, row := range rows {
		byRecipient[row.RecipientID] = row.Knowledge
	}
	return byRecipient, database.Translate(err)
}

// mailClosed is the condition that a mail, m, will not be tried any more.
var mailClosed = fmt.Sprintf("m.state NOT IN ('%s', '%s')", vigie.MailOpen, vigie.MailAside)

// alerted narrows deliveries, as l, to those by which recipients are alerted of a tender because of another notice: sent
// or pending, about the tender or one that was merged into it.
func alerted(q *bun.SelectQuery, about AlertSubject) *bun.SelectQuery {
	return q.Where("l.tender_id IN (?)", merged(about.TenderID)).Where("l.kind IN (?, ?)", vigie.DeliverNew, vigie.DeliverCorrected).
		Where("l.notice_id <> ?", about.NoticeID).Where("l.dropped_at IS NULL")
}

// merged selects a tender and those that were merged into it.
func merged(tender int64) schema.QueryAppender {
	return bun.SafeQuery("SELECT id FROM tenders WHERE id = ? OR merged_into = ?", tender, tender)
}

func scanWatchRecipients(ctx context.Context, q *bun.SelectQuery) ([]WatchRecipient, error) {
	var rows []*watchRecipientRow
	if err := q.Scan(ctx, &rows); err != nil {
		return nil, database.Translate(err)
	}
	list := make([]WatchRecipient, 0, len(rows))
	for _, row := range rows {
		if !row.confirmed() && row.UnverifiedAt == nil {
			continue
		}
		list = append(list, WatchRecipient{row.RecipientID, row.WatchID, row.Frequency, row.Keywords, vigie.Account{
			ID: row.AccountID, TimeZone: row.TimeZone, DigestHour: row.DigestHour, DigestDay: row.DigestDay,
		}})
	}
	return list, nil
}

// CatchUpRecipients returns the recipients of watches that catch up, at most [vigie.MaxBatch] watches. A watch that was
// switched off or deleted since it asked for that is still owed it: its deliveries are held.
func (l *Ledger) CatchUpRecipients(ctx context.Context, watches []int64) ([]WatchRecipient, error) {
	return scanWatchRecipients(ctx, l.watchRecipients().ColumnExpr("w.keywords").Where("s.watch_id IN (?)", bun.List(watches)))
}

// Recipients returns the mail addresses of watches, in their order, by watch.
func (l *Ledger) Recipients(ctx context.Context, account *vigie.Account, watches []int64) (map[int64][]*vigie.Recipient, error) {
	list, err := l.addresses(ctx, account, subscriptions, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("s.watch_id IN (?)", bun.List(watches)).Where("s.removed_at IS NULL").Where("r.channel = ?", vigie.MailChannel)
	})
	byWatch := make(map[int64][]*vigie.Recipient, len(watches))
	for _, r := range list {
		byWatch[r.WatchID] = append(byWatch[r.WatchID], r)
	}
	return byWatch, err
}

// AllRecipients returns the addresses of a watch, then those that were removed from it.
func (l *Ledger) AllRecipients(ctx context.Context, account *vigie.Account, watch int64) ([]*vigie.Recipient, error) {
	list, err := l.addresses(ctx, account, subscriptions, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("s.watch_id = ?", watch).OrderExpr("s.removed_at IS NOT NULL")
	})
	return list, err
}

const (
	// subscriptions are where addresses are on watches; onNone has each recipient on no watch, by its own number.
	subscriptions = "subscriptions AS s"
	onNone        = `(SELECT id, 0 AS watch_id, id AS recipient_id, 0 AS position,
		CAST(NULL AS TIMESTAMPTZ) AS left_at, CAST(NULL AS TIMESTAMPTZ) AS removed_at FROM recipients) AS s`
)

// Addresses returns addresses of an account's watches by the ids asked for, removed ones included. An address that is on no
// watch has the number of its recipient, which no place on a watch has.
func (l *Ledger) Addresses(ctx context.Context, account *vigie.Account, ids []int64) (map[int64]*vigie.Recipient, error) {
	byID := make(map[int64]*vigie.Recipient, len(ids))
	for _, from := range []string{subscriptions, onNone} {
		missing := slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return byID[id] != nil })
		if len(missing) == 0 {
			break
		}
		list, err := l.addresses(ctx, account, from, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("s.id IN (?)", bun.List(missing)) })
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			byID[r.ID] = r
		}
	}
	return byID, nil
}

func (l *Ledger) addresses(ctx context.Context, account *vigie.Account, from string, which func(*bun.SelectQuery) *bun.SelectQuery) ([]*vigie.Recipient, error) {
	var rows []struct {
		ID          int64
		WatchID     int64
		Email       string
		AddressKey  string
		ConfirmedAt *time.Time
		LeftAt      *time.Time
		BouncedAt   *time.Time
		RemovedAt   *time.Time
		Asks        int64
		AskedAt     *time.Time
		WebhookID   int64
	}
	err := which(l.db.NewSelect().TableExpr(from).Join("JOIN recipients AS r ON r.id = s.recipient_id").
		Join("LEFT JOIN addresses AS a ON a.address_key = r.address_key").
		ColumnExpr("s.id, s.watch_id, r.email, r.address_key, r.confirmed_at, COALESCE(s.left_at, r.left_at) AS left_at, a.bounced_at, s.removed_at, COALESCE(a.asks, 0) AS asks, a.asked_at, COALESCE(r.webhook_id, 0) AS webhook_id").Where(ofAccount).
		Where("r.account_id = ?", account.ID)).Order("s.watch_id", "s.position").Scan(ctx, &rows)
	if err != nil {
		return nil, database.Translate(err)
	}
	var endpoints []int64
	for _, row := range rows {
		endpoints = append(endpoints, row.WebhookID)
	}
	webhooks, err := l.WebhooksByID(ctx, account, endpoints)
	if err != nil {
		return nil, err
	}
	list := make([]*vigie.Recipient, len(rows))
	for i, row := range rows {
		if w := webhooks[row.WebhookID]; w != nil {
			list[i] = webhookAsRecipient(w, row.ID, row.RemovedAt)
			continue
		}
		r := &vigie.Recipient{ID: row.ID, WatchID: row.WatchID, Email: row.Email, Primary: row.AddressKey == vigie.AddressKey(account.Email), RemovedAt: row.RemovedAt}
		switch {
		case row.LeftAt != nil:
			r.Status, r.StatusAt = vigie.Unsubscribed, row.LeftAt
		case row.BouncedAt != nil:
			r.Status, r.StatusAt = vigie.Bounced, row.BouncedAt
		case row.ConfirmedAt != nil || r.Primary && account.EmailVerified:
			r.Status, r.StatusAt = vigie.Confirmed, row.ConfirmedAt
		default:
			r.Status = vigie.Pending
			if next, ever := NextConfirmationRequest(row.Asks, row.AskedAt); ever && row.RemovedAt == nil {
				if next.IsZero() { // it was not asked yet
					next = l.db.Stamp()
				}
				r.ResendableAt = &next
			}
		}
		list[i] = r
	}
	return list, nil
}

// webhookAsRecipient returns a webhook as one of the recipients of a watch.
func webhookAsRecipient(w *vigie.Webhook, subscription int64, removed *time.Time) *vigie.Recipient {
	r := &vigie.Recipient{ID: subscription, WatchID: w.WatchID, Email: w.Host, RemovedAt: removed, Webhook: w, Status: vigie.Confirmed, StatusAt: w.ConfirmedAt}
	switch {
	case w.EndedAt != nil:
		r.Status, r.StatusAt = vigie.Unsubscribed, w.EndedAt
	case w.ConfirmedAt == nil:
		r.Status = vigie.Pending
	}
	return r
}
