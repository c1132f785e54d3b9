package vigie

import "time"

// Delivery records an alert that is owed, or was sent, to a recipient. There is
// one for each recipient, tender, kind and notice, whatever the number of
// watches that led to it.
type Delivery struct {
	// ID is the number of the change that made it.
	ID          int64 `bun:"id,pk"`
	RecipientID int64
	TenderID    int64
	Kind        DeliveryKind
	// NoticeID is the notice that made it happen; 0 for none. Of a reminder it is
	// the key, see [Reminder], which is negative: there is one for each deadline
	// and number of days.
	NoticeID int64
	// Number is the change of the tender that it is about.
	Number int64
	// Urgent ones do not wait for a digest.
	Urgent    bool
	CreatedAt time.Time
	// DueAt is when to decide next what becomes of it.
	DueAt time.Time
	// MailID is the mail that it was claimed for; nil for none.
	MailID *int64
	// DroppedAt is when it was dropped; nil where it was not.
	DroppedAt *time.Time
	// HeldAt is since when it is held, HeldFor what stands in the way; nil and ""
	// where it is not.
	HeldAt  *time.Time `bun:",scanonly"`
	HeldFor HoldReason `bun:",scanonly"`
}

// State is the delivery's state; mail is that of the mail that it was claimed
// for, nil for none.
func (d *Delivery) State(mail *MailState) DeliveryState {
	switch {
	case d.DroppedAt != nil:
		return DeliveryDropped
	case d.MailID == nil && d.HeldAt != nil:
		return DeliveryHeld
	case d.MailID == nil || mail == nil:
		return DeliveryWaiting
	}
	switch *mail {
	case MailSent:
		return DeliverySent
	case MailFailed:
		return DeliveryFailed
	case MailDropped:
		return DeliveryDropped
	case MailOpen:
	}
	return DeliveryClaimed
}

// DeliveryState is how far a delivery has come. [DeliveryState.Next] is the
// table of what may follow.
type DeliveryState string

// The states of a delivery.
const (
	// DeliveryWaiting is one that leaves with the next mail that is due.
	DeliveryWaiting DeliveryState = "WAITING"
	// DeliveryHeld is one that may not be sent at the moment, for a reason that
	// can end: see [HoldReason]. It waits again as soon as it may be sent.
	DeliveryHeld DeliveryState = "HELD"
	// DeliveryClaimed is one whose mail is written and is being sent.
	DeliveryClaimed DeliveryState = "CLAIMED"
	// DeliverySent is one whose mail was accepted by a mail server.
	DeliverySent DeliveryState = "SENT"
	// DeliveryDropped is one that is not sent, for a reason that does not end:
	// the recipient left, bounced or was removed, the account dismissed the
	// tender, the tender is over, the watch was deleted more than
	// [RestorableFor] ago, or it was held for [MaxHold]. It waits again only
	// where another watch leads to it, too, or a reminder is wanted after all. Or it is of a kind that its webhook
	// does not want: then the recipient knows the tender all the same.
	DeliveryDropped DeliveryState = "DROPPED"
	// DeliveryFailed is one whose mail was refused permanently, or came back.
	DeliveryFailed DeliveryState = "FAILED"
)

// DeliveryStates returns all of them.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{DeliveryWaiting, DeliveryHeld, DeliveryClaimed, DeliverySent, DeliveryDropped, DeliveryFailed}
}

// Next is the table of transitions: the states that may follow. The store makes
// no other.
func (s DeliveryState) Next() []DeliveryState {
	switch s {
	case DeliveryWaiting:
		return []DeliveryState{DeliveryHeld, DeliveryClaimed, DeliveryDropped}
	case DeliveryHeld: // claimed where it is due when the hold ends
		return []DeliveryState{DeliveryWaiting, DeliveryClaimed, DeliveryDropped}
	case DeliveryClaimed: // held, or decided about again, where its mail leaves it out; dropped where the recipient's new address has one that says the same
		return []DeliveryState{DeliverySent, DeliveryFailed, DeliveryHeld, DeliveryDropped, DeliveryWaiting}
	case DeliverySent: // a mail can come back days after it was accepted
		return []DeliveryState{DeliveryFailed}
	case DeliveryDropped: // where another watch, which catches up, leads to it, too; a reminder where its deadline holds again
		return []DeliveryState{DeliveryWaiting}
	case DeliveryFailed:
	}
	return nil
}

