package vigie

import (
	"slices"
	"time"
)

// NextDigest is the first moment after t at which a watch of that frequency
// writes to the account: every day at its hour, or every week on its day at its
// hour, by the clock of its time zone; for an immediate watch t itself. An hour
// that the clock skips in spring is the moment at which it does; of one that
// comes twice in autumn the first counts.
func (a *Account) NextDigest(f Frequency, t time.Time) time.Time {
	if f == Immediate {
		return t
	}
	zone := a.zone()
	for day := t.In(zone); ; day = day.AddDate(0, 0, 1) {
		// Days are counted at noon, which every zone has.
		day = time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, zone)
		if f == Weekly && day.Weekday() != a.DigestDay.goDay() {
			continue
		}
		if at := strikes(day, int(a.DigestHour)); at.After(t) {
			return at
		}
	}
}

// zone is the account's time zone.
func (a *Account) zone() *time.Location {
	if a.TimeZone == Paris().String() { // most are, and reading a time zone takes longer than all else here
		return Paris()
	}
	zone, err := time.LoadLocation(a.TimeZone)
	if err != nil {
		return Paris() // it was checked, by tables that may have changed since
	}
	return zone
}

// strikes is the first moment of a day at which its clock shows the hour, or
// has jumped over it.
func strikes(day time.Time, hour int) time.Time {
	at := time.Date(day.Year(), day.Month(), day.Day(), hour, 0, 0, 0, day.Location())
	// Around a change of the clock Date may choose either side.
	start, end := at.ZoneBounds()
	switch {
	case at.Day() != day.Day() || at.Hour() < hour: // before the hours that are skipped
		return end
	case at.Hour() > hour: // after them
		return start
	case !start.IsZero():
		_, offset := at.Zone()
		_, before := start.Add(-time.Nanosecond).Zone()
		if first := at.Add(time.Duration(offset-before) * time.Second); first.Before(start) && before > offset {
			return first
		}
	}
	return at
}

// goDay is the day as package time has it: Sunday, which is not one of the six
// others, is 0.
func (d Weekday) goDay() time.Weekday {
	return time.Weekday(1 + slices.Index([]Weekday{Monday, Tuesday, Wednesday, Thursday, Friday, Saturday}, d))
}
