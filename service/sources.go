package service

import (
	"context"
	"sync"
	"time"

	"vigie/source"
)

// sourceHealth is the health of the sources as it was a moment ago: anybody may ask for it.
type sourceHealth struct {
	mutex sync.Mutex
	at    time.Time
	list  []source.Health
	err   error
}

// sourcesFor is how long the health of the sources is kept.
const sourcesFor = 10 * time.Second

// Sources returns how far the public sources are read that are followed.
func (s *Service) Sources(ctx context.Context) ([]source.Health, error) {
	c := &s.sources
	c.mutex.Lock()
	defer c.mutex.Unlock()
	now := s.Now()
	if age := now.Sub(c.at); age >= 0 && age < sourcesFor {
		return c.list, c.err
	}
	list, err := source.HealthOf(ctx, s.Store, now)
	c.at, c.list, c.err = now, list, err
	return list, err
}
