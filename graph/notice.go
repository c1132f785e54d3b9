package graph

import (
	"context"

	"vigie"
	"vigie/graph/gql"
	"vigie/service"
)

func (noticeType) Tender(ctx context.Context, n *vigie.Notice) (*vigie.Tender, error) {
	return load(ctx).tenders.Load(ctx, n.TenderID)
}

func (noticeType) Changes(ctx context.Context, n *vigie.Notice) ([]*vigie.Change, error) {
	fold, err := load(ctx).folds.Load(ctx, n.TenderID)
	for i, other := range fold.Notices {
		if other.ID == n.ID {
			return pointers(fold.Changes[i]), err
		}
	}
	return []*vigie.Change{}, err
}

func (changeType) Label(ctx context.Context, c *vigie.Change) (string, error) {
	return say(ctx, c.Label), nil
}

func (changeType) Before(ctx context.Context, c *vigie.Change) (*string, error) {
	return orNull(say(ctx, c.Before)), nil
}

func (changeType) After(ctx context.Context, c *vigie.Change) (*string, error) {
	return orNull(say(ctx, c.After)), nil
}

func (m mutation) PublishNotices(ctx context.Context, in []*gql.NoticeInput) (*gql.PublishNoticesPayload, error) {
	viewer, err := signedIn(ctx)
	if err != nil {
		return nil, err
	}
	if len(viewer.Sources) == 0 {
		return nil, &vigie.Error{Code: vigie.Forbidden, Text: vigie.Text{
			FR: "Ce jeton ne permet pas de publier.",
			EN: "This token does not allow publishing.",
		}}
	}
	notices := make([]service.Notice, len(in))
	for i, n := range in {
		notices[i] = noticeInput(n)
	}
	published, problems, err := m.service.Publish(ctx, viewer.Sources, notices)
	if err != nil {
		return nil, err
	}
	// What an earlier field of the request has read may have changed.
	l := load(ctx)
	l.tenders.ClearAll()
	l.folds.ClearAll()
	l.buyers.ClearAll()
	payload := &gql.PublishNoticesPayload{Results: []*gql.PublishResult{}, UserErrors: problems}
	for _, p := range published {
		payload.Results = append(payload.Results, &gql.PublishResult{Outcome: p.Outcome, Notice: p.Notice})
	}
	return payload, nil
}

func noticeInput(in *gql.NoticeInput) service.Notice {
	n := service.Notice{
		Source: in.Source, SourceRef: in.SourceRef, PreviousRef: value(in.PreviousRef), Kind: in.Kind,
		Reference: value(in.Reference), Title: in.Title, Description: value(in.Description),
		BuyerName: in.BuyerName, BuyerSIRET: value(in.BuyerSiret), Departments: in.DepartmentCodes,
		Natures: in.Natures, Procedure: value(in.Procedure), CPVCodes: in.CpvCodes,
		PublishedAt: in.PublishedAt, Deadline: in.Deadline, URL: value(in.URL),
	}
	for _, lot := range in.Lots {
		n.Lots = append(n.Lots, vigie.Lot{Number: value(lot.Number), Title: lot.Title})
	}
	return n
}
