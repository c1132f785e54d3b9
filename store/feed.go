package store

import (
	"context"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// FeedOwner is whose tenders a feed or a calendar lists.
type FeedOwner struct {
	Account *vigie.Account
	// Watch is the only watch that it is of, without its buyers; nil for all of the account.
	Watch *vigie.Watch
	// Changed is the number of the last change of these watches.
	Changed int64
}

// FeedOfWatch returns the owner of the feed of a watch. If the watch was deleted, the error has the code
// [vigie.NotFound].
func (s *Store) FeedOfWatch(ctx context.Context, id int64) (*FeedOwner, error) {
	w := &vigie.Watch{ID: id}
	err := s.db.NewSelect().Model(w).WherePK().Where("deleted_at IS NULL").Scan(ctx)
	if err != nil {
		return nil, database.Translate(err)
	}
	owner, err := s.feedAccount(ctx, w.AccountID)
	return &FeedOwner{Account: owner, Watch: w, Changed: w.Number}, err
}

// FeedOfAccount returns the owner of the feed of all watches of an account. If the account was erased, the error has the
// code [vigie.NotFound].
func (s *Store) FeedOfAccount(ctx context.Context, id int64) (*FeedOwner, error) {
	owner, err := s.feedAccount(ctx, id)
	if err != nil {
		return nil, err
	}
	f := &FeedOwner{Account: owner}
	err = s.db.NewSelect().Model((*vigie.Watch)(nil)).ColumnExpr("COALESCE(MAX(number), 0)").Where("account_id = ?", id).Scan(ctx, &f.Changed)
	return f, database.Translate(err)
}

// feedAccount reads an account as it is now: a cached one may have the former version.
func (s *Store) feedAccount(ctx context.Context, id int64) (*vigie.Account, error) {
	account := &vigie.Account{ID: id}
	err := s.db.NewSelect().Model(account).WherePK().Where("issuer <> ''").Scan(ctx)
	return account, database.Translate(err)
}

// FeedVersions returns the versions of the addresses of accounts' feeds, as they are now: a cached account may have the
// former one.
func (s *Store) FeedVersions(ctx context.Context, accounts []int64) (map[int64]int64, error) {
	var rows []*vigie.Account
	err := s.db.NewSelect().Model(&rows).Column("id", "feed_version").Where("id IN (?)", bun.List(accounts)).Scan(ctx)
	versions := make(map[int64]int64, len(rows))
	for _, row := range rows {
		versions[row.ID] = row.FeedVersion
	}
	return versions, database.Translate(err)
}

// RotateFeed ends the addresses of the feed and the calendar of a watch of an account; with watch 0, of all feeds and
// calendars of the account. It returns the watch as it is then; nil for 0.
func (s *Store) RotateFeed(ctx context.Context, account, watch int64) (*vigie.Watch, error) {
	var w *vigie.Watch
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		a, err := s.lockAccount(ctx, tx, account)
		if err != nil {
			return err
		}
		if watch == 0 {
			a.FeedVersion++
			_, err = tx.NewUpdate().Model(a).Column("feed_version").WherePK().Exec(ctx)
			return err
		}
		w = &vigie.Watch{ID: watch}
		if err := s.lockWatch(ctx, tx, account, w); err != nil {
			return err
		}
		w.FeedVersion++
		_, err = tx.NewUpdate().Model(w).Column("feed_version").WherePK().Exec(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}
