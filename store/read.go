package store

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
	"vigie/lexicon"
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
	Total       int // how many the search found
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

// SearchBuyers returns the buyers of which a name has, for each of the folded words, a word that starts with it or is
// another spelling of it (St, Saint; chu, C.H.U.), and how many there are in all. A name is the present one or another
// that the buyer was published with; small words (de, la) count only where there are no others. Buyers with whole words
// come first, then those whose name starts with what was typed; then those with most tenders online; then by name.
func (s *Store) SearchBuyers(ctx context.Context, words []string, w BuyerWindow) ([]*FoundBuyer, int, error) {
	if len(words) == 0 {
		return nil, 0, nil
	}
	starts, whole := s.named(words)
	matching := func() *bun.SelectQuery {
		return s.db.NewSelect().Model((*vigie.Buyer)(nil)).Where("merged_into IS NULL").Where("?", bun.Safe(starts))
	}
	// Counted buyer by buyer, by an index: a join with counts of all is planned
	// by statistics, and those of a table that just grew are wrong.
	online := s.db.NewSelect().Model((*vigie.Tender)(nil)).ColumnExpr("COUNT(*)").Where("tender.buyer_id = buyer.id").
		Where("tender.merged_into IS NULL").Where("outcome = ?", vigie.Undecided).
		Where(openAt, w.Now)
	begins := s.format("folded_name LIKE ?", strings.Join(words, " ")+"%")
	// The classes are further apart than the number of online tenders of any buyer.
	ranked := matching().ExcludeColumn("merged_into").ColumnExpr("((CASE WHEN ? THEN 0 ELSE 2 END) + (CASE WHEN ? THEN 0 ELSE 1 END)) * 100000000 - (?) AS rank",
		bun.Safe(whole), bun.Safe(begins), online)
	beyond, direction := bun.Safe(">"), bun.Safe("ASC")
	if w.Backwards {
		beyond, direction = "<", "DESC"
	}
	// With the rows their number: to count them by themselves would read all names twice.
	q := s.db.NewSelect().WithQuery(bun.NewWithQuery("ranked", ranked).Materialized()).TableExpr("ranked").
		ColumnExpr("*, (SELECT COUNT(*) FROM ranked) AS total").OrderExpr("rank ?0, folded_name ?0, id ?0", direction).Limit(int64(w.Limit))
	if p := w.Beyond; p != nil {
		q = q.Where("(rank, folded_name, id) ? (?, ?, ?)", beyond, p.Rank, p.Name, p.ID)
	}
	var buyers []*FoundBuyer
	if err := q.Scan(ctx, &buyers); err != nil {
		return nil, 0, database.Translate(err)
	}
	if len(buyers) > 0 {
		return buyers, buyers[0].Total, nil
	}
	if w.Beyond == nil {
		return nil, 0, nil
	}
	total, err := matching().Count(ctx)
	return nil, int(total), database.Translate(err)
}

// named are two conditions on buyers: that one of their names has words that start with those given, and that it has just
// those.
func (s *Store) named(words []string) (starts, whole string) {
	words = contentWords(words)
	start, same := make([]string, len(words)), make([]string, len(words))
	// Folded words are letters and digits of any script: nothing in them is special to LIKE.
	for i, word := range words {
		var others string
		for _, other := range []string{spelledOut(word), spellings[word]} {
			if other != "" {
				others += s.format(" OR ' ' || folded_name || ' ' LIKE ?", "% "+other+" %")
			}
		}
		start[i] = s.format("(' ' || folded_name LIKE ?", "% "+word+"%") + others + ")"
		same[i] = s.format("(' ' || folded_name || ' ' LIKE ?", "% "+word+" %") + others + ")"
	}
	any := func(all []string) string {
		name := strings.Join(all, " AND ")
		return "(" + name + " OR id IN (SELECT buyer_id FROM buyer_names WHERE " + name + "))"
	}
	return any(start), any(same)
}

// contentWords are the words without small ones, or all where there are no others; the longest first, which the fewest
// names have.
func contentWords(words []string) []string {
	content := slices.DeleteFunc(slices.Clone(words), func(word string) bool { return len(lexicon.Tokens(word)) == 0 })
	if len(content) == 0 {
		content = slices.Clone(words)
	}
	slices.SortStableFunc(content, func(a, b string) int { return len(b) - len(a) })
	return content
}

// spelledOut is a word as the letters of an acronym, which names are stored by (C.H.U. is c h u); "" for one that is too
// short or too long to be one.
func spelledOut(word string) string {
	const shortest, longest = 2, 8
	if len(word) < shortest || len(word) > longest {
		return ""
	}
	return strings.Join(strings.Split(word, ""), " ")
}

// format fills in a fragment of SQL as a query would.
func (s *Store) format(fragment string, args ...any) string {
	return s.db.QueryGen().FormatQuery(fragment, args...)
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
