package graph

import (
	"context"
	"time"

	"vigie"
	"vigie/service"
)

func (tenderType) PublishedOn(_ context.Context, t *vigie.Tender) (string, error) {
	return vigie.Day(t.PublishedAt), nil
}

func (noticeType) PublishedOn(_ context.Context, n *vigie.Notice) (string, error) {
	return vigie.Day(n.PublishedAt), nil
}

func (tenderType) UpdatedAt(ctx context.Context, t *vigie.Tender) (*time.Time, error) {
	at, err := load(ctx).updated.Load(ctx, t.ID)
	if at.IsZero() { // withdrawn: nothing counts
		at = t.PublishedAt
	}
	return &at, err
}

func (matchType) MatchedAt(ctx context.Context, e *service.TenderEdge) (*time.Time, error) {
	fold, err := load(ctx).folds.Load(ctx, e.Node.ID)
	if err != nil {
		return nil, err
	}
	return e.MatchedAt(fold.Notices), nil
}
