package graph

import (
	"context"

	"vigie"
	"vigie/service"
)

func (q query) Buyers(ctx context.Context, text string, first *int32, after *string, last *int32, before *string) (*service.BuyerPage, error) {
	if _, err := signedIn(ctx); err != nil {
		return nil, err
	}
	return q.service.Buyers(ctx, text, service.PageArgs{First: first, After: after, Last: last, Before: before})
}

func (q query) Buyer(ctx context.Context, id string) (*vigie.Buyer, error) {
	if _, err := signedIn(ctx); err != nil {
		return nil, err
	}
	return load(ctx).buyers.Load(ctx, q.keyOf(vigie.KindBuyer, id))
}

func (buyerType) City(_ context.Context, b *vigie.Buyer) (*string, error) { return orNull(b.City), nil }

func (buyerType) DepartmentCode(_ context.Context, b *vigie.Buyer) (*string, error) {
	return orNull(b.DepartmentCode), nil
}

func (buyerType) OnlineCount(ctx context.Context, b *vigie.Buyer) (*int32, error) {
	n, err := load(ctx).online.Load(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	return new(int32(n)), nil
}
