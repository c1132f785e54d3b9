package database

import (
	"context"
	"database/sql"
)

// Statement is a query whose arguments are passed separately. Bun formats it once, and the database parses and plans
// it once on each connection; Bun formats other queries each time, with their arguments. It is for the most frequent
// queries of pages. It names all columns, so that columns added by a later version do not change its result.
type Statement string

// Run runs a statement and reads its rows.
func (db *DB) Run(ctx context.Context, query Statement, rows any, args ...any) error {
	return db.NewRaw(string(query)).Conn(argConn{db.DB.DB, db.Prepared(args)}).Scan(ctx, rows)
}

// argConn is a connection that passes arguments with queries.
type argConn struct {
	*sql.DB
	args []any
}

// QueryContext implements [bun.IConn].
func (c argConn) QueryContext(ctx context.Context, query string, _ ...any) (*sql.Rows, error) {
	return c.DB.QueryContext(ctx, query, c.args...)
}
