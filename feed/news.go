package feed

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"vigie"
	"vigie/query"
	"vigie/store"
)

// News tells whoever follows it what is published, by this replica or another:
// it reads each notice once, however many follow, and not at all while nobody
// does. Who is told nothing for a while has missed nothing; who is too slow is
// told so, and must begin anew.
type News struct {
	store *store.Store
	log   *slog.Logger
	// mutex guards who follows, and whether anyone is told.
	mutex     sync.Mutex
	followers map[*follower]struct{}
	telling   bool
	// cursor is the last notice told, while telling; Run's own.
	cursor int64
}

// follower is one who follows the news.
type follower struct {
	// after is the last change before it began; unknown while that is being read.
	after int64
	queue chan *query.News
}

// unknown is the number of a change that is yet to be read.
const unknown = -1

const (
	// look is how often the database is asked where nothing woke us: what
	// another process stored in SQLite, or while PostgreSQL's connection is
	// being made anew.
	look = time.Second
	// told is how many notices are read at once.
	told = 100
	// behind is how many notices a follower may be behind. They are the same
	// ones for all followers, so it is not each that takes memory for them.
	behind = 1000
)

// NewNews makes news of what is published in a database from now on.
func NewNews(s *store.Store, log *slog.Logger) *News {
	return &News{store: s, log: log, followers: make(map[*follower]struct{})}
}

// Run tells the news until ctx ends. What fails is logged and tried again:
// databases come back.
func (n *News) Run(ctx context.Context) {
	keepOn(ctx, look, n.store.Changes(ctx), n.step, func(err error) { n.log.ErrorContext(ctx, "news are not told", "error", err) })
}

// Follow yields the news from now on until ctx ends: all that has come since
// the last time. An error, of code [vigie.Unavailable], is the last thing it
// yields. The result is for one use.
func (n *News) Follow(ctx context.Context) (iter.Seq2[[]*query.News, error], error) {
	f := n.register()
	// Only now: what is published from here on reaches the follower's queue.
	after, err := n.store.LastNumber(ctx)
	if err != nil {
		n.unregister(f)
		return nil, err
	}
	n.mutex.Lock()
	f.after = after
	n.mutex.Unlock()
	context.AfterFunc(ctx, func() { n.unregister(f) })
	return func(yield func([]*query.News, error) bool) {
		for {
			some, lost := f.take(ctx)
			if len(some) > 0 && !yield(some, nil) || ctx.Err() != nil {
				return
			}
			if lost {
				yield(nil, errLost())
				return
			}
		}
	}, nil
}

func (n *News) register() *follower {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	f := &follower{after: unknown, queue: make(chan *query.News, behind)}
	n.followers[f] = struct{}{}
	return f
}

func (n *News) unregister(f *follower) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	delete(n.followers, f)
}

// take waits for news and takes all there are; lost reports that there will be
// no more. What was queued from before the follower began is left out.
func (f *follower) take(ctx context.Context) (some []*query.News, lost bool) {
	select {
	case <-ctx.Done():
		return nil, false
	case next, ok := <-f.queue:
		for ; ok; next, ok = <-f.queue {
			if next.Notice.ID > f.after {
				some = append(some, next)
			}
			if len(f.queue) == 0 {
				return some, false
			}
		}
		return some, true
	}
}

func errLost() error {
	return &vigie.Error{Code: vigie.Unavailable, Err: errors.New("feed: a follower of the news is cut off"), Text: vigie.Text{
		FR: "Le fil des nouvelles est interrompu : relisez la liste et abonnez-vous de nouveau.",
		EN: "The stream of news is cut: read the list again and subscribe anew.",
	}}
}

// step tells what there is to tell, up to a bound.
func (n *News) step(ctx context.Context) (more bool, err error) {
	if !n.begin() {
		return false, nil
	}
	err = n.store.Snapshot(ctx, func(ctx context.Context, now *store.Snapshot) error {
		switch {
		case now.Number < n.cursor:
			// An older state of the database, or another, was put in place.
			n.loseAll(ctx)
			return nil
		case now.Number == n.cursor:
			return nil
		}
		news, err := read(ctx, now, n.cursor)
		if err != nil {
			return err
		}
		n.tell(ctx, news)
		if more = len(news) == told; more {
			n.cursor = news[told-1].Notice.ID
		} else {
			n.cursor = now.Number
		}
		return nil
	})
	return more, err
}

// begin reports whether there is anybody to tell. The first who comes says
// where to begin.
func (n *News) begin() bool {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if len(n.followers) == 0 {
		n.telling = false
		return false
	}
	if n.telling {
		return true
	}
	n.cursor = unknown
	for f := range n.followers {
		if f.after != unknown && (n.cursor == unknown || f.after < n.cursor) {
			n.cursor = f.after
		}
	}
	n.telling = n.cursor != unknown
	return n.telling
}

// read makes news of the next notices.
func read(ctx context.Context, now *store.Snapshot, after int64) ([]*query.News, error) {
	notices, err := now.Notices(ctx, after, told)
	if err != nil || len(notices) == 0 {
		return nil, err
	}
	ids := make([]int64, len(notices))
	for i, notice := range notices {
		ids[i] = notice.TenderID
	}
	tenders, err := now.Tenders(ctx, ids)
	if err != nil {
		return nil, err
	}
	byTender, err := now.NoticesOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	news := make([]*query.News, len(notices))
	for i, notice := range notices {
		news[i] = query.NewsOf(notice, tenders[notice.TenderID], byTender[notice.TenderID])
	}
	return news, nil
}

// tell puts news into the followers' queues. Nobody is waited for: whose queue
// is full is lost.
func (n *News) tell(ctx context.Context, news []*query.News) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for f := range n.followers {
		for _, one := range news {
			if one.Notice.ID <= f.after {
				continue
			}
			select {
			case f.queue <- one:
				continue
			default:
			}
			n.log.WarnContext(ctx, "a follower of the news is too slow and is cut off", "behind", behind)
			n.lose(f)
			break
		}
	}
}

// loseAll has all followers begin anew.
func (n *News) loseAll(ctx context.Context) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.log.WarnContext(ctx, "the database was put back; followers of the news are cut off")
	for f := range n.followers {
		n.lose(f)
	}
	n.telling = false
}

// lose lets a follower go. The mutex is held, so that nothing is sent to it.
func (n *News) lose(f *follower) {
	close(f.queue)
	delete(n.followers, f)
}
