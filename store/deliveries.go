package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// Outgoing is a delivery as the owner of a watch sees it.
type Outgoing struct {
	vigie.Delivery `bun:"embed:"`
	// SubscriptionID is the id of the recipient on the watch.
	SubscriptionID int64
	WatchID        int64
	AccountID      int64
	// MailState is the state of the mail that the delivery was claimed for, nil for none; ClosedAt is when that mail
	// was accepted, or given up.
	MailState *vigie.MailState
	ClosedAt  *time.Time
}

// State returns the delivery's state.
func (o *Outgoing) State() vigie.DeliveryState { return o.Delivery.State(o.MailState) }

// Status returns the state as the API shows it: a claimed delivery is still pending.
func (o *Outgoing) Status() vigie.DeliveryState {
	if state := o.State(); state != vigie.DeliveryClaimed {
		return state
	}
	return vigie.DeliveryWaiting
}

// Hold returns why the delivery is held, nil if it is not.
func (o *Outgoing) Hold() *Hold {
	if o.State() != vigie.DeliveryHeld {
		return nil
	}
	return &Hold{Reason: o.HeldFor, Since: *o.HeldAt, Until: o.DueAt}
}

// Hold is why a delivery is held.
type Hold struct {
	Reason vigie.HoldReason
	Since  time.Time
	// Until is when the delivery is dropped, if nothing changes.
	Until time.Time
}

// SentAt returns when the delivery's mail was accepted, nil if it was not.
func (o *Outgoing) SentAt() *time.Time {
	if o.Status() != vigie.DeliverySent {
		return nil
	}
	return o.ClosedAt
}

// GlobalID returns the delivery's id within the server.
func (o *Outgoing) GlobalID() string { return vigie.GlobalID(vigie.KindDelivery, o.ID) }

// outgoing selects deliveries, one row for each watch that led to them. Closing-soon deliveries that have not been
// claimed are left out.
func (s *Store) outgoing() *bun.SelectQuery {
	return s.db.NewSelect().TableExpr("reasons AS why").Join("JOIN deliveries AS d ON d.id = why.delivery_id").
		Join("JOIN subscriptions AS s ON s.watch_id = why.watch_id AND s.recipient_id = d.recipient_id").
		Join("JOIN recipients AS r ON r.id = d.recipient_id").
		Join("LEFT JOIN mails AS m ON m.id = d.mail_id").
		Where("NOT (d.kind = ? AND d.mail_id IS NULL)", vigie.DeliverClosingSoon)
}

// DeliveryWindow is a part of a list of deliveries, newest first: at most Limit of those with ids below Below, or,
// counted from the end of the list, above Above; 0 is no bound.
type DeliveryWindow struct {
	Below, Above int64
	Backwards    bool
	Limit        int
}

// Deliveries returns the sent and pending deliveries of a watch, and how many there are in all.
func (s *Store) Deliveries(ctx context.Context, watch int64, w DeliveryWindow) ([]*Outgoing, int, error) {
	total, err := s.outgoing().Where("why.watch_id = ?", watch).Count(ctx)
	if err != nil {
		return nil, 0, database.Translate(err)
	}
	q := s.outgoing().Where("why.watch_id = ?", watch).
		ColumnExpr("d.*, s.id AS subscription_id, why.watch_id, r.account_id, m.state AS mail_state, m.closed_at").Apply(withHold).Limit(int64(w.Limit))
	if w.Below != 0 {
		q = q.Where("d.id < ?", w.Below)
	}
	if w.Above != 0 {
		q = q.Where("d.id > ?", w.Above)
	}
	if w.Backwards {
		q = q.OrderExpr("d.id ASC")
	} else {
		q = q.OrderExpr("d.id DESC")
	}
	var list []*Outgoing
	err = q.Scan(ctx, &list)
	return list, int(total), database.Translate(err)
}

// Delivery returns a delivery of an account.
func (s *Store) Delivery(ctx context.Context, account, id int64) (*Outgoing, error) {
	o := new(Outgoing)
	err := s.outgoing().Join("JOIN watches AS w ON w.id = why.watch_id").
		ColumnExpr("d.*, s.id AS subscription_id, why.watch_id, r.account_id, m.state AS mail_state, m.closed_at").Apply(withHold).
		Where("d.id = ?", id).Where("w.account_id = ?", account).OrderExpr("s.id").Limit(1).Scan(ctx, o)
	return o, database.Translate(err)
}

// Attempt is a delivery with the outcome of its mail so far.
type Attempt struct {
	Outgoing `bun:"embed:"`
	Error    string     // why the mail was not accepted; "" if it was accepted or not tried
	RetryAt  *time.Time // when it is tried again
}

// Attempts returns the deliveries about a tender to the recipients of a watch, whichever watches led to them; oldest
// first. The tender must not be an alias.
func (s *Store) Attempts(ctx context.Context, watch, tender int64) ([]*Attempt, error) {
	var list []*Attempt
	err := s.db.NewSelect().TableExpr("subscriptions AS s").Join("JOIN deliveries AS d ON d.recipient_id = s.recipient_id").
		Join("JOIN recipients AS r ON r.id = s.recipient_id").Join("LEFT JOIN mails AS m ON m.id = d.mail_id").
		ColumnExpr("d.*, s.id AS subscription_id, s.watch_id, r.account_id, m.state AS mail_state, m.closed_at, COALESCE(m.error, '') AS error, m.retry_at").Apply(withHold).
		Where("s.watch_id = ?", watch).Where("d.tender_id IN (SELECT id FROM tenders WHERE id = ? OR merged_into = ?)", tender, tender).
		Where("NOT (d.kind = ? AND d.mail_id IS NULL)", vigie.DeliverClosingSoon).OrderExpr("d.id").Scan(ctx, &list)
	return list, database.Translate(err)
}

