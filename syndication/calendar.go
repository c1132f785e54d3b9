package syndication

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	ics "github.com/arran4/golang-ical"

	"vigie"
	"vigie/alert/letter"
	"vigie/service"
	"vigie/store"
)

const calendarType = "text/calendar; charset=utf-8"

// usualAlarm is how many days before its deadline the calendar of a single tender reminds of it, as new accounts do.
const usualAlarm = 2

// refresh is how often calendars are asked to look again (RFC 7986, section 5.7), as a duration of RFC 5545.
const refresh = "PT1H"

// calendar writes the calendar of an owner.
func (h *handler) calendar(ctx context.Context, owner *store.FeedOwner, _ string) ([]byte, error) {
	tenders, _, err := h.Service.CalendarTenders(ctx, owner)
	if err != nil {
		return nil, err
	}
	l := owner.Account.Locale
	calendar := newCalendar(l)
	calendar.SetName(h.name(owner, l))
	calendar.SetRefreshInterval(refresh)
	calendar.SetXPublishedTTL(refresh)
	for _, t := range tenders {
		if err := h.addEvent(calendar, t, l, alarms(owner.Account, t)); err != nil {
			return nil, err
		}
	}
	return written(calendar)
}

// alarms returns how many days before its deadline an account's calendars remind of a tender, the most first: also as the
// account is reminded otherwise of what is of interest.
func alarms(a *vigie.Account, t *service.FeedTender) []int32 {
	var days []int32
	if t.Interested {
		days = append(days, a.ReminderDays...)
	}
	if a.CalendarAlarmDays > 0 {
		days = append(days, a.CalendarAlarmDays)
	}
	slices.Sort(days)
	days = slices.Compact(days)
	slices.Reverse(days)
	return days
}

// tenderCalendar writes the calendar of a single tender, and names its file.
func (h *handler) tenderCalendar(ctx context.Context, id int64, l vigie.Locale) (text []byte, file string, err error) {
	t, err := h.Service.FeedTender(ctx, id)
	if err != nil {
		return nil, "", err
	}
	calendar := newCalendar(l)
	if err := h.addEvent(calendar, t, l, []int32{usualAlarm}); err != nil {
		return nil, "", err
	}
	text, err = written(calendar)
	return text, fileName(cmp.Or(t.Reference, t.SourceRef)), err
}

// fileName names the calendar of a tender by its reference, in the letters that every system takes: 2026-VOI-14.ics.
func fileName(reference string) string {
	name := strings.Trim(notInNames.ReplaceAllString(reference, "-"), "-.")
	return cmp.Or(strings.TrimRight(name[:min(len(name), maxFileName)], "-."), "calendar") + service.CalendarSuffix
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9._]+`)

const maxFileName = 60

// newCalendar has no METHOD, so that the DTSTAMP of an event is when it was last revised (RFC 5545, section 3.8.7.2), and
// the same list has the same text each time.
func newCalendar(l vigie.Locale) *ics.Calendar {
	calendar := ics.NewCalendar()
	calendar.SetProductId("-//Vigie//Vigie//" + map[bool]string{true: "EN", false: "FR"}[l == vigie.English])
	calendar.SetCalscale("GREGORIAN")
	return calendar
}

// addEvent adds a deadline: an instant, for an event without an end takes no time (RFC 5545, section 3.6.1), in which
// nobody is busy.
func (h *handler) addEvent(calendar *ics.Calendar, t *service.FeedTender, l vigie.Locale, alarms []int32) error {
	e, err := h.entry(t, l, h.Service.Now())
	if err != nil {
		return err
	}
	event := calendar.AddEvent(e.ID)
	event.SetDtStampTime(t.Revision.At)
	event.SetModifiedAt(t.Revision.At)
	event.SetCreatedTime(t.PublishedAt)
	event.SetSequence(int(t.Revision.Count))
	event.SetStartAt(*t.Deadline)
	event.SetSummary(summary(e, l))
	event.SetDescription(strings.TrimSpace(e.Text))
	event.SetTimeTransparency(ics.TransparencyTransparent)
	if e.URL != "" {
		event.SetURL(e.URL)
	}
	if e.Happened == cancelled {
		event.SetStatus(ics.ObjectStatusCancelled)
		return nil
	}
	event.SetStatus(ics.ObjectStatusConfirmed)
	for _, days := range alarms {
		alarm := event.AddAlarm()
		alarm.SetAction(ics.ActionDisplay)
		alarm.SetTrigger(fmt.Sprintf("-P%dD", days))
		alarm.SetDescription(summary(e, l))
	}
	return nil
}

// summary names an event: « Date limite de réponse : Réfection de voirie », or « Annulé : Réfection de voirie ».
func summary(e entry, l vigie.Locale) string {
	if e.Happened == cancelled {
		return e.Title
	}
	return letter.Line(due(e.About.DeadlineKind).With(e.Plain).In(l), maxSummary)
}

// due says what must arrive by a deadline.
func due(kind vigie.DeadlineKind) vigie.Text {
	switch kind {
	case vigie.ForParticipation:
		return vigie.Text{FR: "Date limite de candidature : %s", EN: "Deadline for requests to participate: %s"}
	case vigie.ForInterest:
		return vigie.Text{FR: "Date limite de manifestation d’intérêt : %s", EN: "Deadline for expressions of interest: %s"}
	case vigie.ForBids:
	}
	return vigie.Text{FR: "Date limite de réponse : %s", EN: "Deadline: %s"}
}

// maxSummary is the most characters of the name of an event.
const maxSummary = 300

// written writes a calendar in lines that end with CR LF (RFC 5545, section 3.1), whatever the system.
func written(calendar *ics.Calendar) ([]byte, error) {
	var text bytes.Buffer
	if err := calendar.SerializeTo(&text, ics.WithNewLineWindows); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}
