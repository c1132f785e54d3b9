package service

import (
	"context"
	"math"

	"vigie"
	"vigie/lexicon"
)

// BuyerPage is a page of buyers.
type BuyerPage struct {
	Edges      []*BuyerEdge
	PageInfo   PageInfo
	TotalCount int
}

// BuyerEdge is a buyer in a list.
type BuyerEdge struct {
	Cursor string
	Node   *vigie.Buyer
}

// Nodes returns the buyers of the page.
func (p *BuyerPage) Nodes() []*vigie.Buyer {
	nodes := make([]*vigie.Buyer, len(p.Edges))
	for i, edge := range p.Edges {
		nodes[i] = edge.Node
	}
	return nodes
}

// Buyers returns a page of the buyers whose name has, for each word of text, a
// word that starts with it.
func (s *Service) Buyers(ctx context.Context, text string, args PageArgs) (*BuyerPage, error) {
	w, err := args.window(10)
	if err != nil {
		return nil, err
	}
	if text, err = searchText(text); err != nil {
		return nil, err
	}
	words := lexicon.Words(text)
	// What people complete is short; a place in the list is a count of rows.
	position := func(text string) (int, error) {
		c, err := parseCursor(text, "buyers", w.argument)
		return int(c.ID), err
	}
	rows := int64(math.MaxInt32) // until it is known, more than there are
	if w.backwards && w.cursor == "" {
		if _, rows, err = s.Store.SearchBuyers(ctx, words, 0, 0); err != nil {
			return nil, err
		}
	}
	from, to, err := w.slice(int(rows), position)
	if err != nil {
		return nil, err
	}
	buyers, total, err := s.Store.SearchBuyers(ctx, words, int64(from), int64(to-from))
	if err != nil {
		return nil, err
	}
	cursorAt := func(i int) string { return cursor{List: "buyers", ID: int64(i)}.String() }
	page := &BuyerPage{TotalCount: int(total), PageInfo: pageInfo(from, from+len(buyers), int(total), cursorAt)}
	for i, buyer := range buyers {
		page.Edges = append(page.Edges, &BuyerEdge{cursorAt(from + i), buyer})
	}
	return page, nil
}
