package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/lexicon"
)

// buyerBook finds the buyer that a notice means, among those that the
// database has and those that the batch brings.
//
// A SIRET decides. A name without one means the one buyer that was ever
// published with that name in that department, if there is exactly one; else a
// buyer of its own. When a SIRET turns out to belong to such a name, the buyer
// of its own becomes, or joins, the one with the SIRET.
type buyerBook struct {
	bySIRET map[string]*bookedBuyer
	byName  map[nameKey][]*bookedBuyer
	all     []*bookedBuyer
}

type nameKey struct{ folded, department string }

// bookedBuyer is a buyer, and what the batch does to it.
type bookedBuyer struct {
	*vigie.Buyer
	added, altered bool
	newNames       []nameKey
	// into is the buyer that this one turned out to be.
	into *bookedBuyer
}

// current is the buyer itself, or the one that it turned out to be.
func (b *bookedBuyer) current() *bookedBuyer {
	for b.into != nil {
		b = b.into
	}
	return b
}

// buyerName is a row of buyer_names.
type buyerName struct {
	FoldedName     string `bun:",pk"`
	DepartmentCode string `bun:",pk"`
	BuyerID        int64  `bun:",pk"`
}

// loadBuyerBook reads the buyers that the notices can mean, with all their
// names.
func loadBuyerBook(ctx context.Context, tx bun.Tx, notices []*vigie.Notice) (*buyerBook, error) {
	book := &buyerBook{bySIRET: make(map[string]*bookedBuyer), byName: make(map[nameKey][]*bookedBuyer)}
	var sirets, folded []string
	for _, n := range notices {
		sirets = append(sirets, n.Buyer.SIRET)
		folded = append(folded, lexicon.Fold(n.Buyer.Name))
	}
	var buyers []*vigie.Buyer
	err := tx.NewSelect().Model(&buyers).
		Where("merged_into IS NULL").
		WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
			named := tx.NewSelect().Model((*buyerName)(nil)).Column("buyer_id").Where("folded_name IN (?)", bun.List(vigie.Sorted(folded)))
			return q.Where("siret IN (?)", bun.List(vigie.Sorted(sirets))).WhereOr("id IN (?)", named)
		}).
		Order("id").Scan(ctx)
	if err != nil || len(buyers) == 0 {
		return book, err
	}
	byID := make(map[int64]*bookedBuyer, len(buyers))
	ids := make([]int64, len(buyers))
	for i, buyer := range buyers {
		booked := &bookedBuyer{Buyer: buyer}
		byID[buyer.ID], ids[i] = booked, buyer.ID
		book.all = append(book.all, booked)
		if buyer.SIRET != nil {
			book.bySIRET[*buyer.SIRET] = booked
		}
	}
	var names []buyerName
	if err := tx.NewSelect().Model(&names).Where("buyer_id IN (?)", bun.List(ids)).Order("buyer_id").Scan(ctx); err != nil {
		return nil, err
	}
	for _, name := range names {
		key := nameKey{name.FoldedName, name.DepartmentCode}
		book.byName[key] = append(book.byName[key], byID[name.BuyerID])
	}
	return book, nil
}

// resolve finds or makes the buyer that goes by a name, as published at a time.
func (book *buyerBook) resolve(name vigie.BuyerName, at time.Time) *bookedBuyer {
	key := nameKey{lexicon.Fold(name.Name), name.DepartmentCode}
	var buyer *bookedBuyer
	if name.SIRET != "" {
		buyer = book.identified(name.SIRET, key)
	} else {
		buyer = book.named(key)
	}
	if buyer == nil {
		buyer = &bookedBuyer{added: true, Buyer: &vigie.Buyer{}}
		if name.SIRET != "" {
			buyer.SIRET = &name.SIRET
			book.bySIRET[name.SIRET] = buyer
		}
		book.all = append(book.all, buyer)
	}
	book.call(buyer, key)
	buyer.describe(name, at)
	return buyer
}

// describe has the buyer be called as it was last; of two names of one day the
// longer, more often spelt out, so that the order of arrival decides nothing.
// Where the last notice does not say where the buyer sits, another does.
func (b *bookedBuyer) describe(name vigie.BuyerName, at time.Time) {
	before := *b.Buyer
	newer := cmp.Or(at.Compare(b.NamedAt), cmp.Compare(len(name.Name), len(b.Name)), strings.Compare(name.Name, b.Name)) >= 0
	if newer {
		b.Name, b.FoldedName, b.NamedAt = name.Name, lexicon.Fold(name.Name), at
	}
	if name.City != "" && (newer || b.City == "") {
		b.City = name.City
	}
	if name.DepartmentCode != "" && (newer || b.DepartmentCode == "") {
		b.DepartmentCode = name.DepartmentCode
	}
	b.altered = b.altered || *b.Buyer != before
}

// identified finds the buyer of a SIRET. A buyer that was known by this name
// alone is the same, unless others share the name.
func (book *buyerBook) identified(siret string, key nameKey) *bookedBuyer {
	buyer := book.bySIRET[siret]
	var nameOnly *bookedBuyer
	shared := false
	for _, other := range book.byName[key] {
		switch {
		case other == buyer:
		case other.SIRET == nil:
			nameOnly = other
		default:
			shared = true
		}
	}
	switch {
	case nameOnly == nil || shared:
	case buyer == nil:
		buyer = nameOnly
		buyer.SIRET, buyer.altered = &siret, true
		book.bySIRET[siret] = buyer
	default:
		book.join(nameOnly, buyer)
	}
	return buyer
}

