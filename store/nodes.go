package store

import (
	"context"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// NoticesByID returns notices by id; unknown and withdrawn ones are left out.
func (s *Store) NoticesByID(ctx context.Context, ids []int64) (map[int64]*vigie.Notice, error) {
	var notices []*vigie.Notice
	err := s.db.NewSelect().Model(&notices).Where("id IN (?)", bun.List(ids)).Where("NOT withdrawn").Scan(ctx)
	byID := make(map[int64]*vigie.Notice, len(notices))
	for _, n := range notices {
		byID[n.ID] = n
	}
	return byID, database.Translate(err)
}

// WatchesOf returns watches of an account by id.
func (s *Store) WatchesOf(ctx context.Context, account *vigie.Account, ids []int64) (map[int64]*vigie.Watch, error) {
	watches, err := s.Watches(ctx, account.ID, WatchFilter{IDs: ids})
	byID := make(map[int64]*vigie.Watch, len(watches))
	for _, w := range watches {
		byID[w.ID] = w
	}
	return byID, err
}
