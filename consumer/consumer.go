// Package consumer runs the consumers of the database's changes, and does what all of them need: the loop and its
// back-off, leadership, the cursor, the quarantine of items that cannot be processed, and metrics.
//
// A [Consumer] takes bounded steps until it is stopped. A consumer that processes items in the order of their numbers
// says how to read them and how to process a batch, and a [Stream] does the rest. Package consumertest checks these
// promises for every stream.
package consumer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"

	"vigie"
	"vigie/database"
)

// Consumer follows the database's changes.
type Consumer struct {
	// Name is its name in metrics, in the log and in the quarantine.
	Name string
	// Job names the leadership that it needs, which one replica at a time has; "" if all replicas work.
	Job string
	// Pace is how long it sleeps when there is nothing to do; [Pace] if zero.
	Pace time.Duration
	// Woken returns a channel that ends that sleep; may be nil.
	Woken func(ctx context.Context) <-chan struct{}
	// Due reports whether there is anything to do, for jobs that are rarely due: the leadership is taken only then,
	// and given back afterwards.
	Due func(ctx context.Context) (bool, error)
	// Work takes one bounded step; more reports whether there is more to do at once.
	Work func(ctx context.Context) (more bool, err error)
	// Standby is called in place of Work on a replica that does not lead; may be nil.
	Standby func(ctx context.Context) error
	// Resigned is called when leadership is lost or given back; may be nil.
	Resigned func()
	// Behind returns what is still to be done; may be nil.
	Behind func(ctx context.Context) (database.Behind, error)

	DB  *database.DB
	Now func() time.Time
	Log *slog.Logger
	// Metrics may be nil.
	Metrics *Metrics
	// Fault is called with items before they are processed, so that tests can make them fail; may be nil.
	Fault Fault

	lead   *database.Leadership
	outage outage
}

// Fault makes items fail in tests: by its error, or by panicking.
type Fault func(ctx context.Context, consumer string, items []Item) error

const (
	// Pace is how long an idle consumer sleeps: well below the second in which a published notice must take effect.
	Pace = 250 * time.Millisecond
	// slowest is the longest pause between two failing attempts.
	slowest = 5 * time.Second
	// passing is for how long something may not answer before a consumer says so: those who watch it say so first, and
	// most of these failures pass.
	passing = 3 * time.Second
	// sayAgain is how often a consumer that fails again and again says so.
	sayAgain = time.Minute
)

// Run works until ctx ends. After an error it tries again, with growing pauses: databases come back. A panic counts
// as an error.
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
			c.succeeded(ctx)
			continue
		default:
			retry.Reset()
			c.succeeded(ctx)
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-time.After(wait):
		}
	}
}

// Drain does all the work there is now, unless another process leads. It is for tests that do not wait. An item that
// fails is tried again at once.
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

// Step takes one step, and turns a panic into an error.
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
		if c.Standby != nil {
			err = c.Standby(ctx)
		}
		return false, err
	}
	if !led { // the former leader may have done it
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

// failed handles a failed step. It gives leadership to another replica, which may do better, unless an item is at
// fault: that would only be tried more often.
func (c *Consumer) failed(ctx context.Context, err error) {
	if _, own := errors.AsType[*itemError](err); own {
		return // it was logged and counted
	}
	c.Metrics.failed(c.Name)
	level := slog.LevelError
	if !c.outage.failed(time.Now(), vigie.CodeOf(err) == vigie.Unavailable) {
		level = slog.LevelDebug
	}
	c.Log.Log(ctx, level, "consumer failed", c.about(err)...)
	c.resign()
}

// succeeded says that a consumer works again whose failure was logged.
func (c *Consumer) succeeded(ctx context.Context) {
	if lasted, logged := c.outage.over(time.Now()); logged {
		c.Log.InfoContext(ctx, "consumer works again", "consumer", c.Name, "failed_for", lasted.Round(time.Second), "component", "consumer", "action", "work")
	}
}

// about returns the log's fields for an error.
func (c *Consumer) about(err error, more ...any) []any {
	said := append([]any{"consumer", c.Name, "error", err, "component", "consumer", "action", "work"}, more...)
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

// holds reports whether this replica still has the leadership.
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
