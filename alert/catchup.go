package alert

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"

	"vigie"
	"vigie/consumer"
	"vigie/database"
	"vigie/feed"
	"vigie/ledger"
	"vigie/match"
	"vigie/query"
	"vigie/store"
)

// CatchUp returns the consumer that alerts the recipients of watches about what these missed: the notices that came
// while they were off and would have alerted them, also of corrections and cancellations. It reads each notice once for
// all the watches that catch up at that moment. It runs beside the consumer that enters notices, which never waits for it.
//
// Each watch stores how far it has caught up (CatchUpFrom), and has caught up when that reaches the number at which it
// was switched on (Since). The pass continues from the lowest of these; a watch that is ahead joins when the pass
// reaches it. It stays behind the ledger, so that the two never decide at the same time to alert a recipient of a
// tender.
func (a *Alerter) CatchUp() *consumer.Consumer {
	c := a.consumer(database.CatchUpConsumer)
	p := &pass{alerter: a}
	s := c.Stream(consumer.Stream{
		Kind: database.NoticeItem, Batch: missed, Cursor: p.cursor, Advance: p.advance, Next: p.next, Process: p.process, Reached: p.reached,
	})
	c.Due = p.due
	c.Work = s.Step
	c.Behind = a.Store.CatchUpBehind
	return c
}

// missed is how many notices are read in one step.
const missed = 250

// pass is one step of catching up, for some watches.
type pass struct {
	alerter *Alerter
	// watches by their ids.
	watches map[int64]*vigie.Watch
	index   *match.Index
	// whole reports whether all existing notices were read.
	whole bool
}

func (p *pass) due(ctx context.Context) (bool, error) {
	s := p.alerter.Store
	if any, err := s.AnyCatchingUp(ctx); err != nil || any {
		return any, err
	}
	again, err := s.Database().Retries(ctx, database.CatchUpConsumer, 1)
	return len(again) > 0, err
}

// cursor returns how far the last of the watches has caught up.
func (p *pass) cursor(ctx context.Context) (from int64, err error) {
	watches, failed, err := p.alerter.Store.CatchingUp(ctx)
	if err != nil {
		return 0, err
	}
	if p.index, err = p.indexOf(watches); err != nil {
		watches = p.alerter.matchable(watches, failed)
		if p.index, err = p.indexOf(watches); err != nil {
			return 0, err
		}
	}
	p.watches = make(map[int64]*vigie.Watch, len(watches))
	for i, w := range watches {
		p.watches[w.ID] = w
		if i == 0 || *w.CatchUpFrom < from {
			from = *w.CatchUpFrom
		}
	}
	return from, p.setAside(ctx, failed)
}

// setAside quarantines watches that cannot be matched.
func (p *pass) setAside(ctx context.Context, failed map[int64]error) error {
	if len(failed) == 0 {
		return nil
	}
	matched, err := p.alerter.Store.AlertsCursor(ctx)
	if err != nil {
		return err
	}
	for watch, cause := range failed {
		p.alerter.Log.ErrorContext(ctx, "watch cannot catch up: quarantined", "component", "alerter", "action", "catch up", "watch", watch, "error", cause)
		if err := feed.SetWatchAside(ctx, p.alerter.Store, watch, matched, cause); err != nil {
			return err
		}
	}
	return nil
}

// indexOf returns an index of the watches' criteria; an error if that panics.
func (p *pass) indexOf(watches []*vigie.Watch) (*match.Index, error) {
	index := match.New(nil)
	err := consumer.Guard(func() error {
		index.Load(func(yield func(int64, query.Formula) bool) {
			for _, w := range watches {
				if !yield(w.ID, p.alerter.Matcher.Compile(w.Criteria)) {
					return
				}
			}
		})
		return nil
	})
	return index, err
}

func (p *pass) next(ctx context.Context, after int64, limit int) (items []consumer.Item, err error) {
	if len(p.watches) == 0 {
		return nil, nil
	}
	err = p.alerter.Store.Snapshot(ctx, func(ctx context.Context, now *store.Snapshot) error {
		var numbers []int64
		numbers, p.whole, err = now.MissedAfter(ctx, after, limit)
		items = nil
		for _, number := range numbers {
			items = append(items, consumer.Item{ID: number, Number: number, Detail: p.owed(number)})
		}
		return err
	})
	return items, err
}

