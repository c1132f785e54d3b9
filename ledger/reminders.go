package ledger

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// An account is reminded of the deadlines of tenders that it marked as of interest. What is due is found out by looking: at
// each account when its next reminder is due, and each hour, for deadlines move. A reminder is entered shortly before it is
// due, and whether it is sent is decided then, as of every delivery.

const (
	// remindEvery is how often an account is looked at, at least.
	remindEvery = time.Hour
	// remindAhead is how long before they are due reminders are entered: so they are in one mail with the digest of that hour.
	remindAhead = 15 * time.Minute
	// remindBatch is how many accounts are looked at in one transaction.
	remindBatch = 100
)

// RemindersDue reports whether there are accounts to look at.
func (l *Ledger) RemindersDue(ctx context.Context) (bool, error) {
	due, err := l.accountsToRemind().Exists(ctx)
	return due, database.Translate(err)
}

func (l *Ledger) accountsToRemind() *bun.SelectQuery {
	return l.db.NewSelect().Model((*vigie.Account)(nil)).Where("remind_at <= ?", l.db.Stamp())
}

// Remind enters the reminders of some accounts that are due or will be in a moment, and reports whether there are more
// accounts to look at. Of accounts that cannot be read it returns why; they are looked at again in an hour.
func (l *Ledger) Remind(ctx context.Context) (more bool, failed map[int64]error, err error) {
	var ids []int64
	err = l.accountsToRemind().Column("id").Order("remind_at", "id").Limit(remindBatch).Scan(ctx, &ids)
	if err != nil {
		return false, nil, database.Translate(err)
	}
	failed, err = database.ReadApart(database.Distinct(ids), func(ids []int64) error {
		return l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
			var accounts []*vigie.Account
			err := l.db.ForUpdate(tx.NewSelect().Model(&accounts).Where("id IN (?)", bun.List(ids)).Order("id")).Scan(ctx)
			if err != nil {
				return err
			}
			return l.remind(ctx, tx, accounts)
		})
	})
	for id := range failed {
		if err == nil {
			err = lookAgain(ctx, l.db, []int64{id}, l.db.Stamp().Add(remindEvery))
		}
	}
	return len(ids) == remindBatch, failed, database.Translate(err)
}

// EnterReminders enters the reminders of an account that are due, by its settings, which are about to change. The account is
// locked.
func (l *Ledger) EnterReminders(ctx context.Context, tx bun.Tx, account *vigie.Account) error {
	return l.remind(ctx, tx, []*vigie.Account{account})
}

// RemindersChanged looks at the reminders of an account again: its settings have changed. If its days have, reminders that
// were due before now are not made up for. The account is locked.
func (l *Ledger) RemindersChanged(ctx context.Context, tx bun.Tx, account *vigie.Account, days bool) error {
	now := l.db.Stamp()
	at := bun.NullTime{}
	if len(account.ReminderDays) > 0 {
		at.Time = now
	}
	if _, err := tx.NewRaw("UPDATE accounts SET remind_at = ? WHERE id = ?", at, account.ID).Exec(ctx); err != nil || !days {
		return err
	}
	_, err := tx.NewRaw(`UPDATE tender_marks SET remind_from = ?, remind_deadline = (SELECT t.deadline FROM tenders AS same
		JOIN tenders AS t ON t.id = COALESCE(same.merged_into, same.id) WHERE same.id = tender_marks.tender_id)
		WHERE account_id = ? AND interested_at IS NOT NULL`, now, account.ID).Exec(ctx)
	return err
}

// Marked looks at the reminders of an account again, if it wants any: it has marked tenders as of interest. The account is
// locked.
func (l *Ledger) Marked(ctx context.Context, tx bun.Tx, account int64) error {
	now := l.db.Stamp()
	_, err := tx.NewRaw("UPDATE accounts SET remind_at = ?0 WHERE id = ?1 AND remind_at > ?0", now, account).Exec(ctx)
	return err
}

// lookAgain says when to look at accounts again, of those that want reminders.
func lookAgain(ctx context.Context, db bun.IDB, accounts []int64, at time.Time) error {
	_, err := db.NewRaw("UPDATE accounts SET remind_at = ? WHERE id IN (?) AND remind_at IS NOT NULL", at.UTC().Truncate(time.Microsecond), bun.List(accounts)).Exec(ctx)
	return err
}

