package store

import (
	"context"
	"slices"
	"strings"
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
	// MailedAt is when a digest was last accepted for it.
	MailedAt *time.Time
	// Watches are those that the recipient is subscribed to: neither left nor removed. Off are those of them that are
	// paused or deleted.
	Watches, Off map[int64]FollowedWatch
	// Deliveries are the recipient's deliveries, in the order of their ids.
	Deliveries []*PendingDelivery
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
	Tender         *vigie.Tender  `bun:"-"` // the tender that it was merged into, if it was
	// Dismissed reports whether the account has dismissed the tender.
	Dismissed bool `bun:"-"`
	// Repeats reports whether a mail that was accepted has said the same already, about a tender that turned out to be
	// this one: that it is new, or closes soon.
	Repeats bool `bun:"-"`
}

// Decision is what to do with a recipient's deliveries.
type Decision struct {
	// Mail is the kind of mail to write, "" for none; Members are the deliveries that the mail contains.
	Mail    vigie.MailKind
	Members []int64
	// Drop are the deliveries to drop, Hold those to hold.
	Drop []int64
	Hold map[int64]Held
	// Later are the deliveries that wait, with when to decide again.
	Later map[int64]time.Time
	// NextCheckAt is when to check the recipient again, if nothing is due sooner.
	NextCheckAt *time.Time
	// NoConfirmation reports that the address need not be asked for its consent.
	NoConfirmation bool
}

// Held says why a delivery is held, and when to decide again if nothing changes.
type Held struct {
	For   vigie.HoldReason
	Until time.Time
}

// ClaimOptions says what to claim.
type ClaimOptions struct {
	// Limit is the most mails to claim, and the most recipients to check.
	Limit int
	// Lease is for how long the mails are the caller's alone.
	Lease time.Duration
	// IndexVersion is the version of the search index that the links in mails lead to.
	IndexVersion string
	// Host is the domain of the Message-IDs.
	Host string
	// Decide decides about a recipient; indexed is the last change that the search index contains.
	Decide func(r *RecipientState, indexed int64) Decision
}

// Claim claims the mails that are to be sent now, for the caller alone until the lease ends: open mails whose lease
// has ended, and new ones, which it writes. more reports whether there may be more.
func (s *Store) Claim(ctx context.Context, c ClaimOptions) (mails []*vigie.Mail, more bool, err error) {
	// Usually there is nothing to do, which no lock is needed to find out.
	var any bool
	err = s.db.NewRaw("SELECT EXISTS (?) OR EXISTS (?)", s.openMails(s.db, 1), s.dueRecipients(s.db, 1)).Scan(ctx, &any)
	if err != nil || !any {
		return nil, false, database.Translate(err)
	}
	err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		mails = nil
		err := s.db.SkipLocked(s.openMails(tx, c.Limit), "mail").Scan(ctx, &mails)
		if err != nil {
			return err
		}
		if len(mails) > 0 {
			ids := make([]int64, len(mails))
			for i, m := range mails {
				ids[i] = m.ID
			}
			if _, err := tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("leased_until = ? + ?", s.db.Clock(), c.Lease.Milliseconds()).
				Where("id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
				return err
			}
		}
		if len(mails) == c.Limit {
			more = true
			return nil
		}
		checked, added, err := s.decideDue(ctx, tx, c, c.Limit-len(mails))
		more = checked == c.Limit-len(mails)
		mails = append(mails, added...)
		return err
	})
	return mails, more, database.Translate(err)
}

// openMails selects the open mails that nobody is sending and that may be tried now.
func (s *Store) openMails(db bun.IDB, limit int) *bun.SelectQuery {
	return db.NewSelect().Model((*vigie.Mail)(nil)).Where("state = ?", vigie.MailOpen).
		Where("retry_at <= ?", s.db.Stamp()).Where("leased_until <= ?", s.db.Clock()).Order("retry_at", "id").Limit(int64(limit))
}

// dueRecipients selects the recipients that are to be checked. A recipient's mail must be closed before its next one
// is written.
func (s *Store) dueRecipients(db bun.IDB, limit int) *bun.SelectQuery {
	open := db.NewSelect().Model((*vigie.Mail)(nil)).ColumnExpr("1").
		Where("mail.recipient_id = recipient.id").Where("mail.state = ?", vigie.MailOpen)
	return db.NewSelect().Model((*recipient)(nil)).Column("id").Where("look_at <= ?", s.db.Stamp()).
		Where("NOT EXISTS (?)", open).Where("id NOT IN (?)", database.SetAsideBy(db, database.MailsConsumer)).Order("look_at", "id").Limit(int64(limit))
}

