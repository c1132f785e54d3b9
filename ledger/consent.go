package ledger

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
func (l *Ledger) Addressee(ctx context.Context, recipient int64) (Addressee, error) {
	return l.addressee(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.ColumnExpr("'' AS watch_name, FALSE AS left_watch").Where("r.id = ?", recipient)
	})
}

// Subscriber returns the addressee of a subscription's link.
func (l *Ledger) Subscriber(ctx context.Context, subscription int64) (Addressee, error) {
	return l.addressee(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Join("JOIN subscriptions AS s ON s.recipient_id = r.id").Join("JOIN watches AS w ON w.id = s.watch_id").
			ColumnExpr("w.name AS watch_name, s.left_at IS NOT NULL AS left_watch").Where("s.id = ?", subscription)
	})
}

func (l *Ledger) addressee(ctx context.Context, which func(*bun.SelectQuery) *bun.SelectQuery) (Addressee, error) {
	var row struct {
		Addressee `bun:"embed:"`
		consent
	}
	err := which(l.db.NewSelect().TableExpr("recipients AS r").Join("JOIN accounts AS a ON a.id = r.account_id").
		ColumnExpr("r.id AS recipient_id, r.email, a.locale, r.left_at IS NOT NULL AS left").ColumnExpr(consentColumns)).Scan(ctx, &row)
	row.Confirmed = row.confirmed()
	return row.Addressee, database.Translate(err)
}

// MailAddress returns the address that a mail goes to.
func (l *Ledger) MailAddress(ctx context.Context, mail int64) (string, error) {
	var email string
	err := l.db.NewSelect().Model((*vigie.Mail)(nil)).ColumnExpr("r.email").
		Join("JOIN recipients AS r ON r.id = mail.recipient_id").Where("mail.id = ?", mail).Scan(ctx, &email)
	return email, database.Translate(err)
}

// What follows a link is about one address: the one that the link was made for. The recipient of the link may get
// another address at any moment, so the address is compared once the recipient is locked.

// lockAddressee locks a recipient and returns it. If its address is another than the given one, the error has the code
// [vigie.NotFound]; if there is no such recipient, it is also [database.IsNoRows].
func (l *Ledger) lockAddressee(ctx context.Context, tx bun.Tx, id int64, address string) (*recipient, error) {
	r := &recipient{ID: id}
	if err := l.db.ForUpdate(tx.NewSelect().Model(r).WherePK()).Scan(ctx); err != nil {
		return nil, err
	}
	if r.AddressKey != vigie.AddressKey(address) {
		return nil, &vigie.Error{Code: vigie.NotFound}
	}
	return r, nil
}

// lockSubscriber is lockAddressee for the recipient of a subscription.
func (l *Ledger) lockSubscriber(ctx context.Context, tx bun.Tx, subscriptionID int64, address string) (*recipient, error) {
	row := &subscription{ID: subscriptionID}
	if err := tx.NewSelect().Model(row).WherePK().Scan(ctx); err != nil {
		return nil, err
	}
	r, err := l.lockAddressee(ctx, tx, row.RecipientID, address)
	if err != nil {
		return nil, err
	}
	still, err := tx.NewSelect().Model(row).WherePK().Where("recipient_id = ?", r.ID).Exists(ctx)
	if err == nil && !still { // another address took it over
		err = &vigie.Error{Code: vigie.NotFound}
	}
	return r, err
}

// Confirm records that the owner of an address, the recipient's, consented to mail. If the recipient had left, this
// undoes it.
func (l *Ledger) Confirm(ctx context.Context, recipientID int64, address string) error {
	return l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := l.lockAddressee(ctx, tx, recipientID, address)
		if err != nil {
			return err
		}
		if r.ConfirmedAt == nil {
			r.ConfirmedAt, r.ConfirmedBy = new(l.db.Stamp()), vigie.ByLink
		}
		r.ConfirmationPending = false
		if _, err := tx.NewUpdate().Model(r).Column("confirmed_at", "confirmed_by", "asking").WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := dropOpen(ctx, tx, l.db.Stamp(), []int64{r.ID}, vigie.ConfirmationMail); err != nil {
			return err
		}
		return l.resumeMail(ctx, tx, r)
	})
}

