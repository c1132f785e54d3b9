package store

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// Claims are what a token says about its owner.
type Claims struct {
	Issuer, Subject string
	// Email is "" where the token holds none; the known address then stays. The same goes for Name and Locale.
	Email string
	// EmailVerified reports whether the issuer has verified Email. VerificationAbsent is set where the token does not
	// say; what is known of the address then stays.
	EmailVerified, VerificationAbsent bool
	Name                              string
	Locale                            vigie.Locale
}

// SignIn returns the account that the claims identify, and creates it the first time. Email and name follow the
// claims. Changes that another process made in the last seconds may be missing.
func (s *Store) SignIn(ctx context.Context, c Claims) (*vigie.Account, error) {
	now := s.db.Now()
	account, place := s.accounts.find(c, now)
	if account != nil {
		return account, nil
	}
	account, err := s.account(ctx, s.db, c)
	if err != nil {
		return nil, database.Translate(err)
	}
	if account != nil && !follow(account, c, s.db.Stamp()) {
		s.accounts.keep(account, now, place)
		return account, nil
	}
	defer s.accounts.remove(person{c.Issuer, c.Subject})
	err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		account, err = s.account(ctx, tx, c)
		if err != nil {
			return err
		}
		if account == nil {
			account = new(vigie.NewAccount(c.Issuer, c.Subject))
			follow(account, c, s.db.Stamp())
			if c.Locale.Valid() {
				account.Locale = c.Locale
			}
			account.CreatedAt = s.db.Stamp()
			if account.ID, err = database.TakeNumbers(ctx, tx, 1); err != nil {
				return err
			}
			_, err = tx.NewInsert().Model(account).Exec(ctx)
			return err
		}
		before := *account
		follow(account, c, s.db.Stamp())
		if err := s.moveAddress(ctx, tx, account, before.Email, !account.EmailVerified); err != nil {
			return err
		}
		_, err := tx.NewUpdate().Model(account).Column("email", "email_verified", "email_verified_at", "name", "locale", "imported").WherePK().Exec(ctx)
		if err != nil {
			return err
		}
		return s.verificationChanged(ctx, tx, &before, account)
	})
	if vigie.CodeOf(err) == vigie.Taken {
		// Another request of the same person created the account first.
		account, err = s.account(ctx, s.db, c)
		err = database.Translate(err)
	}
	return account, err
}

func (s *Store) account(ctx context.Context, db bun.IDB, c Claims) (*vigie.Account, error) {
	var accounts []*vigie.Account
	q := db.NewSelect().Model(&accounts).Where("issuer = ?", c.Issuer).Where("subject = ?", c.Subject)
	if _, writes := db.(bun.Tx); writes { // an account is locked before its recipients
		q = s.db.ForUpdate(q)
	}
	err := q.Scan(ctx)
	if err != nil || len(accounts) == 0 {
		return nil, err
	}
	return accounts[0], nil
}

// follow updates the account from the claims and reports whether that changed it. A token without an email leaves the
// email as it was.
func follow(a *vigie.Account, c Claims, now time.Time) bool {
	before := *a
	if a.Imported {
		a.Imported = false
		if c.Locale.Valid() {
			a.Locale = c.Locale
		}
	}
	if c.Email != "" {
		same, verified := addressKey(a.Email) == addressKey(c.Email), c.EmailVerified
		if c.VerificationAbsent {
			verified = same && a.EmailVerified // another address is not verified by this token
		}
		switch {
		case !verified:
			a.EmailVerifiedAt = nil
		case a.EmailVerifiedAt == nil || !same:
			a.EmailVerifiedAt = &now
		}
		a.Email, a.EmailVerified = c.Email, verified
	}
	if c.Name != "" {
		a.Name = c.Name
	}
	return *a != before
}

