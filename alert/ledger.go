package alert

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"vigie"
	"vigie/consumer"
	"vigie/database"
	"vigie/feed"
	"vigie/query"
	"vigie/store"
)

// Ledger turns notices into deliveries: it enters which recipient is alerted of what. Every replica runs one. The
// leader writes; the others keep their matchers up to date to take over. One replica, not necessarily the same, also
// has watches catch up, see [Ledger.CatchUp].
//
// Each notice is matched against the watches as they are in a snapshot of the database that contains both, so that
// neither can overtake the other.
type Ledger struct {
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
func (l *Ledger) Run(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { l.Notices().Run(ctx) })
	running.Go(func() { l.CatchUp().Run(ctx) })
	running.Wait()
}

// Step does all the work there is now, unless another process leads. It is for tests that do not wait.
func (l *Ledger) Step(ctx context.Context) error {
	if err := l.Notices().Drain(ctx); err != nil {
		return err
	}
	return l.CatchUp().Drain(ctx)
}

// consumer returns a consumer with the ledger's settings.
func (l *Ledger) consumer(name string) *consumer.Consumer {
	return &consumer.Consumer{Name: name, Job: name, DB: l.Store.Database(), Now: l.Now, Log: l.Log, Metrics: l.Metrics, Fault: l.Fail}
}

// Notices returns the consumer that enters the deliveries of notices.
func (l *Ledger) Notices() *consumer.Consumer {
	c := l.consumer(database.AlertsConsumer)
	c.Work = c.Stream(consumer.Stream{Kind: database.NoticeItem, Batch: batch, Next: l.next, Process: l.process}).Step
	c.Standby = func(ctx context.Context) error { return l.Matcher.WithSnapshot(ctx, l.Store, nil) }
	c.Behind = l.Store.AlertsBehind
	return c
}

