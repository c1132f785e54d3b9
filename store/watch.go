package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// WatchFilter selects watches of an account; the zero value selects all.
type WatchFilter struct {
	IDs        []int64 // only these ids, where not nil
	ActiveOnly bool
}

// Watches returns watches of an account in the order in which they were created. One statement reads them with their
// buyers, so that an edit is seen whole or not at all.
func (s *Store) Watches(ctx context.Context, account int64, filter WatchFilter) ([]*vigie.Watch, error) {
	var rows []*struct {
		vigie.Watch
		BuyerID *int64
	}
	var err error
	if filter.IDs == nil && !filter.ActiveOnly {
		err = s.db.Run(ctx, s.statements.watches, &rows, account)
	} else {
		q := watchesOf(s.db, account)
		if filter.IDs != nil {
			q = q.Where("id IN (?)", bun.List(filter.IDs))
		}
		if filter.ActiveOnly {
			q = q.Where("active")
		}
		err = q.Scan(ctx, &rows)
	}
	if err != nil {
		return nil, database.Translate(err)
	}
	var watches []*vigie.Watch
	for _, row := range rows {
		if n := len(watches); n == 0 || watches[n-1].ID != row.ID {
			watches = append(watches, &row.Watch)
		}
		c := &watches[len(watches)-1].Criteria
		if row.BuyerID != nil && !slices.Contains(c.BuyerIDs, *row.BuyerID) {
			c.BuyerIDs = append(c.BuyerIDs, *row.BuyerID)
		}
	}
	return watches, nil
}

// watchesOf selects the watches of an account, one row for each of their buyers.
func watchesOf(db bun.IDB, account any) *bun.SelectQuery {
	return db.NewSelect().Model((*vigie.Watch)(nil)).ColumnExpr("?TableColumns, buyers.buyer_id").
		Join("LEFT JOIN watch_buyers AS buyers ON buyers.watch_id = watch.id").
		Where("account_id = ?", account).Where("deleted_at IS NULL").Order("id", "buyers.position")
}

// CreateWatch stores a new watch of an account and its recipients: the account's own address if notifyMe is set, and
// others. It sets the watch's numbers and times.
func (s *Store) CreateWatch(ctx context.Context, account *vigie.Account, w vigie.Watch, notifyMe bool, others []string) (*vigie.Watch, error) {
	return s.CreateWatchCalled(ctx, account, "", w, notifyMe, others)
}

// CreateWatchCalled does what [Store.CreateWatch] does, and stores what a platform calls the watch; "" for nothing. If
// another watch of the account is called so, the error has the code [vigie.Conflict].
func (s *Store) CreateWatchCalled(ctx context.Context, account *vigie.Account, externalID string, w vigie.Watch, notifyMe bool, others []string) (*vigie.Watch, error) {
	w.AccountID = account.ID
	w.CreatedAt = s.db.Stamp()
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.roomForWatch(ctx, tx, account.ID, "input"); err != nil {
			return err
		}
		if err := freeExternalID(ctx, tx, account, externalID); err != nil {
			return err
		}
		planned, err := s.planRecipients(ctx, tx, account, 0, &notifyMe, &others)
		if err != nil {
			return err
		}
		numbers, err := takeSome(ctx, tx, 1+planned.count())
		if err != nil {
			return err
		}
		w.ID = numbers.next()
		w.Number, w.Since, w.UpdatedAt = w.ID, w.ID, w.CreatedAt
		if !w.Active {
			w.Paused = &w.Number
		}
		w.Criteria = storedCriteria(w.Criteria)
		if _, err := tx.NewInsert().Model(&w).Exec(ctx); err != nil {
			return takenName(err, "input", "name")
		}
		if err := nameExternally(ctx, tx, account, w.ID, externalID); err != nil {
			return err
		}
		if err := saveWatchBuyers(ctx, tx, &w); err != nil {
			return err
		}
		if err := planned.save(ctx, tx, w.ID, &numbers); err != nil {
			return err
		}
		return s.watchChanged(ctx, tx, w.ID)
	})
	if err != nil {
		return nil, err
	}
	return &w, nil
}

