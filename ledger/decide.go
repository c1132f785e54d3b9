package ledger

import (
	"slices"
	"time"

	"vigie"
	"vigie/database"
)

// Decision is what to do with a recipient's deliveries.
type Decision struct {
	// Mail is the kind of mail to write, "" for none; Members are the deliveries that the mail contains.
	Mail    vigie.MailKind
	Members []int64
	// Messages are those to write to a webhook: the deliveries of each, by tender. Unwanted are the deliveries of kinds that it
	// does not want.
	Messages map[int64][]int64
	Unwanted []int64
	// Drop are the deliveries to drop, Hold those to hold. Repeats are those of the dropped whose reasons another one gets,
	// which has said the same.
	Drop    []int64
	Repeats []database.Pair
	Hold    map[int64]Held
	// Release are the held deliveries that may be sent again, now or later.
	Release []int64
	// Later are the deliveries that wait, with when to decide again.
	Later map[int64]time.Time
	// NextCheckAt is when to check the recipient again, if nothing is due sooner.
	NextCheckAt *time.Time
	// NoConfirmation reports that the address need not be asked for its consent.
	NoConfirmation bool
}

// Held says why a delivery is held, and when to decide again if nothing changes.
type Held struct {
	For   vigie.HoldReason
	Until time.Time
}

// indexWait is how long a mail waits for the search index to contain its tenders.
const indexWait = 10 * time.Minute

// unreadableWait is how long a delivery waits whose tender cannot be read.
const unreadableWait = time.Hour

// decide decides about a recipient's deliveries; spacing is the least time between two digests.
func decide(r *RecipientState, now time.Time, spacing time.Duration, indexed int64) Decision {
	d := Decision{NoConfirmation: r.ConfirmationPending}
	mailable := r.Confirmed && !r.Left && !r.Bounced
	if !mailable {
		d = decideConfirmation(r, now)
	}
	d.Later, d.Hold = make(map[int64]time.Time), make(map[int64]Held)
	for _, t := range r.Unreadable {
		d.Later[t.ID] = now.Add(unreadableWait)
	}
	spaced := now
	if r.MailedAt != nil {
		spaced = r.MailedAt.Add(spacing)
	}
	for _, story := range byTender(r) {
		if r.Webhook != nil {
			story.decideMessage(r, now, indexed, &d)
			continue
		}
		d.Members = append(d.Members, story.decide(r, now, spaced, indexed, &d)...)
	}
	if len(d.Members) > 0 {
		d.Mail = vigie.DigestMail
	}
	if mailable {
		decideWebhookNote(r, now, &d)
		decideQuietMail(r, now, &d)
	}
	return d
}

const (
	// maxMessages is how many messages to one webhook may be on their way: one that is refused again and again must not keep
	// the others from it, and an endpoint that does not answer must not get all that waits for it at once.
	maxMessages = 8
	// messagePause is when to decide again about what waits for a message to be on its way no longer; see [Ledger.refill].
	messagePause = time.Minute
)

// decideMessage decides whether a message about a tender is written to a webhook: one at a time, so that messages about a
// tender are in order. What the webhook does not want is not sent, but it knows the tender from then on.
func (s *TenderDeliveries) decideMessage(r *RecipientState, now time.Time, indexed int64, d *Decision) {
	if r.Webhook.Status() == vigie.WebhookActive && (r.Busy[s.Tender.ID] || r.Replaying[s.Tender.ID] || len(r.Busy) >= maxMessages) {
		for _, t := range s.Deliveries {
			d.Later[t.ID] = now.Add(messagePause)
		}
		return
	}
	wanted := s.decide(r, now, now, indexed, d)
	wanted = slices.DeleteFunc(wanted, func(id int64) bool {
		unwanted := slices.ContainsFunc(s.Deliveries, func(t *PendingDelivery) bool { return t.ID == id && !r.Webhook.Wants(t.Kind) })
		if unwanted {
			d.Unwanted = append(d.Unwanted, id)
		}
		return unwanted
	})
	if len(wanted) == 0 {
		return
	}
	if d.Messages == nil {
		d.Messages = make(map[int64][]int64)
	}
	d.Messages[s.Tender.ID], r.Busy[s.Tender.ID] = wanted, true
}

// decideWebhookNote decides to tell the owner of webhooks that nothing is sent to them any more, with the next mail.
func decideWebhookNote(r *RecipientState, now time.Time, d *Decision) {
	switch {
	case !slices.ContainsFunc(r.Stopped, func(w *StoppedWebhook) bool { return w.NoteID == 0 }):
	case d.Mail == "":
		d.Mail = vigie.WebhookNoteMail
	default:
		earlier(&d.NextCheckAt, now.Add(time.Second))
	}
}

