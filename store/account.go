package store

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"vigie"
)

// Claims are what a token says of the person who bears it.
type Claims struct {
	Issuer, Subject string
	Email           string
	EmailVerified   bool
	Name            string
	Locale          vigie.Locale // "" where not said
}

// SignIn returns the account of the person that the claims are about, made at
// first sight; email and name follow the claims.
func (s *Store) SignIn(ctx context.Context, c Claims) (*vigie.Account, error) {
	account, err := s.account(ctx, s.db, c)
	if err != nil || account != nil && !follow(account, c, s.stamp()) {
		return account, translate(err)
	}
	err = s.write(ctx, func(ctx context.Context, tx bun.Tx) error {
		account, err = s.account(ctx, tx, c)
		if err != nil {
			return err
		}
		if account == nil {
			account = new(vigie.NewAccount(c.Issuer, c.Subject))
			follow(account, c, s.stamp())
			if c.Locale.Valid() {
				account.Locale = c.Locale
			}
			account.CreatedAt = s.stamp()
			if account.ID, err = takeNumbers(ctx, tx, 1); err != nil {
				return err
			}
			_, err = tx.NewInsert().Model(account).Exec(ctx)
			return err
		}
		before := account.Email
		follow(account, c, s.stamp())
		if err := moveAddress(ctx, tx, account.ID, before, account.Email); err != nil {
			return err
		}
		_, err := tx.NewUpdate().Model(account).Column("email", "email_verified", "email_verified_at", "name", "locale", "imported").WherePK().Exec(ctx)
		return err
	})
	if vigie.CodeOf(err) == vigie.Taken {
		// Another request of the same person was first.
		account, err = s.account(ctx, s.db, c)
		err = translate(err)
	}
	return account, err
}

func (s *Store) account(ctx context.Context, db bun.IDB, c Claims) (*vigie.Account, error) {
	var accounts []*vigie.Account
	err := db.NewSelect().Model(&accounts).Where("issuer = ?", c.Issuer).Where("subject = ?", c.Subject).Scan(ctx)
	if err != nil || len(accounts) == 0 {
		return nil, err
	}
	return accounts[0], nil
}

// follow puts what the claims say into the account and reports whether that
// changed it. A token that does not know the email leaves it as it was.
func follow(a *vigie.Account, c Claims, now time.Time) bool {
	before := *a
	if a.Imported {
		a.Imported = false
		if c.Locale.Valid() {
			a.Locale = c.Locale
		}
	}
	if c.Email != "" {
		switch {
		case !c.EmailVerified:
			a.EmailVerifiedAt = nil
		case a.EmailVerifiedAt == nil || addressKey(a.Email) != addressKey(c.Email):
			a.EmailVerifiedAt = &now
		}
		a.Email, a.EmailVerified = c.Email, c.EmailVerified
	}
	if c.Name != "" {
		a.Name = c.Name
	}
	return *a != before
}

// moveAddress keeps an account's own address its own when it changes, with
// its watches; one that was a recipient in its own right stays.
func moveAddress(ctx context.Context, tx bun.Tx, account int64, from, to string) error {
	if addressKey(from) == addressKey(to) {
		return nil
	}
	taken := tx.NewSelect().Model((*recipient)(nil)).ColumnExpr("1").
		Where("account_id = ?", account).Where("address_key = ?", addressKey(to))
	_, err := tx.NewUpdate().Model((*recipient)(nil)).
		Set("email = ?", to).Set("address_key = ?", addressKey(to)).Set("confirmed_at = NULL").Set("confirmed_by = NULL").
		Where("account_id = ?", account).Where("address_key = ?", addressKey(from)).Where("NOT EXISTS (?)", taken).
		Exec(ctx)
	return err
}

// addressKey is a mail address for comparing.
func addressKey(email string) string { return strings.ToLower(email) }

// UpdateAccount changes an account's settings.
func (s *Store) UpdateAccount(ctx context.Context, id int64, u vigie.AccountUpdate) (*vigie.Account, error) {
	var account *vigie.Account
	err := s.write(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if account, err = s.lockAccount(ctx, tx, id); err != nil {
			return err
		}
		set(&account.Locale, u.Locale)
		set(&account.TimeZone, u.TimeZone)
		set(&account.DigestHour, u.DigestHour)
		set(&account.DigestDay, u.DigestDay)
		set(&account.QuietNotes, u.QuietNotes)
		if _, err := tx.NewUpdate().Model(account).WherePK().Exec(ctx); err != nil {
			return err
		}
		var recipients []int64
		err = s.dialect.forUpdate(tx.NewSelect().Model((*recipient)(nil)).Column("id").Where("account_id = ?", id).Order("id")).Scan(ctx, &recipients)
		if err != nil {
			return err
		}
		return s.lookAgain(ctx, tx, recipients)
	})
	return account, err
}

// lockAccount reads an account and keeps others from changing it until the end.
// One that was erased is none, though who signed in before may still ask.
func (s *Store) lockAccount(ctx context.Context, tx bun.Tx, id int64) (*vigie.Account, error) {
	account := &vigie.Account{ID: id}
	err := s.dialect.forUpdate(tx.NewSelect().Model(account).WherePK().Where("issuer <> ''")).Scan(ctx)
	return account, err
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}
