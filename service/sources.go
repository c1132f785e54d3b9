package service

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"vigie/source"
)

// sourceHealth is the health of the sources as it was a moment ago: anybody may ask for it. Its zero value is ready.
type sourceHealth struct {
	reading singleflight.Group
	last    atomic.Pointer[healthRead]
}

// healthRead is the health of the sources as it was read at a time.
type healthRead struct {
	at   time.Time
	list []source.Health
	err  error
}

const (
	// sourcesFor is how long the health of the sources is kept.
	sourcesFor = 10 * time.Second
	// readSources is how long reading it may take.
	readSources = 10 * time.Second
)

// Sources returns how far the public sources are read that are followed. It is read once for all who wait: one who leaves
// ends nothing for the others.
func (s *Service) Sources(ctx context.Context) ([]source.Health, error) {
	c := &s.sources
	if last := c.last.Load(); last != nil {
		if age := s.Now().Sub(last.at); age >= 0 && age < sourcesFor {
			return last.list, last.err
		}
	}
	read := c.reading.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readSources)
		defer cancel()
		now := s.Now()
		list, err := source.HealthOf(ctx, s.Store, now)
		c.last.Store(&healthRead{now, list, err})
		return list, err
	})
	select {
	case r := <-read:
		return r.Val.([]source.Health), r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
