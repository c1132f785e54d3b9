package alert

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"vigie"
	"vigie/consumer"
	"vigie/database"
	"vigie/ledger"
	"vigie/match"
	"vigie/query"
	"vigie/store"
)

// CatchUp returns the consumer that alerts the recipients of watches about what these missed while they were off. It
// reads each changed tender once for all the watches that catch up at that moment. It runs beside the consumer that
// enters notices, which never waits for it.
//
// Each watch stores how far it has caught up (CatchUpFrom). The pass continues from the lowest of these; a watch that
// is ahead joins when the pass reaches it. The pass ends when it has seen every change; until then, a tender that
// changes again is read again. It stays behind the ledger, so that the two never decide at the same time to alert a
// recipient of a tender.
func (a *Alerter) CatchUp() *consumer.Consumer {
	c := a.consumer(database.CatchUpConsumer)
	p := &pass{alerter: a}
	s := c.Stream(consumer.Stream{
		Kind: database.TenderItem, Batch: changes, Cursor: p.cursor, Advance: p.advance, Next: p.next, Process: p.process, Reached: p.reached,
	})
	c.Due = p.due
	c.Work = s.Step
	c.Behind = a.Store.CatchUpBehind
	return c
}

// changes is how many changed tenders are matched in one step.
const changes = 250

// pass is one step of catching up, for some watches.
type pass struct {
	alerter *Alerter
	// watches by their ids.
	watches map[int64]*vigie.Watch
	index   *match.Index
	// whole reports whether all existing changes were read.
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
	watches, err := p.alerter.Store.CatchingUp(ctx)
	if err != nil {
		return 0, err
	}
	p.watches = make(map[int64]*vigie.Watch, len(watches))
	for i, w := range watches {
		p.watches[w.ID] = w
		if i == 0 || *w.CatchUpFrom < from {
			from = *w.CatchUpFrom
		}
	}
	p.index = indexOf(watches)
	return from, nil
}

// indexOf returns an index of the watches' criteria.
func indexOf(watches []*vigie.Watch) *match.Index {
	index := match.New(nil)
	index.Load(func(yield func(int64, query.Formula) bool) {
		for _, w := range watches {
			if !yield(w.ID, query.Compile(w.Criteria)) {
				return
			}
		}
	})
	return index
}

func (p *pass) next(ctx context.Context, after int64, limit int) (items []consumer.Item, err error) {
	if len(p.watches) == 0 {
		return nil, nil
	}
	err = p.alerter.Store.Snapshot(ctx, func(ctx context.Context, now *store.Snapshot) error {
		var changed []store.Change
		changed, p.whole, err = now.MissedAfter(ctx, after, limit)
		items = nil
		for _, c := range changed {
			items = append(items, consumer.Item{ID: c.ID, Number: c.Number, Detail: p.owed(c.Number)})
		}
		return err
	})
	return items, err
}

// owed returns a list of the watches that have not processed a change.
func (p *pass) owed(number int64) string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(p.watches)) {
		if *p.watches[id].CatchUpFrom < number {
			ids = append(ids, strconv.FormatInt(id, 10))
		}
	}
	return strings.Join(ids, " ")
}

// process enters the deliveries of tenders that watches missed.
func (p *pass) process(ctx context.Context, items []consumer.Item) error {
	a := p.alerter
	var found []*ledger.Announcement
	err := a.Store.Snapshot(ctx, func(ctx context.Context, now *store.Snapshot) error {
		found = nil
		ids := make([]int64, len(items))
		for i, item := range items {
			ids[i] = item.ID
		}
		tenders, err := now.Tenders(ctx, ids)
		if err != nil {
			return err
		}
		for _, item := range items {
			n, ok, err := p.read(ctx, item, tenders[item.ID])
			if err != nil {
				return err
			}
			if ok {
				n.About.AsOf = now.Number
				found = append(found, n)
			}
		}
		return nil
	})
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

// read finds out which watches missed a tender. A tender that has changed since, or was merged, is read again at its
// new number.
func (p *pass) read(ctx context.Context, item consumer.Item, t *vigie.Tender) (n *ledger.Announcement, ok bool, err error) {
	again := !item.FirstTried.IsZero()
	if t == nil || t.Status(p.alerter.Now()) != vigie.StatusOnline || !again && (t.ID != item.ID || t.Number != item.Number) {
		return nil, false, nil
	}
	index := p.index
	if again {
		watches, err := p.alerter.Store.WatchesByID(ctx, numbersIn(item.Detail))
		if err != nil {
			return nil, false, err
		}
		index = indexOf(watches)
	}
	facts, _ := query.FactsOf(t)
	matched, _ := index.Match(facts, nil)
	if !again {
		matched = slices.DeleteFunc(matched, func(w int64) bool { return *p.watches[w].CatchUpFrom >= item.Number })
	}
	slices.Sort(matched)
	// The tender's number takes the place of the notice's: no notice has it.
	about := ledger.AlertSubject{TenderID: t.ID, NoticeID: t.Number, Number: t.Number}
	return &ledger.Announcement{About: about, Tender: t, Facts: facts, Missed: matched}, len(matched) > 0, nil
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
	for _, w := range p.watches {
		if *w.CatchUpFrom < to {
			w.CatchUpFrom = &to
		}
	}
	return nil
}

// reached ends the pass if there are no more changes.
func (p *pass) reached(ctx context.Context) error {
	if !p.whole || len(p.watches) == 0 {
		return nil
	}
	return p.alerter.Store.CaughtUpTo(ctx, p.watches, 0, true)
}
