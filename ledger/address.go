package ledger

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// recipient is a row of recipients.
type recipient struct {
	ID          int64 `bun:",pk"`
	AccountID   int64
	AddressKey  string
	Email       string
	ConfirmedAt *time.Time
	ConfirmedBy vigie.Consent `bun:",nullzero"` // how, if ConfirmedAt is set
	LeftAt      *time.Time
	CreatedAt   time.Time
	// ConfirmationPending reports whether the address is still to be asked for its consent.
	ConfirmationPending bool `bun:"asking"`
	// NextCheckAt is when there may be mail to write to it; nil for never.
	NextCheckAt *time.Time `bun:"look_at"`
	// UnverifiedAt is when the issuer stopped verifying the address; nil if the issuer verifies it, or never did. A webhook
	// has one once it was confirmed: versions without webhooks then hold what it is owed.
	UnverifiedAt *time.Time `bun:"unvouched_at"`
	// Channel is how it is reached. WebhookID is the endpoint, 0 for an address. Instead of an address a webhook has the
	// endpoint's public id, which is none.
	Channel   vigie.Channel
	WebhookID int64 `bun:",nullzero"`
}

// subscription is a row of subscriptions.
type subscription struct {
	ID          int64 `bun:",pk"`
	WatchID     int64
	RecipientID int64
	Position    int64
	LeftAt      *time.Time
	RemovedAt   *time.Time
	// LastMailedAt is when the recipient was last mailed about the watch.
	LastMailedAt *time.Time `bun:"heard_at"`
}

// RecipientPlan are the addresses that a watch is to have, with what that changes.
type RecipientPlan struct {
	account       *vigie.Account
	recipients    []*recipient
	subscriptions map[int64]*subscription // the existing ones, by recipient
	now           time.Time
}

// addressBook holds the recipients of an account that are mail addresses.
type addressBook struct {
	byKey map[string]*recipient
	byID  map[int64]*recipient
}

func newAddressBook(known []*recipient) *addressBook {
	book := &addressBook{make(map[string]*recipient, len(known)), make(map[int64]*recipient, len(known))}
	for _, r := range known {
		if r.Channel == vigie.MailChannel {
			book.byKey[r.AddressKey], book.byID[r.ID] = r, r
		}
	}
	return book
}

// LockAccounts locks all recipients of accounts until the end of the transaction: before numbers are taken, and before
// any of them is checked.
func (l *Ledger) LockAccounts(ctx context.Context, tx bun.Tx, accounts ...int64) error {
	_, err := l.recipientsOf(ctx, tx, accounts...)
	return err
}

// recipientsOf reads and locks the recipients of accounts. All at once, because rows are locked in the order of their
// ids.
func (l *Ledger) recipientsOf(ctx context.Context, tx bun.Tx, accounts ...int64) (known []*recipient, err error) {
	if len(accounts) == 0 {
		return nil, nil
	}
	err = l.db.ForUpdate(tx.NewSelect().Model(&known).Where("account_id IN (?)", bun.List(accounts)).Order("id")).Scan(ctx)
	return known, err
}

// PlanRecipients reads and locks the recipients of an account, and plans the addresses that one of its watches (0 for
// a new one) is to have: the account's own address, which comes first, if notifyMe is set, and others. Where either is
// nil, that part stays as it is.
func (l *Ledger) PlanRecipients(ctx context.Context, tx bun.Tx, account *vigie.Account, watch int64, notifyMe *bool, others *[]string) (*RecipientPlan, error) {
	known, err := l.recipientsOf(ctx, tx, account.ID)
	if err != nil || notifyMe == nil && others == nil {
		return &RecipientPlan{}, err
	}
	var rows []*subscription
	if err := tx.NewSelect().Model(&rows).Where("watch_id = ?", watch).Order("position").Scan(ctx); err != nil {
		return nil, err
	}
	p := planAddresses(account, newAddressBook(known), rows, notifyMe, others, l.db.Stamp())
	if err := p.checkOwn(others); err != nil {
		return nil, err
	}
	return p, l.applyFingerprints(ctx, tx, p.newAddresses()...)
}

// checkOwn refuses the account's own address among the others of a watch that is not to write to it: one of the two is
// not meant.
func (p *RecipientPlan) checkOwn(others *[]string) error {
	own := vigie.AddressKey(p.account.Email)
	if others == nil || slices.ContainsFunc(p.recipients, func(r *recipient) bool { return r.AddressKey == own }) {
		return nil
	}
	place := slices.IndexFunc(*others, func(email string) bool { return vigie.AddressKey(email) == own })
	if place < 0 {
		return nil
	}
	return &vigie.Error{Code: vigie.Conflicting, Field: []string{"input", "recipients", strconv.Itoa(place)}, Text: vigie.Text{
		FR: "Cette adresse est celle de votre compte, et la veille ne doit pas lui écrire. Retirez-la de la liste, ou choisissez de recevoir les alertes.",
		EN: "This is your account's address, and the watch is not to write to it. Remove it from the list, or choose to get the alerts.",
	}}
}

