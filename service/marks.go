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

// Mark puts a mark of an account on tenders, or removes it, and returns them.
// Mistakes come back as [vigie.Problems]; then nothing was changed.
func (s *Service) Mark(ctx context.Context, account *vigie.Account, mark store.Mark, on bool, ids []int64) ([]*vigie.Tender, error) {
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
	return tenders, s.Store.SetMark(ctx, account.ID, mark, on, ids)
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

// MarkFilter is what a list does with tenders that have a mark of the viewer's;
// "" is the list's usual way.
type MarkFilter string

// The filters.
const (
	ShowMarked MarkFilter = "SHOW"
	HideMarked MarkFilter = "HIDE"
	OnlyMarked MarkFilter = "ONLY"
)

// markFilters are what a list does with tenders that an account marked.
type markFilters struct {
	account                     int64 // 0 for nobody in particular, who marked nothing
	seen, dismissed, interested MarkFilter
}

// lists are the lists of marked tenders that narrow a query, and what is done with each. What is marked piles up over the
// years, and only part of it can be in a result: where only online tenders are asked for, as nearly always, what had closed is
// not named; and of all others, only the last [vigie.MaxDismissed] are. The rest would slow down every search, and could be
// missed only by who marked that many tenders that are still online, or reads old lists.
func (f markFilters) lists(q *search.Query) map[store.MarkedList]MarkFilter {
	lists := make(map[store.MarkedList]MarkFilter)
	for mark, filter := range map[store.Mark]MarkFilter{store.Seen: f.seen, store.Dismissed: f.dismissed, store.Interested: f.interested} {
		if filter == "" || filter == ShowMarked {
			continue
		}
		list := store.MarkedList{Account: f.account, Mark: mark, Limit: vigie.MaxDismissed}
		if slices.Equal(q.Filter.Statuses, []vigie.TenderStatus{vigie.StatusOnline}) {
			// At the moment of the first page: a tender that closed since is
			// still on the next ones.
			list.Open = q.Now.Add(-indexLag)
		}
		lists[list] = filter
	}
	return lists
}

// markReader narrows queries by marks, and reads each list once.
type markReader struct {
	service *Service
	known   map[store.MarkedList][]int64
}

func (s *Service) marks() *markReader { return &markReader{s, make(map[store.MarkedList][]int64)} }

// apply narrows a query.
func (r *markReader) apply(ctx context.Context, q *search.Query, f markFilters) error {
	for list, filter := range f.lists(q) {
		ids, err := r.marked(ctx, list)
		switch {
		case err != nil:
			return err
		case filter == HideMarked:
			q.Without = append(slices.Clone(q.Without), ids...)
		case q.Within == nil:
			q.Within = append([]int64{}, ids...)
		default:
			also := make(map[int64]bool, len(ids))
			for _, id := range ids {
				also[id] = true
			}
			q.Within = slices.DeleteFunc(q.Within, func(id int64) bool { return !also[id] })
		}
	}
	return nil
}

// marked are the tenders of a list.
func (r *markReader) marked(ctx context.Context, list store.MarkedList) ([]int64, error) {
	if list.Account == 0 {
		return nil, nil
	}
	if ids, known := r.known[list]; known {
		return ids, nil
	}
	ids, err := r.service.Store.MarkedTenders(ctx, list)
	if err == nil {
		r.known[list] = ids
	}
	return ids, err
}
