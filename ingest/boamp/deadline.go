package boamp

import (
	"regexp"
	"strconv"
	"time"

	"vigie"
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
	if c, ok := parseClock(stated); ok {
		if moment := c.inParis(published); vigie.PlausibleDeadline(*moment, published) {
			return moment, stated
		}
	}
	c, ok := parseClock(served)
	if !ok {
		return nil, ""
	}
	inUTC := c.offset == "" || c.offset == "Z" || c.offset == "+00:00"
	if c.timed && inUTC && !c.isMidnight(published) && published.Before(time.Date(2024, time.January, 15, 0, 0, 0, 0, vigie.Paris())) {
		c.at = c.at.Add(time.Hour)
	}
	if moment := c.inParis(published); vigie.PlausibleDeadline(*moment, published) {
		return moment, served
	}
	return nil, ""
}

// clock is what a clock shows, and the offset from UTC that goes with it.
type clock struct {
	at     time.Time
	offset string
	// timed is whether a time of day is given, and not the day alone.
	timed bool
}

// inParis is the moment at which the clocks of Paris show what c does. A day
// alone is its last minute: bids are taken on that day.
func (c clock) inParis(published time.Time) *time.Time {
	t := c.at
	if !c.timed || c.isMidnight(published) {
		t = t.Add(23*time.Hour + 59*time.Minute)
	}
	return new(time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, vigie.Paris()).UTC())
}

// isMidnight reports whether c shows a midnight that stands for no time: the
// first schema, 1.1.0, had days, and the dataset serves them so.
func (c clock) isMidnight(published time.Time) bool {
	return c.at.Equal(c.at.Truncate(24*time.Hour)) && published.Year() < 2015
}

// parseClock reads a date and time in the manner of ISO 8601; 2006 also has
// « 2006-08-2 ».
func parseClock(s string) (clock, bool) {
	part := clockPattern.FindStringSubmatch(s)
	if part == nil {
		return clock{}, false
	}
	day, err := time.Parse("2006-1-2", part[1])
	if err != nil {
		return clock{}, false
	}
	if part[2] == "" {
		return clock{at: day}, true
	}
	hour, _ := strconv.Atoi(part[2])
	minute, _ := strconv.Atoi(part[3])
	second, _ := strconv.Atoi(part[4])
	if hour > 24 || minute > 59 || second > 59 || hour == 24 && minute+second > 0 {
		return clock{}, false
	}
	at := day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second)
	return clock{at, part[5], true}, true
}

var clockPattern = regexp.MustCompile(`^(\d{4}-\d{1,2}-\d{1,2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?$`)
