package ledger

import (
	"time"
)

// DecideBy has a test decide, in place of the rules.
func (l *Ledger) DecideBy(decide func(r *RecipientState) Decision) {
	l.decide = func(r *RecipientState, _ time.Time, _ time.Duration, _ int64) Decision { return decide(r) }
}
