package ledger

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"vigie"
)

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

// KeepFingerprints keeps, of each address of an account that is about to be erased and is locked, a fingerprint if it
// left, bounced or was asked for consent, and deletes what is known of it unless another account names it, too.
func (l *Ledger) KeepFingerprints(ctx context.Context, tx bun.Tx, account *vigie.Account) error {
	recipients, err := l.recipientsOf(ctx, tx, account.ID)
	if err != nil {
		return err
	}
	return l.keepFingerprints(ctx, tx, account, recipients)
}

// Fingerprint returns a text's fingerprint, "" if none are kept.
func (l *Ledger) Fingerprint(text string) string {
	if l.fingerprints == nil {
		return ""
	}
	return l.fingerprints(text)[0]
}

// keepFingerprints deletes an account's addresses, and keeps a fingerprint of each that left, bounced or was asked
// for consent. Other accounts keep what they know of the same address.
func (l *Ledger) keepFingerprints(ctx context.Context, tx bun.Tx, account *vigie.Account, recipients []*recipient) error {
	left := map[string]*time.Time{vigie.AddressKey(account.Email): nil}
	for _, r := range recipients {
		if r.Channel == vigie.MailChannel {
			left[r.AddressKey] = r.LeftAt
		}
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
		if err := l.keepFingerprint(ctx, tx, key, row); err != nil {
			return err
		}
	}
	return nil
}

// keepFingerprint keeps what is known of an address that no account names any more, if anything is.
func (l *Ledger) keepFingerprint(ctx context.Context, tx bun.Tx, key string, row *erasedAddress) error {
	if l.fingerprints == nil || *row == (erasedAddress{}) {
		return nil
	}
	row.Fingerprint = l.fingerprints(key)[0]
	_, err := tx.NewInsert().Model(row).On("CONFLICT (fingerprint) DO UPDATE").
		Set("left_at = COALESCE(EXCLUDED.left_at, forgotten_address.left_at)").
		Set("bounced_at = COALESCE(EXCLUDED.bounced_at, forgotten_address.bounced_at)").
		Set("asks = CASE WHEN EXCLUDED.asks > forgotten_address.asks THEN EXCLUDED.asks ELSE forgotten_address.asks END").
		Set("asked_at = COALESCE(EXCLUDED.asked_at, forgotten_address.asked_at)").Exec(ctx)
	return err
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
func (l *Ledger) applyFingerprints(ctx context.Context, tx bun.Tx, newAddresses ...newAddress) error {
	if l.fingerprints == nil {
		return nil
	}
	named := make(map[string][]newAddress)
	for _, n := range newAddresses {
		for _, print := range l.fingerprints(n.AddressKey) {
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
func (l *Ledger) deleteFingerprints(ctx context.Context, tx bun.Tx, key string) error {
	if l.fingerprints == nil {
		return nil
	}
	_, err := tx.NewDelete().Model((*erasedAddress)(nil)).Where("fingerprint IN (?)", bun.List(l.fingerprints(key))).Exec(ctx)
	return err
}
