package ledger

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// ImportedRecipient is an address that a watch mailed in another system.
type ImportedRecipient struct {
	Email string
	// ConfirmedAt is when its owner consented to that, nil if it did not.
	ConfirmedAt *time.Time
}

// ImportedWatch is what the ledger needs of a watch of another system.
type ImportedWatch struct {
	// Account is its owner, with the id 0 for a new one.
	Account *vigie.Account
	// ID is the id of the watch, 0 for a new one.
	ID int64
	// Own is the owner's address in the other system. It stands for the account's own address, whichever that is.
	Own        string
	Recipients []ImportedRecipient
	*RecipientPlan
}

// Import is the recipients of imported watches on their way into the ledger.
type Import struct {
	watches []*ImportedWatch
	books   map[*vigie.Account]*addressBook
	// confirmed are existing recipients that consented in the other system.
	confirmed []*recipient
	now       time.Time
}

// firstCheckAfter is when the recipients of imported watches are first checked. There is nothing to send them yet,
// and their checks must not delay other recipients' mail.
const firstCheckAfter = 24 * time.Hour

// PlanImport reads and locks the existing addresses of watches' accounts, and plans the recipients of each watch.
// Nobody is mailed: an address is confirmed if it was confirmed in the other system, and is not asked otherwise.
func (l *Ledger) PlanImport(ctx context.Context, tx bun.Tx, watches []*ImportedWatch) (*Import, error) {
	known, err := l.recipientsOf(ctx, tx, accountIDs(watches)...)
	if err != nil {
		return nil, err
	}
	byAccount := make(map[int64][]*recipient)
	for _, r := range known {
		byAccount[r.AccountID] = append(byAccount[r.AccountID], r)
	}
	byWatch, err := subscriptionsOf(ctx, tx, watches)
	if err != nil {
		return nil, err
	}
	i := &Import{watches: watches, books: make(map[*vigie.Account]*addressBook), now: l.db.Stamp()}
	var newAddresses []newAddress
	for _, w := range watches {
		if i.books[w.Account] == nil {
			i.books[w.Account] = newAddressBook(byAccount[w.Account.ID])
		}
		i.plan(w, byWatch[w.ID])
		newAddresses = append(newAddresses, w.newAddresses()...)
	}
	if err := l.applyFingerprints(ctx, tx, newAddresses...); err != nil {
		return nil, err
	}
	for _, w := range watches {
		i.confirm(w)
	}
	return i, nil
}

// accountIDs returns the ids of the existing accounts.
func accountIDs(watches []*ImportedWatch) []int64 {
	var ids []int64
	for _, w := range watches {
		if w.Account.ID != 0 {
			ids = append(ids, w.Account.ID)
		}
	}
	return database.Distinct(ids)
}

// subscriptionsOf reads the subscriptions of the existing watches, by watch.
func subscriptionsOf(ctx context.Context, tx bun.Tx, watches []*ImportedWatch) (map[int64][]*subscription, error) {
	var ids []int64
	for _, w := range watches {
		if w.ID != 0 {
			ids = append(ids, w.ID)
		}
	}
	byWatch := make(map[int64][]*subscription)
	if len(ids) == 0 {
		return byWatch, nil
	}
	var rows []*subscription
	err := tx.NewSelect().Model(&rows).Where("watch_id IN (?)", bun.List(ids)).Order("watch_id", "position").Scan(ctx)
	for _, row := range rows {
		byWatch[row.WatchID] = append(byWatch[row.WatchID], row)
	}
	return byWatch, err
}

// plan decides which addresses a watch mails.
func (i *Import) plan(w *ImportedWatch, rows []*subscription) {
	own, others := false, []string{}
	for _, r := range w.Recipients {
		if key := vigie.AddressKey(r.Email); key == vigie.AddressKey(w.Own) || key == vigie.AddressKey(w.Account.Email) {
			own = true
		} else {
			others = append(others, r.Email)
		}
	}
	w.RecipientPlan = planAddresses(w.Account, i.books[w.Account], rows, &own, &others, i.now)
}

// confirm records which addresses consented in the other system. None is asked.
func (i *Import) confirm(w *ImportedWatch) {
	for _, r := range w.recipients {
		if r.ID == 0 {
			r.ConfirmationPending, r.NextCheckAt = false, new(i.now.Add(firstCheckAfter))
		}
	}
	for _, in := range w.Recipients {
		r := i.books[w.Account].byKey[vigie.AddressKey(in.Email)]
		if in.ConfirmedAt == nil || r == nil || r.ConfirmedAt != nil || !slices.Contains(w.recipients, r) {
			continue
		}
		r.ConfirmedAt, r.ConfirmedBy = in.ConfirmedAt, vigie.ByImport
		if r.ID != 0 {
			r.ConfirmationPending = false
			i.confirmed = append(i.confirmed, r)
		}
	}
}

// Count returns how many change numbers the watches' recipients take.
func (i *Import) Count() int {
	n := 0
	seen := make(map[*recipient]bool)
	for _, w := range i.watches {
		for _, r := range w.recipients {
			if r.ID == 0 && !seen[r] {
				seen[r] = true
				n++
			}
			if r.ID == 0 || w.subscriptions[r.ID] == nil {
				n++
			}
		}
	}
	return n
}

// SaveConsents writes that existing recipients consented in the other system.
func (i *Import) SaveConsents(ctx context.Context, tx bun.Tx) error {
	if len(i.confirmed) == 0 {
		return nil
	}
	ids := make([]int64, len(i.confirmed))
	for n, r := range i.confirmed {
		ids[n] = r.ID
	}
	if err := dropOpen(ctx, tx, i.now, ids, vigie.ConfirmationMail); err != nil {
		return err
	}
	return database.Upsert(ctx, tx, &i.confirmed, "id", []string{"confirmed_at", "confirmed_by", "asking"})
}

// SaveNew writes the recipients of the new watches, which have their ids now. [RecipientPlan.Save] writes those of
// the others, before.
func (i *Import) SaveNew(ctx context.Context, tx bun.Tx, watches []*ImportedWatch, numbers *database.Counter) error {
	var recipients []*recipient
	var subscriptions []*subscription
	var named []int64
	for _, w := range watches {
		added, rows := w.rows(w.ID, numbers)
		recipients, subscriptions = append(recipients, added...), append(subscriptions, rows...)
		for _, row := range rows {
			named = append(named, row.RecipientID)
		}
	}
	if len(recipients) > 0 {
		if _, err := tx.NewInsert().Model(&recipients).Exec(ctx); err != nil {
			return err
		}
	}
	if err := saveSubscriptions(ctx, tx, subscriptions); err != nil || len(named) == 0 {
		return err
	}
	return checkAt(ctx, tx, named, i.now.Add(firstCheckAfter))
}
