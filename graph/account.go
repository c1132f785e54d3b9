package graph

import (
	"context"

	"vigie"
	"vigie/graph/gql"
	"vigie/service"
)

func (query) Viewer(ctx context.Context) (*vigie.Account, error) { return signedInAccount(ctx) }

func (accountType) Name(_ context.Context, a *vigie.Account) (*string, error) {
	return orNull(a.Name), nil
}

func (r accountType) Watches(ctx context.Context, a *vigie.Account, orderBy *service.WatchOrder, first *int32, after *string, last *int32, before *string) (*service.WatchPage, error) {
	owner, err := load(ctx).owner(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	return r.service.WatchPage(ctx, owner, value(orderBy), service.PageArgs{First: first, After: after, Last: last, Before: before})
}

func (m mutation) UpdateAccount(ctx context.Context, in gql.UpdateAccountInput) (*gql.UpdateAccountPayload, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	before := account
	account, err = m.service.UpdateAccount(ctx, account, vigie.AccountUpdate{
		Locale: in.Locale, TimeZone: in.TimeZone, DigestHour: in.DigestHour, DigestDay: in.DigestDay, QuietNotes: in.QuietNotes, CalendarAlarmDays: in.CalendarAlarmDays, ReminderDays: givenList(in.ReminderDays),
	})
	viewer := account
	if err != nil {
		account, viewer = nil, before
	} else {
		load(ctx).changed = account
	}
	problems, err := userErrors(err)
	return &gql.UpdateAccountPayload{Account: account, Viewer: viewer, Query: rest(), UserErrors: problems}, err
}

func (m mutation) ExportAccount(ctx context.Context) (*gql.ExportAccountPayload, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	held, err := m.service.Export(ctx, account.ID)
	problems, err := userErrors(err)
	if held == nil {
		return &gql.ExportAccountPayload{Viewer: account, Query: rest(), UserErrors: problems}, err
	}
	return &gql.ExportAccountPayload{Data: held, Viewer: account, Query: rest(), UserErrors: problems}, err
}

func (m mutation) DeleteAccount(ctx context.Context, confirmEmail string) (*gql.DeleteAccountPayload, error) {
	account, err := signedInAccount(ctx)
	if err != nil {
		return nil, err
	}
	var deleted *string
	if err = m.service.DeleteAccount(ctx, account, confirmEmail); err == nil {
		deleted = new(m.id(vigie.KindAccount, account.ID))
	}
	problems, err := userErrors(err)
	return &gql.DeleteAccountPayload{DeletedAccountID: deleted, Query: rest(), UserErrors: problems}, err
}
