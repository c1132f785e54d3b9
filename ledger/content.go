package ledger

import (
	"maps"
	"slices"
	"time"

	"vigie"
)

// Content is what a claimed mail may still say, by what is known just before it is sent. Nothing is added to a mail
// after it was claimed; what may no longer be sent is left out.
type Content struct {
	Composed
	// Empty reports whether nothing is left to say. Later reports that it may not be said for now, in a message that keeps
	// its deliveries until it may.
	Empty, Later bool
	// Stopped are the webhooks that a note is about.
	Stopped []*StoppedWebhook
	// Tenders are those that a digest is about, with their deliveries.
	Tenders []*TenderDeliveries
}

// Reminds reports whether a reminder is among what is said: no watch led to it.
func (c *Content) Reminds() bool {
	return slices.ContainsFunc(c.Tenders, func(s *TenderDeliveries) bool {
		return slices.ContainsFunc(s.Deliveries, func(t *PendingDelivery) bool { return t.Kind == vigie.DeliverReminder })
	})
}

// ContentOf returns what a mail to a recipient may still say.
func ContentOf(m *vigie.Mail, r *RecipientState, now time.Time) Content {
	if m.Again() {
		return replayContent(m, r)
	}
	switch m.Kind {
	case vigie.ConfirmationMail:
		return Content{Empty: r.Left || r.Bounced || r.Confirmed || !r.Named}
	case vigie.QuietMail:
		return quietContent(m, r)
	case vigie.WebhookNoteMail:
		return webhookNoteContent(m, r)
	case vigie.WebhookMessage:
		return messageContent(m, r, now)
	case vigie.DigestMail:
	}
	return digestContent(r, now)
}

// webhookNoteContent finds the webhooks that a note is about and that still get nothing.
func webhookNoteContent(m *vigie.Mail, r *RecipientState) (c Content) {
	for _, w := range r.Stopped {
		if w.NoteID == m.ID {
			c.Stopped = append(c.Stopped, w)
		}
	}
	c.Empty = len(c.Stopped) == 0 || !r.Confirmed || r.Left || r.Bounced
	return c
}

// messageContent finds the deliveries of a message to a webhook that may be sent. If none of them may for now, the message
// waits: it may have been received already, and must not be sent under another id.
func messageContent(m *vigie.Mail, r *RecipientState, now time.Time) Content {
	own := *r
	of := func(t *PendingDelivery) bool { return t.MailID == nil || *t.MailID != m.ID }
	own.Deliveries = slices.DeleteFunc(slices.Clone(r.Deliveries), of)
	own.Unreadable = slices.DeleteFunc(slices.Clone(r.Unreadable), of)
	c := digestContent(&own, now)
	c.Later = c.Empty && len(c.Held)+len(own.Unreadable) > 0
	return c
}

// quietContent finds the watches that were quiet for long.
func quietContent(m *vigie.Mail, r *RecipientState) (c Content) {
	for id, w := range r.Watches {
		if !quietAt(r, w).After(m.CreatedAt) {
			c.Watches = append(c.Watches, id)
		}
	}
	slices.Sort(c.Watches)
	c.Empty = len(c.Watches) == 0 || !r.Account.QuietNotes || !r.Confirmed || r.Left || r.Bounced
	return c
}

// digestContent finds the deliveries that may be sent. A mail that had to wait leaves out tenders that are over,
// except cancelled ones: their cancellation follows in the next mail.
func digestContent(r *RecipientState, now time.Time) (c Content) {
	for _, t := range r.Unreadable {
		c.Dropped = append(c.Dropped, t.ID)
	}
	named := make(map[int64]bool)
	for _, s := range byTender(r) {
		over := s.Tender.Outcome != vigie.Cancelled && s.over(s.Deliveries, now)
		s.Deliveries = slices.DeleteFunc(s.Deliveries, func(t *PendingDelivery) bool { return !c.maySend(r, t, over || s.tooEarly(r, t, now), now) })
		if len(s.Deliveries) == 0 {
			continue
		}
		c.Tenders = append(c.Tenders, s)
		for _, t := range s.Deliveries {
			c.Sent = append(c.Sent, t.ID)
			for _, reason := range t.Reasons {
				if _, follows := r.Watches[reason.WatchID]; follows {
					named[reason.WatchID] = true
				}
			}
		}
	}
	c.Watches = slices.Sorted(maps.Keys(named))
	c.Empty = len(c.Tenders) == 0
	return c
}

// tooEarly reports whether a delivery would say too early that the tender closes soon: its deadline has moved, or is not
// known for now.
func (s *TenderDeliveries) tooEarly(r *RecipientState, t *PendingDelivery, now time.Time) bool {
	return t.Kind == vigie.DeliverClosingSoon && s.dueAt(r, t).After(now)
}

// maySend reports whether a delivery may still be sent, and records its outcome if not; untrue reports that what it says
// does not hold any more.
func (c *Content) maySend(r *RecipientState, t *PendingDelivery, untrue bool, now time.Time) bool {
	may := permissionOf(r, t, now)
	switch {
	case may.never || untrue:
		c.Dropped = append(c.Dropped, t.ID)
	case may.hold != "":
		if c.Held == nil {
			c.Held = make(map[int64]vigie.HoldReason)
		}
		c.Held[t.ID] = may.hold
	default:
		return true
	}
	return false
}
