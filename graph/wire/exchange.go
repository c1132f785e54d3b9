package wire

import (
	"context"
	"sync"
	"time"
)

// exchange is a request and its answer, or a message on a socket. It can be cut
// off to make room for others while it waits for its client or for a place, but
// not while it is worked on: what is begun is done.
type exchange struct {
	mutex sync.Mutex
	end   func() // ends the wait; nil while there is none
	why   error  // it was cut off; nil if not
}

type exchangeKey struct{}

// exchanging begins an exchange.
func exchanging(ctx context.Context) context.Context {
	return context.WithValue(ctx, exchangeKey{}, new(exchange))
}

// Cut cuts the exchange of a context off, and reports whether it could.
// Its client gets the reason where that is still possible.
func Cut(ctx context.Context, why error) bool {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok {
		return false
	}
	x.mutex.Lock()
	defer x.mutex.Unlock()
	if x.why == nil && x.end != nil {
		x.why = why
		x.end()
	}
	return x.why != nil
}

// waits notes that the exchange of a context waits, which end ends; over is when
// it goes on, and says why it must not.
func waits(ctx context.Context, end func()) (over func() error) {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok {
		return func() error { return nil }
	}
	x.mutex.Lock()
	defer x.mutex.Unlock()
	x.end = end
	return func() error {
		x.mutex.Lock()
		defer x.mutex.Unlock()
		x.end = nil
		return x.why
	}
}

// past is a deadline that is over: it ends reading and writing at once.
func past() time.Time { return time.Unix(1, 0) }
