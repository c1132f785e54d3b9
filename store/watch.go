package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
	"vigie/ledger"
	"vigie/query"
)

// WatchFilter selects watches of an account; the zero value selects all.
type WatchFilter struct {
	IDs        []int64 // only these ids, where not nil
	ActiveOnly bool
}

// Watches returns watches of an account in the order in which they were created. One statement reads them with their
// buyers, so that an edit is seen whole or not at all.
func (s *Store) Watches(ctx context.Context, account int64, filter WatchFilter) ([]*vigie.Watch, error) {
	watches, _, err := s.WatchesAndMarked(ctx, account, filter)
	return watches, err
}

// WatchesAndMarked returns what [Store.Watches] does, and the tenders of lists as [Store.MarkedTenders] does: in one round trip
// to PostgreSQL.
func (s *Store) WatchesAndMarked(ctx context.Context, account int64, filter WatchFilter, lists ...MarkedList) ([]*vigie.Watch, map[MarkedList][]int64, error) {
	var rows []*struct {
		vigie.Watch
		BuyerID *int64
	}
	read := s.statements.watches.Into(&rows, account)
	if filter.IDs != nil {
		read = s.statements.watchesByID.Into(&rows, account, s.db.IDs(filter.IDs))
	}
	marked, reads := make([][]int64, len(lists)), []database.Read{read}
	for i, list := range lists {
		reads = append(reads, s.marked(list, &marked[i]))
	}
	if err := s.db.RunAll(ctx, reads...); err != nil {
		return nil, nil, database.Translate(err)
	}
	byList := make(map[MarkedList][]int64, len(lists))
	for i, list := range lists {
		byList[list] = marked[i]
	}
	var watches []*vigie.Watch
	for _, row := range rows {
		if filter.ActiveOnly && !row.Active {
			continue
		}
		if n := len(watches); n == 0 || watches[n-1].ID != row.ID {
			watches = append(watches, &row.Watch)
		}
		c := &watches[len(watches)-1].Criteria
		if row.BuyerID != nil && !slices.Contains(c.BuyerIDs, *row.BuyerID) {
			c.BuyerIDs = append(c.BuyerIDs, *row.BuyerID)
		}
	}
	return watches, byList, nil
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
// another watch of the account is called so, the error is [ErrCalled].
func (s *Store) CreateWatchCalled(ctx context.Context, account *vigie.Account, externalID string, w vigie.Watch, notifyMe bool, others []string) (*vigie.Watch, error) {
	w.AccountID = account.ID
	w.CreatedAt = s.db.Stamp()
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		account, err := s.roomForWatch(ctx, tx, account.ID, "input")
		if err != nil {
			return err
		}
		if err := freeExternalID(ctx, tx, account, externalID); err != nil {
			return err
		}
		planned, err := s.ledger.PlanRecipients(ctx, tx, account, 0, &notifyMe, &others)
		if err != nil {
			return err
		}
		numbers, err := database.Take(ctx, tx, 1+planned.Count())
		if err != nil {
			return err
		}
		w.ID = numbers.Next()
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
		if err := planned.Save(ctx, tx, w.ID, &numbers); err != nil {
			return err
		}
		return s.ledger.WatchChanged(ctx, tx, w.ID)
	})
	if err != nil {
		return nil, err
	}
	return &w, nil
}

