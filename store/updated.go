package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// SourcesOf returns which sources published the notices of tenders, by tender; the ids must not be those of aliases.
func (s *Store) SourcesOf(ctx context.Context, tenders []int64) (map[int64][]string, error) {
	var rows []struct {
		TenderID int64
		Source   string
	}
	err := s.db.NewSelect().Model((*vigie.Notice)(nil)).Distinct().Column("tender_id", "source").
		Where("tender_id IN (?)", bun.List(tenders)).Where("NOT withdrawn").Scan(ctx, &rows)
	sources := make(map[int64][]string, len(tenders))
	for _, row := range rows {
		sources[row.TenderID] = append(sources[row.TenderID], row.Source)
	}
	return sources, database.Translate(err)
}

// UpdatedAt returns when the last notice of tenders was published, by tender; the ids must not be those of aliases.
func (s *Store) UpdatedAt(ctx context.Context, tenders []int64) (map[int64]time.Time, error) {
	var rows []struct {
		TenderID int64
		At       time.Time
	}
	err := s.db.NewSelect().Model((*vigie.Notice)(nil)).ColumnExpr("tender_id, MAX(published_at) AS at").
		Where("tender_id IN (?)", bun.List(tenders)).Where("NOT withdrawn").Group("tender_id").Scan(ctx, &rows)
	updated := make(map[int64]time.Time, len(rows))
	for _, row := range rows {
		updated[row.TenderID] = row.At.UTC()
	}
	return updated, database.Translate(err)
}
