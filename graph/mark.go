package graph

import (
	"context"

	"vigie"
	"vigie/graph/gql"
	"vigie/store"
)

func (tenderType) Seen(ctx context.Context, t *vigie.Tender) (bool, error) {
	marks, err := load(ctx).marks.Load(ctx, t.ID)
	return marks.Seen, err
}

func (tenderType) Dismissed(ctx context.Context, t *vigie.Tender) (bool, error) {
	marks, err := load(ctx).marks.Load(ctx, t.ID)
	return marks.Dismissed, err
}

func (tenderType) Interested(ctx context.Context, t *vigie.Tender) (bool, error) {
	marks, err := load(ctx).marks.Load(ctx, t.ID)
	return marks.Interested, err
}

func (tenderType) Reminders(ctx context.Context, t *vigie.Tender) ([]*vigie.Reminder, error) {
	return load(ctx).reminders.Load(ctx, t.ID)
}

func (m mutation) MarkTendersSeen(ctx context.Context, ids []string, seen *bool) (*gql.MarkTendersSeenPayload, error) {
	account, tenders, problems, err := m.mark(ctx, store.Seen, valueOr(seen, true), ids)
	if account == nil {
		return nil, err
	}
	return &gql.MarkTendersSeenPayload{Tenders: tenders, Viewer: account, Query: rest(), UserErrors: problems}, err
}

func (m mutation) MarkInterest(ctx context.Context, ids []string, interested *bool) (*gql.MarkInterestPayload, error) {
	account, tenders, problems, err := m.mark(ctx, store.Interested, valueOr(interested, true), ids)
	if account == nil {
		return nil, err
	}
	return &gql.MarkInterestPayload{Tenders: tenders, Viewer: account, Query: rest(), UserErrors: problems}, err
}

// mark puts a mark of the viewer's on tenders, or removes it. The account is nil
// where nobody may.
func (m mutation) mark(ctx context.Context, mark store.Mark, on bool, ids []string) (*vigie.Account, []*vigie.Tender, []*vigie.Error, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	keys := make([]int64, len(ids))
	for i, id := range ids {
		keys[i] = m.keyOf(vigie.KindTender, id)
	}
	tenders, err := m.service.Mark(ctx, account, mark, on, keys)
	if err != nil {
		tenders = []*vigie.Tender{}
	}
	problems, err := userErrors(err, "tenderIds")
	return account, tenders, problems, err
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
