package graph

import (
	"context"

	"vigie"
	"vigie/graph/gql"
)

// The addresses of feeds and calendars. Those of an account are its owner's alone: support reads what it has to, and
// each time leaves an entry of that.

func (r accountType) FeedURL(ctx context.Context, a *vigie.Account) (*string, error) {
	return ownURL(ctx, a.ID, r.service.AccountFeedURL)
}

func (r accountType) CalendarURL(ctx context.Context, a *vigie.Account) (*string, error) {
	return ownURL(ctx, a.ID, r.service.AccountCalendarURL)
}

func (r watchType) FeedURL(ctx context.Context, w *vigie.Watch) (*string, error) {
	return ownURL(ctx, w.AccountID, func(owner *vigie.Account) string { return r.service.WatchFeedURL(owner, w) })
}

func (r watchType) CalendarURL(ctx context.Context, w *vigie.Watch) (*string, error) {
	return ownURL(ctx, w.AccountID, func(owner *vigie.Account) string { return r.service.WatchCalendarURL(owner, w) })
}

func (r tenderType) CalendarURL(_ context.Context, t *vigie.Tender) (*string, error) {
	return orNull(r.service.TenderCalendarURL(t)), nil
}

// ownURL is an address of the viewer's; null for others.
func ownURL(ctx context.Context, account int64, address func(owner *vigie.Account) string) (*string, error) {
	viewer, _ := signedInAccount(ctx)
	if viewer == nil || viewer.ID != account {
		return nil, nil
	}
	version, err := load(ctx).feedVersions.Load(ctx, account)
	if err != nil {
		return nil, err
	}
	owner := *viewer
	owner.FeedVersion = version
	return orNull(address(&owner)), nil
}

func (m mutation) RotateFeed(ctx context.Context, watchID *string) (*gql.RotateFeedPayload, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	var watch *int64
	if watchID != nil {
		watch = new(m.keyOf(vigie.KindWatch, *watchID))
	}
	w, err := m.service.RotateFeed(ctx, account, watch)
	problems, err := userErrors(err, "watchId")
	return &gql.RotateFeedPayload{Watch: w, Viewer: account, Query: rest(), UserErrors: problems}, err
}
