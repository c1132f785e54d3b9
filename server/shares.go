package main

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"vigie"
)

// shares divide something among callers: each may have so much, and all
// together so much. Once all of it is taken, the caller who has the most makes
// room for one who has less.
type shares struct {
	each, whole int64
	mutex       sync.Mutex
	taken       int64
	by          map[string]*share
}

// share is what one caller has.
type share struct {
	taken int64
	held  []*hold // the oldest first
}

// hold is what a caller took at once.
type hold struct {
	n int64
	// cut ends what it was taken for, and reports whether that is ended, now or
	// before.
	cut func() bool
}

func newShares(each, whole int64) *shares {
	return &shares{each: min(each, whole), whole: whole, by: make(map[string]*share)}
}

// take takes n for one caller, until it is given back by give, which may be
// called twice, or is cut off for others. The error says whether it is the
// caller who has too much, or all.
func (s *shares) take(who string, n int64, cut func() bool) (give func(), err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	own := s.by[who]
	if own == nil {
		own = new(share)
	}
	if own.taken+n > s.each {
		return nil, tooMany(10 * time.Second)
	}
	if !s.makeRoom(own.taken+n, n) {
		return nil, tooBusy()
	}
	h := &hold{n, cut}
	s.taken += n
	own.taken += n
	own.held = append(own.held, h)
	s.by[who] = own
	return func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.end(who, h)
	}, nil
}

// makeRoom cuts callers off who have more than the one that asks would have,
// the one who has most first, until there is room for n. It reports whether
// there is.
func (s *shares) makeRoom(wouldHave, n int64) bool {
	for s.taken+n > s.whole {
		if !s.cutOne(wouldHave) {
			return false
		}
	}
	return true
}

// cutOne ends the oldest that can be ended of the caller who has most.
func (s *shares) cutOne(wouldHave int64) bool {
	var most []string
	for who, share := range s.by {
		if share.taken > wouldHave {
			most = append(most, who)
		}
	}
	slices.SortFunc(most, func(a, b string) int { return cmp.Compare(s.by[b].taken, s.by[a].taken) })
	for _, who := range most {
		for _, h := range s.by[who].held {
			if h.cut() {
				s.end(who, h)
				return true
			}
		}
	}
	return false
}

// end takes a hold out of the books, if it is there.
func (s *shares) end(who string, h *hold) {
	own := s.by[who]
	if own == nil {
		return
	}
	at := slices.Index(own.held, h)
	if at < 0 {
		return
	}
	own.held = slices.Delete(own.held, at, at+1)
	s.taken -= h.n
	if own.taken -= h.n; len(own.held) == 0 {
		delete(s.by, who)
	}
}

// never is what cannot be cut off.
func never() bool { return false }

// tooMany refuses a caller that has too much, for a while.
func tooMany(wait time.Duration) *vigie.Error {
	return &vigie.Error{Code: vigie.TooManyRequests, RetryAfter: wait, Text: vigie.Text{
		FR: "Vous avez envoyé trop de demandes. Attendez un instant, puis réessayez.", EN: "You sent too many requests. Wait a moment, then try again.",
	}}
}

func tooBusy() error {
	return &vigie.Error{Code: vigie.Unavailable, RetryAfter: time.Second, Text: vigie.Text{
		FR: "Le service est surchargé. Réessayez dans un instant.", EN: "The service is overloaded. Try again in a moment.",
	}}
}
