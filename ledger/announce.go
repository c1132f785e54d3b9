package ledger

import (
	"context"
	"maps"
	"slices"
	"time"

	"vigie"
	"vigie/query"
)

// Announcement is what a notice says about a tender, with the watches that it concerns.
type Announcement struct {
	About  AlertSubject
	Tender *vigie.Tender
	Facts  query.Facts
	// Cancelled reports whether the tender will not take place; else it can be answered.
	Cancelled bool
	// Corrects reports whether the notice changed what recipients were alerted of.
	Corrects bool
	// Urgent reports whether it moved the deadline to an earlier moment.
	Urgent bool
	// Matching are the watches that the tender matches, if it is online; Knew are those of them that it matched
	// before the notice.
	Matching []int64
	Knew     map[int64]bool
	// Missed are the watches that missed the notice and now catch up; then only their recipients are alerted. It is nil
	// where the notice is processed for the first time.
	Missed []int64
}

// Announce enters the deliveries of an announcement, in transactions of at most [vigie.MaxBatch] deliveries. entered is
// called after each. If recipients change in the meantime, it decides again which ones to alert.
func (l *Ledger) Announce(ctx context.Context, n *Announcement, entered func()) error {
	for again := true; again; {
		again = false
		for some := range slices.Chunk(n.Matching, vigie.MaxBatch) {
			if err := l.subscribePlatforms(ctx, some); err != nil {
				return err
			}
		}
		alerts, err := l.alerts(ctx, n)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(alerts, vigie.MaxBatch) {
			changed, err := l.Enter(ctx, n.About, some)
			if err != nil {
				return err
			}
			again = again || changed
			entered()
		}
	}
	return nil
}

// alerts returns which recipients are alerted of an *Announcement.
func (l *Ledger) alerts(ctx context.Context, n *Announcement) ([]Alert, error) {
	alerted, err := l.alertedBefore(ctx, n)
	if err != nil {
		return nil, err
	}
	known, err := l.Knowledge(ctx, n.About)
	if err != nil {
		return nil, err
	}
	g := alertsByRecipient{announcement: n, now: l.db.Now(), recipients: make(map[int64]*recipientAlert)}
	switch {
	case n.Cancelled:
		g.add(vigie.DeliverCancelled, alerted...)
	case n.Corrects:
		g.add(vigie.DeliverCorrected, alerted...)
	}
	recipients, err := l.recipients(ctx, n)
	if err != nil {
		return nil, err
	}
	found := query.NewFinder(n.Facts)
	for _, f := range recipients {
		f.Keywords = found.Keywords(f.Keywords)
		switch knows := known[f.RecipientID]; {
		case n.Corrects && (knows.Before || n.Knew[f.WatchID]):
			g.add(vigie.DeliverCorrected, f)
		case !knows.Informed: // one more reason, if the alert is still to be sent
			g.add(vigie.DeliverNew, f)
		}
	}
	return g.alerts(), nil
}

// alertedBefore returns the recipients that an earlier notice alerted: through the watches that were on when this one
// came, or that missed it.
func (l *Ledger) alertedBefore(ctx context.Context, n *Announcement) (all []WatchRecipient, err error) {
	if n.Missed == nil {
		return l.Alerted(ctx, n.About)
	}
	if !n.Cancelled && !n.Corrects {
		return nil, nil
	}
	for some := range slices.Chunk(n.Missed, vigie.MaxBatch) {
		recipients, err := l.alertedThrough(ctx, n.About, some)
		if err != nil {
			return nil, err
		}
		all = append(all, recipients...)
	}
	return all, nil
}

// recipients returns the recipients of the watches that the tender matches.
func (l *Ledger) recipients(ctx context.Context, n *Announcement) ([]WatchRecipient, error) {
	read := func(watches []int64) ([]WatchRecipient, error) {
		if n.Missed != nil {
			return l.CatchUpRecipients(ctx, watches)
		}
		return l.WatchRecipients(ctx, watches, n.About.NoticeID)
	}
	var all []WatchRecipient
	for some := range slices.Chunk(n.Matching, vigie.MaxBatch) {
		recipients, err := read(some)
		if err != nil {
			return nil, err
		}
		all = append(all, recipients...)
	}
	return all, nil
}

// alertsByRecipient collects the alerts of each recipient about one announcement.
type alertsByRecipient struct {
	announcement *Announcement
	now          time.Time
	recipients   map[int64]*recipientAlert
}

// recipientAlert is the alert of one recipient.
type recipientAlert struct {
	account   vigie.Account
	kind      vigie.DeliveryKind
	frequency vigie.Frequency
	keywords  map[int64][]string // by watch
}

// add adds reasons. If a recipient has reasons of two kinds, it knows the tender already.
func (g *alertsByRecipient) add(kind vigie.DeliveryKind, recipients ...WatchRecipient) {
	for _, f := range recipients {
		p := g.recipients[f.RecipientID]
		if p == nil {
			p = &recipientAlert{account: f.Account, kind: kind, frequency: f.Frequency, keywords: make(map[int64][]string)}
			g.recipients[f.RecipientID] = p
		}
		if p.kind == vigie.DeliverNew {
			p.kind = kind
		}
		p.frequency = fastest(p.frequency, f.Frequency)
		p.keywords[f.WatchID] = f.Keywords
	}
}

// alerts returns the alerts in the order of the recipients.
func (g *alertsByRecipient) alerts() []Alert {
	var list []Alert
	for _, id := range slices.Sorted(maps.Keys(g.recipients)) {
		p := g.recipients[id]
		a := Alert{RecipientID: id, Kind: p.kind, Urgent: g.announcement.Urgent && p.kind == vigie.DeliverCorrected}
		for _, watch := range slices.Sorted(maps.Keys(p.keywords)) {
			a.Reasons = append(a.Reasons, vigie.Reason{WatchID: watch, Keywords: p.keywords[watch]})
		}
		deadline := g.announcement.Tender.Deadline
		a.DueAt = dueAt(&p.account, p.frequency, &vigie.Delivery{Kind: a.Kind, Urgent: a.Urgent, CreatedAt: g.now}, deadline)
		list = append(list, a)
		if g.announcement.Cancelled || deadline == nil || closesSoon(&p.account, p.frequency, a.DueAt, *deadline) {
			continue // the alert that is sent now contains the deadline
		}
		a.Kind, a.Urgent = vigie.DeliverClosingSoon, false
		a.DueAt = closingSoonAt(&p.account, p.frequency, g.now, *deadline)
		list = append(list, a)
	}
	if g.announcement.Missed != nil { // the tender may have changed since it was read: the sender decides when they are due
		for i := range list {
			list[i].DueAt = g.now
		}
	}
	return list
}
