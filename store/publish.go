package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// Outcome is the outcome of a notice that was published.
type Outcome string

// The outcomes: a notice with a new reference, new content for a known reference, nothing new, and a notice that could
// not be stored.
const (
	Created   Outcome = "CREATED"
	Corrected Outcome = "CORRECTED"
	Unchanged Outcome = "UNCHANGED"
	Refused   Outcome = "REFUSED"
)

// Published is the result for one notice.
type Published struct {
	Outcome Outcome
	Notice  *vigie.Notice // as stored; nil where it was refused
	// Err is why it was refused.
	Err error
}

// PublishEach is [Store.Publish] for notices of which some may be impossible to
// store: those are refused, each with its error, and the others are stored. A
// batch that fails is published in halves, until the notice at fault is alone.
// The error is about the database itself; the results are then of the notices
// that were published before it.
func (s *Store) PublishEach(ctx context.Context, notices []*vigie.Notice) ([]Published, error) {
	results, err := s.Publish(ctx, notices)
	switch {
	case err == nil || ctx.Err() != nil || database.Unhealthy(err) || len(notices) == 0:
		return results, err
	case len(notices) == 1:
		// Not every error that is the database's can be recognised by its kind.
		if down := s.db.Ping(ctx); down != nil {
			return nil, down
		}
		return []Published{{Outcome: Refused, Err: err}}, nil
	}
	half := len(notices) / 2
	if results, err = s.PublishEach(ctx, notices[:half:half]); err != nil {
		return results, err
	}
	rest, err := s.PublishEach(ctx, notices[half:])
	return append(results, rest...), err
}

