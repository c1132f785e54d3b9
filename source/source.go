// Package source follows the public sources of notices, and publishes what they publish.
//
// A source is read day by day, by its [Reader], which compares what it got with what the service says that there is. A day
// that was not read whole is read again until it is, however long that takes: nothing is passed over. Services publish
// during the day and sometimes late, so days are also read again after they were whole (see [Rhythm]); a notice that is
// known already changes nothing. Which days were read, and when, is in the database.
package source

import (
	"context"
	"iter"
	"time"

	"vigie"
	"vigie/ingest"
)

// Reader reads one source.
type Reader interface {
	// Name is the source's name in notices and settings, e.g. "boamp".
	Name() string
	// Rhythm says how often its days are read.
	Rhythm() Rhythm
	// Day reads what was published on a day. The last pair has an error unless the day was read whole; what came before
	// may be published all the same. A record may be a refusal, which is no reason to read the day again.
	Day(ctx context.Context, day Day, known Known) iter.Seq2[ingest.Record, error]
}

// Known returns those of some numbers of a source whose notices are stored, so that they need not be read again.
type Known func(ctx context.Context, refs []string) (map[string]bool, error)

// Rhythm is how often the days of a source are read.
type Rhythm struct {
	// Every is the time between two readings of the last Recent days, of which today is one.
	Every  time.Duration
	Recent int
	// Nightly is how many days are read again each night.
	Nightly int
}

// Day is a day in Paris: 2026-11-30.
type Day string

// DayOf returns the day of a moment.
func DayOf(t time.Time) Day { return Day(t.In(vigie.Paris()).Format(time.DateOnly)) }

// Start returns when the day begins, in Paris.
func (d Day) Start() time.Time {
	t, _ := time.ParseInLocation(time.DateOnly, string(d), vigie.Paris())
	return t
}

// Add returns the day some days later.
func (d Day) Add(days int) Day { return Day(d.Start().AddDate(0, 0, days).Format(time.DateOnly)) }

// End returns when the day ends.
func (d Day) End() time.Time { return d.Add(1).Start() }

// daysUntil returns how many days later another day is.
func (d Day) daysUntil(e Day) int {
	const day = 24 * time.Hour
	return int(e.Start().Sub(d.Start()).Round(day) / day)
}
