package graph

import (
	"context"

	"vigie"
	"vigie/graph/gql"
)

func (tenderType) Seen(ctx context.Context, t *vigie.Tender) (bool, error) {
	marks, err := load(ctx).marks.Load(ctx, t.ID)
	return marks.Seen, err
}

func (tenderType) Dismissed(ctx context.Context, t *vigie.Tender) (bool, error) {
	marks, err := load(ctx).marks.Load(ctx, t.ID)
	return marks.Dismissed, err
}

func (m mutation) MarkTendersSeen(ctx context.Context, ids []string, seen *bool) (*gql.MarkTendersSeenPayload, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]int64, len(ids))
	for i, id := range ids {
		keys[i] = m.keyOf(vigie.KindTender, id)
	}
	tenders, err := m.service.MarkSeen(ctx, account, keys, valueOr(seen, true))
	if err != nil {
		tenders = []*vigie.Tender{}
	}
	problems, err := userErrors(err, "tenderIds")
	return &gql.MarkTendersSeenPayload{Tenders: tenders, Viewer: account, Query: rest(), UserErrors: problems}, err
}

func (m mutation) DismissTender(ctx context.Context, id string, dismissed *bool) (*gql.DismissTenderPayload, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	tender, err := m.service.Dismiss(ctx, account, m.keyOf(vigie.KindTender, id), valueOr(dismissed, true))
	if err != nil {
		tender = nil
	}
	problems, err := userErrors(err, "tenderId")
	return &gql.DismissTenderPayload{Tender: tender, Viewer: account, Query: rest(), UserErrors: problems}, err
}
