package ledger

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// A webhook is a recipient of an account, on one of its watches; a platform's is a recipient of every account whose watches
// matched since it exists. What it is owed, what is held and what was sent is recorded as it is for an address.

// AddWebhook stores a webhook of an account for one of its watches, or a platform's, and gives it its number. seal encrypts
// what is to be, under its public id. The account is locked.
func (l *Ledger) AddWebhook(ctx context.Context, tx bun.Tx, w *vigie.Webhook, seal func(id string) string) error {
	numbers, err := database.Take(ctx, tx, 3)
	if err != nil {
		return err
	}
	w.ID, w.CreatedAt, w.Kinds = numbers.Next(), l.db.Stamp(), database.NotNull(w.Kinds)
	w.Sealed = seal(l.ids.ID(vigie.KindWebhook, w.ID))
	if _, err := tx.NewInsert().Model(w).Exec(ctx); err != nil || w.Everywhere() {
		return err
	}
	r := l.webhookRecipient(w, w.AccountID, numbers.Next())
	if _, err := tx.NewInsert().Model(r).Exec(ctx); err != nil {
		return err
	}
	row := &subscription{ID: numbers.Next(), WatchID: w.WatchID, RecipientID: r.ID, LastMailedAt: &r.CreatedAt}
	_, err = tx.NewInsert().Model(row).Exec(ctx)
	return err
}

// webhookRecipient returns the recipient that a webhook is of an account.
func (l *Ledger) webhookRecipient(w *vigie.Webhook, account, id int64) *recipient {
	name := l.ids.ID(vigie.KindWebhook, w.ID)
	confirmed := w.ConfirmedAt
	if w.Everywhere() && confirmed == nil { // it was, at another URL
		confirmed = new(l.db.Stamp())
	}
	return &recipient{
		ID: id, AccountID: account, AddressKey: name, Email: name, CreatedAt: l.db.Stamp(), UnverifiedAt: confirmed,
		Channel: vigie.WebhookChannel, WebhookID: w.ID,
	}
}

// subscribePlatforms makes the webhooks of platforms recipients of watches, at most [vigie.MaxBatch], and of their accounts.
func (l *Ledger) subscribePlatforms(ctx context.Context, watches []int64) error {
	var webhooks []*vigie.Webhook
	// One that is to confirm another URL was confirmed before: what it is owed is held.
	err := l.db.NewSelect().Model(&webhooks).Where("account_id IS NULL").
		Where("(confirmed_at IS NOT NULL OR EXISTS (SELECT 1 FROM recipients AS r WHERE r.webhook_id = webhook.id))").
		Where("ended_at IS NULL").Where("removed_at IS NULL").Order("id").Scan(ctx)
	if err != nil || len(webhooks) == 0 {
		return database.Translate(err)
	}
	for _, w := range webhooks {
		var missing []missingSubscription
		if err := l.missing(l.db, w, watches).Scan(ctx, &missing); err != nil {
			return database.Translate(err)
		}
		if len(missing) == 0 {
			continue
		}
		if err := l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error { return l.subscribe(ctx, tx, w, watches, missing) }); err != nil {
			return err
		}
	}
	return nil
}

// missingSubscription is a watch that a platform's webhook is not subscribed to; RecipientID is the recipient that the
// webhook is of its account, 0 for none yet.
type missingSubscription struct{ WatchID, AccountID, RecipientID int64 }

// missing selects those of some watches that a webhook is not subscribed to, in the order of their accounts.
func (l *Ledger) missing(db bun.IDB, w *vigie.Webhook, watches []int64) *bun.SelectQuery {
	return db.NewSelect().TableExpr("watches AS w").Join("JOIN accounts AS a ON a.id = w.account_id").
		Join("LEFT JOIN recipients AS r ON r.account_id = w.account_id AND r.webhook_id = ?", w.ID).
		ColumnExpr("w.id AS watch_id, w.account_id, COALESCE(r.id, 0) AS recipient_id").
		Where("w.id IN (?)", bun.List(watches)).Where("w.deleted_at IS NULL").Where("a.issuer <> ''"). // not erased
		Where("NOT EXISTS (SELECT 1 FROM subscriptions AS s WHERE s.watch_id = w.id AND s.recipient_id = r.id)").OrderExpr("w.account_id, w.id")
}

