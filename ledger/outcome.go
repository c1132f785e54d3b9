package ledger

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// MailPostponed records that a mail could not be sent because of a fault on our side, why, and when to try it again.
// Such attempts are counted up to counted, so that the pauses grow; a mail is never given up because of them.
func (l *Ledger) MailPostponed(ctx context.Context, m *vigie.Mail, counted int64, retryAt time.Time, why string) error {
	_, err := l.db.NewUpdate().Model((*vigie.Mail)(nil)).
		Set("attempts = CASE WHEN attempts < ? THEN attempts + 1 ELSE attempts END", counted).
		Set("retry_at = ?", retryAt.UTC().Truncate(time.Microsecond)).Set("error = ?", vigie.Printable(why)).Apply(endLease(m)).
		Where("id = ?", m.ID).Where("(state = ? OR replay_at IS NOT NULL)", vigie.MailOpen).Exec(ctx)
	return database.Translate(err)
}

// Composed is the outcome of composing a mail, just before sending.
type Composed struct {
	// Sent are the deliveries that the mail contains. Dropped and Held are those that it leaves out although they were
	// claimed for it; Held with the reason.
	Sent, Dropped []int64
	Held          map[int64]vigie.HoldReason
	// Watches are those that the mail names.
	Watches []int64
}

// What becomes of a mail is about one address: the one that it was composed for. Its recipient may have another by the
// time that this is recorded. Then the new address is owed what the old one did not get: see [Ledger.tried].

// errMoved is the error of a transaction that locked the recipient of a mail while another one took the mail over.
var errMoved = errors.New("the mail has another recipient now")

// ofMail runs a transaction about the outcome of a mail. If its recipient changes before that is locked, it runs again
// from the start: recipients are locked in the order of their ids, or two transactions could wait for each other.
func (l *Ledger) ofMail(ctx context.Context, work func(context.Context, bun.Tx) error) error {
	for {
		if err := l.db.Write(ctx, work); !errors.Is(err, errMoved) {
			return err
		}
	}
}

// lockMail locks the recipient of a mail and returns it; the mail stays its own until the end of the transaction, which
// is one of [Ledger.ofMail].
func (l *Ledger) lockMail(ctx context.Context, tx bun.Tx, mail int64) (*recipient, error) {
	r := new(recipient)
	of := tx.NewSelect().Model((*vigie.Mail)(nil)).Column("recipient_id").Where("id = ?", mail)
	if err := l.db.ForUpdate(tx.NewSelect().Model(r).Where("id = (?)", of)).Scan(ctx); err != nil {
		return nil, err
	}
	still, err := tx.NewSelect().Model((*vigie.Mail)(nil)).Where("id = ?", mail).Where("recipient_id = ?", r.ID).Exists(ctx)
	if err == nil && !still {
		err = errMoved
	}
	return r, err
}

// tried locks the recipient of a mail that was composed for an address, and returns it if it still has that address.
// Otherwise it returns nil: what happened at the old address says nothing of the new one, and the mail is tried again at
// once.
func (l *Ledger) tried(ctx context.Context, tx bun.Tx, m *vigie.Mail, address string) (*recipient, error) {
	r, err := l.lockMail(ctx, tx, m.ID)
	switch {
	case database.IsNoRows(err): // erased
		return nil, nil
	case err != nil || r.AddressKey == vigie.AddressKey(address):
		return r, err
	}
	return nil, l.tryAgain(ctx, tx, m)
}

// tryAgain makes a mail due now, and ends its lease; of one that was dropped since, it only ends the lease.
func (l *Ledger) tryAgain(ctx context.Context, tx bun.Tx, m *vigie.Mail) error {
	_, err := tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("retry_at = ?", l.db.Stamp()).Apply(endLease(m)).
		Where("id = ?", m.ID).Where("(state IN (?, ?) OR replay_at IS NOT NULL)", vigie.MailOpen, vigie.MailDropped).Exec(ctx)
	return err
}

// sentAnyway records that a mail was sent although it had been closed in the meantime: dropped, for another address had taken
// over its deliveries, which are sent now; or set aside by another sender.
func (l *Ledger) sentAnyway(ctx context.Context, tx bun.Tx, mail int64, sent []int64) error {
	result, err := tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("state = ?", vigie.MailSent).Set("leased_until = 0").
		Where("id = ?", mail).Where("state IN (?, ?)", vigie.MailDropped, vigie.MailAside).Exec(ctx)
	if err != nil {
		return err
	}
	if rows, err := result.RowsAffected(); err != nil || rows == 0 {
		return err
	}
	members := make([]database.Pair, len(sent))
	for i, id := range sent {
		members[i] = database.Pair{Was: id, Becomes: mail}
	}
	return claim(ctx, tx, members)
}

