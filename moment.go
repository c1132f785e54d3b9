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
	day := LongDay(t)
	return Text{
		FR: fmt.Sprintf("%s à %d h %02d (heure de Paris)", day.FR, t.Hour(), t.Minute()),
		EN: day.EN + t.Format(" at 15:04") + " (Paris time)",
	}
}

// WhenPublished says when something was published. Midnight is that of a source that gives the day alone, as BOAMP does: it is
// not said.
func WhenPublished(t time.Time) Text {
	if startsDay(t) {
		return LongDay(t)
	}
	return Moment(t)
}

// KnownUntil says up to when something is known. The start of a day is the end of the one before.
func KnownUntil(t time.Time) Text {
	if startsDay(t) {
		return Text{"%s inclus", "the end of %s"}.With(LongDay(t.In(Paris()).AddDate(0, 0, -1)))
	}
	return Moment(t)
}

func startsDay(t time.Time) bool { return t.In(Paris()).Format(time.TimeOnly) == "00:00:00" }

// LongDay names the day of t in Paris: « lundi 9 novembre 2026 ».
func LongDay(t time.Time) Text {
	t = t.In(Paris())
	return Text{
		FR: fmt.Sprintf("%s %s %s %d", frenchDays[t.Weekday()], dayOfMonth(t), frenchMonths[t.Month()-1], t.Year()),
		EN: t.Format("Monday 2 January 2006"),
	}
}

// ShortDay names the day of t in Paris as briefly as can be: « 9 nov. », and « 9 janv. 2027 » where the year is not that
// of now.
func ShortDay(t, now time.Time) Text {
	t = t.In(Paris())
	fr, en := dayOfMonth(t)+" "+shortMonths[t.Month()-1], t.Format("2 Jan")
	if t.Year() != now.In(Paris()).Year() {
		fr, en = fr+t.Format(" 2006"), en+t.Format(" 2006")
	}
	return Text{fr, en}
}

// InDays says how many days of Paris there are from now to t: « aujourd’hui », « demain », « dans 20 jours »; both
// languages empty where t is past.
func InDays(t, now time.Time) Text {
	if t.Before(now) {
		return Text{}
	}
	date := func(t time.Time) time.Time {
		year, month, day := t.In(Paris()).Date()
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	}
	switch days := int(date(t).Sub(date(now)) / (24 * time.Hour)); days {
	case 0:
		return Text{"aujourd’hui", "today"}
	case 1:
		return Text{"demain", "tomorrow"}
	default:
		return Text{"dans %d jours", "in %d days"}.With(days)
	}
}

// dayOfMonth is the number of a day in French: « 1er », « 9 ».
func dayOfMonth(t time.Time) string {
	if t.Day() == 1 {
		return "1er"
	}
	return fmt.Sprint(t.Day())
}

var frenchDays = [...]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"}

var frenchMonths = [...]string{"janvier", "février", "mars", "avril", "mai", "juin",
	"juillet", "août", "septembre", "octobre", "novembre", "décembre"}

// shortMonths are abbreviated as the Imprimerie nationale does; short names are not.
var shortMonths = [...]string{"janv.", "févr.", "mars", "avril", "mai", "juin",
	"juill.", "août", "sept.", "oct.", "nov.", "déc."}