// subscribe subscribes a platform's webhook to watches, by what is missing once their accounts are locked: so none of them is
// erased meanwhile.
func (l *Ledger) subscribe(ctx context.Context, tx bun.Tx, w *vigie.Webhook, watches []int64, missing []missingSubscription) error {
	var accounts, locked []int64
	for _, m := range missing {
		accounts = append(accounts, m.AccountID)
	}
	err := l.db.ForUpdate(tx.NewSelect().Model((*vigie.Account)(nil)).Column("id").Where("id IN (?)", bun.List(database.Distinct(accounts))).Order("id")).Scan(ctx, &locked)
	if err == nil {
		missing = nil
		err = l.missing(tx, w, watches).Where("w.account_id IN (?)", bun.List(locked)).Scan(ctx, &missing)
	}
	if err != nil || len(missing) == 0 {
		return err
	}
	numbers, err := database.Take(ctx, tx, 2*len(missing))
	if err != nil {
		return err
	}
	byAccount := make(map[int64]int64)
	var recipients []*recipient
	rows := make([]*subscription, len(missing))
	for i, m := range missing {
		if m.RecipientID == 0 && byAccount[m.AccountID] == 0 {
			r := l.webhookRecipient(w, m.AccountID, numbers.Next())
			recipients, byAccount[m.AccountID] = append(recipients, r), r.ID
		}
		rows[i] = &subscription{ID: numbers.Next(), WatchID: m.WatchID, RecipientID: max(m.RecipientID, byAccount[m.AccountID]), LastMailedAt: new(l.db.Stamp())}
	}
	if len(recipients) > 0 {
		if _, err := tx.NewInsert().Model(&recipients).Exec(ctx); err != nil {
			return err
		}
	}
	_, err = tx.NewInsert().Model(&rows).Exec(ctx)
	return err
}

// WebhookFilter narrows a list of webhooks. Those that were removed are in none, but by their ids.
type WebhookFilter struct {
	// Account is the owner's id; 0 asks for those of platforms.
	Account int64
	// Watches are those that the webhooks are of; nil for all.
	Watches []int64
}

// Webhooks returns webhooks in the order in which they were added.
func (l *Ledger) Webhooks(ctx context.Context, f WebhookFilter) (list []*vigie.Webhook, err error) {
	q := l.db.NewSelect().Model(&list).Where("removed_at IS NULL").Order("id")
	if f.Account == 0 {
		q = q.Where("account_id IS NULL")
	} else {
		q = q.Where("account_id = ?", f.Account)
	}
	if f.Watches != nil {
		q = q.Where("watch_id IN (?)", bun.List(f.Watches))
	}
	return list, database.Translate(q.Scan(ctx))
}

// WebhooksByID returns webhooks of an account, removed ones included.
func (l *Ledger) WebhooksByID(ctx context.Context, account *vigie.Account, ids []int64) (map[int64]*vigie.Webhook, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var list []*vigie.Webhook
	err := l.db.NewSelect().Model(&list).Where("id IN (?)", bun.List(ids)).Where("account_id = ?", account.ID).Scan(ctx)
	byID := make(map[int64]*vigie.Webhook, len(list))
	for _, w := range list {
		byID[w.ID] = w
	}
	return byID, database.Translate(err)
}

// Webhook returns a webhook of an account, or, for account 0, of a platform.
func (l *Ledger) Webhook(ctx context.Context, account, id int64) (*vigie.Webhook, error) {
	w := &vigie.Webhook{ID: id}
	err := l.db.NewSelect().Model(w).WherePK().Where("COALESCE(account_id, 0) = ?", account).Where("removed_at IS NULL").Scan(ctx)
	return w, database.Translate(err)
}

