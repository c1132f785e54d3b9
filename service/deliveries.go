package service

import (
	"context"
	"slices"
	"time"

	"vigie"
	"vigie/ledger"
	"vigie/store"
)

// DeliveryPage is a page of what was sent because of a watch.
type DeliveryPage struct {
	Edges      []*DeliveryEdge
	PageInfo   PageInfo
	TotalCount int
}

// DeliveryEdge is a delivery in a list.
type DeliveryEdge struct {
	*rowPlace
	Node *ledger.Outgoing
}

// Nodes returns the deliveries of the page.
func (p *DeliveryPage) Nodes() []*ledger.Outgoing {
	nodes := make([]*ledger.Outgoing, len(p.Edges))
	for i, edge := range p.Edges {
		nodes[i] = edge.Node
	}
	return nodes
}

// Deliveries returns a page of what was sent, or is owed, because of a watch,
// newest first.
func (s *Service) Deliveries(ctx context.Context, w *vigie.Watch, args PageArgs) (*DeliveryPage, error) {
	return s.deliveryPage("deliveries", args, func(asked ledger.DeliveryWindow) ([]*ledger.Outgoing, int, error) {
		return s.Store.Ledger().Deliveries(ctx, w.ID, asked)
	})
}

// AccountDeliveries returns a page of what was sent, or is owed, to the
// recipients of an account, newest first.
func (s *Service) AccountDeliveries(ctx context.Context, account *vigie.Account, f ledger.DeliveryFilter, args PageArgs) (*DeliveryPage, error) {
	for _, list := range []struct {
		name string
		n    int
	}{
		{"statuses", len(f.States)}, {"kinds", len(f.Kinds)}, {"watchIds", len(f.Watches)}, {"recipientIds", len(f.Subscriptions)}, {"tenderIds", len(f.Tenders)},
	} {
		if list.n > vigie.MaxChoices {
			return nil, badRequest(tooMany(list.n, vigie.MaxChoices), "filter."+list.name)
		}
	}
	if err := s.known(ctx, account, f); err != nil {
		return nil, err
	}
	return s.deliveryPage("all deliveries", args, func(asked ledger.DeliveryWindow) ([]*ledger.Outgoing, int, error) {
		return s.Store.Ledger().AccountDeliveries(ctx, account.ID, f, asked)
	})
}

// known checks that what a filter names is there: an account's watches and
// addresses, and tenders, also withdrawn ones.
func (s *Service) known(ctx context.Context, account *vigie.Account, f ledger.DeliveryFilter) error {
	if f.Watches != nil {
		watches, err := s.Store.WatchesOf(ctx, account, f.Watches)
		if err := orMissing(f.Watches, watches, err, noWatch("filter", "watchIds")); err != nil {
			return err
		}
	}
	if f.Subscriptions != nil {
		addresses, err := s.Store.Ledger().Addresses(ctx, account, f.Subscriptions)
		if err := orMissing(f.Subscriptions, addresses, err, noRecipient("filter", "recipientIds")); err != nil {
			return err
		}
	}
	if f.Tenders != nil {
		tenders, err := s.Store.TendersOfDeliveries(ctx, f.Tenders)
		return orMissing(f.Tenders, tenders, err, &vigie.Error{Code: vigie.NotFound, Field: []string{"filter", "tenderIds"}, Text: noTender()})
	}
	return nil
}

// orMissing is the error of reading things, else missing if one is not there.
func orMissing[T any](ids []int64, found map[int64]*T, err, missing error) error {
	for _, id := range ids {
		if err == nil && found[id] == nil {
			err = missing
		}
	}
	return err
}