// decideDue checks recipients, and writes the mails that are due.
func (s *Store) decideDue(ctx context.Context, tx bun.Tx, c ClaimOptions, limit int) (checked int, mails []*vigie.Mail, err error) {
	var ids []int64
	if err := s.db.SkipLocked(s.dueRecipients(tx, limit), "recipient").Scan(ctx, &ids); err != nil || len(ids) == 0 {
		return 0, nil, err
	}
	now := s.db.Stamp()
	due := func(q *bun.SelectQuery) *bun.SelectQuery {
		same := tx.NewSelect().TableExpr("deliveries AS same").ColumnExpr("1").
			Where("same.recipient_id = d.recipient_id").Where("same.tender_id = d.tender_id").Where("same.due_at <= ?", now).
			Where("same.mail_id IS NULL").Where("same.dropped_at IS NULL")
		return q.Where("d.recipient_id IN (?)", bun.List(ids)).Where("d.mail_id IS NULL").Where("d.dropped_at IS NULL").
			Where("(d.due_at <= ? OR EXISTS (?))", now, same)
	}
	states, err := s.recipientStates(ctx, tx, ids, due)
	if err != nil {
		return 0, nil, err
	}
	var indexed int64
	if err := indexReached(tx, c.IndexVersion).Scan(ctx, &indexed); err != nil {
		return 0, nil, err
	}
	l := decisions{now: now, later: make(map[time.Time][]int64), held: make(map[Held][]int64)}
	for _, r := range states {
		d := c.Decide(r, indexed)
		if d.Mail == vigie.ConfirmationMail {
			if granted, err := l.countConfirmation(ctx, tx, r); err != nil {
				return 0, nil, err
			} else if !granted { // another account asked first
				d = Decision{NextCheckAt: new(now.Add(time.Second))}
			}
		}
		l.note(r, d)
	}
	mails, err = l.save(ctx, tx, s, c)
	return len(ids), mails, err
}

// decisions are the results of checking some recipients.
type decisions struct {
	now            time.Time
	states         []*RecipientState
	nextCheckAt    []*time.Time
	mails          []*vigie.Mail
	members        [][]int64
	dropped        []int64
	noConfirmation []int64
	later          map[time.Time][]int64
	held           map[Held][]int64
	// released are held deliveries that are to wait again.
	released []int64
}

func (l *decisions) note(r *RecipientState, d Decision) {
	l.states, l.nextCheckAt = append(l.states, r), append(l.nextCheckAt, d.NextCheckAt)
	l.dropped = append(l.dropped, d.Drop...)
	if d.NoConfirmation {
		l.noConfirmation = append(l.noConfirmation, r.ID)
	}
	for id, at := range d.Later {
		at = at.UTC().Truncate(time.Microsecond)
		l.later[at] = append(l.later[at], id)
	}
	for id, hold := range d.Hold {
		hold.Until = hold.Until.UTC().Truncate(time.Microsecond)
		l.held[hold] = append(l.held[hold], id)
	}
	for _, delivery := range r.Deliveries {
		if _, held := d.Hold[delivery.ID]; delivery.HeldAt != nil && !held {
			l.released = append(l.released, delivery.ID)
		}
	}
	if d.Mail != "" {
		l.mails = append(l.mails, &vigie.Mail{RecipientID: r.ID, Kind: d.Mail, CreatedAt: l.now, State: vigie.MailOpen, RetryAt: l.now})
		l.members = append(l.members, d.Members)
	}
}

const (
	// maxConfirmationRequests is how often an address is asked for its consent, ever and over all accounts: the mails
	// that ask must not become a nuisance.
	maxConfirmationRequests = 3
	// confirmationInterval is the shortest time between two such mails.
	confirmationInterval = 24 * time.Hour
)

// countConfirmation counts one more request for consent to an address, and reports whether it may be sent.
func (l *decisions) countConfirmation(ctx context.Context, tx bun.Tx, r *RecipientState) (granted bool, err error) {
	result, err := tx.NewRaw(`INSERT INTO addresses (address_key, asks, asked_at) VALUES (?, 1, ?)
		ON CONFLICT (address_key) DO UPDATE SET asks = addresses.asks + 1, asked_at = EXCLUDED.asked_at
		WHERE addresses.asks < ? AND (addresses.asked_at IS NULL OR addresses.asked_at <= ?)`,
		addressKey(r.Email), l.now, maxConfirmationRequests, l.now.Add(-confirmationInterval)).Exec(ctx)
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	if rows > 0 {
		l.noConfirmation = append(l.noConfirmation, r.ID)
	}
	return rows > 0, err
}

