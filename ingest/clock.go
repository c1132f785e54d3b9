package ingest

import (
	"regexp"
	"strconv"
	"time"
)

// Clock is what a clock shows, and the offset from UTC that goes with it.
type Clock struct {
	At     time.Time
	Offset string
	// Timed is whether a time of day is given, and not the day alone.
	Timed bool
}

// In is the moment at which the clocks of a place show what c does. A day
// alone is its last minute: bids are taken on that day.
func (c Clock) In(place *time.Location) time.Time {
	t := c.At
	if !c.Timed {
		t = t.Add(23*time.Hour + 59*time.Minute)
	}
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, place).UTC()
}

// ParseClock reads a date and time in the manner of ISO 8601; 2006 also has
// « 2006-08-2 ».
func ParseClock(s string) (Clock, bool) {
	part := clockPattern.FindStringSubmatch(s)
	if part == nil {
		return Clock{}, false
	}
	day, err := time.Parse("2006-1-2", part[1])
	if err != nil {
		return Clock{}, false
	}
	if part[2] == "" {
		return Clock{At: day, Offset: part[5]}, true
	}
	hour, _ := strconv.Atoi(part[2])
	minute, _ := strconv.Atoi(part[3])
	second, _ := strconv.Atoi(part[4])
	if hour > 24 || minute > 59 || second > 59 || hour == 24 && minute+second > 0 {
		return Clock{}, false
	}
	at := day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second)
	return Clock{at, part[5], true}, true
}

var clockPattern = regexp.MustCompile(`^(\d{4}-\d{1,2}-\d{1,2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?$`)
