package boamp

import (
	"time"

	"vigie"
	"vigie/ingest"
)

// deadline works out the last moment for bids from how the notice states it
// and how the dataset does, in this order; text is what it is read from. Years
// that must be mistakes are ignored.
//
// Their offsets from UTC are not to be trusted: BOAMP writes +02:00 in winter,
// Z, or nothing, and the clock always shows the time of Paris. The dataset
// takes that clock for UTC. For notices published until mid-January 2024 it
// took it for UTC+1 first, so those are an hour early, summer and winter;
// unless it gives them with their offset, as version 1 of its API does.
func deadline(stated, served string, published time.Time) (moment *time.Time, text string) {
	if c, ok := ingest.ParseClock(stated); ok {
		if moment := inParis(c, published); vigie.PlausibleDeadline(*moment, published) {
			return moment, stated
		}
	}
	c, ok := ingest.ParseClock(served)
	if !ok {
		return nil, ""
	}
	inUTC := c.Offset == "" || c.Offset == "Z" || c.Offset == "+00:00"
	if c.Timed && inUTC && !isMidnight(c, published) && published.Before(time.Date(2024, time.January, 15, 0, 0, 0, 0, vigie.Paris())) {
		c.At = c.At.Add(time.Hour)
	}
	if moment := inParis(c, published); vigie.PlausibleDeadline(*moment, published) {
		return moment, served
	}
	return nil, ""
}

// inParis is the moment at which the clocks of Paris show what c does. The
// first schema, 1.1.0, had days, and the dataset serves them with a midnight
// that stands for no time.
func inParis(c ingest.Clock, published time.Time) *time.Time {
	c.Timed = c.Timed && !isMidnight(c, published)
	return new(c.In(vigie.Paris()))
}

// isMidnight reports whether c shows a midnight that stands for no time.
func isMidnight(c ingest.Clock, published time.Time) bool {
	return c.At.Equal(c.At.Truncate(24*time.Hour)) && published.Year() < 2015
}
