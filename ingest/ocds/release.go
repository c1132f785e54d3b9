package ocds

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"vigie"
	"vigie/ingest/tree"
)

// release is one release, with what was read before of the same ocid.
type release struct {
	source    string
	publisher publisher
	ocid, id  string
	tags      []string
	date      time.Time
	dated     bool
	zone      *time.Location
	// said is what the release says; all is what it and those before it say
	// together, as far as it is remembered; record what all releases of its
	// record do, if it is in one.
	said, all, record tree.Nodes
	// parties are all that are known, by their ids.
	parties map[string]tree.Nodes
}

// known is what may say what the release does not: the nearest comes first.
func (r *release) known() []tree.Nodes { return []tree.Nodes{r.said, r.all, r.record} }

// release reads the fields that every release has.
func (f *Reader) release(object map[string]any) *release {
	r := &release{said: tree.Parse(object), source: f.source}
	r.ocid, r.id = r.said.At("ocid").Raw(), r.said.At("id").Raw()
	r.tags = r.said.At("tag").Texts()
	r.publisher = publisherOf(r.ocid)
	if r.source == "" {
		r.source = r.publisher.source
	}
	r.zone = time.UTC
	if zone, err := time.LoadLocation(r.publisher.zone); err == nil {
		r.zone = zone
	}
	date, dated := r.moment(r.said.At("date").Raw(), false)
	if dated = dated && vigie.Published(date, date); dated {
		r.date, r.dated = date, true
	}
	r.all = r.said
	if r.dated && refShape.MatchString(r.ocid) {
		r.all = tree.Parse(f.memory.with(r.ocid, r.date, object))
	}
	r.parties = by(r.all.At("parties"), "id")
	return r
}

// refShape is what an ocid or a release's id may be made of.
var refShape = regexp.MustCompile(`^[^\s\pC]{1,100}$`)

// compiled reports whether the release is compiled of others.
func (r *release) compiled() bool { return slices.Contains(r.tags, "compiled") }

// ref is what the release is known by: a release's id is unique within its ocid
// alone, unless the publisher has one series for all, or it names its ocid. What
// is compiled has the ocid, for its id changes with each release that is added.
func (r *release) ref() string {
	ref := r.ocid + "/" + r.id
	switch {
	case r.compiled() || r.id == "":
		return r.ocid
	case r.publisher.series || strings.Contains(r.id, r.ocid) || !refShape.MatchString(ref):
		return r.id
	}
	return ref
}

// moment reads a date-time. One without a zone is of the publisher's, and a day
// alone is its start, or its end.
func (r *release) moment(s string, end bool) (time.Time, bool) {
	s = strings.TrimSpace(s)
	at, err := time.Parse(time.RFC3339, s)
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime} {
		if err != nil {
			at, err = time.ParseInLocation(layout, s, r.zone)
		}
	}
	if err != nil {
		at, err = time.ParseInLocation(time.DateOnly, s, r.zone)
		if end {
			at = at.AddDate(0, 0, 1).Add(-time.Second)
		}
	}
	return at.UTC().Truncate(time.Second), err == nil
}

// deadline reads a moment by which something must be done, nil where there is
// none that can be meant.
func (r *release) deadline(s string) *time.Time {
	at, ok := r.moment(s, true)
	if !ok || !vigie.PlausibleDeadline(at, r.date) {
		return nil
	}
	return &at
}

// day is the day of a date-time, as it is written.
func day(s string) string {
	s = s[:min(len(s), len(time.DateOnly))]
	if at, err := time.Parse(time.DateOnly, s); err != nil || at.Year() < 1900 {
		return ""
	}
	return s
}

// says reports whether there is anything at one of the paths.
func says(n tree.Nodes, paths ...string) bool { return len(n.Among(paths...)) > 0 }

// by are objects by what they have at one of the paths, such as their ids.
func by(objects tree.Nodes, paths ...string) map[string]tree.Nodes {
	found := make(map[string]tree.Nodes)
	for _, object := range objects.Each() {
		for _, id := range object.Among(paths...).Texts() {
			found[id] = append(found[id], object...)
		}
	}
	delete(found, "")
	return found
}

// is reports whether one of the values is true.
func is(n tree.Nodes) bool {
	return slices.ContainsFunc(n, func(v any) bool { return v == true || v == "true" })
}

// kind is what the release does, by its tags; of one that has none that the
// standard knows, such as a compiled one, it is the last stage that it speaks of.
func (r *release) kind() vigie.NoticeKind {
	tagged := func(tags ...string) bool {
		return slices.ContainsFunc(tags, func(tag string) bool { return slices.Contains(r.tags, tag) })
	}
	ended := slices.ContainsFunc(r.said.Among("tender.status", "tender.finalStatus", "planning.finalStatus").Texts(), isEnd)
	planned := slices.ContainsFunc(r.said.At("tender.status").Texts(), func(s string) bool { return s == "planning" || s == "planned" })
	decided := says(r.said, "awards", "contracts")
	late := tagged("award", "awardUpdate", "awardAmendment", "awardCancellation",
		"contract", "contractUpdate", "contractAmendment", "contractTermination", "implementation", "implementationUpdate")
	switch {
	case late && (decided || !ended):
		return vigie.Award
	case tagged("tenderCancellation"), ended && !decided:
		return vigie.Cancellation
	case planned && !decided:
		return vigie.Planning
	case tagged("tenderUpdate", "tenderAmendment"):
		return vigie.Correction
	case tagged("tender"):
		return vigie.ContractNotice
	case tagged("planning", "planningUpdate"):
		return vigie.Planning
	case decided:
		return vigie.Award
	case says(r.said, "tender") || !says(r.said, "planning"):
		return vigie.ContractNotice
	}
	return vigie.Planning
}

// isEnd reports whether a status ends a procedure without a contract.
func isEnd(status string) bool {
	return status == "cancelled" || status == "unsuccessful" || status == "withdrawn"
}
