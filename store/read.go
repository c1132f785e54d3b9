package store

import (
	"context"
	"maps"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// Tenders returns tenders by the ids asked for; a tender that was merged into another is returned under both ids.
// Unknown ids and withdrawn tenders are left out.
func (s *Store) Tenders(ctx context.Context, ids []int64) (map[int64]*vigie.Tender, error) {
	return published(s.TendersOfDeliveries(ctx, ids))
}

// TenderHeads is [Store.Tenders] without what most lists do not show, and which may be large: the tenders' descriptions,
// labels, lots and details are empty.
func (s *Store) TenderHeads(ctx context.Context, ids []int64) (map[int64]*vigie.Tender, error) {
	return published(byID(ids, place, func(ids []int64) (rows []*vigie.Tender, err error) {
		err = s.db.Run(ctx, s.statements.tenderHeads, &rows, s.db.IDs(ids))
		return rows, err
	}))
}

// TendersWithBuyers is [Store.Tenders], or [Store.TenderHeads] if heads is set, with the buyers of the tenders, by the
// buyers' ids: one statement reads both. Buyers that were merged into others are left out.
func (s *Store) TendersWithBuyers(ctx context.Context, ids []int64, heads bool) (map[int64]*vigie.Tender, map[int64]*vigie.Buyer, error) {
	statement := s.statements.tendersWithBuyers
	if heads {
		statement = s.statements.tenderHeadsWithBuyers
	}
	buyers := make(map[int64]*vigie.Buyer)
	tenders, err := published(byID(ids, place, func(ids []int64) ([]*vigie.Tender, error) {
		var rows []*struct {
			vigie.Tender
			Buyer vigie.Buyer `bun:"embed:buyer__"`
		}
		err := s.db.Run(ctx, statement, &rows, s.db.IDs(ids))
		tenders := make([]*vigie.Tender, len(rows))
		for i, row := range rows {
			if tenders[i] = &row.Tender; row.Buyer.MergedInto == nil {
				buyers[row.Buyer.ID] = &row.Buyer
			}
		}
		return tenders, err
	}))
	return tenders, buyers, err
}

// published leaves out withdrawn tenders.
func published(tenders map[int64]*vigie.Tender, err error) (map[int64]*vigie.Tender, error) {
	maps.DeleteFunc(tenders, func(_ int64, t *vigie.Tender) bool { return t == nil || t.Outcome == vigie.Withdrawn })
	return tenders, err
}

// TendersOfDeliveries is [Store.Tenders] with withdrawn tenders included: deliveries keep naming them.
func (s *Store) TendersOfDeliveries(ctx context.Context, ids []int64) (map[int64]*vigie.Tender, error) {
	return byID(ids, place, func(ids []int64) (rows []*vigie.Tender, err error) {
		err = s.db.Run(ctx, s.statements.tenders, &rows, s.db.IDs(ids))
		return rows, err
	})
}

func tendersByID(ctx context.Context, db bun.IDB, ids []int64) (map[int64]*vigie.Tender, error) {
	return byID(ids, place, func(ids []int64) (rows []*vigie.Tender, err error) {
		err = db.NewSelect().Model(&rows).Where("id IN (?)", bun.List(ids)).Scan(ctx)
		return rows, err
	})
}

func place(t *vigie.Tender) (id int64, into *int64) { return t.ID, t.MergedInto }

// TenderOfRef returns the id of a notice's tender, by the notice's reference at its source; 0 where there is none.
func (s *Store) TenderOfRef(ctx context.Context, source, ref string) (int64, error) {
	row := tenderRef{Source: source, Ref: ref}
	err := s.db.NewSelect().Model(&row).WherePK().Scan(ctx)
	if database.IsNoRows(err) {
		return 0, nil
	}
	return row.TenderID, database.Translate(err)
}

// Buyers returns buyers by the ids asked for, as [Store.Tenders] does.
func (s *Store) Buyers(ctx context.Context, ids []int64) (map[int64]*vigie.Buyer, error) {
	where := func(b *vigie.Buyer) (int64, *int64) { return b.ID, b.MergedInto }
	return byID(ids, where, func(ids []int64) (rows []*vigie.Buyer, err error) {
		err = s.db.Run(ctx, s.statements.buyers, &rows, s.db.IDs(ids))
		return rows, err
	})
}

// byID reads rows that can be merged. An alias never leads to another alias, so two reads are enough.
func byID[T any](ids []int64, of func(*T) (id int64, into *int64), read func(ids []int64) ([]*T, error)) (map[int64]*T, error) {
	found := make(map[int64]*T, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	aliases := make(map[int64]int64)
	for wanted := ids; len(wanted) > 0; {
		rows, err := read(wanted)
		if err != nil {
			return nil, database.Translate(err)
		}
		wanted = nil
		for _, row := range rows {
			id, into := of(row)
			if into == nil {
				found[id] = row
				continue
			}
			aliases[id] = *into
			wanted = append(wanted, *into)
		}
	}
	for alias, id := range aliases {
		found[alias] = found[id]
	}
	return found, nil
}

// Notices returns all notices of tenders, by tender, except withdrawn ones; the ids must not be those of aliases.
func (s *Store) Notices(ctx context.Context, tenders []int64) (map[int64][]*vigie.Notice, error) {
	var rows []*vigie.Notice
	if err := s.db.Run(ctx, s.statements.notices, &rows, s.db.IDs(tenders)); err != nil {
		return nil, database.Translate(err)
	}
	return byTender(rows), nil
}

func noticesOf(ctx context.Context, db bun.IDB, tenders []int64) (map[int64][]*vigie.Notice, error) {
	var rows []*vigie.Notice
	err := db.NewSelect().Model(&rows).Where("tender_id IN (?)", bun.List(tenders)).Where("NOT withdrawn").Order("id").Scan(ctx)
	if err != nil {
		return nil, database.Translate(err)
	}
	return byTender(rows), nil
}

func byTender(notices []*vigie.Notice) map[int64][]*vigie.Notice {
	by := make(map[int64][]*vigie.Notice)
	for _, n := range notices {
		by[n.TenderID] = append(by[n.TenderID], n)
	}
	return by
}

// Dossier is a tender with its buyer and all its notices.
type Dossier struct {
	Tender *vigie.Tender
	Buyer  *vigie.Buyer
	// Notices come without their content, which is large and in the tender: Links, Buyer and Content are empty.
	Notices []*vigie.Notice
}

// Dossier returns a tender with its buyer and notices, at one moment: one statement reads it. It returns nil for a
// tender that does not exist, or was merged into another. Its tender is as [Store.TenderHeads] returns it if heads is set.
func (s *Store) Dossier(ctx context.Context, id int64, heads bool) (*Dossier, error) {
	var rows []*struct {
		vigie.Tender
		Buyer  vigie.Buyer  `bun:"embed:buyer__"`
		Notice vigie.Notice `bun:"embed:notice__"`
	}
	statement := s.statements.dossier
	if heads {
		statement = s.statements.dossierHeads
	}
	err := s.db.Run(ctx, statement, &rows, id)
	if err != nil || len(rows) == 0 {
		return nil, database.Translate(err)
	}
	d := &Dossier{Tender: &rows[0].Tender, Buyer: &rows[0].Buyer}
	for _, row := range rows {
		d.Notices = append(d.Notices, &row.Notice)
	}
	return d, nil
}

// Notice returns one notice, unless it was withdrawn.
func (s *Store) Notice(ctx context.Context, id int64) (*vigie.Notice, error) {
	n := &vigie.Notice{ID: id}
	err := s.db.NewSelect().Model(n).WherePK().Where("NOT withdrawn").Scan(ctx)
	return n, database.Translate(err)
}

// ChangedTenders returns at most limit tenders whose last change has a number above after, in the order of the
// numbers; merged ones too.
func (s *Store) ChangedTenders(ctx context.Context, after int64, limit int64) ([]*vigie.Tender, error) {
	var tenders []*vigie.Tender
	err := s.db.NewSelect().Model(&tenders).Where("number > ?", after).Order("number").Limit(limit).Scan(ctx)
	return tenders, database.Translate(err)
}

// SourceRefs returns the numbers of tenders' notices at their sources, by tender; the ids must not be those of aliases.
func (s *Store) SourceRefs(ctx context.Context, tenders []int64) (map[int64][]string, error) {
	refs := make(map[int64][]string, len(tenders))
	if len(tenders) == 0 {
		return refs, nil
	}
	var rows []tenderRef
	err := s.db.NewSelect().Model(&rows).Where("tender_id IN (?)", bun.List(tenders)).Where("source <> ?", anywhere).Order("source", "ref").Scan(ctx)
	for _, row := range rows {
		refs[row.TenderID] = append(refs[row.TenderID], row.Ref)
	}
	return refs, database.Translate(err)
}

// BuyerNames returns the names, folded, that buyers are or were published under, by buyer.
func (s *Store) BuyerNames(ctx context.Context, buyers []int64) (map[int64][]string, error) {
	names := make(map[int64][]string, len(buyers))
	if len(buyers) == 0 {
		return names, nil
	}
	var rows []buyerName
	err := s.db.NewSelect().Model(&rows).Where("buyer_id IN (?)", bun.List(buyers)).Order("buyer_id", "folded_name").Scan(ctx)
	for _, row := range rows {
		names[row.BuyerID] = append(names[row.BuyerID], row.FoldedName)
	}
	return names, database.Translate(err)
}
