package feed

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"vigie"
	"vigie/consumer"
	"vigie/database"
	"vigie/query"
	"vigie/store"
)

// Broadcaster sends published notices, of this replica or another, to its subscribers. It reads each notice once, however
// many subscribers there are, and not at all while there are none. A subscriber misses nothing: one that is too slow,
// or for which a notice cannot be read, gets an error and must begin again.
type Broadcaster struct {
	// Metrics and Fail are passed to the consumer; either may be nil.
	Metrics *consumer.Metrics
	Fail    consumer.Fault

	store *store.Store
	log   *slog.Logger
	// mutex guards subscribers and sending.
	mutex       sync.Mutex
	subscribers map[*subscriber]struct{}
	sending     bool
	// cursor is the last change that was sent, while sending is set; last is the last change that existed when
	// notices were read. edits is the change up to which edited watches were reported.
	cursor, last, edits int64
}

// subscriber is one subscriber.
type subscriber struct {
	// after is the last change before it began; then, once started, the last notice that was sent to it. Started reports
	// whether the cursor takes it into account: only then is anything sent to it.
	after   int64
	started bool
	queue   chan *query.NoticeEffect
}

const (
	// pollEvery is how often the database is polled when no notification comes: for changes of other processes in SQLite,
	// and while PostgreSQL's connection is being replaced.
	pollEvery = time.Second
	// readBatch is how many notices are read at once.
	readBatch = 100
	// maxQueued is how many notices a subscriber may be behind. All subscribers share the same notices in memory.
	maxQueued = 1000
)

// NewBroadcaster returns a source of the notices published in a database from now on.
func NewBroadcaster(s *store.Store, log *slog.Logger) *Broadcaster {
	return &Broadcaster{store: s, log: log, subscribers: make(map[*subscriber]struct{})}
}

// Run sends notices until ctx ends. Errors are logged, and the work is tried again: databases come back.
func (n *Broadcaster) Run(ctx context.Context) { n.consumer().Run(ctx) }

func (n *Broadcaster) consumer() *consumer.Consumer {
	c := &consumer.Consumer{Name: database.NewsConsumer, Pace: pollEvery, Woken: n.store.Database().Changes, DB: n.store.Database(), Log: n.log, Metrics: n.Metrics, Fault: n.Fail}
	s := c.Stream(consumer.Stream{
		Kind: database.NoticeItem, Batch: readBatch, Cursor: n.reached, Advance: n.advance, Next: n.next, Process: n.process, Reached: n.skipRest,
		Skip: true, SetAside: func(ctx context.Context, _ consumer.Item) error {
			n.dropAll(ctx, "a notice cannot be read")
			return nil
		},
	})
	c.Work = func(ctx context.Context) (more bool, err error) {
		if !n.begin() {
			return false, nil
		}
		return s.Continue(ctx)
	}
	c.Behind = n.behind
	return c
}

// Subscribe yields, until ctx ends, the notices published from now on: each time all that have come since the last. An
// error, with the code [vigie.Unavailable], is the last thing it yields. The result can be ranged over once.
func (n *Broadcaster) Subscribe(ctx context.Context) (iter.Seq2[[]*query.NoticeEffect, error], error) {
	after, err := n.store.Database().LastNumber(ctx)
	if err != nil {
		return nil, err
	}
	f := n.register(after)
	context.AfterFunc(ctx, func() { n.unregister(f) })
	return func(yield func([]*query.NoticeEffect, error) bool) {
		for {
			some, lost := f.take(ctx)
			if len(some) > 0 && !yield(some, nil) || ctx.Err() != nil {
				return
			}
			if lost {
				yield(nil, errDropped())
				return
			}
		}
	}, nil
}

func (n *Broadcaster) register(after int64) *subscriber {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	f := &subscriber{after: after, queue: make(chan *query.NoticeEffect, maxQueued)}
	n.subscribers[f] = struct{}{}
	return f
}

func (n *Broadcaster) unregister(f *subscriber) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	delete(n.subscribers, f)
}

// take waits for notices and takes all there are; lost reports that there will be no more.
func (f *subscriber) take(ctx context.Context) (some []*query.NoticeEffect, lost bool) {
	select {
	case <-ctx.Done():
		return nil, false
	case next, ok := <-f.queue:
		for ; ok; next, ok = <-f.queue {
			some = append(some, next)
			if len(f.queue) == 0 {
				return some, false
			}
		}
		return some, true
	}
}

