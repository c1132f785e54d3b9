// Package webhook sends alerts to endpoints: addresses on the web of platforms and of chats. It writes the bodies, signs
// them by the Standard Webhooks specification (https://www.standardwebhooks.com), and posts them to no address that an
// account must not reach through the server. It takes plain values and keeps nothing; other packages decide what is
// sent, to whom, when and how often.
package webhook

import (
	"time"

	"vigie"
	"vigie/query"
)

// Format is the form of the messages that an endpoint gets.
type Format = vigie.WebhookFormat

// The formats: our own payload, which docs/webhook.schema.json describes; a message of Slack's Block Kit, for its incoming
// webhooks; an Adaptive Card, for webhooks of Microsoft Teams.
const (
	Standard = vigie.StandardWebhook
	Slack    = vigie.SlackWebhook
	Teams    = vigie.TeamsWebhook
)

// Endpoint is where messages go.
type Endpoint struct {
	// ID is its public id.
	ID string
	// URL may be a secret: that of a chat lets everyone write there. It is in no error and no log line.
	URL    string
	Format Format
	// Secrets sign: the latest first, and those that it replaced and that are still valid. None of a chat.
	Secrets []Secret
}

// Alert is what there is to say about one tender, whatever the format.
type Alert struct {
	Kind vigie.DeliveryKind
	// At is when it happened. It does not change when a message is sent again.
	At time.Time
	// DeliveryIDs are the public ids of the deliveries that the message is about, oldest first.
	DeliveryIDs []string
	// Account is the issuer's subject of the account whose watches matched; "" where the endpoint is of that account.
	Account string
	// Watches are those that led to it.
	Watches []Watch

	// TenderID and BuyerID are public ids.
	TenderID string
	Tender   *vigie.Tender
	// Status is the tender's, now.
	Status  vigie.TenderStatus
	BuyerID string
	// Buyer is nil where it cannot be read.
	Buyer *vigie.Buyer
	// URL is the tender's page: the platform's if it has pages of tenders, else the source's; "" for none.
	URL string
	// Publications are where its notices were published.
	Publications []vigie.Publication
	// Changes are what corrections changed, Corrections what they ask to read, in their own words.
	Changes     []vigie.Change
	Corrections []string

	// Brand is the name that messages in chats are sent under.
	Brand string
}

// Watch is a watch that led to an alert.
type Watch struct {
	// ID is its public id, ExternalID the platform's own one, "" for none.
	ID, ExternalID string
	Name           string
	// Keywords are those of its keywords that were found, as typed; Places where they are in the tender.
	Keywords []string
	Places   []query.Place
	// URL is the platform's page of the watch, "" for none.
	URL string
}
