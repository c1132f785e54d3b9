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
	"vigie/match"
	"vigie/query"
	"vigie/store"
)

// CatchUp is the consumer that has watches tell what they missed while they were
// off. It reads each tender that changed once for all the watches that catch up
// at that moment, beside the one that enters notices, which never waits for it.
//
// Each watch holds how far it has come (CatchUpFrom). The pass goes on from the
// one that has come least far; those ahead of it join when it reaches them. It
// ends where there is no change that it has not seen: until then, a tender that
// changes again is met again. It stays behind the ledger, so that both never
// find out at once that somebody is to be told of a tender.
func (l *Ledger) CatchUp() *consumer.Consumer {
	c := l.consumer(database.CatchUpConsumer)
	p := &pass{ledger: l}
	s := c.Stream(consumer.Stream{
		Kind: database.TenderItem, Batch: changes, Cursor: p.cursor, Advance: p.advance, Next: p.next, Process: p.process, Reached: p.reached,
	})
	c.Due = p.due
	c.Work = s.Step
	c.Behind = l.Store.CatchUpBehind
	return c
}

// changes is how many changed tenders are matched in one step.
const changes = 250

// pass is one step of catching up, for some watches.
type pass struct {
	ledger *Ledger
	// watches by their ids.
	watches map[int64]*vigie.Watch
	index   *match.Index
	// whole is whether all the changes there are were read.
	whole bool
}

func (p *pass) due(ctx context.Context) (bool, error) {
	s := p.ledger.Store
	if any, err := s.AnyCatchingUp(ctx); err != nil || any {
		return any, err
	}
	again, err := s.Database().Retries(ctx, database.CatchUpConsumer, 1)
	return len(again) > 0, err
}

// cursor is how far the last of the watches has come.
func (p *pass) cursor(ctx context.Context) (from int64, err error) {
	watches, err := p.ledger.Store.CatchingUp(ctx)
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

// indexOf holds what watches look for.
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
	err = p.ledger.Store.Snapshot(ctx, func(ctx context.Context, now *store.Snapshot) error {
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

// owed names the watches that have not seen a change.
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
	l := p.ledger
	var found []announcement
	err := l.Store.Snapshot(ctx, func(ctx context.Context, now *store.Snapshot) error {
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
			if n.about.AsOf = now.Number; ok {
				found = append(found, n)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.fault(AfterMatch)
	for _, n := range found {
		if err := l.enter(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// read finds out which watches missed a tender. One that changed since, or is
// another by now, is met again at its new place.
func (p *pass) read(ctx context.Context, item consumer.Item, t *vigie.Tender) (n announcement, ok bool, err error) {
	again := !item.FirstTried.IsZero()
	if t == nil || t.Status(p.ledger.Now()) != vigie.StatusOnline || !again && (t.ID != item.ID || t.Number != item.Number) {
		return announcement{}, false, nil
	}
	index := p.index
	if again {
		watches, err := p.ledger.Store.WatchesByID(ctx, numbersIn(item.Detail))
		if err != nil {
			return announcement{}, false, err
		}
		index = indexOf(watches)
	}
	facts, _ := query.FactsOf(t)
	matched, _ := index.Match(facts, nil)
	if !again {
		matched = slices.DeleteFunc(matched, func(w int64) bool { return *p.watches[w].CatchUpFrom >= item.Number })
	}
	slices.Sort(matched)
	// The tender's number stands for the notice: notices have others.
	about := store.AlertSubject{TenderID: t.ID, NoticeID: t.Number, Number: t.Number}
	return announcement{about: about, tender: t, facts: facts, missed: matched}, len(matched) > 0, nil
}

// numbersIn are the numbers that a text lists.
func numbersIn(list string) []int64 {
	var numbers []int64
	for _, field := range strings.Fields(list) {
		if n, err := strconv.ParseInt(field, 10, 64); err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// advance notes how far the watches have come.
func (p *pass) advance(ctx context.Context, to int64) error {
	if err := p.ledger.Store.CaughtUpTo(ctx, p.watches, to, false); err != nil {
		return err
	}
	for _, w := range p.watches {
		if *w.CatchUpFrom < to {
			w.CatchUpFrom = &to
		}
	}
	return nil
}

// reached ends the pass where there is nothing more to see.
func (p *pass) reached(ctx context.Context) error {
	if !p.whole || len(p.watches) == 0 {
		return nil
	}
	return p.ledger.Store.CaughtUpTo(ctx, p.watches, 0, true)
}
