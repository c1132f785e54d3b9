package alert

import (
	"context"
	"log/slog"
	"time"

	"vigie/consumer"
	"vigie/database"
	"vigie/store"
)

// Retention deletes data whose time is over: mails that were sent, the deliveries in them, and audit entries. Every
// replica runs one; once a day, one of them works.
type Retention struct {
	Store *store.Store
	Now   func() time.Time
	Log   *slog.Logger
	// Months is how long data is kept.
	Months int
	// Metrics are passed to the consumer; may be nil.
	Metrics *consumer.Metrics
}

const (
	// retentionEvery is how often retention runs.
	retentionEvery = 24 * time.Hour
	// checkDueEvery is how often it is checked whether retention is due.
	checkDueEvery = time.Minute
)

// Run works until ctx ends. Errors are logged, and the work is tried again.
func (r *Retention) Run(ctx context.Context) { r.consumer().Run(ctx) }

// Step deletes what is due, unless that was done in the last day or another process is at it.
func (r *Retention) Step(ctx context.Context) error { return r.consumer().Drain(ctx) }

func (r *Retention) consumer() *consumer.Consumer {
	work := &round{Retention: r}
	return &consumer.Consumer{
		Name: database.RetentionConsumer, Job: database.RetentionConsumer, Pace: checkDueEvery, Due: r.due, Work: work.step,
		Resigned: func() { *work = round{Retention: r} },
		DB:       r.Store.Database(), Now: r.Now, Log: r.Log, Metrics: r.Metrics,
	}
}

// round is one pass over all that is kept, part by part.
type round struct {
	*Retention
	part int
	next int64 // where to go on within the part
}

// step deletes one batch.
func (r *round) step(ctx context.Context) (more bool, err error) {
	before := r.Now().AddDate(0, -r.Months, 0)
	switch r.part {
	// Deliveries come first: a mail that no remaining delivery refers to can be deleted.
	case 0:
		r.next, err = r.Store.Ledger().ExpireDeliveries(ctx, before, r.next)
	case 1:
		r.next, err = r.Store.Ledger().ExpireMails(ctx, before, r.next)
	case 2:
		var some bool
		if some, err = r.Store.DeleteAuditEntries(ctx, before); some {
			r.next = 1
		} else {
			r.next = 0
		}
	default:
		r.part = 0
		return false, r.Store.Database().MarkIdle(ctx, database.RetentionConsumer)
	}
	if err == nil && r.next == 0 {
		r.part++
	}
	return true, err
}

func (r *Retention) due(ctx context.Context) (bool, error) {
	last, err := r.Store.Database().IdleAt(ctx, database.RetentionConsumer)
	now := r.Now()
	// A run that is recorded well after now was recorded under a wrong clock.
	return last.Add(retentionEvery).Before(now) || last.After(now.Add(retentionEvery)), err
}
