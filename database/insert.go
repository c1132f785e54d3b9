package database

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// Insert inserts rows, given as a pointer to a slice of a model. Conflict says what is done with rows whose key exists,
// such as "CONFLICT DO NOTHING"; with "", such a row is an error.
func Insert(ctx context.Context, tx bun.Tx, rows any, conflict string) error {
	insertion, err := Prepare(tx, rows, conflict)
	if err != nil {
		return err
	}
	return insertion.Run(ctx)
}

// Insertion is rows that are ready to be inserted.
type Insertion struct {
	query interface {
		Exec(ctx context.Context, dest ...any) (sql.Result, error)
	}
}

// Run inserts the rows.
func (i *Insertion) Run(ctx context.Context) error {
	_, err := i.query.Exec(ctx)
	return err
}

// Prepare is [Insert] up to where the database is needed.
//
// PostgreSQL takes as long to read and plan the values of a batch as to store them. So it gets them as arguments, one
// array for each column, of a statement that is the same for all batches and is prepared once.
func Prepare(tx bun.Tx, rows any, conflict string) (*Insertion, error) {
	if _, postgres := tx.Dialect().(*pgdialect.Dialect); !postgres {
		q := tx.NewInsert().Model(rows).Returning("NULL") // Bun would read back what is null
		if conflict != "" {
			q = q.On(conflict)
		}
		return &Insertion{q}, nil
	}
	list := reflect.Indirect(reflect.ValueOf(rows))
	model := list.Type().Elem()
	for model.Kind() == reflect.Pointer {
		model = model.Elem()
	}
	table := tx.Dialect().Tables().Get(model)
	var names, values []string
	args := []any{pgx.QueryExecModeCacheStatement}
	for i, field := range table.Fields {
		column, kind, err := columnOf(field, list)
		if err != nil {
			return nil, err
		}
		args, names = append(args, column), append(names, string(field.SQLName))
		values = append(values, fmt.Sprintf("unnest($%d::%s[])", i+1, kind))
	}
	query := "INSERT INTO " + string(table.SQLName) + " (" + strings.Join(names, ", ") + ") SELECT " + strings.Join(values, ", ")
	if conflict != "" {
		query += " ON " + conflict
	}
	return &Insertion{tx.NewRaw(strings.ReplaceAll(query, "?", `\?`)).Conn(argTx{tx.Tx, args})}, nil
}

// argTx is a transaction that passes arguments with statements.
type argTx struct {
	*sql.Tx
	args []any
}

// ExecContext implements [bun.IConn].
func (c argTx) ExecContext(ctx context.Context, query string, _ ...any) (sql.Result, error) {
	return c.Tx.ExecContext(ctx, query, c.args...)
}
