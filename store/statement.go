package store

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"vigie"
)

// statement is a query whose arguments are passed beside it. Bun writes it once,
// where else it writes a query anew each time, arguments and all; so the
// database too parses and plans it once, on each connection. It is for what
// pages ask most. It names all columns: those that a later version adds shall
// not change what it gives.
type statement string

// statements are those of a store.
type statements struct {
	watches, tenders, buyers, notices, dossier statement
}

func (d dialect) statements(db *bun.DB) statements {
	byID := func(model any) statement {
		return statement(db.NewSelect().Model(model).Where("id ?", d.among(1)).String())
	}
	return statements{
		watches: statement(watchesOf(db, d.argument(1)).String()),
		tenders: byID((*vigie.Tender)(nil)),
		buyers:  byID((*vigie.Buyer)(nil)),
		notices: statement(db.NewSelect().Model((*vigie.Notice)(nil)).Where("tender_id ?", d.among(1)).Where("NOT withdrawn").Order("id").String()),
		dossier: statement(db.NewSelect().Model((*vigie.Tender)(nil)).ColumnExpr("?TableColumns").
			ColumnExpr(columns(db, (*vigie.Buyer)(nil), "buyer")).ColumnExpr(columns(db, (*vigie.Notice)(nil), "notice", "links", "buyer", "content")).
			Join("JOIN buyers AS buyer ON buyer.id = tender.buyer_id").Join("JOIN notices AS notice ON notice.tender_id = tender.id").
			Where("tender.id = ?", d.argument(1)).Where("NOT notice.withdrawn").Order("notice.id").String()),
	}
}

// columns are a model's but for some, under names that begin with the alias of
// its table, as a field with the tag « embed:alias__ » takes them.
func columns(db *bun.DB, model any, alias string, but ...string) string {
	var list []string
	for _, field := range db.Table(reflect.TypeOf(model).Elem()).Fields {
		if slices.Contains(but, field.Name) {
			continue
		}
		list = append(list, fmt.Sprintf("%s.%s AS %s__%s", alias, field.Name, alias, field.Name))
	}
	return strings.Join(list, ", ")
}

// scan runs the statement and reads its rows.
func (s *Store) scan(ctx context.Context, query statement, rows any, args ...any) error {
	return s.db.NewRaw(string(query)).Conn(beside{s.db.DB, s.dialect.prepared(args)}).Scan(ctx, rows)
}

// beside is a connection that passes arguments beside queries.
type beside struct {
	*sql.DB
	args []any
}

// QueryContext implements [bun.IConn].
func (b beside) QueryContext(ctx context.Context, query string, _ ...any) (*sql.Rows, error) {
	return b.DB.QueryContext(ctx, query, b.args...)
}
