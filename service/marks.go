package service

import (
	"context"
	"slices"
	"strconv"
	"time"

	"vigie"
	"vigie/search"
	"vigie/store"
)

// MarkSeen notes that an account has seen tenders, or takes that back, and
// returns them. Mistakes come back as [vigie.Problems]; then nothing was noted.
func (s *Service) MarkSeen(ctx context.Context, account *vigie.Account, ids []int64, seen bool) ([]*vigie.Tender, error) {
	var f form
	if !f.atMost(len(ids), vigie.MaxMarked, []string{"tenderIds"}) {
		return nil, f.problems
	}
	found, err := s.Store.Tenders(ctx, ids)
	if err != nil {
		return nil, err
	}
	var tenders []*vigie.Tender
	for i, id := range ids {
		switch t := found[id]; {
		case t == nil:
			f.problems.Add(vigie.NotFound, noTender(), "tenderIds", strconv.Itoa(i))
		case !slices.Contains(tenders, t):
			tenders = append(tenders, t)
		}
	}
	if err := f.problems.Err(); err != nil {
		return nil, err
	}
	return tenders, s.Store.SetMark(ctx, account.ID, store.Seen, seen, ids)
}

// Dismiss takes a tender out of an account's lists, or puts it back, and
// returns it.
func (s *Service) Dismiss(ctx context.Context, account *vigie.Account, id int64, dismissed bool) (*vigie.Tender, error) {
	found, err := s.Store.Tenders(ctx, []int64{id})
	if err != nil {
		return nil, err
	}
	if found[id] == nil {
		return nil, &vigie.Error{Code: vigie.NotFound, Field: []string{"tenderId"}, Text: noTender()}
	}
	return found[id], s.Store.SetMark(ctx, account.ID, store.Dismissed, dismissed, []int64{id})
}

func noTender() vigie.Text {
	return vigie.Text{FR: "Ce marché est introuvable.", EN: "This tender was not found."}
}

// indexLag is more than an index is ever behind the database, deadlines that
// were corrected included.
const indexLag = time.Hour

// leaveOutDismissed has queries leave out what the accounts of their plans
// dismissed. What is dismissed piles up over the years, and only part of it can
// be in a list: where only online tenders are asked for, as nearly always, what
// had closed is not named; and of all others, only the last
// [vigie.MaxDismissed] are. The rest would slow down every search, and could be
// missed only by who dismissed that many tenders that are still online, or
// reads old lists.
func (s *Service) leaveOutDismissed(ctx context.Context, plans []*TenderPlan, queries []search.Query) error {
	type asked struct {
		account int64
		open    time.Time
	}
	known := make(map[asked][]int64)
	for i, p := range plans {
		if p.account == 0 {
			continue
		}
		a := asked{account: p.account}
		if slices.Equal(queries[i].Filter.Statuses, []vigie.TenderStatus{vigie.StatusOnline}) {
			// At the moment of the first page: a tender that closed since is
			// still on the next ones.
			a.open = queries[i].Now.Add(-indexLag)
		}
		ids, ok := known[a]
		if !ok {
			var err error
			if ids, err = s.Store.DismissedTenders(ctx, a.account, a.open, vigie.MaxDismissed); err != nil {
				return err
			}
			known[a] = ids
		}
		queries[i].Without = ids
	}
	return nil
}
