package boamp

import (
	"regexp"
	"strconv"
	"time"

	"vigie"
)

// deadline works out the last moment for bids from how the notice states it
// and how the dataset does, in this order; text is what it is read from.
//
// Their offsets from UTC are not to be trusted: BOAMP writes +02:00 in winter,
// Z, or nothing, and the clock always shows the time of Paris. The dataset
// takes that clock for UTC. For notices published until mid-January 2024 it
// took it for UTC+1 first, so those are an hour early, summer and winter;
// unless it gives them with their offset, as version 1 of its API does.
func deadline(stated, served string, published time.Time) (moment *time.Time, text string) {
	if clock, _, ok := parseClock(stated); ok {
		return paris(clock), stated
	}
	clock, offset, ok := parseClock(served)
	if !ok {
		return nil, ""
	}
	inUTC := offset == "" || offset == "Z" || offset == "+00:00"
	if inUTC && published.Before(time.Date(2024, time.January, 15, 0, 0, 0, 0, vigie.Paris())) {
		clock = clock.Add(time.Hour)
	}
	return paris(clock), served
}

// paris is the moment at which the clocks of Paris show what clock says.
func paris(clock time.Time) *time.Time {
	return new(time.Date(clock.Year(), clock.Month(), clock.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, vigie.Paris()).UTC())
}

// parseClock reads what a clock shows, of a date and time in the manner of ISO
// 8601, and the offset from UTC that goes with it. A date alone is its last
// minute: bids are taken on that day.
func parseClock(s string) (clock time.Time, offset string, ok bool) {
	part := clockPattern.FindStringSubmatch(s)
	if part == nil {
		return time.Time{}, "", false
	}
	clock, err := time.Parse(time.DateOnly, part[1])
	if err != nil {
		return time.Time{}, "", false
	}
	if part[2] == "" {
		return clock.Add(23*time.Hour + 59*time.Minute), "", true
	}
	hour, _ := strconv.Atoi(part[2])
	minute, _ := strconv.Atoi(part[3])
	second, _ := strconv.Atoi(part[4])
	if hour > 24 || minute > 59 || second > 59 || hour == 24 && minute+second > 0 {
		return time.Time{}, "", false
	}
	clock = clock.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second)
	return clock, part[5], true
}

var clockPattern = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?$`)
