package source

import "time"

const (
	// settled is how long after the end of a day its last reading must be for the day to be done with.
	settled = 24 * time.Hour
	// night is the hour, in Paris, of the readings of each night.
	night = 3
)

// plan is what is known of a source's days.
type plan struct {
	rhythm Rhythm
	// first is the first day that is followed, or filled in.
	first Day
	// read are the times at which the last whole readings of days began.
	read map[Day]time.Time
	// paused are days that could not be read, until when.
	paused map[Day]time.Time
}

// next returns the day to read next and when that is due, which may be past. Recent days come before others, and of the
// others the newest first.
func (p plan) next(now time.Time) (day Day, at time.Time) {
	today := DayOf(now)
	for d := today; d >= p.first; d = d.Add(-1) {
		due, ok := p.dueAt(d, today)
		if !ok {
			continue
		}
		if until := p.paused[d]; until.After(due) {
			due = until
		}
		switch {
		case !due.After(now):
			return d, due // the newest come first
		case day == "" || due.Before(at):
			day, at = d, due
		}
	}
	if day == "" { // only a clock that is wrong knows none
		return day, now.Add(time.Hour)
	}
	return day, at
}

// dueAt returns when a day is to be read next; ok is false if that is never.
func (p plan) dueAt(d, today Day) (at time.Time, ok bool) {
	read, age := p.read[d], d.daysUntil(today)
	switch {
	case read.IsZero():
		return read, true
	case age < p.rhythm.Recent:
		return read.Add(p.rhythm.Every), true
	case age < p.rhythm.Nightly:
		return nightAfter(read), true
	}
	return time.Time{}, read.Before(d.End().Add(settled))
}

// nightAfter returns the first night hour after a moment.
func nightAfter(t time.Time) time.Time {
	at := DayOf(t).Start().Add(night * time.Hour)
	if !at.After(t) {
		at = DayOf(t).Add(1).Start().Add(night * time.Hour)
	}
	return at
}

// until returns the moment up to which everything was read, from a day on; the start of that day if nothing was.
func (p plan) until(from Day, now time.Time) time.Time {
	for d := from; ; d = d.Add(1) {
		read := p.read[d]
		switch {
		case read.IsZero():
			return d.Start()
		case read.Before(d.End()):
			return read
		case d >= DayOf(now):
			return read
		}
	}
}

// missing returns how many days are due that were never read whole after their end.
func (p plan) missing(now time.Time) (days int) {
	today := DayOf(now)
	for d := p.first; d < today; d = d.Add(1) {
		if at, ok := p.dueAt(d, today); ok && !at.After(now) && p.read[d].Before(d.End()) {
			days++
		}
	}
	return days
}