// Publish stores at most [vigie.MaxBatch] notices, in the order given, and updates their tenders. The result has one
// entry for each notice. Notices arrive in any order: a tender is the fold of all of them. A notice that was
// withdrawn and is published again is new.
func (s *Store) Publish(ctx context.Context, notices []*vigie.Notice) ([]Published, error) {
	if len(notices) > vigie.MaxBatch {
		return nil, fmt.Errorf("publish %d notices in one batch", len(notices))
	}
	for _, n := range notices {
		if err := storable(n); err != nil {
			return nil, err
		}
	}
	var results []Published
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		// Publishers run one after another, from the first read until the notices are stored; watches can be edited
		// in the meantime.
		if err := s.db.Queue(ctx, tx, "publish"); err != nil {
			return err
		}
		p := publication{tx: tx, now: s.db.Stamp()}
		if err := p.load(ctx, notices); err != nil {
			return err
		}
		results = make([]Published, len(notices))
		for i, notice := range notices {
			results[i] = p.add(notice)
		}
		if err := p.save(ctx, s.db); err != nil || len(p.added) == 0 {
			return err
		}
		return s.db.Notify(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	s.db.Wake()
	return results, nil
}

// storable refuses years that not all databases, nor JSON, can hold.
func storable(n *vigie.Notice) error {
	for _, at := range []*time.Time{&n.PublishedAt, n.Content.Deadline, n.Content.OnlineUntil} {
		if at != nil && (at.Year() < 1 || at.Year() > 9999) {
			return fmt.Errorf("publish %s %s: the year %d cannot be stored", n.Source, n.SourceRef, at.Year())
		}
	}
	return nil
}

// publication is one batch on its way into the database: the rows that it touches are read at once, changed here, and
// written at once.
type publication struct {
	tx  bun.Tx
	now time.Time
	// dossiers are the dossiers by the references that lead to them.
	dossiers map[sourceRef]*dossier
	buyers   *buyerBook
	added    []*vigie.Notice
	touched  []*dossier
	// identified are notices stored before whose identifier is now known.
	identified []*vigie.Notice
}

type sourceRef struct{ source, ref string }

// anywhere is the source of references that mean the same at every source.
const anywhere = ""

// tenderRef is a row of tender_refs.
type tenderRef struct {
	Source   string `bun:",pk"`
	Ref      string `bun:",pk"`
	TenderID int64
}

// dossier is all that is known of one tender.
type dossier struct {
	tender  *vigie.Tender // nil while it is new
	notices []*vigie.Notice
	// withdrawn are the last revisions of withdrawn notices.
	withdrawn map[sourceRef]int
	refs      map[sourceRef]bool
	newRefs   []sourceRef
	// absorbed are tenders that were merged into this one.
	absorbed []*vigie.Tender
	touched  bool
	fold     vigie.Folded
	buyer    *bookedBuyer
}

func newDossier(t *vigie.Tender) *dossier {
	return &dossier{tender: t, withdrawn: make(map[sourceRef]int), refs: make(map[sourceRef]bool)}
}

// load reads what the notices refer to: the tenders of their references, with all their notices, and the buyers that
// they may mean. A correction finds its tender here: by its own reference, or by one that it links to ([refsOf]); what
// they lead to becomes one tender in dossierOf.
func (p *publication) load(ctx context.Context, notices []*vigie.Notice) error {
	bySource := make(map[string][]string)
	for _, n := range notices {
		for _, ref := range refsOf(n) {
			bySource[ref.source] = append(bySource[ref.source], ref.ref)
		}
	}
	var found []tenderRef
	for source, refs := range bySource {
		tenders, err := byRef(ctx, p.tx, "SELECT tender_id FROM tender_refs WHERE source = ? AND ref = asked.column1", source, refs)
		if err != nil {
			return err
		}
		for ref, tender := range tenders {
			found = append(found, tenderRef{source, ref, tender})
		}
	}
	ids := make([]int64, len(found))
	for i, ref := range found {
		ids[i] = ref.TenderID
	}
	byTender, err := p.loadDossiers(ctx, ids)
	if err != nil {
		return err
	}
	p.dossiers = make(map[sourceRef]*dossier)
	for _, ref := range found {
		d := byTender[ref.TenderID]
		key := sourceRef{ref.Source, ref.Ref}
		d.refs[key] = true
		p.dossiers[key] = d
	}
	var clues buyerClues
	for _, n := range notices {
		clues.add(n.Source, n.Buyer)
	}
	for _, d := range byTender {
		for _, n := range d.notices {
			clues.add(n.Source, n.Buyer)
		}
	}
	p.buyers, err = loadBuyerBook(ctx, p.tx, &clues)
	return err
}

// loadDossiers reads tenders with their notices.
func (p *publication) loadDossiers(ctx context.Context, ids []int64) (map[int64]*dossier, error) {
	dossiers := make(map[int64]*dossier, len(ids))
	if len(ids) == 0 {
		return dossiers, nil
	}
	var tenders []*vigie.Tender
	err := p.tx.NewSelect().Model(&tenders).Where("id IN (?)", bun.List(ids)).Scan(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range tenders {
		dossiers[t.ID] = newDossier(t)
	}
	var notices []*vigie.Notice
	err = p.tx.NewSelect().Model(&notices).Where("tender_id IN (?)", bun.List(ids)).Order("id").Scan(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range notices {
		d, ref := dossiers[n.TenderID], sourceRef{n.Source, n.SourceRef}
		if n.Withdrawn {
			d.withdrawn[ref] = max(d.withdrawn[ref], n.Revision)
			continue
		}
		d.notices = append(d.notices, n)
	}
	return dossiers, nil
}

// refsOf returns the references that a notice has or names.
func refsOf(n *vigie.Notice) []sourceRef {
	refs := []sourceRef{{n.Source, n.SourceRef}}
	for _, link := range n.Links {
		refs = append(refs, sourceRef{n.Source, link})
		if vigie.AnywhereLink(link) {
			refs = append(refs, sourceRef{anywhere, link})
		}
	}
	if n.Identifier != "" {
		refs = append(refs, sourceRef{anywhere, vigie.NoticeLink(n.Identifier)})
	}
	return refs
}

// add adds a notice to its dossier.
func (p *publication) add(n *vigie.Notice) Published {
	d := p.dossierOf(n)
	outcome := Created
	stored := *n
	stored.Links, stored.ReceivedAt = database.NotNull(n.Links), &p.now
	stored.Revision = d.withdrawn[sourceRef{n.Source, n.SourceRef}] + 1
	if last := d.lastRevision(n); last != nil {
		if !n.Says(last) {
			p.identify(d, last, n)
			return Published{Outcome: Unchanged, Notice: last}
		}
		outcome, stored.Revision = Corrected, last.Revision+1
	}
	aloud := slices.DeleteFunc(slices.Clone(d.notices), func(m *vigie.Notice) bool { return m.Quiet })
	stored.Copied = vigie.CopyOf(aloud, &stored)
	d.notices = append(d.notices, &stored)
	p.added = append(p.added, &stored)
	p.touch(d)
	return Published{Outcome: outcome, Notice: &stored}
}

// identify takes in what a notice that says nothing new names itself and its tender by.
func (p *publication) identify(d *dossier, last, n *vigie.Notice) {
	if last.Identifier == "" && n.Identifier != "" {
		for _, m := range d.notices {
			if m.Source != last.Source || m.SourceRef != last.SourceRef || m.Revision != last.Revision {
				continue
			}
			if m.Identifier = n.Identifier; m.ID != 0 { // else it is written with the batch
				p.identified = append(p.identified, m)
			}
		}
		p.touch(d)
	}
	if len(d.newRefs) > 0 {
		p.touch(d)
	}
}

// lastRevision returns the last notice with n's reference, with the contents of all revisions together; nil where n
// is the first.
func (d *dossier) lastRevision(n *vigie.Notice) *vigie.Notice {
	var revisions []*vigie.Notice
	for _, m := range d.notices {
		if m.Source == n.Source && m.SourceRef == n.SourceRef {
			revisions = append(revisions, m)
		}
	}
	if len(revisions) == 0 {
		return nil
	}
	slices.SortFunc(revisions, func(a, b *vigie.Notice) int { return a.Revision - b.Revision })
	last := *revisions[len(revisions)-1]
	last.Content, last.Buyer, last.Links = vigie.Content{}, vigie.BuyerName{}, nil
	for _, m := range revisions {
		last.Content, last.Buyer = m.Content.Over(last.Content), m.Buyer.Over(last.Buyer)
		last.Links = append(last.Links, m.Links...)
	}
	return &last
}

// dossierOf finds or creates the dossier of a notice, and merges them if there are several.
func (p *publication) dossierOf(n *vigie.Notice) *dossier {
	refs := refsOf(n)
	var into *dossier
	for _, ref := range refs {
		if d := p.dossiers[ref]; d != nil && d != into && (ref == refs[0] || !d.otherProcedure(n, ref)) {
			into = p.merge(into, d)
		}
	}
	if into == nil {
		into = newDossier(nil)
	}
	for _, ref := range refs {
		if owner := p.dossiers[ref]; owner != nil && owner != into {
			continue // it is of another procedure
		}
		p.dossiers[ref] = into
		if !into.refs[ref] {
			into.refs[ref] = true
			into.newRefs = append(into.newRefs, ref)
		}
	}
	return into
}

// otherProcedure reports whether a dossier is of another procedure than a notice that names a notice of it: several calls
// may name one planning notice.
func (d *dossier) otherProcedure(n *vigie.Notice, by sourceRef) bool {
	mine := vigie.ProceduresIn(n.Links)
	if len(mine) == 0 || slices.Contains(mine, by.ref) {
		return false
	}
	var theirs []string
	for _, m := range d.notices {
		theirs = append(theirs, vigie.ProceduresIn(m.Links)...)
	}
	return len(theirs) > 0 && !slices.ContainsFunc(mine, func(link string) bool { return slices.Contains(theirs, link) })
}

// merge merges two dossiers: the older tender stays.
func (p *publication) merge(a, b *dossier) *dossier {
	if a == nil {
		return b
	}
	if a.tender == nil || b.tender != nil && b.tender.ID < a.tender.ID {
		a, b = b, a
	}
	if b.tender != nil {
		a.absorbed = append(a.absorbed, b.tender)
	}
	a.absorbed = append(a.absorbed, b.absorbed...)
	a.notices = append(a.notices, b.notices...)
	a.newRefs = append(a.newRefs, b.newRefs...)
	maps.Copy(a.withdrawn, b.withdrawn) // each reference leads to one dossier
	for ref := range b.refs {
		a.refs[ref] = true
		p.dossiers[ref] = a
	}
	p.touched = slices.DeleteFunc(p.touched, func(d *dossier) bool { return d == b })
	p.touch(a)
	return a
}

func (p *publication) touch(d *dossier) {
	if !d.touched {
		d.touched = true
		p.touched = append(p.touched, d)
	}
}

// save gives every new row its number and writes it. A tender takes a number after those of its notices, so that a
// reader of tenders in the order of numbers finds their notices stored.
func (p *publication) save(ctx context.Context, db *database.DB) error {
	if len(p.touched) == 0 {
		return nil
	}
	count := len(p.added)
	for _, d := range p.touched {
		d.fold = vigie.Fold(d.notices)
		d.buyer = p.buyers.resolve(d.fold.Source, d.fold.Buyer, d.fold.Notices[len(d.notices)-1].PublishedAt)
		count += 1 + len(d.absorbed)
	}
	moves, err := p.buyers.moves(ctx, p.tx, db)
	if err != nil {
		return err
	}
	count += p.buyers.changed() + moves.count()
	first, err := database.TakeNumbers(ctx, p.tx, count)
	if err != nil {
		return err
	}
	numbers := database.Counter(first)
	p.number(&numbers)
	// The notices are made ready while the database stores what they refer to.
	var notices *database.Insertion
	var wrong error
	var preparing sync.WaitGroup
	defer preparing.Wait()
	if len(p.added) > 0 {
		preparing.Go(func() { notices, wrong = database.Prepare(p.tx, &p.added, "") })
	}
	if err := p.buyers.save(ctx, p.tx, &numbers); err != nil {
		return err
	}
	if err := p.saveTenders(ctx, &numbers); err != nil {
		return err
	}
	if err := p.saveRefs(ctx); err != nil {
		return err
	}
	for _, n := range p.identified {
		if _, err := p.tx.NewUpdate().Model(n).Column("identifier").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	if preparing.Wait(); wrong != nil {
		return wrong
	}
	if notices != nil {
		if err := notices.Run(ctx); err != nil {
			return err
		}
	}
	return moves.save(ctx, p.tx, &numbers)
}

// number gives new notices their ids, and all notices of touched dossiers their tenders.
func (p *publication) number(numbers *database.Counter) {
	for _, n := range p.added {
		n.ID = numbers.Next()
	}
	for _, d := range p.touched {
		if d.tender == nil {
			d.tender = &vigie.Tender{ID: d.notices[0].ID}
		}
		for _, n := range d.notices {
			n.TenderID = d.tender.ID
		}
	}
}

// saveTenders writes the touched tenders as folded, and the absorbed ones as aliases of them.
func (p *publication) saveTenders(ctx context.Context, numbers *database.Counter) error {
	var tenders []*vigie.Tender
	for _, d := range p.touched {
		*d.tender = vigie.Tender{
			ID: d.tender.ID, Source: d.fold.Source, SourceRef: d.fold.SourceRef, Content: stored(d.fold.Content),
			BuyerID: d.buyer.current().ID, PublishedAt: d.fold.PublishedAt, Outcome: d.fold.Outcome, Number: numbers.Next(),
		}
		tenders = append(tenders, d.tender)
	}
	var aliases []*vigie.Tender
	for _, d := range p.touched {
		for _, t := range d.absorbed {
			t.MergedInto, t.Number = &d.tender.ID, numbers.Next()
			aliases = append(aliases, t)
		}
	}
	for _, batch := range [][]*vigie.Tender{tenders, aliases} {
		if len(batch) == 0 {
			continue
		}
		if err := database.Upsert(ctx, p.tx, &batch, "id", tenderColumns); err != nil {
			return err
		}
	}
	var moved []database.Pair
	for _, t := range aliases {
		moved = append(moved, database.Pair{Was: t.ID, Becomes: *t.MergedInto})
	}
	for _, at := range [][2]string{{"notices", "tender_id"}, {"tender_refs", "tender_id"}, {"tenders", "merged_into"}} {
		// Last, so that an alias of an alias leads straight to the tender.
		if err := database.Replace(ctx, p.tx, at[0], at[1], at[1], moved); err != nil {
			return err
		}
	}
	return nil
}

// tenderColumns are the columns of a tender that can change.
var tenderColumns = []string{
	"source", "source_ref", "reference", "title", "description", "departments", "natures", "procedure", "cpv_codes",
	"labels", "lots", "details", "deadline", "deadline_kind", "deadline_text", "online_until", "url", "buyer_id", "published_at", "outcome", "number", "merged_into",
}

func (p *publication) saveRefs(ctx context.Context) error {
	var rows []tenderRef
	for _, d := range p.touched {
		for _, ref := range d.newRefs {
			rows = append(rows, tenderRef{ref.source, ref.ref, d.tender.ID})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return database.Insert(ctx, p.tx, &rows, "CONFLICT (source, ref) DO NOTHING")
}

// stored returns a content in the form that columns take: lists are never null.
func stored(c vigie.Content) vigie.Content {
	c.Departments = database.NotNull(c.Departments)
	c.Natures = database.NotNull(c.Natures)
	c.CPVCodes = database.NotNull(c.CPVCodes)
	c.Labels = database.NotNull(c.Labels)
	c.Lots = database.NotNull(c.Lots)
	return c
}
