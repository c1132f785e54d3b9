package ledger

import (
	"context"
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
		Set("retry_at = ?", retryAt.UTC().Truncate(time.Microsecond)).Set("error = ?", why).Set("leased_until = 0").
		Where("id = ?", m.ID).Where("state = ?", vigie.MailOpen).Exec(ctx)
	return database.Translate(err)
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
func (l *Ledger) MailSent(ctx context.Context, m *vigie.Mail, c Composed) error {
	return l.closeMail(ctx, m, vigie.MailSent, "", c)
}

// MailDropped records that nothing was left to send in a mail.
func (l *Ledger) MailDropped(ctx context.Context, m *vigie.Mail, c Composed) error {
	return l.closeMail(ctx, m, vigie.MailDropped, "", c)
}

// MailFailed records that a mail was given up, and why.
func (l *Ledger) MailFailed(ctx context.Context, m *vigie.Mail, why string) error {
	return l.closeMail(ctx, m, vigie.MailFailed, why, Composed{})
}

func (l *Ledger) closeMail(ctx context.Context, m *vigie.Mail, state vigie.MailState, why string, c Composed) error {
	now := l.db.Stamp()
	return l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if len(c.Held) > 0 {
			if _, err := l.lockRecipients(ctx, tx, []int64{m.RecipientID}); err != nil {
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
func (l *Ledger) MailDelayed(ctx context.Context, m *vigie.Mail, retryAt time.Time, why string) error {
	_, err := l.db.NewUpdate().Model((*vigie.Mail)(nil)).
		Set("attempts = attempts + 1").Set("retry_at = ?", retryAt.UTC().Truncate(time.Microsecond)).Set("error = ?", why).Set("leased_until = 0").
		Where("id = ?", m.ID).Where("state = ?", vigie.MailOpen).Exec(ctx)
	return database.Translate(err)
}

// ReleaseMails ends the leases of mails that were not tried.
func (l *Ledger) ReleaseMails(ctx context.Context, mails []*vigie.Mail) error {
	if len(mails) == 0 {
		return nil
	}
	ids := make([]int64, len(mails))
	for i, m := range mails {
		ids[i] = m.ID
	}
	_, err := l.db.NewUpdate().Model((*vigie.Mail)(nil)).Set("leased_until = 0").
		Where("id IN (?)", bun.List(ids)).Where("state = ?", vigie.MailOpen).Exec(ctx)
	return database.Translate(err)
}

// CloseAside closes a mail until it is tried again, so that other mails to its recipient can leave.
func (l *Ledger) CloseAside(ctx context.Context, tx bun.Tx, mail int64) error {
	_, err := tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("state = ?", vigie.MailAside).Set("closed_at = ?", l.db.Stamp()).Set("leased_until = 0").
		Where("id = ?", mail).Where("state = ?", vigie.MailOpen).Exec(ctx)
	return err
}

// ReviveMail opens a mail in quarantine again, if it still exists, unless another mail to its recipient is open.
func (l *Ledger) ReviveMail(ctx context.Context, id int64) error {
	return l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		mail := &vigie.Mail{ID: id}
		err := tx.NewSelect().Model(mail).WherePK().Where("state = ?", vigie.MailAside).Scan(ctx)
		switch {
		case err == nil:
			if _, err := l.lockRecipients(ctx, tx, []int64{mail.RecipientID}); err != nil {
				return err
			}
			open, err := tx.NewSelect().Model((*vigie.Mail)(nil)).Where("recipient_id = ?", mail.RecipientID).Where("state = ?", vigie.MailOpen).Exists(ctx)
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
		_, err = tx.NewDelete().Model((*database.Quarantined)(nil)).Where("consumer = ?", database.MailsConsumer).Where("item = ?", id).Exec(ctx)
		return err
	})
}

// MailBounced records that a mail bounced, and why. If forAddress is set, the address does not exist, and no account
// writes to it any more.
func (l *Ledger) MailBounced(ctx context.Context, mail int64, forAddress bool, why string) error {
	address, err := l.MailAddress(ctx, mail)
	if err != nil {
		return err
	}
	now := l.db.Stamp()
	return l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		var everywhere []int64 // the recipients of all accounts
		if forAddress {
			err := l.db.ForUpdate(tx.NewSelect().Model((*recipient)(nil)).Column("id").
				Where("address_key = ?", AddressKey(address)).Order("id")).Scan(ctx, &everywhere)
			if err != nil {
				return err
			}
		}
		_, err := tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("state = ?", vigie.MailFailed).Set("error = ?", why).Set("leased_until = 0").
			Set("closed_at = COALESCE(closed_at, ?)", now).Where("id = ?", mail).Exec(ctx)
		if err != nil || !forAddress {
			return err
		}
		_, err = tx.NewRaw(`INSERT INTO addresses (address_key, asks, bounced_at) VALUES (?, 0, ?)
			ON CONFLICT (address_key) DO UPDATE SET bounced_at = EXCLUDED.bounced_at`, AddressKey(address), now).Exec(ctx)
		if err != nil {
			return err
		}
		return l.checkNow(ctx, tx, everywhere)
	})
}
