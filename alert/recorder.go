package alert

import (
	"context"
	"errors"
	"sync"
	"time"

	"vigie/ledger"
)

// recorder records what was sent, in batches: what is sent while one is recorded is in the next, so that nobody waits for the
// database, and many outcomes are one transaction.
type recorder struct {
	// write records a batch.
	write func(ctx context.Context, sent []ledger.SentMail) error
	// room has a value for each message that was sent and is not recorded.
	room chan struct{}
	// full has a value where a batch is not to wait for more.
	full chan struct{}

	mutex   sync.Mutex
	waiting []ledger.SentMail
	running bool
	// some is whether there were any since the last wait, ending whether one is waited for.
	some, ending bool
	err          error // of what could not be recorded
	done         sync.WaitGroup
}

const (
	// maxUnrecorded is how many messages may be sent and not recorded: those that a crash has sent again.
	maxUnrecorded = 64
	// fullBatch is how many are recorded without waiting for more.
	fullBatch = maxUnrecorded / 2
	// gathering is how long the next batch waits for more.
	gathering = 10 * time.Millisecond
)

func newRecorder(write func(ctx context.Context, sent []ledger.SentMail) error) *recorder {
	return &recorder{write: write, room: make(chan struct{}, maxUnrecorded), full: make(chan struct{}, 1)}
}

// add has a message recorded that was sent. It waits only while too many are not.
func (r *recorder) add(ctx context.Context, sent ledger.SentMail) {
	r.room <- struct{}{}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.waiting, r.some = append(r.waiting, sent), true
	if len(r.waiting) == fullBatch {
		r.hurry()
	}
	if !r.running {
		r.running = true
		r.done.Go(func() { r.run(ctx) })
	}
}

// hurry has the next batch not wait for more.
func (r *recorder) hurry() {
	select {
	case r.full <- struct{}{}:
	default:
	}
}

// run records until nothing is left: the first at once, for it may be alone, then what came while that was recorded.
func (r *recorder) run(ctx context.Context) {
	for batch := r.next(); len(batch) > 0; batch = r.next() {
		err := r.write(ctx, batch)
		r.mutex.Lock()
		r.err = errors.Join(r.err, err)
		r.mutex.Unlock()
		for range batch {
			<-r.room
		}
		r.gather()
	}
}

// gather lets more come, for what a batch costs is nearly the same for one as for many.
func (r *recorder) gather() {
	r.mutex.Lock()
	ending := r.ending
	r.mutex.Unlock()
	if ending {
		return
	}
	select {
	case <-r.full:
	case <-time.After(gathering):
	}
}

// next takes the next batch; without one, run has ended.
func (r *recorder) next() []ledger.SentMail {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	batch := r.waiting
	r.waiting = nil
	r.running = len(batch) > 0
	return batch
}

// failed returns why messages could not be recorded since it was last called.
func (r *recorder) failed() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	err := r.err
	r.err = nil
	return err
}

// wait waits until all is recorded, and reports whether there was any since the last time.
func (r *recorder) wait() (some bool) {
	r.end(true)
	r.hurry()
	r.done.Wait()
	r.end(false)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	some, r.some = r.some, false
	return some
}

func (r *recorder) end(ending bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.ending = ending
}
