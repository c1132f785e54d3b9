package main

import (
	"sync"
	"time"

	"vigie"
)

// shares divide something among callers: each may have so much, and all
// together so much.
type shares struct {
	each, whole int64
	mutex       sync.Mutex
	taken       int64
	by          map[string]int64
}

func newShares(each, whole int64) *shares {
	return &shares{each: min(each, whole), whole: whole, by: make(map[string]int64)}
}

// take takes n for one caller, until it is given back by give, which may be
// called twice. The error says whether it is the caller who has too much, or all.
func (s *shares) take(who string, n int64) (give func(), err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch {
	case s.by[who]+n > s.each:
		return nil, tooMany(10 * time.Second)
	case s.taken+n > s.whole:
		return nil, tooBusy()
	}
	s.taken += n
	s.by[who] += n
	return sync.OnceFunc(func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.taken -= n
		if s.by[who] -= n; s.by[who] == 0 {
			delete(s.by, who)
		}
	}), nil
}

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
