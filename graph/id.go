package graph

import (
	"context"

	"vigie"
	"vigie/ledger"
)

// The ids of everything that has one.

func (r accountType) ID(_ context.Context, a *vigie.Account) (string, error) {
	return r.id(vigie.KindAccount, a.ID), nil
}

func (r watchType) ID(_ context.Context, w *vigie.Watch) (string, error) {
	return r.id(vigie.KindWatch, w.ID), nil
}

func (r recipientType) ID(_ context.Context, to *vigie.Recipient) (string, error) {
	return r.id(vigie.KindRecipient, to.ID), nil
}

func (r buyerType) ID(_ context.Context, b *vigie.Buyer) (string, error) {
	return r.id(vigie.KindBuyer, b.ID), nil
}

func (r tenderType) ID(_ context.Context, t *vigie.Tender) (string, error) {
	return r.id(vigie.KindTender, t.ID), nil
}

func (r noticeType) ID(_ context.Context, n *vigie.Notice) (string, error) {
	return r.id(vigie.KindNotice, n.ID), nil
}

func (r deliveryType) ID(_ context.Context, d *ledger.Outgoing) (string, error) {
	return r.id(vigie.KindDelivery, d.ID), nil
}

// id is the id of a thing.
func (r *resolver) id(kind vigie.Kind, number int64) string {
	return r.service.IDs().ID(kind, number)
}

// keyOf is the number in an id of a kind; 0, which is nothing's, where it is not
// one.
func (r *resolver) keyOf(kind vigie.Kind, id string) int64 {
	if k, key, ok := r.service.IDs().Parse(id); ok && k == kind {
		return key
	}
	return 0
}
