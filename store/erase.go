package store

import (
	"context"
	"strconv"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// AccountsOf returns the accounts of a subject, one for each issuer.
func (s *Store) AccountsOf(ctx context.Context, subject string) ([]*vigie.Account, error) {
	var accounts []*vigie.Account
	err := s.db.NewSelect().Model(&accounts).Where("subject = ?", subject).Where("issuer <> ''").Order("issuer").Scan(ctx)
	return accounts, database.Translate(err)
}

// Erase deletes all personal data of an account: its watches, addresses, deliveries, mails and marks. Rows without
// content stay: for the account, and for its watches, so that consumers learn of the deletion. Of an address that
// left, bounced or was asked for consent, a fingerprint stays. The audit entries of support agents who looked at the
// account stay, without what identifies it. The next sign-in makes a new account.
func (s *Store) Erase(ctx context.Context, id int64) error {
	var who person
	defer func() { s.accounts.remove(who) }()
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		account, err := s.lockAccount(ctx, tx, id)
		if err != nil {
			return err
		}
		who = person{account.Issuer, account.Subject}
		var watches []*vigie.Watch
		if err := s.db.ForUpdate(tx.NewSelect().Model(&watches).Where("account_id = ?", id).Order("id")).Scan(ctx); err != nil {
			return err
		}
		if err := s.ledger.KeepFingerprints(ctx, tx, account); err != nil {
			return err
		}
		if err := database.ErasePersonalData(ctx, tx, id); err != nil {
			return err
		}
		if err := s.clearAuditEntries(ctx, tx, account); err != nil {
			return err
		}
		now := s.db.Stamp()
		*account = vigie.NewAccount("", strconv.FormatInt(id, 10))
		account.ID, account.CreatedAt = id, now
		if _, err := tx.NewUpdate().Model(account).WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := s.ledger.RemindersChanged(ctx, tx, account, false); err != nil || len(watches) == 0 {
			return err
		}
		numbers, err := database.Take(ctx, tx, len(watches))
		if err != nil {
			return err
		}
		for _, w := range watches {
			*w = vigie.Watch{
				ID: w.ID, AccountID: id, Criteria: storedCriteria(vigie.Criteria{KeywordMode: vigie.AllKeywords}), Frequency: vigie.Immediate,
				CreatedAt: now, UpdatedAt: now, DeletedAt: &now, Number: numbers.Next(), Since: w.Since,
			}
			if _, err := tx.NewUpdate().Model(w).WherePK().Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}
