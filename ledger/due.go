package ledger

import (
	"time"

	"vigie"
)

const (
	// closingSoonWithin is how long before its deadline a tender is closing soon. The last digest that leaves in time
	// says so.
	closingSoonWithin = 7 * 24 * time.Hour
	// digestMargin is how much time a digest must leave before a deadline. If it would leave less, the alert is sent at
	// once.
	digestMargin = 48 * time.Hour
	// QuietAfter is how long a watch matches nothing before a quiet note is due.
	QuietAfter = 30 * 24 * time.Hour
)

// dueAt returns when a delivery of what has happened is due, by the fastest frequency among the watches that led to it.
func dueAt(a *vigie.Account, f vigie.Frequency, d *vigie.Delivery, deadline *time.Time) time.Time {
	if d.Urgent || d.Kind == vigie.DeliverCancelled {
		return d.CreatedAt
	}
	next := a.NextDigest(f, d.CreatedAt)
	if deadline != nil && deadline.Before(next.Add(digestMargin)) {
		return d.CreatedAt
	}
	return next
}

// closingSoonAt returns the first digest after t for which the next digest would leave less than a week before the
// deadline. For watches that mail at once, days count as for daily ones.
func closingSoonAt(a *vigie.Account, f vigie.Frequency, t, deadline time.Time) time.Time {
	if f == vigie.Immediate {
		f = vigie.Daily
	}
	last := deadline.Add(-closingSoonWithin)
	at := a.NextDigest(f, t)
	// No two digests are more than eight days apart, even across changes of clocks.
	if start := last.Add(-8 * 24 * time.Hour); start.After(t) {
		at = a.NextDigest(f, start)
	}
	for next := a.NextDigest(f, at); !next.After(last); next = a.NextDigest(f, at) {
		at = next
	}
	return at
}

// closesSoon reports whether the digest that leaves at a time is the one to say that a tender is closing soon.
func closesSoon(a *vigie.Account, f vigie.Frequency, at time.Time, deadline time.Time) bool {
	if f == vigie.Immediate {
		f = vigie.Daily
	}
	return deadline.Before(a.NextDigest(f, at).Add(closingSoonWithin))
}

// fastest returns the more frequent of two.
func fastest(a, b vigie.Frequency) vigie.Frequency {
	for _, f := range vigie.Frequencies() {
		if a == f || b == f {
			return f
		}
	}
	return a
}