// planAddresses decides which addresses a watch is to have; rows are those that it has. New addresses are added to
// the book.
func planAddresses(account *vigie.Account, book *addressBook, rows []*subscription, notifyMe *bool, others *[]string, now time.Time) *RecipientPlan {
	p := &RecipientPlan{account: account, now: now, subscriptions: make(map[int64]*subscription, len(rows))}
	rows = slices.DeleteFunc(slices.Clone(rows), func(row *subscription) bool { return book.byID[row.RecipientID] == nil })
	for _, row := range rows {
		p.subscriptions[row.RecipientID] = row
	}
	own := vigie.AddressKey(account.Email)
	add := func(email string) {
		r := book.byKey[vigie.AddressKey(email)]
		if r == nil {
			r = &recipient{AddressKey: vigie.AddressKey(email), Email: email, CreatedAt: now, ConfirmationPending: true, Channel: vigie.MailChannel}
			book.byKey[r.AddressKey] = r
		}
		if !slices.Contains(p.recipients, r) {
			p.recipients = append(p.recipients, r)
		}
	}
	ownOn := notifyMe != nil && *notifyMe
	var stay []string
	for _, row := range rows {
		switch r := book.byID[row.RecipientID]; {
		case row.RemovedAt != nil:
		case r.AddressKey == own:
			ownOn = ownOn || notifyMe == nil
		default:
			stay = append(stay, r.Email)
		}
	}
	if ownOn {
		add(account.Email)
	}
	if others != nil {
		stay = *others
	}
	for _, email := range stay {
		// Only NotifyMe decides about the account's own address.
		if vigie.AddressKey(email) != own {
			add(email)
		}
	}
	return p
}

// newAddresses returns the addresses that are new to the account.
func (p *RecipientPlan) newAddresses() []newAddress {
	var list []newAddress
	for _, r := range p.recipients {
		if r.ID == 0 {
			list = append(list, newAddress{r, p.account.EmailVerified && r.AddressKey == vigie.AddressKey(p.account.Email)})
		}
	}
	return list
}

// Count returns how many change numbers Save takes.
func (p *RecipientPlan) Count() int {
	n := 0
	for _, r := range p.recipients {
		if r.ID == 0 {
			n++
		}
		if p.subscriptions[r.ID] == nil {
			n++
		}
	}
	return n
}

// Save writes the recipients of a watch. An address that was removed and is added again gets its id and its state
// back.
func (p *RecipientPlan) Save(ctx context.Context, tx bun.Tx, watch int64, numbers *database.Counter) error {
	recipients, rows := p.rows(watch, numbers)
	if len(recipients) > 0 {
		if _, err := tx.NewInsert().Model(&recipients).Exec(ctx); err != nil {
			return err
		}
	}
	return saveSubscriptions(ctx, tx, rows)
}

func saveSubscriptions(ctx context.Context, tx bun.Tx, rows []*subscription) error {
	if len(rows) == 0 {
		return nil
	}
	return database.Upsert(ctx, tx, &rows, "id", []string{"position", "removed_at"})
}

// rows returns what is to be written: the new recipients, and the subscriptions.
func (p *RecipientPlan) rows(watch int64, numbers *database.Counter) (recipients []*recipient, rows []*subscription) {
	named := make(map[int64]bool, len(p.recipients))
	for i, r := range p.recipients {
		if r.ID == 0 {
			r.ID, r.AccountID = numbers.Next(), p.account.ID
			recipients = append(recipients, r)
		}
		named[r.ID] = true
		row := p.subscriptions[r.ID]
		if row == nil {
			row = &subscription{ID: numbers.Next(), WatchID: watch, RecipientID: r.ID, LastMailedAt: &p.now}
		}
		row.Position, row.RemovedAt = int64(i), nil
		rows = append(rows, row)
	}
	for id, row := range p.subscriptions {
		if !named[id] && row.RemovedAt == nil {
			row.RemovedAt = &p.now
			rows = append(rows, row)
		}
	}
	return recipients, rows
}

// MendKeys gives addresses the keys that [vigie.AddressKey] makes. Earlier versions lowered all letters, not those of ASCII
// alone.
func MendKeys(ctx context.Context, db *database.DB) error {
	return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		var rows []*recipient // an address without capitals is its own key
		if err := tx.NewSelect().Model(&rows).Column("id", "email", "address_key").Where("address_key <> email").Scan(ctx); err != nil {
			return err
		}
		for _, r := range rows {
			old := r.AddressKey
			if r.AddressKey = vigie.AddressKey(r.Email); r.AddressKey == old {
				continue
			}
			_, err := tx.NewRaw(`INSERT INTO addresses (address_key, bounced_at, asks, asked_at)
				SELECT ?1, bounced_at, asks, asked_at FROM addresses WHERE address_key = ?0 ON CONFLICT DO NOTHING`, old, r.AddressKey).Exec(ctx)
			if err != nil {
				return err
			}
			if _, err := tx.NewUpdate().Model(r).Column("address_key").WherePK().Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}
