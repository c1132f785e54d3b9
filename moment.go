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
	day := fmt.Sprint(t.Day())
	if day == "1" {
		day = "1er"
	}
	return Text{
		FR: fmt.Sprintf("%s %s %s %d à %d h %02d (heure de Paris)",
			frenchDays[t.Weekday()], day, frenchMonths[t.Month()-1], t.Year(), t.Hour(), t.Minute()),
		EN: t.Format("Monday 2 January 2006 at 15:04") + " (Paris time)",
	}
}

var frenchDays = [...]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"}

var frenchMonths = [...]string{"janvier", "février", "mars", "avril", "mai", "juin",
	"juillet", "août", "septembre", "octobre", "novembre", "décembre"}