// moveAddress replaces an account's own address by the new one and keeps its watches and its waiting deliveries.
// Consent does not move with them; ask says whether the new address is asked for its own. If the new address is
// already a recipient, it takes over the watches and waiting deliveries of the old one and keeps its own consent and
// opt-outs; what was sent to the old address stays there. An old address that left keeps its rows, since another
// person may own it.
func (s *Store) moveAddress(ctx context.Context, tx bun.Tx, account *vigie.Account, from string, ask bool) error {
	to := account.Email
	if addressKey(from) == addressKey(to) {
		return nil
	}
	var known []*recipient
	err := s.db.ForUpdate(tx.NewSelect().Model(&known).Where("account_id = ?", account.ID).
		Where("address_key IN (?, ?)", addressKey(from), addressKey(to)).Order("id")).Scan(ctx)
	if err != nil {
		return err
	}
	book := newAddressBook(known)
	before, after := book.byKey[addressKey(from)], book.byKey[addressKey(to)]
	if before == nil {
		return nil
	}
	left, err := s.hasLeft(ctx, tx, before)
	switch {
	case err != nil:
		return err
	case left:
		if after, err = s.subscribeNewAddress(ctx, tx, account, before, after, ask); err != nil {
			return err
		}
	case after == nil:
		before.Email, before.AddressKey, before.ConfirmedAt, before.ConfirmedBy, before.ConfirmationPending = to, addressKey(to), nil, "", ask
		if err := s.applyFingerprints(ctx, tx, newAddress{before, account.EmailVerified}); err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model(before).Column("email", "address_key", "confirmed_at", "confirmed_by", "asking", "left_at").WherePK().Exec(ctx); err != nil || !ask {
			return err
		}
		return s.checkNow(ctx, tx, []int64{before.ID})
	}
	return s.takeOver(ctx, tx, before, after)
}

// takeOver moves the watches and the waiting deliveries of one recipient to another of the same account.
func (s *Store) takeOver(ctx context.Context, tx bun.Tx, before, after *recipient) error {
	for _, statement := range []string{
		`UPDATE subscriptions SET recipient_id = ?1 WHERE recipient_id = ?0 AND watch_id NOT IN (SELECT watch_id FROM subscriptions WHERE recipient_id = ?1)`,
		`UPDATE subscriptions SET removed_at = NULL WHERE recipient_id = ?1
			AND watch_id IN (SELECT watch_id FROM subscriptions WHERE recipient_id = ?0 AND removed_at IS NULL AND left_at IS NULL)`,
		`UPDATE subscriptions SET removed_at = ?2 WHERE recipient_id = ?0 AND removed_at IS NULL`,
		`INSERT INTO reasons (delivery_id, watch_id, keywords) SELECT same.id, why.watch_id, why.keywords
			FROM deliveries AS l JOIN reasons AS why ON why.delivery_id = l.id JOIN deliveries AS same
				ON same.recipient_id = ?1 AND same.tender_id = l.tender_id AND same.kind = l.kind AND same.notice_id = l.notice_id
			WHERE l.recipient_id = ?0 AND l.mail_id IS NULL AND l.dropped_at IS NULL AND same.mail_id IS NULL ON CONFLICT DO NOTHING`,
		`UPDATE deliveries SET recipient_id = ?1 WHERE recipient_id = ?0 AND ` + unclaimed + ` AND NOT EXISTS (SELECT 1 FROM deliveries AS same
			WHERE same.recipient_id = ?1 AND same.tender_id = deliveries.tender_id AND same.kind = deliveries.kind AND same.notice_id = deliveries.notice_id)`,
	} {
		if _, err := tx.NewRaw(statement, before.ID, after.ID, s.db.Stamp()).Exec(ctx); err != nil {
			return err
		}
	}
	return s.checkNow(ctx, tx, []int64{after.ID})
}

// verificationChanged decides again about all waiting deliveries of the account's own address if the issuer now
// verifies it, or no longer does.
func (s *Store) verificationChanged(ctx context.Context, tx bun.Tx, before, account *vigie.Account) error {
	same := addressKey(before.Email) == addressKey(account.Email)
	if same && before.EmailVerified == account.EmailVerified {
		return nil
	}
	var own []*recipient
	err := s.db.ForUpdate(tx.NewSelect().Model(&own).Where("account_id = ?", account.ID).
		Where("address_key = ?", addressKey(account.Email))).Scan(ctx)
	if err != nil || len(own) == 0 {
		return err
	}
	r := own[0]
	r.UnverifiedAt = nil
	if same && before.EmailVerified {
		r.UnverifiedAt = new(s.db.Stamp())
	}
	if _, err := tx.NewUpdate().Model(r).Column("unvouched_at").WherePK().Exec(ctx); err != nil {
		return err
	}
	return s.checkNow(ctx, tx, []int64{r.ID})
}

