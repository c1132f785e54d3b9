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
	return q.service.Events(ctx, account, q.watchKeys(watchIDs), service.PageArgs{First: first, After: after, Last: last, Before: before})
}
