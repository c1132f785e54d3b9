package ledger

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// ClaimOptions says what to claim.
type ClaimOptions struct {
	// Channel is the one of the recipients; empty is mail.
	Channel vigie.Channel
	// Busy are hosts of webhooks to which nothing more may be sent for now, BusyOwners accounts to whose webhooks; 0 is the platform.
	Busy       []string
	BusyOwners []int64
	// Likely reports that the last claim left more, so that there is no need to look first.
	Likely bool
	// Limit is the most mails to claim, and the most recipients to check.
	Limit int
	// Lease is for how long the mails are the caller's alone; until is when it ends, in milliseconds of the database's clock.
	Lease time.Duration
	until int64
	// Spacing is the least time between two digests to one recipient.
	Spacing time.Duration
	// IndexVersion is the version of the search index that the links in mails lead to.
	IndexVersion string
	// Host is the domain of the Message-IDs, "" for none.
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
	if !c.Likely {
		if any, err := l.anyDue(ctx, c); err != nil || !any {
			return Claimed{}, database.Translate(err)
		}
	}
	err = l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		claimed = Claimed{Failed: make(map[int64]error), Unreadable: make(map[int64]error)}
		if err := tx.NewRaw("SELECT ? + ?", l.db.Clock(), c.Lease.Milliseconds()).Scan(ctx, &c.until); err != nil {
			return err
		}
		if c.Channel == vigie.WebhookChannel {
			return l.claimMessages(ctx, tx, c, &claimed)
		}
		if err := l.db.SkipLocked(l.openMails(tx, c, c.Limit), "mail").Scan(ctx, &claimed.Mails); err != nil {
			return err
		}
		if err := lease(ctx, tx, claimed.Mails, c.until); err != nil {
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

// anyDue reports whether there is anything to claim. Usually there is not, which no lock is needed to find out.
func (l *Ledger) anyDue(ctx context.Context, c ClaimOptions) (any bool, err error) {
	look := l.db.NewRaw("SELECT EXISTS (?) OR EXISTS (?)", l.openMails(l.db, c, 1), l.dueRecipients(l.db, c, 1))
	if c.Channel == vigie.WebhookChannel {
		look = l.db.NewRaw("SELECT EXISTS (?) OR EXISTS (?) OR EXISTS (?)", l.openMails(l.db, c, 1), l.dueRecipients(l.db, c, 1), l.replaysDue(l.db, c, 1))
	}
	err = look.Scan(ctx, &any)
	return any, err
}

// claimMessages claims messages to webhooks: half of them new ones, if there are as many, for what is tried again may be much.
// Of those that were accepted and are sent again, few at a time, for what was not accepted yet goes first.
func (l *Ledger) claimMessages(ctx context.Context, tx bun.Tx, c ClaimOptions, claimed *Claimed) error {
	var again []*vigie.Mail
	if err := l.db.SkipLocked(l.openMails(tx, c, c.Limit), "mail").Scan(ctx, &again); err != nil {
		return err
	}
	fresh := c
	fresh.Limit = max((c.Limit+1)/2, c.Limit-len(again))
	checked, added, err := l.decideDue(ctx, tx, fresh, fresh.Limit, claimed)
	if err != nil {
		return err
	}
	again = again[:min(len(again), c.Limit-len(added))]
	var replays []*vigie.Mail
	if limit := min(c.Limit-len(added)-len(again), maxMessages); limit > 0 {
		if err := l.db.SkipLocked(l.replaysDue(tx, c, limit), "mail").Scan(ctx, &replays); err != nil {
			return err
		}
	}
	again = append(again, replays...)
	claimed.Mails = append(added, again...)
	claimed.More = checked == fresh.Limit || len(claimed.Mails) == c.Limit || len(replays) == maxMessages
	return lease(ctx, tx, again, c.until)
}

// lease keeps mails for their claimant alone.
func lease(ctx context.Context, tx bun.Tx, mails []*vigie.Mail, until int64) error {
	if len(mails) == 0 {
		return nil
	}
	for _, m := range mails {
		m.LeasedUntil = until
	}
	_, err := tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("leased_until = ?", until).Where("id IN (?)", bun.List(idsOf(mails))).Exec(ctx)
	return err
}

// endLease ends the lease by which a mail was claimed. Where an outcome is recorded late, after an outage of the database, the
// mail may have been claimed again: then it stays with the sender that has it now.
func endLease(m *vigie.Mail) func(*bun.UpdateQuery) *bun.UpdateQuery {
	return func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Set("leased_until = CASE WHEN leased_until = ? THEN 0 ELSE leased_until END", m.LeasedUntil)
	}
}

func idsOf(mails []*vigie.Mail) []int64 {
	ids := make([]int64, len(mails))
	for i, m := range mails {
		ids[i] = m.ID
	}
	return ids
}

// openMails selects the open mails that nobody is sending and that may be tried now.
func (l *Ledger) openMails(db bun.IDB, c ClaimOptions, limit int) *bun.SelectQuery {
	q := db.NewSelect().Model((*vigie.Mail)(nil)).Where("mail.state = ?", vigie.MailOpen).
		Where("mail.retry_at <= ?", l.db.Stamp()).Apply(l.notLeased).OrderExpr("mail.retry_at, mail.id").Limit(int64(limit))
	if c.Channel != vigie.WebhookChannel {
		return q.Where("mail.kind <> ?", vigie.WebhookMessage)
	}
	return l.toWebhooks(db, c, q)
}

// toWebhooks narrows a query for messages, as mail, to those to webhooks that may be sent. What is on its way to a webhook that
// is switched off waits, so that it is sent again under its own id. Those about one tender are sent one after the other: where
// two tenders turned out to be one, so that none says what another has said, and where messages are sent again. The earlier ones
// are looked for by their tender and by its aliases: by the webhook alone they would be all that waits for it.
func (l *Ledger) toWebhooks(db bun.IDB, c ClaimOptions, q *bun.SelectQuery) *bun.SelectQuery {
	to := db.NewSelect().TableExpr("recipients AS r").ColumnExpr("1").Join("JOIN webhooks AS w ON w.id = r.webhook_id").
		Where("r.id = mail.recipient_id").Where(notWaiting).Apply(l.mayTry(c))
	q = q.Where("mail.kind = ?", vigie.WebhookMessage).Where("EXISTS (?)", to)
	// CROSS JOIN has SQLite go by tenders first: it takes the mails of a recipient to be few.
	same := db.NewSelect().TableExpr("tenders AS same").ColumnExpr("1").Where("same.id = mail.tender_id")
	for _, pending := range []string{"earlier.state = 'OPEN'", "earlier.replay_at IS NOT NULL AND earlier.state = 'SENT'"} {
		earlier := same.Clone().Where("earlier.recipient_id = mail.recipient_id").Where("earlier.id < mail.id").Where(pending)
		q = q.Where("NOT EXISTS (?)", earlier.Clone().Join("CROSS JOIN mails AS earlier").Where("earlier.tender_id = COALESCE(same.merged_into, same.id)")).
			Where("NOT EXISTS (?)", earlier.Join("CROSS JOIN tenders AS alias").Join("CROSS JOIN mails AS earlier").
				Where("alias.merged_into = COALESCE(same.merged_into, same.id)").Where("earlier.tender_id = alias.id"))
	}
	return q
}

// notWaiting selects the webhooks, as w, that messages on their way to them need not wait for: those that are on, and those
// that will never be, about whose messages that is decided.
const notWaiting = "(w.confirmed_at IS NOT NULL AND w.paused_at IS NULL AND w.suspended_at IS NULL OR w.ended_at IS NOT NULL OR w.removed_at IS NOT NULL)"

// mayTry leaves out webhooks, as w, of busy hosts and owners, and those that asked to be left alone.
func (l *Ledger) mayTry(c ClaimOptions) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(q *bun.SelectQuery) *bun.SelectQuery {
		q = q.Where("(w.not_before IS NULL OR w.not_before <= ?)", l.db.Stamp())
		if len(c.Busy) > 0 {
			q = q.Where("w.host NOT IN (?)", bun.List(c.Busy))
		}
		if len(c.BusyOwners) > 0 {
			q = q.Where("COALESCE(w.account_id, 0) NOT IN (?)", bun.List(c.BusyOwners))
		}
		return q
	}
}

