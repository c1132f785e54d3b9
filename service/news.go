package service

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"vigie"
	"vigie/query"
	"vigie/search"
	"vigie/store"
)

// Matched is that something happened to a tender that watches match, or did.
type Matched struct {
	Kind      vigie.DeliveryKind
	Tender    *vigie.Tender
	MatchedBy []*WatchMatch
	// Notice is what caused it; nil for a withdrawal.
	Notice *vigie.Notice
	// Its place in the list of events, see [Service.Events].
	*rowPlace
	place eventPlace
	// Edge is the tender at its place in a list of matching tenders, newest first;
	// nil where it was withdrawn.
	Edge *TenderEdge
}

// At is when the notice was published; nil for a withdrawal, whose time is not
// kept.
func (m *Matched) At() *time.Time {
	if m.Notice == nil {
		return nil
	}
	return &m.Notice.PublishedAt
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
		var watching *Watching
		known := false
		for some, err := range news {
			if err == nil && (!known || edited(account.ID, some)) {
				watching, err = s.followedWatches(ctx, account, ids)
				known = err == nil
			}
			var matched []*Matched
			if err == nil {
				matched, err = s.matched(ctx, account, watching, some)
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

// followedWatches reads the watches that an account follows.
func (s *Service) followedWatches(ctx context.Context, account *vigie.Account, ids []int64) (*Watching, error) {
	watches, err := s.Store.Watches(ctx, account.ID, store.WatchFilter{IDs: ids, ActiveOnly: ids == nil})
	return NewWatching(watches...), err
}

// edited reports whether the watches of an account changed, by what came since
// they were read.
func edited(account int64, news []*query.NoticeEffect) bool {
	return slices.ContainsFunc(news, func(n *query.NoticeEffect) bool { return n.Edited[account] })
}

// matched returns what notices mean to an account with its watches.
func (s *Service) matched(ctx context.Context, account *vigie.Account, watching *Watching, news []*query.NoticeEffect) ([]*Matched, error) {
	if len(watching.watches) == 0 {
		return nil, nil
	}
	var all []*Matched
	var tenders []int64
	for _, n := range news {
		for _, m := range s.matchedBy(n, watching) {
			all, tenders = append(all, m), append(tenders, m.Tender.ID)
		}
	}
	marks, err := s.Store.Marks(ctx, account.ID, tenders)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(m *Matched) bool { return marks[m.Tender.ID].Dismissed }), nil
}

// eventKinds are the kinds of events, in the order of those of one change.
func eventKinds() []vigie.DeliveryKind {
	return []vigie.DeliveryKind{vigie.DeliverNew, vigie.DeliverCorrected, vigie.DeliverCancelled, vigie.DeliverWithdrawn}
}

// matchedBy returns what one change means to watches, at most one event of each
// kind.
func (s *Service) matchedBy(n *query.NoticeEffect, watching *Watching) []*Matched {
	byKind := make(map[vigie.DeliveryKind]*Matched)
	n.For(watching.set, s.now(), func(place int, kind vigie.DeliveryKind, keywords []string) {
		m := byKind[kind]
		if m == nil {
			m = &Matched{Kind: kind, Tender: n.Tender, Notice: n.Notice}
			byKind[kind] = m
		}
		m.MatchedBy = append(m.MatchedBy, &WatchMatch{Watch: watching.watches[place], Keywords: keywords})
	})
	var list []*Matched
	for rank, kind := range eventKinds() {
		if m := byKind[kind]; m != nil {
			m.MatchedBy = Locate(m.Tender, m.MatchedBy)
			m.place = eventPlace{n.Number, rank}
			m.rowPlace = s.placeOf(m.place.cursor())
			if n.Tender.Outcome != vigie.Withdrawn {
				m.Edge = s.edgeOf(m, watching)
			}
			list = append(list, m)
		}
	}
	return list
}

// edgeOf is the tender of an event at its place in a list of matching tenders,
// newest first.
func (s *Service) edgeOf(m *Matched, watching *Watching) *TenderEdge {
	const order = search.PublishedDesc
	key := search.Key{ID: m.Tender.ID, At: new(m.Tender.PublishedAt)}
	return &TenderEdge{
		rowPlace: s.placeOf(tenderCursor(order, s.now(), key)), Node: m.Tender, watching: watching,
		matches: func() []*WatchMatch { return m.MatchedBy },
	}
}

// events is the name of the list of events in cursors.
const events = "events"

// cursor is a place between events as a place in the list.
func (p eventPlace) cursor() cursor {
	return cursor{List: events, ID: p.number, At: new(int64(p.rank))}
}

// maxScanned is how many changes one page of events looks at.
const maxScanned = 150

// EventPage is a page of events, in the order in which they happened.
type EventPage struct {
	Edges    []*EventEdge
	PageInfo PageInfo
}

// EventEdge is an event in a list.
type EventEdge struct {
	*rowPlace
	Node *Matched
}

// Nodes returns the events of the page.
func (p *EventPage) Nodes() []*Matched {
	nodes := make([]*Matched, len(p.Edges))
	for i, edge := range p.Edges {
		nodes[i] = edge.Node
	}
	return nodes
}

// eventPlace is a place between events: behind the event of a rank of a change.
type eventPlace struct {
	number int64
	rank   int
}

// lastRank is that of a place behind all events of a change, beforeRank of one
// before all of them.
const (
	lastRank   = 1 << 20
	beforeRank = -1
)

func (p eventPlace) compare(q eventPlace) int {
	return cmp.Or(cmp.Compare(p.number, q.number), cmp.Compare(p.rank, q.rank))
}

// Events returns a page of what happened to the tenders of watches of an account:
// what [Service.Follow] yields of it, by what the watches are now. A page looks
// at a bounded number of changes: it can have fewer events than were asked for,
// or none, and yet be followed by another.
func (s *Service) Events(ctx context.Context, account *vigie.Account, watching *Watching, args PageArgs) (*EventPage, error) {
	w, err := args.window(20)
	if err != nil {
		return nil, err
	}
	from := eventPlace{rank: lastRank} // before all
	if w.cursor != "" {
		c, err := parseCursor(s.Store.IDs(), w.cursor, events, w.argument)
		if err != nil {
			return nil, err
		}
		if c.At == nil {
			return nil, noCursor(w.argument)
		}
		from = eventPlace{c.ID, int(*c.At)}
	}
	var news []*query.NoticeEffect
	var all bool // no change is left in the direction of the page
	end := from  // how far the page has looked
	err = s.Store.Snapshot(ctx, func(ctx context.Context, now *store.Snapshot) (err error) {
		if w.backwards && w.cursor == "" {
			from = eventPlace{now.Number, lastRank}
		}
		news, end, all, err = effects(ctx, now, w, from)
		return err
	})
	if err != nil {
		return nil, err
	}
	matched, err := s.matched(ctx, account, watching, news)
	if err != nil {
		return nil, err
	}
	return s.eventPage(w, from, end, all, matched), nil
}

// effects reads the changes that a page looks at.
func effects(ctx context.Context, now *store.Snapshot, w window, from eventPlace) (news []*query.NoticeEffect, end eventPlace, all bool, err error) {
	var numbers []int64
	if w.backwards {
		numbers, err = now.EventsBefore(ctx, from.number+1, maxScanned) // some events of the change can be before the place
		end = eventPlace{rank: lastRank}
	} else {
		numbers, err = now.EventsAfter(ctx, from.number-1, maxScanned)
		end = eventPlace{max(now.Number, from.number), lastRank}
	}
	if err != nil {
		return nil, end, false, err
	}
	if all = len(numbers) < maxScanned; !all && w.backwards {
		end = eventPlace{numbers[len(numbers)-1], beforeRank}
	} else if !all {
		end = eventPlace{numbers[len(numbers)-1], lastRank}
	}
	news, err = now.Effects(ctx, numbers)
	return news, end, all, err
}

// eventPage makes a page of events that were found between two places.
func (s *Service) eventPage(w window, from, end eventPlace, all bool, matched []*Matched) *EventPage {
	matched = slices.DeleteFunc(matched, func(m *Matched) bool {
		side := m.place.compare(from)
		return w.backwards && side >= 0 && w.cursor != "" || !w.backwards && side <= 0
	})
	kept, info := cut(w, matched)
	page := &EventPage{PageInfo: info}
	if len(kept) == len(matched) { // the page goes as far as was looked
		if w.backwards {
			page.PageInfo.HasPreviousPage = !all
		} else {
			page.PageInfo.HasNextPage = !all
		}
	}
	for _, m := range kept {
		page.Edges = append(page.Edges, &EventEdge{m.rowPlace, m})
	}
	s.eventCursors(w, from, end, page, len(kept) < len(matched))
	return page
}

// eventCursors says where the next page begins in either direction: behind what
// was looked at, also where no event was found there.
func (s *Service) eventCursors(w window, from, end eventPlace, page *EventPage, more bool) {
	info, start, stop := &page.PageInfo, s.placeOf(from.cursor()), s.placeOf(end.cursor())
	if n := len(page.Edges); n > 0 {
		info.start, info.end = page.Edges[0].rowPlace, page.Edges[n-1].rowPlace
	} else {
		info.start, info.end = start, start
	}
	switch {
	case !w.backwards && !more:
		info.end = stop
	case w.backwards && !more:
		info.start = stop
	}
	if w.backwards && w.cursor == "" {
		info.end = start
	}
}