// Reasons returns why deliveries were made, by delivery.
func (s *Store) Reasons(ctx context.Context, deliveries []int64) (map[int64][]vigie.Reason, error) {
	var rows []*reason
	err := s.db.NewSelect().Model(&rows).Where("delivery_id IN (?)", bun.List(deliveries)).Order("delivery_id", "watch_id").Scan(ctx)
	byDelivery := make(map[int64][]vigie.Reason, len(deliveries))
	for _, r := range rows {
		byDelivery[r.DeliveryID] = append(byDelivery[r.DeliveryID], vigie.Reason{WatchID: r.WatchID, Keywords: r.Keywords})
	}
	return byDelivery, database.Translate(err)
}

// Health says whether a watch works.
type Health struct {
	WatchID int64
	// EvaluatedAt is when the watch had last been matched with all notices; nil while the watch is off.
	EvaluatedAt *time.Time
	// MatchedAt is when a tender last began to match, MailedAt when a mail because of it was last accepted; nil where
	// that is older than retention keeps.
	MatchedAt, MailedAt *time.Time
}

// Health returns the health of watches, by watch.
func (s *Store) Health(ctx context.Context, watches []int64) (map[int64]*Health, error) {
	var rows []*Health
	err := s.db.NewSelect().TableExpr("watches AS w").
		Join("LEFT JOIN reasons AS why ON why.watch_id = w.id").
		Join("LEFT JOIN deliveries AS d ON d.id = why.delivery_id").
		Join("LEFT JOIN mails AS m ON m.id = d.mail_id AND m.state = ?", vigie.MailSent).
		ColumnExpr("w.id AS watch_id").
		ColumnExpr("(SELECT seen_at FROM consumers WHERE name = ? AND w.active) AS evaluated_at", database.AlertsConsumer).
		ColumnExpr("MAX(CASE WHEN d.kind = ? AND d.created_at > ? THEN d.created_at END) AS matched_at", vigie.DeliverNew, longAgo()).
		ColumnExpr("MAX(m.closed_at) AS mailed_at").
		Where("w.id IN (?)", bun.List(watches)).GroupExpr("w.id, w.active").Scan(ctx, &rows)
	byWatch := make(map[int64]*Health, len(rows))
	for _, h := range rows {
		byWatch[h.WatchID] = h
	}
	return byWatch, database.Translate(err)
}

// AskAgain asks an address for its consent once more. Where that is not allowed, the error says why.
func (s *Store) AskAgain(ctx context.Context, account, subscriptionID int64) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := s.lockRecipient(ctx, tx, account, subscriptionID)
		if err != nil {
			return err
		}
		states, err := readRecipients(ctx, tx, []int64{r.ID})
		if err != nil {
			return err
		}
		who, now := states[0], s.db.Stamp()
		next, ever := NextConfirmationRequest(who.ConfirmationRequests, who.ConfirmationRequestedAt)
		switch {
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
				EN: "This address was asked %d times, without an answer: no further mail will be sent. Ask the recipient to open one of the links received.",
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

// Resubscribe resumes mail to an account's own address that had left a watch, or all of them. The issuer must have
// verified the address: otherwise one person could undo another person's opt-out. What holds for the address on all
// accounts can be undone only by the address's own link.
func (s *Store) Resubscribe(ctx context.Context, account *vigie.Account, subscriptionID int64) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		account, err := s.lockAccount(ctx, tx, account.ID) // the caller's copy may be a few seconds old
		if err != nil {
			return err
		}
		r, err := s.lockRecipient(ctx, tx, account.ID, subscriptionID)
		if err != nil {
			return err
		}
		bounced, err := tx.NewSelect().Model((*address)(nil)).Where("address_key = ?", r.AddressKey).Where("bounced_at IS NOT NULL").Exists(ctx)
		switch {
		case err != nil:
			return err
		case r.AddressKey != addressKey(account.Email):
			return refuse(vigie.NotAllowed, vigie.Text{
				FR: "Seul le destinataire peut se réinscrire, par le lien des courriels qu’il a reçus.",
				EN: "Only the recipient can subscribe again, by the link in the mails they received.",
			})
		case !account.EmailVerified:
			return refuse(vigie.NotAllowed, vigie.Text{
				FR: "Votre adresse n’est pas vérifiée. Réinscrivez-vous par le lien d’un courriel reçu, ou faites vérifier votre adresse sur votre espace.",
				EN: "Your address is not verified. Subscribe again by the link in a mail you received, or have your address verified in your account.",
			})
		case bounced:
			return refuse(vigie.NotAllowed, vigie.Text{
				FR: "Les courriels envoyés à cette adresse reviennent. Réinscrivez-vous par le lien d’un courriel que vous avez reçu à cette adresse.",
				EN: "Mail to this address comes back. Subscribe again by the link in a mail that reached it.",
			})
		}
		if err := s.resumeForAccount(ctx, tx, r); err != nil {
			return err
		}
		return rejoinWatch(ctx, tx, subscriptionID)
	})
}

// lockRecipient reads and locks the recipient of a subscription of an account.
func (s *Store) lockRecipient(ctx context.Context, tx bun.Tx, account, subscriptionID int64) (*recipient, error) {
	r := new(recipient)
	of := tx.NewSelect().Model((*subscription)(nil)).Column("recipient_id").Where("id = ?", subscriptionID).Where("removed_at IS NULL")
	err := s.db.ForUpdate(tx.NewSelect().Model(r).Where("id = (?)", of).Where("account_id = ?", account)).Scan(ctx)
	return r, err
}
