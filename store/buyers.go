package store

import (
	"context"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
	"vigie/lexicon"
)

// Registered is the outcome of one record of a register.
type Registered struct {
	Outcome Outcome
	Buyer   *vigie.Buyer // as stored
}

// RegisterBuyers updates the buyers from a platform's register, at most [vigie.MaxBatch] records. The result has one
// entry for each record. Buyers that turn out to be the same are merged: both ids lead to the merged buyer, and
// tenders and watches refer to it.
func (s *Store) RegisterBuyers(ctx context.Context, records []*vigie.BuyerRecord) ([]Registered, error) {
	results := make([]Registered, len(records))
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.db.Queue(ctx, tx, "publish"); err != nil {
			return err
		}
		var clues buyerClues
		for _, r := range records {
			for _, ref := range append([]string{r.Ref}, r.FormerRefs...) {
				for _, name := range append([]string{r.Name}, r.FormerNames...) {
					clues.add(r.Source, vigie.BuyerName{Name: name, SIRET: r.SIRET, Ref: ref})
				}
			}
		}
		book, err := loadBuyerBook(ctx, tx, &clues)
		if err != nil {
			return err
		}
		found := make([]*bookedBuyer, len(records))
		for i, r := range records {
			before, known := book.changes, len(book.all)
			found[i] = book.register(r, s.db.Stamp())
			switch {
			case len(book.all) > known:
				results[i].Outcome = Created
			case book.changes > before:
				results[i].Outcome = Corrected
			default:
				results[i].Outcome = Unchanged
			}
		}
		if book.changes > 0 {
			if err := s.saveBuyers(ctx, tx, book); err != nil {
				return err
			}
		}
		for i, b := range found {
			results[i].Buyer = b.current().Buyer
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// saveBuyers writes what is new in a book, and nothing else.
func (s *Store) saveBuyers(ctx context.Context, tx bun.Tx, book *buyerBook) error {
	moves, err := book.moves(ctx, tx, s.db)
	if err != nil {
		return err
	}
	first, err := database.TakeNumbers(ctx, tx, book.changed()+moves.count())
	if err != nil {
		return err
	}
	numbers := database.Counter(first)
	if err := book.save(ctx, tx, &numbers); err != nil {
		return err
	}
	return moves.save(ctx, tx, &numbers)
}

// buyerName is a row of buyer_names.
type buyerName struct {
	FoldedName     string `bun:",pk"`
	DepartmentCode string `bun:",pk"`
	BuyerID        int64  `bun:",pk"`
}

// buyerRef is a row of buyer_refs.
type buyerRef struct {
	Source  string `bun:",pk"`
	Ref     string `bun:",pk"`
	BuyerID int64
}

// buyerClues are the keys by which buyers are found.
type buyerClues struct {
	sirets, folded []string
	refs           map[string][]string // by source
}

func (c *buyerClues) add(source string, name vigie.BuyerName) {
	c.sirets = append(c.sirets, name.SIRET)
	c.folded = append(c.folded, lexicon.Fold(name.Name))
	if name.Ref != "" {
		if c.refs == nil {
			c.refs = make(map[string][]string)
		}
		c.refs[source] = append(c.refs[source], name.Ref)
	}
}

// loadBuyerBook reads the buyers that the clues can lead to, with all their names and references.
func loadBuyerBook(ctx context.Context, tx bun.Tx, clues *buyerClues) (*buyerBook, error) {
	book := &buyerBook{
		bySIRET: make(map[string]*bookedBuyer), byRef: make(map[sourceRef]*bookedBuyer), byName: make(map[nameKey][]*bookedBuyer),
	}
	ids, joined, err := clues.lookUp(ctx, tx)
	if err != nil || len(ids) == 0 {
		return book, err
	}
	var buyers []*vigie.Buyer
	if err := tx.NewSelect().Model(&buyers).Where("id IN (?)", bun.List(ids)).Order("id").Scan(ctx); err != nil {
		return nil, err
	}
	buyers = slices.DeleteFunc(buyers, func(b *vigie.Buyer) bool { return b.MergedInto != nil })
	if len(buyers) == 0 {
		return book, nil
	}
	byID := make(map[int64]*bookedBuyer, len(buyers))
	ids = make([]int64, len(buyers))
	for i, buyer := range buyers {
		booked := &bookedBuyer{Buyer: buyer, foldedBefore: buyer.FoldedName}
		byID[buyer.ID], ids[i] = booked, buyer.ID
		book.all = append(book.all, booked)
		if buyer.SIRET != nil {
			book.bySIRET[*buyer.SIRET] = booked
		}
	}
	for _, b := range joined {
		book.bySIRET[*b.SIRET] = byID[*b.MergedInto]
	}
	var names []buyerName
	if err := tx.NewSelect().Model(&names).Where("buyer_id IN (?)", bun.List(ids)).Order("buyer_id").Scan(ctx); err != nil {
		return nil, err
	}
	for _, name := range names {
		key := nameKey{name.FoldedName, name.DepartmentCode}
		book.byName[key] = append(book.byName[key], byID[name.BuyerID])
	}
	var refs []buyerRef
	if err := tx.NewSelect().Model(&refs).Where("buyer_id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, err
	}
	for _, row := range refs {
		ref, buyer := sourceRef{row.Source, row.Ref}, byID[row.BuyerID]
		book.byRef[ref] = buyer
		buyer.refs = append(buyer.refs, ref)
	}
	return book, nil
}

// lookUp returns the ids of the buyers that the clues may mean, and the merged buyers whose SIRET leads to another one. Each
// clue is looked up by its own index: of conditions that are joined by OR, SQLite may check every buyer there is.
func (c *buyerClues) lookUp(ctx context.Context, tx bun.Tx) (ids []int64, joined []*vigie.Buyer, err error) {
	for source, refs := range c.refs {
		buyers, err := byRef(ctx, tx, "SELECT buyer_id FROM buyer_refs WHERE source = ? AND ref = asked.column1", source, refs)
		if err != nil {
			return nil, nil, err
		}
		ids = slices.AppendSeq(ids, maps.Values(buyers))
	}
	if len(c.sirets) > 0 {
		var identified []*vigie.Buyer
		err := tx.NewSelect().Model(&identified).Column("id", "siret", "merged_into").Where("siret IN (?)", bun.List(vigie.Sorted(c.sirets))).Scan(ctx)
		if err != nil {
			return nil, nil, err
		}
		for _, b := range identified {
			if b.MergedInto == nil {
				ids = append(ids, b.ID)
				continue
			}
			ids, joined = append(ids, *b.MergedInto), append(joined, b)
		}
	}
	if len(c.folded) > 0 {
		var named []int64
		err := tx.NewSelect().Model((*buyerName)(nil)).Column("buyer_id").Where("folded_name IN (?)", bun.List(vigie.Sorted(c.folded))).Scan(ctx, &named)
		if err != nil {
			return nil, nil, err
		}
		ids = append(ids, named...)
	}
	return database.Distinct(ids), joined, nil
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

// writes reports whether the buyer has changes to write. A buyer that the batch both created and merged into another
// is never written.
func (b *bookedBuyer) writes() bool {
	return (b.added || b.altered) && b.into == nil || b.into != nil && !b.added
}

// save writes the batch's changes to the buyers.
func (book *buyerBook) save(ctx context.Context, tx bun.Tx, numbers *database.Counter) error {
	var rows, aliases []*vigie.Buyer
	var names []buyerName
	var refs []buyerRef
	for _, b := range book.all {
		if !b.writes() {
			continue
		}
		b.Number = numbers.Next()
		if b.added || b.into != nil || len(b.newNames) > 0 || b.FoldedName != b.foldedBefore {
			b.NamesNumber = b.Number
		}
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
			for _, ref := range b.newRefs {
				refs = append(refs, buyerRef{ref.source, ref.ref, b.ID})
			}
		}
	}
	columns := []string{"name", "folded_name", "named_at", "siret", "city", "department_code", "number", "names_number", "merged_into"}
	for _, batch := range [][]*vigie.Buyer{rows, aliases} {
		if len(batch) == 0 {
			continue
		}
		if err := database.Upsert(ctx, tx, &batch, "id", columns); err != nil {
			return err
		}
	}
	if len(aliases) > 0 {
		moved, ids := make([]database.Pair, len(aliases)), make([]int64, len(aliases))
		for i, alias := range aliases {
			moved[i], ids[i] = database.Pair{Was: alias.ID, Becomes: *alias.MergedInto}, alias.ID
		}
		// An alias of an alias leads straight to the buyer.
		if err := database.Replace(ctx, tx, "buyers", "merged_into", "merged_into", moved); err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model((*buyerName)(nil)).Where("buyer_id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
			return err
		}
	}
	if len(names) > 0 {
		if err := database.Insert(ctx, tx, &names, "CONFLICT DO NOTHING"); err != nil {
			return err
		}
	}
	if len(refs) == 0 {
		return nil
	}
	return database.Insert(ctx, tx, &refs, "CONFLICT (source, ref) DO UPDATE SET buyer_id = EXCLUDED.buyer_id")
}

// buyerMoves are the tenders and watches that refer to merged buyers, and the tenders of renamed buyers: full-text
// search finds them by the name.
type buyerMoves struct {
	joined           []*bookedBuyer
	tenders, watches []movedRow
}

type movedRow struct{ ID, BuyerID int64 }

// moves finds and locks what refers to the merged buyers.
func (book *buyerBook) moves(ctx context.Context, tx bun.Tx, db *database.DB) (buyerMoves, error) {
	var m buyerMoves
	var ids, renamed []int64
	for _, b := range book.all {
		switch {
		case b.into != nil && !b.added:
			m.joined, ids = append(m.joined, b), append(ids, b.ID)
		case b.renamed:
			renamed = append(renamed, b.ID)
		}
	}
	if len(ids)+len(renamed) == 0 {
		return m, nil
	}
	err := tx.NewSelect().Model((*vigie.Tender)(nil)).Column("id", "buyer_id").
		Where("buyer_id IN (?)", bun.List(slices.Concat(ids, renamed))).Order("id").Scan(ctx, &m.tenders)
	if err != nil || len(ids) == 0 {
		return m, err
	}
	follow := tx.NewSelect().Table("watch_buyers").Column("watch_id").Where("buyer_id IN (?)", bun.List(ids))
	err = db.ForUpdate(tx.NewSelect().Model((*vigie.Watch)(nil)).Column("id").
		Where("id IN (?)", follow).Order("id")).Scan(ctx, &m.watches)
	return m, err
}

// count returns how many change numbers save takes.
func (m buyerMoves) count() int { return len(m.tenders) + len(m.watches) }

// save makes tenders and watches refer to the merged buyer, and gives each a change number.
func (m buyerMoves) save(ctx context.Context, tx bun.Tx, numbers *database.Counter) error {
	var moved []database.Pair
	for _, b := range m.joined {
		moved = append(moved, database.Pair{Was: b.ID, Becomes: b.current().ID})
	}
	for _, table := range []string{"tenders", "watch_buyers", "buyer_refs"} {
		if err := database.Replace(ctx, tx, table, "buyer_id", "buyer_id", moved); err != nil {
			return err
		}
	}
	for _, referring := range []struct {
		table string
		rows  []movedRow
	}{{"tenders", m.tenders}, {"watches", m.watches}} {
		var numbered []database.Pair
		for _, row := range referring.rows {
			numbered = append(numbered, database.Pair{Was: row.ID, Becomes: numbers.Next()})
		}
		if err := database.Replace(ctx, tx, referring.table, "number", "id", numbered); err != nil {
			return err
		}
	}
	return nil
}
