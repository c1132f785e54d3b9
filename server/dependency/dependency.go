// Package dependency watches what a server depends on: whether it answers, and if not, since when and why.
//
// Each dependency is asked by itself, in the background. So who wants to know never waits, a dependency that is away is
// known to be away before anybody needs it, and it is logged once when it goes and once when it comes back.
package dependency

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// Dependency is something that a server needs and that may be away: a database, a search engine, a mail server.
type Dependency struct {
	// Name is its name in the log, in metrics and in details of readiness.
	Name string
	// Probe asks it, and returns why it does not answer. Nil if it is not asked, because who uses it says what became of
	// that ([Dependency.Report]).
	Probe func(ctx context.Context) error
	// Every is how often it is asked while it answers, Again while it does not. Timeout is how long it may take.
	Every, Again, Timeout time.Duration
	Log                   *slog.Logger
	// Text says to operators what an error means.
	Text func(error) string

	state     atomic.Pointer[state]
	suspected chan struct{}
}

// state is what is known of a dependency.
type state struct {
	err   error // nil while it answers
	since time.Time
}

// tolerated is how many probes in a row must fail before a dependency that answered counts as away.
const tolerated = 2

// New returns a dependency that is asked each second, and twice as often while it does not answer.
func New(name string, probe func(context.Context) error, text func(error) string, log *slog.Logger) *Dependency {
	return &Dependency{
		Name: name, Probe: probe, Every: time.Second, Again: time.Second / 2, Timeout: 3 * time.Second, Log: log, Text: text,
		suspected: make(chan struct{}, 1),
	}
}

// Run asks the dependency until ctx ends.
func (d *Dependency) Run(ctx context.Context) {
	if d.Probe == nil {
		return
	}
	failed := 0
	for {
		err := d.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := d.Every
		if err == nil {
			failed = 0
			d.Report(ctx, nil)
		} else {
			wait = d.Again
			if failed++; failed >= tolerated || d.state.Load() == nil {
				d.Report(ctx, err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-d.suspected:
		case <-time.After(wait):
		}
	}
}

func (d *Dependency) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	return d.Probe(ctx)
}

// Report says whether the dependency answers: the error is nil, or why it does not.
func (d *Dependency) Report(ctx context.Context, err error) {
	if err != nil {
		d.isAway(ctx, err)
		return
	}
	d.answers(ctx)
}

func (d *Dependency) answers(ctx context.Context) {
	before := d.state.Load()
	if before != nil && before.err == nil {
		return
	}
	now := time.Now()
	d.state.Store(&state{since: now})
	if before != nil {
		d.Log.InfoContext(ctx, "dependency answers again", "dependency", d.Name, "away", now.Sub(before.since).Round(time.Second), "component", "dependency", "action", "ask")
	}
}

func (d *Dependency) isAway(ctx context.Context, err error) {
	before := d.state.Load()
	if before != nil && before.err != nil {
		d.state.Store(&state{err, before.since})
		return
	}
	d.state.Store(&state{err, time.Now()})
	d.Log.WarnContext(ctx, "dependency does not answer", "dependency", d.Name, "error", d.Text(err), "component", "dependency", "action", "ask")
}

// Err returns why the dependency is away; nil while it answers, and before it was asked.
func (d *Dependency) Err() error {
	if s := d.state.Load(); s != nil {
		return s.err
	}
	return nil
}

// Answers reports whether the dependency answered when it was last asked.
func (d *Dependency) Answers() bool {
	s := d.state.Load()
	return s != nil && s.err == nil
}

// Suspect has the dependency asked at once, because something that it was needed for has just failed.
func (d *Dependency) Suspect() {
	select {
	case d.suspected <- struct{}{}:
	default: // it is about to be asked
	}
}
