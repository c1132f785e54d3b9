package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"vigie"
	"vigie/alert/link"
	"vigie/alert/webhook"
	"vigie/ledger"
	"vigie/query"
	"vigie/store"
)

// Webhooks is the channel to endpoints on the web. A message is about one tender.
type Webhooks struct {
	Store    *store.Store
	Client   *webhook.Client
	Vault    *webhook.Vault
	Settings Settings
	Now      func() time.Time
	Log      *slog.Logger
}

const (
	// webhooksAtOnce is how many messages are sent at a time. Most of them wait for an answer, some for one that never comes.
	webhooksAtOnce = 256
	// webhooksPerHost is how many of them go to one host.
	webhooksPerHost = 16
	// webhooksPerOwner is how many of them go to the webhooks of one account, or of the platform.
	webhooksPerOwner = 48
)

// webhookPatience is how long an endpoint may take: three days.
var webhookPatience = Patience{First: 10 * time.Second, Longest: 6 * time.Hour, Repeats: 9, Least: 70 * time.Hour}

// Terms implements [Channel].
func (ch *Webhooks) Terms() Terms {
	return Terms{
		Channel: vigie.WebhookChannel, Lanes: 1, AtOnce: webhooksAtOnce, PerHost: webhooksPerHost, PerOwner: webhooksPerOwner, Patience: webhookPatience,
	}
}

// Prepare implements [Channel].
func (ch *Webhooks) Prepare(ctx context.Context, recipients map[int64]*ledger.RecipientState, now time.Time) (Compose, error) {
	m, err := readMaterial(ctx, ch.Store, ch.Log, recipients)
	if err != nil {
		return nil, err
	}
	var watches []int64
	for _, r := range recipients {
		watches = append(watches, slices.Collect(maps.Keys(r.Watches))...)
	}
	externalIDs, err := ch.Store.ExternalIDs(ctx, watches)
	if err != nil {
		return nil, err
	}
	return func(mail *vigie.Mail, r *ledger.RecipientState, content ledger.Content) (Message, error) {
		if len(content.Tenders) != 1 { // a message is written about one, and merged tenders are one
			return nil, fmt.Errorf("a message about %d tenders", len(content.Tenders))
		}
		endpoint, err := ch.endpoint(r.Webhook, now)
		if err != nil {
			return nil, err
		}
		a := ch.alert(mail, r, content.Tenders[0], &m, externalIDs, now)
		body, err := webhook.Body(r.Webhook.Format, a, r.Account.Locale)
		return webhookMessage{ch, endpoint, mail.MessageID, body}, err
	}, nil
}

// endpoint returns where the messages to a webhook go.
func (ch *Webhooks) endpoint(w *vigie.Webhook, now time.Time) (webhook.Endpoint, error) {
	id := ch.Store.IDs().ID(vigie.KindWebhook, w.ID)
	credentials, _, err := webhook.OpenCredentials(ch.Vault, w.Sealed, id)
	return credentials.Endpoint(id, w.Format, now), err
}

// alert is what a message says.
func (ch *Webhooks) alert(mail *vigie.Mail, r *ledger.RecipientState, s *ledger.TenderDeliveries, m *material, externalIDs map[int64]string, now time.Time) webhook.Alert {
	ids, t := ch.Store.IDs(), s.Tender
	a := webhook.Alert{
		Kind: kindOf(s), At: mail.CreatedAt, TenderID: ids.ID(vigie.KindTender, t.ID), Tender: t, Status: t.Status(now),
		BuyerID: ids.ID(vigie.KindBuyer, t.BuyerID), Buyer: m.buyers[t.BuyerID], URL: ch.Settings.tenderPage(t),
		Publications: m.publications[t.ID], Brand: ch.Settings.Brand.Name,
	}
	if r.Webhook.Everywhere() {
		a.Account = r.Account.Subject
	}
	a.Changes, a.Corrections = m.changes(s)
	for _, d := range s.Deliveries {
		a.DeliveryIDs = append(a.DeliveryIDs, ids.ID(vigie.KindDelivery, d.ID))
	}
	keywords := foundKeywords(r, s)
	for _, id := range slices.Sorted(maps.Keys(keywords)) {
		w := webhook.Watch{
			ID: ids.ID(vigie.KindWatch, id), ExternalID: externalIDs[id], Name: r.Watches[id].Name,
			Keywords: keywords[id], Places: query.PlacesOfFound(t, keywords[id]),
		}
		if ch.Settings.WatchURL != "" {
			w.URL = link.Fill(ch.Settings.WatchURL, "{watchId}", w.ID)
		}
		a.Watches = append(a.Watches, w)
	}
	return a
}

// webhookMessage is a message to an endpoint that is ready to be sent.
type webhookMessage struct {
	channel  *Webhooks
	endpoint webhook.Endpoint
	id       string
	body     []byte
}

// Send implements [Message].
func (m webhookMessage) Send(ctx context.Context) error {
	err := m.channel.Client.Send(ctx, m.endpoint, m.id, m.channel.Now(), m.body)
	why, ok := errors.AsType[*webhook.Error](err)
	if !ok {
		return err
	}
	f := &Failure{About: AboutMoment, After: why.RetryAfter, Note: why.Note(), Err: why}
	if why.Kind == webhook.Gone {
		f.About = AboutRecipient
	}
	return f
}
