package nodes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vigie"
	"vigie/search"
)

var (
	errNoCopy  = errors.New("no copy of the index is open")
	errFilling = errors.New("no copy of the index is whole: they are being filled")
)

// rank is how well a copy suits a read; lower is better.
type rank int

const (
	prompt  rank = iota // fresh, and nothing that it was asked is late
	fresh               // as far as is known
	behind              // or not known to be whole yet
	away                // whole, on a node that does not answer
	filling             // known not to be whole; it may be since
	nobody
)

// rank ranks a copy that is open. The mutex is held.
func (x *index) rank(place int, now time.Time) rank {
	own, n := &x.copies[place], x.all.nodes[place]
	switch {
	case own.known && !own.whole:
		return filling
	case n.away:
		return away
	case !x.isFresh(place, now):
		return behind
	case n.late > 0:
		return fresh
	}
	return prompt
}

// attempt is one question to one node.
type attempt struct {
	node   *Node
	inner  search.Index
	from   int64 // the cursor that was known of the copy
	least  int64 // what it must contain
	began  time.Time
	late   bool
	ctx    context.Context
	cancel context.CancelCauseFunc
}

// begin begins an attempt at the best copy that was not tried yet, if there is one up to a rank.
func (x *index) begin(ctx context.Context, tried []bool, most rank, hedge bool) *attempt {
	e, now := x.all, time.Now()
	e.mutex.Lock()
	defer e.mutex.Unlock()
	place, ranked := x.pick(tried, most, now)
	if place < 0 {
		return nil
	}
	tried[place] = true
	n, own := e.nodes[place], &x.copies[place]
	a := &attempt{node: n, inner: own.Index, from: own.cursor, least: x.least(place, now), began: now}
	a.ctx, a.cancel = context.WithCancelCause(ctx)
	if ranked >= away { // it may not answer at all
		time.AfterFunc(askFor, func() { a.cancel(errAway) })
	}
	n.running[a] = true
	if hedge {
		n.hedges++
	}
	return a
}

// pick chooses among the copies of the best rank: of two at random, the one that will answer sooner. So the load is
// spread by latency, and many who choose at the same time do not all choose the same.
func (x *index) pick(tried []bool, most rank, now time.Time) (place int, best rank) {
	best = nobody
	var among []int
	for i := range x.copies {
		if tried[i] || x.copies[i].Index == nil {
			continue
		}
		switch r := x.rank(i, now); {
		case r > most || r > best:
		case r < best:
			best, among = r, append(among[:0], i)
		default:
			among = append(among, i)
		}
	}
	if len(among) == 0 {
		return -1, nobody
	}
	i := x.all.random(len(among))
	if len(among) == 1 {
		return among[i], best
	}
	j := x.all.random(len(among) - 1)
	if j >= i {
		j++
	}
	if x.all.nodes[among[j]].wait(now) < x.all.nodes[among[i]].wait(now) {
		i = j
	}
	return among[i], best
}

// verdict is what becomes of an answer.
type verdict int

const (
	counts   verdict = iota
	stale            // it counts if there is no fresher one
	useless          // another node may do better
	conclude         // the question is wrong, wherever it is asked
)

// end ends an attempt, learns from it, and judges its answer.
func (x *index) end(a *attempt, cursor int64, err error) (verdict, error) {
	e, now := x.all, time.Now()
	e.mutex.Lock()
	defer e.mutex.Unlock()
	n, took := a.node, now.Sub(a.began)
	delete(n.running, a)
	if a.late {
		n.late--
	}
	switch {
	case err == nil:
		n.latency.add(took, now)
		e.usual.add(took)
		n.away = false
	case vigie.CodeOf(err) == vigie.BadRequest:
		return conclude, err
	case a.ctx.Err() != nil: // nobody waits for it any more, or its node went away
		n.latency.atLeast(took, now)
		return useless, search.Unavailable(fmt.Errorf("%s: %w", n.Name, errors.Join(context.Cause(a.ctx), err)))
	default:
		n.failed++
		if unavailable(err) {
			n.leave()
			n.wake()
		}
		return useless, err
	}
	lost := x.noted(n.place, a.from, cursor, now)
	switch {
	case cursor >= a.least && !lost:
		n.answered++
		return counts, nil
	case !lost && x.copies[n.place].whole:
		n.stale++
		return stale, nil
	}
	n.stale++
	n.wake()
	return useless, search.Unavailable(errFilling)
}

// isLate notes that an attempt takes longer than is usual, and reports whether another node may be asked, too.
func (x *index) isLate(a *attempt) bool {
	e := x.all
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if !a.node.running[a] {
		return false // it has just ended
	}
	a.late = true
	a.node.late++
	a.node.wake()
	return e.hedges.take()
}

// usually returns after how long a read is late, and counts it.
func (e *Engine) usually() time.Duration {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.hedges.earn()
	return e.usual.late()
}

// answer is what an attempt led to.
type answer[T any] struct {
	value   T
	cursor  int64
	verdict verdict
	err     error
}

// read asks one copy after the other until an answer counts. While no node answers at all, it tries for some time.
func read[T any](ctx context.Context, x *index, hedged bool, ask func(context.Context, search.Index) (T, int64, error)) (T, error) {
	begun, pause := time.Now(), 50*time.Millisecond
	for {
		value, err := round(ctx, x, hedged, ask)
		again := err != nil && unavailable(err) && !errors.Is(err, errFilling) && !errors.Is(err, errNoCopy)
		if !again || ctx.Err() != nil || time.Since(begun)+pause > x.all.patience {
			return value, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, time.Second)
	}
}

// round asks each copy once at most.
func round[T any](ctx context.Context, x *index, hedged bool, ask func(context.Context, search.Index) (T, int64, error)) (none T, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop() // ends what is still asked
	answers := make(chan answer[T], len(x.copies))
	tried, waiting, most := make([]bool, len(x.copies)), 0, filling
	var last *attempt
	begin := func(most rank, hedge bool) bool {
		a := x.begin(ctx, tried, most, hedge)
		if a == nil {
			return false
		}
		waiting++
		go func() {
			value, cursor, err := ask(a.ctx, a.inner)
			judged, err := x.end(a, cursor, err)
			answers <- answer[T]{value, cursor, judged, err}
			a.cancel(nil)
		}()
		last = a
		return true
	}
	if !begin(most, false) {
		return none, search.Unavailable(errNoCopy)
	}
	var late <-chan time.Time
	if hedged {
		timer := time.NewTimer(x.all.usually())
		defer timer.Stop()
		late = timer.C
	}
	var second *answer[T] // the answer if no fresher one comes
	for {
		select {
		case <-ctx.Done():
			return none, search.Unavailable(context.Cause(ctx))
		case <-late:
			if x.isLate(last) {
				begin(prompt, true)
			}
		case got := <-answers:
			waiting--
			switch got.verdict {
			case counts:
				return got.value, nil
			case conclude:
				return none, got.err
			case stale:
				most = behind
				if second == nil || got.cursor > second.cursor {
					second = &got
				}
			}
			if begin(most, false) || waiting > 0 {
				continue
			}
			if second != nil {
				return second.value, nil
			}
			return none, got.err
		}
	}
}
