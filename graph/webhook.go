package graph

import (
	"context"
	"time"

	"vigie"
	"vigie/graph/gql"
	"vigie/ledger"
	"vigie/service"
)

// hookOwner returns whose a webhook is of which the viewer names the id: the account's, or, for nil, the platform's, for those
// who publish.
func (m mutation) hookOwner(ctx context.Context, key int64) (*vigie.Account, error) {
	account, err := signedInAccount(ctx)
	switch {
	case !Publishes(ctx):
		return account, err
	case account == nil: // it is no person's token
		return nil, nil
	}
	own, err := load(ctx).webhooks.Load(ctx, owned{account.ID, key})
	if own == nil {
		account = nil
	}
	return account, err
}

func (q query) Webhooks(ctx context.Context) ([]*vigie.Webhook, error) {
	if _, err := publisher(ctx); err != nil {
		return nil, err
	}
	return webhookList(q.service.Webhooks(ctx, nil))
}

func (r accountType) Webhooks(ctx context.Context, a *vigie.Account) ([]*vigie.Webhook, error) {
	owner, err := load(ctx).owner(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	return webhookList(r.service.Webhooks(ctx, owner))
}

func (watchType) Webhooks(ctx context.Context, w *vigie.Watch) ([]*vigie.Webhook, error) {
	return webhookList(load(ctx).ofWatches.Load(ctx, owned{w.AccountID, w.ID}))
}

// webhookList is a list that is not null.
func webhookList(list []*vigie.Webhook, err error) ([]*vigie.Webhook, error) {
	if list == nil {
		list = []*vigie.Webhook{}
	}
	return list, err
}

func (r webhookType) ID(_ context.Context, w *vigie.Webhook) (string, error) {
	return r.id(vigie.KindWebhook, w.ID), nil
}

func (webhookType) Watch(ctx context.Context, w *vigie.Webhook) (*vigie.Watch, error) {
	if w.Everywhere() {
		return nil, nil
	}
	return load(ctx).watches.Load(ctx, owned{w.AccountID, w.WatchID})
}

func (r webhookType) URL(ctx context.Context, w *vigie.Webhook) (*string, error) {
	if supportAgent(ctx) != nil {
		return nil, nil
	}
	return orNull(r.service.WebhookURL(w)), nil
}

func (webhookType) LastError(_ context.Context, w *vigie.Webhook) (*string, error) {
	return orNull(w.Error), nil
}

func (deliveryType) Webhook(ctx context.Context, d *ledger.Outgoing) (*vigie.Webhook, error) {
	if d.WebhookID == 0 {
		return nil, nil
	}
	return load(ctx).webhooks.Load(ctx, owned{d.AccountID, d.WebhookID})
}

func (deliveryType) Attempts(_ context.Context, d *ledger.Outgoing) (int32, error) {
	return int32(d.Attempts), nil
}

func (deliveryType) Replays(_ context.Context, d *ledger.Outgoing) (int32, error) {
	return int32(d.Replays), nil
}

func (deliveryType) RetryAt(_ context.Context, d *ledger.Outgoing) (*time.Time, error) {
	if d.State() != vigie.DeliveryClaimed && d.ReplayAt == nil {
		return nil, nil
	}
	return d.RetryAt, nil
}

func (deliveryType) LastError(_ context.Context, d *ledger.Outgoing) (*string, error) {
	if d.WebhookID == 0 { // what a mail server said is for support
		return nil, nil
	}
	return orNull(d.Error), nil
}

func (m mutation) AddWebhook(ctx context.Context, in gql.AddWebhookInput) (*gql.WebhookSecretPayload, error) {
	viewer, err := signedIn(ctx)
	if err != nil {
		return nil, err
	}
	all := value(in.All)
	var account *vigie.Account
	if !all {
		if account, err = signedInAccount(ctx); err != nil {
			return nil, err
		}
	}
	var w *vigie.Webhook
	var secret string
	if err = oneOf(in, all && len(viewer.Sources) == 0); err == nil {
		w, secret, err = m.service.AddWebhook(ctx, account, service.WebhookInput{
			Watch: m.keyOf(vigie.KindWatch, value(in.WatchID)), URL: in.URL, Kinds: in.Kinds, Format: valueOr(in.Format, vigie.StandardWebhook),
		})
	}
	problems, err := userErrors(err)
	return &gql.WebhookSecretPayload{Webhook: w, Secret: orNull(secret), Viewer: viewer.Account, Query: rest(), UserErrors: problems}, err
}

// oneOf checks that a new webhook is of one watch, or of all of them; for a person it must be of one.
func oneOf(in gql.AddWebhookInput, forPerson bool) error {
	switch {
	case value(in.All) == (in.WatchID != nil):
		return &vigie.Error{Code: vigie.Conflicting, Field: []string{"input"}, Text: vigie.Text{
			FR: "Indiquez soit une veille, soit toutes les veilles.", EN: "Name either a watch, or all of them.",
		}}
	case forPerson:
		return &vigie.Error{Code: vigie.NotAllowed, Field: []string{"input", "all"}, Text: vigie.Text{
			FR: "Seule la plateforme peut recevoir les alertes de toutes les veilles.", EN: "Only the platform can get the alerts of all watches.",
		}}
	}
	return nil
}

func (m mutation) UpdateWebhook(ctx context.Context, id string, in gql.UpdateWebhookInput) (*gql.WebhookPayload, error) {
	return m.webhook(ctx, id, func(account *vigie.Account, key int64) (*vigie.Webhook, error) {
		change := service.WebhookChange{URL: in.URL, Active: in.Active}
		if in.Kinds != nil {
			change.Kinds = &in.Kinds
		}
		return m.service.UpdateWebhook(ctx, account, key, change)
	})
}

func (m mutation) TestWebhook(ctx context.Context, id string) (*gql.WebhookPayload, error) {
	return m.webhook(ctx, id, func(account *vigie.Account, key int64) (*vigie.Webhook, error) {
		return m.service.TestWebhook(ctx, account, key)
	})
}

// webhook does something to a webhook of the viewer's.
func (m mutation) webhook(ctx context.Context, id string, do func(account *vigie.Account, key int64) (*vigie.Webhook, error)) (*gql.WebhookPayload, error) {
	key := m.keyOf(vigie.KindWebhook, id)
	account, err := m.hookOwner(ctx, key)
	if err != nil {
		return nil, err
	}
	w, err := do(account, key)
	problems, err := userErrors(err, "id")
	if len(problems) > 0 {
		w = nil
	}
	return &gql.WebhookPayload{Webhook: w, Viewer: account, Query: rest(), UserErrors: problems}, err
}

func (m mutation) ReplayDeliveries(ctx context.Context, webhookID string, since time.Time, after *string) (*gql.ReplayDeliveriesPayload, error) {
	key := m.keyOf(vigie.KindWebhook, webhookID)
	account, err := m.hookOwner(ctx, key)
	if err != nil {
		return nil, err
	}
	payload := &gql.ReplayDeliveriesPayload{Viewer: account, Query: rest()}
	replayed, err := m.service.ReplayDeliveries(ctx, account, key, since, after)
	if err == nil {
		payload.Webhook, payload.Count = replayed.Webhook, new(int32(replayed.Count))
		payload.EndCursor, payload.HasMore = replayed.EndCursor, replayed.EndCursor != nil
	}
	payload.UserErrors, err = userErrors(err, "webhookId")
	return payload, err
}

func (m mutation) RotateWebhookSecret(ctx context.Context, id string, overlapHours *int32) (*gql.WebhookSecretPayload, error) {
	key := m.keyOf(vigie.KindWebhook, id)
	account, err := m.hookOwner(ctx, key)
	if err != nil {
		return nil, err
	}
	w, secret, err := m.service.RotateWebhookSecret(ctx, account, key, int(valueOr(overlapHours, 24)))
	problems, err := userErrors(err, "id")
	return &gql.WebhookSecretPayload{Webhook: w, Secret: orNull(secret), Viewer: account, Query: rest(), UserErrors: problems}, err
}

func (m mutation) RemoveWebhook(ctx context.Context, id string) (*gql.RemoveWebhookPayload, error) {
	key := m.keyOf(vigie.KindWebhook, id)
	account, err := m.hookOwner(ctx, key)
	if err != nil {
		return nil, err
	}
	var removed *string
	if err = m.service.RemoveWebhook(ctx, account, key); err == nil {
		removed = &id
	}
	problems, err := userErrors(err, "id")
	return &gql.RemoveWebhookPayload{RemovedWebhookID: removed, Viewer: account, Query: rest(), UserErrors: problems}, err
}
