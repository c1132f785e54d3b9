package ledger

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// RecipientState is all that deciding about a recipient's mail needs.
type RecipientState struct {
	ID    int64
	Email string
	// Primary reports whether it is the account's own address.
	Primary bool
	Account vigie.Account
	// Confirmed reports whether the owner of the address consented, Left whether it left all watches, Bounced whether
	// the address does not exist.
	Confirmed, Left, Bounced bool
	// ConfirmationPending reports whether the address is still to be asked for its consent, Named whether any watch
	// names it. ConfirmationRequests and ConfirmationRequestedAt are how often and when it was last asked, over all
	// accounts.
	ConfirmationPending, Named bool
	ConfirmationRequests       int64
	ConfirmationRequestedAt    *time.Time
	// MailedAt is when a digest was last accepted for it, if that was so lately that the next one must wait; nil else, and where
	// a mail that is written is read.
	MailedAt *time.Time
	// Watches are those that the recipient is subscribed to: neither left nor removed. Off are those of them that are
	// paused or deleted.
	Watches, Off map[int64]FollowedWatch
	// Webhook is the endpoint, nil for a mail address; Busy are the tenders about which a message to it is on its way, Replaying
	// those about which one is sent again.
	Webhook         *vigie.Webhook
	Busy, Replaying map[int64]bool
	// Stopped are the account's webhooks that were suspended or have ended. Only the account's own address has them.
	Stopped []*StoppedWebhook
	// Deliveries are the recipient's deliveries, in the order of their ids; Unreadable those of them whose tender cannot be
	// read: nothing can be said about it for now.
	Deliveries, Unreadable []*PendingDelivery
}

// FollowedWatch is a watch as one of its recipients sees it.
type FollowedWatch struct {
	RecipientID    int64
	SubscriptionID int64
	WatchID        int64
	Name           string
	Frequency      vigie.Frequency
	Active         bool
	DeletedAt      *time.Time
	// LastMailedAt is when the recipient was last mailed about the watch, or subscribed to it.
	LastMailedAt time.Time `bun:"heard_at"`
}

// PendingDelivery is a delivery that has not been sent, with what its mail needs.
type PendingDelivery struct {
	vigie.Delivery `bun:"embed:"`
	Reasons        []vigie.Reason `bun:"-"`
	// Tender is the tender, or the one that it was merged into; nil if it cannot be read, for a cause.
	Tender     *vigie.Tender `bun:"-"`
	Unreadable error         `bun:"-"`
	// Dismissed reports whether the account has dismissed the tender.
	Dismissed bool `bun:"-"`
	// Repeats is the delivery by which a mail that was accepted has said the same already, about a tender that turned out
	// to be this one: that it is new, or closes soon; 0 for none. Ended reports whether the last one about the tender, which is
	// cancelled, has said so: nothing follows until it is open again.
	Repeats int64 `bun:"-"`
	Ended   bool  `bun:"-"`
	// Interest is the mark that a reminder is for; nil if there is none.
	Interest *vigie.Interest `bun:"-"`
}

// RecipientStates returns the recipients of mails, by id, each with the deliveries of its mail that were not dropped.
func (l *Ledger) RecipientStates(ctx context.Context, mails []*vigie.Mail) (map[int64]*RecipientState, error) {
	recipients, ids := make([]int64, len(mails)), make([]int64, len(mails))
	for i, m := range mails {
		recipients[i], ids[i] = m.RecipientID, m.ID
	}
	states, err := l.recipientStates(ctx, l.db, recipients, func(q *bun.SelectQuery) *bun.SelectQuery {
		values := database.Pass(l.db, ids)
		return q.Conn(values).Where("d.mail_id ?", values.Among(1)).Where("d.dropped_at IS NULL")
	})
	if err != nil {
		return nil, database.Translate(err)
	}
	byRecipient := make(map[int64]*RecipientState, len(states))
	for _, r := range states {
		byRecipient[r.ID] = r
	}
	return byRecipient, nil
}

// recipientStates reads recipients, with the deliveries that which selects.
func (l *Ledger) recipientStates(ctx context.Context, db bun.IDB, ids []int64, which func(*bun.SelectQuery) *bun.SelectQuery) ([]*RecipientState, error) {
	states, err := readRecipients(ctx, db, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]*RecipientState, len(states))
	for _, r := range states {
		byID[r.ID] = r
	}
	if err := readFollowedWatches(ctx, db, ids, byID); err != nil {
		return nil, err
	}
	if err := readWebhooks(ctx, db, ids, byID); err != nil {
		return nil, err
	}
	if err := readStopped(ctx, db, states); err != nil {
		return nil, err
	}
	return states, readDeliveries(ctx, db, which, byID)
}