// NextConfirmationRequest returns when an address that was asked that often, and last at that time, may be asked
// again; ok is false for never.
func NextConfirmationRequest(asks int64, last *time.Time) (at time.Time, ok bool) {
	if asks >= maxConfirmationRequests {
		return time.Time{}, false
	}
	if last != nil {
		at = last.Add(confirmationInterval)
	}
	return at, true
}

func (l *decisions) save(ctx context.Context, tx bun.Tx, s *Store, c ClaimOptions) ([]*vigie.Mail, error) {
	if err := drop(ctx, tx, l.dropped, l.now); err != nil {
		return nil, err
	}
	for held, ids := range l.held {
		if err := hold(ctx, tx, ids, l.now, held.For, held.Until); err != nil {
			return nil, err
		}
	}
	if err := release(ctx, tx, l.released); err != nil {
		return nil, err
	}
	if len(l.mails) > 0 {
		if err := l.saveMails(ctx, tx, s, c); err != nil {
			return nil, err
		}
	}
	if len(l.noConfirmation) > 0 {
		if _, err := tx.NewUpdate().Model((*recipient)(nil)).Set("asking = FALSE").Where("id IN (?)", bun.List(l.noConfirmation)).Exec(ctx); err != nil {
			return nil, err
		}
	}
	for at, ids := range l.later {
		if _, err := tx.NewUpdate().Model((*vigie.Delivery)(nil)).Set("due_at = ?", at).Where("id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
			return nil, err
		}
	}
	return l.mails, l.saveNextChecks(ctx, tx)
}

func (l *decisions) saveMails(ctx context.Context, tx bun.Tx, s *Store, c ClaimOptions) error {
	epoch, err := database.Epoch(ctx, tx)
	if err != nil {
		return err
	}
	numbers, err := takeSome(ctx, tx, len(l.mails))
	if err != nil {
		return err
	}
	var members []pair
	ids := make([]int64, len(l.mails))
	for i, m := range l.mails {
		m.ID = numbers.next()
		m.MessageID = s.ids.Word(vigie.KindMail, m.ID) + "." + strings.ToLower(epoch) + "@" + c.Host // the epoch identifies this database
		ids[i] = m.ID
		for _, delivery := range l.members[i] {
			members = append(members, pair{delivery, m.ID})
		}
	}
	if _, err := tx.NewInsert().Model(&l.mails).Exec(ctx); err != nil {
		return err
	}
	if _, err := tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("leased_until = ? + ?", s.db.Clock(), c.Lease.Milliseconds()).
		Where("id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
		return err
	}
	return claim(ctx, tx, members)
}