// next returns the numbers of the next notices.
func (l *Ledger) next(ctx context.Context, after int64, limit int) ([]consumer.Item, error) {
	var items []consumer.Item
	err := l.Matcher.WithSnapshot(ctx, l.Store, func(ctx context.Context, now *store.Snapshot) error {
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
func (l *Ledger) process(ctx context.Context, items []consumer.Item) error {
	var found []announcement
	err := l.Matcher.WithSnapshot(ctx, l.Store, func(ctx context.Context, now *store.Snapshot) (err error) {
		found, err = l.read(ctx, now, items)
		return err
	})
	if err != nil {
		return err
	}
	l.fault(AfterMatch)
	if err := l.decideAgain(ctx, items); err != nil {
		return err
	}
	for _, n := range found {
		if err := l.enter(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// decideAgain makes the sender decide again about what waits of the tenders of notices, also of those that alert nobody:
// each can move the deadline, or merge tenders.
func (l *Ledger) decideAgain(ctx context.Context, items []consumer.Item) error {
	notices := make([]int64, len(items))
	for i, item := range items {
		notices[i] = item.ID
	}
	return l.Store.DecideAgain(ctx, notices)
}

func (l *Ledger) fault(at Fault) {
	if l.Fault != nil {
		l.Fault(at)
	}
}

// announcement is what a notice says about a tender, with the watches that it concerns.
type announcement struct {
	about  store.AlertSubject
	tender *vigie.Tender
	facts  query.Facts
	// cancelled reports whether the tender will not take place; else it can be answered.
	cancelled bool
	// corrects reports whether the notice changed what recipients were alerted of.
	corrects bool
	// urgent reports whether it moved the deadline to an earlier moment.
	urgent bool
	// matching are the watches that the tender matches, if it is online; knew are those of them that it matched
	// before the notice.
	matching []int64
	knew     map[int64]bool
	// missed are the watches that missed the notice and now catch up; then no other recipients are alerted.
	missed []int64
}

// read finds out what notices say.
func (l *Ledger) read(ctx context.Context, now *store.Snapshot, items []consumer.Item) ([]announcement, error) {
	numbers, read := make([]int64, len(items)), make(map[int64]time.Time, len(items))
	for i, item := range items {
		at := item.FirstTried // a notice that was quarantined alerts as it would have done then
		if at.IsZero() {
			at = l.Now()
		}
		numbers[i], read[item.ID] = item.ID, at
	}
	notices, err := now.Notices(ctx, numbers)
	if err != nil {
		return nil, err
	}
	notices = slices.DeleteFunc(notices, func(n *vigie.Notice) bool { return l.silent(n, read[n.ID]) })
	if len(notices) == 0 {
		return nil, nil
	}
	ids := make([]int64, len(notices))
	for i, n := range notices {
		ids[i] = n.TenderID
	}
	tenders, err := now.Tenders(ctx, ids)
	if err != nil {
		return nil, err
	}
	dossiers, err := now.NoticesOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	off, err := recentlyOff(ctx, now, notices[0].ID)
	if err != nil {
		return nil, err
	}
	var list []announcement
	for _, notice := range notices {
		if n, tells := l.readOne(notice, tenders[notice.TenderID], dossiers[notice.TenderID], off); tells {
			list = append(list, n)
		}
	}
	return list, nil
}

// silent reports whether a notice that is known since a time alerts nobody.
func (l *Ledger) silent(n *vigie.Notice, since time.Time) bool {
	return n.Quiet || n.Kind == vigie.Award || n.PublishedAt.Before(since.Add(-l.MaxAge))
}

// match returns the watches that a tender matches: those that are on, and those that were switched off since the last
// notice that was read.
func (l *Ledger) match(t *vigie.Tender, off []offWatch) []int64 {
	watches := l.Matcher.Match(t)
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

// offWatch is a watch that is off now, so that the matcher does not contain it.
type offWatch struct {
	id      int64
	formula query.Formula
}

// recentlyOff reads the watches that were switched off after a change.
func recentlyOff(ctx context.Context, now *store.Snapshot, after int64) ([]offWatch, error) {
	watches, err := now.RecentlyOff(ctx, after)
	list := make([]offWatch, len(watches))
	for i, w := range watches {
		list[i] = offWatch{w.ID, query.Compile(w.Criteria)}
	}
	return list, err
}

// readOne finds out what one of the notices of a tender says, if anything.
func (l *Ledger) readOne(notice *vigie.Notice, t *vigie.Tender, notices []*vigie.Notice, off []offWatch) (n announcement, tells bool) {
	n = announcement{about: store.AlertSubject{TenderID: t.ID, NoticeID: notice.ID, Number: t.Number}, tender: t}
	if t.Outcome == vigie.Cancelled {
		n.cancelled = notice.Kind == vigie.Cancellation
		return n, n.cancelled
	}
	if t.Outcome != vigie.Undecided || notice.Kind == vigie.Cancellation {
		return n, false
	}
	effect := query.EffectOf(notice, t, notices)
	online := t.Status(l.Now()) == vigie.StatusOnline
	if online {
		n.facts = effect.Facts()
		n.matching = l.match(t, off)
	}
	if n.corrects = effect.Corrects(); n.corrects {
		n.urgent = effect.AdvancesDeadline()
		n.knew = make(map[int64]bool)
		if before := effect.Before(); online && before.Status(l.Now()) == vigie.StatusOnline {
			for _, watch := range l.match(before, off) {
				n.knew[watch] = true
			}
		}
	}
	return n, online || n.corrects
}

// enter enters the deliveries of one announcement.
func (l *Ledger) enter(ctx context.Context, n announcement) error {
	alerts, err := l.alerts(ctx, n)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(alerts, vigie.MaxBatch) {
		if err := l.Store.Enter(ctx, n.about, some); err != nil {
			return err
		}
		l.fault(AfterEnter)
	}
	return nil
}

// alerts returns which recipients are alerted of an announcement.
func (l *Ledger) alerts(ctx context.Context, n announcement) ([]store.Alert, error) {
	alerted, err := l.Store.Alerted(ctx, n.about)
	if err != nil {
		return nil, err
	}
	known, err := l.Store.Knowledge(ctx, n.about)
	if err != nil {
		return nil, err
	}
	g := alertsByRecipient{announcement: n, now: l.Now(), recipients: make(map[int64]*recipientAlert)}
	switch {
	case n.cancelled:
		g.add(vigie.DeliverCancelled, alerted...)
	case n.corrects:
		g.add(vigie.DeliverCorrected, alerted...)
	}
	recipients, err := l.recipients(ctx, n)
	if err != nil {
		return nil, err
	}
	found := query.NewFinder(n.facts)
	for _, f := range recipients {
		f.Keywords = found.Keywords(f.Keywords)
		switch knows := known[f.RecipientID]; {
		case n.corrects && (knows.Before || n.knew[f.WatchID]):
			g.add(vigie.DeliverCorrected, f)
		case !knows.Informed: // one more reason, if the alert is still to be sent
			g.add(vigie.DeliverNew, f)
		}
	}
	return g.alerts(), nil
}

// recipients returns the recipients of the watches that the tender matches.
func (l *Ledger) recipients(ctx context.Context, n announcement) ([]store.WatchRecipient, error) {
	read := func(watches []int64) ([]store.WatchRecipient, error) {
		if n.missed != nil {
			return l.Store.CatchUpRecipients(ctx, watches)
		}
		return l.Store.WatchRecipients(ctx, watches, n.about.NoticeID)
	}
	var all []store.WatchRecipient
	for some := range slices.Chunk(append(n.missed, n.matching...), vigie.MaxBatch) {
		recipients, err := read(some)
		if err != nil {
			return nil, err
		}
		all = append(all, recipients...)
	}
	return all, nil
}

// alertsByRecipient collects the alerts of each recipient about one announcement.
type alertsByRecipient struct {
	announcement announcement
	now          time.Time
	recipients   map[int64]*recipientAlert
}

// recipientAlert is the alert of one recipient.
type recipientAlert struct {
	account   vigie.Account
	kind      vigie.DeliveryKind
	frequency vigie.Frequency
	keywords  map[int64][]string // by watch
}

// add adds reasons. If a recipient has reasons of two kinds, it knows the tender already.
func (g *alertsByRecipient) add(kind vigie.DeliveryKind, recipients ...store.WatchRecipient) {
	for _, f := range recipients {
		p := g.recipients[f.RecipientID]
		if p == nil {
			p = &recipientAlert{account: f.Account, kind: kind, frequency: f.Frequency, keywords: make(map[int64][]string)}
			g.recipients[f.RecipientID] = p
		}
		if p.kind == vigie.DeliverNew {
			p.kind = kind
		}
		p.frequency = fastest(p.frequency, f.Frequency)
		p.keywords[f.WatchID] = f.Keywords
	}
}

// alerts returns the alerts in the order of the recipients.
func (g *alertsByRecipient) alerts() []store.Alert {
	var list []store.Alert
	for _, id := range slices.Sorted(maps.Keys(g.recipients)) {
		p := g.recipients[id]
		a := store.Alert{RecipientID: id, Kind: p.kind, Urgent: g.announcement.urgent && p.kind == vigie.DeliverCorrected}
		for _, watch := range slices.Sorted(maps.Keys(p.keywords)) {
			a.Reasons = append(a.Reasons, vigie.Reason{WatchID: watch, Keywords: p.keywords[watch]})
		}
		deadline := g.announcement.tender.Deadline
		a.DueAt = dueAt(&p.account, p.frequency, &vigie.Delivery{Kind: a.Kind, Urgent: a.Urgent, CreatedAt: g.now}, deadline)
		list = append(list, a)
		if g.announcement.cancelled || deadline == nil || closesSoon(&p.account, p.frequency, a.DueAt, *deadline) {
			continue // the alert that is sent now contains the deadline
		}
		a.Kind, a.Urgent = vigie.DeliverClosingSoon, false
		a.DueAt = closingSoonAt(&p.account, p.frequency, g.now, deadline)
		list = append(list, a)
	}
	if g.announcement.missed != nil { // the tender may have changed since it was read: the sender decides when they are due
		for i := range list {
			list[i].DueAt = g.now
		}
	}
	return list
}