// decideConfirmation decides whether to ask an address that must not be mailed for its consent.
func decideConfirmation(r *RecipientState, now time.Time) Decision {
	if !r.ConfirmationPending {
		return Decision{}
	}
	at, ok := NextConfirmationRequest(r.ConfirmationRequests, r.ConfirmationRequestedAt)
	switch {
	case r.Left || r.Bounced || !r.Named || !ok:
		return Decision{NoConfirmation: true}
	case at.After(now):
		return Decision{NextCheckAt: &at}
	}
	return Decision{Mail: vigie.ConfirmationMail}
}

// TenderDeliveries are deliveries of one recipient about one tender.
type TenderDeliveries struct {
	Tender     *vigie.Tender
	Deliveries []*PendingDelivery
}

// byTender groups deliveries by tender.
func byTender(r *RecipientState) []*TenderDeliveries {
	var list []*TenderDeliveries
	byTender := make(map[int64]*TenderDeliveries)
	for _, t := range r.Deliveries {
		s := byTender[t.Tender.ID]
		if s == nil {
			s = &TenderDeliveries{Tender: t.Tender}
			byTender[t.Tender.ID] = s
			list = append(list, s)
		}
		s.Deliveries = append(s.Deliveries, t)
	}
	return list
}

// decide decides whether the deliveries about a tender are sent now, and returns those that are. All of them are sent
// together, and those that are no longer wanted are dropped.
func (s *TenderDeliveries) decide(r *RecipientState, now, spaced time.Time, indexed int64, d *Decision) (members []int64) {
	var sent []*PendingDelivery // those of the members
	first, ready := time.Time{}, true
	over := s.over(s.Deliveries, now)
	for _, t := range s.Deliveries {
		switch may := permissionOf(r, t, now); {
		case may.never || may.hold != "" && over:
			d.Drop = append(d.Drop, t.ID)
			if t.Repeats != 0 {
				d.Repeats = append(d.Repeats, database.Pair{Was: t.ID, Becomes: t.Repeats})
			}
			continue
		case may.hold != "":
			d.Hold[t.ID] = Held{For: may.hold, Until: s.heldUntil(may, now)}
			continue
		}
		if t.HeldAt != nil {
			d.Release = append(d.Release, t.ID)
		}
		at := s.dueAt(r, t)
		if at.Before(spaced) {
			at = spaced
		}
		if (t.Kind == vigie.DeliverClosingSoon || t.Kind == vigie.DeliverReminder) && at.After(now) { // whatever is due before it
			d.Later[t.ID] = at
			continue
		}
		members, sent = append(members, t.ID), append(sent, t)
		if first.IsZero() || at.Before(first) {
			first = at
		}
		d.Later[t.ID] = at
		ready = ready && (t.Number <= indexed || t.CreatedAt.Add(indexWait).Before(now))
	}
	if len(members) == 0 {
		return nil
	}
	over = over || s.over(sent, now) // by what the mail would have, as its composer decides
	switch {
	case !over && first.After(now):
		return nil
	case !over && !ready:
		earlier(&d.NextCheckAt, now.Add(time.Second))
		for _, id := range members {
			d.Later[id] = now.Add(time.Second)
		}
		return nil
	}
	for _, id := range members {
		delete(d.Later, id)
	}
	if over {
		d.Drop = append(d.Drop, members...)
		return nil
	}
	return members
}

// dueAt returns when a delivery about the tender, which may be sent, is due.
func (s *TenderDeliveries) dueAt(r *RecipientState, t *PendingDelivery) time.Time {
	deadline := s.Tender.Deadline
	switch {
	case t.Kind == vigie.DeliverReminder:
		return r.reminder(t).At
	case t.Kind != vigie.DeliverClosingSoon:
		return dueAt(&r.Account, frequencyOf(r, t), &t.Delivery, deadline)
	case deadline == nil: // it is not known for now: the notice that says it has this decided again
		return s.Tender.Closes().Add(time.Microsecond)
	}
	return closingSoonAt(&r.Account, frequencyOf(r, t), t.CreatedAt, *deadline)
}

// over reports whether deliveries about the tender have nothing left to say: the recipient was never alerted of it and
// can no longer answer it, or it was to be announced as closing soon and has closed.
func (s *TenderDeliveries) over(deliveries []*PendingDelivery, now time.Time) bool {
	if s.Tender.Outcome == vigie.Withdrawn {
		return true // a mistake is not corrected any further
	}
	switch s.Tender.Status(now) {
	case vigie.StatusOnline:
		return false
	case vigie.StatusAwarded:
		return true
	}
	newly, ended := false, false
	for _, t := range deliveries {
		newly = newly || t.Kind == vigie.DeliverNew && t.Repeats == 0
		ended = ended || t.Kind == vigie.DeliverCancelled || t.Kind == vigie.DeliverCorrected
	}
	return newly || !ended
}

