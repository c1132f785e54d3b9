package alert

import (
	"context"
	"errors"
	"sync"
	"time"

	"vigie/ledger"
)

// flights are the messages that a lane is sending, side by side: one that takes long keeps only its own place. No host has
// more than a share of the places, so a slow one leaves the others to the rest. A nil *flights sends one message after the
// other.
type flights struct {
	most, perHost int
	landed        chan struct{} // has a value where there may be work

	// recording has a value for each outcome that is being recorded.
	recording chan struct{}

	mutex sync.Mutex
	// running are those on their way, hosts how many of them go to each host. started counts those since the last wait.
	running, started int
	hosts            map[string]int
	err              error // of one that landed
	done             sync.WaitGroup
	// ripe is whether few free places are claimed for, too; ripening whether that is to be soon.
	ripe, ripening bool
}

// ripeAfter is how long few places are kept free, in case that more become free: a claim costs the same for one message as for
// many.
const ripeAfter = 50 * time.Millisecond

func newFlights(most, perHost int) *flights {
	return &flights{most: most, perHost: perHost, hosts: make(map[string]int), landed: make(chan struct{}, 1), recording: make(chan struct{}, recordedAtOnce)}
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

// errBusy is the error for a message to a host that has as many on their way as it may.
var errBusy = errors.New("enough is on its way to this host")

// free returns how many messages to claim, 0 for none now; and the error of a message, which stops all.
func (f *flights) free() (int, error) {
	if f == nil {
		return claimBatch, nil
	}
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
	select {
	case f.landed <- struct{}{}:
	default:
	}
}

// busy returns the hosts to which nothing is claimed. It is half of what they may have, so that claims are not for single
// messages.
func (f *flights) busy() []string {
	if f == nil {
		return nil
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	var hosts []string
	for host, n := range f.hosts {
		if 2*n > f.perHost {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// start sends a message to a recipient.
func (f *flights) start(r *ledger.RecipientState, send func() error) error {
	if f == nil {
		return send()
	}
	host := r.Webhook.Host
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.running >= f.most || f.hosts[host] >= f.perHost {
		return errBusy
	}
	f.running++
	f.started++
	f.hosts[host]++
	f.done.Go(func() { f.land(host, send()) })
	return nil
}

func (f *flights) land(host string, err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.err = errors.Join(f.err, err)
	f.running--
	if f.hosts[host]--; f.hosts[host] == 0 {
		delete(f.hosts, host)
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
