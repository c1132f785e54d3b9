package nodes

import (
	"math"
	"slices"
	"time"
)

// latency is what reads of a node take lately: an average in which each counts half as much as the next three together.
type latency struct {
	mean time.Duration
	at   time.Time
}

const (
	// newest is the weight of the newest of the times.
	newest = 0.2
	// fades is the time in which what is known of a node that is not asked loses half of its weight, so that one that was
	// slow is tried again.
	fades = 5 * time.Second
)

func (l *latency) add(took time.Duration, now time.Time) {
	if l.at.IsZero() {
		l.mean = took
	}
	l.mean += time.Duration(newest * float64(took-l.mean))
	l.at = now
}

// atLeast adds a time after which there was no answer yet.
func (l *latency) atLeast(took time.Duration, now time.Time) {
	if took > l.mean {
		l.add(took, now)
	}
}

// wait is how long a further read of the node may take: what they take lately, for each that it is answering.
func (n *Node) wait(now time.Time) float64 {
	faded := math.Exp2(-float64(now.Sub(n.latency.at)) / float64(fades))
	return (float64(n.latency.mean)*faded + float64(time.Microsecond)) * float64(1+len(n.running))
}

// usual is what reads take, of all nodes.
type usual struct {
	recent [512]time.Duration
	n      int
	p95    time.Duration
}

const (
	// countEvery is how many reads it takes for p95 to be worked out again.
	countEvery = 64
	// A read is late after unknown as long as there were fewer reads, and never before soonest.
	unknown = 100 * time.Millisecond
	soonest = 5 * time.Millisecond
)

func (u *usual) add(took time.Duration) {
	u.recent[u.n%len(u.recent)] = took
	u.n++
	if u.n%countEvery == 0 {
		sorted := slices.Sorted(slices.Values(u.recent[:min(u.n, len(u.recent))]))
		u.p95 = sorted[len(sorted)*95/100]
	}
}

// late is after how long a read takes longer than 95 of 100.
func (u *usual) late() time.Duration {
	if u.n < countEvery {
		return unknown
	}
	return max(u.p95, soonest)
}

// budget is how many hedges may be asked: one of twenty reads, and a few at once. Where all nodes are slow because too
// much is asked, hedges would make it worse.
type budget float64

const (
	share = 0.05
	burst = 10
)

func fullBudget() budget { return burst }

func (b *budget) earn() { *b = min(burst, *b+share) }

func (b *budget) take() bool {
	if *b < 1 {
		return false
	}
	*b--
	return true
}
