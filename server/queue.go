package main

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"vigie"
)

// queue lets so much work be done at once. Some more waits for a while, and the
// rest is refused: some good answers are better than only late ones.
type queue struct {
	working, waiting *semaphore.Weighted
	wait             time.Duration
}

// newQueue makes a queue with a number of places, a number of those that may wait for one, and the time for which they
// wait.
func newQueue(places, waiting int64, wait time.Duration) *queue {
	return &queue{semaphore.NewWeighted(places), semaphore.NewWeighted(waiting), wait}
}

// enter waits for n places, which are free again after leave; that may be called
// twice.
func (q *queue) enter(ctx context.Context, n int64) (leave func(), err error) {
	if !q.working.TryAcquire(n) {
		if !q.waiting.TryAcquire(1) {
			return nil, tooBusy()
		}
		ctx, cancel := context.WithTimeout(ctx, q.wait)
		defer cancel()
		defer q.waiting.Release(1)
		if q.working.Acquire(ctx, n) != nil {
			return nil, tooBusy()
		}
	}
	return sync.OnceFunc(func() { q.working.Release(n) }), nil
}

// queues has a queue for each caller that is at work: one that asks for much
// waits for itself, and not others for it.
type queues struct {
	places, waiting int64
	wait            time.Duration
	mutex           sync.Mutex
	by              map[string]*ownQueue
}

// ownQueue is the queue of one caller, kept while it has users.
type ownQueue struct {
	*queue
	users int
}

func newQueues(places, waiting int64, wait time.Duration) *queues {
	return &queues{places: places, waiting: waiting, wait: wait, by: make(map[string]*ownQueue)}
}

// enter waits for n of a caller's places, or for all of them where n is more. They are
// free again after leave, which may be called twice.
func (q *queues) enter(ctx context.Context, who string, n int64) (leave func(), err error) {
	own := q.join(who)
	done, err := own.enter(ctx, min(n, q.places))
	if err != nil {
		q.part(who)
		return nil, tooMuchAtOnce()
	}
	return sync.OnceFunc(func() {
		done()
		q.part(who)
	}), nil
}

func (q *queues) join(who string) *ownQueue {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	own := q.by[who]
	if own == nil {
		own = &ownQueue{queue: newQueue(q.places, q.waiting, q.wait)}
		q.by[who] = own
	}
	own.users++
	return own
}

func (q *queues) part(who string) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.by[who].users--; q.by[who].users == 0 {
		delete(q.by, who)
	}
}

func tooMuchAtOnce() error {
	return &vigie.Error{Code: vigie.TooManyRequests, Text: vigie.Text{
		FR: "Vos demandes en cours prennent déjà tout le temps qui vous revient. Attendez qu’elles soient terminées, puis réessayez.",
		EN: "Your requests under way take all the time that you may have. Wait until they are done, then try again.",
	}}
}
