package vigie

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Notice is one publication about a tender. It is never changed: the same
// source and reference published with other content is a further revision.
type Notice struct {
	// ID is the number of the change that brought it.
	ID int64 `bun:"id,pk"`
	// Source is where it was published, e.g. "boamp"; SourceRef its number
	// there, e.g. an idweb.
	Source    string
	SourceRef string
	// Revision counts, from 1, what this reference was published with.
	Revision    int
	TenderID    int64
	Kind        NoticeKind
	PublishedAt time.Time
	// Links are other references that are about the same tender: numbers of notices at the same source, or what any
	// source may name: [ProcedureLink], [NoticeLink].
	Links []string
	// Identifier names the notice wherever it is published, with its version: "5d1a…-01" (BT-701, BT-757); "" where the
	// source gives none.
	Identifier string
	// Copied reports whether another source had published the notice, and not quietly, when it came: it is news only where
	// it makes its tender match. To the alerter it is also where that was too old to alert.
	Copied  bool
	Buyer   BuyerName
	Content Content `bun:"content"`
	// Quiet notices are listed, and mailed to nobody.
	Quiet bool
	// Withdrawn notices were taken back, and count for nothing.
	Withdrawn bool
	// ReceivedAt is when it was stored; nil where that was not recorded yet.
	ReceivedAt *time.Time
}

// GlobalID is the notice's name within the server.
func (n *Notice) GlobalID() string { return GlobalID(KindNotice, n.ID) }

// Validate returns what is wrong with a notice that its source gives now, whichever way it comes: the publishing API or
// an import. The fields are named as Notice has them.
func (n *Notice) Validate(now time.Time) Problems {
	var wrong Problems
	if !Published(n.PublishedAt, now) {
		wrong.Add(Invalid, Text{
			FR: "La date de publication est dans le futur, ou avant 1900. Vérifiez-la, ou publiez l’avis à partir de cette date.",
			EN: "The date of publication is in the future, or before 1900. Check it, or publish the notice from that date on.",
		}, "PublishedAt")
	}
	if siret := n.Buyer.SIRET; siret != "" && !ValidSIRET(siret) {
		wrong.Add(Invalid, InvalidSIRET(), "SIRET")
	}
	c := checker{wrong, n.PublishedAt}
	c.content(&n.Content)
	return c.wrong
}

// InvalidSIRET says that a SIRET is not one.
func InvalidSIRET() Text {
	return Text{FR: "Ce numéro SIRET n’est pas valable : vérifiez ses 14 chiffres.", EN: "This SIRET is not valid: check its 14 digits."}
}

// NoticeKind says what a notice does.
type NoticeKind string

// The kinds of notice. A correction restates or amends, a cancellation ends
// the procedure, an award names who won, a planning notice (prior information)
// announces what will be asked for later.
const (
	ContractNotice NoticeKind = "CONTRACT_NOTICE"
	Correction     NoticeKind = "CORRECTION"
	Cancellation   NoticeKind = "CANCELLATION"
	Award          NoticeKind = "AWARD"
	Planning       NoticeKind = "PLANNING"
)

// Compare orders notices of one tender as they were published: by time, then
// by reference (a longer number is a later one), then by source and revision.
func (n *Notice) Compare(m *Notice) int {
	return cmp.Or(
		n.PublishedAt.Compare(m.PublishedAt),
		cmp.Compare(len(n.SourceRef), len(m.SourceRef)),
		strings.Compare(n.SourceRef, m.SourceRef),
		strings.Compare(n.Source, m.Source),
		cmp.Compare(n.Revision, m.Revision),
	)
}

// Warnings are what its publisher should know of a notice that was accepted.
func (n *Notice) Warnings(field ...string) []Warning {
	if n.Content.Deadline == nil || !n.Content.Deadline.Before(n.PublishedAt) || n.Kind == Award {
		return nil
	}
	return []Warning{{Field: append(field, "deadline"), Code: DeadlineBeforePublication, Text: Text{
		FR: "La date limite précède la publication : l’avis a été enregistré, mais son marché est clos.",
		EN: "The deadline is before publication: the notice was stored, but its tender is closed.",
	}}}
}

// Says reports whether n says anything that the tender's notice m, of the
// same reference, does not.
func (n *Notice) Says(m *Notice) bool {
	return n.Kind != m.Kind || !n.PublishedAt.Equal(m.PublishedAt) ||
		n.Buyer.Over(m.Buyer) != m.Buyer || !n.Content.Over(m.Content).Equal(m.Content) ||
		slices.ContainsFunc(n.Links, func(link string) bool { return !slices.Contains(m.Links, link) })
}

