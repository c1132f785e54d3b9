package service

import (
	"context"
	"iter"

	"vigie"
	"vigie/query"
	"vigie/store"
)

// Matched is that something happened to a tender that watches match, or did.
type Matched struct {
	Kind      vigie.DeliveryKind
	Tender    *vigie.Tender
	MatchedBy []*WatchMatch
}

// Follow yields, until ctx ends, what happens to the tenders of an account's
// watches: those of the ids where ids is not nil, else all that are active by
// then. The watches are read each time, so that edits count at once. What
// begins to match one watch and is corrected for another is yielded twice; what
// the account dismissed is not. An error is the last thing it yields.
func (s *Service) Follow(ctx context.Context, account *vigie.Account, ids []int64) (iter.Seq2[*Matched, error], error) {
	if _, err := s.WatchesFor(ctx, account, ids, false); err != nil {
		return nil, err
	}
	news, err := s.News(ctx)
	if err != nil {
		return nil, err
	}
	return func(yield func(*Matched, error) bool) {
		for some, err := range news {
			var matched []*Matched
			if err == nil {
				matched, err = s.matched(ctx, account, ids, some)
			}
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, m := range matched {
				if !yield(m, nil) {
					return
				}
			}
		}
	}, nil
}

// matched tells what news mean to an account, now.
func (s *Service) matched(ctx context.Context, account *vigie.Account, ids []int64, news []*query.News) ([]*Matched, error) {
	watches, err := s.Store.Watches(ctx, account.ID, store.WatchFilter{IDs: ids, ActiveOnly: ids == nil})
	if err != nil || len(watches) == 0 {
		return nil, err
	}
	formulas := make([]query.Formula, len(watches))
	for i, w := range watches {
		formulas[i] = query.Compile(w.Criteria)
	}
	var all []*Matched
	var tenders []int64
	for _, n := range news {
		byKind := make(map[vigie.DeliveryKind]*Matched)
		for i, w := range watches {
			kind, facts, ok := n.For(formulas[i], s.now())
			if !ok {
				continue
			}
			m := byKind[kind]
			if m == nil {
				m = &Matched{Kind: kind, Tender: n.Tender}
				byKind[kind] = m
				all, tenders = append(all, m), append(tenders, n.Tender.ID)
			}
			m.MatchedBy = append(m.MatchedBy, &WatchMatch{w, query.FoundKeywords(w.Criteria.Keywords, facts)})
		}
	}
	marks, err := s.Store.Marks(ctx, account.ID, tenders)
	if err != nil {
		return nil, err
	}
	shown := all[:0]
	for _, m := range all {
		if !marks[m.Tender.ID].Dismissed {
			shown = append(shown, m)
		}
	}
	return shown, nil
}