// MailDropped records that nothing was left to send in a mail to an address. If the mail has deliveries that are not
// among those left out, because its recipient has changed in between, it is tried again at once.
func (l *Ledger) MailDropped(ctx context.Context, m *vigie.Mail, address string, c Composed) error {
	if m.Again() {
		return l.endReplay(ctx, m, "")
	}
	return l.ofMail(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := l.tried(ctx, tx, m, address)
		if err != nil || r == nil {
			return err
		}
		if err := l.leaveOut(ctx, tx, r, address, c); err != nil {
			return err
		}
		left, err := tx.NewSelect().Model((*vigie.Delivery)(nil)).Where("mail_id = ?", m.ID).Where("dropped_at IS NULL").Exists(ctx)
		switch {
		case err != nil:
			return err
		case left:
			return l.tryAgain(ctx, tx, m)
		}
		if err := l.closeUnsent(ctx, tx, m, vigie.MailDropped, ""); err != nil {
			return err
		}
		return l.refill(ctx, tx, r)
	})
}

// MailFailed records that a mail to an address was given up, and why. A webhook that has accepted nothing for as long is
// suspended instead, and its message waits.
func (l *Ledger) MailFailed(ctx context.Context, m *vigie.Mail, address, why string) error {
	if m.Again() {
		return l.endReplay(ctx, m, why)
	}
	return l.ofMail(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := l.triedOf(ctx, tx, m, address)
		if err != nil || r == nil {
			return err
		}
		if suspended, err := l.suspend(ctx, tx, r, m, why); err != nil || suspended {
			return err
		}
		if err := l.closeUnsent(ctx, tx, m, vigie.MailFailed, why); err != nil {
			return err
		}
		return l.messageClosed(ctx, tx, r, why)
	})
}

// Refused records that no message can ever reach a recipient, and why: its address does not exist, or its endpoint wants no
// more. The recipient is as it was when the message was sent.
func (l *Ledger) Refused(ctx context.Context, m *vigie.Mail, to *RecipientState, why string) error {
	if m.Kind == vigie.WebhookMessage {
		return l.webhookGone(ctx, m, to, why)
	}
	return l.bounced(ctx, m, to.Email, true, why)
}

// leaveOut takes the deliveries that a mail to an address leaves out back from it. Its recipient, r, is locked. What may
// never be sent is decided about again, and dropped then: it may have become owed again while the mail was sent. If r has
// another address now, all are decided about again: what was decided was about the old address.
func (l *Ledger) leaveOut(ctx context.Context, tx bun.Tx, r *recipient, address string, c Composed) error {
	if len(c.Dropped)+len(c.Held) == 0 {
		return nil
	}
	now, again := l.db.Stamp(), c.Dropped
	at := now.Add(pauseBeforeDrop)
	if r.AddressKey != vigie.AddressKey(address) {
		again, c.Held, at = append(slices.Collect(maps.Keys(c.Held)), again...), nil, now
	}
	if err := unclaim(ctx, tx, again, at); err != nil {
		return err
	}
	for id, reason := range c.Held { // what holds the delivery may have ended since
		if err := hold(ctx, tx, []int64{id}, now, reason, now); err != nil {
			return err
		}
	}
	if len(c.Held) > 0 {
		at = now
	}
	return checkAt(ctx, tx, []int64{r.ID}, at)
}

// pauseBeforeDrop is when what a mail leaves out is decided about again.
const pauseBeforeDrop = time.Minute

// closeUnsent closes a mail that is not sent. So it is not sent again, either.
func (l *Ledger) closeUnsent(ctx context.Context, tx bun.Tx, m *vigie.Mail, state vigie.MailState, why string) error {
	_, err := tx.NewUpdate().Model((*vigie.Mail)(nil)).
		Set("state = ?", state).Set("closed_at = ?", l.db.Stamp()).Set("error = ?", vigie.Printable(why)).Set("replay_at = NULL").Apply(endLease(m)).
		Where("id = ?", m.ID).Where("state = ?", vigie.MailOpen).Exec(ctx)
	return err
}

// MailDelayed records that a mail to an address was not accepted for now, why, and when to try again.
func (l *Ledger) MailDelayed(ctx context.Context, m *vigie.Mail, address string, retryAt time.Time, why string) error {
	if m.Again() {
		return l.replayDelayed(ctx, m, retryAt, why)
	}
	return l.ofMail(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := l.tried(ctx, tx, m, address)
		if err != nil || r == nil {
			return err
		}
		_, err = tx.NewUpdate().Model((*vigie.Mail)(nil)).
			Set("attempts = attempts + 1").Set("retry_at = ?", retryAt.UTC().Truncate(time.Microsecond)).Set("error = ?", vigie.Printable(why)).Apply(endLease(m)).
			Where("id = ?", m.ID).Where("state = ?", vigie.MailOpen).Exec(ctx)
		if err != nil {
			return err
		}
		return l.webhookTried(ctx, tx, r, why)
	})
}

// dropOpen closes the mails of some kinds that are on their way to recipients, which are locked: they are no longer wanted,
// and no alert is to wait for them.
func dropOpen(ctx context.Context, tx bun.Tx, now time.Time, recipients []int64, kinds ...vigie.MailKind) error {
	_, err := tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("state = ?", vigie.MailDropped).Set("closed_at = ?", now).Set("leased_until = 0").
		Where("recipient_id IN (?)", bun.List(recipients)).Where("kind IN (?)", bun.List(kinds)).Where("state = ?", vigie.MailOpen).Exec(ctx)
	return err
}

