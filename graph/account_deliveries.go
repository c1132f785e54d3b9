package graph

import (
	"context"
	"time"

	"vigie"
	"vigie/graph/gql"
	"vigie/ledger"
	"vigie/service"
)

func (r accountType) Deliveries(ctx context.Context, a *vigie.Account, filter *gql.DeliveryFilter, first *int32, after *string, last *int32, before *string) (*service.DeliveryPage, error) {
	owner, err := load(ctx).owner(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	return r.service.AccountDeliveries(ctx, owner, r.deliveryFilter(filter), service.PageArgs{First: first, After: after, Last: last, Before: before})
}

// deliveryFilter is what a client gives of a filter. An id of a thing of another
// kind is the number 0, which is nothing's.
func (r *resolver) deliveryFilter(in *gql.DeliveryFilter) ledger.DeliveryFilter {
	if in == nil {
		return ledger.DeliveryFilter{}
	}
	keys := func(kind vigie.Kind, ids []string) []int64 {
		var list []int64
		for _, id := range ids {
			list = append(list, r.keyOf(kind, id))
		}
		return list
	}
	return ledger.DeliveryFilter{
		States: in.Statuses, Kinds: in.Kinds, Watches: keys(vigie.KindWatch, in.WatchIds), Subscriptions: keys(vigie.KindRecipient, in.RecipientIds),
		Tenders: keys(vigie.KindTender, in.TenderIds), SentFrom: in.SentFrom, SentTo: in.SentTo,
	}
}

func (deliveryType) Notice(ctx context.Context, d *ledger.Outgoing) (*vigie.Notice, error) {
	if d.NoticeID <= 0 { // 0 for none, less for a reminder
		return nil, nil
	}
	return load(ctx).notice.Load(ctx, d.NoticeID)
}

func (deliveryType) DueAt(_ context.Context, d *ledger.Outgoing) (*time.Time, error) {
	if d.Status() != vigie.DeliveryWaiting {
		return nil, nil
	}
	return &d.DueAt, nil
}
