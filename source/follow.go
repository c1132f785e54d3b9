package source

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"vigie"
	"vigie/consumer"
	"vigie/database"
	"vigie/importer"
	"vigie/ingest"
	"vigie/store"
)

// Follower follows one source: each of its steps reads one day that is due.
type Follower struct {
	Reader Reader
	Store  *store.Store
	// Since is the first day to fill in, "" for none. What was published before the source was first followed is filled
	// in quietly: nobody is mailed.
	Since Day
	Now   func() time.Time
	Log   *slog.Logger
	// Metrics may be nil.
	Metrics *consumer.Metrics
	// Offset is added to the time between readings, so that servers do not all ask at the same moment.
	Offset time.Duration
	// Progress is called after each day, with the error that kept it from being whole; may be nil.
	Progress func(day Day, t importer.Tally, err error)

	// wrong are the days that could not be read when they were last tried.
	wrong map[Day]wrongDay
}

// wrongDay is a day that could not be read.
type wrongDay struct {
	times int
	until time.Time
}

const (
	// pace is how often a follower looks whether a day is due.
	pace = 30 * time.Second
	// longest is how long a day may take to be read.
	longest = 45 * time.Minute
	// firstPause and longestPause are the pauses after the first failure and after many.
	firstPause, longestPause = time.Minute, 30 * time.Minute
	// mostAsked is the longest pause that a service can ask for.
	mostAsked = 2 * time.Hour
)

// Consumer returns the consumer that follows the source, on one replica at a time.
func (f *Follower) Consumer() *consumer.Consumer {
	return &consumer.Consumer{
		Name: "source " + f.Reader.Name(), Job: job(f.Reader), Pace: pace, Due: f.due, Work: f.step,
		Behind: f.behind, DB: f.Store.Database(), Now: f.Now, Log: f.Log, Metrics: f.Metrics,
	}
}

// behind counts the days that are due and not read whole.
func (f *Follower) behind(ctx context.Context) (database.Behind, error) {
	list, err := HealthOf(ctx, f.Store, f.Now())
	for _, h := range list {
		if h.Name == f.Reader.Name() && h.MissingDays > 0 {
			return database.Behind{Changes: int64(h.MissingDays), Since: h.WholeUntil}, nil
		}
	}
	return database.Behind{}, err
}

// job is the leadership that reading a source needs.
func job(r Reader) string { return "source " + r.Name() }

// due reports whether a day is due, and the pause after a failure is over.
func (f *Follower) due(ctx context.Context) (bool, error) {
	state, p, err := f.state(ctx)
	if err != nil || pausing(state, f.Now()) {
		return false, err
	}
	_, at := p.next(f.Now())
	return !at.After(f.Now()), nil
}

// pausing reports whether the pause after a failure is not over. A pause that is longer than any was recorded by a clock
// that was ahead.
func pausing(state *store.SourceState, now time.Time) bool {
	return state.RetryAt != nil && now.Before(*state.RetryAt) && state.RetryAt.Sub(now) <= mostAsked
}

// step reads the day that is due.
func (f *Follower) step(ctx context.Context) (more bool, err error) {
	state, p, err := f.state(ctx)
	if err != nil {
		return false, err
	}
	day, at := p.next(f.Now())
	if at.After(f.Now()) {
		return false, nil
	}
	if err := f.read(ctx, state, day); err != nil {
		return false, f.failed(ctx, state, day, err)
	}
	delete(f.wrong, day)
	return true, nil
}

// state returns what is known of the source, which is followed from now on.
func (f *Follower) state(ctx context.Context) (*store.SourceState, plan, error) {
	state, days, err := f.Store.FollowSource(ctx, f.Reader.Name(), string(DayOf(f.Now())), string(f.Since))
	if err != nil {
		return nil, plan{}, err
	}
	p := planOf(f.Reader.Rhythm(), state, days, f.Now())
	p.paused = make(map[Day]time.Time, len(f.wrong))
	for day, wrong := range f.wrong {
		p.paused[day] = wrong.until
	}
	p.rhythm.Every += f.Offset
	return state, p, nil
}

// planOf is the plan of a source by what the database says. A reading in the future was recorded by a clock that was
// ahead, and does not count.
func planOf(r Rhythm, state *store.SourceState, days []store.SourceDay, now time.Time) plan {
	p := plan{rhythm: r, first: Day(state.StartedOn).Add(1 - r.Recent), read: make(map[Day]time.Time, len(days))}
	if state.FillFrom != "" {
		p.first = min(p.first, Day(state.FillFrom))
	}
	for _, d := range days {
		if !d.ReadAt.After(now.Add(time.Minute)) {
			p.read[Day(d.Day)] = d.ReadAt
		}
		p.first = min(p.first, Day(d.Day)) // a fill that was begun goes on
	}
	return p
}