// deliveryPage makes a page of a list of deliveries.
func (s *Service) deliveryPage(list string, args PageArgs, read func(ledger.DeliveryWindow) ([]*ledger.Outgoing, int, error)) (*DeliveryPage, error) {
	window, err := args.window(20)
	if err != nil {
		return nil, err
	}
	asked := ledger.DeliveryWindow{Backwards: window.backwards, Limit: window.size + 1}
	if window.cursor != "" {
		c, err := parseCursor(s.Store.IDs(), window.cursor, list, window.argument)
		if err != nil {
			return nil, err
		}
		if window.backwards {
			asked.Above = c.ID
		} else {
			asked.Below = c.ID
		}
	}
	rows, total, err := read(asked)
	if err != nil {
		return nil, err
	}
	if window.backwards {
		slices.Reverse(rows)
	}
	page := &DeliveryPage{TotalCount: total}
	rows, page.PageInfo = cut(window, rows)
	for _, row := range rows {
		page.Edges = append(page.Edges, &DeliveryEdge{s.placeOf(cursor{List: list, ID: row.ID}), row})
	}
	if n := len(page.Edges); n > 0 {
		page.PageInfo.start, page.PageInfo.end = page.Edges[0].rowPlace, page.Edges[n-1].rowPlace
	}
	return page, nil
}

// DeliveryReasons returns the watches of an account that led to deliveries, by
// delivery, less deleted ones.
func (s *Service) DeliveryReasons(ctx context.Context, account *vigie.Account, deliveries []int64) (map[int64][]*WatchMatch, error) {
	reasons, err := s.Store.Ledger().Reasons(ctx, deliveries)
	if err != nil {
		return nil, err
	}
	watches, err := s.Store.Watches(ctx, account.ID, store.WatchFilter{})
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]*vigie.Watch, len(watches))
	for _, w := range watches {
		byID[w.ID] = w
	}
	matches := make(map[int64][]*WatchMatch, len(reasons))
	for delivery, list := range reasons {
		for _, r := range list {
			if w := byID[r.WatchID]; w != nil {
				matches[delivery] = append(matches[delivery], &WatchMatch{Watch: w, Keywords: r.Keywords})
			}
		}
	}
	return matches, nil
}

// WatchHealth reports whether a watch does its work.
type WatchHealth struct {
	LastEvaluatedAt, LastMatchAt, LastMailAt *time.Time
	PendingRecipients, BouncedRecipients     int
}

// Health reports whether a watch with those recipients does its work.
func Health(h *ledger.Health, recipients []*vigie.Recipient) *WatchHealth {
	health := &WatchHealth{LastEvaluatedAt: h.EvaluatedAt, LastMatchAt: h.MatchedAt, LastMailAt: h.MailedAt}
	for _, r := range recipients {
		switch r.Status {
		case vigie.Pending:
			health.PendingRecipients++
		case vigie.Bounced:
			health.BouncedRecipients++
		case vigie.Confirmed, vigie.Unsubscribed:
		}
	}
	return health
}

// ResendConfirmation has an address of one of an account's watches asked once
// more whether it may be written to, and returns it.
func (s *Service) ResendConfirmation(ctx context.Context, account *vigie.Account, recipient int64) (*vigie.Recipient, error) {
	if err := s.Store.Ledger().AskAgain(ctx, account.ID, recipient); err != nil {
		return nil, asNoRecipient(err)
	}
	return s.Recipient(ctx, account, recipient)
}

// Resubscribe has an account's own address written to again, and returns it.
func (s *Service) Resubscribe(ctx context.Context, account *vigie.Account, recipient int64) (*vigie.Recipient, error) {
	if err := s.Store.Resubscribe(ctx, account, recipient); err != nil {
		return nil, asNoRecipient(err)
	}
	return s.Recipient(ctx, account, recipient)
}

// asNoRecipient words the store's « not found » of a recipient.
func asNoRecipient(err error) error {
	if vigie.CodeOf(err) == vigie.NotFound {
		return noRecipient("recipientId")
	}
	return err
}

func noRecipient(field ...string) error {
	return &vigie.Error{Code: vigie.NotFound, Field: field, Text: vigie.Text{
		FR: "Cette adresse ne figure sur aucune de vos veilles. Elle a peut-être été retirée.",
		EN: "This address is on none of your watches. It may have been removed.",
	}}
}
