package graph

import (
	"context"

	"vigie/service"
)

func (q query) TenderEvents(ctx context.Context, watchIDs []string, first *int32, after *string, last *int32, before *string) (*service.EventPage, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	watches, err := load(ctx).watching.of(ctx, q.service, account, q.watchKeys(watchIDs), false)
	if err != nil {
		return nil, err
	}
	return q.service.Events(ctx, account, watches, service.PageArgs{First: first, After: after, Last: last, Before: before})
}
