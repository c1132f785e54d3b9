package store

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// statements are the prepared statements of a store.
type statements struct {
	account, watches, watchesByID, tenders, tenderHeads, tendersWithBuyers, tenderHeadsWithBuyers, buyers, notices, dossier, dossierHeads database.Statement
	// marked are those of [Store.MarkedTenders], by the mark.
	marked map[Mark]database.Statement
}

func statementsOf(db *database.DB) statements {
	byID := func(model any) database.Statement {
		return database.Statement(db.NewSelect().Model(model).Where("id ?", db.Among(1)).String())
	}
	marked := make(map[Mark]database.Statement)
	for _, mark := range []Mark{Seen, Dismissed, Interested} {
		marked[mark] = database.Statement(markedTenders(db, mark).String() + " LIMIT " + string(db.Argument(3)))
	}
	return statements{
		account:               database.Statement(db.NewSelect().Model((*vigie.Account)(nil)).Where("issuer = ?", db.Argument(1)).Where("subject = ?", db.Argument(2)).String()),
		marked:                marked,
		watches:               database.Statement(watchesOf(db, db.Argument(1)).String()),
		watchesByID:           database.Statement(watchesOf(db, db.Argument(1)).Where("id ?", db.Among(2)).String()),
		tenders:               byID((*vigie.Tender)(nil)),
		tenderHeads:           database.Statement(db.NewSelect().Model((*vigie.Tender)(nil)).ExcludeColumn(notInHeads()...).Where("id ?", db.Among(1)).String()),
		tendersWithBuyers:     withBuyers(db, db.NewSelect().Model((*vigie.Tender)(nil)).ColumnExpr("?TableColumns")),
		tenderHeadsWithBuyers: withBuyers(db, db.NewSelect().Model((*vigie.Tender)(nil)).ExcludeColumn(notInHeads()...)),
		buyers:                byID((*vigie.Buyer)(nil)),
		notices:               database.Statement(db.NewSelect().Model((*vigie.Notice)(nil)).Where("tender_id ?", db.Among(1)).Where("NOT withdrawn").Order("id").String()),
		dossier:               dossierStatement(db, db.NewSelect().Model((*vigie.Tender)(nil)).ColumnExpr("?TableColumns")),
		dossierHeads:          dossierStatement(db, db.NewSelect().Model((*vigie.Tender)(nil)).ExcludeColumn(notInHeads()...)),
	}
}

// notInHeads are the columns of a tender that its head lacks: what most lists do not show, and may be large.
func notInHeads() []string { return []string{"description", "labels", "lots", "details"} }

// withBuyers adds to a query of tenders the buyers of some.
func withBuyers(db *database.DB, tenders *bun.SelectQuery) database.Statement {
	return database.Statement(tenders.ColumnExpr(columns(db.DB, (*vigie.Buyer)(nil), "buyer")).
		Join("JOIN buyers AS buyer ON buyer.id = tender.buyer_id").Where("tender.id ?", db.Among(1)).String())
}

// dossierStatement adds to a query of tenders the buyer and the notices of one.
func dossierStatement(db *database.DB, tenders *bun.SelectQuery) database.Statement {
	return database.Statement(tenders.
		ColumnExpr(columns(db.DB, (*vigie.Buyer)(nil), "buyer")).ColumnExpr(columns(db.DB, (*vigie.Notice)(nil), "notice", "links", "buyer", "content")).
		Join("JOIN buyers AS buyer ON buyer.id = tender.buyer_id").Join("JOIN notices AS notice ON notice.tender_id = tender.id").
		Where("tender.id = ?", db.Argument(1)).Where("NOT notice.withdrawn").Order("notice.id").String())
}

// columns returns the columns of a model, except some, under names that begin with the alias of its table, as a field
// with the tag « embed:alias__ » takes them.
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