// dueRecipients selects the recipients that are to be checked.
func (l *Ledger) dueRecipients(db bun.IDB, c ClaimOptions, limit int) *bun.SelectQuery {
	q := db.NewSelect().Model((*recipient)(nil)).Column("recipient.id").Where("recipient.channel = ?", cmp.Or(c.Channel, vigie.MailChannel)).
		Where("look_at <= ?", l.db.Stamp()).Where("recipient.id NOT IN (?)", database.SetAsideBy(db, consumerOf(c.Channel))).
		OrderExpr("look_at, recipient.id").Limit(int64(limit))
	if c.Channel != vigie.WebhookChannel {
		return q.Apply(l.withoutOpenMail(db))
	}
	return q.Join("JOIN webhooks AS w ON w.id = recipient.webhook_id").Apply(l.mayTry(c))
}

// consumerOf returns the name of the consumer that sends through a channel.
func consumerOf(c vigie.Channel) string {
	if c == vigie.WebhookChannel {
		return database.WebhooksConsumer
	}
	return database.MailsConsumer
}

// withoutOpenMail leaves out recipients to whom a mail is on its way. It must be closed before the next one is written, and
// its lease must have ended: one that was dropped while it was being sent may be accepted, with deliveries that wait again.
func (l *Ledger) withoutOpenMail(db bun.IDB) func(*bun.SelectQuery) *bun.SelectQuery {
	mails := func(what string) *bun.SelectQuery {
		return db.NewSelect().Model((*vigie.Mail)(nil)).ColumnExpr(what).Where("mail.recipient_id = recipient.id")
	}
	// Counted, so that no database reads the leases of all mails at once: there is an index of each recipient's mails alone.
	leased := mails("COUNT(*)").Apply(l.leased)
	return func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("NOT EXISTS (?)", mails("1").Where("mail.state = ?", vigie.MailOpen)).Where("(?) = 0", leased)
	}
}

