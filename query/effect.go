package query

import (
	"slices"
	"time"

	"vigie"
)

// NoticeEffect is a published notice, with its tender before and since; or that a tender was withdrawn.
type NoticeEffect struct {
	// Number is that of the change: the notice's own, or that of the withdrawal.
	Number int64
	// Notice is nil for a withdrawal.
	Notice *vigie.Notice
	// Tender is the tender as it is now, with any later notices.
	Tender *vigie.Tender
	// before is the tender by the notices known before this one, nil if there were none; since is the tender with
	// this one; now is Tender.
	before, since, now *state
	// Edited are the accounts with watches that changed since the notice before, as far as those changes can matter
	// for this one.
	Edited map[int64]bool
	// late reports whether the notice is the first of its tender in the order of publication.
	late bool
}

// state is a tender as it was known at some time.
type state struct {
	*vigie.Tender
	facts Facts
	buyer vigie.BuyerName
}

// EffectOf returns the effect of a notice on its tender; notices are all notices of the tender. Notices know their
// buyer by name only: the tender is taken to have always had its present buyer.
func EffectOf(n *vigie.Notice, t *vigie.Tender, notices []*vigie.Notice) *NoticeEffect {
	before, since, known := vigie.Arrival(notices, n.ID)
	facts, _ := FactsOf(t)
	now := &state{Tender: t, facts: facts}
	news := &NoticeEffect{Number: n.ID, Notice: n, Tender: t, since: stateOf(since, now), now: now, late: since.Notices[0].ID == n.ID}
	if known {
		news.before = stateOf(before, now)
	}
	return news
}

// WithdrawalOf returns the effect of a tender's withdrawal, which is the tender's last change.
func WithdrawalOf(t *vigie.Tender) *NoticeEffect {
	facts, _ := FactsOf(t)
	return &NoticeEffect{Number: t.Number, Tender: t, now: &state{Tender: t, facts: facts}}
}

// stateOf is what some of a tender's notices say of it.
func stateOf(f vigie.Folded, now *state) *state {
	k := &state{buyer: f.Buyer, facts: now.facts, Tender: &vigie.Tender{
		ID: now.ID, Source: f.Source, SourceRef: f.SourceRef, Content: f.Content,
		BuyerID: now.BuyerID, PublishedAt: f.PublishedAt, Outcome: f.Outcome,
	}}
	if k.SourceRef != now.SourceRef || !k.Content.Equal(now.Content) { // most tenders have one notice
		k.facts, _ = FactsOf(k.Tender)
	}
	return k
}

// Facts returns the facts of the tender as it is now.
func (n *NoticeEffect) Facts() Facts { return n.now.facts }

// Before returns the tender as it was known before the notice, nil if it was not known.
func (n *NoticeEffect) Before() *vigie.Tender {
	if n.before == nil {
		return nil
	}
	return n.before.Tender
}

// Since returns the tender as it was known with the notice.
func (n *NoticeEffect) Since() *vigie.Tender { return n.since.Tender }

// Corrects reports whether the notice is a correction: it says so, or it changes its tender. An original that arrives
// after its correction is not one.
func (n *NoticeEffect) Corrects() bool {
	return n.before != nil && !n.late && !n.Notice.Copied && (n.Notice.Kind == vigie.Correction && n.Notice.Revision <= 1 || n.changes() && !n.completes())
}

// completes reports whether the notice was published before with less, as by a source that completes its records: it says
// what was not known, and contradicts nothing. A deadline that was not known is a correction.
func (n *NoticeEffect) completes() bool {
	was, is := n.before, n.since
	if n.Notice.Revision <= 1 || was.Deadline == nil && is.Deadline != nil {
		return false
	}
	folded := func(k *state) vigie.Folded {
		return vigie.Folded{Content: k.Content, Outcome: k.Outcome, Buyer: k.buyer, UpdatedAt: n.Notice.PublishedAt}
	}
	return !slices.ContainsFunc(vigie.Changes(folded(was), folded(is)), func(c vigie.Change) bool { return c.Before != vigie.Text{} })
}

// AdvancesDeadline reports whether the notice moved the deadline to an earlier moment.
func (n *NoticeEffect) AdvancesDeadline() bool {
	if n.before == nil {
		return false
	}
	was, is := n.before.Deadline, n.since.Deadline
	return was != nil && is != nil && is.Before(*was)
}

// For calls each with those criteria of a set for which the notice means something, in their order: with their place,
// with what it means, and with the keywords of them that the tender has, or had until then. It is new if the tender is
// online and matches, and was not online or did not match before; else corrected or cancelled, if it matched before;
// withdrawn, if it matched when it was. Awards and quiet notices mean nothing.
func (n *NoticeEffect) For(s *Set, at time.Time, each func(place int, kind vigie.DeliveryKind, keywords []string)) {
	if n.Notice != nil && (n.Notice.Quiet || n.Notice.Kind == vigie.Award) {
		return
	}
	before, since, now := n.before.matched(s), n.since.matched(s), n.now.matched(s)
	for place := range s.Formulas {
		had, matched := before[place]
		_, began := since[place]
		keywords, matches := now[place]
		if !matches {
			keywords = had
		}
		if kind := n.kind(matched, began, matches, at); kind != "" {
			each(place, kind, keywords)
		}
	}
}

// kind is what the notice means where the tender before, since and now matches or does not; "" for nothing.
func (n *NoticeEffect) kind(matched, began, matches bool, at time.Time) vigie.DeliveryKind {
	if n.Notice == nil {
		if matches {
			return vigie.DeliverWithdrawn
		}
		return ""
	}
	wasOnline := n.before != nil && n.before.Status(at) == vigie.StatusOnline
	switch {
	case n.Notice.Copied && matched:
		return ""
	// What was only planned, or is cancelled, is not cancelled to anybody. A cancellation counts after the deadline too: many arrive then.
	case n.Notice.Kind == vigie.Cancellation && matched && n.before.announced() && n.since.Outcome == vigie.Cancelled:
		return vigie.DeliverCancelled
	// The match began with this notice, and no later notice has ended it.
	case began && n.since.Status(at) == vigie.StatusOnline && matches && n.now.Status(at) == vigie.StatusOnline && !(matched && wasOnline):
		return vigie.DeliverNew
	case matched && wasOnline && n.Corrects():
		return vigie.DeliverCorrected
	}
	return ""
}

// matched are the keywords that a state has of the criteria of a set that it matches, by their places; none for nil.
func (k *state) matched(s *Set) map[int][]string {
	if k == nil {
		return nil
	}
	matched := make(map[int][]string)
	s.Match(k.facts, func(place int, keywords []string) { matched[place] = keywords })
	return matched
}

// announced reports whether the tender was called for, and not cancelled since.
func (k *state) announced() bool {
	return k.Outcome == vigie.Undecided || k.Outcome == vigie.Awarded
}

// changes reports whether the notice changed its tender.
func (n *NoticeEffect) changes() bool {
	was, is := n.before, n.since
	before := was.Content
	// How long the source shows it is no change of the tender, and what a correction said is its own.
	before.OnlineUntil, before.Correction, before.DocumentsChanged = is.OnlineUntil, is.Correction, false
	if n.Notice.Revision <= 1 { // each notice has a page of its own
		before.URL = is.URL
	}
	return was.Outcome != is.Outcome || was.buyer != is.buyer || !before.Equal(is.Content)
}