// named finds the buyer that a name without SIRET means; nil where that is a
// new one.
func (book *buyerBook) named(key nameKey) *bookedBuyer {
	candidates := book.byName[key]
	if len(candidates) == 1 {
		return candidates[0]
	}
	for _, buyer := range candidates {
		if buyer.SIRET == nil {
			return buyer
		}
	}
	return nil
}

// call notes that a buyer goes by a name.
func (book *buyerBook) call(buyer *bookedBuyer, key nameKey) {
	if !slices.Contains(book.byName[key], buyer) {
		book.byName[key] = append(book.byName[key], buyer)
		buyer.newNames = append(buyer.newNames, key)
	}
}

// join makes one buyer of two.
func (book *buyerBook) join(old, into *bookedBuyer) {
	old.into = into
	for key, buyers := range book.byName {
		if i := slices.Index(buyers, old); i >= 0 {
			book.byName[key] = slices.Delete(slices.Clone(buyers), i, i+1)
			book.call(into, key)
		}
	}
}

// changed counts the buyers that save will write.
func (book *buyerBook) changed() int {
	n := 0
	for _, b := range book.all {
		if b.writes() {
			n++
		}
	}
	return n
}

// writes tells whether the batch has anything to write of the buyer. One that
// it both made and joined to another never was.
func (b *bookedBuyer) writes() bool {
	return (b.added || b.altered) && b.into == nil || b.into != nil && !b.added
}

// save writes what the batch did to the buyers.
func (book *buyerBook) save(ctx context.Context, tx bun.Tx, numbers *counter) error {
	var rows, aliases []*vigie.Buyer
	var names []buyerName
	for _, b := range book.all {
		if !b.writes() {
			continue
		}
		b.Number = numbers.next()
		if b.added {
			b.ID = b.Number
		}
		if b.into == nil {
			rows = append(rows, b.Buyer)
		}
	}
	for _, b := range book.all {
		if b.into != nil && !b.added {
			b.MergedInto = &b.current().ID
			aliases = append(aliases, b.Buyer)
		}
		if b.into == nil {
			for _, key := range b.newNames {
				names = append(names, buyerName{key.folded, key.department, b.ID})
			}
		}
	}
	columns := []string{"name", "folded_name", "named_at", "siret", "city", "department_code", "number", "merged_into"}
	for _, batch := range [][]*vigie.Buyer{rows, aliases} {
		if len(batch) == 0 {
			continue
		}
		if err := upsert(ctx, tx, &batch, "id", columns); err != nil {
			return err
		}
	}
	if len(aliases) > 0 {
		moved, ids := make([]pair, len(aliases)), make([]int64, len(aliases))
		for i, alias := range aliases {
			moved[i], ids[i] = pair{alias.ID, *alias.MergedInto}, alias.ID
		}
		// An alias of an alias leads straight to the buyer.
		if err := replace(ctx, tx, "buyers", "merged_into", "merged_into", moved); err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model((*buyerName)(nil)).Where("buyer_id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
			return err
		}
	}
	if len(names) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&names).On("CONFLICT DO NOTHING").Exec(ctx)
	return err
}

// buyerMoves are the tenders and watches that follow buyers which joined
// others.
type buyerMoves struct {
	joined           []*bookedBuyer
	tenders, watches []movedRow
}

type movedRow struct{ ID, BuyerID int64 }

// moves finds what follows the joined buyers, and locks it.
func (book *buyerBook) moves(ctx context.Context, tx bun.Tx, dialect dialect) (buyerMoves, error) {
	var m buyerMoves
	var ids []int64
	for _, b := range book.all {
		if b.into != nil && !b.added {
			m.joined, ids = append(m.joined, b), append(ids, b.ID)
		}
	}
	if len(ids) == 0 {
		return m, nil
	}
	err := tx.NewSelect().Model((*vigie.Tender)(nil)).Column("id", "buyer_id").
		Where("buyer_id IN (?)", bun.List(ids)).Order("id").Scan(ctx, &m.tenders)
	if err != nil {
		return m, err
	}
	follow := tx.NewSelect().Table("watch_buyers").Column("watch_id").Where("buyer_id IN (?)", bun.List(ids))
	err = dialect.forUpdate(tx.NewSelect().Model((*vigie.Watch)(nil)).Column("id").
		Where("id IN (?)", follow).Order("id")).Scan(ctx, &m.watches)
	return m, err
}

// count is how many numbers save takes.
func (m buyerMoves) count() int { return len(m.tenders) + len(m.watches) }

// save has tenders and watches name the buyer that theirs turned out to be,
// and gives each a number.
func (m buyerMoves) save(ctx context.Context, tx bun.Tx, numbers *counter) error {
	var moved []pair
	for _, b := range m.joined {
		moved = append(moved, pair{b.ID, b.current().ID})
	}
	for _, table := range []string{"tenders", "watch_buyers"} {
		if err := replace(ctx, tx, table, "buyer_id", "buyer_id", moved); err != nil {
			return err
		}
	}
	for _, followers := range []struct {
		table string
		rows  []movedRow
	}{{"tenders", m.tenders}, {"watches", m.watches}} {
		var numbered []pair
		for _, row := range followers.rows {
			numbered = append(numbered, pair{row.ID, numbers.next()})
		}
		if err := replace(ctx, tx, followers.table, "number", "id", numbered); err != nil {
			return err
		}
	}
	return nil
}
