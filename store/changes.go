package store

import (
	"context"
	"sync"
)

// published is what processes tell one another of when notices were published.
const published = "published"

// Changes gives a value soon after notices were published, by this process or,
// on PostgreSQL, by any other; several at once may give one, and one may be for
// nothing. It is to spare a wait: whoever must not miss anything looks now and
// then as well. It ends with ctx.
func (s *Store) Changes(ctx context.Context) <-chan struct{} {
	woken := make(chan struct{}, 1)
	s.bell.add(woken)
	context.AfterFunc(ctx, func() { s.bell.remove(woken) })
	go s.dialect.listen(ctx, s.db, published, func() { wake(woken) })
	return woken
}

// bell wakes those who wait within a process.
type bell struct {
	mutex   sync.Mutex
	waiting map[chan struct{}]struct{}
}

func (b *bell) add(woken chan struct{}) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.waiting == nil {
		b.waiting = make(map[chan struct{}]struct{})
	}
	b.waiting[woken] = struct{}{}
}

func (b *bell) remove(woken chan struct{}) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	delete(b.waiting, woken)
}

func (b *bell) ring() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for woken := range b.waiting {
		wake(woken)
	}
}

// wake leaves a value for who waits, unless one is there.
func wake(woken chan struct{}) {
	select {
	case woken <- struct{}{}:
	default:
	}
}
