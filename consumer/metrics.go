package consumer

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie/database"
)

// Metrics show operators a process's consumers: their lag, their failures, which of them lead, and the
// quarantine. They read the database only when they are collected; while it does not answer they are what it said last, and
// what waited then goes on waiting. A nil one does nothing.
type Metrics struct {
	db       *database.DB
	now      func() time.Time
	log      *slog.Logger
	failures *prometheus.CounterVec
	leading  *prometheus.GaugeVec
	changes  *prometheus.Desc
	seconds  *prometheus.Desc
	aside    *prometheus.Desc

	// Answers reports whether the database is known to answer; nil always asks it.
	Answers func() bool

	mutex     sync.Mutex
	consumers map[string]*Consumer
	marks     marks
	// last is what the database said last.
	last known
}

// known is how far the consumers were behind, and what was quarantined, when the database was read.
type known struct {
	at    time.Time // zero if it never was
	lags  map[string]Lag
	aside map[string]int64
}

// NewMetrics returns the metrics of the consumers of a process.
func NewMetrics(db *database.DB, now func() time.Time, log *slog.Logger) *Metrics {
	label := []string{"consumer"}
	return &Metrics{
		db: db, now: now, log: log, consumers: make(map[string]*Consumer),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vigie_consumer_failures_total", Help: "Attempts that failed, and are made again.",
		}, label),
		leading: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "vigie_consumer_leads", Help: "1 where this replica is the one that works, 0 where another is, or may be.",
		}, label),
		changes: prometheus.NewDesc("vigie_behind", "What is still to be done: tenders to index, notices to alert of, recipients to mail.", label, nil),
		seconds: prometheus.NewDesc("vigie_behind_seconds", "For how long the oldest of it has waited, as far as this replica knows.", label, nil),
		aside:   prometheus.NewDesc("vigie_quarantine", "Items that could not be processed and are set aside.", label, nil),
	}
}

// add includes a consumer in the metrics for as long as it runs.
func (m *Metrics) add(c *Consumer) (remove func()) {
	if m == nil {
		return func() {}
	}
	m.failures.WithLabelValues(c.Name)
	if c.Job != "" {
		m.leading.WithLabelValues(c.Name)
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.consumers[c.Name] = c
	return func() {
		m.mutex.Lock()
		defer m.mutex.Unlock()
		delete(m.consumers, c.Name)
	}
}

func (m *Metrics) failed(consumer string) {
	if m != nil {
		m.failures.WithLabelValues(consumer).Inc()
	}
}

func (m *Metrics) leads(consumer string, leads bool) {
	if m == nil {
		return
	}
	is := 0.0
	if leads {
		is = 1
	}
	m.leading.WithLabelValues(consumer).Set(is)
}

// Lag is how far a consumer is behind.
type Lag struct {
	Changes int64
	// Oldest is how long the oldest change that was not processed has waited.
	Oldest time.Duration
}

// Behind returns how far each consumer is behind.
func (m *Metrics) Behind(ctx context.Context) (map[string]Lag, error) {
	last, err := m.db.LastNumber(ctx)
	if err != nil {
		return nil, err
	}
	m.mutex.Lock()
	now := m.now()
	m.marks.add(last, now)
	consumers := slices.Collect(maps.Values(m.consumers))
	m.mutex.Unlock()
	lags := make(map[string]Lag)
	for _, c := range consumers {
		if c.Behind == nil {
			continue
		}
		behind, err := c.Behind(ctx)
		if err != nil {
			return nil, err
		}
		lag := Lag{Changes: behind.Changes}
		switch {
		case behind.Changes == 0:
		case behind.First > 0:
			m.mutex.Lock()
			lag.Oldest = now.Sub(m.marks.when(behind.First, now))
			m.mutex.Unlock()
		case !behind.Since.IsZero():
			lag.Oldest = max(0, now.Sub(behind.Since))
		}
		lags[c.Name] = lag
	}
	return lags, nil
}

// Quarantine returns how many items of each consumer are quarantined.
func (m *Metrics) Quarantine(ctx context.Context) (map[string]int64, error) {
	sizes, err := m.db.QuarantineSizes(ctx)
	if err != nil {
		return nil, err
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for name := range m.consumers {
		sizes[name] += 0
	}
	return sizes, nil
}

// Describe implements [prometheus.Collector].
func (m *Metrics) Describe(d chan<- *prometheus.Desc) {
	m.failures.Describe(d)
	m.leading.Describe(d)
	d <- m.changes
	d <- m.seconds
	d <- m.aside
}

// Collect implements [prometheus.Collector].
func (m *Metrics) Collect(c chan<- prometheus.Metric) {
	m.failures.Collect(c)
	m.leading.Collect(c)
	now := m.now()
	k := m.read(now)
	for name, lag := range k.lags {
		waited := lag.Oldest.Seconds()
		if lag.Changes > 0 {
			waited += now.Sub(k.at).Seconds()
		}
		c <- prometheus.MustNewConstMetric(m.changes, prometheus.GaugeValue, float64(lag.Changes), name)
		c <- prometheus.MustNewConstMetric(m.seconds, prometheus.GaugeValue, waited, name)
	}
	for name, n := range k.aside {
		c <- prometheus.MustNewConstMetric(m.aside, prometheus.GaugeValue, float64(n), name)
	}
	if k.at.IsZero() {
		m.unknown(c)
	}
}

// read reads the database, if it answers, and returns what it said last.
func (m *Metrics) read(now time.Time) known {
	if m.Answers == nil || m.Answers() {
		// Prometheus waits some seconds: a slow database must not make all metrics disappear.
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		lags, err := m.Behind(ctx)
		var aside map[string]int64
		if err == nil {
			aside, err = m.Quarantine(ctx)
		}
		if err != nil {
			m.log.DebugContext(ctx, "cannot read the lag of consumers", "error", err, "component", "consumer", "action", "measure")
		} else {
			m.mutex.Lock()
			m.last = known{now, lags, aside}
			m.mutex.Unlock()
		}
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.last
}

// unknown says of each consumer that its lag is not known.
func (m *Metrics) unknown(c chan<- prometheus.Metric) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for name, consumer := range m.consumers {
		if consumer.Behind != nil {
			c <- prometheus.MustNewConstMetric(m.changes, prometheus.GaugeValue, math.NaN(), name)
			c <- prometheus.MustNewConstMetric(m.seconds, prometheus.GaugeValue, math.NaN(), name)
		}
		c <- prometheus.MustNewConstMetric(m.aside, prometheus.GaugeValue, math.NaN(), name)
	}
}

// marks say when changes were made, by the highest number at several times. The database does not store that.
type marks []mark

type mark struct {
	number int64
	at     time.Time
}

// maxMarks is how many are kept; above that, every other one is deleted.
const maxMarks = 1000

// add records the last number at a time.
func (m *marks) add(number int64, at time.Time) {
	list := *m
	if n := len(list); n > 0 && list[n-1].number > number {
		list = nil // the database was restored
	} else if n > 0 && list[n-1].number == number {
		return
	}
	if len(list) == maxMarks {
		kept := list[:0]
		for i := 0; i < len(list); i += 2 {
			kept = append(kept, list[i])
		}
		list = kept
	}
	*m = append(list, mark{number, at})
}

// when returns when a change was first seen to exist, at the latest now.
func (m marks) when(number int64, now time.Time) time.Time {
	i := slices.IndexFunc(m, func(known mark) bool { return known.number >= number })
	if i < 0 {
		return now
	}
	return m[i].at
}
