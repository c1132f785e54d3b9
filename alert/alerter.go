package alert

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"vigie"
	"vigie/consumer"
	"vigie/database"
	"vigie/feed"
	"vigie/ledger"
	"vigie/query"
	"vigie/store"
)

// Alerter turns notices into deliveries: it enters which recipient is alerted of what. Every replica runs one. The
// leader writes; the others keep their matchers up to date to take over. One replica, not necessarily the same, also
// has watches catch up, see [Alerter.CatchUp].
//
// Each notice is matched against the watches as they are in a snapshot of the database that contains both, so that
// neither can overtake the other.
type Alerter struct {
	Store   *store.Store
	Matcher *feed.Matcher
	Now     func() time.Time
	Log     *slog.Logger
	// MaxAge is how long after its publication a notice still alerts.
	MaxAge time.Duration
	// Fault is called at each point that is passed, if it is not nil.
	Fault func(Fault)
	// Metrics and Fail are passed to the consumers; either may be nil.
	Metrics *consumer.Metrics
	Fail    consumer.Fault
}

// batch is how many notices are matched in one snapshot.
const batch = 100

// Run works until ctx ends. Errors are logged, and the work is tried again.
func (a *Alerter) Run(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { a.Notices().Run(ctx) })
	running.Go(func() { a.CatchUp().Run(ctx) })
	running.Go(func() { a.Reminders().Run(ctx) })
	running.Wait()
}

// Step does all the work there is now, unless another process leads. It is for tests that do not wait.
func (a *Alerter) Step(ctx context.Context) error {
	if err := a.Notices().Drain(ctx); err != nil {
		return err
	}
	if err := a.CatchUp().Drain(ctx); err != nil {
		return err
	}
	return a.Reminders().Drain(ctx)
}

// consumer returns a consumer with the ledger's settings.
func (a *Alerter) consumer(name string) *consumer.Consumer {
	return &consumer.Consumer{Name: name, Job: name, DB: a.Store.Database(), Now: a.Now, Log: a.Log, Metrics: a.Metrics, Fault: a.Fail}
}

// Notices returns the consumer that enters the deliveries of notices.
func (a *Alerter) Notices() *consumer.Consumer {
	c := a.consumer(database.AlertsConsumer)
	c.Work = c.Stream(consumer.Stream{Kind: database.NoticeItem, Batch: batch, Next: a.next, Process: a.process}).Step
	c.Standby = func(ctx context.Context) error { return a.Matcher.WithSnapshot(ctx, a.Store, nil) }
	c.Behind = a.Store.AlertsBehind
	return c
}

// next returns the numbers of the next notices.
func (a *Alerter) next(ctx context.Context, after int64, limit int) ([]consumer.Item, error) {
	var items []consumer.Item
	err := a.Matcher.WithSnapshot(ctx, a.Store, func(ctx context.Context, now *store.Snapshot) error {
		items = nil
		numbers, err := now.NoticesAfter(ctx, after, limit)
		for _, number := range numbers {
			items = append(items, consumer.Item{ID: number, Number: number})
		}
		return err
	})
	return items, err
}

