package graph

import (
	"context"
	"slices"
	"strconv"

	"vigie"
	"vigie/graph/gql"
	"vigie/service"
)

func (noticeType) Tender(ctx context.Context, n *vigie.Notice) (*vigie.Tender, error) {
	return load(ctx).tenders.Load(ctx, n.TenderID)
}

func (noticeType) Correction(_ context.Context, n *vigie.Notice) (*string, error) {
	return orNull(n.Content.Correction), nil
}

func (noticeType) DocumentsChanged(_ context.Context, n *vigie.Notice) (bool, error) {
	return n.Content.DocumentsChanged, nil
}

func (noticeType) Changes(ctx context.Context, n *vigie.Notice) ([]*vigie.Change, error) {
	l := load(ctx)
	fold, err := l.folds.Load(ctx, n.TenderID)
	if err != nil {
		return nil, err
	}
	changes, err := l.changes.Load(ctx, n.TenderID)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(fold.Notices, func(other *vigie.Notice) bool { return other.ID == n.ID })
	if i < 0 {
		return []*vigie.Change{}, nil
	}
	return pointers(changes[i]), nil
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
	sources, err := publisher(ctx)
	if err != nil {
		return nil, err
	}
	notices := make([]service.Notice, len(in))
	for i, n := range in {
		notices[i] = noticeInput(n)
	}
	published, problems, err := m.service.Publish(ctx, sources, notices)
	if err != nil {
		return nil, err
	}
	payload := &gql.PublishNoticesPayload{Results: []*gql.PublishResult{}, Query: rest(), UserErrors: problems, Warnings: []*vigie.Warning{}}
	for i, p := range published {
		if p.Notice != nil {
			payload.Warnings = append(payload.Warnings, pointers(p.Notice.Warnings("input", strconv.Itoa(i)))...)
		}
		payload.Results = append(payload.Results, &gql.PublishResult{Outcome: p.Outcome, Notice: p.Notice})
	}
	return payload, nil
}

func (m mutation) WithdrawTender(ctx context.Context, source, sourceRef string) (*gql.WithdrawTenderPayload, error) {
	sources, err := publisher(ctx)
	if err != nil {
		return nil, err
	}
	tender, err := m.service.Withdraw(ctx, sources, source, sourceRef)
	payload := &gql.WithdrawTenderPayload{Query: rest()}
	if tender != nil {
		payload.WithdrawnTenderID = new(m.id(vigie.KindTender, tender.ID))
	}
	payload.UserErrors, err = userErrors(err)
	return payload, err
}

func (m mutation) UpsertBuyers(ctx context.Context, in []*gql.BuyerInput) (*gql.UpsertBuyersPayload, error) {
	sources, err := publisher(ctx)
	if err != nil {
		return nil, err
	}
	records := make([]vigie.BuyerRecord, len(in))
	for i, b := range in {
		records[i] = vigie.BuyerRecord{
			Source: b.Source, FormerRefs: b.FormerRefs, FormerNames: b.FormerNames,
			BuyerName: vigie.BuyerName{
				Ref: b.Ref, Name: b.Name, SIRET: value(b.Siret), City: value(b.City), DepartmentCode: value(b.DepartmentCode),
			},
		}
	}
	registered, problems, err := m.service.RegisterBuyers(ctx, sources, records)
	if err != nil {
		return nil, err
	}
	payload := &gql.UpsertBuyersPayload{Results: []*gql.UpsertBuyerResult{}, Query: rest(), UserErrors: problems}
	for _, r := range registered {
		payload.Results = append(payload.Results, &gql.UpsertBuyerResult{Outcome: r.Outcome, Buyer: r.Buyer})
	}
	return payload, nil
}

// publisher returns the sources that the viewer may publish for.
func publisher(ctx context.Context) ([]string, error) {
	viewer, err := signedIn(ctx)
	if err != nil {
		return nil, err
	}
	if len(viewer.Sources) == 0 {
		return nil, &vigie.Error{Code: vigie.Forbidden, Text: vigie.Same("This token does not allow publishing. Use one with the scope “publish”.")}
	}
	return viewer.Sources, nil
}

func noticeInput(in *gql.NoticeInput) service.Notice {
	n := service.Notice{
		Source: in.Source, SourceRef: in.SourceRef, PreviousRef: value(in.PreviousRef), ProcedureID: value(in.ProcedureID), Identifier: value(in.Identifier), Kind: valueOr(in.Kind, vigie.ContractNotice),
		Reference: value(in.Reference), Title: in.Title, Description: value(in.Description),
		BuyerName: in.BuyerName, BuyerSIRET: value(in.BuyerSiret), BuyerRef: value(in.BuyerRef), Departments: in.DepartmentCodes,
		Natures: in.Natures, Procedure: value(in.Procedure), CPVCodes: in.CpvCodes,
		PublishedAt: in.PublishedAt, Deadline: in.Deadline, DeadlineKind: deadlineKind(in.DeadlineKind), URL: value(in.URL),
		Details: detailsInput(in), Correction: value(in.Correction), DocumentsChanged: value(in.DocumentsChanged),
	}
	for _, lot := range in.Lots {
		n.Lots = append(n.Lots, lotInput(lot))
	}
	return n
}
