package database

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/uptrace/bun"
)

// Counter hands out change numbers that were taken.
type Counter int64

// Take takes n change numbers, as [TakeNumbers] does, to hand out one by one.
func Take(ctx context.Context, tx bun.Tx, n int) (Counter, error) {
	first, err := TakeNumbers(ctx, tx, n)
	return Counter(first), err
}

// Next returns the next of the numbers.
func (c *Counter) Next() int64 {
	n := *c
	*c++
	return int64(n)
}

// Upsert inserts rows; of rows whose key exists it replaces the named columns.
func Upsert(ctx context.Context, tx bun.Tx, rows any, key string, columns []string) error {
	sets := make([]string, len(columns))
	for i, column := range columns {
		sets[i] = column + " = EXCLUDED." + column
	}
	return Insert(ctx, tx, rows, "CONFLICT ("+key+") DO UPDATE SET "+strings.Join(sets, ", "))
}

// Pair is a column's old and new value.
type Pair struct{ Was, Becomes int64 }

// Replace sets the column set of a table where the column where has one of some values, all in one statement; only,
// if given, narrows the rows.
func Replace(ctx context.Context, tx bun.Tx, table, set, where string, pairs []Pair, only ...string) error {
	if len(pairs) == 0 {
		return nil
	}
	// PostgreSQL does not look for rows by what is within CASE. Else it reads all that waits for each of the pairs, where it
	// thinks that little does.
	var also strings.Builder
	for _, condition := range only {
		fmt.Fprintf(&also, " AND CASE WHEN %s THEN TRUE END", condition)
	}
	values := Pass(tx, pairs)
	_, err := tx.NewRaw("UPDATE ? SET ? = pairs.becomes FROM ? AS pairs WHERE ?.? = pairs.was?",
		bun.Ident(table), bun.Ident(set), values.Pairs(1), bun.Ident(table), bun.Ident(where), bun.Safe(also.String())).Conn(values).Exec(ctx)
	return err
}

// ReadApart reads rows by their ids, so that one that cannot be read keeps nobody from the others: if read fails because of
// a row, each half is read again, until that row is alone. It returns why rows cannot be read, by id.
func ReadApart(ids []int64, read func(ids []int64) error) (unreadable map[int64]error, err error) {
	unreadable = make(map[int64]error)
	if len(ids) == 0 {
		return unreadable, nil
	}
	switch err := read(ids); {
	case err == nil || !OfRow(err):
		return unreadable, err
	case len(ids) == 1:
		unreadable[ids[0]] = err
		return unreadable, nil
	}
	for half := range slices.Chunk(ids, (len(ids)+1)/2) {
		some, err := ReadApart(half, read)
		if err != nil {
			return nil, err
		}
		maps.Copy(unreadable, some)
	}
	return unreadable, nil
}

// NotNull returns a list in the form that columns take: never null.
func NotNull[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// Distinct sorts ids and removes duplicates.
func Distinct(ids []int64) []int64 {
	slices.Sort(ids)
	return slices.Compact(ids)
}