// ReleaseMails ends the leases of mails that were not tried, unless others have claimed them since.
func (l *Ledger) ReleaseMails(ctx context.Context, mails []*vigie.Mail) error {
	if len(mails) == 0 {
		return nil
	}
	leases := make([]database.Pair, len(mails))
	for i, m := range mails {
		leases[i] = database.Pair{Was: m.ID, Becomes: m.LeasedUntil}
	}
	values := database.Pass(l.db, leases)
	_, err := l.db.NewRaw(`UPDATE mails SET leased_until = 0 FROM ? AS ours
		WHERE mails.id = ours.was AND mails.leased_until = ours.becomes`, values.Pairs(1)).Conn(values).Exec(ctx)
	return database.Translate(err)
}

// CloseAside closes a mail until it is tried again, so that other mails to its recipient can leave. One that was accepted before
// is not sent again.
func (l *Ledger) CloseAside(ctx context.Context, tx bun.Tx, mail int64) error {
	_, err := tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("state = ?", vigie.MailAside).Set("closed_at = ?", l.db.Stamp()).Set("leased_until = 0").Set("replay_at = NULL").
		Where("id = ?", mail).Where("state = ?", vigie.MailOpen).Exec(ctx)
	if err != nil {
		return err
	}
	return endReplays(ctx, tx, []int64{mail}, "")
}

// ReviveMail opens a mail in quarantine again, if it still exists, unless another mail to its recipient, or another message
// to a webhook about the tender, is open.
func (l *Ledger) ReviveMail(ctx context.Context, id int64) error {
	return l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		mail := &vigie.Mail{ID: id}
		err := tx.NewSelect().Model(mail).WherePK().Where("state = ?", vigie.MailAside).Scan(ctx)
		switch {
		case err == nil:
			if _, err := l.lockRecipients(ctx, tx, []int64{mail.RecipientID}); err != nil {
				return err
			}
			open, err := tx.NewSelect().Model((*vigie.Mail)(nil)).Where("recipient_id = ?", mail.RecipientID).Where("tender_id = ?", mail.TenderID).Where("state = ?", vigie.MailOpen).Exists(ctx)
			if err != nil || open {
				return err
			}
			_, err = tx.NewUpdate().Model(mail).Set("state = ?", vigie.MailOpen).Set("closed_at = NULL").Set("retry_at = ?", l.db.Stamp()).WherePK().Exec(ctx)
			if err != nil {
				return err
			}
		case !database.IsNoRows(err):
			return err
		}
		_, err = tx.NewDelete().Model((*database.Quarantined)(nil)).Where("consumer IN (?, ?)", database.MailsConsumer, database.WebhooksConsumer).Where("item = ?", id).Exec(ctx)
		return err
	})
}

// MailBounced records that a mail to an address bounced, and why. If forAddress is set, the address does not exist, and
// no account writes to it any more. So it is where the mail was erased in the meantime.
func (l *Ledger) MailBounced(ctx context.Context, mail int64, address string, forAddress bool, why string) error {
	return l.bounced(ctx, &vigie.Mail{ID: mail}, address, forAddress, why)
}

func (l *Ledger) bounced(ctx context.Context, m *vigie.Mail, address string, forAddress bool, why string) error {
	key, now := vigie.AddressKey(address), l.db.Stamp()
	return l.ofMail(ctx, func(ctx context.Context, tx bun.Tx) error {
		// All at once, because rows are locked in the order of their ids.
		var locked []*recipient
		of := tx.NewSelect().Model((*vigie.Mail)(nil)).Column("recipient_id").Where("id = ?", m.ID)
		err := l.db.ForUpdate(tx.NewSelect().Model(&locked).Where("id = (?) OR address_key = ?", of, key).Order("id")).Scan(ctx)
		if err != nil {
			return err
		}
		r, err := l.tried(ctx, tx, m, address)
		if err != nil {
			return err
		}
		if r != nil {
			_, err := tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("state = ?", vigie.MailFailed).Set("error = ?", vigie.Printable(why)).Set("leased_until = 0").
				Set("closed_at = COALESCE(closed_at, ?)", now).Where("id = ?", m.ID).Exec(ctx)
			if err != nil {
				return err
			}
		}
		if !forAddress {
			return nil
		}
		var everywhere []int64 // the recipients of all accounts
		for _, r := range locked {
			if r.AddressKey == key {
				everywhere = append(everywhere, r.ID)
			}
		}
		if len(everywhere) == 0 {
			return l.keepFingerprint(ctx, tx, key, &erasedAddress{BouncedAt: &now})
		}
		_, err = tx.NewRaw(`INSERT INTO addresses (address_key, asks, bounced_at) VALUES (?, 0, ?)
			ON CONFLICT (address_key) DO UPDATE SET bounced_at = EXCLUDED.bounced_at`, key, now).Exec(ctx)
		if err != nil {
			return err
		}
		return l.checkNow(ctx, tx, everywhere)
	})
}