// interest is a mark, or several on tenders that were merged, of an account on a tender.
type interest struct {
	AccountID, TenderID int64
	InterestedAt        time.Time
	RemindFrom          *time.Time
	RemindDeadline      *time.Time
	Deadline            *time.Time // of the tender
}

// vigie returns the mark as reminders go by it. Versions before these wrote nothing of that.
func (i *interest) vigie() *vigie.Interest {
	if i.RemindFrom == nil {
		return &vigie.Interest{Since: i.InterestedAt, Deadline: i.Deadline}
	}
	return &vigie.Interest{Since: *i.RemindFrom, Deadline: i.RemindDeadline}
}

// readInterests returns what accounts have marked as of interest, of the tenders that which selects as t; of tenders that were
// merged into one, the first mark.
func readInterests(ctx context.Context, db bun.IDB, accounts []int64, which func(*bun.SelectQuery) *bun.SelectQuery) (map[accountTender]*interest, error) {
	var rows []*interest
	err := db.NewSelect().TableExpr("tender_marks AS m").Join("JOIN tenders AS same ON same.id = m.tender_id").
		Join("JOIN tenders AS t ON t.id = COALESCE(same.merged_into, same.id)").
		ColumnExpr("m.account_id, t.id AS tender_id, m.interested_at, m.remind_from, m.remind_deadline, t.deadline").
		Where("m.account_id IN (?)", bun.List(accounts)).Where("m.interested_at IS NOT NULL").Apply(which).
		OrderExpr("m.interested_at DESC, same.id DESC").Scan(ctx, &rows)
	byTender := make(map[accountTender]*interest, len(rows))
	for _, row := range rows {
		byTender[accountTender{row.AccountID, row.TenderID}] = row
	}
	return byTender, err
}

// Reminders returns the reminders that an account is still to get, of those of some tenders that it marked as of interest, by
// the ids of these.
func (l *Ledger) Reminders(ctx context.Context, id int64, tenders map[int64]*vigie.Tender) (map[int64][]*vigie.Reminder, error) {
	account, now := &vigie.Account{ID: id}, l.db.Now()
	err := l.db.NewSelect().Model(account).WherePK().Scan(ctx) // what a socket knows of it may be hours old
	if err != nil || len(account.ReminderDays) == 0 || len(tenders) == 0 {
		return nil, database.Translate(err)
	}
	var ids []int64
	for _, t := range tenders {
		ids = append(ids, t.ID)
	}
	byTender := make(map[int64][]*vigie.Reminder)
	marks, err := readInterests(ctx, l.db, []int64{id}, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("t.id IN (?)", bun.List(ids)) })
	for asked, t := range tenders {
		mark := marks[accountTender{id, t.ID}]
		if mark == nil || t.Deadline == nil || t.Status(now) != vigie.StatusOnline {
			continue
		}
		owed := mark.vigie().Owed(account.Reminders(*t.Deadline), *t.Deadline)
		for _, r := range owed {
			if r.At.After(now) {
				byTender[asked] = append(byTender[asked], &r)
			}
		}
	}
	return byTender, database.Translate(err)
}

// dueReminder is a reminder of an account about a tender.
type dueReminder struct {
	vigie.Reminder
	account *vigie.Account
	tender  *vigie.Tender
	// moved reports whether the tender has another deadline than when it was marked.
	moved bool
}

// remind enters the reminders of accounts, which are locked, and says when to look at each again.
func (l *Ledger) remind(ctx context.Context, tx bun.Tx, accounts []*vigie.Account) error {
	now, ids := l.db.Now(), make([]int64, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ID
	}
	until := now.AddDate(0, 0, vigie.MaxReminderDays+2)
	marks, err := readInterests(ctx, tx, ids, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("t.deadline > ?", now.UTC()).Where("t.deadline <= ?", until.UTC())
	})
	if err != nil {
		return err
	}
	var tenderIDs []int64
	for key := range marks {
		tenderIDs = append(tenderIDs, key.tender)
	}
	tenderIDs = database.Distinct(tenderIDs)
	tenders, err := tendersByID(ctx, tx, tenderIDs)
	if err != nil {
		return err
	}
	var due []dueReminder
	next := make(map[time.Time][]int64)
	for _, a := range accounts {
		at := now.Add(remindEvery)
		for _, id := range tenderIDs {
			if mark := marks[accountTender{a.ID, id}]; mark != nil && tenders[id].Status(now) == vigie.StatusOnline {
				due = appendDue(due, a, tenders[id], mark, now, &at)
			}
		}
		next[at] = append(next[at], a.ID)
	}
	if err := l.enterReminders(ctx, tx, due); err != nil {
		return err
	}
	for at, some := range next {
		if err := lookAgain(ctx, tx, some, at); err != nil {
			return err
		}
	}
	return nil
}

