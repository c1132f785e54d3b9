package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"vigie"
	"vigie/graph/gql"
	"vigie/service"
)

func (query) Viewer(ctx context.Context) (*vigie.Account, error) { return account(ctx) }

func (accountType) Name(_ context.Context, a *vigie.Account) (*string, error) {
	return orNull(a.Name), nil
}

func (r accountType) Watches(ctx context.Context, a *vigie.Account, orderBy service.WatchOrder, first *int32, after *string, last *int32, before *string) (*service.WatchPage, error) {
	owner, err := load(ctx).owner(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	return r.service.WatchPage(ctx, owner, orderBy, service.PageArgs{First: first, After: after, Last: last, Before: before})
}

func (m mutation) UpdateAccount(ctx context.Context, in gql.UpdateAccountInput) (*gql.UpdateAccountPayload, error) {
	account, err := account(ctx)
	if err != nil {
		return nil, err
	}
	before := account
	var nulls vigie.Problems
	u := vigie.AccountUpdate{
		Locale:     given(in.Locale, &nulls, "input", "locale"),
		TimeZone:   given(in.TimeZone, &nulls, "input", "timeZone"),
		DigestHour: given(in.DigestHour, &nulls, "input", "digestHour"),
		DigestDay:  given(in.DigestDay, &nulls, "input", "digestDay"),
		QuietNotes: given(in.QuietNotes, &nulls, "input", "quietNotes"),
	}
	err = nulls.Err()
	if err == nil {
		account, err = m.service.UpdateAccount(ctx, account, u)
	}
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
	account, err := account(ctx)
	if err != nil {
		return nil, err
	}
	held, err := m.service.Store.Export(ctx, account.ID)
	problems, err := userErrors(err)
	if held == nil {
		return &gql.ExportAccountPayload{Viewer: account, Query: rest(), UserErrors: problems}, err
	}
	return &gql.ExportAccountPayload{Data: held, Viewer: account, Query: rest(), UserErrors: problems}, err
}

func (m mutation) DeleteAccount(ctx context.Context, confirmEmail string) (*gql.DeleteAccountPayload, error) {
	account, err := account(ctx)
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

// given is the value of a field that a client may leave out; nil where it did.
// A null is noted as a mistake: it says neither « as it is » nor « nothing ».
func given[T any](field graphql.Omittable[*T], nulls *vigie.Problems, path ...string) *T {
	v, set := field.ValueOK()
	if set && v == nil {
		noNull(nulls, path)
	}
	return v
}

// givenList is given for a list.
func givenList[T any](field graphql.Omittable[[]T], nulls *vigie.Problems, path ...string) *[]T {
	v, set := field.ValueOK()
	if set && v == nil {
		noNull(nulls, path)
	}
	if v == nil {
		return nil
	}
	return &v
}

func noNull(nulls *vigie.Problems, path []string) {
	nulls.Add(vigie.Invalid, vigie.Text{
		FR: "Ce champ ne peut pas être null. Omettez-le pour le garder tel quel, ou donnez une liste vide pour l’effacer.",
		EN: "This field must not be null. Leave it out to keep it as it is, or give an empty list to clear it.",
	}, path...)
}