func errDropped() error {
	return &vigie.Error{Code: vigie.Unavailable, Err: errors.New("feed: a subscriber is cut off"), Text: vigie.Text{
		FR: "L’affichage en direct a été interrompu : des marchés ont pu vous échapper. Rechargez la page.",
		EN: "The live updates were interrupted: you may have missed tenders. Reload the page.",
	}}
}

func (n *Broadcaster) reached(context.Context) (int64, error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.cursor, nil
}

func (n *Broadcaster) advance(_ context.Context, to int64) error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.cursor = max(n.cursor, to)
	return nil
}

// skipRest moves the cursor past changes that are not notices.
func (n *Broadcaster) skipRest(ctx context.Context) error { return n.advance(ctx, n.last) }

// next returns the notices that come next.
func (n *Broadcaster) next(ctx context.Context, after int64, limit int) (items []consumer.Item, err error) {
	err = n.store.Snapshot(ctx, func(ctx context.Context, now *store.Snapshot) error {
		items, n.last = nil, now.Number
		switch {
		case now.Number < after:
			n.dropAll(ctx, "the database was restored")
			return nil
		case now.Number == after:
			return nil
		}
		events, err := now.EventsAfter(ctx, after, limit)
		for _, number := range events {
			items = append(items, consumer.Item{ID: number, Number: number})
		}
		return err
	})
	return items, err
}

// process sends notices.
func (n *Broadcaster) process(ctx context.Context, items []consumer.Item) error {
	var news []*query.NoticeEffect
	n.mutex.Lock()
	edits, reached := n.edits, n.edits
	n.mutex.Unlock()
	err := n.store.Snapshot(ctx, func(ctx context.Context, now *store.Snapshot) (err error) {
		if news, err = now.Effects(ctx, idsOf(items)); err != nil {
			return err
		}
		edited, err := now.AccountsEdited(ctx, edits)
		for _, one := range news {
			one.Edited = edited
		}
		reached = now.Number
		return err
	})
	if err == nil {
		n.send(ctx, news)
		n.mutex.Lock()
		n.edits = reached
		n.mutex.Unlock()
	}
	return err
}

// behind returns what is still to be sent to the subscribers.
func (n *Broadcaster) behind(ctx context.Context) (database.Behind, error) {
	n.mutex.Lock()
	sending, cursor := n.sending, n.cursor
	n.mutex.Unlock()
	if !sending {
		return database.Behind{}, nil
	}
	return n.store.NoticesBehind(ctx, cursor)
}

// begin reports whether there are subscribers. It starts the new ones: the cursor goes back to where the earliest of
// them began, if it is beyond that.
func (n *Broadcaster) begin() bool {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if len(n.subscribers) == 0 {
		n.sending = false
		return false
	}
	for f := range n.subscribers {
		if f.started {
			continue
		}
		if !n.sending || f.after < n.cursor {
			n.cursor = f.after
		}
		if !n.sending || f.after < n.edits {
			n.edits = f.after
		}
		f.started, n.sending = true, true
	}
	return true
}

// send puts notices into the subscribers' queues. It waits for nobody: a subscriber whose queue is full is cut off.
func (n *Broadcaster) send(ctx context.Context, news []*query.NoticeEffect) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for f := range n.subscribers {
		if !f.started {
			continue
		}
		for _, one := range news {
			if one.Number <= f.after {
				continue
			}
			select {
			case f.queue <- one:
				f.after = one.Number
				continue
			default:
			}
			n.log.WarnContext(ctx, "subscriber is too slow: cut off", "component", "news", "action", "send", "behind", maxQueued)
			n.drop(f)
			break
		}
	}
}

// dropAll cuts off all subscribers.
func (n *Broadcaster) dropAll(ctx context.Context, why string) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.log.WarnContext(ctx, "all subscribers are cut off", "component", "news", "action", "send", "why", why)
	for f := range n.subscribers {
		n.drop(f)
	}
	n.sending = false
}

// drop removes a subscriber. The mutex is held, so that nothing is sent to it.
func (n *Broadcaster) drop(f *subscriber) {
	close(f.queue)
	delete(n.subscribers, f)
}
