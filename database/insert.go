package database

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/schema"
)

// Insert inserts rows, given as a pointer to a slice of a model. Conflict says what is done with rows whose key exists,
// such as "CONFLICT DO NOTHING"; with "", such a row is an error.
//
// PostgreSQL takes as long to read and plan the values of a batch as to store them. So it gets them as arguments, one
// array for each column, of a statement that is the same for all batches and is prepared once.
func Insert(ctx context.Context, tx bun.Tx, rows any, conflict string) error {
	if _, postgres := tx.Dialect().(*pgdialect.Dialect); !postgres {
		q := tx.NewInsert().Model(rows).Returning("NULL") // Bun would read back what is null
		if conflict != "" {
			q = q.On(conflict)
		}
		_, err := q.Exec(ctx)
		return err
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
			return err
		}
		args, names = append(args, column), append(names, string(field.SQLName))
		value := fmt.Sprintf("unnest($%d::%s[])", i+1, kind)
		if kind == "text" && isJSON(field) {
			value += "::jsonb"
		}
		values = append(values, value)
	}
	query := "INSERT INTO " + string(table.SQLName) + " (" + strings.Join(names, ", ") + ") SELECT " + strings.Join(values, ", ")
	if conflict != "" {
		query += " ON " + conflict
	}
	_, err := tx.NewRaw(strings.ReplaceAll(query, "?", `\?`)).Conn(argTx{tx.Tx, args}).Exec(ctx)
	return err
}

// columnOf returns the values of a field of rows as an array for PostgreSQL, and the type of its elements.
func columnOf(field *schema.Field, rows reflect.Value) (column any, kind string, err error) {
	of := field.StructField.Type
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	switch {
	case of == reflect.TypeFor[time.Time]():
		return eachValue(field, rows, func(v reflect.Value) time.Time { return v.Interface().(time.Time) }), "timestamptz", nil
	case isJSON(field):
		texts := eachValue(field, rows, func(v reflect.Value) string {
			text, marshalErr := json.Marshal(v.Interface())
			if marshalErr != nil {
				err = marshalErr
			}
			return string(text)
		})
		return texts, "text", err
	case of.Kind() == reflect.String:
		return eachValue(field, rows, func(v reflect.Value) string { return strings.ReplaceAll(v.String(), "\x00", "") }), "text", nil
	case of.Kind() == reflect.Bool:
		return eachValue(field, rows, reflect.Value.Bool), "boolean", nil
	case of.Kind() == reflect.Int64, of.Kind() == reflect.Int:
		return eachValue(field, rows, reflect.Value.Int), "bigint", nil
	}
	return nil, "", fmt.Errorf("database: insert a %s", of)
}

// isJSON reports whether a field is stored as JSON.
func isJSON(field *schema.Field) bool {
	of := field.StructField.Type
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	return of != reflect.TypeFor[time.Time]() && (of.Kind() == reflect.Struct || of.Kind() == reflect.Slice || of.Kind() == reflect.Map)
}

// eachValue returns the values of a field of rows, nil for those that are null.
func eachValue[T any](field *schema.Field, rows reflect.Value, read func(reflect.Value) T) []*T {
	values := make([]*T, rows.Len())
	for i := range values {
		v := field.Value(reflect.Indirect(rows.Index(i)))
		if v.Kind() == reflect.Pointer && !v.IsNil() {
			v = v.Elem()
		}
		if (v.Kind() != reflect.Pointer && v.Kind() != reflect.Slice && v.Kind() != reflect.Map) || !v.IsNil() {
			values[i] = new(read(v))
		}
	}
	return values
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