// process enters the deliveries of notices.
func (a *Alerter) process(ctx context.Context, items []consumer.Item) error {
	var found []*ledger.Announcement
	err := a.Matcher.WithSnapshot(ctx, a.Store, func(ctx context.Context, now *store.Snapshot) (err error) {
		found, err = a.read(ctx, now, items)
		return err
	})
	if err != nil {
		return err
	}
	a.fault(AfterMatch)
	if err := a.decideAgain(ctx, items); err != nil {
		return err
	}
	for _, n := range found {
		if err := a.enter(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// decideAgain makes the sender decide again about what waits of the tenders of notices, also of those that alert nobody:
// each can move the deadline, or merge tenders.
func (a *Alerter) decideAgain(ctx context.Context, items []consumer.Item) error {
	notices := make([]int64, len(items))
	for i, item := range items {
		notices[i] = item.ID
	}
	return a.Store.Ledger().DecideAgain(ctx, notices)
}

func (a *Alerter) fault(at Fault) {
	if a.Fault != nil {
		a.Fault(at)
	}
}

// read finds out what notices say.
func (a *Alerter) read(ctx context.Context, now *store.Snapshot, items []consumer.Item) ([]*ledger.Announcement, error) {
	numbers, read := make([]int64, len(items)), make(map[int64]time.Time, len(items))
	for i, item := range items {
		numbers[i], read[item.ID] = item.ID, item.FirstTried
	}
	notices, err := now.Notices(ctx, numbers)
	if err != nil {
		return nil, err
	}
	notices = slices.DeleteFunc(notices, func(n *vigie.Notice) bool { return a.silent(n, cmp.Or(read[n.ID], a.Now())) })
	if len(notices) == 0 {
		return nil, nil
	}
	ids := tendersOf(notices)
	tenders, err := now.Tenders(ctx, ids)
	if err != nil {
		return nil, err
	}
	dossiers, err := now.NoticesOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	off, err := a.recentlyOff(ctx, now, notices[0].ID)
	if err != nil {
		return nil, err
	}
	var list []*ledger.Announcement
	for _, notice := range notices {
		notice.Copied = a.copied(notice, dossiers[notice.TenderID])
		if n, tells := a.readOne(notice, tenders[notice.TenderID], dossiers[notice.TenderID], off); tells {
			list = append(list, n)
		}
	}
	return list, nil
}

// tendersOf returns the ids of the tenders of notices.
func tendersOf(notices []*vigie.Notice) []int64 {
	ids := make([]int64, len(notices))
	for i, n := range notices {
		ids[i] = n.TenderID
	}
	return ids
}

// silent reports whether a notice alerts nobody. Its age is what it was when it was received, however late it is read;
// of a notice of which that was not recorded, when it was first read.
func (a *Alerter) silent(n *vigie.Notice, read time.Time) bool {
	if n.ReceivedAt != nil {
		read = *n.ReceivedAt
	}
	return n.Quiet || n.Kind == vigie.Award || n.PublishedAt.Before(read.Add(-a.MaxAge))
}

// copied reports whether a notice is a copy of one that could alert: what was too old when it came is news at the next source.
func (a *Alerter) copied(n *vigie.Notice, notices []*vigie.Notice) bool {
	if !n.Copied {
		return false
	}
	return vigie.CopyOf(slices.DeleteFunc(slices.Clone(notices), func(m *vigie.Notice) bool { return m.ID >= n.ID || a.silent(m, m.PublishedAt) }), n)
}

// match returns the watches that a tender matches: those that are on, and those that were switched off since the last
// notice that was read.
func (a *Alerter) match(t *vigie.Tender, off []offWatch) []int64 {
	watches := a.Matcher.Match(t)
	if len(off) == 0 {
		return watches
	}
	facts, _ := query.FactsOf(t)
	for _, w := range off {
		if w.formula.Matches(facts) {
			watches = append(watches, w.id)
		}
	}
	return watches
}

// begun keeps of the watches that match now those that began to match with a notice: not before it, and since.
func begun(now, before, since []int64) []int64 {
	began := make(map[int64]bool, len(since))
	for _, watch := range since {
		began[watch] = true
	}
	for _, watch := range before {
		delete(began, watch)
	}
	return slices.DeleteFunc(now, func(watch int64) bool { return !began[watch] })
}

// offWatch is a watch that is off now, so that the matcher does not contain it.
type offWatch struct {
	id      int64
	formula query.Formula
}

// matchable returns those watches that can be matched, and adds to failed why the others cannot.
func (a *Alerter) matchable(watches []*vigie.Watch, failed map[int64]error) (list []*vigie.Watch) {
	for _, w := range watches {
		if _, err := a.Matcher.FormulaOf(w.Criteria); err != nil {
			failed[w.ID] = err
			continue
		}
		list = append(list, w)
	}
	return list
}

// recentlyOff reads the watches that were switched off after a change, and leaves out those that cannot be matched.
func (a *Alerter) recentlyOff(ctx context.Context, now *store.Snapshot, after int64) (list []offWatch, err error) {
	watches, failed, err := now.RecentlyOff(ctx, after)
	if err != nil {
		return nil, err
	}
	for _, w := range a.matchable(watches, failed) {
		list = append(list, offWatch{w.ID, a.Matcher.Compile(w.Criteria)})
	}
	for watch, cause := range failed {
		a.Matcher.LeaveOut(ctx, watch, cause)
	}
	return list, nil
}

// readOne finds out what one of the notices of a tender says, if anything.
func (a *Alerter) readOne(notice *vigie.Notice, t *vigie.Tender, notices []*vigie.Notice, off []offWatch) (n *ledger.Announcement, tells bool) {
	n = &ledger.Announcement{About: ledger.AlertSubject{TenderID: t.ID, NoticeID: notice.ID, Number: t.Number}, Tender: t}
	if t.Outcome == vigie.Cancelled {
		n.Cancelled = notice.Kind == vigie.Cancellation && !notice.Copied
		return n, n.Cancelled
	}
	if t.Outcome != vigie.Undecided || notice.Kind == vigie.Cancellation {
		return n, false
	}
	effect := query.EffectOf(notice, t, notices)
	online := t.Status(a.Now()) == vigie.StatusOnline
	if online {
		n.Facts = effect.Facts()
		n.Matching = a.match(t, off)
	}
	if notice.Copied { // it was news where it was first published, but for what it adds itself
		n.Matching = begun(n.Matching, a.match(effect.Before(), off), a.match(effect.Since(), off))
		return n, len(n.Matching) > 0
	}
	if n.Corrects = effect.Corrects(); n.Corrects {
		n.Urgent = effect.AdvancesDeadline()
		n.Knew = make(map[int64]bool)
		if before := effect.Before(); online && before.Status(a.Now()) == vigie.StatusOnline {
			for _, watch := range a.match(before, off) {
				n.Knew[watch] = true
			}
		}
	}
	return n, online || n.Corrects
}

// enter enters the deliveries of one announcement.
func (a *Alerter) enter(ctx context.Context, n *ledger.Announcement) error {
	return a.Store.Ledger().Announce(ctx, n, func() { a.fault(AfterEnter) })
}
