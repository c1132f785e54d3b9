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

// ClaimOptions says what to claim.
type ClaimOptions struct {
	// Limit is the most mails to claim, and the most recipients to check.
	Limit int
	// Lease is for how long the mails are the caller's alone.
	Lease time.Duration
	// Spacing is the least time between two digests to one recipient.
	Spacing time.Duration
	// IndexVersion is the version of the search index that the links in mails lead to.
	IndexVersion string
	// Host is the domain of the Message-IDs.
	Host string
	// Guard runs the decision about a recipient and turns what goes wrong in it into an error; nil for no guard.
	Guard func(recipient int64, decide func() error) error
}

// Claimed are the mails that were claimed.
type Claimed struct {
	Mails []*vigie.Mail
	// More reports whether there may be more.
	More bool
	// Failed are the recipients about which deciding failed, by id. They are checked again later.
	Failed map[int64]error
	// Unreadable are the tenders that cannot be read, by id. What waits of them waits longer.
	Unreadable map[int64]error
}

// Claim claims the mails that are to be sent now, for the caller alone until the lease ends: open mails whose lease
// has ended, and new ones, which it writes.
func (l *Ledger) Claim(ctx context.Context, c ClaimOptions) (claimed Claimed, err error) {
	// Usually there is nothing to do, which no lock is needed to find out.
	var any bool
	err = l.db.NewRaw("SELECT EXISTS (?) OR EXISTS (?)", l.openMails(l.db, 1), l.dueRecipients(l.db, 1)).Scan(ctx, &any)
	if err != nil || !any {
		return Claimed{}, database.Translate(err)
	}
	err = l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		claimed = Claimed{Failed: make(map[int64]error), Unreadable: make(map[int64]error)}
		if err := l.db.SkipLocked(l.openMails(tx, c.Limit), "mail").Scan(ctx, &claimed.Mails); err != nil {
			return err
		}
		if err := l.lease(ctx, tx, claimed.Mails, c.Lease); err != nil {
			return err
		}
		limit := c.Limit - len(claimed.Mails)
		if limit == 0 {
			claimed.More = true
			return nil
		}
		checked, added, err := l.decideDue(ctx, tx, c, limit, &claimed)
		claimed.More = checked == limit
		claimed.Mails = append(claimed.Mails, added...)
		return err
	})
	return claimed, err
}

// lease keeps mails for their claimant alone.
func (l *Ledger) lease(ctx context.Context, tx bun.Tx, mails []*vigie.Mail, lease time.Duration) error {
	if len(mails) == 0 {
		return nil
	}
	_, err := tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("leased_until = ? + ?", l.db.Clock(), lease.Milliseconds()).
		Where("id IN (?)", bun.List(idsOf(mails))).Exec(ctx)
	return err
}

func idsOf(mails []*vigie.Mail) []int64 {
	ids := make([]int64, len(mails))
	for i, m := range mails {
		ids[i] = m.ID
	}
	return ids
}

// openMails selects the open mails that nobody is sending and that may be tried now.
func (l *Ledger) openMails(db bun.IDB, limit int) *bun.SelectQuery {
	return db.NewSelect().Model((*vigie.Mail)(nil)).Where("state = ?", vigie.MailOpen).
		Where("retry_at <= ?", l.db.Stamp()).Apply(l.notLeased).Order("retry_at", "id").Limit(int64(limit))
}

// dueRecipients selects the recipients that are to be checked. A recipient's mail must be closed before its next one
// is written, and its lease must have ended: one that was dropped while it was being sent may be accepted, with deliveries
// that wait again.
func (l *Ledger) dueRecipients(db bun.IDB, limit int) *bun.SelectQuery {
	mails := func(what string) *bun.SelectQuery {
		return db.NewSelect().Model((*vigie.Mail)(nil)).ColumnExpr(what).Where("mail.recipient_id = recipient.id")
	}
	// Counted, so that no database reads the leases of all mails at once: there is an index of each recipient's mails alone.
	leased := mails("COUNT(*)").Apply(l.leased)
	return db.NewSelect().Model((*recipient)(nil)).Column("id").Where("look_at <= ?", l.db.Stamp()).
		Where("NOT EXISTS (?)", mails("1").Where("mail.state = ?", vigie.MailOpen)).
		Where("(?) = 0", leased).Where("id NOT IN (?)", database.SetAsideBy(db, database.MailsConsumer)).Order("look_at", "id").Limit(int64(limit))
}