// roomForWatch checks that an account may have one more watch, and locks the account, so that no other watch is
// created until the end.
func (s *Store) roomForWatch(ctx context.Context, tx bun.Tx, account int64, argument string) error {
	if _, err := s.lockAccount(ctx, tx, account); err != nil {
		return err
	}
	count, err := tx.NewSelect().Model((*vigie.Watch)(nil)).Where("account_id = ?", account).Where("deleted_at IS NULL").Count(ctx)
	if err != nil || count < vigie.MaxWatches {
		return err
	}
	return &vigie.Error{Code: vigie.TooMany, Field: []string{argument}, Text: vigie.Text{
		FR: "Vous avez atteint la limite de %d veilles. Supprimez-en une pour en créer une autre.",
		EN: "You have reached the limit of %d watches. Delete one to create another.",
	}.With(vigie.MaxWatches)}
}

// UpdateWatch changes a watch of an account: change gets the current watch, locked, and modifies it. If notifyMe and
// others are nil, the recipients stay as they are.
func (s *Store) UpdateWatch(ctx context.Context, account *vigie.Account, id int64, change func(*vigie.Watch), notifyMe *bool, others *[]string) (*vigie.Watch, error) {
	return s.UpdateWatchAt(ctx, account, id, nil, change, notifyMe, others)
}

// UpdateWatchAt does what [Store.UpdateWatch] does, if the number of the watch's last change is the one expected, where
// that is not nil; else the error has the code [vigie.Conflict].
func (s *Store) UpdateWatchAt(ctx context.Context, account *vigie.Account, id int64, expected *int64, change func(*vigie.Watch), notifyMe *bool, others *[]string) (*vigie.Watch, error) {
	w := &vigie.Watch{ID: id}
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.lockWatch(ctx, tx, account.ID, w); err != nil {
			return err
		}
		if expected != nil && *expected != w.Number {
			return conflict("expectedVersion")
		}
		wasActive := w.Active
		change(w)
		planned, err := s.planRecipients(ctx, tx, account, id, notifyMe, others)
		if err != nil {
			return err
		}
		numbers, err := takeSome(ctx, tx, 1+planned.count())
		if err != nil {
			return err
		}
		if err := s.saveChange(ctx, tx, w, wasActive, planned, &numbers); err != nil {
			return err
		}
		return s.watchChanged(ctx, tx, id)
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// saveChange writes a watch that was changed, and its recipients; on reports whether it was on before.
func (s *Store) saveChange(ctx context.Context, tx bun.Tx, w *vigie.Watch, wasActive bool, planned *recipientPlan, numbers *counter) error {
	w.Number, w.UpdatedAt = numbers.next(), s.db.Stamp()
	switch {
	case w.Active && !wasActive:
		w.Since = w.Number
	case wasActive && !w.Active:
		// The watch can still ask for what it had not caught up on.
		w.Paused, w.CatchUpFrom = cmp.Or(w.CatchUpFrom, &w.Number), nil
		if err := endPeriod(ctx, tx, w.ID, w.Since, w.Number); err != nil {
			return err
		}
	}
	w.Criteria = storedCriteria(w.Criteria)
	if _, err := tx.NewUpdate().Model(w).WherePK().Exec(ctx); err != nil {
		return takenName(err, "input", "name")
	}
	if err := saveWatchBuyers(ctx, tx, w); err != nil {
		return err
	}
	if err := planned.save(ctx, tx, w.ID, numbers); err != nil || !w.Active || wasActive {
		return err
	}
	// The quiet days of a watch are counted from here.
	_, err := tx.NewUpdate().Model((*subscription)(nil)).Set("heard_at = ?", w.UpdatedAt).Where("watch_id = ?", w.ID).Exec(ctx)
	return err
}

// endPeriod records the period, in change numbers, in which a watch that is now switched off or deleted was on,
// because the ledger may still have to read notices of that period. It deletes earlier periods that the ledger has
// passed.
func endPeriod(ctx context.Context, tx bun.Tx, watch, since, until int64) error {
	_, err := tx.NewRaw("DELETE FROM watch_periods WHERE watch_id = ? AND until <= (SELECT cursor FROM consumers WHERE name = ?)",
		watch, database.AlertsConsumer).Exec(ctx)
	if err != nil {
		return err
	}
	_, err = tx.NewRaw("INSERT INTO watch_periods (watch_id, since, until) VALUES (?, ?, ?)", watch, since, until).Exec(ctx)
	return err
}

// watchChanged decides again about all waiting deliveries of a watch's recipients, removed ones included: its
// recipients, its frequency, or whether it is on, has changed.
func (s *Store) watchChanged(ctx context.Context, tx bun.Tx, watch int64) error {
	var recipients []int64
	err := tx.NewSelect().Model((*subscription)(nil)).Column("recipient_id").Where("watch_id = ?", watch).Scan(ctx, &recipients)
	if err != nil {
		return err
	}
	return s.checkNow(ctx, tx, recipients)
}

// DeleteWatch deletes a watch of an account. Its row stays, for consumers of changes and so that it can be restored.
func (s *Store) DeleteWatch(ctx context.Context, account, id int64) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		w := &vigie.Watch{ID: id}
		if err := s.lockWatch(ctx, tx, account, w); err != nil {
			return err
		}
		// Its recipients are locked before numbers are taken.
		if _, err := s.planRecipients(ctx, tx, &vigie.Account{ID: account}, id, nil, nil); err != nil {
			return err
		}
		number, err := database.TakeNumbers(ctx, tx, 1)
		if err != nil {
			return err
		}
		w.DeletedAt, w.Number = new(s.db.Stamp()), number
		if _, err := tx.NewUpdate().Model(w).Column("deleted_at", "number").WherePK().Exec(ctx); err != nil {
			return err
		}
		if w.Active {
			if err := endPeriod(ctx, tx, id, w.Since, number); err != nil {
				return err
			}
		}
		return s.watchChanged(ctx, tx, id)
	})
}

