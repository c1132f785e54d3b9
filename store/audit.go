package store

import (
	"context"
	"iter"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// AuditEntry is that somebody with the scope of support looked at an account, or
// for one.
type AuditEntry struct {
	bun.BaseModel `bun:"accesses" json:"-"`
	// ID is the number of the change that made it.
	ID int64     `bun:",pk" json:"-"`
	At time.Time `json:"at"`
	// Issuer and Subject are who looked, as the token says; of a person whose own
	// account was erased since, a hash in place of the subject.
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
	// Field is what was asked, a field of the API.
	Field string `json:"field"`
	// AccountID is whose account was looked at, nil where none was found;
	// AccountSubject the subject of its tokens, "" once it is erased.
	AccountID      *int64 `json:"accountId"`
	AccountSubject string `json:"accountSubject"`
}

// AccountsOfAddress returns the accounts whose own address it is, and then
// those that have it among the addresses of their watches; at most limit.
func (s *Store) AccountsOfAddress(ctx context.Context, email string, limit int64) ([]*vigie.Account, error) {
	key := addressKey(email)
	if key == "" { // as an erased account has
		return nil, nil
	}
	var accounts []*vigie.Account
	err := s.db.NewSelect().Model(&accounts).
		Where("id IN (SELECT id FROM accounts WHERE lower(email) = ? UNION SELECT account_id FROM recipients WHERE address_key = ?)", key, key).
		Where("issuer <> ''").OrderExpr("CASE WHEN lower(email) = ? THEN 0 ELSE 1 END, id", key).Limit(limit).Scan(ctx)
	return accounts, database.Translate(err)
}

// AccountOfWatch returns the account whose a watch is.
func (s *Store) AccountOfWatch(ctx context.Context, watch int64) (*vigie.Account, error) {
	account := new(vigie.Account)
	err := s.db.NewSelect().Model(account).
		Where("id = (SELECT account_id FROM watches WHERE id = ? AND deleted_at IS NULL)", watch).Where("issuer <> ''").Scan(ctx)
	return account, database.Translate(err)
}

// AddAuditEntry writes down that whoever has a token of that issuer and subject is
// about to see accounts, by a field of the API; of none, that it looked for one.
func (s *Store) AddAuditEntry(ctx context.Context, issuer, subject, field string, accounts []*vigie.Account) error {
	ids := make([]int64, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ID
	}
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		// Locked, so that what is written now is seen by whoever erases one.
		var seen []*vigie.Account
		if len(ids) > 0 {
			if err := s.db.ForUpdate(tx.NewSelect().Model(&seen).Where("id IN (?)", bun.List(ids)).Order("id")).Scan(ctx); err != nil {
				return err
			}
		}
		numbers, err := takeSome(ctx, tx, max(1, len(seen)))
		if err != nil {
			return err
		}
		about := AuditEntry{At: s.db.Stamp(), Issuer: issuer, Subject: subject, Field: field}
		var rows []*AuditEntry
		for _, a := range seen {
			row := about
			row.ID, row.AccountID = numbers.next(), &a.ID
			if a.Issuer != "" {
				row.AccountSubject = a.Subject
			}
			rows = append(rows, &row)
		}
		if len(rows) == 0 {
			about.ID = numbers.next()
			rows = append(rows, &about)
		}
		_, err = tx.NewInsert().Model(&rows).Exec(ctx)
		return err
	})
}

// Accesses yields the accesses since a time, in their order. An error is the
// last thing it yields.
func (s *Store) AuditEntries(ctx context.Context, since time.Time) iter.Seq2[*AuditEntry, error] {
	return func(yield func(*AuditEntry, error) bool) {
		for after := int64(0); ; {
			var rows []*AuditEntry
			err := s.db.NewSelect().Model(&rows).Where("id > ?", after).Where("at >= ?", since).Order("id").Limit(vigie.MaxBatch).Scan(ctx)
			if err != nil {
				yield(nil, database.Translate(err))
				return
			}
			for _, row := range rows {
				after = row.ID
				if !yield(row, nil) {
					return
				}
			}
			if len(rows) < vigie.MaxBatch {
				return
			}
		}
	}
}

// deleteAuditEntries takes out of the accesses what names a person whose account is
// erased: that there was one stays, and whose account it was, by its id. Where
// the person did support, its own accesses stay its own, by a hash.
func (s *Store) deleteAuditEntries(ctx context.Context, tx bun.Tx, account *vigie.Account) error {
	if _, err := tx.NewUpdate().Model((*AuditEntry)(nil)).Set("account_subject = ''").Where("account_id = ?", account.ID).Exec(ctx); err != nil {
		return err
	}
	print := ""
	if s.fingerprints != nil {
		print = s.fingerprints(account.Subject)[0]
	}
	_, err := tx.NewUpdate().Model((*AuditEntry)(nil)).Set("subject = ?", print).
		Where("issuer = ?", account.Issuer).Where("subject = ?", account.Subject).Exec(ctx)
	return err
}