func readRecipients(ctx context.Context, db bun.IDB, ids []int64) ([]*RecipientState, error) {
	var rows []*struct {
		ID                      int64
		Email                   string
		LeftAt                  *time.Time
		ConfirmationPending     bool `bun:"asking"`
		BouncedAt               *time.Time
		ConfirmationRequests    int64         `bun:"asks"`
		ConfirmationRequestedAt *time.Time    `bun:"asked_at"`
		Account                 vigie.Account `bun:"embed:account_"`
		consent
	}
	values := database.Pass(db, ids)
	err := db.NewSelect().Conn(values).TableExpr("recipients AS r").Join("JOIN accounts AS a ON a.id = r.account_id").
		Join("LEFT JOIN addresses AS d ON d.address_key = r.address_key").
		ColumnExpr("r.id, r.email, r.left_at, r.asking, "+consentColumns).
		ColumnExpr("d.bounced_at, COALESCE(d.asks, 0) AS asks, d.asked_at").
		ColumnExpr("a.id AS account_id, a.locale AS account_locale, a.time_zone AS account_time_zone, a.digest_hour AS account_digest_hour, "+
			"a.digest_day AS account_digest_day, a.quiet_notes AS account_quiet_notes, a.reminder_days AS account_reminder_days, a.subject AS account_subject, "+
			"a.email AS account_email, a.email_verified AS account_email_verified").
		Where("r.id ?", values.Among(1)).OrderExpr("r.id").Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	states := make([]*RecipientState, len(rows))
	for i, row := range rows {
		states[i] = &RecipientState{
			ID: row.ID, Email: row.Email, Primary: row.primary(), Account: row.Account,
			Confirmed: row.confirmed(), Left: row.LeftAt != nil, Bounced: row.BouncedAt != nil,
			ConfirmationPending: row.ConfirmationPending, ConfirmationRequests: row.ConfirmationRequests, ConfirmationRequestedAt: row.ConfirmationRequestedAt,
			Watches: make(map[int64]FollowedWatch), Off: make(map[int64]FollowedWatch),
		}
	}
	return states, nil
}

func readFollowedWatches(ctx context.Context, db bun.IDB, ids []int64, states map[int64]*RecipientState) error {
	var rows []struct {
		FollowedWatch
		LeftAt *time.Time
	}
	values := database.Pass(db, ids)
	err := db.NewSelect().Conn(values).TableExpr("subscriptions AS s").Join("JOIN watches AS w ON w.id = s.watch_id").
		ColumnExpr("s.recipient_id, s.id AS subscription_id, w.id AS watch_id, w.name, w.frequency, w.active, w.deleted_at").
		ColumnExpr("COALESCE(s.heard_at, w.created_at) AS heard_at, s.left_at").
		Where("s.recipient_id ?", values.Among(1)).Where("s.removed_at IS NULL").Scan(ctx, &rows)
	for _, row := range rows {
		r := states[row.RecipientID]
		r.Named = r.Named || row.DeletedAt == nil
		switch {
		case row.LeftAt != nil:
		case row.Active && row.DeletedAt == nil:
			r.Watches[row.WatchID] = row.FollowedWatch
		default:
			r.Off[row.WatchID] = row.FollowedWatch
		}
	}
	return err
}

// readMailed reads when recipients of mails were last mailed, within the least time between two digests. A mail that was sent
// well after now was sent under a wrong clock.
func readMailed(ctx context.Context, db bun.IDB, states []*RecipientState, now time.Time, spacing time.Duration) error {
	byID, ids := make(map[int64]*RecipientState, len(states)), make([]int64, len(states))
	for i, r := range states {
		byID[r.ID], ids[i] = r, r.ID
	}
	var last []*vigie.Mail
	values := database.Pass(db, ids, now.Add(-spacing), now.Add(spacing))
	err := db.NewSelect().Conn(values).Model(&last).ColumnExpr("recipient_id, MAX(closed_at) AS closed_at").Where("recipient_id ?", values.Among(1)).
		Where("closed_at > ?", values.Argument(2)).Where("closed_at <= ?", values.Argument(3)).
		Where("kind = ?", vigie.DigestMail).Where("state = ?", vigie.MailSent).Group("recipient_id").Scan(ctx)
	for _, m := range last {
		byID[m.RecipientID].MailedAt = m.ClosedAt
	}
	return err
}

// deliveryColumns are the columns of deliveries, as d.
const deliveryColumns = "d.id, d.recipient_id, d.tender_id, d.kind, d.notice_id, d.number, d.urgent, d.created_at, d.due_at, d.mail_id, d.dropped_at"

