package database

import "github.com/uptrace/bun"

// IndexReached selects the last change that the active search index of a version contains, 0 if none is active.
func IndexReached(db bun.IDB, version string) *bun.SelectQuery {
	return db.NewSelect().TableExpr("search_indexes AS i").ColumnExpr("COALESCE(MAX(i.reached), 0)").
		Where("i.generation = (?)", db.NewSelect().TableExpr("search_indexes AS newest").
			ColumnExpr("MAX(newest.generation)").Where("newest.version = ?", version).Where("newest.reached IS NOT NULL")).
		Where("i.version = ?", version)
}
