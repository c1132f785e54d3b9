package main

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"

	"vigie/consumer"
)

// readiness is whether requests can be answered, part by part. Anyone may ask
// which part is away. Why it is names hosts, users and URLs: that is for the
// log, and for the operators' own address.
type readiness struct {
	parts     map[string]func(context.Context) error
	consumers *consumer.Metrics
	log       *slog.Logger
	mutex     sync.Mutex
	away      map[string]bool // as it was logged
}

func newReadiness(s *site) *readiness {
	index := func(context.Context) error {
		_, err := s.indexer.Index()
		return err
	}
	return &readiness{
		parts:     map[string]func(context.Context) error{"database": s.store.Database().Ping, "search": s.engine.Ping, "index": index},
		consumers: s.consumers, log: s.log, away: make(map[string]bool),
	}
}

// forAnyone says which parts can answer, and nothing else.
func (c *readiness) forAnyone(w http.ResponseWriter, r *http.Request) { c.answer(w, r, false) }

// forOperators also says why a part cannot, how far the consumers are behind the
// database, and how many items they have set aside.
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
		c.progress(ctx, said)
	}
	writeJSON(w, status, said)
}

// progress adds how the consumers do. Where that is not known, the database says
// why.
func (c *readiness) progress(ctx context.Context, said map[string]any) {
	if lags, err := c.consumers.Behind(ctx); err == nil {
		behind := make(map[string]int64, len(lags))
		for consumer, lag := range lags {
			behind[consumer] = lag.Changes
		}
		said["behind"] = behind
	}
	if aside, err := c.consumers.Quarantine(ctx); err == nil {
		maps.DeleteFunc(aside, func(_ string, items int64) bool { return items == 0 })
		said["quarantine"] = aside
	}
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
