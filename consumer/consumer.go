// Package consumer runs whatever follows the database's changes, and owns what
// all of it needs: the loop and its back-off, which replica leads, how far the
// consumer has come, what becomes of an item that it cannot process, and what
// operators see of all this.
//
// A [Consumer] takes bounded steps until it is stopped. One that processes items
// in the order of their numbers says how to read them and how to process some,
// and a [Stream] does the rest. Package consumertest holds every stream to what
// is promised here.
package consumer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"

	"vigie/database"
)

// Consumer is one that follows the database's changes.
type Consumer struct {
	// Name is what it is called in metrics, in the log and in the quarantine.
	Name string
	// Job is what one replica at a time has the lead of; "" where all work.
	Job string
	// Pace is how long it sleeps when there is nothing to do; [Pace] unless said.
	Pace time.Duration
	// Woken makes what ends that sleep, if anything does.
	Woken func(ctx context.Context) <-chan struct{}
	// Due tells whether there is anything to do, where not being asked is cheaper:
	// the lead is taken only then, and given back afterwards.
	Due func(ctx context.Context) (bool, error)
	// Work takes one bounded step; more reports whether there is more to do at
	// once.
	Work func(ctx context.Context) (more bool, err error)
	// Follow is what a replica does that does not lead, if anything.
	Follow func(ctx context.Context) error
	// Resigned is called when the lead is lost or given back, where it is not nil.
	Resigned func()
	// Behind tells what is still to be done, where that is known.
	Behind func(ctx context.Context) (database.Behind, error)

	DB  *database.DB
	Now func() time.Time
	Log *slog.Logger
	// Metrics may be nil.
	Metrics *Metrics
	// Fault is told of items before they are processed, where it is not nil, so
	// that tests can have them fail.
	Fault Fault

	lead *database.Leadership
}

// Fault fails items in the place of a consumer: by its error, or by panicking.
type Fault func(ctx context.Context, consumer string, items []Item) error

const (
	// Pace is how long an idle consumer sleeps: well below the second in which
	// what is published must have its effect.
	Pace = 250 * time.Millisecond
	// slowest is the longest pause between two attempts that fail.
	slowest = 5 * time.Second
)

// Run works until ctx ends. What fails is logged and tried again, ever more
// slowly: databases come back. A panic is such a failure.
func (c *Consumer) Run(ctx context.Context) {
	defer c.Metrics.add(c)()
	defer c.resign()
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = Pace, slowest
	var woken <-chan struct{}
	if c.Woken != nil {
		woken = c.Woken(ctx)
	}
	for ctx.Err() == nil {
		more, err := c.Step(ctx)
		wait, wake := c.pace(), woken
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			c.failed(ctx, err)
			wait, wake = retry.NextBackOff(), nil
		case more:
			retry.Reset()
			continue
		default:
			retry.Reset()
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-time.After(wait):
		}
	}
}

// Drain does what there is to do now, where nobody else leads, for tests that do
// not wait. What fails because of an item is tried again at once.
func (c *Consumer) Drain(ctx context.Context) error {
	defer c.resign()
	for {
		more, err := c.Step(ctx)
		if _, own := errors.AsType[*itemError](err); own && ctx.Err() == nil {
			continue
		}
		if err != nil || !more {
			return err
		}
	}
}

func (c *Consumer) pace() time.Duration {
	if c.Pace == 0 {
		return Pace
	}
	return c.Pace
}

// Step takes one step, and survives it.
func (c *Consumer) Step(ctx context.Context) (more bool, err error) {
	err = Guard(func() error {
		more, err = c.turn(ctx)
		return err
	})
	return more && err == nil, err
}

func (c *Consumer) turn(ctx context.Context) (more bool, err error) {
	if due, err := c.due(ctx); err != nil || !due {
		c.resign()
		return false, err
	}
	led := c.lead != nil
	leads, err := c.leads(ctx)
	if err != nil {
		return false, err
	}
	if !leads {
		if c.Follow != nil {
			err = c.Follow(ctx)
		}
		return false, err
	}
	if !led { // whoever led until now may have done it
		if due, err := c.due(ctx); err != nil || !due {
			c.resign()
			return false, err
		}
	}
	more, err = c.Work(ctx)
	if c.Due != nil && !more && err == nil {
		c.resign()
	}
	return more, err
}

func (c *Consumer) due(ctx context.Context) (bool, error) {
	if c.Due == nil {
		return true, nil
	}
	return c.Due(ctx)
}

// failed says what failed. Another replica may do better, unless it is an item
// that is at fault: that would only be tried more often.
func (c *Consumer) failed(ctx context.Context, err error) {
	if _, own := errors.AsType[*itemError](err); own {
		return // it was logged and counted
	}
	c.Metrics.failed(c.Name)
	c.Log.ErrorContext(ctx, "consumer does not get on", c.about(err)...)
	c.resign()
}

// about is what the log says of an error.
func (c *Consumer) about(err error, more ...any) []any {
	said := append([]any{"consumer", c.Name, "error", err}, more...)
	if p, panicked := errors.AsType[*Panic](err); panicked {
		said = append(said, "stack", p.Stack)
	}
	return said
}

// leads reports whether this replica is the one that works.
func (c *Consumer) leads(ctx context.Context) (bool, error) {
	if c.Job == "" || c.holds(ctx) {
		return true, nil
	}
	c.resign()
	lead, err := c.DB.Lead(ctx, c.Job)
	c.lead = lead
	c.Metrics.leads(c.Name, lead != nil)
	return lead != nil, err
}

// holds reports whether the lead is still ours.
func (c *Consumer) holds(ctx context.Context) bool {
	return c.Job == "" || c.lead != nil && c.lead.Holds(ctx)
}

func (c *Consumer) resign() {
	if c.lead == nil {
		return
	}
	c.lead.Resign()
	c.lead = nil
	c.Metrics.leads(c.Name, false)
	if c.Resigned != nil {
		c.Resigned()
	}
}