// ChangeWebhook changes a webhook of an account, or, for account 0, of a platform, and decides again about what it is owed.
// Where there is none, or it has ended, the error has the code [vigie.NotFound].
func (l *Ledger) ChangeWebhook(ctx context.Context, account, id int64, change func(w *vigie.Webhook)) (*vigie.Webhook, error) {
	var w *vigie.Webhook
	err := l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		recipients, err := l.lockRecipientsOf(ctx, tx, id) // before the webhook, as everywhere
		if err != nil {
			return err
		}
		w = &vigie.Webhook{ID: id}
		err = l.db.ForUpdate(tx.NewSelect().Model(w).WherePK().Where("COALESCE(account_id, 0) = ?", account).Where("removed_at IS NULL")).Scan(ctx)
		if err != nil {
			return err
		}
		change(w)
		w.Kinds = database.NotNull(w.Kinds)
		if _, err := tx.NewUpdate().Model(w).WherePK().Exec(ctx); err != nil {
			return err
		}
		for some := range slices.Chunk(recipients, vigie.MaxBatch) {
			if err := l.webhookChanged(ctx, tx, w, some); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// lockRecipientsOf locks the recipients of a webhook, of which a platform's has many, and returns them.
func (l *Ledger) lockRecipientsOf(ctx context.Context, tx bun.Tx, webhook int64) (locked []int64, err error) {
	err = l.db.ForUpdate(tx.NewSelect().Model((*recipient)(nil)).Column("id").Where("webhook_id = ?", webhook).Order("id")).Scan(ctx, &locked)
	return locked, err
}

// webhookChanged decides again about what recipients of a webhook, which are locked, are owed. From its confirmation on, they
// are owed what their watches match.
func (l *Ledger) webhookChanged(ctx context.Context, tx bun.Tx, w *vigie.Webhook, recipients []int64) error {
	if w.ConfirmedAt != nil {
		_, err := tx.NewUpdate().Model((*recipient)(nil)).Set("unvouched_at = ?", w.ConfirmedAt).
			Where("id IN (?)", bun.List(recipients)).Where("unvouched_at IS NULL").Exec(ctx)
		if err != nil {
			return err
		}
	}
	if w.RemovedAt != nil {
		_, err := tx.NewUpdate().Model((*subscription)(nil)).Set("removed_at = ?", w.RemovedAt).
			Where("recipient_id IN (?)", bun.List(recipients)).Where("removed_at IS NULL").Exec(ctx)
		if err != nil {
			return err
		}
	}
	return l.checkNow(ctx, tx, recipients)
}

// ConfirmWebhook records that an endpoint, of that public id, agreed to get messages.
func (l *Ledger) ConfirmWebhook(ctx context.Context, number int64, id string) error {
	if l.ids.ID(vigie.KindWebhook, number) != id {
		return &vigie.Error{Code: vigie.NotFound}
	}
	var account int64
	err := l.db.NewSelect().Model((*vigie.Webhook)(nil)).ColumnExpr("COALESCE(account_id, 0)").Where("id = ?", number).Scan(ctx, &account)
	if err != nil {
		return database.Translate(err)
	}
	_, err = l.ChangeWebhook(ctx, account, number, func(w *vigie.Webhook) {
		if w.ConfirmedAt == nil {
			w.ConfirmedAt = new(l.db.Stamp())
		}
	})
	return err
}

// WebhookAnswered records that an endpoint agreed to get messages: the one that the webhook had when it was asked. Where it has
// another one by now, nothing changes.
func (l *Ledger) WebhookAnswered(ctx context.Context, asked *vigie.Webhook) error {
	_, err := l.ChangeWebhook(ctx, asked.AccountID, asked.ID, func(w *vigie.Webhook) {
		if w.ConfirmedAt == nil && w.Sealed == asked.Sealed {
			w.ConfirmedAt = new(l.db.Stamp())
		}
	})
	return err
}

// WebhookAddressee returns whom the link is about that confirms a webhook: its public id stands for the address.
func (l *Ledger) WebhookAddressee(ctx context.Context, number int64) (Addressee, error) {
	var row struct {
		ConfirmedAt *time.Time
		Locale      vigie.Locale
	}
	err := l.db.NewSelect().TableExpr("webhooks AS w").Join("LEFT JOIN accounts AS a ON a.id = w.account_id").
		ColumnExpr("w.confirmed_at, COALESCE(a.locale, ?) AS locale", vigie.French).
		Where("w.id = ?", number).Where("w.removed_at IS NULL").Scan(ctx, &row)
	return Addressee{Email: l.ids.ID(vigie.KindWebhook, number), Locale: row.Locale, Confirmed: row.ConfirmedAt != nil}, database.Translate(err)
}

// RestartWebhook makes all that is on its way to a webhook due now, and counts its attempts from the start.
func (l *Ledger) RestartWebhook(ctx context.Context, id int64) error {
	_, err := l.db.NewUpdate().Model((*vigie.Mail)(nil)).Set("attempts = 0").Set("retry_at = ?", l.db.Stamp()).
		Where("recipient_id IN (SELECT id FROM recipients WHERE webhook_id = ?)", id).Where("(state = ? OR replay_at IS NOT NULL)", vigie.MailOpen).Exec(ctx)
	return database.Translate(err)
}

// BeginTry reports whether a webhook may be tried, since the last attempt was that long ago; if so, this one is the last.
func (l *Ledger) BeginTry(ctx context.Context, id int64, pause time.Duration) (may bool, err error) {
	now := l.db.Stamp()
	result, err := l.db.NewUpdate().Model((*vigie.Webhook)(nil)).Set("tried_at = ?", now).
		Where("id = ?", id).Where("(tried_at IS NULL OR tried_at <= ?)", now.Add(-pause)).Exec(ctx)
	if err != nil {
		return false, database.Translate(err)
	}
	rows, err := result.RowsAffected()
	return rows > 0, err
}

// longestWish is how long an endpoint can ask to be left alone: webhook.MaxRetryAfter.
const longestWish = 24 * time.Hour

// LeaveAlone has nothing sent to an endpoint before a time, as it asks: the one that the webhook had when it was tried.
func (l *Ledger) LeaveAlone(ctx context.Context, tried *vigie.Webhook, until time.Time) error {
	until = until.UTC().Truncate(time.Microsecond)
	_, err := l.db.NewUpdate().Model((*vigie.Webhook)(nil)).Set("not_before = ?", until).Where("id = ?", tried.ID).Where("sealed = ?", tried.Sealed).
		Where("(not_before IS NULL OR not_before < ?)", until).Exec(ctx)
	return database.Translate(err)
}

// CountURLChange counts that a webhook gets another URL, and reports whether it may: the webhooks of its owner may together get
// so many in a day.
func (l *Ledger) CountURLChange(ctx context.Context, w *vigie.Webhook, most int) (may bool, err error) {
	now := l.db.Stamp()
	result, err := l.db.NewRaw(`UPDATE webhooks SET url_changes = CASE WHEN url_changes_since > ?0 THEN url_changes + 1 ELSE 1 END,
			url_changes_since = CASE WHEN url_changes_since > ?0 THEN url_changes_since ELSE ?1 END
		WHERE id = ?2 AND (SELECT COALESCE(SUM(o.url_changes), 0) FROM webhooks AS o WHERE COALESCE(o.account_id, 0) = ?3 AND o.url_changes_since > ?0) < ?4`,
		now.Add(-24*time.Hour), now, w.ID, w.AccountID, most).Exec(ctx)
	if err != nil {
		return false, database.Translate(err)
	}
	rows, err := result.RowsAffected()
	return rows > 0, err
}

// EraseLeft deletes the webhooks of accounts that a version without webhooks has erased.
func (l *Ledger) EraseLeft(ctx context.Context) error {
	_, err := l.db.NewDelete().Model((*vigie.Webhook)(nil)).Where("account_id IN (SELECT id FROM accounts WHERE issuer = '')").
		Where("NOT EXISTS (SELECT 1 FROM recipients AS r WHERE r.webhook_id = webhook.id)").Exec(ctx)
	return database.Translate(err)
}

// WebhookTried records that an attempt that was no delivery, a challenge or a test, succeeded or why not.
func (l *Ledger) WebhookTried(ctx context.Context, id int64, why string) error {
	return database.Translate(l.noteTry(ctx, l.db, []int64{id}, why))
}

// noteTry records an attempt at each of some webhooks: why it failed, or "". Of many that succeed one after the other, one in
// each minute.
func (l *Ledger) noteTry(ctx context.Context, db bun.IDB, ids []int64, why string) error {
	now := l.db.Stamp()
	q := db.NewUpdate().Model((*vigie.Webhook)(nil)).Set("tried_at = ?", now).Set("error = ?", vigie.Printable(why)).Where("id IN (?)", bun.List(ids))
	if why == "" {
		q = q.Set("accepted_at = ?", now).Where("(accepted_at IS NULL OR accepted_at < ? OR error <> '')", now.Add(-time.Minute))
	}
	_, err := q.Exec(ctx)
	return err
}

// webhookTried records an attempt to reach a recipient, if that is a webhook.
func (l *Ledger) webhookTried(ctx context.Context, tx bun.Tx, r *recipient, why string) error {
	if r.WebhookID == 0 {
		return nil
	}
	return l.noteTry(ctx, tx, []int64{r.WebhookID}, why)
}

// messageClosed records that a message to a recipient was accepted, or why it was given up, if that is a webhook.
func (l *Ledger) messageClosed(ctx context.Context, tx bun.Tx, r *recipient, why string) error {
	return l.messagesClosed(ctx, tx, []*recipient{r}, why)
}

// messagesClosed is [Ledger.messageClosed] for messages to several recipients.
func (l *Ledger) messagesClosed(ctx context.Context, tx bun.Tx, to []*recipient, why string) error {
	var webhooks []int64
	for _, r := range to {
		if r.WebhookID != 0 {
			webhooks = append(webhooks, r.WebhookID)
		}
	}
	if len(webhooks) == 0 {
		return nil
	}
	if err := l.noteTry(ctx, tx, database.Distinct(webhooks), why); err != nil {
		return err
	}
	return l.refill(ctx, tx, to...)
}

// refill has some of the deliveries to those of recipients that are webhooks decided about again: those that wait for a message
// to be on its way no longer.
func (l *Ledger) refill(ctx context.Context, tx bun.Tx, to ...*recipient) error {
	var ids, waited []int64
	for _, r := range to {
		if r.WebhookID != 0 {
			ids = append(ids, r.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	now := l.db.Stamp()
	waiting := func() *bun.SelectQuery {
		return tx.NewSelect().Model((*vigie.Delivery)(nil)).Where(unclaimed).Where("due_at <= ?", now.Add(messagePause))
	}
	err := waiting().ColumnExpr("DISTINCT recipient_id").Where("recipient_id IN (?)", bun.List(ids)).Order("recipient_id").Scan(ctx, &waited)
	if err != nil || len(waited) == 0 {
		return err
	}
	for _, r := range waited {
		first := waiting().Column("id").Where("recipient_id = ?", r).Order("id").Limit(4 * maxMessages)
		if _, err := tx.NewUpdate().Model((*vigie.Delivery)(nil)).Set("due_at = ?", now).Where("id IN (?)", first).Exec(ctx); err != nil {
			return err
		}
	}
	return checkAt(ctx, tx, waited, now)
}

// triedOf is [Ledger.tried] for an attempt after which the owner of a webhook may be told: it locks the other recipients of
// the account, too.
func (l *Ledger) triedOf(ctx context.Context, tx bun.Tx, m *vigie.Mail, address string) (*recipient, error) {
	if m.Kind == vigie.WebhookMessage {
		var account []int64
		err := tx.NewSelect().Model((*recipient)(nil)).Column("account_id").Where("id = ?", m.RecipientID).Scan(ctx, &account)
		if err == nil {
			_, err = l.recipientsOf(ctx, tx, account...)
		}
		if err != nil {
			return nil, err
		}
	}
	return l.tried(ctx, tx, m, address)
}

// acceptsOthers is how long after a message was written its webhook must have accepted another one, so that the message is at
// fault. An endpoint that fails accepts some of what was written shortly before.
const acceptsOthers = 30 * time.Minute

// suspend suspends the webhook of a message that was tried for as long as it may be, unless the webhook has accepted
// another one well after that was written. The message is sent once the webhook is switched on again. So is one whose webhook
// another message has suspended in the meantime.
func (l *Ledger) suspend(ctx context.Context, tx bun.Tx, r *recipient, m *vigie.Mail, why string) (suspended bool, err error) {
	if r.WebhookID == 0 {
		return false, nil
	}
	w := &vigie.Webhook{ID: r.WebhookID}
	if err := l.db.ForUpdate(tx.NewSelect().Model(w).WherePK()).Scan(ctx); err != nil {
		return false, err
	}
	already := w.SuspendedAt != nil
	accepts := w.AcceptedAt != nil && !w.AcceptedAt.Before(m.CreatedAt.Add(acceptsOthers))
	if w.EndedAt != nil || accepts && !already {
		return false, nil
	}
	if err := l.noteTry(ctx, tx, []int64{w.ID}, why); err != nil {
		return false, err
	}
	_, err = tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("error = ?", vigie.Printable(why)).Apply(endLease(m)).Where("id = ?", m.ID).Where("state = ?", vigie.MailOpen).Exec(ctx)
	if err != nil || already {
		return true, err
	}
	if _, err := tx.NewUpdate().Model(w).Set("suspended_at = ?", l.db.Stamp()).Set("note_id = 0").WherePK().Exec(ctx); err != nil {
		return false, err
	}
	return true, l.tellOwner(ctx, tx, w)
}

// webhookGone records that an endpoint wants no more messages. If its webhook has another URL by now, that says nothing, and
// the message is tried again at once.
func (l *Ledger) webhookGone(ctx context.Context, m *vigie.Mail, to *RecipientState, why string) error {
	return l.ofMail(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := l.triedOf(ctx, tx, m, to.Email)
		if err != nil || r == nil {
			return err
		}
		same, err := tx.NewSelect().Model((*vigie.Webhook)(nil)).Where("id = ?", to.Webhook.ID).Where("sealed = ?", to.Webhook.Sealed).Exists(ctx)
		switch {
		case err != nil:
			return err
		case !same:
			return l.tryAgain(ctx, tx, m)
		}
		if err := l.closeUnsent(ctx, tx, m, vigie.MailFailed, why); err != nil {
			return err
		}
		if err := l.webhookTried(ctx, tx, r, why); err != nil {
			return err
		}
		var stopped []*vigie.Webhook
		err = tx.NewUpdate().Model((*vigie.Webhook)(nil)).Set("ended_at = ?", l.db.Stamp()).Set("note_id = 0").
			Where("id = ?", r.WebhookID).Where("ended_at IS NULL").Where("removed_at IS NULL").Returning("*").Scan(ctx, &stopped)
		if err != nil {
			return err
		}
		if len(stopped) > 0 {
			if err := l.tellOwner(ctx, tx, stopped[0]); err != nil {
				return err
			}
		}
		return l.checkNow(ctx, tx, []int64{r.ID})
	})
}

// tellOwner has the owner of a webhook to which nothing is sent any more told, at the account's own address: also where no
// watch writes to it, as long as the issuer verifies it. The account's recipients are locked.
func (l *Ledger) tellOwner(ctx context.Context, tx bun.Tx, w *vigie.Webhook) error {
	if w.Everywhere() {
		return nil
	}
	account := &vigie.Account{ID: w.AccountID}
	if err := tx.NewSelect().Model(account).WherePK().Scan(ctx); err != nil {
		return err
	}
	known, err := l.recipientsOf(ctx, tx, account.ID)
	if err != nil {
		return err
	}
	if own := newAddressBook(known).byKey[vigie.AddressKey(account.Email)]; own != nil {
		return checkAt(ctx, tx, []int64{own.ID}, l.db.Stamp())
	}
	if !account.EmailVerified {
		return nil
	}
	_, err = l.addOwnAddress(ctx, tx, account)
	return err
}

// addOwnAddress makes an account's own address, which its issuer has verified, a recipient: it is on no watch yet.
func (l *Ledger) addOwnAddress(ctx context.Context, tx bun.Tx, account *vigie.Account) (*recipient, error) {
	numbers, err := database.Take(ctx, tx, 1)
	if err != nil {
		return nil, err
	}
	own := &recipient{
		ID: numbers.Next(), AccountID: account.ID, AddressKey: vigie.AddressKey(account.Email), Email: account.Email,
		CreatedAt: l.db.Stamp(), NextCheckAt: new(l.db.Stamp()), Channel: vigie.MailChannel,
	}
	if err := l.applyFingerprints(ctx, tx, newAddress{own, true}); err != nil {
		return nil, err
	}
	_, err = tx.NewInsert().Model(own).Exec(ctx)
	return own, err
}

// TakeBackHeld decides again about what versions without webhooks held: to them, a webhook is an address without consent.
func (l *Ledger) TakeBackHeld(ctx context.Context) error {
	var recipients []int64
	err := l.db.NewSelect().TableExpr("delivery_holds AS h").Join("JOIN deliveries AS d ON d.id = h.delivery_id").Join("JOIN recipients AS r ON r.id = d.recipient_id").
		ColumnExpr("DISTINCT r.id").Where("h.reason = ?", vigie.HoldUnconfirmed).Where("r.channel = ?", vigie.WebhookChannel).OrderExpr("r.id").Scan(ctx, &recipients)
	if err != nil {
		return database.Translate(err)
	}
	for some := range slices.Chunk(recipients, vigie.MaxBatch) {
		err := l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
			locked, err := l.lockRecipients(ctx, tx, some)
			if err != nil {
				return err
			}
			return l.checkNow(ctx, tx, locked)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readWebhooks gives recipients that are webhooks their endpoints.
func readWebhooks(ctx context.Context, db bun.IDB, ids []int64, states map[int64]*RecipientState) error {
	var rows []struct {
		vigie.Webhook
		RecipientID int64
	}
	values := database.Pass(db, ids)
	err := db.NewSelect().Conn(values).Model((*vigie.Webhook)(nil)).ColumnExpr("?TableColumns, r.id AS recipient_id").
		Join("JOIN recipients AS r ON r.webhook_id = webhook.id").Where("r.id ?", values.Among(1)).Scan(ctx, &rows)
	for _, row := range rows {
		r := states[row.RecipientID]
		r.Webhook, r.Busy, r.Replaying = &row.Webhook, make(map[int64]bool), make(map[int64]bool)
	}
	return err
}

// readBusy finds out about which tenders messages to webhooks are on their way.
func readBusy(ctx context.Context, db bun.IDB, states []*RecipientState) error {
	ids := make([]int64, len(states))
	for i, r := range states {
		ids[i] = r.ID
	}
	var rows []struct {
		RecipientID, TenderID int64
		State                 vigie.MailState
	}
	messages := func() *bun.SelectQuery {
		return db.NewSelect().TableExpr("mails AS m").Join("JOIN tenders AS t ON t.id = m.tender_id").
			ColumnExpr("m.recipient_id, COALESCE(t.merged_into, t.id) AS tender_id, m.state").Where("m.recipient_id IN (?)", bun.List(ids))
	}
	err := messages().Where("m.state = ?", vigie.MailOpen).UnionAll(messages().Where("m.replay_at IS NOT NULL").Where("m.state = ?", vigie.MailSent)).Scan(ctx, &rows)
	byID := make(map[int64]*RecipientState, len(states))
	for _, r := range states {
		byID[r.ID] = r
	}
	for _, row := range rows {
		if row.State == vigie.MailOpen {
			byID[row.RecipientID].Busy[row.TenderID] = true
		} else {
			byID[row.RecipientID].Replaying[row.TenderID] = true
		}
	}
	return err
}

// StoppedWebhook is a webhook to which nothing is sent any more.
type StoppedWebhook struct {
	vigie.Webhook
	WatchName string
}

// readStopped finds the webhooks that the owners of accounts' own addresses are to be told of, or are being told of.
func readStopped(ctx context.Context, db bun.IDB, states []*RecipientState) error {
	byAccount := make(map[int64]*RecipientState)
	var accounts []int64
	for _, r := range states {
		if r.Primary {
			accounts, byAccount[r.Account.ID] = append(accounts, r.Account.ID), r
		}
	}
	if len(accounts) == 0 {
		return nil
	}
	var rows []*StoppedWebhook
	values := database.Pass(db, accounts)
	err := db.NewSelect().Conn(values).Model((*vigie.Webhook)(nil)).ColumnExpr("?TableColumns, w.name AS watch_name").Join("JOIN watches AS w ON w.id = webhook.watch_id").
		Where("webhook.account_id ?", values.Among(1)).Where("(webhook.suspended_at IS NOT NULL OR webhook.ended_at IS NOT NULL)").
		Where("webhook.removed_at IS NULL").OrderExpr("webhook.id").Scan(ctx, &rows)
	for _, w := range rows {
		r := byAccount[w.AccountID]
		r.Stopped = append(r.Stopped, w)
	}
	return err
}

// noteStopped records which mail tells of webhooks, unless another one did.
func noteStopped(ctx context.Context, tx bun.Tx, m *vigie.Mail, stopped []*StoppedWebhook) error {
	var ids []int64
	for _, w := range stopped {
		ids = append(ids, w.ID)
	}
	_, err := tx.NewUpdate().Model((*vigie.Webhook)(nil)).Set("note_id = ?", m.ID).Where("id IN (?)", bun.List(ids)).Where("note_id = 0").Exec(ctx)
	return err
}
