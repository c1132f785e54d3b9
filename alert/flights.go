package alert

import (
	"context"
	"errors"
	"sync"
	"time"

	"vigie"
	"vigie/ledger"
)

// flights are the messages that a lane is sending, side by side: one that takes long keeps only its own place. No host, and no
// account with all of its webhooks, has more than a share of the places, so slow ones leave the others to the rest. A nil *flights sends one message after the
// other.
type flights struct {
	most, perHost, perOwner int
	landed                  chan struct{} // has a value where there may be work

	// recording has a value for each outcome that is being recorded.
	recording chan struct{}

	mutex sync.Mutex
	// running are those on their way, hosts how many of them go to each host, owners to each account's webhooks. started counts
	// those since the last wait.
	running, started int
	hosts            map[string]int
	owners           map[int64]int
	err              error // of one that landed
	done             sync.WaitGroup
	// ripe is whether few free places are claimed for, too; ripening whether that is to be soon.
	ripe, ripening bool
}

// ripeAfter is how long few places are kept free, in case that more become free: a claim costs the same for one message as for
// many.
const ripeAfter = 50 * time.Millisecond

func newFlights(t Terms) *flights {
	return &flights{
		most: t.AtOnce, perHost: t.PerHost, perOwner: t.PerOwner, hosts: make(map[string]int), owners: make(map[int64]int), landed: make(chan struct{}, 1), recording: make(chan struct{}, recordedAtOnce),
	}
}

// recordedAtOnce is how many outcomes are recorded at a time. More wait for one another in the database, at its expense.
const recordedAtOnce = 4

// record records an outcome.
func (f *flights) record(write func() error) error {
	if f == nil {
		return write()
	}
	f.recording <- struct{}{}
	defer func() { <-f.recording }()
	return write()
}

// errBusy is the error for a message to a host, or of an owner, that has as many on their way as it may.
var errBusy = errors.New("enough is on its way to this host, or for this owner")

// free returns how many messages to claim, 0 for none now; and the error of a message, which stops all.
func (f *flights) free() (int, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	err := f.err
	f.err = nil
	free := f.most - f.running
	if free > 0 && free < min(claimBatch, f.most) && !f.ripe {
		f.ripen()
		return 0, err
	}
	f.ripe = false
	return min(free, 8*claimBatch), err
}

// ripen has few free places claimed for in a moment. The mutex is locked.
func (f *flights) ripen() {
	if f.ripening {
		return
	}
	f.ripening = true
	time.AfterFunc(ripeAfter, func() {
		f.mutex.Lock()
		f.ripe, f.ripening = true, false
		f.mutex.Unlock()
		f.wake()
	})
}

// wake has the lane look for work.
func (f *flights) wake() {
	if f == nil {
		return
	}
	select {
	case f.landed <- struct{}{}:
	default:
	}
}

// busy returns the hosts, and the owners, for which nothing is claimed. They have half of what they may, so that claims are not
// for single messages.
func (f *flights) busy() (hosts []string, owners []int64) {
	if f == nil {
		return nil, nil
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return moreThan(f.hosts, f.perHost/2), moreThan(f.owners, f.perOwner/2)
}

// moreThan returns the keys that count more than most.
func moreThan[K comparable](counts map[K]int, most int) (keys []K) {
	for key, n := range counts {
		if n > most {
			keys = append(keys, key)
		}
	}
	return keys
}

// start sends a message to a recipient.
func (f *flights) start(r *ledger.RecipientState, send func() error) error {
	if f == nil {
		return send()
	}
	w := r.Webhook
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.running >= f.most || f.hosts[w.Host] >= f.perHost || f.owners[w.AccountID] >= f.perOwner {
		return errBusy
	}
	f.running++
	f.started++
	f.hosts[w.Host]++
	f.owners[w.AccountID]++
	f.done.Go(func() { f.land(w, send()) })
	return nil
}

func (f *flights) land(w *vigie.Webhook, err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.err = errors.Join(f.err, err)
	f.running--
	if f.hosts[w.Host]--; f.hosts[w.Host] == 0 {
		delete(f.hosts, w.Host)
	}
	if f.owners[w.AccountID]--; f.owners[w.AccountID] == 0 {
		delete(f.owners, w.AccountID)
	}
	f.wake()
}

// landings returns a channel that has a value after a message has landed, or where few places may be claimed for.
func (f *flights) landings(context.Context) <-chan struct{} {
	if f == nil {
		return nil
	}
	return f.landed
}

// wait waits until all have landed, and reports whether there were any since the last time.
func (f *flights) wait() bool {
	if f == nil {
		return false
	}
	f.done.Wait()
	f.mutex.Lock()
	defer f.mutex.Unlock()
	some := f.started > 0
	f.started = 0
	return some
}
