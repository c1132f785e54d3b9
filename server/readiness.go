package main

import (
	"context"
	"maps"
	"net/http"
	"sync/atomic"
	"time"

	"vigie/consumer"
	"vigie/feed"
	"vigie/server/dependency"
)

// readiness is whether this process can do its work, so that requests may be sent to it. What it shares with all other
// replicas and can work without, such as the search engine or the mail server, does not count: else a load balancer
// would remove all of them at once. Anyone may ask. What is away, and why, names hosts, users and URLs: that is for the
// log, and for the operators' own address.
type readiness struct {
	database, search *dependency.Dependency
	// all are the dependencies that operators see, with those two.
	all       []*dependency.Dependency
	index     func() error
	consumers *consumer.Metrics
	// complete is set once the process needs no more time to start, stopping once it is to end.
	complete, stopping atomic.Bool
}

// The reasons for which a process is not ready.
const (
	stopsNow       = "stopping"
	noDatabase     = "database"
	indexIsMissing = "index"
)

// reason says why this process cannot do its work; "" if it can.
//
// A process that starts while the search index is being built waits for it, since replicas of another version may have
// one. But where the search engine does not answer, no replica has one, and waiting helps nobody. Once a process was
// ready, an index that is lost is lost for all; only an engine that the others do not share is this process's own fault.
func (c *readiness) reason() string {
	index := c.index()
	switch {
	case c.stopping.Load():
		return stopsNow
	case !c.database.Answers():
		return noDatabase
	case feed.Apart(index):
		return indexIsMissing
	case index == nil || c.search.Err() != nil:
		c.complete.Store(true)
	case !c.complete.Load():
		return indexIsMissing
	}
	return ""
}

// forAnyone says whether the process can do its work, and if not, in a word why.
func (c *readiness) forAnyone(w http.ResponseWriter, _ *http.Request) { c.answer(w, nil) }

// forOperators also says what is away, and why, how far the consumers are behind the database, and how many items they
// have set aside.
func (c *readiness) forOperators(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	details := make(map[string]any)
	for _, d := range c.all {
		switch err := d.Err(); {
		case d.Answers():
			details[d.Name] = "ok"
		case err != nil:
			details[d.Name] = operatorMessage(err)
		default:
			details[d.Name] = "not known yet"
		}
	}
	details["index"] = "ok"
	if err := c.index(); err != nil {
		details["index"] = operatorMessage(err)
	}
	c.progress(ctx, details)
	c.answer(w, details)
}

func (c *readiness) answer(w http.ResponseWriter, said map[string]any) {
	if said == nil {
		said = make(map[string]any)
	}
	status, reason := http.StatusOK, c.reason()
	if said["ready"] = reason == ""; reason != "" {
		said["reason"], status = reason, http.StatusServiceUnavailable
	}
	writeJSON(w, status, said)
}

// progress adds how the consumers do. Where that is not known, the database says why.
func (c *readiness) progress(ctx context.Context, said map[string]any) {
	if c.database.Err() != nil {
		return
	}
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
