package main

import (
	"context"
	"math"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"vigie"
	"vigie/alert/consent"
	"vigie/alert/link"
	"vigie/graph"
	"vigie/graph/wire"
	"vigie/web"
)

// newRegistry returns what metrics are registered with, and describes the process and its build.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "vigie_build_info", Help: "1, with the version of this program, its commit and the version of Go as labels.",
	}, []string{"version", "revision", "go_version"})
	v := built()
	build.WithLabelValues(v.version, v.revision, v.goVersion).Set(1)
	r.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// requestMetrics show operators what is asked over HTTP, and how long it takes.
type requestMetrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	signIns  *prometheus.CounterVec
}

// otherRoute stands for all paths that are not among [routes].
const otherRoute = "other"

// routes are the first parts of paths that are counted apart.
func routes() []string {
	list := []string{"graphql", "export", "playground", "healthz", "readyz", otherRoute}
	for _, path := range append(consent.Paths(), web.Path, link.FeedPath, link.CalendarPath) {
		list = append(list, strings.Trim(path, "/"))
	}
	return list
}

func newRequestMetrics(r prometheus.Registerer) *requestMetrics {
	m := &requestMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vigie_http_requests_total", Help: "Requests, by the first part of their path and the status of their answer; streams when they end.",
		}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "vigie_http_request_duration_seconds", Help: "How long requests took, from their first byte to the last of their answer, without streams.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20},
		}, []string{"route"}),
		signIns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vigie_sign_ins_total", Help: "Tokens that came with requests and sockets, by outcome: ok, or the code of the error.",
		}, []string{"outcome"}),
	}
	for _, route := range routes() {
		m.seconds.WithLabelValues(route)
		for _, code := range []string{"200", "400", "401", "404", "429", "500", "503"} {
			m.requests.WithLabelValues(route, code)
		}
	}
	for _, code := range []vigie.Code{"", vigie.Unauthenticated, vigie.TooManyRequests, vigie.Unavailable, vigie.Internal} {
		m.signIns.WithLabelValues(signInOutcome(code))
	}
	r.MustRegister(m.requests, m.seconds, m.signIns)
	return m
}

// signInOutcome is the label of a sign-in that ended with a code; "" is a success.
func signInOutcome(code vigie.Code) string {
	switch code {
	case "":
		return "ok"
	case vigie.Unauthenticated, vigie.TooManyRequests, vigie.Unavailable:
		return string(code)
	}
	return string(vigie.Internal)
}

// measure counts the requests that next answers.
func (m *requestMetrics) measure(next http.Handler) http.Handler {
	known := make(map[string]bool)
	for _, route := range routes() {
		known[route] = true
	}
	route := promhttp.WithLabelFromRequest("route", func(r *http.Request) string {
		first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if known[first] {
			return first
		}
		return otherRoute
	})
	counted := promhttp.InstrumentHandlerCounter(m.requests, next, route)
	timed := promhttp.InstrumentHandlerDuration(m.seconds, counted, route)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wire.Streams(r) {
			counted(w, r)
			return
		}
		timed(w, r)
	})
}

// signIn counts tokens, and what came of them.
func (m *requestMetrics) signIn(next graph.SignIn) graph.SignIn {
	return func(ctx context.Context, authorization string) (*graph.Viewer, error) {
		viewer, err := next(ctx, authorization)
		if authorization != "" && ctx.Err() == nil { // else who asked has left
			m.signIns.WithLabelValues(signInOutcome(vigie.CodeOf(err))).Inc()
		}
		return viewer, err
	}
}

// newSearchSeconds measures the search engine. What it fails after a while counts: that was waited for, too.
func newSearchSeconds(r prometheus.Registerer) prometheus.Observer {
	seconds := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "vigie_search_duration_seconds", Help: "How long the search engine took for each search that it was asked, whether it answered or failed.",
		Buckets: []float64{.005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10},
	})
	r.MustRegister(seconds)
	return seconds
}

// newOverloads counts what is refused because all places are taken.
func newOverloads() prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{
		Name: "vigie_overload_refusals_total", Help: "Requests and streams refused with 503 because all places were taken.",
	})
}

// healthMetrics show whether the process is ready, and which of its dependencies answer.
type healthMetrics struct {
	*readiness
	ready, up *prometheus.Desc
}

func newHealthMetrics(r *readiness) *healthMetrics {
	return &healthMetrics{
		r, prometheus.NewDesc("vigie_ready", "1 while this process can do its work, as /readyz says.", nil, nil),
		prometheus.NewDesc("vigie_dependency_up", "1 while a dependency answers: database, search, mail, issuer, collector; NaN before it was asked.", []string{"dependency"}, nil),
	}
}

// Describe implements [prometheus.Collector].
func (m *healthMetrics) Describe(d chan<- *prometheus.Desc) {
	d <- m.ready
	d <- m.up
}

// Collect implements [prometheus.Collector].
func (m *healthMetrics) Collect(c chan<- prometheus.Metric) {
	c <- prometheus.MustNewConstMetric(m.ready, prometheus.GaugeValue, oneIf(m.reason() == ""))
	for _, d := range m.all {
		if strings.HasPrefix(d.Name, nodeDependency) {
			continue // they have metrics of their own
		}
		up := oneIf(d.Answers())
		if up == 0 && d.Err() == nil { // it was not asked yet: a collector is when there is something to send
			up = math.NaN()
		}
		c <- prometheus.MustNewConstMetric(m.up, prometheus.GaugeValue, up, d.Name)
	}
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