// decideDue checks recipients, and writes the mails that are due.
func (l *Ledger) decideDue(ctx context.Context, tx bun.Tx, c ClaimOptions, limit int, claimed *Claimed) (checked int, mails []*vigie.Mail, err error) {
	var ids []int64
	if err := l.db.SkipLocked(l.dueRecipients(tx, limit), "recipient").Scan(ctx, &ids); err != nil || len(ids) == 0 {
		return 0, nil, err
	}
	now := l.db.Stamp()
	due := func(q *bun.SelectQuery) *bun.SelectQuery {
		same := tx.NewSelect().TableExpr("deliveries AS same").ColumnExpr("1").
			Where("same.recipient_id = d.recipient_id").Where("same.tender_id = d.tender_id").Where("same.due_at <= ?", now).
			Where("same.mail_id IS NULL").Where("same.dropped_at IS NULL")
		return q.Where("d.recipient_id IN (?)", bun.List(ids)).Where("d.mail_id IS NULL").Where("d.dropped_at IS NULL").
			Where("(d.due_at <= ? OR EXISTS (?))", now, same)
	}
	states, err := l.recipientStates(ctx, tx, ids, due)
	if err != nil {
		return 0, nil, err
	}
	var indexed int64
	if err := database.IndexReached(tx, c.IndexVersion).Scan(ctx, &indexed); err != nil {
		return 0, nil, err
	}
	all := decisions{now: now, later: make(map[time.Time][]int64), held: make(map[Held][]int64)}
	for _, r := range states {
		d, err := l.decideGuarded(r, indexed, c)
		if err != nil {
			claimed.Failed[r.ID] = err
		}
		for _, t := range r.Unreadable {
			claimed.Unreadable[t.TenderID] = t.Unreadable
		}
		if d.Mail == vigie.ConfirmationMail {
			if granted, err := all.countConfirmation(ctx, tx, r); err != nil {
				return 0, nil, err
			} else if !granted { // another account asked first
				d = Decision{NextCheckAt: new(now.Add(time.Second))}
			}
		}
		all.note(r, d)
	}
	mails, err = all.save(ctx, tx, l, c)
	return len(ids), mails, err
}

// decideGuarded decides about a recipient. Where that fails, all of it is left as it is for a minute.
func (l *Ledger) decideGuarded(r *RecipientState, indexed int64, c ClaimOptions) (d Decision, err error) {
	work := func() error {
		d = l.decide(r, l.db.Now(), c.Spacing, indexed)
		return nil
	}
	if c.Guard == nil {
		return d, work()
	}
	if err := c.Guard(r.ID, work); err != nil {
		return later(r, l.db.Now().Add(time.Minute)), err
	}
	return d, nil
}

// later leaves a recipient's deliveries as they are, until a time.
func later(r *RecipientState, at time.Time) Decision {
	d := Decision{NextCheckAt: &at, Later: make(map[int64]time.Time)}
	for _, t := range slices.Concat(r.Deliveries, r.Unreadable) {
		d.Later[t.ID] = at
	}
	return d
}

// decisions are the results of checking some recipients.
type decisions struct {
	now            time.Time
	states         []*RecipientState
	nextCheckAt    []*time.Time
	mails          []*vigie.Mail
	members        [][]int64
	dropped        []int64
	repeats        []database.Pair
	noConfirmation []int64
	later          map[time.Time][]int64
	held           map[Held][]int64
	// released are held deliveries that are to wait again.
	released []int64
}

