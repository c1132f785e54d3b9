package database

import (
	"context"
	"database/sql"
	"reflect"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// Statement is a query whose arguments are passed separately. Bun formats it once, and the database parses and plans
// it once on each connection; Bun formats other queries each time, with their arguments. It is for the most frequent
// queries of pages. It names all columns, so that columns added by a later version do not change its result.
type Statement string

// Run runs a statement and reads its rows into a slice that rows points to: of pointers to structs, or of values. A
// statement only reads. On PostgreSQL it may be sent together with those of other callers, see [pipeline].
func (db *DB) Run(ctx context.Context, query Statement, rows any, args ...any) error {
	if db.pipeline == nil {
		return db.NewRaw(string(query)).Conn(argConn{db.DB.DB, args}).Scan(ctx, rows)
	}
	ctx, event := db.observed(ctx, query, args)
	err := db.pipeline.read(ctx, query, args, reflect.ValueOf(rows).Elem())
	if event != nil {
		event.Err = err
		for _, hook := range slices.Backward(db.hooks) {
			hook.AfterQuery(ctx, event)
		}
	}
	return err
}

// observed calls the hooks before a statement is run, as Bun does for other queries. The event is nil if there are no hooks.
func (db *DB) observed(ctx context.Context, query Statement, args []any) (context.Context, *bun.QueryEvent) {
	if len(db.hooks) == 0 {
		return ctx, nil
	}
	event := &bun.QueryEvent{DB: db.DB, Query: string(query), QueryTemplate: string(query), QueryArgs: args, StartTime: time.Now()}
	for _, hook := range db.hooks {
		ctx = hook.BeforeQuery(ctx, event)
	}
	return ctx, event
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