// decideDue checks recipients, and writes the mails that are due.
func (l *Ledger) decideDue(ctx context.Context, tx bun.Tx, c ClaimOptions, limit int, claimed *Claimed) (checked int, mails []*vigie.Mail, err error) {
	var ids []int64
	if err := l.db.SkipLocked(l.dueRecipients(tx, c, limit), "recipient").Scan(ctx, &ids); err != nil || len(ids) == 0 {
		return 0, nil, err
	}
	now := l.db.Stamp()
	due := func(q *bun.SelectQuery) *bun.SelectQuery {
		values := database.Pass(tx, ids, now)
		// The recipients twice, for PostgreSQL reads all that the inner query selects at once.
		same := tx.NewSelect().TableExpr("deliveries AS same").ColumnExpr("1").Where("same.recipient_id ?", values.Among(1)).
			Where("same.recipient_id = d.recipient_id").Where("same.tender_id = d.tender_id").Where("same.due_at <= ?", values.Argument(2)).
			Where("same.mail_id IS NULL").Where("same.dropped_at IS NULL")
		return q.Conn(values).Where("d.recipient_id ?", values.Among(1)).Where("d.mail_id IS NULL").Where("d.dropped_at IS NULL").
			Where("(d.due_at <= ? OR EXISTS (?))", values.Argument(2), same)
	}
	states, err := l.recipientStates(ctx, tx, ids, due)
	switch {
	case err != nil:
	case c.Channel == vigie.WebhookChannel:
		err = readBusy(ctx, tx, states)
	default:
		err = readMailed(ctx, tx, states, now, c.Spacing)
	}
	if err != nil {
		return 0, nil, err
	}
	var indexed int64
	if err := database.IndexReached(tx, c.IndexVersion).Scan(ctx, &indexed); err != nil {
		return 0, nil, err
	}
	all := decisions{now: now, later: make(map[time.Time][]int64), held: make(map[Held][]int64), stopped: make(map[*vigie.Mail][]*StoppedWebhook)}
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
	now         time.Time
	states      []*RecipientState
	nextCheckAt []*time.Time
	mails       []*vigie.Mail
	members     [][]int64
	// stopped are, by mail, the webhooks that it tells the owner of.
	stopped        map[*vigie.Mail][]*StoppedWebhook
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
	for _, delivery := range slices.Concat(r.Deliveries, r.Unreadable) {
		at, later := d.Later[delivery.ID]
		if at = at.UTC().Truncate(time.Microsecond); later && !at.Equal(delivery.DueAt) {
			all.later[at] = append(all.later[at], delivery.ID)
		}
	}
	for id, hold := range d.Hold {
		hold.Until = hold.Until.UTC().Truncate(time.Microsecond)
		all.held[hold] = append(all.held[hold], id)
	}
	all.released = append(all.released, d.Release...)
	if d.Mail != "" {
		m := all.write(r, d.Mail, d.Members)
		if d.Mail == vigie.WebhookNoteMail {
			all.stopped[m] = r.Stopped
		}
	}
	for _, tender := range slices.Sorted(maps.Keys(d.Messages)) {
		all.write(r, vigie.WebhookMessage, d.Messages[tender]).TenderID = tender
	}
	if len(d.Unwanted) > 0 { // a message that is not sent
		m := all.write(r, vigie.WebhookMessage, d.Unwanted)
		m.State, m.ClosedAt = vigie.MailDropped, &all.now
	}
}

