package store

import (
	"context"
	"slices"
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
	account, err := s.account(ctx, c)
	if err != nil {
		return nil, database.Translate(err)
	}
	if account != nil && !follow(account, c, s.db.Stamp()) {
		s.accounts.keep(account, now, place)
		return account, nil
	}
	defer s.accounts.remove(person{c.Issuer, c.Subject})
	err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		account, err = s.accountForUpdate(ctx, tx, c)
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
		if err := s.ledger.MoveAddress(ctx, tx, account, before.Email, !account.EmailVerified); err != nil {
			return err
		}
		_, err := tx.NewUpdate().Model(account).Column("email", "email_verified", "email_verified_at", "name", "locale", "imported").WherePK().Exec(ctx)
		if err != nil {
			return err
		}
		return s.ledger.VerificationChanged(ctx, tx, &before, account)
	})
	if vigie.CodeOf(err) == vigie.Taken {
		// Another request of the same person created the account first.
		account, err = s.account(ctx, c)
		err = database.Translate(err)
	}
	return account, err
}

// account returns the account of claims, nil for none.
func (s *Store) account(ctx context.Context, c Claims) (*vigie.Account, error) {
	var accounts []*vigie.Account
	err := s.db.Run(ctx, s.statements.account, &accounts, c.Issuer, c.Subject)
	return only(accounts, err)
}

// accountForUpdate is [Store.account] in a transaction, which locks the account: before its recipients.
func (s *Store) accountForUpdate(ctx context.Context, tx bun.Tx, c Claims) (*vigie.Account, error) {
	var accounts []*vigie.Account
	err := s.db.ForUpdate(tx.NewSelect().Model(&accounts).Where("issuer = ?", c.Issuer).Where("subject = ?", c.Subject)).Scan(ctx)
	return only(accounts, err)
}

func only(accounts []*vigie.Account, err error) (*vigie.Account, error) {
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
		same, verified := vigie.AddressKey(a.Email) == vigie.AddressKey(c.Email), c.EmailVerified
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
	return a.Imported != before.Imported || a.Locale != before.Locale || a.Email != before.Email || a.EmailVerified != before.EmailVerified ||
		a.EmailVerifiedAt != before.EmailVerifiedAt || a.Name != before.Name
}

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
		days := u.ReminderDays != nil && !slices.Equal(*u.ReminderDays, account.ReminderDays)
		if days {
			if err := s.ledger.EnterReminders(ctx, tx, account); err != nil {
				return err
			}
		}
		set(&account.Locale, u.Locale)
		set(&account.TimeZone, u.TimeZone)
		set(&account.DigestHour, u.DigestHour)
		set(&account.DigestDay, u.DigestDay)
		set(&account.QuietNotes, u.QuietNotes)
		set(&account.CalendarAlarmDays, u.CalendarAlarmDays)
		set(&account.ReminderDays, u.ReminderDays)
		if _, err := tx.NewUpdate().Model(account).WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := s.ledger.RemindersChanged(ctx, tx, account, days); err != nil {
			return err
		}
		return s.ledger.SettingsChanged(ctx, tx, id)
	})
	return account, err
}

// Resubscribe resumes mail to an account's own address, see [ledger.Ledger.Resubscribe].
func (s *Store) Resubscribe(ctx context.Context, account *vigie.Account, subscriptionID int64) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		locked, err := s.lockAccount(ctx, tx, account.ID) // the caller's copy may be a few seconds old
		if err != nil {
			return err
		}
		return s.ledger.Resubscribe(ctx, tx, locked, subscriptionID)
	})
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}