// Rejoin undoes that a recipient left, at the request of the owner of its address.
func (l *Ledger) Rejoin(ctx context.Context, recipientID int64, address string) error {
	return l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := l.lockAddressee(ctx, tx, recipientID, address)
		if err != nil {
			return err
		}
		return l.resumeMail(ctx, tx, r)
	})
}

// RejoinWatch undoes that a recipient left a watch, at the request of the owner of its address.
func (l *Ledger) RejoinWatch(ctx context.Context, subscriptionID int64, address string) error {
	return l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := l.lockSubscriber(ctx, tx, subscriptionID, address)
		if err != nil {
			return err
		}
		if err := l.resumeMail(ctx, tx, r); err != nil {
			return err
		}
		return rejoinWatch(ctx, tx, subscriptionID)
	})
}

// rejoinWatch undoes that a recipient left a watch.
func rejoinWatch(ctx context.Context, tx bun.Tx, subscriptionID int64) error {
	_, err := tx.NewUpdate().Model((*subscription)(nil)).Set("left_at = NULL").Where("id = ?", subscriptionID).Exec(ctx)
	return err
}

// resumeMail resumes mail to a recipient that followed a link of its own. That shows that somebody reads the address,
// which holds for all accounts. The recipient is locked.
func (l *Ledger) resumeMail(ctx context.Context, tx bun.Tx, r *recipient) error {
	if err := l.resumeForAccount(ctx, tx, r); err != nil {
		return err
	}
	if _, err := tx.NewRaw("UPDATE addresses SET bounced_at = NULL WHERE address_key = ?", r.AddressKey).Exec(ctx); err != nil {
		return err
	}
	return l.deleteFingerprints(ctx, tx, r.AddressKey)
}

// resumeForAccount resumes the mail of one account to a recipient, from now on. The recipient is locked.
func (l *Ledger) resumeForAccount(ctx context.Context, tx bun.Tx, r *recipient) error {
	now := l.db.Stamp()
	r.LeftAt = nil
	if _, err := tx.NewUpdate().Model(r).Column("left_at").WherePK().Exec(ctx); err != nil {
		return err
	}
	if err := l.checkNow(ctx, tx, []int64{r.ID}); err != nil {
		return err
	}
	_, err := tx.NewUpdate().Model((*subscription)(nil)).Set("heard_at = ?", now).Where("recipient_id = ?", r.ID).Exec(ctx)
	return err
}

// Leave records that the owner of an address, the recipient's, wants no more mail at all. Only the owner can undo it.
func (l *Ledger) Leave(ctx context.Context, recipientID int64, address string) error {
	return l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := l.lockAddressee(ctx, tx, recipientID, address)
		switch {
		case database.IsNoRows(err): // erased: nothing is sent
			return nil
		case err != nil:
			return err
		}
		_, err = tx.NewUpdate().Model((*recipient)(nil)).Set("left_at = ?", l.db.Stamp()).Set("asking = FALSE").
			Where("id = ?", r.ID).Where("left_at IS NULL").Exec(ctx)
		if err != nil {
			return err
		}
		return l.checkNow(ctx, tx, []int64{r.ID})
	})
}

// LeaveWatch records that the owner of an address, the recipient's, wants no more mail about a watch.
func (l *Ledger) LeaveWatch(ctx context.Context, subscriptionID int64, address string) error {
	return l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := l.lockSubscriber(ctx, tx, subscriptionID, address)
		switch {
		case database.IsNoRows(err): // erased: nothing is sent
			return nil
		case err != nil:
			return err
		}
		_, err = tx.NewUpdate().Model((*subscription)(nil)).Set("left_at = ?", l.db.Stamp()).
			Where("id = ?", subscriptionID).Where("left_at IS NULL").Exec(ctx)
		if err != nil {
			return err
		}
		return l.checkNow(ctx, tx, []int64{r.ID})
	})
}

