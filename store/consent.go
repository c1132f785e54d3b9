package store

import (
	"context"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// Addressee is the person that a link in a mail is about, with all that the links can change.
type Addressee struct {
	RecipientID int64
	Email       string
	// WatchName is the watch that the link is about, "" for all watches.
	WatchName string
	// Locale is the account's.
	Locale    vigie.Locale
	Confirmed bool
	// Left reports whether the recipient left all watches, LeftWatch whether it left the watch of the link.
	Left, LeftWatch bool
}

// Addressee returns the addressee of a recipient's link.
func (s *Store) Addressee(ctx context.Context, recipient int64) (Addressee, error) {
	return s.addressee(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.ColumnExpr("'' AS watch_name, FALSE AS left_watch").Where("r.id = ?", recipient)
	})
}

// Subscriber returns the addressee of a subscription's link.
func (s *Store) Subscriber(ctx context.Context, subscription int64) (Addressee, error) {
	return s.addressee(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Join("JOIN subscriptions AS s ON s.recipient_id = r.id").Join("JOIN watches AS w ON w.id = s.watch_id").
			ColumnExpr("w.name AS watch_name, s.left_at IS NOT NULL AS left_watch").Where("s.id = ?", subscription)
	})
}

func (s *Store) addressee(ctx context.Context, which func(*bun.SelectQuery) *bun.SelectQuery) (Addressee, error) {
	var a Addressee
	err := which(s.db.NewSelect().TableExpr("recipients AS r").Join("JOIN accounts AS a ON a.id = r.account_id").
		ColumnExpr("r.id AS recipient_id, r.email, a.locale, r.left_at IS NOT NULL AS left").
		ColumnExpr(confirmed+" AS confirmed")).Scan(ctx, &a)
	return a, database.Translate(err)
}

// MailAddress returns the address that a mail goes to.
func (s *Store) MailAddress(ctx context.Context, mail int64) (string, error) {
	var email string
	err := s.db.NewSelect().Model((*vigie.Mail)(nil)).ColumnExpr("r.email").
		Join("JOIN recipients AS r ON r.id = mail.recipient_id").Where("mail.id = ?", mail).Scan(ctx, &email)
	return email, database.Translate(err)
}

// Confirm records that the owner of an address consented to mail. If the recipient had left, this undoes it.
func (s *Store) Confirm(ctx context.Context, recipient int64) error {
	return s.resumeMail(ctx, recipient, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw(`UPDATE recipients SET confirmed_by = CASE WHEN confirmed_at IS NULL THEN ? ELSE confirmed_by END,
			confirmed_at = COALESCE(confirmed_at, ?), asking = FALSE WHERE id = ?`, vigie.ByLink, s.db.Stamp(), recipient).Exec(ctx)
		return err
	})
}

// Rejoin undoes that a recipient left, at the recipient's own request.
func (s *Store) Rejoin(ctx context.Context, recipient int64) error {
	return s.resumeMail(ctx, recipient, func(context.Context, bun.Tx) error { return nil })
}

// RejoinWatch undoes that a recipient left a watch, at the recipient's own request.
func (s *Store) RejoinWatch(ctx context.Context, subscriptionID int64) error {
	a, err := s.Subscriber(ctx, subscriptionID)
	if err != nil {
		return err
	}
	return s.resumeMail(ctx, a.RecipientID, func(ctx context.Context, tx bun.Tx) error { return rejoinWatch(ctx, tx, subscriptionID) })
}

// rejoinWatch undoes that a recipient left a watch.
func rejoinWatch(ctx context.Context, tx bun.Tx, subscriptionID int64) error {
	_, err := tx.NewUpdate().Model((*subscription)(nil)).Set("left_at = NULL").Where("id = ?", subscriptionID).Exec(ctx)
	return err
}

// resumeMail resumes mail to a recipient that followed a link of its own. That shows that somebody reads the address,
// which holds for all accounts.
func (s *Store) resumeMail(ctx context.Context, id int64, more func(ctx context.Context, tx bun.Tx) error) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		r := &recipient{ID: id}
		if err := s.db.ForUpdate(tx.NewSelect().Model(r).WherePK()).Scan(ctx); err != nil {
			return err
		}
		if err := s.resumeForAccount(ctx, tx, r); err != nil {
			return err
		}
		if _, err := tx.NewRaw("UPDATE addresses SET bounced_at = NULL WHERE address_key = ?", r.AddressKey).Exec(ctx); err != nil {
			return err
		}
		if err := s.deleteFingerprints(ctx, tx, r.AddressKey); err != nil {
			return err
		}
		return more(ctx, tx)
	})
}

// resumeForAccount resumes the mail of one account to a recipient, from now on. The recipient is locked.
func (s *Store) resumeForAccount(ctx context.Context, tx bun.Tx, r *recipient) error {
	now := s.db.Stamp()
	r.LeftAt = nil
	if _, err := tx.NewUpdate().Model(r).Column("left_at").WherePK().Exec(ctx); err != nil {
		return err
	}
	if err := s.checkNow(ctx, tx, []int64{r.ID}); err != nil {
		return err
	}
	_, err := tx.NewUpdate().Model((*subscription)(nil)).Set("heard_at = ?", now).Where("recipient_id = ?", r.ID).Exec(ctx)
	return err
}

// Leave records that a recipient wants no more mail at all. Only the owner of the address can undo it.
func (s *Store) Leave(ctx context.Context, recipientID int64) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewUpdate().Model((*recipient)(nil)).Set("left_at = ?", s.db.Stamp()).Set("asking = FALSE").
			Where("id = ?", recipientID).Where("left_at IS NULL").Exec(ctx)
		if err != nil {
			return err
		}
		return s.checkNow(ctx, tx, []int64{recipientID})
	})
}

// LeaveWatch records that a recipient wants no more mail about a watch.
func (s *Store) LeaveWatch(ctx context.Context, subscriptionID int64) error {
	a, err := s.Subscriber(ctx, subscriptionID)
	switch {
	case vigie.CodeOf(err) == vigie.NotFound: // erased: nothing is sent
		return nil
	case err != nil:
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := s.lockRecipients(ctx, tx, []int64{a.RecipientID}); err != nil {
			return err
		}
		_, err := tx.NewUpdate().Model((*subscription)(nil)).Set("left_at = ?", s.db.Stamp()).
			Where("id = ?", subscriptionID).Where("left_at IS NULL").Exec(ctx)
		if err != nil {
			return err
		}
		return s.checkNow(ctx, tx, []int64{a.RecipientID})
	})
}

// MailBounced records that a mail bounced, and why. If forAddress is set, the address does not exist, and no account
// writes to it any more.
func (s *Store) MailBounced(ctx context.Context, mail int64, forAddress bool, why string) error {
	address, err := s.MailAddress(ctx, mail)
	if err != nil {
		return err
	}
	now := s.db.Stamp()
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		var everywhere []int64 // the recipients of all accounts
		if forAddress {
			err := s.db.ForUpdate(tx.NewSelect().Model((*recipient)(nil)).Column("id").
				Where("address_key = ?", addressKey(address)).Order("id")).Scan(ctx, &everywhere)
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
			ON CONFLICT (address_key) DO UPDATE SET bounced_at = EXCLUDED.bounced_at`, addressKey(address), now).Exec(ctx)
		if err != nil {
			return err
		}
		return s.checkNow(ctx, tx, everywhere)
	})
}
