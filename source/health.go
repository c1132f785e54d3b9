package source

import (
	"context"
	"time"

	"vigie"
	"vigie/store"
)

// Health is how far a source is read.
type Health struct {
	Name, Label string
	// WholeUntil is the moment up to which all that the source published is known, as far as its service said.
	WholeUntil time.Time
	// MissingDays is how many days before are still to be read whole.
	MissingDays int
	// NextAt is when it is read next.
	NextAt time.Time
	// LastError is why the last attempt failed, in words without addresses; "" if it did not.
	LastError string
	FailedAt  *time.Time
	// NoticesToday is how many notices of today were read.
	NoticesToday int
}

// All returns a reader of each source that can be followed, for its name and rhythm.
func All() []Reader { return []Reader{BOAMP{}, TED{}, DECP{}, FindATender{}} }

// HealthOf returns how far the sources are read that are, or were, followed.
func HealthOf(ctx context.Context, s *store.Store, now time.Time) ([]Health, error) {
	states, days, err := s.Sources(ctx)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]*store.SourceState, len(states))
	for _, state := range states {
		byName[state.Name] = state
	}
	list := []Health{}
	for _, r := range All() {
		if state := byName[r.Name()]; state != nil {
			list = append(list, healthOf(r, state, days[r.Name()], now))
		}
	}
	return list, nil
}

func healthOf(r Reader, state *store.SourceState, days []store.SourceDay, now time.Time) Health {
	p := planOf(r.Rhythm(), state, days, now)
	h := Health{
		Name: r.Name(), Label: vigie.SourceLabel(r.Name()), WholeUntil: p.until(Day(state.StartedOn), now), MissingDays: p.missing(now),
		LastError: state.LastError, FailedAt: state.FailedAt,
	}
	_, h.NextAt = p.next(now)
	if pausing(state, now) && state.RetryAt.After(h.NextAt) {
		h.NextAt = *state.RetryAt
	}
	h.NextAt = later(h.NextAt, now)
	for _, d := range days {
		if Day(d.Day) == DayOf(now) {
			h.NoticesToday = d.Notices
		}
	}
	return h
}

// later returns the later of two moments.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
