package store

import (
	"context"

	"github.com/uptrace/bun"

	"vigie"
)

// byRef returns the ids that references of a source lead to. The query selects the id of one reference, which it names
// asked.column1, and names the source in its first argument.
//
// It is a query of one value, so both databases ask it for each reference, by the index of source and reference. Where a table
// has no statistics yet, PostgreSQL takes any source for one of few rows, and would read all of them, for
// source = … AND ref IN (…) as for a join.
func byRef(ctx context.Context, db bun.IDB, query, source string, refs []string) (map[string]int64, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	var asked []bun.TupleValues
	for _, ref := range vigie.Sorted(refs) {
		asked = append(asked, bun.Tuple([]string{ref}))
	}
	var rows []struct {
		Ref string
		ID  *int64
	}
	err := db.NewSelect().TableExpr("(VALUES ?) AS asked", bun.List(asked)).ColumnExpr("asked.column1 AS ref").ColumnExpr("("+query+") AS id", source).Scan(ctx, &rows)
	ids := make(map[string]int64)
	for _, row := range rows {
		if row.ID != nil {
			ids[row.Ref] = *row.ID
		}
	}
	return ids, err
}
