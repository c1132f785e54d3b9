package query

import (
	"time"

	"vigie"
)

// NoticeEffect is a notice that was just published, with what its tender was without
// it and is since.
type NoticeEffect struct {
	Notice *vigie.Notice
	// Tender is as it is by now; notices later than this one count.
	Tender *vigie.Tender
	// before is what the notices known before this one told, nil where there
	// were none; since is that with this one; now is Tender.
	before, since, now *state
	// Edited are the accounts of which watches changed since the news before, as
	// far as these can count for this one.
	Edited map[int64]bool
	// late is whether the notice is the first of the tender's, in the order of
	// publication.
	late bool
}

// state is a tender as it was known at some time.
type state struct {
	*vigie.Tender
	facts Facts
	buyer vigie.BuyerName
}

// EffectOf tells what a notice did to its tender; notices are all that the tender
// has. Notices know their buyer by name alone: the tender is taken to have
// always had the buyer that it has now.
func EffectOf(n *vigie.Notice, t *vigie.Tender, notices []*vigie.Notice) *NoticeEffect {
	before, since, known := vigie.Arrival(notices, n.ID)
	news := &NoticeEffect{Notice: n, Tender: t, since: asTold(since, t), late: since.Notices[0].ID == n.ID}
	if known {
		news.before = asTold(before, t)
	}
	facts, _ := FactsOf(t)
	news.now = &state{Tender: t, facts: facts}
	return news
}

// asTold is a tender as some of its notices tell it.
func asTold(f vigie.Folded, t *vigie.Tender) *state {
	k := &state{buyer: f.Buyer, Tender: &vigie.Tender{
		ID: t.ID, Source: f.Source, SourceRef: f.SourceRef, Content: f.Content,
		BuyerID: t.BuyerID, PublishedAt: f.PublishedAt, Outcome: f.Outcome,
	}}
	k.facts, _ = FactsOf(k.Tender)
	return k
}

// Facts are the tender's, as it is by now.
func (n *NoticeEffect) Facts() Facts { return n.now.facts }

// Before is the tender as it was known before the notice came; nil where it was
// not.
func (n *NoticeEffect) Before() *vigie.Tender {
	if n.before == nil {
		return nil
	}
	return n.before.Tender
}

// Corrects reports whether the notice corrects what was known: it says so, or
// makes its tender another than it was. An original that comes after its
// correction does neither.
func (n *NoticeEffect) Corrects() bool {
	return n.before != nil && !n.late && (n.Notice.Kind == vigie.Correction || n.changes())
}

// AdvancesDeadline reports whether the notice moved the deadline to an earlier moment.
func (n *NoticeEffect) AdvancesDeadline() bool {
	if n.before == nil {
		return false
	}
	was, is := n.before.Deadline, n.since.Deadline
	return was != nil && is != nil && is.Before(*was)
}

// For tells what the notice means to who looks for a formula, and the tender's
// facts that it is about; ok is false where it means nothing. It is new where
// the tender is online and matches and was not, or did not, before; else
// corrected, or cancelled, where it did. Awards and quiet notices mean nothing
// to anybody.
func (n *NoticeEffect) For(f Formula, at time.Time) (kind vigie.DeliveryKind, facts Facts, ok bool) {
	if n.Notice.Quiet || n.Notice.Kind == vigie.Award {
		return "", Facts{}, false
	}
	matched, matches := n.before.matches(f), n.now.matches(f)
	facts = n.now.facts
	if !matches && n.before != nil {
		facts = n.before.facts
	}
	wasOnline := n.before != nil && n.before.Status(at) == vigie.StatusOnline
	switch {
	// What was told to be cancelled is not cancelled again. A cancellation
	// counts after the deadline too: many come then.
	case n.Notice.Kind == vigie.Cancellation && matched && n.before.Outcome != vigie.Cancelled && n.since.Outcome == vigie.Cancelled:
		return vigie.DeliverCancelled, facts, true
	// It began with this notice, and no later one has put an end to it.
	case n.since.matches(f) && n.since.Status(at) == vigie.StatusOnline && matches && n.now.Status(at) == vigie.StatusOnline && !(matched && wasOnline):
		return vigie.DeliverNew, facts, true
	case matched && wasOnline && n.Corrects():
		return vigie.DeliverCorrected, facts, true
	}
	return "", Facts{}, false
}

// matches reports whether a formula is true of what was known, if anything was.
func (k *state) matches(f Formula) bool { return k != nil && f.Matches(k.facts) }

// changes reports whether the notice made its tender another than it was.
func (n *NoticeEffect) changes() bool {
	was, is := n.before, n.since
	return was.Outcome != is.Outcome || was.buyer != is.buyer || !was.Content.Equal(is.Content)
}
