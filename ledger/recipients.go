package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"

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
	Keywords    []string
	AccountID   int64
	TimeZone    string
	DigestHour  int32
	DigestDay   vigie.Weekday
}

// watchRecipients selects the addresses that get the alerts of watches: those that consented, and have not left,
// bounced or been removed since.
func (l *Ledger) watchRecipients() *bun.SelectQuery {
	return l.db.NewSelect().TableExpr("watches AS w").
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
func (l *Ledger) WatchRecipients(ctx context.Context, watches []int64, notice int64) ([]WatchRecipient, error) {
	return scanWatchRecipients(ctx, onAt(l.watchRecipients(), notice).ColumnExpr("w.keywords").Where("w.id IN (?)", bun.List(watches)))
}

// Alerted returns the recipients that were, or will be, alerted of a tender because of a notice before the given one,
// through the watches that were on when the given one came.
func (l *Ledger) Alerted(ctx context.Context, tender, notice int64) ([]WatchRecipient, error) {
	q := onAt(l.watchRecipients(), notice).ColumnExpr("why.keywords").
		Join("JOIN reasons AS why ON why.watch_id = w.id").
		Join("JOIN deliveries AS l ON l.id = why.delivery_id AND l.recipient_id = r.id")
	return scanWatchRecipients(ctx, alerted(q, tender, notice).OrderExpr("r.id, w.id, l.id"))
}

// AlertedRecipients returns the recipients that were, or will be, alerted of a tender because of a notice before the
// given one, whatever the state of their watches; the value reports whether a mail was sent.
func (l *Ledger) AlertedRecipients(ctx context.Context, tender, notice int64) (map[int64]bool, error) {
	var rows []struct {
		RecipientID int64
		Mailed      bool
	}
	err := alerted(l.db.NewSelect().TableExpr("deliveries AS l"), tender, notice).
		Join("LEFT JOIN mails AS m ON m.id = l.mail_id AND m.state NOT IN (?, ?)", vigie.MailOpen, vigie.MailAside).
		ColumnExpr("l.recipient_id, COUNT(m.id) > 0 AS mailed").Group("l.recipient_id").Scan(ctx, &rows)
	mailed := make(map[int64]bool, len(rows))
	for _, row := range rows {
		mailed[row.RecipientID] = row.Mailed
	}
	return mailed, database.Translate(err)
}

// alerted narrows deliveries, as l, to those sent or pending about a tender because of a notice before the given one.
func alerted(q *bun.SelectQuery, tender, before int64) *bun.SelectQuery {
	return q.Where("l.tender_id IN (SELECT id FROM tenders WHERE id = ? OR merged_into = ?)", tender, tender).
		Where("l.kind IN (?, ?)", vigie.DeliverNew, vigie.DeliverCorrected).
		Where("l.notice_id < ?", before).Where("l.dropped_at IS NULL")
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

// CatchUpRecipients returns the recipients of watches that catch up, at most [vigie.MaxBatch] watches.
func (l *Ledger) CatchUpRecipients(ctx context.Context, watches []int64) ([]WatchRecipient, error) {
	return scanWatchRecipients(ctx, l.watchRecipients().ColumnExpr("w.keywords").Where("w.id IN (?)", bun.List(watches)).
		Where("w.active").Where("w.deleted_at IS NULL"))
}

// Recipients returns the addresses of watches, in their order, by watch.
func (l *Ledger) Recipients(ctx context.Context, account *vigie.Account, watches []int64) (map[int64][]*vigie.Recipient, error) {
	list, err := l.addresses(ctx, account, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("s.watch_id IN (?)", bun.List(watches)).Where("s.removed_at IS NULL")
	})
	byWatch := make(map[int64][]*vigie.Recipient, len(watches))
	for _, r := range list {
		byWatch[r.WatchID] = append(byWatch[r.WatchID], r)
	}
	return byWatch, err
}

// AllRecipients returns the addresses of a watch, then those that were removed from it.
func (l *Ledger) AllRecipients(ctx context.Context, account *vigie.Account, watch int64) ([]*vigie.Recipient, error) {
	list, err := l.addresses(ctx, account, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("s.watch_id = ?", watch).OrderExpr("s.removed_at IS NOT NULL")
	})
	return list, err
}

// Addresses returns addresses of an account's watches by the ids asked for, removed ones included.
func (l *Ledger) Addresses(ctx context.Context, account *vigie.Account, ids []int64) (map[int64]*vigie.Recipient, error) {
	list, err := l.addresses(ctx, account, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("s.id IN (?)", bun.List(ids)) })
	byID := make(map[int64]*vigie.Recipient, len(list))
	for _, r := range list {
		byID[r.ID] = r
	}
	return byID, err
}

func (l *Ledger) addresses(ctx context.Context, account *vigie.Account, which func(*bun.SelectQuery) *bun.SelectQuery) ([]*vigie.Recipient, error) {
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
	}
	err := which(l.db.NewSelect().TableExpr("subscriptions AS s").Join("JOIN recipients AS r ON r.id = s.recipient_id").
		Join("LEFT JOIN addresses AS a ON a.address_key = r.address_key").
		ColumnExpr("s.id, s.watch_id, r.email, r.address_key, r.confirmed_at, COALESCE(s.left_at, r.left_at) AS left_at, a.bounced_at, s.removed_at, COALESCE(a.asks, 0) AS asks, a.asked_at").
		Where("r.account_id = ?", account.ID)).Order("s.watch_id", "s.position").Scan(ctx, &rows)
	list := make([]*vigie.Recipient, len(rows))
	for i, row := range rows {
		r := &vigie.Recipient{ID: row.ID, WatchID: row.WatchID, Email: row.Email, Primary: row.AddressKey == AddressKey(account.Email), RemovedAt: row.RemovedAt}
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
	return list, database.Translate(err)
}
