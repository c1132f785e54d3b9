package service

import (
	"context"
	"iter"
	"slices"

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
// then. The watches are read again where any of them changed, so that edits
// count at once. What begins to match one watch and is corrected for another is yielded twice; what
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
		var watches []followedWatch
		known := false
		for some, err := range news {
			if err == nil && (!known || edited(account.ID, some)) {
				watches, err = s.followedWatches(ctx, account, ids)
				known = err == nil
			}
			var matched []*Matched
			if err == nil {
				matched, err = s.matched(ctx, account, watches, some)
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

// followedWatch is a watch that somebody follows.
type followedWatch struct {
	*vigie.Watch
	formula query.Formula
}

// followedWatches reads the watches that an account follows.
func (s *Service) followedWatches(ctx context.Context, account *vigie.Account, ids []int64) ([]followedWatch, error) {
	watches, err := s.Store.Watches(ctx, account.ID, store.WatchFilter{IDs: ids, ActiveOnly: ids == nil})
	list := make([]followedWatch, len(watches))
	for i, w := range watches {
		list[i] = followedWatch{w, query.Compile(w.Criteria)}
	}
	return list, err
}

// edited reports whether the watches of an account changed, by what came since
// they were read.
func edited(account int64, news []*query.NoticeEffect) bool {
	return slices.ContainsFunc(news, func(n *query.NoticeEffect) bool { return n.Edited[account] })
}

// matched tells what news mean to an account that follows watches.
func (s *Service) matched(ctx context.Context, account *vigie.Account, watches []followedWatch, news []*query.NoticeEffect) ([]*Matched, error) {
	if len(watches) == 0 {
		return nil, nil
	}
	var all []*Matched
	var tenders []int64
	for _, n := range news {
		byKind := make(map[vigie.DeliveryKind]*Matched)
		for _, w := range watches {
			kind, facts, ok := n.For(w.formula, s.now())
			if !ok {
				continue
			}
			m := byKind[kind]
			if m == nil {
				m = &Matched{Kind: kind, Tender: n.Tender}
				byKind[kind] = m
				all, tenders = append(all, m), append(tenders, n.Tender.ID)
			}
			m.MatchedBy = append(m.MatchedBy, &WatchMatch{w.Watch, query.FoundKeywords(w.Criteria.Keywords, facts)})
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