// Folded is what the notices of a tender say together.
type Folded struct {
	Source      string
	SourceRef   string
	PublishedAt time.Time // of the first notice
	// UpdatedAt is when the last notice was published.
	UpdatedAt time.Time
	Outcome   Outcome
	Buyer     BuyerName
	Content   Content
	// Notices are in the order of publication.
	Notices []*Notice
	// revised reports whether the last notice was published before, with other content.
	revised bool
	// called reports whether a call for bids, or what is about one, was among the notices.
	called bool
	// copies are the notices that another source published before, with the notice there.
	copies map[*Notice]*Notice
}

// Fold computes a tender from everything published about it, given in any
// order: what a later notice does not say stays as it was, and the
// last cancellation or award decides the outcome, unless the tender is
// announced again after it. A notice that another source published already adds
// only what was not known. Of no notices it is empty.
func Fold(notices []*Notice) Folded {
	if len(notices) == 0 {
		return Folded{}
	}
	notices = slices.SortedFunc(slices.Values(notices), (*Notice).Compare)
	first := notices[0]
	f := Folded{Source: first.Source, SourceRef: first.SourceRef, PublishedAt: first.PublishedAt, Notices: notices, copies: copiesOf(notices)}
	for _, n := range notices {
		f.take(n)
	}
	f.end()
	return f
}

// longestOnline is how long after its last notice a tender without a deadline is online, unless its source shows it for
// a shorter time.
const longestOnline = 365 * 24 * time.Hour

// end sets when a tender without a deadline closes.
func (f *Folded) end() {
	if f.Content.Deadline != nil {
		return
	}
	latest := f.UpdatedAt.Add(longestOnline)
	if said := f.Content.OnlineUntil; said == nil || said.After(latest) {
		f.Content.OnlineUntil = &latest
	}
}

// take takes in the next notice, which may be a copy.
func (f *Folded) take(n *Notice) {
	if _, copied := f.copies[n]; copied {
		f.Buyer, f.Content = f.Buyer.Over(n.Buyer.elsewhere()), f.Content.Over(n.Content)
		return
	}
	f.add(n)
}

// add takes in the next notice that is no copy.
func (f *Folded) add(n *Notice) {
	f.UpdatedAt, f.revised = n.PublishedAt, n.Revision > 1
	buyer := n.Buyer
	if n.Source != f.Source {
		buyer = buyer.elsewhere()
	}
	f.Buyer = buyer.Over(f.Buyer)
	f.Content.Correction, f.Content.DocumentsChanged = "", false // each correction's own
	content := n.Content
	if n.Kind == ContractNotice {
		f.Content.OnlineUntil = nil // of a notice before the call
	}
	if n.Kind == Award && len(f.Content.Lots) > 0 {
		content.Lots = nil // frameworks number them again
	}
	f.Content = content.Over(f.Content)
	switch n.Kind {
	case Planning:
		if !f.called {
			f.Outcome = Planned
		}
	case Cancellation:
		f.Outcome = Cancelled
	case Award:
		f.Outcome = Awarded
	case ContractNotice:
		// A procedure that was ended and is announced again is open again.
		f.Outcome = Undecided
	case Correction:
	}
	f.called = f.called || f.Outcome != Planned
}

// Changes lists what each notice changed, in the order of Notices; the first one
// changed nothing.
func (f Folded) Changes() [][]Change {
	list := make([][]Change, len(f.Notices))
	after := Folded{Source: f.Source, copies: f.copies}
	for i, n := range f.Notices {
		before := after
		if after.take(n); i > 0 {
			list[i] = Changes(before, after)
		}
	}
	return list
}

// Shown are the notices less those that say the same as one before them, and
// more: sources export a notice with few fields, and with all of them later, and
// several sources publish the same one.
func (f Folded) Shown() []*Notice {
	var shown []*Notice
	var changes [][]Change // seldom needed
	for i, n := range f.Notices {
		if _, copied := f.copies[n]; copied {
			continue
		}
		if n.repeats(f.Notices[:i]) {
			if changes == nil {
				changes = f.Changes()
			}
			if !slices.ContainsFunc(changes[i], func(c Change) bool { return c.Before != Text{} }) {
				continue // it changes nothing, but says what was not known
			}
		}
		shown = append(shown, n)
	}
	return shown
}

// repeats reports whether a notice was published before.
func (n *Notice) repeats(earlier []*Notice) bool {
	return slices.ContainsFunc(earlier, func(m *Notice) bool {
		return m.Source == n.Source && m.SourceRef == n.SourceRef && m.Kind == n.Kind && m.PublishedAt.Equal(n.PublishedAt)
	})
}

// Arrival returns what a notice changed in what was known of its tender when it
// came, in any order of publication; known is false where nothing was.
func Arrival(notices []*Notice, id int64) (before, after Folded, known bool) {
	earlier := slices.DeleteFunc(slices.Clone(notices), func(n *Notice) bool { return n.ID >= id })
	upTo := slices.DeleteFunc(slices.Clone(notices), func(n *Notice) bool { return n.ID > id })
	if len(earlier) > 0 {
		before, known = Fold(earlier), true
	}
	return before, Fold(upTo), known
}