// permission says whether a delivery may be sent now. The zero value permits it.
type permission struct {
	// never reports that it may never be sent.
	never bool
	// hold is why it may not be sent for now; until is when to drop it.
	hold  vigie.HoldReason
	until time.Time
}

// permissionOf returns whether a delivery may be sent now, or else is held or dropped. Of the watches that led to it, one
// that is on is enough.
func permissionOf(r *RecipientState, t *PendingDelivery, now time.Time) permission {
	if t.Kind == vigie.DeliverReminder {
		return r.mayRemind(t, now)
	}
	reopened := t.Kind == vigie.DeliverCancelled && t.Tender.Outcome != vigie.Cancelled
	if r.Left || r.Bounced || t.Dismissed && r.Primary || t.Repeats != 0 || t.Ended || reopened {
		return permission{never: true}
	}
	held := t.heldSince(now)
	may := permission{never: true}
	for _, reason := range t.Reasons {
		if _, on := r.Watches[reason.WatchID]; on {
			may = permission{}
			break
		}
		if off, follows := r.Off[reason.WatchID]; follows {
			may = longer(may, whileOff(off, held))
		}
	}
	if may == (permission{}) {
		may = r.reachable(held)
	}
	return may.at(now)
}

// at returns what becomes of a permission whose hold has ended.
func (p permission) at(now time.Time) permission {
	if p.hold != "" && !now.Before(p.until) {
		return permission{never: true}
	}
	return p
}

// heldSince returns since when a delivery is held, or would be.
func (t *PendingDelivery) heldSince(now time.Time) time.Time {
	if t.HeldAt != nil {
		return *t.HeldAt
	}
	return now
}

// reachable returns the permission to send anything to a recipient, for a delivery held since a time.
func (r *RecipientState) reachable(held time.Time) permission {
	switch {
	case r.Webhook == nil && !r.Confirmed:
		return permission{hold: vigie.HoldUnconfirmed, until: held.Add(vigie.MaxHold)}
	case r.Webhook == nil || r.Webhook.Status() == vigie.WebhookActive:
		return permission{}
	case r.Webhook.Over():
		return permission{never: true}
	}
	return permission{hold: vigie.HoldWebhookInactive, until: held.Add(vigie.MaxHold)}
}

// whileOff returns the permission of a watch that is off, for a delivery held since a time. Mail of a paused watch is
// dropped after [vigie.MaxHold], that of a deleted one once it cannot be restored, and either as soon as the tender is
// over ([TenderDeliveries.decide]).
func whileOff(w FollowedWatch, held time.Time) permission {
	if w.DeletedAt == nil {
		return permission{hold: vigie.HoldWatchInactive, until: held.Add(vigie.MaxHold)}
	}
	return permission{hold: vigie.HoldWatchDeleted, until: w.DeletedAt.Add(vigie.RestorableFor + time.Microsecond)}
}

// longer returns the permission that lasts longer.
func longer(a, b permission) permission {
	if a.never || b.until.After(a.until) {
		return b
	}
	return a
}

// heldUntil returns when to decide again about a held delivery, if nothing changes: when the hold ends, or the tender
// does.
func (s *TenderDeliveries) heldUntil(may permission, now time.Time) time.Time {
	if end := s.Tender.Closes(); end != nil && end.After(now) && end.Before(may.until) {
		return *end
	}
	return may.until
}

// frequencyOf returns the fastest frequency among the watches that led to a delivery and that the recipient is still
// subscribed to.
func frequencyOf(r *RecipientState, t *PendingDelivery) vigie.Frequency {
	if r.Webhook != nil { // digests are for people
		return vigie.Immediate
	}
	var f vigie.Frequency
	for _, reason := range t.Reasons {
		if w, follows := r.Watches[reason.WatchID]; follows {
			f = fastest(w.Frequency, f)
		}
	}
	return f
}

// decideQuietMail decides to write a quiet note if no other mail is written and watches have been quiet for long.
func decideQuietMail(r *RecipientState, now time.Time, d *Decision) {
	if !r.Account.QuietNotes {
		return
	}
	for _, w := range r.Watches {
		at := quietAt(r, w)
		if d.Mail == "" && !at.After(now) {
			d.Mail = vigie.QuietMail
		}
		if !at.After(now) { // with this mail the quiet days start again
			at = r.Account.NextDigest(vigie.Daily, now.Add(QuietAfter))
		}
		earlier(&d.NextCheckAt, at)
	}
}

// quietAt returns when a quiet note about a watch is due.
func quietAt(r *RecipientState, w FollowedWatch) time.Time {
	return r.Account.NextDigest(vigie.Daily, w.LastMailedAt.Add(QuietAfter))
}

func earlier(at **time.Time, t time.Time) {
	if *at == nil || t.Before(**at) {
		*at = &t
	}
}
