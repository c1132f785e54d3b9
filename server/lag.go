package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie/feed"
	"vigie/store"
)

// lag tells operators how far behind the database those are who follow it: it
// asks when it is asked.
type lag struct {
	store  *store.Store
	log    *slog.Logger
	behind *prometheus.Desc
}

func newLag(s *store.Store, log *slog.Logger) *lag {
	return &lag{s, log, prometheus.NewDesc("vigie_behind",
		"What is still to be done: tenders to index, notices to alert of, recipients to mail.", []string{"consumer"}, nil)}
}

// Describe implements [prometheus.Collector].
func (l *lag) Describe(d chan<- *prometheus.Desc) { d <- l.behind }

// Collect implements [prometheus.Collector].
func (l *lag) Collect(m chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	behind, err := l.now(ctx)
	if err != nil {
		l.log.WarnContext(ctx, "cannot tell what is behind", "error", err)
		return // what is not known is not there
	}
	for consumer, n := range behind {
		m <- prometheus.MustNewConstMetric(l.behind, prometheus.GaugeValue, float64(n), consumer)
	}
}

// now is what is still to be done, by who does it.
func (l *lag) now(ctx context.Context) (map[string]int64, error) {
	behind, err := l.store.Lag(ctx, feed.Version())
	if err != nil {
		return nil, err
	}
	return map[string]int64{"index": behind.Index, "alerts": behind.Alerts, "mails": behind.Mails}, nil
}