func readDeliveries(ctx context.Context, db bun.IDB, which func(*bun.SelectQuery) *bun.SelectQuery, states map[int64]*RecipientState) error {
	var pending []*PendingDelivery
	err := which(db.NewSelect().TableExpr("deliveries AS d").ColumnExpr(deliveryColumns).Apply(withHold)).OrderExpr("d.id").Scan(ctx, &pending)
	if err != nil {
		return err
	}
	pending = slices.DeleteFunc(pending, func(d *PendingDelivery) bool { return states[d.RecipientID] == nil }) // another recipient has taken it over
	pending, err = withTenders(ctx, db, pending, states)
	if err != nil || len(pending) == 0 {
		return err
	}
	byID := make(map[int64]*PendingDelivery, len(pending))
	var ids, tenderIDs, accounts []int64
	for _, d := range pending {
		byID[d.ID] = d
		ids, tenderIDs = append(ids, d.ID), append(tenderIDs, d.TenderID)
		accounts = append(accounts, states[d.RecipientID].Account.ID)
	}
	var reasons []*reason
	values := database.Pass(db, ids)
	if err := db.NewSelect().Conn(values).Model(&reasons).Where("delivery_id ?", values.Among(1)).Order("delivery_id", "watch_id").Scan(ctx); err != nil {
		return err
	}
	for _, r := range reasons {
		d := byID[r.DeliveryID]
		d.Reasons = append(d.Reasons, vigie.Reason{WatchID: r.WatchID, Keywords: r.Keywords})
	}
	dismissed, err := readDismissed(ctx, db, database.Distinct(accounts), database.Distinct(tenderIDs))
	if err != nil {
		return err
	}
	said, err := readSaid(ctx, db, pending)
	if err != nil {
		return err
	}
	ended, err := readEnded(ctx, db, pending)
	if err != nil {
		return err
	}
	for _, d := range pending {
		about := recipientTender{d.RecipientID, d.Tender.ID}
		d.Repeats, d.Ended = said[saying{about, d.Kind}], ended[about]
		account := states[d.RecipientID].Account.ID
		d.Dismissed = dismissed[accountTender{account, d.TenderID}] || dismissed[accountTender{account, d.Tender.ID}]
	}
	return readReminders(ctx, db, pending, states)
}

// withTenders gives deliveries their tenders and adds them to their recipients. It returns those whose tenders can be read.
func withTenders(ctx context.Context, db bun.IDB, pending []*PendingDelivery, states map[int64]*RecipientState) (readable []*PendingDelivery, err error) {
	var ids []int64
	for _, d := range pending {
		ids = append(ids, d.TenderID)
	}
	tenders := make(map[int64]*vigie.Tender)
	unreadable, err := database.ReadApart(database.Distinct(ids), func(ids []int64) error {
		some, err := tendersByID(ctx, db, ids)
		if err == nil {
			maps.Copy(tenders, some)
		}
		return err
	})
	for _, d := range pending {
		r := states[d.RecipientID]
		if d.Tender, d.Unreadable = tenders[d.TenderID], unreadable[d.TenderID]; d.Tender == nil {
			r.Unreadable = append(r.Unreadable, d)
			continue
		}
		r.Deliveries, readable = append(r.Deliveries, d), append(readable, d)
	}
	return readable, err
}

// saying is what a mail said to a recipient about a tender.
type saying struct {
	recipientTender
	Kind vigie.DeliveryKind
}

type recipientTender struct{ RecipientID, TenderID int64 }

// readSaid returns by which deliveries accepted mails have announced tenders to recipients of deliveries as new, or as
// closing soon: of their tenders, those that others were merged into. About other tenders no mail says the same twice.
func readSaid(ctx context.Context, db bun.IDB, pending []*PendingDelivery) (map[saying]int64, error) {
	var current []int64
	for _, d := range pending {
		current = append(current, d.Tender.ID)
	}
	merged, err := mergedInto(ctx, db, database.Distinct(current))
	if err != nil || len(merged) == 0 {
		return nil, err
	}
	var rows []struct {
		saying
		ID int64
	}
	err = accepted(db, pending, merged, vigie.DeliverNew, vigie.DeliverClosingSoon).ColumnExpr("MIN(d.id) AS id").GroupExpr("1, 2, 3").Scan(ctx, &rows)
	said := make(map[saying]int64, len(rows))
	for _, row := range rows {
		said[row.saying] = row.ID
	}
	return said, err
}

