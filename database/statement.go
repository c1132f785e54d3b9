package database

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// Statement is a query whose arguments are passed separately. Bun formats it once, and the database parses and plans
// it once on each connection; Bun formats other queries each time, with their arguments. It is for the most frequent
// queries of pages. It names all columns, so that columns added by a later version do not change its result.
type Statement string

// Read is a statement with its arguments, and with a pointer to the slice for its rows: of pointers to structs, or of values.
type Read struct {
	statement Statement
	rows      any
	args      []any
}

// Into returns the statement with a pointer to the slice for its rows, and its arguments.
func (s Statement) Into(rows any, args ...any) Read { return Read{s, rows, args} }

// Run runs a statement and reads its rows into a slice that rows points to. A statement only reads. On PostgreSQL it may be
// sent together with those of other callers, see [pipeline].
func (db *DB) Run(ctx context.Context, query Statement, rows any, args ...any) error {
	return db.RunAll(ctx, query.Into(rows, args...))
}

// RunAll runs statements as [DB.Run] does. On PostgreSQL they are sent together, so that all of them take one round trip; each
// sees what was committed when PostgreSQL came to it.
func (db *DB) RunAll(ctx context.Context, reads ...Read) error {
	if db.pipeline == nil {
		for _, r := range reads {
			if err := db.NewRaw(string(r.statement)).Conn(argConn{db.DB.DB, r.args}).Scan(ctx, r.rows); err != nil {
				return err
			}
		}
		return nil
	}
	calls, events := make([]*call, len(reads)), make([]*bun.QueryEvent, len(reads))
	for i, r := range reads {
		calls[i] = &call{Read: r, given: make(chan struct{})}
		calls[i].ctx, events[i] = db.observed(ctx, r)
	}
	db.pipeline.ask(calls)
	var failed error
	for i, c := range calls {
		err := db.pipeline.read(c)
		db.ended(c.ctx, events[i], err)
		failed = cmp.Or(failed, err)
	}
	return failed
}

// observed calls the hooks before a statement is run, as Bun does for other queries. The event is nil if there are no hooks.
func (db *DB) observed(ctx context.Context, r Read) (context.Context, *bun.QueryEvent) {
	if len(db.hooks) == 0 {
		return ctx, nil
	}
	event := &bun.QueryEvent{DB: db.DB, Query: string(r.statement), QueryTemplate: string(r.statement), QueryArgs: r.args, StartTime: time.Now()}
	for _, hook := range db.hooks {
		ctx = hook.BeforeQuery(ctx, event)
	}
	return ctx, event
}

// ended calls the hooks after a statement.
func (db *DB) ended(ctx context.Context, event *bun.QueryEvent, err error) {
	if event == nil {
		return
	}
	event.Err = err
	for _, hook := range slices.Backward(db.hooks) {
		hook.AfterQuery(ctx, event)
	}
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
