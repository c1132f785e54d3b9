package vigie

import (
	"slices"
	"time"
)

// Channel is a way to reach recipients.
type Channel string

// The channels.
const (
	// MailChannel reaches mail addresses.
	MailChannel Channel = "MAIL"
	// WebhookChannel reaches endpoints on the web.
	WebhookChannel Channel = "WEBHOOK"
)

// WebhookFormat is the form of the messages that an endpoint gets.
type WebhookFormat string

// The formats.
const (
	// StandardWebhook is our own payload, signed by the Standard Webhooks specification.
	StandardWebhook WebhookFormat = "STANDARD"
	// SlackWebhook and TeamsWebhook are messages for these chats.
	SlackWebhook WebhookFormat = "SLACK"
	TeamsWebhook WebhookFormat = "TEAMS"
)

// Signed reports whether messages are signed, and the endpoint can answer a challenge. Chats do neither: whoever knows
// the address of a chat's webhook may write to it.
func (f WebhookFormat) Signed() bool { return f == StandardWebhook }

// Webhook is an endpoint that gets alerts.
type Webhook struct {
	// ID is the number of the change that made it.
	ID int64 `bun:"id,pk"`
	// AccountID is the owner, WatchID the watch that it gets the alerts of. Both are 0 for a platform's endpoint, which gets
	// those of all watches of all accounts.
	AccountID int64 `bun:",nullzero"`
	WatchID   int64 `bun:",nullzero"`
	// Host is the host of its URL, by which endpoints share what can be sent at a time.
	Host string
	// Sealed is its URL and its secrets, encrypted.
	Sealed string
	Format WebhookFormat
	// Kinds are what it wants to hear of; none for everything.
	Kinds     []DeliveryKind
	CreatedAt time.Time
	// ConfirmedAt is when it agreed to get messages, at its present URL; nil while it has not.
	ConfirmedAt *time.Time
	// PausedAt is when its owner switched it off, SuspendedAt when we did, because it had accepted nothing for days.
	PausedAt, SuspendedAt *time.Time
	// EndedAt is when it answered that it wants no more messages (410), RemovedAt when its owner removed it.
	EndedAt, RemovedAt *time.Time
	// TriedAt is when the last attempt ended, AcceptedAt when it last accepted a message; Error is why the last attempt
	// failed, "" if it did not.
	TriedAt, AcceptedAt *time.Time
	Error               string
	// ReplayAt is when messages to it were last asked to be sent again.
	ReplayAt *time.Time
	// NotBefore is until when the endpoint asked to be left alone; nil if it did not.
	NotBefore *time.Time
	// URLChanges is how often it got another URL in the day that began at URLChangesSince.
	URLChanges      int64      `bun:"url_changes"`
	URLChangesSince *time.Time `bun:"url_changes_since"`
	// NoteID is the mail that told the owner that it was suspended, or had ended; 0 while none did.
	NoteID int64
}

// GlobalID returns the webhook's id within the server.
func (w *Webhook) GlobalID() string { return GlobalID(KindWebhook, w.ID) }

// Everywhere reports whether it is a platform's, for the watches of all accounts.
func (w *Webhook) Everywhere() bool { return w.AccountID == 0 }

// Wants reports whether the endpoint is to get alerts of a kind.
func (w *Webhook) Wants(kind DeliveryKind) bool {
	return len(w.Kinds) == 0 || slices.Contains(w.Kinds, kind)
}

// Over reports whether nothing will ever be sent to it again.
func (w *Webhook) Over() bool { return w.EndedAt != nil || w.RemovedAt != nil }

// Status returns what the endpoint gets, and why not.
func (w *Webhook) Status() WebhookStatus {
	switch {
	case w.Over():
		return WebhookEnded
	case w.ConfirmedAt == nil:
		return WebhookPending
	case w.SuspendedAt != nil:
		return WebhookSuspended
	case w.PausedAt != nil:
		return WebhookPaused
	}
	return WebhookActive
}

// WebhookStatus is whether an endpoint gets messages.
type WebhookStatus string

// The states of a webhook. Only an active one gets messages; what a paused or a suspended one is owed waits.
const (
	// WebhookPending is one that has not confirmed that it wants messages at its URL.
	WebhookPending WebhookStatus = "PENDING"
	WebhookActive  WebhookStatus = "ACTIVE"
	// WebhookPaused was switched off by its owner.
	WebhookPaused WebhookStatus = "PAUSED"
	// WebhookSuspended was switched off because it had accepted nothing for three days.
	WebhookSuspended WebhookStatus = "SUSPENDED"
	// WebhookEnded wants no more messages: it answered 410, or was removed.
	WebhookEnded WebhookStatus = "ENDED"
)