// read reads a day and publishes what it has.
func (f *Follower) read(ctx context.Context, state *store.SourceState, day Day) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	begun := f.Now()
	var wrong error
	passed, earlier := 0, 0 // known before, so not read; read, though of another day
	known := func(ctx context.Context, refs []string) (map[string]bool, error) {
		known, err := f.Store.KnownRefs(ctx, f.Reader.Name(), refs)
		passed = len(known)
		return known, err
	}
	records := func(yield func(ingest.Record) bool) {
		for r, err := range f.Reader.Day(ctx, day, known) {
			if err != nil {
				wrong = err
				return
			}
			if r.Earlier {
				if r.Err != nil { // it is no news that it cannot be read
					continue
				}
				if unknown, err := f.unknown(ctx, r); err != nil {
					wrong = err
					return
				} else if !unknown {
					continue
				}
				earlier++
			}
			if !yield(r) {
				return
			}
		}
	}
	quiet := day < Day(state.StartedOn)
	t, err := importer.Publish(ctx, f.Store, begun, records, quiet, func(r ingest.Record) { f.note(ctx, day, r) })
	if err == nil {
		err = wrong
	}
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = f.Store.SourceDayRead(ctx, f.Reader.Name(), string(day), begun, t.Read+passed-earlier)
	}
	if f.Progress != nil {
		f.Progress(day, t, err)
	}
	if err == nil {
		f.Log.InfoContext(ctx, "source day read", "source", f.Reader.Name(), "day", day, "notices", t.Read, "new", t.Created, "changed", t.Changed, "refused", t.Refused, "component", "source", "action", "read")
	}
	return err
}

// unknown reports whether a notice is not stored.
func (f *Follower) unknown(ctx context.Context, r ingest.Record) (bool, error) {
	known, err := f.Store.KnownRefs(ctx, f.Reader.Name(), []string{r.Ref})
	return !known[r.Ref], err
}

// note logs a notice that was refused.
func (f *Follower) note(ctx context.Context, day Day, r ingest.Record) {
	if r.Err != nil {
		f.Log.WarnContext(ctx, "notice refused", "source", f.Reader.Name(), "day", day, "ref", r.Ref, "error", r.Err, "component", "source", "action", "read")
	}
}

// failed records why a day was not read, and when to try again. It returns errors that are not the source's.
func (f *Follower) failed(ctx context.Context, state *store.SourceState, day Day, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !ofSource(err) {
		return err
	}
	pause := pauseAfter(state.Failures)
	times := f.wrong[day].times
	if f.wrong == nil {
		f.wrong = make(map[Day]wrongDay)
	}
	f.wrong[day] = wrongDay{times + 1, f.Now().Add(pauseAfter(times))} // others are read meanwhile
	if asked, ok := errors.AsType[*Busy](err); ok {
		pause = max(pause, min(asked.For, mostAsked))
	}
	f.Log.ErrorContext(ctx, "source not read", "source", f.Reader.Name(), "day", day, "error", err, "retry_in", pause, "component", "source", "action", "read")
	return f.Store.SourceFailed(ctx, f.Reader.Name(), ErrorText(err), f.Now(), f.Now().Add(pause))
}

// pauseAfter is the pause after a failure that others came before.
func pauseAfter(failures int) time.Duration {
	return min(firstPause<<min(failures, 10), longestPause)
}

// ofSource reports whether an error is the source's, and not the database's.
func ofSource(err error) bool {
	_, service := errors.AsType[*ServiceError](err)
	_, busy := errors.AsType[*Busy](err)
	return service || busy || errors.Is(err, context.DeadlineExceeded)
}

// Sync reads once each day that is not done with, recent ones first. It goes on after a day that fails, and returns the
// errors of all of them. It returns [ErrFollowed] if a server over the same PostgreSQL follows the source at this moment.
func (f *Follower) Sync(ctx context.Context) error {
	lead, err := f.Store.Database().Lead(ctx, job(f.Reader))
	if err != nil {
		return err
	}
	if lead == nil {
		return ErrFollowed
	}
	defer lead.Resign()
	state, p, err := f.state(ctx)
	if err != nil {
		return err
	}
	var wrong error
	for d, today := DayOf(f.Now()), DayOf(f.Now()); d >= p.first; d = d.Add(-1) {
		if _, again := p.dueAt(d, today); !again {
			continue
		}
		err := f.read(ctx, state, d)
		if err != nil && (ctx.Err() != nil || !ofSource(err)) {
			return err
		}
		if err != nil {
			wrong = errors.Join(wrong, &DayError{d, err})
			if err := f.failed(ctx, state, d, err); err != nil {
				return err
			}
		}
	}
	return wrong
}

// ErrFollowed says that a server follows the source at this moment.
var ErrFollowed = &vigie.Error{Code: vigie.Unavailable, Text: vigie.Text{
	FR: "Un serveur suit déjà cette source.",
	EN: "A server is following this source.",
}}
