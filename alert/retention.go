package alert

import (
	"context"
	"log/slog"
	"time"

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
}

const (
	// lookThroughEvery is how often what is kept is looked through.
	lookThroughEvery = 24 * time.Hour
	// askWhether is how often it is asked whether it is time.
	askWhether = time.Minute
)

// Run works until ctx ends. What fails is logged and tried again.
func (r *Retention) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.Step(ctx); err != nil && ctx.Err() == nil {
			r.Log.ErrorContext(ctx, "what was kept for long enough is not forgotten", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(askWhether):
		}
	}
}

// Step forgets what there is to forget, where that was not done for a day and
// nobody else is at it.
func (r *Retention) Step(ctx context.Context) error {
	if due, err := r.due(ctx); err != nil || !due {
		return err
	}
	lead, err := r.Store.Lead(ctx, "retention")
	if err != nil || lead == nil {
		return err
	}
	defer lead.Resign()
	// Whoever led until now may have done it.
	if due, err := r.due(ctx); err != nil || !due {
		return err
	}
	before := r.Now().AddDate(0, -r.Months, 0)
	// Deliveries first: a mail that told of none that is still known can go.
	for _, forget := range []func(context.Context, time.Time, int64) (int64, error){r.Store.ForgetDeliveries, r.Store.ForgetMails} {
		for next, first := int64(0), true; first || next > 0; first = false {
			if next, err = forget(ctx, before, next); err != nil {
				return err
			}
		}
	}
	for more := true; more; {
		if more, err = r.Store.ForgetAccesses(ctx, before); err != nil {
			return err
		}
	}
	return r.Store.NoteLookedThrough(ctx)
}

func (r *Retention) due(ctx context.Context) (bool, error) {
	last, err := r.Store.LookedThrough(ctx)
	now := r.Now()
	// What was done well after now was done by a clock that was wrong.
	return last.Add(lookThroughEvery).Before(now) || last.After(now.Add(lookThroughEvery)), err
}
