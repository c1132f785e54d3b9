package ledger

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// MoveAddress replaces an account's own address by the new one, which takes over everything of the old one: its place on
// watches, what it waits for, the mail that is on its way, and what it was alerted of. Only consent does not move; ask says
// whether the new address is asked for its own. If the new address is already a recipient, it keeps its own consent and
// opt-outs. An old address that left keeps its rows, since another person may own it.
func (l *Ledger) MoveAddress(ctx context.Context, tx bun.Tx, account *vigie.Account, from string, ask bool) error {
	oldKey, key := vigie.AddressKey(from), vigie.AddressKey(account.Email)
	if oldKey == key {
		return nil
	}
	var known []*recipient
	err := l.db.ForUpdate(tx.NewSelect().Model(&known).Where("account_id = ?", account.ID).
		Where("address_key IN (?, ?)", oldKey, key).Order("id")).Scan(ctx)
	if err != nil {
		return err
	}
	book := newAddressBook(known)
	before, after := book.byKey[oldKey], book.byKey[key]
	if before == nil {
		return nil
	}
	left, err := l.hasLeft(ctx, tx, before)
	if err != nil {
		return err
	}
	if left {
		if after, err = l.subscribeNewAddress(ctx, tx, account, before, after, ask); err != nil {
			return err
		}
	}
	// These are about the old address alone.
	if err := dropOpen(ctx, tx, l.db.Stamp(), []int64{before.ID}, vigie.ConfirmationMail, vigie.QuietMail); err != nil {
		return err
	}
	if after == nil {
		after = before
		err = l.rename(ctx, tx, account, before, ask)
	} else {
		err = l.takeOver(ctx, tx, before, after)
	}
	if err != nil {
		return err
	}
	if err := l.restartPauses(ctx, tx, after); err != nil {
		return err
	}
	return l.checkNow(ctx, tx, []int64{after.ID})
}

// restartPauses makes the mail on its way to a recipient due now: the pauses were those of the old address's mail server. If it
// is being sent, its lease stays.
func (l *Ledger) restartPauses(ctx context.Context, tx bun.Tx, r *recipient) error {
	_, err := tx.NewUpdate().Model((*vigie.Mail)(nil)).Set("attempts = 0").Set("retry_at = ?", l.db.Stamp()).Set("error = ''").
		Where("recipient_id = ?", r.ID).Where("state = ?", vigie.MailOpen).Exec(ctx)
	return err
}

// rename gives a recipient the account's new address.
func (l *Ledger) rename(ctx context.Context, tx bun.Tx, account *vigie.Account, r *recipient, ask bool) error {
	r.Email, r.AddressKey, r.ConfirmedAt, r.ConfirmedBy, r.ConfirmationPending = account.Email, vigie.AddressKey(account.Email), nil, "", ask
	if err := l.applyFingerprints(ctx, tx, newAddress{r, account.EmailVerified}); err != nil {
		return err
	}
	_, err := tx.NewUpdate().Model(r).Column("email", "address_key", "confirmed_at", "confirmed_by", "asking", "left_at").WherePK().Exec(ctx)
	return err
}

// takeOver moves everything of one recipient to another of the same account.
func (l *Ledger) takeOver(ctx context.Context, tx bun.Tx, before, after *recipient) error {
	for _, statement := range []string{
		`UPDATE subscriptions SET recipient_id = ?1 WHERE recipient_id = ?0 AND watch_id NOT IN (SELECT watch_id FROM subscriptions WHERE recipient_id = ?1)`,
		`UPDATE subscriptions SET removed_at = NULL WHERE recipient_id = ?1
			AND watch_id IN (SELECT watch_id FROM subscriptions WHERE recipient_id = ?0 AND removed_at IS NULL AND left_at IS NULL)`,
		`UPDATE subscriptions SET removed_at = ?2 WHERE recipient_id = ?0 AND removed_at IS NULL`,
		// Mails on their way. Where there is one to each, the one to the old address ends, and its deliveries wait again: for as
		// long as it may still be under way, see dueRecipients.
		`UPDATE mails SET recipient_id = ?1 WHERE recipient_id = ?0 AND state = 'ASIDE'`,
		`UPDATE mails SET recipient_id = ?1 WHERE recipient_id = ?0 AND state = 'OPEN'
			AND NOT EXISTS (SELECT 1 FROM mails AS other WHERE other.recipient_id = ?1 AND other.state = 'OPEN')`,
		`UPDATE deliveries SET mail_id = NULL, due_at = ?2 WHERE dropped_at IS NULL
			AND mail_id IN (SELECT id FROM mails WHERE recipient_id = ?0 AND state = 'OPEN')`,
		`UPDATE mails SET recipient_id = ?1, state = 'DROPPED', closed_at = ?2 WHERE recipient_id = ?0 AND state = 'OPEN'`,
	} {
		if _, err := tx.NewRaw(statement, before.ID, after.ID, l.db.Stamp()).Exec(ctx); err != nil {
			return err
		}
	}
	return l.takeOverDeliveries(ctx, tx, before, after)
}

// movingDelivery is a delivery of the old or of the new address.
type movingDelivery struct {
	vigie.Delivery `bun:"embed:"`
	MailState      *vigie.MailState
	// SameTenderID is the tender that its tender was merged into, else its tender.
	SameTenderID int64
}

// ended reports whether the delivery will never be sent.
func (d *movingDelivery) ended() bool {
	state := d.State(d.MailState)
	return state == vigie.DeliveryDropped || state == vigie.DeliveryFailed
}

// pending reports whether the delivery is still to be sent.
func (d *movingDelivery) pending() bool {
	return !d.ended() && d.State(d.MailState) != vigie.DeliverySent
}

