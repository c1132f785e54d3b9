package main

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// readiness is whether requests can be answered, part by part. Anyone may ask
// which part is away. Why it is names hosts, users and URLs: that is for the
// log, and for the operators' own address.
type readiness struct {
	parts map[string]func(context.Context) error
	lag   *lag
	log   *slog.Logger
	mutex sync.Mutex
	away  map[string]bool // as it was logged
}

func newReadiness(s *site, lag *lag) *readiness {
	index := func(context.Context) error {
		_, err := s.indexer.Index()
		return err
	}
	return &readiness{
		parts: map[string]func(context.Context) error{"database": s.store.Ping, "search": s.engine.Ping, "index": index},
		lag:   lag, log: s.log, away: make(map[string]bool),
	}
}

// forAnyone tells which parts can answer, and nothing else.
func (c *readiness) forAnyone(w http.ResponseWriter, r *http.Request) { c.answer(w, r, false) }

// forOperators tells also why a part cannot, and how far behind the database
// those are who follow it.
func (c *readiness) forOperators(w http.ResponseWriter, r *http.Request) { c.answer(w, r, true) }

func (c *readiness) answer(w http.ResponseWriter, r *http.Request, detailed bool) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	status, said := http.StatusOK, map[string]any{}
	for part, err := range c.look(ctx) {
		switch {
		case err == nil:
			said[part] = "ok"
			continue
		case detailed:
			said[part] = operatorMessage(err)
		default:
			said[part] = "unavailable"
		}
		status = http.StatusServiceUnavailable
	}
	if detailed {
		if behind, err := c.lag.now(ctx); err == nil { // else the database says so
			said["behind"] = behind
		}
	}
	writeJSON(w, status, said)
}

// look asks each part, and logs those that went away or came back.
func (c *readiness) look(ctx context.Context) map[string]error {
	found := make(map[string]error)
	for part, ask := range c.parts {
		found[part] = ask(ctx)
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for part, err := range found {
		switch {
		case err != nil && !c.away[part]:
			c.log.WarnContext(ctx, "not ready", "part", part, "error", operatorMessage(err))
		case err == nil && c.away[part]:
			c.log.InfoContext(ctx, "ready again", "part", part)
		}
		c.away[part] = err != nil
	}
	return found
}
