package main

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// queue lets so many work at once; four times as many wait for a while, and the
// others are refused: some good answers are better than only late ones.
type queue struct{ working, waiting *semaphore.Weighted }

// maxWait is how long one waits for a place.
const maxWait = time.Second

func newQueue(places int64) *queue {
	return &queue{semaphore.NewWeighted(places), semaphore.NewWeighted(4 * places)}
}

// enter waits for a place, which is free again after leave; that may be called
// twice.
func (q *queue) enter(ctx context.Context) (leave func(), err error) {
	if !q.working.TryAcquire(1) {
		if !q.waiting.TryAcquire(1) {
			return nil, tooBusy()
		}
		ctx, cancel := context.WithTimeout(ctx, maxWait)
		defer cancel()
		defer q.waiting.Release(1)
		if q.working.Acquire(ctx, 1) != nil {
			return nil, tooBusy()
		}
	}
	return sync.OnceFunc(func() { q.working.Release(1) }), nil
}