// appendDue adds the reminder of a tender that is to be entered now, if any. Where the next one is to be entered before next,
// that is when.
func appendDue(due []dueReminder, a *vigie.Account, t *vigie.Tender, mark *interest, now time.Time, next *time.Time) []dueReminder {
	owed := mark.vigie().Owed(a.Reminders(*t.Deadline), *t.Deadline)
	for _, r := range owed {
		if at := r.At.Add(-remindAhead); at.After(now) && at.Before(*next) {
			*next = at
		}
	}
	if r := vigie.Nearest(owed, now.Add(remindAhead)); r != nil {
		moved := mark.RemindDeadline == nil || !mark.RemindDeadline.Equal(*t.Deadline)
		due = append(due, dueReminder{*r, a, t, moved})
	}
	return due
}

// enterReminders enters reminders for the accounts' recipients, unless they are in the ledger. One that was dropped, as it was
// not wanted then, waits again.
func (l *Ledger) enterReminders(ctx context.Context, tx bun.Tx, due []dueReminder) error {
	if len(due) == 0 {
		return nil
	}
	byAccount, err := l.reminded(ctx, tx, due)
	if err != nil {
		return err
	}
	known, err := knownReminders(ctx, tx, byAccount, due)
	if err != nil {
		return err
	}
	now := l.db.Stamp()
	var rows []*vigie.Delivery
	var revived []int64
	checks := make(map[time.Time][]int64)
	for _, r := range due {
		for _, to := range byAccount[r.account.ID] {
			if to.since != nil && !r.moved && to.since.After(r.At) { // a webhook that was added since
				continue
			}
			was := known[reminderFor{to.ID, r.tender.ID, r.Key}]
			switch {
			case was == nil:
				rows = append(rows, r.delivery(to.ID, now))
			case was.DroppedAt != nil:
				revived = append(revived, was.ID)
			default:
				continue
			}
			checks[r.At] = append(checks[r.At], to.ID)
		}
	}
	if err := insertReminders(ctx, tx, rows); err != nil {
		return err
	}
	if err := revive(ctx, tx, revived, now); err != nil {
		return err
	}
	for at, recipients := range checks {
		if err := checkAt(ctx, tx, recipients, at); err != nil {
			return err
		}
	}
	return nil
}

// delivery returns the reminder as a delivery to a recipient.
func (r *dueReminder) delivery(to int64, now time.Time) *vigie.Delivery {
	return &vigie.Delivery{
		RecipientID: to, TenderID: r.tender.ID, Kind: vigie.DeliverReminder, NoticeID: r.Key, Number: r.tender.Number, CreatedAt: now, DueAt: r.At.UTC(),
	}
}