// same reports whether two deliveries have one key, so that one recipient cannot have both.
func (d *movingDelivery) same(other *movingDelivery) bool {
	return d.TenderID == other.TenderID && d.Kind == other.Kind && d.NoticeID == other.NoticeID
}

// says reports whether a recipient of this delivery does not need the other one.
func (d *movingDelivery) says(other *movingDelivery) bool {
	if d.ended() || d.SameTenderID != other.SameTenderID {
		return false
	}
	if other.Kind == vigie.DeliverNew {
		return d.Kind == vigie.DeliverNew || d.Kind == vigie.DeliverCorrected
	}
	return d.Kind == other.Kind && d.NoticeID == other.NoticeID
}

// deliveryMoves is what becomes of the deliveries of a recipient that another one takes over.
type deliveryMoves struct {
	// moved are given to the new recipient; replaced are its own that ended, in place of which they are.
	moved, replaced []int64
	// dropped are not needed: the new recipient has one that says the same. It gets their reasons if it is still to be
	// sent: pairs of the old delivery and the new one.
	dropped []int64
	joined  []database.Pair
}

// takeOverDeliveries gives the deliveries of one recipient to another: those that are still to be sent, and those that were
// sent, so that later alerts about these tenders reach the person.
func (l *Ledger) takeOverDeliveries(ctx context.Context, tx bun.Tx, before, after *recipient) error {
	var rows []*movingDelivery
	err := tx.NewSelect().TableExpr("deliveries AS d").Join("JOIN tenders AS t ON t.id = d.tender_id").Join("LEFT JOIN mails AS m ON m.id = d.mail_id").
		ColumnExpr("d.*, m.state AS mail_state, COALESCE(t.merged_into, t.id) AS same_tender_id").
		Where("d.recipient_id IN (?, ?)", before.ID, after.ID).OrderExpr("d.id").Scan(ctx, &rows)
	if err != nil {
		return err
	}
	var moves deliveryMoves
	known := make(map[int64][]*movingDelivery) // of the new address, by tender
	for _, d := range rows {
		if d.RecipientID == after.ID {
			known[d.SameTenderID] = append(known[d.SameTenderID], d)
		}
	}
	for _, d := range rows {
		if d.RecipientID == before.ID {
			moves.add(d, known[d.SameTenderID])
		}
	}
	return moves.save(ctx, tx, after, l.db.Stamp())
}

// add decides about one delivery; known are the new recipient's about the tender.
func (m *deliveryMoves) add(d *movingDelivery, known []*movingDelivery) {
	if d.DroppedAt != nil {
		return
	}
	for _, other := range known {
		if d.pending() && other.says(d) {
			m.dropped = append(m.dropped, d.ID)
			if other.pending() {
				m.joined = append(m.joined, database.Pair{Was: d.ID, Becomes: other.ID})
			}
			return
		}
	}
	if i := slices.IndexFunc(known, d.same); i >= 0 {
		if !known[i].ended() || d.ended() {
			return
		}
		m.replaced = append(m.replaced, known[i].ID)
	}
	m.moved = append(m.moved, d.ID)
}

// joinReasons gives deliveries the reasons of others, too.
func joinReasons(ctx context.Context, tx bun.Tx, pairs []database.Pair) error {
	for _, pair := range pairs {
		_, err := tx.NewRaw(`INSERT INTO reasons (delivery_id, watch_id, keywords)
			SELECT ?1, watch_id, keywords FROM reasons WHERE delivery_id = ?0 ON CONFLICT DO NOTHING`, pair.Was, pair.Becomes).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *deliveryMoves) save(ctx context.Context, tx bun.Tx, after *recipient, now time.Time) error {
	if err := joinReasons(ctx, tx, m.joined); err != nil {
		return err
	}
	if err := drop(ctx, tx, m.dropped, now); err != nil {
		return err
	}
	for some := range slices.Chunk(m.replaced, vigie.MaxBatch) {
		for _, statement := range []string{"DELETE FROM reasons WHERE delivery_id IN (?)", "DELETE FROM deliveries WHERE id IN (?)"} {
			if _, err := tx.NewRaw(statement, bun.List(some)).Exec(ctx); err != nil {
				return err
			}
		}
	}
	for some := range slices.Chunk(m.moved, vigie.MaxBatch) {
		_, err := tx.NewUpdate().Model((*vigie.Delivery)(nil)).Set("recipient_id = ?", after.ID).Where("id IN (?)", bun.List(some)).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

// VerificationChanged decides again about all waiting deliveries of the account's own address if the issuer now
// verifies it, or no longer does.
func (l *Ledger) VerificationChanged(ctx context.Context, tx bun.Tx, before, account *vigie.Account) error {
	same := vigie.AddressKey(before.Email) == vigie.AddressKey(account.Email)
	if same && before.EmailVerified == account.EmailVerified {
		return nil
	}
	var own []*recipient
	err := l.db.ForUpdate(tx.NewSelect().Model(&own).Where("account_id = ?", account.ID).
		Where("address_key = ?", vigie.AddressKey(account.Email))).Scan(ctx)
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
	if account.EmailVerified {
		if err := dropOpen(ctx, tx, l.db.Stamp(), []int64{r.ID}, vigie.ConfirmationMail); err != nil {
			return err
		}
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
			ID: id, AccountID: account.ID, AddressKey: vigie.AddressKey(account.Email), Email: account.Email,
			LeftAt: before.LeftAt, CreatedAt: l.db.Stamp(), ConfirmationPending: ask && before.LeftAt == nil, Channel: vigie.MailChannel,
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
