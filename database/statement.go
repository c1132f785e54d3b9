package database

import (
	"context"
	"database/sql"
)

// Statement is a query whose arguments are passed with it. Bun writes it once,
// where else it writes a query each time, arguments and all; so the database too
// parses and plans it once, on each connection. It is for what pages ask most.
// It names all columns: those that a later version adds must not change what it
// gives.
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
