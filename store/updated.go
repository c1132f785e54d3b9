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

// Revision is how a tender has changed.
type Revision struct {
	// Count is how often it changed since it was first published. It never falls.
	Count int64
	// At is when it last changed: when its one notice was published, or when we received the last of several, which may have the
	// date of one before. Published is when the last one was published.
	At, Published time.Time
}

// Revisions returns how tenders have changed, by tender; the ids must not be those of aliases.
func (s *Store) Revisions(ctx context.Context, tenders []int64) (map[int64]Revision, error) {
	if len(tenders) == 0 {
		return nil, nil
	}
	var rows []struct {
		TenderID int64
		Count    int64
		At       time.Time
		Changed  *time.Time
	}
	// A withdrawal is a change too, and takes no notice away.
	err := s.db.NewSelect().Model((*vigie.Notice)(nil)).ColumnExpr("tender_id, COUNT(*) - 1 + COUNT(CASE WHEN withdrawn THEN 1 END) AS count").
		ColumnExpr("MAX(published_at) AS at, CASE WHEN COUNT(*) > 1 OR MAX(revision) > 1 THEN MAX(received_at) END AS changed").
		Where("tender_id IN (?)", bun.List(tenders)).Group("tender_id").Scan(ctx, &rows)
	revisions := make(map[int64]Revision, len(rows))
	for _, row := range rows {
		published := row.At.UTC().Truncate(time.Second)
		if row.Changed != nil && row.Changed.After(row.At) {
			row.At = *row.Changed
		}
		revisions[row.TenderID] = Revision{row.Count, row.At.UTC().Truncate(time.Second), published}
	}
	return revisions, database.Translate(err)
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
