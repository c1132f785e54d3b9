package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// SetFingerprints sets how to hash an address, so that it can be recognised but not read: the function returns the
// fingerprints of an address, first the one to write, then those of older keys. Without it nothing is kept of erased
// addresses. Call it at the start, before the store is shared.
func (s *Store) SetFingerprints(fingerprints func(address string) []string) {
	s.fingerprints = fingerprints
}

// erasedAddress is a row of forgotten_addresses.
type erasedAddress struct {
	bun.BaseModel `bun:"table:forgotten_addresses,alias:forgotten_address"`

	Fingerprint             string `bun:",pk"`
	LeftAt                  *time.Time
	BouncedAt               *time.Time
	ConfirmationRequests    int64      `bun:"asks"`
	ConfirmationRequestedAt *time.Time `bun:"asked_at"`
}

// address is a row of addresses.
type address struct {
	AddressKey              string `bun:",pk"`
	BouncedAt               *time.Time
	ConfirmationRequests    int64      `bun:"asks"`
	ConfirmationRequestedAt *time.Time `bun:"asked_at"`
}

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
		var recipients []*recipient
		if err := s.db.ForUpdate(tx.NewSelect().Model(&recipients).Where("account_id = ?", id).Order("id")).Scan(ctx); err != nil {
			return err
		}
		if err := s.keepFingerprints(ctx, tx, account, recipients); err != nil {
			return err
		}
		if err := s.deleteAuditEntries(ctx, tx, account); err != nil {
			return err
		}
		const of = "recipient_id IN (SELECT id FROM recipients WHERE account_id = ?)"
		for _, statement := range []string{
			// The text of an error may name the address or the watch. The other consumers' items hold no personal
			// data.
			"DELETE FROM quarantine WHERE consumer = 'mails' AND (item IN (SELECT id FROM recipients WHERE account_id = ?0) OR item IN (SELECT id FROM mails WHERE recipient_id IN (SELECT id FROM recipients WHERE account_id = ?0)))",
			"DELETE FROM quarantine WHERE consumer = 'matcher' AND item IN (SELECT id FROM watches WHERE account_id = ?)",
			"DELETE FROM reasons WHERE delivery_id IN (SELECT id FROM deliveries WHERE " + of + ")",
			"DELETE FROM deliveries WHERE " + of,
			"DELETE FROM mails WHERE " + of,
			"DELETE FROM subscriptions WHERE " + of,
			"DELETE FROM recipients WHERE account_id = ?",
			"DELETE FROM tender_marks WHERE account_id = ?",
			"DELETE FROM watch_periods WHERE watch_id IN (SELECT id FROM watches WHERE account_id = ?)",
			"DELETE FROM watch_buyers WHERE watch_id IN (SELECT id FROM watches WHERE account_id = ?)",
			"DELETE FROM watch_external_ids WHERE account_id = ?",
			// By these rows an import knows not to create the watches again.
			"UPDATE imported_watches SET digest = '' WHERE watch_id IN (SELECT id FROM watches WHERE account_id = ?)",
		} {
			if _, err := tx.NewRaw(statement, id).Exec(ctx); err != nil {
				return err
			}
		}
		now := s.db.Stamp()
		*account = vigie.NewAccount("", strconv.FormatInt(id, 10))
		account.ID, account.CreatedAt = id, now
		if _, err := tx.NewUpdate().Model(account).WherePK().Exec(ctx); err != nil || len(watches) == 0 {
			return err
		}
		numbers, err := takeSome(ctx, tx, len(watches))
		if err != nil {
			return err
		}
		for _, w := range watches {
			*w = vigie.Watch{
				ID: w.ID, AccountID: id, Criteria: storedCriteria(vigie.Criteria{KeywordMode: vigie.AllKeywords}), Frequency: vigie.Immediate,
				CreatedAt: now, UpdatedAt: now, DeletedAt: &now, Number: numbers.next(), Since: w.Since,
			}
			if _, err := tx.NewUpdate().Model(w).WherePK().Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// keepFingerprints deletes an account's addresses, and keeps a fingerprint of each that left, bounced or was asked
// for consent. Other accounts keep what they know of the same address.
func (s *Store) keepFingerprints(ctx context.Context, tx bun.Tx, account *vigie.Account, recipients []*recipient) error {
	left := map[string]*time.Time{addressKey(account.Email): nil}
	for _, r := range recipients {
		left[r.AddressKey] = r.LeftAt
	}
	for _, key := range slices.Sorted(maps.Keys(left)) {
		shared, err := tx.NewSelect().Model((*recipient)(nil)).Where("address_key = ?", key).Where("account_id <> ?", account.ID).Exists(ctx)
		if err != nil {
			return err
		}
		row := &erasedAddress{LeftAt: left[key]}
		if !shared {
			var known []*address
			if err := tx.NewRaw("DELETE FROM addresses WHERE address_key = ? RETURNING *", key).Scan(ctx, &known); err != nil {
				return err
			}
			for _, a := range known {
				row.BouncedAt, row.ConfirmationRequests, row.ConfirmationRequestedAt = a.BouncedAt, a.ConfirmationRequests, a.ConfirmationRequestedAt
			}
		}
		if s.fingerprints == nil || *row == (erasedAddress{}) {
			continue
		}
		row.Fingerprint = s.fingerprints(key)[0]
		_, err = tx.NewInsert().Model(row).On("CONFLICT (fingerprint) DO UPDATE").
			Set("left_at = COALESCE(EXCLUDED.left_at, forgotten_address.left_at)").
			Set("bounced_at = COALESCE(EXCLUDED.bounced_at, forgotten_address.bounced_at)").
			Set("asks = CASE WHEN EXCLUDED.asks > forgotten_address.asks THEN EXCLUDED.asks ELSE forgotten_address.asks END").
			Set("asked_at = COALESCE(EXCLUDED.asked_at, forgotten_address.asked_at)").Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

// newAddress is an address that is new to an account; verified reports whether it is the account's own address, verified
// by the issuer.
type newAddress struct {
	*recipient
	verified bool
}

// applyFingerprints applies what is kept of addresses that are new to accounts: an address that left gets no mail,
// and one that bounced, or was asked too often, is marked so again. An account's own verified address does not count
// as having left, for this account only: to sign in again is to ask for mail again.
func (s *Store) applyFingerprints(ctx context.Context, tx bun.Tx, newAddresses ...newAddress) error {
	if s.fingerprints == nil {
		return nil
	}
	named := make(map[string][]newAddress)
	for _, n := range newAddresses {
		for _, print := range s.fingerprints(n.AddressKey) {
			named[print] = append(named[print], n)
		}
	}
	if len(named) == 0 {
		return nil
	}
	var rows []*erasedAddress
	err := tx.NewSelect().Model(&rows).Where("fingerprint IN (?)", bun.List(slices.Sorted(maps.Keys(named)))).Scan(ctx)
	if err != nil {
		return err
	}
	known := make(map[string]*address)
	for _, row := range rows { // an address may have several rows, by several keys
		for _, r := range named[row.Fingerprint] {
			if row.LeftAt != nil && !r.verified {
				r.LeftAt, r.ConfirmationPending = row.LeftAt, false
			}
		}
		if row.BouncedAt == nil && row.ConfirmationRequests == 0 {
			continue
		}
		key := named[row.Fingerprint][0].AddressKey
		a := known[key]
		if a == nil {
			a = &address{AddressKey: key}
			known[key] = a
		}
		a.BouncedAt, a.ConfirmationRequests, a.ConfirmationRequestedAt = cmp.Or(a.BouncedAt, row.BouncedAt), max(a.ConfirmationRequests, row.ConfirmationRequests), cmp.Or(a.ConfirmationRequestedAt, row.ConfirmationRequestedAt)
	}
	if len(known) == 0 {
		return nil
	}
	var all []*address
	for _, key := range slices.Sorted(maps.Keys(known)) {
		all = append(all, known[key])
	}
	_, err = tx.NewInsert().Model(&all).On("CONFLICT DO NOTHING").Exec(ctx)
	return err
}

// deleteFingerprints deletes what is kept of an address whose owner wants its mail again.
func (s *Store) deleteFingerprints(ctx context.Context, tx bun.Tx, key string) error {
	if s.fingerprints == nil {
		return nil
	}
	_, err := tx.NewDelete().Model((*erasedAddress)(nil)).Where("fingerprint IN (?)", bun.List(s.fingerprints(key))).Exec(ctx)
	return err
}
