package service

import (
	"context"

	"vigie"
	"vigie/search"
)

const (
	// exportedHits is how many rows of an export the search engine is asked for at once, and exportedRows how many are
	// read of the database: a tender can have 500 lots of 10 kB.
	exportedHits, exportedRows = 500, 100
)

// ExportedTender is a tender with what an export says of it.
type ExportedTender struct {
	*vigie.Tender
	// ID is its id in the API.
	ID           string
	Status       vigie.TenderStatus
	Buyer        *vigie.Buyer // nil where it cannot be found
	Publications []vigie.Publication
	// MatchedBy are the watches that match it: of those that the list is of, else of the account's active ones.
	MatchedBy []*WatchMatch
}

// Export is a list of tenders that is read from its start to its end, as one who turns its pages would see it.
type Export struct {
	// Total is how many tenders there were when it was opened.
	Total    int
	service  *Service
	query    search.Query
	watching *Watching
	hits     []search.Hit // that are not read yet
	last     bool         // the search engine has no more
}

// OpenExport begins to read a list of tenders, with no more than [vigie.MaxExported], or [vigie.MaxOffset] by relevance:
// a longer list is refused with [vigie.LimitExceeded], for a file that lacks the rest would look whole. For a list
// that is not of watches, the account's active watches say which of them match; nil for nobody's.
func (s *Service) OpenExport(ctx context.Context, plan *TenderPlan, account *vigie.Account) (*Export, error) {
	listed := *plan
	listed.byStatus, listed.byWatch, listed.query.Facets, listed.query.Limit = false, nil, nil, exportedHits
	searches, _, err := s.prepare(ctx, []*TenderPlan{&listed})
	if err != nil {
		return nil, err
	}
	results, err := s.search(ctx, searches)
	if err != nil {
		return nil, err
	}
	e := &Export{Total: results[0].Total, service: s, query: searches[0], watching: plan.watching}
	if err := e.fits(); err != nil {
		return nil, err
	}
	if e.watching == nil && account != nil {
		watches, err := s.WatchesFor(ctx, account, nil, false)
		if err != nil {
			return nil, err
		}
		e.watching = NewWatching(watches...)
	}
	e.found(results[0])
	return e, nil
}

// fits checks that the list is not too long.
func (e *Export) fits() error {
	most, text := vigie.MaxExported, vigie.Text{
		FR: "Cette liste contient %d marchés ; un export en contient %d au plus. Ajoutez un filtre, puis réessayez.",
		EN: "This list has %d tenders; an export has %d at most. Add a filter, then try again.",
	}
	if e.query.Order == search.Relevance {
		most, text = vigie.MaxOffset, vigie.Text{
			FR: "Cette liste contient %d marchés ; triée par pertinence, elle s’exporte jusqu’à %d. Choisissez un autre tri ou ajoutez un filtre, puis réessayez.",
			EN: "This list has %d tenders; ordered by relevance, it can be exported up to %d. Choose another order or add a filter, then try again.",
		}
	}
	if e.Total <= most {
		return nil
	}
	return &vigie.Error{Code: vigie.LimitExceeded, Text: text.With(e.Total, most), Limit: &vigie.Limit{Name: "export", Requested: e.Total, Maximum: most}}
}

// found takes the next hits, and has the query ask for those after them.
func (e *Export) found(result search.Result) {
	e.hits, e.last = result.Hits, len(result.Hits) < e.query.Limit
	switch {
	case e.last:
	case e.query.Order == search.Relevance:
		e.query.Offset += len(e.hits)
		e.last = e.query.Offset >= vigie.MaxOffset
	default:
		e.query.After = &e.hits[len(e.hits)-1].Key
	}
}

// Next returns the next tenders of the list; none at its end.
func (e *Export) Next(ctx context.Context) ([]*ExportedTender, error) {
	for {
		for len(e.hits) > 0 {
			n := min(len(e.hits), exportedRows)
			rows, err := e.read(ctx, e.hits[:n])
			if err != nil || len(rows) > 0 {
				e.hits = e.hits[n:]
				return rows, err
			}
			e.hits = e.hits[n:] // all of them were withdrawn since
		}
		if e.last {
			return nil, nil
		}
		results, err := e.service.search(ctx, []search.Query{e.query})
		if err != nil {
			return nil, err
		}
		e.found(results[0])
	}
}

// read reads what hits stand for.
func (e *Export) read(ctx context.Context, hits []search.Hit) ([]*ExportedTender, error) {
	ids := make([]int64, len(hits))
	for i, hit := range hits {
		ids[i] = hit.ID
	}
	s := e.service
	tenders, err := s.Store.Tenders(ctx, ids)
	if err != nil {
		return nil, err
	}
	publications, err := s.Store.Publications(ctx, ids)
	if err != nil {
		return nil, err
	}
	var buyerIDs []int64
	for _, t := range tenders {
		buyerIDs = append(buyerIDs, t.BuyerID)
	}
	buyers, err := s.Store.Buyers(ctx, buyerIDs)
	if err != nil {
		return nil, err
	}
	var rows []*ExportedTender
	for _, hit := range hits {
		t := tenderOf(hit, tenders)
		if t == nil {
			continue
		}
		row := &ExportedTender{
			Tender: t, ID: s.Store.IDs().ID(vigie.KindTender, t.ID), Status: t.Status(s.Now()),
			Buyer: buyers[t.BuyerID], Publications: publications[t.ID],
		}
		if e.watching != nil {
			row.MatchedBy = e.watching.matches(t)
		}
		rows = append(rows, row)
	}
	return rows, nil
}
