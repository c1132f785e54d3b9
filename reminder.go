package vigie

import (
	"slices"
	"time"
)

// Interest is a person's mark that a tender is of interest, as far as reminders
// of its deadline go by it.
type Interest struct {
	// Since is when the mark was put, or the account's days were last changed,
	// if that was later. What was due before is not made up for, unless the
	// deadline has moved since.
	Since time.Time
	// Deadline is the deadline that the tender had at that time; nil for none.
	Deadline *time.Time
}

// Reminder is one that an account is to get before a deadline.
type Reminder struct {
	// Days is how many days before the deadline it is due.
	Days int32
	// At is when it is due.
	At time.Time
	// Key tells it from all other reminders about the tender.
	Key int64
}

// Reminders returns the account's reminders before a deadline, by its present
// settings; the first one first. Each is due at the account's hour, so many
// days before the day of the deadline, by the clock of its time zone.
func (a *Account) Reminders(deadline time.Time) []Reminder {
	zone := a.zone()
	day := deadline.In(zone)
	var list []Reminder
	for _, days := range a.ReminderDays {
		// Days are counted at noon, which every zone has.
		at := strikes(time.Date(day.Year(), day.Month(), day.Day()-int(days), 12, 0, 0, 0, zone), int(a.DigestHour))
		list = append(list, Reminder{days, at, reminderKey(deadline, days)})
	}
	slices.SortFunc(list, func(a, b Reminder) int { return a.At.Compare(b.At) })
	return list
}

// Owed returns those of an account's reminders before a deadline that a mark
// leads to, whether they are due yet or not.
func (i *Interest) Owed(reminders []Reminder, deadline time.Time) []Reminder {
	moved := i.Deadline == nil || !i.Deadline.Equal(deadline)
	return slices.DeleteFunc(slices.Clone(reminders), func(r Reminder) bool { return !moved && r.At.Before(i.Since) })
}

// Nearest returns the last of reminders that is due at t, nil if none is: one
// that is due makes up for all before it.
func Nearest(reminders []Reminder, t time.Time) (nearest *Reminder) {
	for i, r := range reminders {
		if !r.At.After(t) {
			nearest = &reminders[i]
		}
	}
	return nearest
}

// reminderKey is one negative number for a deadline, in seconds, and a number of
// days; no notice has it.
func reminderKey(deadline time.Time, days int32) int64 {
	return -(deadline.Unix()*(MaxReminderDays+2) + int64(days))
}
