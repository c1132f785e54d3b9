package service

import (
	"context"
	"slices"
	"time"

	"vigie"
	"vigie/search"
	"vigie/store"
)

const (
	// MaxFeedEntries is how many tenders a feed lists: those of which the last notices are the newest.
	MaxFeedEntries = 100
	// MaxCalendarEvents is how many deadlines a calendar has: the next ones.
	MaxCalendarEvents = 500
	// CancelledFor is for how long a feed or a calendar lists a tender that was cancelled.
	CancelledFor = 30 * 24 * time.Hour
)

// FeedTender is a tender in a feed or a calendar, with what is said of it there.
type FeedTender struct {
	*vigie.Tender
	// MatchedBy are the watches that match, of those that are listed.
	MatchedBy    []*WatchMatch
	Buyer        *vigie.Buyer // nil where it is not known
	Publications []vigie.Publication
	// Notices are those of a tender of which several were published, in their order, else none.
	Notices  []*vigie.Notice
	Revision store.Revision
	// Interested reports whether it is of interest to who reads a calendar and wants reminders.
	Interested bool
}

// FeedTenders returns the tenders of a feed, and its watches by their names: those that [Service.Tenders] lists of the
// watches (online, and not dismissed), and with them those that were cancelled in the last 30 days, so that who reads the
// feed learns of it. The last updated come first.
//
// Both are found by the search engine, and not by the ledger: a feed lists the same for who gets no mail, and what a
// watch lists after it was edited. So a tender that no longer matches leaves the feed, as it leaves the list.
func (s *Service) FeedTenders(ctx context.Context, owner *store.FeedOwner) ([]*FeedTender, []*vigie.Watch, error) {
	list, watches, err := s.feedTenders(ctx, owner, func(q *search.Query) {
		q.Order, q.Limit = search.UpdatedDesc, MaxFeedEntries
	})
	return list[:min(len(list), MaxFeedEntries)], watches, err
}

// CalendarTenders returns the tenders of a calendar, and its watches by their names: those of [Service.FeedTenders] that
// have a deadline, but those that close next.
func (s *Service) CalendarTenders(ctx context.Context, owner *store.FeedOwner) ([]*FeedTender, []*vigie.Watch, error) {
	list, watches, err := s.feedTenders(ctx, owner, func(q *search.Query) {
		q.Order, q.Limit, q.Filter.DeadlineFrom = search.DeadlineAsc, MaxCalendarEvents, new(q.Now.Add(-CancelledFor))
	})
	if err != nil || len(owner.Account.ReminderDays) == 0 {
		return list, watches, err
	}
	ids := make([]int64, len(list))
	for i, t := range list {
		ids[i] = t.ID
	}
	marks, err := s.Store.Marks(ctx, owner.Account.ID, ids)
	for _, t := range list {
		t.Interested = marks[t.ID].Interested
	}
	return list, watches, err
}

// feedTenders returns the tenders online, and those cancelled lately, that narrow leaves; the last updated come first.
func (s *Service) feedTenders(ctx context.Context, owner *store.FeedOwner, narrow func(*search.Query)) ([]*FeedTender, []*vigie.Watch, error) {
	var ids []int64 // nil for all that are active
	if owner.Watch != nil {
		ids = []int64{owner.Watch.ID}
	}
	watches, err := s.WatchesFor(ctx, owner.Account, ids, false)
	if err != nil {
		return nil, nil, err
	}
	watching := NewWatching(watches...)
	if watching.set.Atoms > maxAtoms {
		return nil, nil, tooManyCriteria(watching.set.Atoms)
	}
	tenders, err := s.listedTenders(ctx, owner.Account.ID, watching, narrow)
	if err != nil {
		return nil, nil, err
	}
	list, err := s.describe(ctx, tenders)
	for _, t := range list {
		t.MatchedBy = watching.matches(t.Tender)
	}
	compare, done := s.compare(NameAsc)
	defer done()
	slices.SortFunc(watches, compare)
	return list, watches, err
}

// listedTenders asks for both kinds at once.
func (s *Service) listedTenders(ctx context.Context, account int64, watching *Watching, narrow func(*search.Query)) ([]*vigie.Tender, error) {
	now := s.now()
	queries := []search.Query{
		{Any: watching.set.Formulas, Now: now, Filter: search.Filter{Statuses: []vigie.TenderStatus{vigie.StatusOnline}}},
		{Any: watching.set.Formulas, Now: now, Filter: search.Filter{Statuses: []vigie.TenderStatus{vigie.StatusCancelled}, UpdatedFrom: new(now.Add(-CancelledFor))}},
	}
	marks := s.marks()
	for i := range queries {
		narrow(&queries[i])
		if err := marks.apply(ctx, &queries[i], markFilters{account: account, dismissed: HideMarked}); err != nil {
			return nil, err
		}
	}
	results, err := s.search(ctx, queries)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, result := range results {
		for _, hit := range result.Hits {
			ids = append(ids, hit.ID)
		}
	}
	known, err := s.Store.Tenders(ctx, ids)
	if err != nil {
		return nil, err
	}
	var tenders []*vigie.Tender
	for _, result := range results {
		for _, hit := range result.Hits {
			// A tender that was cancelled a moment ago may be in both, until the index knows.
			if t := tenderOf(hit, known); t != nil && !slices.Contains(tenders, t) {
				tenders = append(tenders, t)
			}
		}
	}
	return tenders, nil
}

// FeedTender returns a tender as a calendar of it alone has it. If there is none, or it has no deadline, the error has the
// code [vigie.NotFound].
func (s *Service) FeedTender(ctx context.Context, id int64) (*FeedTender, error) {
	found, err := s.Store.Tenders(ctx, []int64{id})
	if err != nil {
		return nil, err
	}
	t := found[id]
	if t == nil || t.Deadline == nil {
		return nil, &vigie.Error{Code: vigie.NotFound, Text: noTender()}
	}
	list, err := s.describe(ctx, []*vigie.Tender{t})
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// describe reads what is said of tenders; the last updated come first.
func (s *Service) describe(ctx context.Context, tenders []*vigie.Tender) ([]*FeedTender, error) {
	ids, buyers := make([]int64, len(tenders)), make([]int64, len(tenders))
	for i, t := range tenders {
		ids[i], buyers[i] = t.ID, t.BuyerID
	}
	revisions, err := s.Store.Revisions(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID, err := s.Store.Buyers(ctx, buyers)
	if err != nil {
		return nil, err
	}
	publications, err := s.Store.Publications(ctx, ids)
	if err != nil {
		return nil, err
	}
	// Most have one notice, which says no more than the tender.
	notices, err := s.Store.Notices(ctx, slices.DeleteFunc(ids, func(id int64) bool { return revisions[id].Count == 0 }))
	if err != nil {
		return nil, err
	}
	list := make([]*FeedTender, len(tenders))
	for i, t := range tenders {
		of := notices[t.ID]
		slices.SortFunc(of, (*vigie.Notice).Compare)
		list[i] = &FeedTender{Tender: t, Buyer: byID[t.BuyerID], Publications: publications[t.ID], Notices: of, Revision: revisions[t.ID]}
	}
	slices.SortStableFunc(list, func(a, b *FeedTender) int { return b.Revision.Published.Compare(a.Revision.Published) })
	return list, nil
}