// owed returns a list of the watches that missed a notice and have not processed it.
func (p *pass) owed(notice int64) string {
	var ids []string
	for _, id := range slices.Sorted(p.owingNow(notice)) {
		ids = append(ids, strconv.FormatInt(id, 10))
	}
	return strings.Join(ids, " ")
}

// owingNow yields the watches that missed a notice and have not processed it.
func (p *pass) owingNow(notice int64) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for id := range p.watches {
			if p.owes(id, notice) && !yield(id) {
				return
			}
		}
	}
}

// owes reports whether a watch missed a notice and has not processed it.
func (p *pass) owes(watch, notice int64) bool {
	w := p.watches[watch]
	// A watch that the version before restored has kept the number at which it was switched on before its deletion.
	return w != nil && *w.CatchUpFrom < notice && (notice < w.Since || w.Since <= *w.CatchUpFrom)
}

// process enters the deliveries of notices that watches missed.
func (p *pass) process(ctx context.Context, items []consumer.Item) error {
	a := p.alerter
	var found []*ledger.Announcement
	err := a.Store.Snapshot(ctx, func(ctx context.Context, now *store.Snapshot) (err error) {
		found, err = p.read(ctx, now, items)
		return err
	})
	if err == nil {
		found, err = p.concerning(ctx, found)
	}
	if err != nil {
		return err
	}
	a.fault(AfterMatch)
	for _, n := range found {
		if err := a.enter(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// read finds out which watches missed notices.
func (p *pass) read(ctx context.Context, now *store.Snapshot, items []consumer.Item) (list []*ledger.Announcement, err error) {
	byNumber, numbers := make(map[int64]consumer.Item, len(items)), make([]int64, len(items))
	for i, item := range items {
		byNumber[item.ID], numbers[i] = item, item.ID
	}
	heads, err := now.NoticeHeads(ctx, numbers)
	if err != nil {
		return nil, err
	}
	heads = slices.DeleteFunc(heads, func(head *store.NoticeHead) bool { return p.alerter.silent(&head.Notice, head.PublishedAt) })
	var ids []int64
	for _, head := range heads {
		ids = append(ids, head.TenderID)
	}
	tenders, err := now.Tenders(ctx, ids)
	if err != nil {
		return nil, err
	}
	effects, err := p.effectsOf(ctx, now, heads, tenders)
	if err != nil {
		return nil, err
	}
	for _, head := range heads {
		notice := &head.Notice
		n, err := p.readOne(ctx, byNumber[notice.ID], notice, tenders[notice.TenderID], effects[notice.ID])
		if err != nil {
			return nil, err
		}
		if n != nil {
			list = append(list, n)
		}
	}
	return list, nil
}

// concerning leaves out what corrects or cancels a tender that no watch which missed it matches or has alerted of.
func (p *pass) concerning(ctx context.Context, found []*ledger.Announcement) ([]*ledger.Announcement, error) {
	var watches, tenders []int64
	for _, n := range found {
		if len(n.Matching) == 0 {
			watches, tenders = append(watches, n.Missed...), append(tenders, n.About.TenderID)
		}
	}
	alerted, err := p.alerter.Store.Ledger().TendersAlertedThrough(ctx, database.Distinct(watches), database.Distinct(tenders))
	return slices.DeleteFunc(found, func(n *ledger.Announcement) bool { return len(n.Matching) == 0 && !alerted[n.About.TenderID] }), err
}

// effectsOf reads the effects of those of some notices whose tenders were known before: only these may correct something, or
// be copies.
func (p *pass) effectsOf(ctx context.Context, now *store.Snapshot, heads []*store.NoticeHead, tenders map[int64]*vigie.Tender) (map[int64]*query.NoticeEffect, error) {
	var numbers []int64
	for _, head := range heads {
		if head.Further {
			numbers = append(numbers, head.ID)
		}
	}
	if len(numbers) == 0 {
		return nil, nil
	}
	notices, err := now.Notices(ctx, numbers)
	if err != nil {
		return nil, err
	}
	dossiers, err := now.NoticesOf(ctx, tendersOf(notices))
	effects := make(map[int64]*query.NoticeEffect, len(notices))
	for _, n := range notices {
		n.Copied = p.alerter.copied(n, dossiers[n.TenderID])
		effects[n.ID] = query.EffectOf(n, tenders[n.TenderID], dossiers[n.TenderID])
	}
	return effects, err
}

// readOne finds out which watches missed a notice, and what it says to them: of those that its tender matches as it is
// now, if it is online, and of those whose recipients it may correct or cancel an alert to; nil where there are none.
// effect is nil where the tender was not known before.
func (p *pass) readOne(ctx context.Context, item consumer.Item, notice *vigie.Notice, t *vigie.Tender, effect *query.NoticeEffect) (*ledger.Announcement, error) {
	copied := effect != nil && effect.Notice.Copied
	cancels := notice.Kind == vigie.Cancellation && !copied && t.Outcome == vigie.Cancelled
	online := notice.Kind != vigie.Cancellation && t.Status(p.alerter.Now()) == vigie.StatusOnline
	if !cancels && !online {
		return nil, nil
	}
	owing, index, err := p.owing(ctx, item)
	if err != nil || len(owing) == 0 {
		return nil, err
	}
	n := &ledger.Announcement{
		About: ledger.AlertSubject{TenderID: t.ID, NoticeID: notice.ID, Number: t.Number}, Tender: t, Missed: owing,
		Cancelled: cancels, Corrects: effect != nil && effect.Corrects(),
	}
	if online {
		n.Facts, _ = query.FactsOf(t)
		matched, _ := index.Match(n.Facts, nil)
		if copied { // it was news where it was first published, but for what it adds itself
			before, _ := query.FactsOf(effect.Before())
			since, _ := query.FactsOf(effect.Since())
			known, _ := index.Match(before, nil)
			began, _ := index.Match(since, nil)
			matched = begun(matched, known, began)
		}
		n.Matching = slices.DeleteFunc(matched, func(w int64) bool { _, owes := slices.BinarySearch(owing, w); return !owes })
		slices.Sort(n.Matching)
		n.Urgent = n.Corrects && effect.AdvancesDeadline()
	}
	if len(n.Matching) == 0 && !n.Cancelled && !n.Corrects {
		return nil, nil
	}
	return n, nil
}

// owing returns the watches that missed a notice and have not processed it, in the order of their ids, and an index that
// contains them.
func (p *pass) owing(ctx context.Context, item consumer.Item) ([]int64, *match.Index, error) {
	if item.FirstTried.IsZero() {
		return slices.Sorted(p.owingNow(item.Number)), p.index, nil
	}
	watches, err := p.alerter.Store.WatchesByID(ctx, numbersIn(item.Detail))
	ids := make([]int64, len(watches))
	for i, w := range watches {
		ids[i] = w.ID
	}
	if err != nil {
		return nil, nil, err
	}
	index, err := p.indexOf(watches)
	return ids, index, err
}

// numbersIn returns the numbers in a text.
func numbersIn(list string) []int64 {
	var numbers []int64
	for _, field := range strings.Fields(list) {
		if n, err := strconv.ParseInt(field, 10, 64); err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// advance records how far the watches have caught up.
func (p *pass) advance(ctx context.Context, to int64) error {
	if err := p.alerter.Store.CaughtUpTo(ctx, p.watches, to, false); err != nil {
		return err
	}
	for id, w := range p.watches {
		switch from := *w.CatchUpFrom; {
		case from < w.Since && w.Since <= to:
			delete(p.watches, id)
		case from < to:
			w.CatchUpFrom = &to
		}
	}
	return nil
}

// reached ends the pass if there are no more notices.
func (p *pass) reached(ctx context.Context) error {
	if !p.whole || len(p.watches) == 0 {
		return nil
	}
	return p.alerter.Store.CaughtUpTo(ctx, p.watches, 0, true)
}