// RestoreWatch restores a watch that the account deleted since a time. An active one catches up from its deletion.
func (s *Store) RestoreWatch(ctx context.Context, account *vigie.Account, id int64, since time.Time) (*vigie.Watch, error) {
	w := &vigie.Watch{ID: id}
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.roomForWatch(ctx, tx, account.ID, "id"); err != nil {
			return err
		}
		err := s.db.ForUpdate(tx.NewSelect().Model(w).WherePK().
			Where("account_id = ?", account.ID).Where("deleted_at >= ?", since)).Scan(ctx)
		if err != nil {
			return err
		}
		// Its recipients are locked before numbers are taken; they are checked later.
		if _, err := s.planRecipients(ctx, tx, account, id, nil, nil); err != nil {
			return err
		}
		number, err := database.TakeNumbers(ctx, tx, 1)
		if err != nil {
			return err
		}
		if w.Active {
			// The watch's number is that of its deletion. Notices before that which the ledger has not read yet are
			// alerted as usual: Since stays.
			w.CatchUpFrom = cmp.Or(w.CatchUpFrom, new(w.Number))
		}
		w.DeletedAt, w.Number, w.UpdatedAt = nil, number, s.db.Stamp()
		_, err = tx.NewUpdate().Model(w).Column("deleted_at", "number", "catch_up_from", "updated_at").WherePK().Exec(ctx)
		if err != nil {
			return takenName(err, "id")
		}
		if err := loadWatchBuyers(ctx, tx, []*vigie.Watch{w}); err != nil {
			return err
		}
		return s.watchChanged(ctx, tx, id)
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// lockWatch reads and locks a watch of an account.
func (s *Store) lockWatch(ctx context.Context, tx bun.Tx, account int64, w *vigie.Watch) error {
	err := s.db.ForUpdate(tx.NewSelect().Model(w).WherePK().
		Where("account_id = ?", account).Where("deleted_at IS NULL")).Scan(ctx)
	if err != nil {
		return err
	}
	return loadWatchBuyers(ctx, tx, []*vigie.Watch{w})
}

// watchBuyer is a row of watch_buyers.
type watchBuyer struct {
	WatchID  int64 `bun:",pk"`
	Position int64 `bun:",pk"`
	BuyerID  int64
}

func loadWatchBuyers(ctx context.Context, db bun.IDB, watches []*vigie.Watch) error {
	if len(watches) == 0 {
		return nil
	}
	byID := make(map[int64]*vigie.Watch, len(watches))
	ids := make([]int64, len(watches))
	for i, w := range watches {
		byID[w.ID], ids[i] = w, w.ID
	}
	var rows []watchBuyer
	err := db.NewSelect().Model(&rows).Where("watch_id IN (?)", bun.List(ids)).Order("watch_id", "position").Scan(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		c := &byID[row.WatchID].Criteria
		if !slices.Contains(c.BuyerIDs, row.BuyerID) {
			c.BuyerIDs = append(c.BuyerIDs, row.BuyerID)
		}
	}
	return nil
}

func saveWatchBuyers(ctx context.Context, tx bun.Tx, w *vigie.Watch) error {
	if _, err := tx.NewDelete().Model((*watchBuyer)(nil)).Where("watch_id = ?", w.ID).Exec(ctx); err != nil {
		return err
	}
	return insertWatchBuyers(ctx, tx, []*vigie.Watch{w})
}

// insertWatchBuyers writes the buyers of watches that have none yet.
func insertWatchBuyers(ctx context.Context, tx bun.Tx, watches []*vigie.Watch) error {
	var rows []watchBuyer
	for _, w := range watches {
		for i, buyer := range w.Criteria.BuyerIDs {
			rows = append(rows, watchBuyer{w.ID, int64(i), buyer})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&rows).Exec(ctx)
	return err
}

// storedCriteria returns criteria in the form that columns take: lists are never null.
func storedCriteria(c vigie.Criteria) vigie.Criteria {
	c.Keywords = orEmpty(c.Keywords)
	c.ExcludedKeywords = orEmpty(c.ExcludedKeywords)
	c.Departments = orEmpty(c.Departments)
	c.Natures = orEmpty(c.Natures)
	c.CPVCodes = orEmpty(c.CPVCodes)
	return c
}

// takenName returns err, with a field and a text if the name of a watch is taken: nothing else of a watch must be
// unique.
func takenName(err error, field ...string) error {
	if !database.IsUnique(err) {
		return err
	}
	return &vigie.Error{Code: vigie.Taken, Field: field, Err: err, Text: vigie.Text{
		FR: "Vous avez déjà une veille de ce nom. Choisissez un autre nom.",
		EN: "You already have a watch of this name. Choose another name.",
	}}
}

// takeSome takes n change numbers to hand out one by one.
func takeSome(ctx context.Context, tx bun.Tx, n int) (counter, error) {
	first, err := database.TakeNumbers(ctx, tx, n)
	return counter(first), err
}

// recipient is a row of recipients.
type recipient struct {
	ID          int64 `bun:",pk"`
	AccountID   int64
	AddressKey  string
	Email       string
	ConfirmedAt *time.Time
	ConfirmedBy vigie.Consent `bun:",nullzero"` // how, if ConfirmedAt is set
	LeftAt      *time.Time
	CreatedAt   time.Time
	// ConfirmationPending reports whether the address is still to be asked for its consent.
	ConfirmationPending bool `bun:"asking"`
	// NextCheckAt is when there may be mail to write to it; nil for never.
	NextCheckAt *time.Time `bun:"look_at"`
	// UnverifiedAt is when the issuer stopped verifying the address; nil if the issuer verifies it, or never did.
	UnverifiedAt *time.Time `bun:"unvouched_at"`
}

// subscription is a row of subscriptions.
type subscription struct {
	ID          int64 `bun:",pk"`
	WatchID     int64
	RecipientID int64
	Position    int64
	LeftAt      *time.Time
	RemovedAt   *time.Time
	// LastMailedAt is when the recipient was last mailed about the watch.
	LastMailedAt *time.Time `bun:"heard_at"`
}

// recipientPlan are the addresses that a watch is to have, with what that changes.
type recipientPlan struct {
	account       *vigie.Account
	recipients    []*recipient
	subscriptions map[int64]*subscription // the existing ones, by recipient
	now           time.Time
}

// addressBook holds the recipients of an account.
type addressBook struct {
	byKey map[string]*recipient
	byID  map[int64]*recipient
}

func newAddressBook(known []*recipient) *addressBook {
	book := &addressBook{make(map[string]*recipient, len(known)), make(map[int64]*recipient, len(known))}
	for _, r := range known {
		book.byKey[r.AddressKey], book.byID[r.ID] = r, r
	}
	return book
}

// planRecipients reads the existing recipients of a watch (0 for a new one) and plans the addresses that it is to have.
// The account's own comes first.
func (s *Store) planRecipients(ctx context.Context, tx bun.Tx, account *vigie.Account, watch int64, notifyMe *bool, others *[]string) (*recipientPlan, error) {
	// The recipients are locked here, before numbers are taken; they are checked later.
	var known []*recipient
	if err := s.db.ForUpdate(tx.NewSelect().Model(&known).Where("account_id = ?", account.ID).Order("id")).Scan(ctx); err != nil {
		return nil, err
	}
	if notifyMe == nil && others == nil {
		return &recipientPlan{}, nil // everything stays as it is
	}
	var rows []*subscription
	if err := tx.NewSelect().Model(&rows).Where("watch_id = ?", watch).Order("position").Scan(ctx); err != nil {
		return nil, err
	}
	p := planAddresses(account, newAddressBook(known), rows, notifyMe, others, s.db.Stamp())
	return p, s.applyFingerprints(ctx, tx, p.newAddresses()...)
}

// planAddresses decides which addresses a watch is to have; rows are those that it has. New addresses are added to
// the book.
func planAddresses(account *vigie.Account, book *addressBook, rows []*subscription, notifyMe *bool, others *[]string, now time.Time) *recipientPlan {
	p := &recipientPlan{account: account, now: now, subscriptions: make(map[int64]*subscription, len(rows))}
	for _, row := range rows {
		p.subscriptions[row.RecipientID] = row
	}
	own := addressKey(account.Email)
	add := func(email string) {
		r := book.byKey[addressKey(email)]
		if r == nil {
			r = &recipient{AddressKey: addressKey(email), Email: email, CreatedAt: now, ConfirmationPending: true}
			book.byKey[r.AddressKey] = r
		}
		if !slices.Contains(p.recipients, r) {
			p.recipients = append(p.recipients, r)
		}
	}
	ownOn := notifyMe != nil && *notifyMe
	var stay []string
	for _, row := range rows {
		switch r := book.byID[row.RecipientID]; {
		case row.RemovedAt != nil:
		case r.AddressKey == own:
			ownOn = ownOn || notifyMe == nil
		default:
			stay = append(stay, r.Email)
		}
	}
	if ownOn {
		add(account.Email)
	}
	if others != nil {
		stay = *others
	}
	for _, email := range stay {
		// Only NotifyMe decides about the account's own address.
		if addressKey(email) != own {
			add(email)
		}
	}
	return p
}

// newAddresses returns the addresses that are new to the account.
func (p *recipientPlan) newAddresses() []newAddress {
	var list []newAddress
	for _, r := range p.recipients {
		if r.ID == 0 {
			list = append(list, newAddress{r, p.account.EmailVerified && r.AddressKey == addressKey(p.account.Email)})
		}
	}
	return list
}

// count returns how many change numbers save takes.
func (p *recipientPlan) count() int {
	n := 0
	for _, r := range p.recipients {
		if r.ID == 0 {
			n++
		}
		if p.subscriptions[r.ID] == nil {
			n++
		}
	}
	return n
}

// save writes the recipients of a watch. An address that was removed and is added again gets its id and its state
// back.
func (p *recipientPlan) save(ctx context.Context, tx bun.Tx, watch int64, numbers *counter) error {
	recipients, rows := p.rows(watch, numbers)
	if len(recipients) > 0 {
		if _, err := tx.NewInsert().Model(&recipients).Exec(ctx); err != nil {
			return err
		}
	}
	return saveSubscriptions(ctx, tx, rows)
}

func saveSubscriptions(ctx context.Context, tx bun.Tx, rows []*subscription) error {
	if len(rows) == 0 {
		return nil
	}
	return upsert(ctx, tx, &rows, "id", []string{"position", "removed_at"})
}

// rows returns what is to be written: the new recipients, and the subscriptions.
func (p *recipientPlan) rows(watch int64, numbers *counter) (recipients []*recipient, rows []*subscription) {
	named := make(map[int64]bool, len(p.recipients))
	for i, r := range p.recipients {
		if r.ID == 0 {
			r.ID, r.AccountID = numbers.next(), p.account.ID
			recipients = append(recipients, r)
		}
		named[r.ID] = true
		row := p.subscriptions[r.ID]
		if row == nil {
			row = &subscription{ID: numbers.next(), WatchID: watch, RecipientID: r.ID, LastMailedAt: &p.now}
		}
		row.Position, row.RemovedAt = int64(i), nil
		rows = append(rows, row)
	}
	for id, row := range p.subscriptions {
		if !named[id] && row.RemovedAt == nil {
			row.RemovedAt = &p.now
			rows = append(rows, row)
		}
	}
	return recipients, rows
}

// Recipients returns the addresses of watches, in their order, by watch.
func (s *Store) Recipients(ctx context.Context, account *vigie.Account, watches []int64) (map[int64][]*vigie.Recipient, error) {
	list, err := s.addresses(ctx, account, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("s.watch_id IN (?)", bun.List(watches)).Where("s.removed_at IS NULL")
	})
	byWatch := make(map[int64][]*vigie.Recipient, len(watches))
	for _, r := range list {
		byWatch[r.WatchID] = append(byWatch[r.WatchID], r)
	}
	return byWatch, err
}

// AllRecipients returns the addresses of a watch, then those that were removed from it.
func (s *Store) AllRecipients(ctx context.Context, account *vigie.Account, watch int64) ([]*vigie.Recipient, error) {
	list, err := s.addresses(ctx, account, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("s.watch_id = ?", watch).OrderExpr("s.removed_at IS NOT NULL")
	})
	return list, err
}