// insertReminders gives reminders their numbers and stores them.
func insertReminders(ctx context.Context, tx bun.Tx, rows []*vigie.Delivery) error {
	if len(rows) == 0 {
		return nil
	}
	numbers, err := database.Take(ctx, tx, len(rows))
	if err != nil {
		return err
	}
	for _, d := range rows {
		d.ID = numbers.Next()
	}
	for some := range slices.Chunk(rows, vigie.MaxBatch) {
		if _, err := tx.NewInsert().Model(&some).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// remindedRecipient is a recipient of reminders; since is from when on it is owed them, nil for always.
type remindedRecipient struct {
	ID    int64
	since *time.Time
}

// reminded locks the recipients of accounts and returns those that are reminded, by account: the account's own address, if it
// may be mailed, and the webhooks that the account added.
func (l *Ledger) reminded(ctx context.Context, tx bun.Tx, due []dueReminder) (map[int64][]remindedRecipient, error) {
	accounts := make(map[int64]*vigie.Account)
	var ids []int64
	for _, r := range due {
		accounts[r.account.ID], ids = r.account, append(ids, r.account.ID)
	}
	ids = database.Distinct(ids)
	known, err := l.recipientsOf(ctx, tx, ids...)
	if err != nil {
		return nil, err
	}
	unreachable, err := unreachable(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	byAccount, own := make(map[int64][]remindedRecipient), make(map[int64]bool)
	for _, r := range known {
		a := accounts[r.AccountID]
		own[a.ID] = own[a.ID] || r.ownOf(a)
		if _, lost := slices.BinarySearch(unreachable, r.ID); lost || !r.remindable(a) {
			continue
		}
		to := remindedRecipient{ID: r.ID}
		if r.Channel == vigie.WebhookChannel {
			to.since = r.UnverifiedAt
		}
		byAccount[a.ID] = append(byAccount[a.ID], to)
	}
	for _, id := range ids { // an account without a watch that writes to it
		if a := accounts[id]; !own[id] && a.EmailVerified {
			r, err := l.addOwnAddress(ctx, tx, a)
			if err != nil {
				return nil, err
			}
			byAccount[id] = append(byAccount[id], remindedRecipient{ID: r.ID})
		}
	}
	return byAccount, nil
}

// ownOf reports whether the recipient is the account's own address.
func (r *recipient) ownOf(a *vigie.Account) bool {
	return r.Channel == vigie.MailChannel && r.AddressKey == vigie.AddressKey(a.Email)
}

// remindable reports whether the recipient is one of those that are reminded, as long as it can be reached: the account's own
// address, if its owner agrees or the issuer has verified it, or a webhook that was confirmed.
func (r *recipient) remindable(a *vigie.Account) bool {
	if r.Channel == vigie.WebhookChannel {
		return r.UnverifiedAt != nil
	}
	return r.ownOf(a) && (a.EmailVerified || r.ConfirmedAt != nil || r.UnverifiedAt != nil)
}

// unreachable returns the recipients of accounts that get no reminders, in the order of their ids: those that have left or
// bounced, webhooks that have ended or whose watch was deleted, and those of platforms.
func unreachable(ctx context.Context, tx bun.Tx, accounts []int64) (ids []int64, err error) {
	err = tx.NewSelect().TableExpr("recipients AS r").Join("LEFT JOIN addresses AS d ON d.address_key = r.address_key").
		Join("LEFT JOIN webhooks AS h ON h.id = r.webhook_id").Join("LEFT JOIN watches AS w ON w.id = h.watch_id").Column("r.id").
		Where("r.account_id IN (?)", bun.List(accounts)).
		Where("(r.left_at IS NOT NULL OR d.bounced_at IS NOT NULL OR h.ended_at IS NOT NULL OR h.removed_at IS NOT NULL "+
			"OR w.deleted_at IS NOT NULL OR h.id IS NOT NULL AND h.account_id IS NULL)").OrderExpr("r.id").Scan(ctx, &ids)
	return ids, err
}

// reminderFor names a reminder to a recipient.
type reminderFor struct{ recipient, tender, key int64 }

// knownReminders returns the reminders that are in the ledger, also of tenders that were merged into others.
func knownReminders(ctx context.Context, tx bun.Tx, byAccount map[int64][]remindedRecipient, due []dueReminder) (map[reminderFor]*vigie.Delivery, error) {
	var recipients, tenders []int64
	for _, list := range byAccount {
		for _, r := range list {
			recipients = append(recipients, r.ID)
		}
	}
	for _, r := range due {
		tenders = append(tenders, r.tender.ID)
	}
	var rows []*struct {
		vigie.Delivery `bun:"embed:"`
		SameTenderID   int64
	}
	tenders = database.Distinct(tenders)
	err := tx.NewSelect().TableExpr("deliveries AS d").Join("JOIN tenders AS t ON t.id = d.tender_id").
		ColumnExpr("d.*, COALESCE(t.merged_into, t.id) AS same_tender_id").Where("d.kind = ?", vigie.DeliverReminder).
		Where("d.recipient_id IN (?)", bun.List(recipients)).Where("(t.id IN (?0) OR t.merged_into IN (?0))", bun.List(tenders)).Scan(ctx, &rows)
	known := make(map[reminderFor]*vigie.Delivery, len(rows))
	for _, row := range rows {
		key := reminderFor{row.RecipientID, row.SameTenderID, row.NoticeID}
		if was := known[key]; was == nil || was.DroppedAt != nil {
			known[key] = &row.Delivery
		}
	}
	return known, err
}

// readReminders gives reminders the marks that they are for, and finds out which of them were sent already, about a tender
// that turned out to be the same.
func readReminders(ctx context.Context, db bun.IDB, pending []*PendingDelivery, states map[int64]*RecipientState) error {
	pending = slices.DeleteFunc(slices.Clone(pending), func(d *PendingDelivery) bool { return d.Kind != vigie.DeliverReminder })
	if len(pending) == 0 {
		return nil
	}
	var accounts, tenders, recipients []int64
	for _, d := range pending {
		accounts, tenders, recipients = append(accounts, states[d.RecipientID].Account.ID), append(tenders, d.Tender.ID), append(recipients, d.RecipientID)
	}
	tenders = database.Distinct(tenders)
	marks, err := readInterests(ctx, db, database.Distinct(accounts), func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("t.id IN (?)", bun.List(tenders)) })
	if err != nil {
		return err
	}
	var rows []struct{ ID, RecipientID, TenderID, NoticeID int64 }
	err = db.NewSelect().TableExpr("deliveries AS d").Join("JOIN tenders AS t ON t.id = d.tender_id").Join("JOIN mails AS m ON m.id = d.mail_id").
		ColumnExpr("d.id, d.recipient_id, COALESCE(t.merged_into, t.id) AS tender_id, d.notice_id").Where("d.kind = ?", vigie.DeliverReminder).
		Where("d.recipient_id IN (?)", bun.List(database.Distinct(recipients))).Where("(t.id IN (?0) OR t.merged_into IN (?0))", bun.List(tenders)).
		Where("d.dropped_at IS NULL").Where("m.state = ?", vigie.MailSent).Scan(ctx, &rows)
	said := make(map[reminderFor]int64, len(rows))
	for _, row := range rows {
		said[reminderFor{row.RecipientID, row.TenderID, row.NoticeID}] = row.ID
	}
	for _, d := range pending {
		if mark := marks[accountTender{states[d.RecipientID].Account.ID, d.Tender.ID}]; mark != nil {
			d.Interest = mark.vigie()
		}
		d.Repeats = said[reminderFor{d.RecipientID, d.Tender.ID, d.NoticeID}]
	}
	return err
}

// reminder returns which of its account's reminders a delivery is, by the present settings and deadline; nil if it is no longer
// one of them.
func (r *RecipientState) reminder(t *PendingDelivery) *vigie.Reminder {
	if t.Tender.Deadline == nil {
		return nil
	}
	list := r.Account.Reminders(*t.Tender.Deadline)
	if i := slices.IndexFunc(list, func(one vigie.Reminder) bool { return one.Key == t.NoticeID }); i >= 0 {
		return &list[i]
	}
	return nil
}

// mayRemind returns whether a reminder may be sent now: not if the mark was taken away, the tender cannot be answered any more,
// it has another deadline, the account wants other days, or a later reminder is due already, which makes up for it. No watch is
// needed for it, but a webhook is its watch's.
func (r *RecipientState) mayRemind(t *PendingDelivery, now time.Time) permission {
	own := r.Primary
	if r.Webhook != nil {
		_, on := r.Watches[r.Webhook.WatchID]
		off, follows := r.Off[r.Webhook.WatchID]
		own = !r.Webhook.Everywhere() && (on || follows && off.DeletedAt == nil)
	}
	one := r.reminder(t)
	if !own || one == nil || r.Left || r.Bounced || t.Repeats != 0 || t.Interest == nil || t.Tender.Status(now) != vigie.StatusOnline {
		return permission{never: true}
	}
	deadline := *t.Tender.Deadline
	if later := vigie.Nearest(t.Interest.Owed(r.Account.Reminders(deadline), deadline), now); later != nil && later.At.After(one.At) {
		return permission{never: true}
	}
	return r.reachable(t.heldSince(now)).at(now)
}