// write adds a mail with those deliveries.
func (all *decisions) write(r *RecipientState, kind vigie.MailKind, members []int64) *vigie.Mail {
	m := &vigie.Mail{RecipientID: r.ID, Kind: kind, CreatedAt: all.now, State: vigie.MailOpen, RetryAt: all.now}
	all.mails, all.members = append(all.mails, m), append(all.members, members)
	return m
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
	claimed, err := all.saveMails(ctx, tx, l, c)
	if err != nil {
		return nil, err
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
	return claimed, all.saveNextChecks(ctx, tx)
}

// saveMails stores the mails, and returns those that are claimed: of many messages to webhooks, as many as were asked for.
func (all *decisions) saveMails(ctx context.Context, tx bun.Tx, l *Ledger, c ClaimOptions) (claimed []*vigie.Mail, err error) {
	if len(all.mails) == 0 {
		return nil, nil
	}
	epoch, err := database.Epoch(ctx, tx)
	if err != nil {
		return nil, err
	}
	numbers, err := database.Take(ctx, tx, len(all.mails))
	if err != nil {
		return nil, err
	}
	var members []database.Pair
	for i, m := range all.mails {
		m.ID = numbers.Next()
		m.MessageID = l.ids.Word(vigie.KindMail, m.ID) + "." + strings.ToLower(epoch) // the epoch identifies this database
		if c.Host != "" {
			m.MessageID += "@" + c.Host
		}
		for _, delivery := range all.members[i] {
			members = append(members, database.Pair{Was: delivery, Becomes: m.ID})
		}
	}
	for _, m := range all.mails {
		if m.State == vigie.MailOpen && len(claimed) < c.Limit {
			m.LeasedUntil = c.until
			claimed = append(claimed, m)
		}
	}
	if err := database.Insert(ctx, tx, &all.mails, ""); err != nil {
		return nil, err
	}
	for m, stopped := range all.stopped {
		if err := noteStopped(ctx, tx, m, stopped); err != nil {
			return nil, err
		}
	}
	return claimed, claim(ctx, tx, members)
}

// saveNextChecks schedules each recipient's next check: when the first of its deliveries is due, or when the decision
// says.
func (all *decisions) saveNextChecks(ctx context.Context, tx bun.Tx) error {
	ids := make([]int64, len(all.states))
	for i, r := range all.states {
		ids[i] = r.ID
	}
	var first []*vigie.Delivery
	values := database.Pass(tx, ids)
	err := tx.NewSelect().Conn(values).Model(&first).ColumnExpr("recipient_id, MIN(due_at) AS due_at").
		Where("recipient_id ?", values.Among(1)).Where(unclaimed).Group("recipient_id").Scan(ctx)
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
		values := database.Pass(tx, ids, at)
		moment := values.Argument(2)
		if at.Equal(never) {
			values, moment = database.Pass(tx, ids), "NULL"
		}
		if _, err := tx.NewUpdate().Conn(values).Model((*recipient)(nil)).Set("look_at = ?", moment).Where("id ?", values.Among(1)).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// MailsBehind returns the recipients to whom a mail, or a message through another channel, is due or being sent. What waits
// until a webhook is switched on again is not behind.
func (l *Ledger) MailsBehind(ctx context.Context, channel vigie.Channel) (database.Behind, error) {
	return l.db.Behind(ctx, `SELECT COUNT(*) AS changes, 0 AS first, MIN(at) AS since FROM (
		SELECT look_at AS at FROM recipients WHERE channel = ?0 AND look_at <= ?1 AND id NOT IN (?2)
		UNION ALL SELECT m.created_at AS at FROM mails AS m JOIN recipients AS r ON r.id = m.recipient_id LEFT JOIN webhooks AS w ON w.id = r.webhook_id
			WHERE m.state = ?3 AND r.channel = ?0 AND (w.id IS NULL OR `+notWaiting+`)
		UNION ALL SELECT m.replay_at AS at FROM mails AS m JOIN recipients AS r ON r.id = m.recipient_id JOIN webhooks AS w ON w.id = r.webhook_id
			WHERE m.replay_at IS NOT NULL AND m.state = ?4 AND r.channel = ?0 AND `+notWaiting+`) AS waiting`,
		channel, l.db.Stamp(), database.SetAsideBy(l.db, consumerOf(channel)), vigie.MailOpen, vigie.MailSent)
}
