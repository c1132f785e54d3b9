package vigie

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// Links that any source may name a tender by. Others are numbers of the notice's own source.
const (
	procedurePrefix = "procedure:"
	noticePrefix    = "notice:"
)

// ProcedureLink is the link of all notices of a procedure (BT-04), a UUID.
func ProcedureLink(uuid string) string { return procedurePrefix + strings.ToLower(uuid) }

// NoticeLink is the link to a notice by its [Notice.Identifier].
func NoticeLink(identifier string) string { return noticePrefix + strings.ToLower(identifier) }

// AnywhereLink reports whether a link means the same at every source.
func AnywhereLink(link string) bool {
	return procedureForm.MatchString(link) || strings.HasPrefix(link, noticePrefix)
}

// procedureForm is a link to a procedure by a UUID; other numbers of procedures are a source's own.
var procedureForm = regexp.MustCompile(`^procedure:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// ProceduresIn returns those of some links that name procedures.
func ProceduresIn(links []string) []string {
	var list []string
	for _, link := range links {
		if procedureForm.MatchString(link) {
			list = append(list, link)
		}
	}
	return list
}

// Publication is where a notice of a tender was published.
type Publication struct {
	Source, SourceRef, URL string
	PublishedAt            time.Time
}

// Label names the publication to a person: « BOAMP 26-12345 ».
func (p Publication) Label() string { return SourceLabel(p.Source) + " " + p.SourceRef }

// SourceLabel names a source to a person; one that is not a public one by its own name.
func SourceLabel(source string) string {
	switch source {
	case "boamp", "ted", "decp":
		return strings.ToUpper(source)
	case "find-a-tender":
		return "Find a Tender"
	}
	return source
}

// PublicationsOf returns where the notices of a tender, given in the order of publication, were published: each number of
// a source once.
func PublicationsOf(notices []*Notice) []Publication {
	var list []Publication
	for _, n := range notices {
		p := Publication{n.Source, n.SourceRef, n.Content.URL, n.PublishedAt}
		i := slices.IndexFunc(list, func(q Publication) bool { return q.Source == p.Source && q.SourceRef == p.SourceRef })
		switch {
		case i < 0:
			list = append(list, p)
		case p.URL != "":
			list[i].URL = p.URL
		}
	}
	return list
}

// CopyOf reports whether a notice is one of those known, published by another source.
func CopyOf(known []*Notice, n *Notice) bool {
	all := append(slices.Clone(known), n)
	slices.SortFunc(all, (*Notice).Compare)
	copies := copiesOf(all)
	first := func(m *Notice) *Notice {
		if original := copies[m]; original != nil {
			return original
		}
		return m
	}
	return slices.ContainsFunc(known, func(m *Notice) bool { return m.Source != n.Source && first(m) == first(n) })
}

// copiesOf returns, of notices in the order of publication, those that another source published before, with the first
// one. Of each other source one number, in all its revisions, is a copy of a notice.
func copiesOf(notices []*Notice) map[*Notice]*Notice {
	copies := make(map[*Notice]*Notice)
	for i, n := range notices {
		if n.contradicts(notices[:i]) {
			continue
		}
		for _, m := range notices[:i] {
			if copies[m] == nil && n.sameElsewhere(m) && !copied(copies, m, n) {
				copies[n] = m
				break
			}
		}
	}
	return copies
}

// contradicts reports whether the notice was published before, by the same source under the same number, as something
// else or with another deadline: it is then no copy of what it was.
func (n *Notice) contradicts(earlier []*Notice) bool {
	for _, m := range slices.Backward(earlier) {
		if m.Source == n.Source && m.SourceRef == n.SourceRef {
			return m.Kind != n.Kind || n.Content.Deadline != nil && m.Content.Deadline != nil && !n.Content.Deadline.Equal(*m.Content.Deadline)
		}
	}
	return false
}

// copied reports whether a notice has a copy of n's source already that is not n.
func copied(copies map[*Notice]*Notice, original, n *Notice) bool {
	for c, of := range copies {
		if of == original && c.Source == n.Source && c.SourceRef != n.SourceRef {
			return true
		}
	}
	return false
}

// copyDays is within how many days sources publish the same notice.
const copyDays = 5

// sameElsewhere reports whether two notices are one, published by two sources: they have the same identifier; where one
// of them has none, they are of the same procedure and kind, with the same deadline, and few days apart.
func (n *Notice) sameElsewhere(m *Notice) bool {
	switch {
	case n.Source == m.Source:
		return false
	case n.Identifier != "" && m.Identifier != "":
		return strings.EqualFold(n.Identifier, m.Identifier)
	}
	return n.Kind == m.Kind && equalTime(n.Content.Deadline, m.Content.Deadline) &&
		n.PublishedAt.Sub(m.PublishedAt).Abs() <= copyDays*24*time.Hour &&
		slices.ContainsFunc(ProceduresIn(n.Links), func(link string) bool { return slices.Contains(m.Links, link) })
}
