package store

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// Tenders returns tenders by the ids asked for; a tender that was merged into another is returned under both ids.
// Unknown ids and withdrawn tenders are left out.
func (s *Store) Tenders(ctx context.Context, ids []int64) (map[int64]*vigie.Tender, error) {
	tenders, err := s.TendersOfDeliveries(ctx, ids)
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
// tender that does not exist, or was merged into another.
func (s *Store) Dossier(ctx context.Context, id int64) (*Dossier, error) {
	var rows []*struct {
		vigie.Tender
		Buyer  vigie.Buyer  `bun:"embed:buyer__"`
		Notice vigie.Notice `bun:"embed:notice__"`
	}
	err := s.db.Run(ctx, s.statements.dossier, &rows, id)
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

// FoundBuyer is a buyer in the result of a search.
type FoundBuyer struct {
	vigie.Buyer `bun:"embed:"`
	Rank        int64
}

// Place returns the buyer's place in the list.
func (b *FoundBuyer) Place() BuyerPlace { return BuyerPlace{b.Rank, b.FoldedName, b.ID} }

// BuyerPlace is a place in a list of buyers: it is sorted by rank, then folded
// name, then ID.
type BuyerPlace struct {
	Rank int64
	Name string
	ID   int64
}

// BuyerWindow is a part of a list of buyers: the first Limit beyond a place, or of all where Beyond is nil; with
// Backwards, counted from the end of the list.
type BuyerWindow struct {
	Now       time.Time // decides which tenders are online
	Beyond    *BuyerPlace
	Backwards bool
	Limit     int
}

// spellings are words of names that are also written in another way.
var spellings = map[string]string{"saint": "st", "st": "saint", "sainte": "ste", "ste": "sainte"}

// openAt is the condition that a tender has not closed at a time: the SQL of what [vigie.Tender.Status] says.
const openAt = "(COALESCE(tender.deadline, tender.online_until) IS NULL OR COALESCE(tender.deadline, tender.online_until) >= ?)"

// SearchBuyers returns the buyers whose name has, for each of the folded words, a word that starts with it or with
// another spelling of it (St, Saint), and how many there are in all. Buyers that match with whole words, or whose name
// starts with what was typed, come first; then those with most tenders online; then by name.
func (s *Store) SearchBuyers(ctx context.Context, words []string, w BuyerWindow) ([]*FoundBuyer, int, error) {
	if len(words) == 0 {
		return nil, 0, nil
	}
	matching := s.db.NewSelect().Model((*vigie.Buyer)(nil)).Where("merged_into IS NULL")
	// Folded words are letters and digits of any script: nothing in them is special to LIKE.
	whole := make([]string, len(words))
	for i, word := range words {
		whole[i] = s.format("' ' || folded_name || ' ' LIKE ?", "% "+word+" %")
		starts := s.format("' ' || folded_name LIKE ?", "% "+word+"%")
		if other, ok := spellings[word]; ok {
			otherwise := s.format(" OR ' ' || folded_name || ' ' LIKE ?", "% "+other+" %")
			whole[i], starts = "("+whole[i]+otherwise+")", "("+starts+otherwise+")"
		}
		matching.Where("?", bun.Safe(starts))
	}
	total, err := matching.Count(ctx)
	if err != nil {
		return nil, 0, database.Translate(err)
	}
	// Counted buyer by buyer, by an index: a join with counts of all is planned
	// by statistics, and those of a table that just grew are wrong.
	online := s.db.NewSelect().Model((*vigie.Tender)(nil)).ColumnExpr("COUNT(*)").Where("tender.buyer_id = buyer.id").
		Where("tender.merged_into IS NULL").Where("outcome = ?", vigie.Undecided).
		Where(openAt, w.Now)
	begins := s.format("folded_name LIKE ?", strings.Join(words, " ")+"%")
	// The classes are further apart than the number of online tenders of any buyer.
	ranked := matching.ExcludeColumn("merged_into").ColumnExpr("(CASE WHEN ? THEN 0 WHEN ? THEN 1 ELSE 2 END) * 1000000000 - (?) AS rank",
		bun.Safe(begins), bun.Safe(strings.Join(whole, " AND ")), online)
	beyond, direction := bun.Safe(">"), bun.Safe("ASC")
	if w.Backwards {
		beyond, direction = "<", "DESC"
	}
	q := s.db.NewSelect().WithQuery(bun.NewWithQuery("ranked", ranked).Materialized()).TableExpr("ranked").
		OrderExpr("rank ?0, folded_name ?0, id ?0", direction).Limit(int64(w.Limit))
	if p := w.Beyond; p != nil {
		q = q.Where("(rank, folded_name, id) ? (?, ?, ?)", beyond, p.Rank, p.Name, p.ID)
	}
	var buyers []*FoundBuyer
	err = q.Scan(ctx, &buyers)
	return buyers, int(total), database.Translate(err)
}

// format fills in a fragment of SQL as a query would.
func (s *Store) format(fragment string, args ...any) string {
	return s.db.QueryGen().FormatQuery(fragment, args...)
}
