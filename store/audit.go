package store

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// AuditEntry records that a support agent looked at an account, or looked for one.
type AuditEntry struct {
	bun.BaseModel `bun:"accesses" json:"-"`
	// ID is the number of the change that added the entry.
	ID int64     `bun:",pk" json:"-"`
	At time.Time `json:"at"`
	// Issuer and Subject are those of the support agent's token. If the agent's own account was erased since, Subject
	// is a hash.
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
	// Field is the field of the API that was asked.
	Field string `json:"field"`
	// AccountID is the account that was looked at, nil where none was found. AccountSubject is the subject of its
	// tokens, "" once the account is erased.
	AccountID      *int64 `json:"accountId"`
	AccountSubject string `json:"accountSubject"`
}

// AccountsOfAddress returns at most limit accounts: first those whose own address it is, then those with the address
// on one of their watches.
func (s *Store) AccountsOfAddress(ctx context.Context, email string, limit int64) ([]*vigie.Account, error) {
	key := vigie.AddressKey(email)
	if key == "" { // erased accounts have this key
		return nil, nil
	}
	// SQL lowers letters in its own way: what it finds by that is compared again.
	var own, others []*vigie.Account
	find := func(into *[]*vigie.Account, which, key string) error {
		return s.db.NewSelect().Model(into).Where(which, key).Where("issuer <> ''").Order("id").Limit(limit).Scan(ctx)
	}
	if err := find(&own, "lower(email) = lower(?)", key); err != nil {
		return nil, database.Translate(err)
	}
	if err := find(&others, "id IN (SELECT account_id FROM recipients WHERE address_key = ?)", key); err != nil {
		return nil, database.Translate(err)
	}
	isOwn := func(a *vigie.Account) bool { return vigie.AddressKey(a.Email) == key }
	own = slices.DeleteFunc(own, func(a *vigie.Account) bool { return !isOwn(a) })
	accounts := append(own, slices.DeleteFunc(others, isOwn)...)
	return accounts[:min(len(accounts), int(limit))], nil
}

// AccountOfWatch returns the account that owns a watch.
func (s *Store) AccountOfWatch(ctx context.Context, watch int64) (*vigie.Account, error) {
	account := new(vigie.Account)
	err := s.db.NewSelect().Model(account).
		Where("id = (SELECT account_id FROM watches WHERE id = ? AND deleted_at IS NULL)", watch).Where("issuer <> ''").Scan(ctx)
	return account, database.Translate(err)
}

// AddAuditEntry records, before it happens, that the support agent with that issuer and subject sees accounts through
// a field of the API. Without accounts it records that the agent looked for one.
func (s *Store) AddAuditEntry(ctx context.Context, issuer, subject, field string, accounts []*vigie.Account) error {
	ids := make([]int64, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ID
	}
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		// The rows are locked, so that an erasure sees the entry that is added now.
		var seen []*vigie.Account
		if len(ids) > 0 {
			if err := s.db.ForUpdate(tx.NewSelect().Model(&seen).Where("id IN (?)", bun.List(ids)).Order("id")).Scan(ctx); err != nil {
				return err
			}
		}
		numbers, err := database.Take(ctx, tx, max(1, len(seen)))
		if err != nil {
			return err
		}
		about := AuditEntry{At: s.db.Stamp(), Issuer: issuer, Subject: subject, Field: field}
		var rows []*AuditEntry
		for _, a := range seen {
			row := about
			row.ID, row.AccountID = numbers.Next(), &a.ID
			if a.Issuer != "" {
				row.AccountSubject = a.Subject
			}
			rows = append(rows, &row)
		}
		if len(rows) == 0 {
			about.ID = numbers.Next()
			rows = append(rows, &about)
		}
		_, err = tx.NewInsert().Model(&rows).Exec(ctx)
		return err
	})
}

// AuditEntries yields the audit entries since a time, oldest first. An error is the last thing it yields.
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

// clearAuditEntries puts a hash in place of the subject in the audit entries that an erased account caused, if the person
// was a support agent.
func (s *Store) clearAuditEntries(ctx context.Context, tx bun.Tx, account *vigie.Account) error {
	_, err := tx.NewUpdate().Model((*AuditEntry)(nil)).Set("subject = ?", s.ledger.Fingerprint(account.Subject)).
		Where("issuer = ?", account.Issuer).Where("subject = ?", account.Subject).Exec(ctx)
	return err
}

// DeleteAuditEntries deletes audit entries before a time, at most [vigie.MaxBatch]; more reports whether there may be
// more.
func (s *Store) DeleteAuditEntries(ctx context.Context, before time.Time) (more bool, err error) {
	some := s.db.NewSelect().Model((*AuditEntry)(nil)).Column("id").Where("at < ?", before).Order("id").Limit(vigie.MaxBatch)
	result, err := s.db.NewDelete().Model((*AuditEntry)(nil)).Where("id IN (?)", some).Exec(ctx)
	if err != nil {
		return false, database.Translate(err)
	}
	rows, err := result.RowsAffected()
	return rows == vigie.MaxBatch, database.Translate(err)
}
