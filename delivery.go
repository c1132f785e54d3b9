package vigie

import "time"

// Delivery is that a recipient shall hear, or heard, of what happened to a
// tender. There is one for each recipient, tender, kind and notice, whatever
// the number of watches that led to it.
type Delivery struct {
	// ID is the number of the change that made it.
	ID          int64 `bun:"id,pk"`
	RecipientID int64
	TenderID    int64
	Kind        DeliveryKind
	// NoticeID is the notice that made it happen; 0 for none.
	NoticeID int64
	// Number is the change of the tender that it tells of.
	Number int64
	// Urgent ones do not wait for a digest.
	Urgent    bool
	CreatedAt time.Time
	// DueAt is when to look whether it is due.
	DueAt time.Time
	// MailID is the mail that tells of it; nil while it waits.
	MailID *int64
	// DroppedAt is when it turned out that it must, or need, not be told.
	DroppedAt *time.Time
}

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
)

// DeliveryStatus is what became of a delivery.
type DeliveryStatus string

// The statuses of a delivery.
const (
	// DeliveryWaiting is one that is to come, or on its way.
	DeliveryWaiting DeliveryStatus = "WAITING"
	// DeliverySent is one whose mail was accepted.
	DeliverySent DeliveryStatus = "SENT"
	// DeliveryDropped is one that was not to be sent any more.
	DeliveryDropped DeliveryStatus = "DROPPED"
	// DeliveryFailed is one whose mail was refused for good.
	DeliveryFailed DeliveryStatus = "FAILED"
)

// MailKind is what a mail is for.
type MailKind string

// The kinds of mail.
const (
	// DigestMail tells of deliveries, of one or of many.
	DigestMail MailKind = "DIGEST"
	// QuietMail tells that nothing matched, and that the watches are alive.
	QuietMail MailKind = "QUIET"
	// ConfirmationMail asks whether the address may be written to.
	ConfirmationMail MailKind = "CONFIRMATION"
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

// Mail is one mail to one recipient. What it tells of is decided once; until
// it is accepted, every attempt has the same Message-ID.
type Mail struct {
	// ID is the number of the change that made it.
	ID          int64 `bun:"id,pk"`
	RecipientID int64
	Kind        MailKind
	MessageID   string
	CreatedAt   time.Time
	State       MailState
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
}

// Reason is why a recipient hears of a tender: a watch of its account, and
// those of its keywords that were found.
type Reason struct {
	WatchID  int64
	Keywords []string
}
