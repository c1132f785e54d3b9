package graph

import (
	"context"
	"slices"

	"vigie"
	"vigie/graph/gql"
	"vigie/search"
	"vigie/service"
)

func (q query) Watch(ctx context.Context, id string) (*vigie.Watch, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	w, err := q.service.Watch(ctx, account, q.keyOf(vigie.KindWatch, id))
	if vigie.CodeOf(err) == vigie.NotFound {
		return nil, nil
	}
	return w, err
}

func (q query) Watches(ctx context.Context, orderBy *service.WatchOrder, first *int32, after *string, last *int32, before *string) (*service.WatchPage, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	return q.service.WatchPage(ctx, account, value(orderBy), service.PageArgs{First: first, After: after, Last: last, Before: before})
}

func (watchType) Summary(ctx context.Context, w *vigie.Watch) ([]*gql.SummaryLine, error) {
	buyers, err := buyersOf(ctx, w.Criteria)
	if err != nil {
		return nil, err
	}
	recipients, err := load(ctx).recipients.Load(ctx, owned{w.AccountID, w.ID})
	if err != nil {
		return nil, err
	}
	var lines []*gql.SummaryLine
	for _, line := range append(service.Summary(w.Criteria, buyers), service.MailLine(recipients)) {
		lines = append(lines, &gql.SummaryLine{Label: say(ctx, line.Label), Value: say(ctx, line.Value)})
	}
	return lines, nil
}

func (watchType) Receiving(ctx context.Context, w *vigie.Watch) (bool, error) {
	recipients, err := load(ctx).recipients.Load(ctx, owned{w.AccountID, w.ID})
	for _, r := range recipients {
		if w.Active && r.Status == vigie.Confirmed {
			return true, nil
		}
	}
	return false, err
}

func (watchType) Recipients(ctx context.Context, w *vigie.Watch) ([]*vigie.Recipient, error) {
	return load(ctx).recipients.Load(ctx, owned{w.AccountID, w.ID})
}

func (r watchType) OnlineCount(ctx context.Context, w *vigie.Watch) (*int32, error) {
	plan, err := r.service.Plan(service.TenderQuery{Matching: true, Account: w.AccountID, Watches: service.NewWatching(w), CountOnly: true})
	if err != nil {
		return nil, err
	}
	page, err := load(ctx).pages.Load(ctx, plan)
	if err != nil {
		return nil, err
	}
	return new(int32(page.TotalCount)), nil
}

func (r watchType) UnseenCount(ctx context.Context, w *vigie.Watch) (*int32, error) {
	plan, err := r.service.Plan(service.TenderQuery{Matching: true, Account: w.AccountID, Seen: service.HideMarked, Watches: service.NewWatching(w), CountOnly: true})
	if err != nil {
		return nil, err
	}
	page, err := load(ctx).pages.Load(ctx, plan)
	if err != nil {
		return nil, err
	}
	return new(int32(page.TotalCount)), nil
}

func (r watchType) MatchingTenders(ctx context.Context, w *vigie.Watch, text *string, complete *bool, filter map[string]any, orderBy *search.Order, first *int32, after *string, last *int32, before *string, page *int32) (*service.TenderPage, error) {
	watching := service.NewWatching(w)
	var counted *service.Watching
	if slices.Contains(selectedFacets(ctx), "watches") {
		counted = watching
	}
	plan, err := r.tenderPlan(ctx, filter, service.TenderQuery{
		Matching: true, Account: w.AccountID, Watches: watching, ByWatch: counted, Text: value(text), Complete: value(complete), Order: value(orderBy),
		Page: service.PageArgs{First: first, After: after, Last: last, Before: before, Page: page},
	})
	if err != nil {
		return nil, err
	}
	return r.tenderPage(ctx, plan)
}

func (m mutation) CreateWatch(ctx context.Context, in gql.CreateWatchInput) (*gql.CreateWatchPayload, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	w, warnings, err := m.service.CreateWatch(ctx, account, service.CreateWatch{
		Name: in.Name, Criteria: criteriaInput(in.Criteria), Active: valueOr(in.Active, true), Frequency: valueOr(in.Frequency, vigie.Daily),
		NotifyMe: valueOr(in.NotifyMe, true), Recipients: in.Recipients,
	})
	problems, err := userErrors(err)
	return &gql.CreateWatchPayload{
		Watch: w, WatchEdge: m.watchEdge(w), Viewer: account, Query: rest(), UserErrors: problems, Warnings: pointers(warnings),
	}, err
}

func (m mutation) UpdateWatch(ctx context.Context, id string, in gql.UpdateWatchInput, expectedVersion *string) (*gql.UpdateWatchPayload, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	u := service.UpdateWatch{
		Name: in.Name, Active: in.Active, Frequency: in.Frequency, NotifyMe: in.NotifyMe, Recipients: givenList(in.Recipients), CatchUp: value(in.CatchUp),
		Expected: m.expected(expectedVersion),
	}
	if in.Criteria != nil {
		u.Criteria = new(criteriaInput(in.Criteria))
	}
	key := m.keyOf(vigie.KindWatch, id)
	w, warnings, err := m.service.UpdateWatch(ctx, account, key, u)
	problems, err := userErrors(err, "id")
	return &gql.UpdateWatchPayload{
		Watch: w, WatchEdge: m.watchEdge(w), Viewer: account, Query: rest(), UserErrors: problems, Warnings: pointers(warnings),
	}, err
}

func (m mutation) RestoreWatch(ctx context.Context, id string) (*gql.RestoreWatchPayload, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	w, err := m.service.RestoreWatch(ctx, account, m.keyOf(vigie.KindWatch, id))
	problems, err := userErrors(err, "id")
	return &gql.RestoreWatchPayload{Watch: w, WatchEdge: m.watchEdge(w), Viewer: account, Query: rest(), UserErrors: problems}, err
}

func (m mutation) DeleteWatch(ctx context.Context, id string) (*gql.DeleteWatchPayload, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	var deleted *string
	if err = m.service.DeleteWatch(ctx, account, m.keyOf(vigie.KindWatch, id)); err == nil {
		deleted = &id
	}
	problems, err := userErrors(err, "id")
	return &gql.DeleteWatchPayload{DeletedWatchID: deleted, Viewer: account, Query: rest(), UserErrors: problems}, err
}
