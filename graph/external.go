package graph

import (
	"context"

	"vigie"
	"vigie/graph/gql"
	"vigie/service"
)

func (q query) WatchByExternalID(ctx context.Context, externalID string) (*vigie.Watch, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	id, err := q.service.WatchOfExternalID(ctx, account, externalID)
	if err != nil || id == 0 {
		return nil, err
	}
	return load(ctx).watches.Load(ctx, owned{account.ID, id})
}

func (watchType) ExternalID(ctx context.Context, w *vigie.Watch) (*string, error) {
	id, err := load(ctx).external.Load(ctx, w.ID)
	return orNull(id), err
}

// Version is the number of the watch's last change, which is nobody's business.
func (r watchType) Version(_ context.Context, w *vigie.Watch) (string, error) {
	return r.service.IDs().Word(vigie.KindWatch, w.Number), nil
}

// expected is the number in a version; 0, which no watch has, where it is not one.
func (r *resolver) expected(version *string) *int64 {
	if version == nil {
		return nil
	}
	return new(r.keyOf(vigie.KindWatch, string(vigie.KindWatch)+"_"+*version))
}

func (m mutation) UpsertWatches(ctx context.Context, in []*gql.UpsertWatchInput) (*gql.UpsertWatchesPayload, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	watches := make([]service.UpsertWatch, len(in))
	for i, w := range in {
		watches[i] = service.UpsertWatch{
			ExternalID: w.ExternalID, Name: w.Name, Criteria: criteriaInput(w.Criteria),
			Active: w.Active, Frequency: w.Frequency, NotifyMe: w.NotifyMe, Recipients: givenList(w.Recipients),
		}
	}
	upserted, problems, err := m.service.UpsertWatches(ctx, account, watches)
	if err != nil {
		return nil, err
	}
	payload := &gql.UpsertWatchesPayload{Results: []*gql.UpsertWatchResult{}, UserErrors: problems, Warnings: []*vigie.Warning{}, Viewer: account, Query: rest()}
	for _, u := range upserted {
		payload.Warnings = append(payload.Warnings, pointers(u.Warnings)...)
		payload.Results = append(payload.Results, &gql.UpsertWatchResult{Outcome: u.Outcome, Watch: u.Watch, WatchEdge: m.watchEdge(u.Watch)})
	}
	return payload, nil
}
