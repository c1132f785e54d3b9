package ledger

import (
	"context"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// MoveAddress replaces an account's own address by the new one and keeps its watches and its waiting deliveries.
// Consent does not move with them; ask says whether the new address is asked for its own. If the new address is
// already a recipient, it takes over the watches and waiting deliveries of the old one and keeps its own consent and
// opt-outs; what was sent to the old address stays there. An old address that left keeps its rows, since another
// person may own it.
func (l *Ledger) MoveAddress(ctx context.Context, tx bun.Tx, account *vigie.Account, from string, ask bool) error {
	to := account.Email
	if AddressKey(from) == AddressKey(to) {
		return nil
	}
	var known []*recipient
	err := l.db.ForUpdate(tx.NewSelect().Model(&known).Where("account_id = ?", account.ID).
		Where("address_key IN (?, ?)", AddressKey(from), AddressKey(to)).Order("id")).Scan(ctx)
	if err != nil {
		return err
	}
	book := newAddressBook(known)
	before, after := book.byKey[AddressKey(from)], book.byKey[AddressKey(to)]
	if before == nil {
		return nil
	}
	left, err := l.hasLeft(ctx, tx, before)
	switch {
	case err != nil:
		return err
	case left:
		if after, err = l.subscribeNewAddress(ctx, tx, account, before, after, ask); err != nil {
			return err
		}
	case after == nil:
		before.Email, before.AddressKey, before.ConfirmedAt, before.ConfirmedBy, before.ConfirmationPending = to, AddressKey(to), nil, "", ask
		if err := l.applyFingerprints(ctx, tx, newAddress{before, account.EmailVerified}); err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model(before).Column("email", "address_key", "confirmed_at", "confirmed_by", "asking", "left_at").WherePK().Exec(ctx); err != nil || !ask {
			return err
		}
		return l.checkNow(ctx, tx, []int64{before.ID})
	}
	return l.takeOver(ctx, tx, before, after)
}

// takeOver moves the watches and the waiting deliveries of one recipient to another of the same account.
func (l *Ledger) takeOver(ctx context.Context, tx bun.Tx, before, after *recipient) error {
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
		if _, err := tx.NewRaw(statement, before.ID, after.ID, l.db.Stamp()).Exec(ctx); err != nil {
			return err
		}
	}
	return l.checkNow(ctx, tx, []int64{after.ID})
}

// VerificationChanged decides again about all waiting deliveries of the account's own address if the issuer now
// verifies it, or no longer does.
func (l *Ledger) VerificationChanged(ctx context.Context, tx bun.Tx, before, account *vigie.Account) error {
	same := AddressKey(before.Email) == AddressKey(account.Email)
	if same && before.EmailVerified == account.EmailVerified {
		return nil
	}
	var own []*recipient
	err := l.db.ForUpdate(tx.NewSelect().Model(&own).Where("account_id = ?", account.ID).
		Where("address_key = ?", AddressKey(account.Email))).Scan(ctx)
	if err != nil || len(own) == 0 {
		return err
	}
	r := own[0]
	r.UnverifiedAt = nil
	if same && before.EmailVerified {
		r.UnverifiedAt = new(l.db.Stamp())
	}
	if _, err := tx.NewUpdate().Model(r).Column("unvouched_at").WherePK().Exec(ctx); err != nil {
		return err
	}
	return l.checkNow(ctx, tx, []int64{r.ID})
}

// hasLeft reports whether a recipient left: one watch, or all of them.
func (l *Ledger) hasLeft(ctx context.Context, tx bun.Tx, r *recipient) (bool, error) {
	if r.LeftAt != nil {
		return true, nil
	}
	return tx.NewSelect().Model((*subscription)(nil)).Where("recipient_id = ?", r.ID).Where("left_at IS NOT NULL").Exists(ctx)
}

// subscribeNewAddress subscribes an account's new address to the watches of a recipient that left, whose rows stay,
// and returns the new recipient; after is nil where that does not exist yet. The person still counts as having left
// until the person undoes it.
func (l *Ledger) subscribeNewAddress(ctx context.Context, tx bun.Tx, account *vigie.Account, before, after *recipient, ask bool) (*recipient, error) {
	var rows []*subscription
	q := tx.NewSelect().Model(&rows).Where("recipient_id = ?", before.ID).Order("id")
	if after != nil {
		q = q.Where("watch_id NOT IN (?)", tx.NewSelect().Model((*subscription)(nil)).Column("watch_id").Where("recipient_id = ?", after.ID))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, err
	}
	numbers, err := database.Take(ctx, tx, len(rows)+1)
	if err != nil {
		return nil, err
	}
	if id := numbers.Next(); after == nil {
		after = &recipient{
			ID: id, AccountID: account.ID, AddressKey: AddressKey(account.Email), Email: account.Email,
			LeftAt: before.LeftAt, CreatedAt: l.db.Stamp(), ConfirmationPending: ask && before.LeftAt == nil,
		}
		if err := l.applyFingerprints(ctx, tx, newAddress{after, account.EmailVerified}); err != nil {
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
		row.ID, row.RecipientID = numbers.Next(), after.ID
	}
	_, err = tx.NewInsert().Model(&rows).Exec(ctx)
	return after, err
}