// AskAgain asks an address for its consent once more. Where that is not allowed, the error says why.
func (l *Ledger) AskAgain(ctx context.Context, account, subscriptionID int64) error {
	return l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := l.lockRecipient(ctx, tx, account, subscriptionID)
		if err != nil {
			return err
		}
		states, err := readRecipients(ctx, tx, []int64{r.ID})
		if err != nil {
			return err
		}
		who, now := states[0], l.db.Stamp()
		next, ever := NextConfirmationRequest(who.ConfirmationRequests, who.ConfirmationRequestedAt)
		switch {
		case r.Channel == vigie.WebhookChannel:
			return refuse(vigie.NotNeeded, vigie.Text{FR: "Un webhook ne se confirme pas par courriel : lancez plutôt un essai.", EN: "A webhook is not confirmed by email: test it instead."})
		case who.Confirmed:
			return refuse(vigie.NotNeeded, vigie.Text{FR: "Cette adresse est déjà confirmée : elle reçoit les alertes.", EN: "This address is confirmed already: it gets the alerts."})
		case who.Left:
			return refuse(vigie.NotAllowed, vigie.Text{
				FR: "Le destinataire s’est désinscrit. Lui seul peut se réinscrire, par le lien qu’il a reçu.",
				EN: "The recipient unsubscribed. Only they can subscribe again, by the link they received.",
			})
		case !ever:
			return refuse(vigie.Exhausted, vigie.Text{
				FR: "La confirmation a déjà été demandée %d fois, sans réponse : aucun autre courriel ne sera envoyé. Demandez au destinataire d’ouvrir l’un des liens reçus.",
				EN: "This address was asked %d times, without an answer: no further email will be sent. Ask the recipient to open one of the links received.",
			}.With(maxConfirmationRequests))
		case next.After(now):
			return refuse(vigie.TooSoon, vigie.Text{
				FR: "La confirmation a été demandée il y a moins de 24 heures. Attendez avant de la redemander.",
				EN: "This address was asked less than 24 hours ago. Wait before asking again.",
			})
		}
		_, err = tx.NewUpdate().Model((*recipient)(nil)).Set("asking = TRUE").Set("look_at = ?", now).Where("id = ?", r.ID).Exec(ctx)
		return err
	})
}

func refuse(code vigie.Code, text vigie.Text) error {
	return &vigie.Error{Code: code, Field: []string{"recipientId"}, Text: text}
}

// Resubscribe resumes mail to an account's own address that had left a watch, or all of them. The account is locked.
// The issuer must have verified the address: otherwise one person could undo another person's opt-out. What holds for
// the address on all accounts can be undone only by the address's own link.
func (l *Ledger) Resubscribe(ctx context.Context, tx bun.Tx, account *vigie.Account, subscriptionID int64) error {
	r, err := l.lockRecipient(ctx, tx, account.ID, subscriptionID)
	if err != nil {
		return err
	}
	bounced, err := tx.NewSelect().Model((*address)(nil)).Where("address_key = ?", r.AddressKey).Where("bounced_at IS NOT NULL").Exists(ctx)
	switch {
	case err != nil:
		return err
	case r.AddressKey != vigie.AddressKey(account.Email):
		return refuse(vigie.NotAllowed, vigie.Text{
			FR: "Seul le destinataire peut se réinscrire, par le lien des courriels qu’il a reçus.",
			EN: "Only the recipient can subscribe again, by the link in the emails they received.",
		})
	case !account.EmailVerified:
		return refuse(vigie.NotAllowed, vigie.Text{
			FR: "Votre adresse n’est pas vérifiée. Réinscrivez-vous par le lien d’un courriel reçu, ou faites vérifier votre adresse sur votre espace.",
			EN: "Your address is not verified. Subscribe again by the link in an email you received, or have your address verified in your account.",
		})
	case bounced:
		return refuse(vigie.NotAllowed, vigie.Text{
			FR: "Les courriels envoyés à cette adresse reviennent. Réinscrivez-vous par le lien d’un courriel que vous avez reçu à cette adresse.",
			EN: "Email to this address comes back. Subscribe again by the link in an email that reached it.",
		})
	}
	if err := l.resumeForAccount(ctx, tx, r); err != nil {
		return err
	}
	return rejoinWatch(ctx, tx, subscriptionID)
}

// lockRecipient reads and locks the recipient of a subscription of an account.
func (l *Ledger) lockRecipient(ctx context.Context, tx bun.Tx, account, subscriptionID int64) (*recipient, error) {
	r := new(recipient)
	of := tx.NewSelect().Model((*subscription)(nil)).Column("recipient_id").Where("id = ?", subscriptionID).Where("removed_at IS NULL")
	err := l.db.ForUpdate(tx.NewSelect().Model(r).Where("id = (?)", of).Where("account_id = ?", account)).Scan(ctx)
	return r, err
}
