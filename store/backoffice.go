package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
	"vigie/ledger"
)

// AccountWindow is a part of a list of accounts, oldest first: at most Limit with ids above Above, or, counted from the
// end of the list, below Below; 0 is no bound.
type AccountWindow struct {
	Above, Below int64
	Backwards    bool
	Limit        int
}

// SearchAccounts returns the accounts whose address, name or subject has a text, or that have a recipient whose address
// does, and how many there are in all; "" is in every one. Capital and small letters are the same.
func (s *Store) SearchAccounts(ctx context.Context, text string, w AccountWindow) ([]*vigie.Account, int, error) {
	found := func() *bun.SelectQuery {
		q := s.db.NewSelect().Model((*vigie.Account)(nil)).Where("issuer <> ''")
		if text == "" {
			return q
		}
		has, pattern := s.db.Containing(text)
		return q.Where("email ?0 ?1 OR name ?0 ?1 OR subject ?0 ?1 OR id IN (SELECT account_id FROM recipients WHERE address_key ?0 ?1)", has, pattern)
	}
	total, err := found().Count(ctx)
	if err != nil {
		return nil, 0, database.Translate(err)
	}
	q := found().Limit(int64(w.Limit)).Order("id")
	switch {
	case w.Backwards:
		q = found().Limit(int64(w.Limit)).OrderExpr("id DESC")
		if w.Below != 0 {
			q = q.Where("id < ?", w.Below)
		}
	case w.Above != 0:
		q = q.Where("id > ?", w.Above)
	}
	var accounts []*vigie.Account
	err = q.Scan(ctx, &accounts)
	return accounts, int(total), database.Translate(err)
}

// Totals is how many things there are.
type Totals struct {
	Accounts, ImportedAccounts int
	Watches, ActiveWatches     int
	Tenders, Notices           int
	ledger.Totals
}

// Totals counts everything.
func (s *Store) Totals(ctx context.Context) (*Totals, error) {
	t := new(Totals)
	for _, count := range []struct {
		into         *int
		table, where string
	}{
		{&t.Accounts, "accounts", "issuer <> ''"},
		{&t.ImportedAccounts, "accounts", "issuer <> '' AND imported"},
		{&t.Watches, "watches", "deleted_at IS NULL"},
		{&t.ActiveWatches, "watches", "deleted_at IS NULL AND active"},
		{&t.Tenders, "tenders", "merged_into IS NULL AND outcome <> '" + string(vigie.Withdrawn) + "'"},
		{&t.Notices, "notices", "NOT withdrawn"},
	} {
		n, err := s.db.NewSelect().Table(count.table).Where(count.where).Count(ctx)
		if err != nil {
			return nil, database.Translate(err)
		}
		*count.into = int(n)
	}
	var err error
	t.Totals, err = s.ledger.Totals(ctx)
	return t, err
}

// Usage is what happened in a period.
type Usage struct {
	From, To                time.Time
	NewAccounts, NewWatches int
	ledger.Usage
}

// Usage counts what happened in periods, each from a time until the next one.
func (s *Store) Usage(ctx context.Context, times []time.Time) ([]*Usage, error) {
	accounts, err := database.CountBetween(ctx, s.db.NewSelect().Table("accounts").Where("issuer <> ''"), "created_at", times)
	if err != nil {
		return nil, err
	}
	watches, err := database.CountBetween(ctx, s.db.NewSelect().Table("watches"), "created_at", times)
	if err != nil {
		return nil, err
	}
	entered, err := s.ledger.Usage(ctx, times)
	if err != nil {
		return nil, err
	}
	list := make([]*Usage, len(times)-1)
	for i := range list {
		list[i] = &Usage{times[i], times[i+1], accounts[i], watches[i], entered[i]}
	}
	return list, nil
}
