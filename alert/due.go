package alert

import (
	"time"

	"vigie"
)

const (
	// soon is how long before a deadline a tender counts as closing soon, by
	// the digest after the one that says so.
	soon = 7 * 24 * time.Hour
	// margin is how much time a digest must leave before a deadline; where it
	// would leave less, the tender is told of at once.
	margin = 48 * time.Hour
	// quiet is how long nothing matches before a watch says that it is alive.
	quiet = 30 * 24 * time.Hour
)

// dueAt is when a delivery is due, by the fastest frequency among the watches
// that led to it.
func dueAt(a *vigie.Account, f vigie.Frequency, d *vigie.Delivery, deadline *time.Time) time.Time {
	if d.Kind == vigie.DeliverClosingSoon {
		return closingSoonAt(a, f, d.CreatedAt, deadline)
	}
	if d.Urgent || d.Kind == vigie.DeliverCancelled {
		return d.CreatedAt
	}
	next := a.NextDigest(f, d.CreatedAt)
	if deadline != nil && deadline.Before(next.Add(margin)) {
		return d.CreatedAt
	}
	return next
}

// closingSoonAt is the first digest after t such that the one after it would
// come too late, less than a week before the deadline. Where watches write at
// once, days count as they do for daily ones.
func closingSoonAt(a *vigie.Account, f vigie.Frequency, t time.Time, deadline *time.Time) time.Time {
	if f == vigie.Immediate {
		f = vigie.Daily
	}
	if deadline == nil {
		return t // there is nothing to say any more
	}
	last := deadline.Add(-soon)
	at := a.NextDigest(f, t)
	// No digest is more than eight days after another, even where clocks change.
	if start := last.Add(-8 * 24 * time.Hour); start.After(t) {
		at = a.NextDigest(f, start)
	}
	for next := a.NextDigest(f, at); !next.After(last); next = a.NextDigest(f, at) {
		at = next
	}
	return at
}

// closesSoon tells whether a digest that leaves at a time is the moment to say
// that a deadline draws near.
func closesSoon(a *vigie.Account, f vigie.Frequency, at time.Time, deadline time.Time) bool {
	if f == vigie.Immediate {
		f = vigie.Daily
	}
	return deadline.Before(a.NextDigest(f, at).Add(soon))
}

// fastest is the more frequent of two.
func fastest(a, b vigie.Frequency) vigie.Frequency {
	for _, f := range vigie.Frequencies() {
		if a == f || b == f {
			return f
		}
	}
	return a
}