func (all *decisions) note(r *RecipientState, d Decision) {
	all.states, all.nextCheckAt = append(all.states, r), append(all.nextCheckAt, d.NextCheckAt)
	all.dropped, all.repeats = append(all.dropped, d.Drop...), append(all.repeats, d.Repeats...)
	if d.NoConfirmation {
		all.noConfirmation = append(all.noConfirmation, r.ID)
	}
	for id, at := range d.Later {
		at = at.UTC().Truncate(time.Microsecond)
		all.later[at] = append(all.later[at], id)
	}
	for id, hold := range d.Hold {
		hold.Until = hold.Until.UTC().Truncate(time.Microsecond)
		all.held[hold] = append(all.held[hold], id)
	}
	for _, delivery := range r.Deliveries {
		if _, held := d.Hold[delivery.ID]; delivery.HeldAt != nil && !held {
			all.released = append(all.released, delivery.ID)
		}
	}
	if d.Mail != "" {
		all.mails = append(all.mails, &vigie.Mail{RecipientID: r.ID, Kind: d.Mail, CreatedAt: all.now, State: vigie.MailOpen, RetryAt: all.now})
		all.members = append(all.members, d.Members)
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
func (all *decisions) countConfirmation(ctx context.Context, tx bun.Tx, r *RecipientState) (granted bool, err error) {
	result, err := tx.NewRaw(`INSERT INTO addresses (address_key, asks, asked_at) VALUES (?, 1, ?)
		ON CONFLICT (address_key) DO UPDATE SET asks = addresses.asks + 1, asked_at = EXCLUDED.asked_at
		WHERE addresses.asks < ? AND (addresses.asked_at IS NULL OR addresses.asked_at <= ?)`,
		vigie.AddressKey(r.Email), all.now, maxConfirmationRequests, all.now.Add(-confirmationInterval)).Exec(ctx)
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	if rows > 0 {
		all.noConfirmation = append(all.noConfirmation, r.ID)
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

func (all *decisions) save(ctx context.Context, tx bun.Tx, l *Ledger, c ClaimOptions) ([]*vigie.Mail, error) {
	if err := joinReasons(ctx, tx, all.repeats); err != nil {
		return nil, err
	}
	if err := drop(ctx, tx, all.dropped, all.now); err != nil {
		return nil, err
	}
	for held, ids := range all.held {
		if err := hold(ctx, tx, ids, all.now, held.For, held.Until); err != nil {
			return nil, err
		}
	}
	if err := release(ctx, tx, all.released); err != nil {
		return nil, err
	}
	if len(all.mails) > 0 {
		if err := all.saveMails(ctx, tx, l, c); err != nil {
			return nil, err
		}
	}
	if len(all.noConfirmation) > 0 {
		if _, err := tx.NewUpdate().Model((*recipient)(nil)).Set("asking = FALSE").Where("id IN (?)", bun.List(all.noConfirmation)).Exec(ctx); err != nil {
			return nil, err
		}
	}
	for at, ids := range all.later {
		if _, err := tx.NewUpdate().Model((*vigie.Delivery)(nil)).Set("due_at = ?", at).Where("id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
			return nil, err
		}
	}
	return all.mails, all.saveNextChecks(ctx, tx)
}

func (all *decisions) saveMails(ctx context.Context, tx bun.Tx, l *Ledger, c ClaimOptions) error {
	epoch, err := database.Epoch(ctx, tx)
	if err != nil {
		return err
	}
	numbers, err := database.Take(ctx, tx, len(all.mails))
	if err != nil {
		return err
	}
	var members []database.Pair
	for i, m := range all.mails {
		m.ID = numbers.Next()
		m.MessageID = l.ids.Word(vigie.KindMail, m.ID) + "." + strings.ToLower(epoch) + "@" + c.Host // the epoch identifies this database
		for _, delivery := range all.members[i] {
			members = append(members, database.Pair{Was: delivery, Becomes: m.ID})
		}
	}
	if _, err := tx.NewInsert().Model(&all.mails).Exec(ctx); err != nil {
		return err
	}
	if err := l.lease(ctx, tx, all.mails, c.Lease); err != nil {
		return err
	}
	return claim(ctx, tx, members)
}

// saveNextChecks schedules each recipient's next check: when the first of its deliveries is due, or when the decision
// says.
func (all *decisions) saveNextChecks(ctx context.Context, tx bun.Tx) error {
	ids := make([]int64, len(all.states))
	for i, r := range all.states {
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
	for i, r := range all.states {
		at := all.nextCheckAt[i]
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

// MailsBehind returns the recipients to whom a mail is due, or being sent.
func (l *Ledger) MailsBehind(ctx context.Context) (database.Behind, error) {
	return l.db.Behind(ctx, `SELECT COUNT(*) AS changes, 0 AS first, MIN(at) AS since FROM (
		SELECT look_at AS at FROM recipients WHERE look_at <= ? AND id NOT IN (?)
		UNION ALL SELECT created_at AS at FROM mails WHERE state = ?) AS waiting`,
		l.db.Stamp(), database.SetAsideBy(l.db, database.MailsConsumer), vigie.MailOpen)
}
