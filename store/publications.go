package store

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// Publications returns where the notices of tenders were published, by tender, without reading what they say; the ids must
// not be those of aliases.
func (s *Store) Publications(ctx context.Context, tenders []int64) (map[int64][]vigie.Publication, error) {
	publications := make(map[int64][]vigie.Publication, len(tenders))
	if len(tenders) == 0 {
		return publications, nil
	}
	var rows []*struct {
		vigie.Notice `bun:"embed:"`
		Address      string
	}
	err := s.db.NewSelect().Table("notices").Column("id", "source", "source_ref", "revision", "tender_id", "published_at").
		ColumnExpr("COALESCE(content ->> 'URL', '') AS address").
		Where("tender_id IN (?)", bun.List(tenders)).Where("NOT withdrawn").Scan(ctx, &rows)
	if err != nil {
		return nil, database.Translate(err)
	}
	byTender := make(map[int64][]*vigie.Notice)
	for _, row := range rows {
		row.Content.URL = row.Address
		byTender[row.TenderID] = append(byTender[row.TenderID], &row.Notice)
	}
	for tender, notices := range byTender {
		slices.SortFunc(notices, (*vigie.Notice).Compare)
		publications[tender] = vigie.PublicationsOf(notices)
	}
	return publications, nil
}
