package graph

import (
	"context"
	"time"

	"vigie"
	"vigie/graph/gql"
	"vigie/ledger"
	"vigie/service"
	"vigie/store"
)

// What the back office reads is written down first.

// administrator returns the support agent that asks, if its token has the scope
// admin.
func administrator(ctx context.Context) (*service.SupportAgent, error) {
	if _, err := signedIn(ctx); err != nil {
		return nil, err
	}
	if a := supportAgent(ctx); a != nil && a.Admin {
		return a, nil
	}
	return nil, &vigie.Error{Code: vigie.Forbidden, Text: vigie.Same("This token does not allow administration. Use one with the scope “admin”.")}
}

func (q query) BackOffice(ctx context.Context) (*gql.BackOffice, error) {
	if _, err := agent(ctx); err != nil {
		return nil, err
	}
	return &gql.BackOffice{}, nil
}

func (r backOfficeType) Accounts(ctx context.Context, _ *gql.BackOffice, search *string, first *int32, after *string, last *int32, before *string) (*service.AccountPage, error) {
	a, err := agent(ctx)
	if err != nil {
		return nil, err
	}
	page, err := r.service.Accounts(ctx, *a, "backOffice.accounts", value(search), service.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	load(ctx).open(page.Nodes()...)
	return page, nil
}

func (r backOfficeType) Totals(ctx context.Context, _ *gql.BackOffice) (*store.Totals, error) {
	if err := r.audited(ctx, "backOffice.totals"); err != nil {
		return nil, err
	}
	return r.service.Totals(ctx)
}

func (r backOfficeType) Domains(ctx context.Context, _ *gql.BackOffice, since *time.Time, first *int32) ([]*ledger.Domain, error) {
	if err := r.audited(ctx, "backOffice.domains"); err != nil {
		return nil, err
	}
	most := 50
	if first != nil {
		most = int(*first)
	}
	if most < 1 || most > vigie.MaxPageSize {
		return nil, outOfRange()
	}
	if since == nil {
		since = new(r.service.Now().AddDate(0, 0, -30))
	}
	return r.service.Domains(ctx, *since, most)
}

func (r backOfficeType) SuppressedAddresses(ctx context.Context, _ *gql.BackOffice, first *int32, after *string, last *int32, before *string) (*service.SuppressedPage, error) {
	if err := r.audited(ctx, "backOffice.suppressedAddresses"); err != nil {
		return nil, err
	}
	return r.service.SuppressedAddresses(ctx, service.PageArgs{First: first, After: after, Last: last, Before: before})
}

func (r backOfficeType) Usage(ctx context.Context, _ *gql.BackOffice, days *int32) ([]*store.Usage, error) {
	if err := r.audited(ctx, "backOffice.usage"); err != nil {
		return nil, err
	}
	n := 30
	if days != nil {
		n = int(*days)
	}
	return r.service.Usage(ctx, n)
}

// audited writes down that an administrator asks something.
func (r backOfficeType) audited(ctx context.Context, field string) error {
	a, err := administrator(ctx)
	if err != nil {
		return err
	}
	return r.service.Audited(ctx, *a, field)
}

func (usageType) Day(_ context.Context, u *store.Usage) (string, error) {
	return vigie.Day(u.From), nil
}
