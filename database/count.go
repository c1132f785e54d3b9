package database

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// CountBetween counts the rows of a query by the times in a column: those from each time until the next one. It returns
// one number less than there are times.
func CountBetween(ctx context.Context, q *bun.SelectQuery, column string, times []time.Time) ([]int, error) {
	counts := make([]int, len(times)-1)
	into := make([]any, len(counts))
	for i := range counts {
		q = q.ColumnExpr("COALESCE(SUM(CASE WHEN ?0 >= ?1 AND ?0 < ?2 THEN 1 ELSE 0 END), 0)", bun.Ident(column), times[i], times[i+1])
		into[i] = &counts[i]
	}
	err := q.Scan(ctx, into...)
	return counts, Translate(err)
}
