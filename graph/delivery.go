package graph

import (
	"context"

	"vigie"
	"vigie/graph/gql"
	"vigie/ledger"
	"vigie/service"
)

func (r watchType) Deliveries(ctx context.Context, w *vigie.Watch, first *int32, after *string, last *int32, before *string) (*service.DeliveryPage, error) {
	return r.service.Deliveries(ctx, w, service.PageArgs{First: first, After: after, Last: last, Before: before})
}

func (watchType) Health(ctx context.Context, w *vigie.Watch) (*service.WatchHealth, error) {
	health, err := load(ctx).health.Load(ctx, w.ID)
	if err != nil || health == nil {
		return nil, err
	}
	recipients, err := load(ctx).recipients.Load(ctx, owned{w.AccountID, w.ID})
	return service.Health(health, recipients), err
}

func (deliveryType) Tender(ctx context.Context, d *ledger.Outgoing) (*vigie.Tender, error) {
	return load(ctx).ofDeliveries.Load(ctx, d.TenderID)
}

func (r deliveryType) Recipient(ctx context.Context, d *ledger.Outgoing) (*vigie.Recipient, error) {
	return load(ctx).addresses.Load(ctx, owned{d.AccountID, d.SubscriptionID})
}

func (deliveryType) Reasons(ctx context.Context, d *ledger.Outgoing) ([]*service.WatchMatch, error) {
	reasons, err := load(ctx).reasons.Load(ctx, owned{d.AccountID, d.ID})
	if reasons == nil {
		reasons = []*service.WatchMatch{}
	}
	if err == nil && selects(ctx, "places") {
		var tender *vigie.Tender
		if tender, err = load(ctx).ofDeliveries.Load(ctx, d.TenderID); tender != nil {
			reasons = service.Locate(tender, reasons)
		}
	}
	return reasons, err
}

func (m mutation) ResendConfirmation(ctx context.Context, id string) (*gql.RecipientPayload, error) {
	return m.recipient(ctx, id, m.service.ResendConfirmation)
}

func (m mutation) Resubscribe(ctx context.Context, id string) (*gql.RecipientPayload, error) {
	return m.recipient(ctx, id, m.service.Resubscribe)
}

// recipient does something to an address of the viewer's.
func (m mutation) recipient(ctx context.Context, id string, do func(context.Context, *vigie.Account, int64) (*vigie.Recipient, error)) (*gql.RecipientPayload, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	recipient, err := do(ctx, account, m.keyOf(vigie.KindRecipient, id))
	problems, err := userErrors(err, "recipientId")
	return &gql.RecipientPayload{Recipient: recipient, Viewer: account, Query: rest(), UserErrors: problems}, err
}
