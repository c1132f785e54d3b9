package consumer

import (
	"sync"
	"time"
)

// outage is the time in which each step of a consumer fails. A consumer may run several times at once.
type outage struct {
	mutex sync.Mutex
	// since is when it began, logged when it was logged last; zero while steps succeed.
	since, logged time.Time
}

// failed notes that a step failed, and reports whether to log it: not what may pass in a moment, and not again at once.
func (o *outage) failed(now time.Time, mayPass bool) (log bool) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.since.IsZero() {
		o.since = now
	}
	if mayPass && now.Sub(o.since) < passing || !o.logged.IsZero() && now.Sub(o.logged) < sayAgain {
		return false
	}
	o.logged = now
	return true
}

// over notes that a step succeeded, and returns how long steps failed before, and whether that was logged.
func (o *outage) over(now time.Time) (lasted time.Duration, logged bool) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	lasted, logged = now.Sub(o.since), !o.logged.IsZero()
	o.since, o.logged = time.Time{}, time.Time{}
	return lasted, logged
}