// HoldReason is what stands in the way of a delivery that is held.
type HoldReason string

// The reasons.
const (
	// HoldWatchInactive: the watch is paused.
	HoldWatchInactive HoldReason = "WATCH_INACTIVE"
	// HoldWatchDeleted: the watch was deleted, and can still be restored.
	HoldWatchDeleted HoldReason = "WATCH_DELETED"
	// HoldUnconfirmed: the issuer vouched for the address, and does not at the
	// moment.
	HoldUnconfirmed HoldReason = "ADDRESS_UNCONFIRMED"
	// HoldWebhookInactive: the webhook is switched off, or has not confirmed its
	// new URL.
	HoldWebhookInactive HoldReason = "WEBHOOK_INACTIVE"
)

// DeliveryKind is what happened to a tender.
type DeliveryKind string

// The kinds of delivery.
const (
	// DeliverNew: it began to match.
	DeliverNew DeliveryKind = "NEW"
	// DeliverCorrected: a notice changed it.
	DeliverCorrected DeliveryKind = "CORRECTED"
	// DeliverCancelled: it will not take place.
	DeliverCancelled DeliveryKind = "CANCELLED"
	// DeliverClosingSoon: its deadline draws near.
	DeliverClosingSoon DeliveryKind = "CLOSING_SOON"
	// DeliverReminder: its deadline is as many days ahead as an account that it is
	// of interest to wants to be reminded.
	DeliverReminder DeliveryKind = "REMINDER"
	// DeliverWithdrawn: its publisher withdrew it. Subscribers get an event; nobody
	// is mailed.
	DeliverWithdrawn DeliveryKind = "WITHDRAWN"
)

// MailKind is what a mail is for.
type MailKind string

// The kinds of mail.
const (
	// DigestMail is about deliveries, one or many.
	DigestMail MailKind = "DIGEST"
	// QuietMail says that nothing matched, and that the watches are alive.
	QuietMail MailKind = "QUIET"
	// ConfirmationMail asks whether the address may be written to.
	ConfirmationMail MailKind = "CONFIRMATION"
	// WebhookNoteMail tells the owner of webhooks that nothing is sent to them any
	// more.
	WebhookNoteMail MailKind = "WEBHOOK_NOTE"
	// WebhookMessage is no mail but a message to a webhook, about deliveries of one
	// tender.
	WebhookMessage MailKind = "WEBHOOK"
)

// MailState is what became of a mail.
type MailState string

// The states of a mail.
const (
	MailOpen    MailState = "OPEN"
	MailSent    MailState = "SENT"
	MailDropped MailState = "DROPPED"
	MailFailed  MailState = "FAILED"
	// MailAside is one that could not be written or sent because of a defect of
	// ours, and that waits for an operator to have it tried again.
	MailAside MailState = "ASIDE"
)

// Mail is one message to one recipient, through whichever channel. What it is
// about is decided once; until it is accepted, every attempt has the same
// Message-ID.
type Mail struct {
	// ID is the number of the change that made it.
	ID          int64 `bun:"id,pk"`
	RecipientID int64
	Kind        MailKind
	// TenderID is the tender that a message to a webhook is about; 0 for a mail.
	TenderID  int64
	MessageID string
	CreatedAt time.Time
	State     MailState
	// Attempts are those that failed for the time being.
	Attempts int64
	// RetryAt is when it may be tried (again).
	RetryAt time.Time
	// LeasedUntil keeps others away from it, in milliseconds of the database's
	// clock.
	LeasedUntil int64
	// ClosedAt is when it was accepted, or given up.
	ClosedAt *time.Time
	// Error is why it was given up, or not accepted yet; for operators.
	Error string
	// ReplayAt is when it was to be sent again although it was accepted, until it was
	// accepted once more. Replays is how often that was, ReplayedAt when it last was.
	ReplayAt   *time.Time
	Replays    int64
	ReplayedAt *time.Time
}

// Again reports whether it is to be sent again although it was accepted.
func (m *Mail) Again() bool { return m.State == MailSent && m.ReplayAt != nil }

// Since is since when it is to be sent.
func (m *Mail) Since() time.Time {
	if m.Again() {
		return *m.ReplayAt
	}
	return m.CreatedAt
}

// Reason is why a recipient is alerted of a tender: a watch of its account, and
// those of its keywords that were found.
type Reason struct {
	WatchID  int64
	Keywords []string
}