// roomForWatch checks that an account may have one more watch, locks the account, so that no other watch is created
// until the end, and returns it as it is now: a connection may have been opened before its address changed.
func (s *Store) roomForWatch(ctx context.Context, tx bun.Tx, id int64, argument string) (*vigie.Account, error) {
	account, err := s.lockAccount(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	count, err := tx.NewSelect().Model((*vigie.Watch)(nil)).Where("account_id = ?", id).Where("deleted_at IS NULL").Count(ctx)
	if err != nil || count < vigie.MaxWatches {
		return account, err
	}
	return nil, &vigie.Error{Code: vigie.TooMany, Field: []string{argument}, Text: vigie.Text{
		FR: "Vous avez atteint la limite de %d veilles. Supprimez-en une pour en créer une autre.",
		EN: "You have reached the limit of %d watches. Delete one to create another.",
	}.With(vigie.MaxWatches)}
}

// UpdateWatch changes a watch of an account: change gets the current watch, locked, and modifies it. If notifyMe and
// others are nil, the recipients stay as they are.
func (s *Store) UpdateWatch(ctx context.Context, account *vigie.Account, id int64, change func(*vigie.Watch), notifyMe *bool, others *[]string) (*vigie.Watch, error) {
	return s.UpdateWatchAt(ctx, account, id, nil, func(w *vigie.Watch) error {
		change(w)
		return nil
	}, notifyMe, others)
}

// UpdateWatchAt does what [Store.UpdateWatch] does, if the number of the watch's last change is the one expected, where
// that is not nil; else the error has the code [vigie.VersionMismatch]. An error of change refuses it: nothing changes.
// So change can check what depends on what the watch was: nobody else changes it until then.
func (s *Store) UpdateWatchAt(ctx context.Context, account *vigie.Account, id int64, expected *int64, change func(*vigie.Watch) error, notifyMe *bool, others *[]string) (*vigie.Watch, error) {
	w := &vigie.Watch{ID: id}
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		account, err := s.lockAccount(ctx, tx, account.ID) // whose address may have changed since
		if err != nil {
			return err
		}
		if err := s.lockWatch(ctx, tx, account.ID, w); err != nil {
			return err
		}
		if expected != nil && *expected != w.Number {
			return versionMismatch()
		}
		wasActive := w.Active
		if err := change(w); err != nil {
			return err
		}
		planned, err := s.ledger.PlanRecipients(ctx, tx, account, id, notifyMe, others)
		if err != nil {
			return err
		}
		numbers, err := database.Take(ctx, tx, 1+planned.Count())
		if err != nil {
			return err
		}
		if err := s.saveChange(ctx, tx, w, wasActive, planned, &numbers); err != nil {
			return err
		}
		return s.ledger.WatchChanged(ctx, tx, id)
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// saveChange writes a watch that was changed, and its recipients; on reports whether it was on before.
func (s *Store) saveChange(ctx context.Context, tx bun.Tx, w *vigie.Watch, wasActive bool, planned *ledger.RecipientPlan, numbers *database.Counter) error {
	w.Number, w.UpdatedAt = numbers.Next(), s.db.Stamp()
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
	if err := planned.Save(ctx, tx, w.ID, numbers); err != nil || !w.Active || wasActive {
		return err
	}
	return s.ledger.RestartQuietDays(ctx, tx, w.ID, w.UpdatedAt)
}

// endPeriod records the period, in change numbers, in which a watch that is now switched off or deleted was on,
// because the ledger may still have to read notices of that period. It deletes earlier periods of which the ledger has
// processed all notices: none of them is in quarantine.
func endPeriod(ctx context.Context, tx bun.Tx, watch, since, until int64) error {
	_, err := tx.NewRaw("DELETE FROM watch_periods WHERE watch_id = ?0 AND until <= (SELECT cursor FROM consumers WHERE name = ?1)"+
		" AND NOT EXISTS (SELECT 1 FROM quarantine WHERE consumer = ?1 AND number < until)", watch, database.AlertsConsumer).Exec(ctx)
	if err != nil {
		return err
	}
	_, err = tx.NewRaw("INSERT INTO watch_periods (watch_id, since, until) VALUES (?, ?, ?)", watch, since, until).Exec(ctx)
	return err
}

// DeleteWatch deletes a watch of an account. Its row stays, for consumers of changes and so that it can be restored.
func (s *Store) DeleteWatch(ctx context.Context, account, id int64) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		w := &vigie.Watch{ID: id}
		if err := s.lockWatch(ctx, tx, account, w); err != nil {
			return err
		}
		if err := s.ledger.LockAccounts(ctx, tx, account); err != nil {
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
		return s.ledger.WatchChanged(ctx, tx, id)
	})
}

// RestoreWatch restores a watch that the account deleted since a time. An active one catches up from its deletion.
func (s *Store) RestoreWatch(ctx context.Context, account *vigie.Account, id int64, since time.Time) (*vigie.Watch, error) {
	w := &vigie.Watch{ID: id}
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := s.roomForWatch(ctx, tx, account.ID, "id"); err != nil {
			return err
		}
		err := s.db.ForUpdate(tx.NewSelect().Model(w).WherePK().
			Where("account_id = ?", account.ID).Where("deleted_at >= ?", since)).Scan(ctx)
		if err != nil {
			return err
		}
		if err := s.ledger.LockAccounts(ctx, tx, account.ID); err != nil {
			return err
		}
		number, err := database.TakeNumbers(ctx, tx, 1)
		if err != nil {
			return err
		}
		if w.Active {
			// The watch's number is that of its deletion. Notices before that which the ledger has not read yet are
			// alerted as usual: the period stays.
			w.CatchUpFrom, w.Since = cmp.Or(w.CatchUpFrom, new(w.Number)), number
		}
		w.DeletedAt, w.Number, w.UpdatedAt = nil, number, s.db.Stamp()
		_, err = tx.NewUpdate().Model(w).Column("deleted_at", "number", "since", "catch_up_from", "updated_at").WherePK().Exec(ctx)
		if err != nil {
			return takenName(err, "id")
		}
		if err := loadWatchBuyers(ctx, tx, []*vigie.Watch{w}); err != nil {
			return err
		}
		return s.ledger.WatchChanged(ctx, tx, id)
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
	c.Keywords = database.NotNull(c.Keywords)
	c.ExcludedKeywords = database.NotNull(c.ExcludedKeywords)
	for _, criterion := range query.Criteria() {
		if criterion.Column != "" {
			criterion.Set(&c, criterion.Values(&c))
		}
	}
	return c
}

// listColumns are the columns of watches that hold lists of values, and their criteria.
func listColumns() (columns []string, criteria []query.Criterion) {
	for _, criterion := range query.Criteria() {
		if criterion.Column != "" {
			columns, criteria = append(columns, criterion.Column), append(criteria, criterion)
		}
	}
	return columns, criteria
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
