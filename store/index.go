package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"vigie/database"
)

// SearchIndex is a search index that was begun, complete or not.
type SearchIndex struct {
	bun.BaseModel `bun:"search_indexes"`
	Name          string `bun:",pk"`
	// Version names the rules that built its documents: a binary uses only indexes of its own version.
	Version    string
	Generation int64
	// Reached is the last change that the index was seen to contain; nil until it has caught up for the first time.
	// An index that contains less has lost data.
	Reached *int64
}

// SearchIndexes returns the indexes of a version, newest first.
func (s *Store) SearchIndexes(ctx context.Context, version string) ([]SearchIndex, error) {
	var list []SearchIndex
	err := s.db.NewSelect().Model(&list).Where("version = ?", version).Order("generation DESC").Scan(ctx)
	return list, database.Translate(err)
}

// BeginIndex names a new index of a version, to be built from scratch: `reindex` asks for one, and a lost index needs
// one.
func (s *Store) BeginIndex(ctx context.Context, version string) (SearchIndex, error) {
	return s.beginIndex(ctx, version, false)
}

// FirstIndex names the first index of a version, unless there is one: several nodes may begin at the same time.
func (s *Store) FirstIndex(ctx context.Context, version string) (SearchIndex, error) {
	return s.beginIndex(ctx, version, true)
}

func (s *Store) beginIndex(ctx context.Context, version string, first bool) (SearchIndex, error) {
	epoch, err := s.Epoch(ctx)
	if err != nil {
		return SearchIndex{}, err
	}
	next := SearchIndex{Version: version, Generation: 1}
	err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.db.Queue(ctx, tx, "index"); err != nil {
			return err
		}
		var last SearchIndex
		err := tx.NewSelect().Model(&last).Where("version = ?", version).Order("generation DESC").Limit(1).Scan(ctx)
		switch {
		case err == nil && first:
			next = last
			return nil
		case err == nil:
			next.Generation = last.Generation + 1
		case !database.IsNoRows(err):
			return err
		}
		next.Name = fmt.Sprintf("%s-%s-g%d", strings.ToLower(epoch[:8]), version, next.Generation)
		_, err = tx.NewInsert().Model(&next).Exec(ctx)
		return err
	})
	return next, err
}

// IndexReached records that an index, or one of its copies, has caught up with a change; from the first time on it is
// active. Of several copies, the one that contains most counts.
func (s *Store) IndexReached(ctx context.Context, name string, number int64) error {
	_, err := s.db.NewUpdate().Model((*SearchIndex)(nil)).Set("reached = ?", number).Where("name = ?", name).
		Where("reached IS NULL OR reached < ?", number).Exec(ctx)
	return database.Translate(err)
}

// DeleteIndex deletes the row of an index that was lost or is no longer needed.
func (s *Store) DeleteIndex(ctx context.Context, name string) error {
	_, err := s.db.NewDelete().Model((*SearchIndex)(nil)).Where("name = ?", name).Exec(ctx)
	return database.Translate(err)
}