// readEnded returns, of deliveries about cancelled tenders, to which recipients the last accepted mail about the tender has
// said that it is cancelled. One that was cancelled before may have been said to be open since.
func readEnded(ctx context.Context, db bun.IDB, pending []*PendingDelivery) (map[recipientTender]bool, error) {
	var cancelled []int64
	for _, d := range pending {
		if d.Tender.Outcome == vigie.Cancelled {
			cancelled = append(cancelled, d.Tender.ID)
		}
	}
	if len(cancelled) == 0 {
		return nil, nil
	}
	var rows []saying
	err := accepted(db, pending, cancelled, vigie.DeliverNew, vigie.DeliverCorrected, vigie.DeliverCancelled).OrderExpr("m.closed_at, d.id").Scan(ctx, &rows)
	ended := make(map[recipientTender]bool, len(rows))
	for _, row := range rows {
		ended[row.recipientTender] = row.Kind == vigie.DeliverCancelled
	}
	return ended, err
}

// accepted selects what accepted mails have said to the recipients of deliveries about some tenders, and those that were
// merged into them, as saying; the mails as m, their deliveries as d.
func accepted(db bun.IDB, pending []*PendingDelivery, tenders []int64, kinds ...vigie.DeliveryKind) *bun.SelectQuery {
	var recipients []int64
	for _, d := range pending {
		recipients = append(recipients, d.RecipientID)
	}
	values := database.Pass(db, database.Distinct(recipients), database.Distinct(tenders))
	// CROSS JOIN has SQLite go by tenders first, and not by all that the recipients were ever sent.
	return db.NewSelect().Conn(values).TableExpr("tenders AS t").Join("CROSS JOIN deliveries AS d").Join("JOIN mails AS m ON m.id = d.mail_id").
		ColumnExpr("d.recipient_id, COALESCE(t.merged_into, t.id) AS tender_id, d.kind").
		Where("d.tender_id = t.id").Where("(t.id ?0 OR t.merged_into ?0)", values.Among(2)).
		Where("d.kind IN (?)", bun.List(kinds)).Where("d.recipient_id ?", values.Among(1)).
		Where("d.dropped_at IS NULL").Where("m.state = ?", vigie.MailSent)
}

// mergedInto returns those of some tenders that others were merged into: few are.
func mergedInto(ctx context.Context, db bun.IDB, tenders []int64) (some []int64, err error) {
	values := database.Pass(db, tenders)
	err = db.NewSelect().Conn(values).TableExpr("tenders").ColumnExpr("DISTINCT merged_into").Where("merged_into ?", values.Among(1)).Scan(ctx, &some)
	return some, err
}

type accountTender struct{ account, tender int64 }

// readDismissed returns which tenders, or tenders merged into them, accounts have dismissed. Of merged ones, one that is of
// interest counts (store.Marks).
func readDismissed(ctx context.Context, db bun.IDB, accounts, tenders []int64) (map[accountTender]bool, error) {
	var rows []struct {
		AccountID, TenderID, MergedInto int64
		Wanted                          bool
	}
	values := database.Pass(db, accounts, tenders)
	err := db.NewSelect().Conn(values).TableExpr("tender_marks AS m").Join("JOIN tenders AS t ON t.id = m.tender_id").
		ColumnExpr("m.account_id, m.tender_id, COALESCE(t.merged_into, t.id) AS merged_into, m.interested_at IS NOT NULL AS wanted").
		Where("m.account_id ?", values.Among(1)).Where("(m.dismissed_at IS NOT NULL OR m.interested_at IS NOT NULL)").
		Where("(t.id ?0 OR t.merged_into ?0)", values.Among(2)).Scan(ctx, &rows)
	dismissed := make(map[accountTender]bool, 2*len(rows))
	wanted := make(map[accountTender]bool)
	for _, row := range rows {
		if row.Wanted {
			wanted[accountTender{row.AccountID, row.MergedInto}] = true
		}
	}
	for _, row := range rows {
		if !wanted[accountTender{row.AccountID, row.MergedInto}] {
			dismissed[accountTender{row.AccountID, row.TenderID}] = true
			dismissed[accountTender{row.AccountID, row.MergedInto}] = true
		}
	}
	return dismissed, err
}

// tendersByID returns tenders by the ids asked for; of a tender that was merged into another, the other.
func tendersByID(ctx context.Context, db bun.IDB, ids []int64) (map[int64]*vigie.Tender, error) {
	var rows []*struct {
		vigie.Tender
		AskedID int64
	}
	values := database.Pass(db, ids)
	err := db.NewSelect().Conn(values).Model((*vigie.Tender)(nil)).ColumnExpr("?TableColumns, asked.id AS asked_id").
		Join("JOIN tenders AS asked ON tender.id = COALESCE(asked.merged_into, asked.id)").
		Where("asked.id ?", values.Among(1)).Scan(ctx, &rows)
	byID := make(map[int64]*vigie.Tender, len(rows))
	for _, row := range rows {
		byID[row.AskedID] = &row.Tender
	}
	return byID, err
}
