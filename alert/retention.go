package alert

import (
	"context"
	"log/slog"
	"time"

	"vigie/consumer"
	"vigie/database"
	"vigie/store"
)

// Retention has the database forget what is kept for a time alone: the mails
// that left, what they told, and who looked at accounts for support. Every
// replica runs one; once a day, one of them works.
type Retention struct {
	Store *store.Store
	Now   func() time.Time
	Log   *slog.Logger
	// Months is for how long it is kept.
	Months int
	// Metrics are the consumers'; may be nil.
	Metrics *consumer.Metrics
}

const (
	// lookThroughEvery is how often what is kept is looked through.
	lookThroughEvery = 24 * time.Hour
	// askWhether is how often it is asked whether it is time.
	askWhether = time.Minute
)

// Run works until ctx ends. What fails is logged and tried again.
func (r *Retention) Run(ctx context.Context) { r.consumer().Run(ctx) }

// Step forgets what there is to forget, where that was not done for a day and
// nobody else is at it.
func (r *Retention) Step(ctx context.Context) error { return r.consumer().Drain(ctx) }

func (r *Retention) consumer() *consumer.Consumer {
	work := &round{Retention: r}
	return &consumer.Consumer{
		Name: database.RetentionConsumer, Job: database.RetentionConsumer, Pace: askWhether, Due: r.due, Work: work.step,
		Resigned: func() { *work = round{Retention: r} },
		DB:       r.Store.Database(), Now: r.Now, Log: r.Log, Metrics: r.Metrics,
	}
}

// round is one looking through all that is kept, part by part.
type round struct {
	*Retention
	part int
	next int64 // where to go on within the part
}

// step forgets some of what there is to forget.
func (r *round) step(ctx context.Context) (more bool, err error) {
	before := r.Now().AddDate(0, -r.Months, 0)
	switch r.part {
	// Deliveries first: a mail that told of none that is still known can go.
	case 0:
		r.next, err = r.Store.ForgetDeliveries(ctx, before, r.next)
	case 1:
		r.next, err = r.Store.ForgetMails(ctx, before, r.next)
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
	// What was done well after now was done by a clock that was wrong.
	return last.Add(lookThroughEvery).Before(now) || last.After(now.Add(lookThroughEvery)), err
}
