package service

import (
	"context"
	"slices"
	"time"

	"vigie"
	"vigie/freetext"
	"vigie/store"
)

// BuyerPage is a page of buyers.
type BuyerPage struct {
	Edges      []*BuyerEdge
	PageInfo   PageInfo
	TotalCount int
}

// BuyerEdge is a buyer in a list.
type BuyerEdge struct {
	*rowPlace
	Node *vigie.Buyer
}

// Nodes returns the buyers of the page.
func (p *BuyerPage) Nodes() []*vigie.Buyer {
	nodes := make([]*vigie.Buyer, len(p.Edges))
	for i, edge := range p.Edges {
		nodes[i] = edge.Node
	}
	return nodes
}

// Buyers returns a page of the buyers of which a name has, for each word of
// text, a word that starts with it: see [store.Store.SearchBuyers]. An acronym
// may have its dots.
func (s *Service) Buyers(ctx context.Context, text string, args PageArgs) (*BuyerPage, error) {
	const list = "buyers"
	w, err := args.window(10)
	if err != nil {
		return nil, err
	}
	if text, err = searchText(text); err != nil {
		return nil, err
	}
	asked := store.BuyerWindow{Now: s.now(), Backwards: w.backwards, Limit: w.size + 1}
	if w.cursor != "" {
		c, err := parseCursor(s.Store.IDs(), w.cursor, list, w.argument)
		if err != nil {
			return nil, err
		}
		if c.At == nil {
			return nil, noCursor(w.argument)
		}
		asked.Now, asked.Beyond = time.Unix(c.Now, 0).UTC(), &store.BuyerPlace{Rank: *c.At, Name: c.Name, ID: c.ID}
	}
	words := freetext.NameWords(text)
	rows, total, err := s.Store.SearchBuyers(ctx, words[:min(len(words), freetext.MaxWords)], asked)
	if err != nil {
		return nil, err
	}
	if w.backwards {
		slices.Reverse(rows)
	}
	page := &BuyerPage{TotalCount: total}
	rows, page.PageInfo = cut(w, rows)
	for _, row := range rows {
		p := row.Place
		c := cursor{List: list, At: &p.Rank, Name: p.Name, ID: p.ID, Now: asked.Now.Unix()}
		page.Edges = append(page.Edges, &BuyerEdge{s.placeOf(c), &row.Buyer})
	}
	if n := len(page.Edges); n > 0 {
		page.PageInfo.start, page.PageInfo.end = page.Edges[0].rowPlace, page.Edges[n-1].rowPlace
	}
	return page, nil
}
