package vigie

import (
	"fmt"
	"sync"
	"time"
	_ "time/tzdata" // the rules of Europe/Paris, wherever the binary runs
)

// Paris is the time zone of French public procurement: notices' clock times
// are in it.
func Paris() *time.Location { return paris() }

var paris = sync.OnceValue(func() *time.Location {
	location, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic("vigie: no time zone Europe/Paris in the embedded database: " + err.Error())
	}
	return location
})

// Published reports whether a notice can have been published at t: sources
// write years such as 0 and 9999 by mistake.
func Published(t, now time.Time) bool { return t.Year() >= minYear && !t.After(now) }

// PlausibleDeadline reports whether a deadline can be meant by a notice that
// was published at a time: sources write 7017 for 2017. The longest there are
// are those of dynamic purchasing systems, of about 15 years.
func PlausibleDeadline(deadline, published time.Time) bool {
	return deadline.Year() >= minYear && !deadline.After(published.AddDate(20, 0, 0))
}

const minYear = 1900

// Day is the day of a moment in Paris, such as 2026-11-28.
func Day(t time.Time) string { return t.In(Paris()).Format(time.DateOnly) }

// Moment says when t is to a person, in the time of Paris: « lundi 9 novembre
// 2026 à 17 h 00 (heure de Paris) ».
func Moment(t time.Time) Text {
	t = t.In(Paris())
	return Text{
		FR: fmt.Sprintf("%s à %d h %02d (heure de Paris)", wholeDay(t).FR, t.Hour(), t.Minute()),
		EN: wholeDay(t).EN + t.Format(" at 15:04 (Paris time)"),
	}
}

// WhenPublished says when something was published. Midnight is that of a source that gives the day alone, as BOAMP does: it is
// not said.
func WhenPublished(t time.Time) Text {
	if startsDay(t) {
		return wholeDay(t.In(Paris()))
	}
	return Moment(t)
}

// KnownUntil says up to when something is known. The start of a day is the end of the one before.
func KnownUntil(t time.Time) Text {
	if startsDay(t) {
		return Text{"%s inclus", "the end of %s"}.With(wholeDay(t.In(Paris()).AddDate(0, 0, -1)))
	}
	return Moment(t)
}

func startsDay(t time.Time) bool { return t.In(Paris()).Format(time.TimeOnly) == "00:00:00" }

// wholeDay is « lundi 9 novembre 2026 ».
func wholeDay(t time.Time) Text {
	day := fmt.Sprint(t.Day())
	if day == "1" {
		day = "1er"
	}
	return Text{
		FR: fmt.Sprintf("%s %s %s %d", frenchDays[t.Weekday()], day, frenchMonths[t.Month()-1], t.Year()),
		EN: t.Format("Monday 2 January 2006"),
	}
}

var frenchDays = [...]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"}

var frenchMonths = [...]string{"janvier", "février", "mars", "avril", "mai", "juin",
	"juillet", "août", "septembre", "octobre", "novembre", "décembre"}