// saveNextChecks schedules each recipient's next check: when the first of its deliveries is due, or when the decision
// says.
func (l *decisions) saveNextChecks(ctx context.Context, tx bun.Tx) error {
	ids := make([]int64, len(l.states))
	for i, r := range l.states {
		ids[i] = r.ID
	}
	var first []*vigie.Delivery
	err := tx.NewSelect().Model(&first).ColumnExpr("recipient_id, MIN(due_at) AS due_at").
		Where("recipient_id IN (?)", bun.List(ids)).Where(unclaimed).Group("recipient_id").Scan(ctx)
	if err != nil {
		return err
	}
	due := make(map[int64]*time.Time, len(first))
	for _, d := range first {
		due[d.RecipientID] = &d.DueAt
	}
	never := time.Time{}
	groups := make(map[time.Time][]int64) // many have their digest at the same time
	for i, r := range l.states {
		at := l.nextCheckAt[i]
		if d := due[r.ID]; d != nil && (at == nil || d.Before(*at)) {
			at = d
		}
		if at == nil {
			at = &never
		}
		moment := at.UTC().Truncate(time.Microsecond)
		groups[moment] = append(groups[moment], r.ID)
	}
	for at, ids := range groups {
		if _, err := tx.NewUpdate().Model((*recipient)(nil)).Set("look_at = ?", bun.NullTime{Time: at}).Where("id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// RecipientStates returns the recipients of mails, by id, each with the deliveries of its mail that were not dropped.
func (s *Store) RecipientStates(ctx context.Context, mails []*vigie.Mail) (map[int64]*RecipientState, error) {
	recipients, ids := make([]int64, len(mails)), make([]int64, len(mails))
	for i, m := range mails {
		recipients[i], ids[i] = m.RecipientID, m.ID
	}
	states, err := s.recipientStates(ctx, s.db, recipients, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("d.mail_id IN (?)", bun.List(ids)).Where("d.dropped_at IS NULL")
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
func (s *Store) recipientStates(ctx context.Context, db bun.IDB, ids []int64, which func(*bun.SelectQuery) *bun.SelectQuery) ([]*RecipientState, error) {
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
	if err := readMailed(ctx, db, ids, byID); err != nil {
		return nil, err
	}
	return states, readDeliveries(ctx, db, which, byID)
}

func readRecipients(ctx context.Context, db bun.IDB, ids []int64) ([]*RecipientState, error) {
	var rows []*struct {
		ID                      int64
		Email                   string
		Primary                 bool
		ConfirmedNow            bool
		LeftAt                  *time.Time
		ConfirmationPending     bool `bun:"asking"`
		Named                   bool
		BouncedAt               *time.Time
		ConfirmationRequests    int64         `bun:"asks"`
		ConfirmationRequestedAt *time.Time    `bun:"asked_at"`
		Account                 vigie.Account `bun:"embed:account_"`
	}
	named := db.NewSelect().TableExpr("subscriptions AS s").Join("JOIN watches AS w ON w.id = s.watch_id").ColumnExpr("1").
		Where("s.recipient_id = r.id").Where("s.removed_at IS NULL").Where("w.deleted_at IS NULL")
	err := db.NewSelect().TableExpr("recipients AS r").Join("JOIN accounts AS a ON a.id = r.account_id").
		Join("LEFT JOIN addresses AS d ON d.address_key = r.address_key").
		ColumnExpr("r.id, r.email, lower(a.email) = r.address_key AS \"primary\", "+confirmed+" AS confirmed_now, r.left_at, r.asking").
		ColumnExpr("EXISTS (?) AS named", named).
		ColumnExpr("d.bounced_at, COALESCE(d.asks, 0) AS asks, d.asked_at").
		ColumnExpr("a.id AS account_id, a.locale AS account_locale, a.time_zone AS account_time_zone, a.digest_hour AS account_digest_hour, "+
			"a.digest_day AS account_digest_day, a.quiet_notes AS account_quiet_notes").
		Where("r.id IN (?)", bun.List(ids)).OrderExpr("r.id").Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	states := make([]*RecipientState, len(rows))
	for i, row := range rows {
		states[i] = &RecipientState{
			ID: row.ID, Email: row.Email, Primary: row.Primary, Account: row.Account,
			Confirmed: row.ConfirmedNow, Left: row.LeftAt != nil, Bounced: row.BouncedAt != nil,
			ConfirmationPending: row.ConfirmationPending, Named: row.Named, ConfirmationRequests: row.ConfirmationRequests, ConfirmationRequestedAt: row.ConfirmationRequestedAt,
			Watches: make(map[int64]FollowedWatch), Off: make(map[int64]FollowedWatch),
		}
	}
	return states, nil
}

func readFollowedWatches(ctx context.Context, db bun.IDB, ids []int64, states map[int64]*RecipientState) error {
	var rows []FollowedWatch
	err := db.NewSelect().TableExpr("subscriptions AS s").Join("JOIN watches AS w ON w.id = s.watch_id").
		ColumnExpr("s.recipient_id, s.id AS subscription_id, w.id AS watch_id, w.name, w.frequency, w.active, w.deleted_at").
		ColumnExpr("COALESCE(s.heard_at, w.created_at) AS heard_at").
		Where("s.recipient_id IN (?)", bun.List(ids)).Where("s.removed_at IS NULL").Where("s.left_at IS NULL").Scan(ctx, &rows)
	for _, row := range rows {
		if row.Active && row.DeletedAt == nil {
			states[row.RecipientID].Watches[row.WatchID] = row
		} else {
			states[row.RecipientID].Off[row.WatchID] = row
		}
	}
	return err
}

func readMailed(ctx context.Context, db bun.IDB, ids []int64, states map[int64]*RecipientState) error {
	var last []*vigie.Mail
	err := db.NewSelect().Model(&last).ColumnExpr("recipient_id, MAX(closed_at) AS closed_at").Where("recipient_id IN (?)", bun.List(ids)).
		Where("kind = ?", vigie.DigestMail).Where("state = ?", vigie.MailSent).Group("recipient_id").Scan(ctx)
	for _, m := range last {
		states[m.RecipientID].MailedAt = m.ClosedAt
	}
	return err
}

func readDeliveries(ctx context.Context, db bun.IDB, which func(*bun.SelectQuery) *bun.SelectQuery, states map[int64]*RecipientState) error {
	var pending []*PendingDelivery
	err := which(db.NewSelect().TableExpr("deliveries AS d").ColumnExpr("d.*").Apply(withHold)).OrderExpr("d.id").Scan(ctx, &pending)
	if err != nil || len(pending) == 0 {
		return err
	}
	byID := make(map[int64]*PendingDelivery, len(pending))
	var ids, tenderIDs, accounts []int64
	for _, d := range pending {
		byID[d.ID] = d
		ids, tenderIDs = append(ids, d.ID), append(tenderIDs, d.TenderID)
		r := states[d.RecipientID]
		accounts = append(accounts, r.Account.ID)
		r.Deliveries = append(r.Deliveries, d)
	}
	var reasons []*reason
	if err := db.NewSelect().Model(&reasons).Where("delivery_id IN (?)", bun.List(ids)).Order("delivery_id", "watch_id").Scan(ctx); err != nil {
		return err
	}
	for _, r := range reasons {
		d := byID[r.DeliveryID]
		d.Reasons = append(d.Reasons, vigie.Reason{WatchID: r.WatchID, Keywords: r.Keywords})
	}
	tenderIDs = distinct(tenderIDs)
	tenders, err := tendersByID(ctx, db, tenderIDs)
	if err != nil {
		return err
	}
	dismissed, err := readDismissed(ctx, db, distinct(accounts), tenderIDs)
	if err != nil {
		return err
	}
	said, err := readSaid(ctx, db, pending, tenders)
	if err != nil {
		return err
	}
	for _, d := range pending {
		d.Tender = tenders[d.TenderID]
		d.Repeats = (d.Kind == vigie.DeliverNew || d.Kind == vigie.DeliverClosingSoon) && said[saying{d.RecipientID, d.Tender.ID, d.Kind}]
		account := states[d.RecipientID].Account.ID
		d.Dismissed = dismissed[pair{account, d.TenderID}] || dismissed[pair{account, d.Tender.ID}]
	}
	return nil
}

// saying is what a mail said to a recipient about a tender.
type saying struct {
	recipient, tender int64
	kind              vigie.DeliveryKind
}

// readSaid returns what accepted mails have said to the recipients of deliveries about those of their tenders that
// others were merged into, by the ids of these. About other tenders no mail says the same twice.
func readSaid(ctx context.Context, db bun.IDB, pending []*PendingDelivery, tenders map[int64]*vigie.Tender) (map[saying]bool, error) {
	var recipients, current []int64
	for _, d := range pending {
		recipients, current = append(recipients, d.RecipientID), append(current, tenders[d.TenderID].ID)
	}
	var rows []saidRow
	merged := db.NewSelect().TableExpr("tenders AS alias").ColumnExpr("alias.merged_into").Where("alias.merged_into IN (?)", bun.List(distinct(current)))
	err := db.NewSelect().TableExpr("tenders AS t").Join("JOIN deliveries AS d ON d.tender_id = t.id").Join("JOIN mails AS m ON m.id = d.mail_id").
		ColumnExpr("DISTINCT d.recipient_id, COALESCE(t.merged_into, t.id) AS tender_id, d.kind").
		Where("(t.id IN (?) OR t.merged_into IN (?))", merged, merged).
		Where("d.recipient_id IN (?)", bun.List(distinct(recipients))).Where("d.dropped_at IS NULL").Where("m.state = ?", vigie.MailSent).Scan(ctx, &rows)
	said := make(map[saying]bool, len(rows))
	for _, row := range rows {
		said[saying{row.RecipientID, row.TenderID, row.Kind}] = true
	}
	return said, err
}

type saidRow struct {
	RecipientID, TenderID int64
	Kind                  vigie.DeliveryKind
}

// readDismissed returns which tenders, or tenders merged into them, accounts have dismissed: pairs of account and
// tender.
func readDismissed(ctx context.Context, db bun.IDB, accounts, tenders []int64) (map[pair]bool, error) {
	var rows []struct{ AccountID, TenderID, MergedInto int64 }
	err := db.NewSelect().TableExpr("tender_marks AS m").Join("JOIN tenders AS t ON t.id = m.tender_id").
		ColumnExpr("m.account_id, m.tender_id, COALESCE(t.merged_into, t.id) AS merged_into").
		Where("m.account_id IN (?)", bun.List(accounts)).Where("m.dismissed_at IS NOT NULL").
		Where("(t.id IN (?) OR t.merged_into IN (?))", bun.List(tenders), bun.List(tenders)).Scan(ctx, &rows)
	dismissed := make(map[pair]bool, 2*len(rows))
	for _, row := range rows {
		dismissed[pair{row.AccountID, row.TenderID}] = true
		dismissed[pair{row.AccountID, row.MergedInto}] = true
	}
	return dismissed, err
}

func distinct(ids []int64) []int64 {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Composed is the outcome of composing a mail, just before sending.
type Composed struct {
	// Dropped and Held are deliveries that the mail leaves out although they were claimed for it; Held with the
	// reason.
	Dropped []int64
	Held    map[int64]vigie.HoldReason
	// Watches are those that the mail names.
	Watches []int64
}

// MailSent records that a mail was accepted. It always succeeds, even if another process has the lease.
func (s *Store) MailSent(ctx context.Context, m *vigie.Mail, c Composed) error {
	return s.closeMail(ctx, m, vigie.MailSent, "", c)
}

// MailDropped records that nothing was left to send in a mail.
func (s *Store) MailDropped(ctx context.Context, m *vigie.Mail, c Composed) error {
	return s.closeMail(ctx, m, vigie.MailDropped, "", c)
}

// MailFailed records that a mail was given up, and why.
func (s *Store) MailFailed(ctx context.Context, m *vigie.Mail, why string) error {
	return s.closeMail(ctx, m, vigie.MailFailed, why, Composed{})
}

func (s *Store) closeMail(ctx context.Context, m *vigie.Mail, state vigie.MailState, why string, c Composed) error {
	now := s.db.Stamp()
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if len(c.Held) > 0 {
			if _, err := s.lockRecipients(ctx, tx, []int64{m.RecipientID}); err != nil {
				return err
			}
		}
		if err := drop(ctx, tx, c.Dropped, now); err != nil {
			return err
		}
		for id, reason := range c.Held { // what holds the delivery may have ended since
			if err := hold(ctx, tx, []int64{id}, now, reason, now); err != nil {
				return err
			}
		}
		_, err := tx.NewUpdate().Model((*vigie.Mail)(nil)).
			Set("state = ?", state).Set("closed_at = ?", now).Set("error = ?", why).Set("leased_until = 0").
			Where("id = ?", m.ID).Where("state = ?", vigie.MailOpen).Exec(ctx)
		if err != nil {
			return err
		}
		if len(c.Held) > 0 {
			if err := checkAt(ctx, tx, []int64{m.RecipientID}, now); err != nil {
				return err
			}
		}
		if len(c.Watches) == 0 {
			return nil
		}
		_, err = tx.NewUpdate().Model((*subscription)(nil)).Set("heard_at = ?", now).
			Where("recipient_id = ?", m.RecipientID).Where("watch_id IN (?)", bun.List(c.Watches)).Exec(ctx)
		return err
	})
}

// MailDelayed records that a mail was not accepted for now, why, and when to try again.
func (s *Store) MailDelayed(ctx context.Context, m *vigie.Mail, retryAt time.Time, why string) error {
	_, err := s.db.NewUpdate().Model((*vigie.Mail)(nil)).
		Set("attempts = attempts + 1").Set("retry_at = ?", retryAt.UTC().Truncate(time.Microsecond)).Set("error = ?", why).Set("leased_until = 0").
		Where("id = ?", m.ID).Where("state = ?", vigie.MailOpen).Exec(ctx)
	return database.Translate(err)
}

// ReleaseMails ends the leases of mails that were not tried.
func (s *Store) ReleaseMails(ctx context.Context, mails []*vigie.Mail) error {
	if len(mails) == 0 {
		return nil
	}
	ids := make([]int64, len(mails))
	for i, m := range mails {
		ids[i] = m.ID
	}
	_, err := s.db.NewUpdate().Model((*vigie.Mail)(nil)).Set("leased_until = 0").
		Where("id IN (?)", bun.List(ids)).Where("state = ?", vigie.MailOpen).Exec(ctx)
	return database.Translate(err)
}