// hasLeft reports whether a recipient left: one watch, or all of them.
func (s *Store) hasLeft(ctx context.Context, tx bun.Tx, r *recipient) (bool, error) {
	if r.LeftAt != nil {
		return true, nil
	}
	return tx.NewSelect().Model((*subscription)(nil)).Where("recipient_id = ?", r.ID).Where("left_at IS NOT NULL").Exists(ctx)
}

// subscribeNewAddress subscribes an account's new address to the watches of a recipient that left, whose rows stay,
// and returns the new recipient; after is nil where that does not exist yet. The person still counts as having left
// until the person undoes it.
func (s *Store) subscribeNewAddress(ctx context.Context, tx bun.Tx, account *vigie.Account, before, after *recipient, ask bool) (*recipient, error) {
	var rows []*subscription
	q := tx.NewSelect().Model(&rows).Where("recipient_id = ?", before.ID).Order("id")
	if after != nil {
		q = q.Where("watch_id NOT IN (?)", tx.NewSelect().Model((*subscription)(nil)).Column("watch_id").Where("recipient_id = ?", after.ID))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, err
	}
	numbers, err := takeSome(ctx, tx, len(rows)+1)
	if err != nil {
		return nil, err
	}
	if id := numbers.next(); after == nil {
		after = &recipient{
			ID: id, AccountID: account.ID, AddressKey: addressKey(account.Email), Email: account.Email,
			LeftAt: before.LeftAt, CreatedAt: s.db.Stamp(), ConfirmationPending: ask && before.LeftAt == nil,
		}
		if err := s.applyFingerprints(ctx, tx, newAddress{after, account.EmailVerified}); err != nil {
			return nil, err
		}
		if _, err := tx.NewInsert().Model(after).Exec(ctx); err != nil {
			return nil, err
		}
	}
	if len(rows) == 0 {
		return after, nil
	}
	for _, row := range rows {
		row.ID, row.RecipientID = numbers.next(), after.ID
	}
	_, err = tx.NewInsert().Model(&rows).Exec(ctx)
	return after, err
}

// addressKey returns the form in which mail addresses are compared.
func addressKey(email string) string { return strings.ToLower(email) }

// lockAccount reads an account and locks it against changes and erasure. The account of a signed-in person may be
// missing: it was erased while a socket was open, or while its copy was cached.
func (s *Store) lockAccount(ctx context.Context, tx bun.Tx, id int64) (*vigie.Account, error) {
	account := &vigie.Account{ID: id}
	err := s.db.ForUpdate(tx.NewSelect().Model(account).WherePK().Where("issuer <> ''")).Scan(ctx)
	if database.IsNoRows(err) {
		return nil, &vigie.Error{Code: vigie.Unauthenticated, Err: err, Text: vigie.Text{
			FR: "Ce compte a été supprimé. Reconnectez-vous pour en ouvrir un autre.",
			EN: "This account was deleted. Sign in again to open another.",
		}}
	}
	return account, err
}

// UpdateAccount changes an account's settings.
func (s *Store) UpdateAccount(ctx context.Context, id int64, u vigie.AccountUpdate) (account *vigie.Account, err error) {
	var who person
	defer func() { s.accounts.remove(who) }()
	err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if account, err = s.lockAccount(ctx, tx, id); err != nil {
			return err
		}
		who = person{account.Issuer, account.Subject}
		set(&account.Locale, u.Locale)
		set(&account.TimeZone, u.TimeZone)
		set(&account.DigestHour, u.DigestHour)
		set(&account.DigestDay, u.DigestDay)
		set(&account.QuietNotes, u.QuietNotes)
		if _, err := tx.NewUpdate().Model(account).WherePK().Exec(ctx); err != nil {
			return err
		}
		var recipients []int64
		err = s.db.ForUpdate(tx.NewSelect().Model((*recipient)(nil)).Column("id").Where("account_id = ?", id).Order("id")).Scan(ctx, &recipients)
		if err != nil {
			return err
		}
		return s.checkNow(ctx, tx, recipients)
	})
	return account, err
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}
