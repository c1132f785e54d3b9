package service

import (
	"context"
	"slices"
	"strings"
	"time"

	"vigie"
	"vigie/ledger"
	"vigie/store"
)

// AccountPage is a page of accounts.
type AccountPage struct {
	Edges      []*AccountEdge
	PageInfo   PageInfo
	TotalCount int
}

// AccountEdge is an account in a list.
type AccountEdge struct {
	*rowPlace
	Node *vigie.Account
}

// Nodes returns the accounts of the page.
func (p *AccountPage) Nodes() []*vigie.Account {
	nodes := make([]*vigie.Account, len(p.Edges))
	for i, edge := range p.Edges {
		nodes[i] = edge.Node
	}
	return nodes
}

// Accounts returns a page of the accounts in which a text occurs, oldest first.
// That the agent sees them is written down first.
func (s *Service) Accounts(ctx context.Context, agent SupportAgent, field, text string, args PageArgs) (*AccountPage, error) {
	const list = "accounts"
	w, err := args.window(20)
	if err != nil {
		return nil, err
	}
	if text, err = searchText(text); err != nil {
		return nil, err
	}
	asked := store.AccountWindow{Backwards: w.backwards, Limit: w.size + 1}
	if w.cursor != "" {
		c, err := parseCursor(s.Store.IDs(), w.cursor, list, w.argument)
		if err != nil {
			return nil, err
		}
		asked.Above, asked.Below = c.ID, c.ID
	}
	rows, total, err := s.Store.SearchAccounts(ctx, strings.TrimSpace(text), asked)
	if err != nil {
		return nil, err
	}
	if w.backwards {
		slices.Reverse(rows)
	}
	page := &AccountPage{TotalCount: total}
	rows, page.PageInfo = cut(w, rows)
	for _, a := range rows {
		page.Edges = append(page.Edges, &AccountEdge{s.placeOf(cursor{List: list, ID: a.ID}), a})
	}
	if n := len(page.Edges); n > 0 {
		page.PageInfo.start, page.PageInfo.end = page.Edges[0].rowPlace, page.Edges[n-1].rowPlace
	}
	return page, s.Store.AddAuditEntry(ctx, agent.Issuer, agent.Subject, field, rows)
}

// Audited writes down that an agent asks something of all accounts together.
func (s *Service) Audited(ctx context.Context, agent SupportAgent, field string) error {
	return s.Store.AddAuditEntry(ctx, agent.Issuer, agent.Subject, field, nil)
}

// SuppressedPage is a page of addresses that get no mail.
type SuppressedPage struct {
	Edges      []*SuppressedEdge
	PageInfo   PageInfo
	TotalCount int
}

// SuppressedEdge is an address in a list.
type SuppressedEdge struct {
	*rowPlace
	Node *ledger.SuppressedAddress
}

// Nodes returns the addresses of the page.
func (p *SuppressedPage) Nodes() []*ledger.SuppressedAddress {
	nodes := make([]*ledger.SuppressedAddress, len(p.Edges))
	for i, edge := range p.Edges {
		nodes[i] = edge.Node
	}
	return nodes
}

// SuppressedAddresses returns a page of the addresses that get no mail because one
// came back, in their order.
func (s *Service) SuppressedAddresses(ctx context.Context, args PageArgs) (*SuppressedPage, error) {
	const list = "suppressed"
	w, err := args.window(50)
	if err != nil {
		return nil, err
	}
	beyond := ""
	if w.cursor != "" {
		c, err := parseCursor(s.Store.IDs(), w.cursor, list, w.argument)
		if err != nil {
			return nil, err
		}
		beyond = c.Name
	}
	rows, total, err := s.Store.Ledger().SuppressedAddresses(ctx, beyond, w.backwards, w.size+1)
	if err != nil {
		return nil, err
	}
	if w.backwards {
		slices.Reverse(rows)
	}
	page := &SuppressedPage{TotalCount: total}
	rows, page.PageInfo = cut(w, rows)
	for _, row := range rows {
		page.Edges = append(page.Edges, &SuppressedEdge{s.placeOf(cursor{List: list, Name: row.Email}), row})
	}
	if n := len(page.Edges); n > 0 {
		page.PageInfo.start, page.PageInfo.end = page.Edges[0].rowPlace, page.Edges[n-1].rowPlace
	}
	return page, nil
}

// Totals counts what there is.
func (s *Service) Totals(ctx context.Context) (*store.Totals, error) { return s.Store.Totals(ctx) }

// Domains returns what became of the mails written since a time, by domain, those
// with most mails first.
func (s *Service) Domains(ctx context.Context, since time.Time, most int) ([]*ledger.Domain, error) {
	return s.Store.Ledger().Domains(ctx, since, most)
}

// maxUsageDays is for how many days usage is counted.
const maxUsageDays = 92

// Usage counts what happened on each of the last days, today included, as days
// are in Paris; the oldest first.
func (s *Service) Usage(ctx context.Context, days int) ([]*store.Usage, error) {
	if days < 1 || days > maxUsageDays {
		return nil, badRequest(vigie.Same("Between 1 and %d days.").With(maxUsageDays), "days")
	}
	now := s.Now().In(vigie.Paris())
	midnight := func(offset int) time.Time {
		return time.Date(now.Year(), now.Month(), now.Day()+offset, 0, 0, 0, 0, vigie.Paris()).UTC()
	}
	times := make([]time.Time, days+1)
	for i := range times {
		times[i] = midnight(i - days + 1)
	}
	return s.Store.Usage(ctx, times)
}
