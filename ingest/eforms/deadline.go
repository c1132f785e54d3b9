package eforms

import (
	"strings"
	"time"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// deadline is the last moment for something.
type deadline struct {
	at   time.Time
	kind vigie.DeadlineKind
	// text is what it is read from.
	text string
}

// periods are the elements that end with a deadline of each kind.
var periods = []struct {
	path string
	kind vigie.DeadlineKind
}{
	{"TenderSubmissionDeadlinePeriod", vigie.ForBids},
	{"ParticipationRequestReceptionPeriod", vigie.ForParticipation},
	{extensions + ".InterestExpressionReceptionPeriod", vigie.ForInterest},
}

// processes are what the notice and its lots say of how it goes.
func (r *reader) processes() tree.Nodes {
	return append(r.root.At("ProcurementProjectLot.TenderingProcess"), r.root.At("TenderingProcess")...)
}

// firstDeadline is the earliest of what is asked for that is still to come when the notice is published, else the
// earliest; nil for none. The period for questions is another element.
func (r *reader) firstDeadline(process tree.Nodes) *deadline {
	var list []deadline
	for _, period := range periods {
		list = append(list, r.deadlines(process.At(period.path), period.kind)...)
	}
	return r.first(list)
}

// first is the earliest that is still to come, else the earliest; of equal ones the one before.
func (r *reader) first(list []deadline) *deadline {
	var earliest *deadline
	for i := range list {
		d := &list[i]
		if earliest == nil {
			earliest = d
			continue
		}
		was, is := earliest.at.Before(r.published), d.at.Before(r.published)
		if was && !is || was == is && d.at.Before(earliest.at) {
			earliest = d
		}
	}
	return earliest
}

// deadlines are the ends of periods. Years that must be mistakes are left out.
func (r *reader) deadlines(periods tree.Nodes, kind vigie.DeadlineKind) []deadline {
	var list []deadline
	for _, period := range periods.Each() {
		text, hour := period.At("EndDate").Raw(), period.At("EndTime").Raw()
		if text = text[:min(len(text), len(time.DateOnly))]; hour != "" {
			text += "T" + hour
		}
		clock, ok := ingest.ParseClock(text)
		if !ok {
			continue
		}
		if at := r.moment(clock); vigie.PlausibleDeadline(at, r.published) {
			list = append(list, deadline{at, kind, text})
		}
	}
	return list
}

// moment is when a clock of the notice shows something. Dates and times have offsets of their own, which are wrong as
// often as not: only the digits count, in the buyer's country. Where that is not known, the offset is all there is.
func (r *reader) moment(c ingest.Clock) time.Time {
	if r.zone != nil {
		return c.In(r.zone)
	}
	zone := time.UTC
	if at, err := time.Parse("-07:00", c.Offset); err == nil && strings.Contains(c.Offset, ":") {
		_, offset := at.Zone()
		zone = time.FixedZone("", offset)
	}
	return c.In(zone)
}