// Addresses returns addresses of an account's watches by the ids asked for, removed ones included.
func (s *Store) Addresses(ctx context.Context, account *vigie.Account, ids []int64) (map[int64]*vigie.Recipient, error) {
	list, err := s.addresses(ctx, account, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("s.id IN (?)", bun.List(ids)) })
	byID := make(map[int64]*vigie.Recipient, len(list))
	for _, r := range list {
		byID[r.ID] = r
	}
	return byID, err
}

func (s *Store) addresses(ctx context.Context, account *vigie.Account, which func(*bun.SelectQuery) *bun.SelectQuery) ([]*vigie.Recipient, error) {
	var rows []struct {
		ID          int64
		WatchID     int64
		Email       string
		AddressKey  string
		ConfirmedAt *time.Time
		LeftAt      *time.Time
		BouncedAt   *time.Time
		RemovedAt   *time.Time
	}
	err := which(s.db.NewSelect().TableExpr("subscriptions AS s").Join("JOIN recipients AS r ON r.id = s.recipient_id").
		Join("LEFT JOIN addresses AS a ON a.address_key = r.address_key").
		ColumnExpr("s.id, s.watch_id, r.email, r.address_key, r.confirmed_at, COALESCE(s.left_at, r.left_at) AS left_at, a.bounced_at, s.removed_at").
		Where("r.account_id = ?", account.ID)).Order("s.watch_id", "s.position").Scan(ctx, &rows)
	list := make([]*vigie.Recipient, len(rows))
	for i, row := range rows {
		r := &vigie.Recipient{ID: row.ID, WatchID: row.WatchID, Email: row.Email, Primary: row.AddressKey == addressKey(account.Email), RemovedAt: row.RemovedAt}
		switch {
		case row.LeftAt != nil:
			r.Status, r.StatusAt = vigie.Unsubscribed, row.LeftAt
		case row.BouncedAt != nil:
			r.Status, r.StatusAt = vigie.Bounced, row.BouncedAt
		case row.ConfirmedAt != nil || r.Primary && account.EmailVerified:
			r.Status, r.StatusAt = vigie.Confirmed, row.ConfirmedAt
		default:
			r.Status = vigie.Pending
		}
		list[i] = r
	}
	return list, database.Translate(err)
}
