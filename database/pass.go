package database

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// Passed are values that go to the database beside a query, not in its text. A query whose text never changes is parsed and
// planned once on each connection to PostgreSQL, which takes it longer than to find some rows by long lists of ids; and its plan
// goes by indexes, however few rows the tables have. It is for what the sender asks for each batch of mails: give a query the
// Passed as its connection, and write no value into it that changes. It names all columns that it reads.
type Passed struct {
	bun.IConn
	dialect
	values []any
}

// Pass passes values with a query: ids, pairs, times, texts.
func Pass(db bun.IDB, values ...any) *Passed {
	_, postgres := db.Dialect().(*pgdialect.Dialect)
	p := &Passed{IConn: connectionOf(db), dialect: dialect{postgres}}
	if postgres {
		p.values = append(p.values, pgx.QueryExecModeCacheStatement)
	}
	for _, value := range values {
		switch v := value.(type) {
		case []int64:
			value = p.IDs(v)
		case []Pair:
			value = pairsText(v)
		case time.Time:
			value = p.Time(v)
		}
		p.values = append(p.values, value)
	}
	return p
}

// connectionOf returns what runs the queries of a database or a transaction.
func connectionOf(db bun.IDB) bun.IConn {
	switch db := db.(type) {
	case *DB:
		return db.DB.DB
	case *bun.DB:
		return db.DB
	case bun.Tx:
		return db.Tx
	}
	return db
}

// QueryContext implements [bun.IConn].
func (p *Passed) QueryContext(ctx context.Context, query string, _ ...any) (*sql.Rows, error) {
	return p.IConn.QueryContext(ctx, query, p.values...)
}

// ExecContext implements [bun.IConn].
func (p *Passed) ExecContext(ctx context.Context, query string, _ ...any) (sql.Result, error) {
	return p.IConn.ExecContext(ctx, query, p.values...)
}

// Pairs returns the pairs of the n-th value as a table with the columns was and becomes.
func (p *Passed) Pairs(n int) bun.Safe {
	if !p.postgres {
		return "(SELECT value ->> 0 AS was, value ->> 1 AS becomes FROM json_each(" + p.Argument(n) + "))"
	}
	return "(SELECT (value ->> 0)::bigint AS was, (value ->> 1)::bigint AS becomes FROM jsonb_array_elements(" + p.Argument(n) + "::jsonb))"
}

// pairsText returns pairs as JSON.
func pairsText(pairs []Pair) string {
	list := make([][2]int64, len(pairs))
	for i, pair := range pairs {
		list[i] = [2]int64{pair.Was, pair.Becomes}
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic("database: plain numbers do not marshal: " + err.Error())
	}
	return string(text)
}
