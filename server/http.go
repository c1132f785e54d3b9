package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/cors"

	"vigie"
	"vigie/alert/consent"
	"vigie/alert/link"
	"vigie/consumer"
	"vigie/feed"
	"vigie/graph"
	"vigie/graph/wire"
	"vigie/search"
	"vigie/search/nodes"
	"vigie/server/dependency"
	"vigie/server/playground"
	"vigie/service"
	"vigie/store"
	"vigie/syndication"
	"vigie/web"
)

// site is everything that answers HTTP.
type site struct {
	store   *store.Store
	engine  search.Engine
	nodes   *nodes.Engine // the engine's, if it has several
	indexer *feed.Indexer
	matcher *feed.Matcher
	metrics *prometheus.Registry
	// measures count requests and sign-ins.
	measures *requestMetrics
	// consumers say how far the consumers of changes have come.
	consumers *consumer.Metrics
	ready     *readiness
	// dependencies are what the server depends on: the database, the search engine, and more by its settings.
	dependencies []*dependency.Dependency
	mailing      *mailing // nil where nobody is mailed
	log          *slog.Logger
	now          func() time.Time
	news         *feed.Broadcaster
	gate         *gate
	traces       *traces
	// keep is for how many months sent deliveries are kept.
	keep int
	page http.Handler // nil where it is not served
	// trusted are the only documents that are run; nil runs any.
	trusted map[string]string
	// signIn says who asks.
	signIn graph.SignIn
	// feeds are the addresses of feeds and calendars, lists what these say beside tenders.
	feeds service.FeedAddresses
	lists *syndication.Lists
}

// handler answers all paths.
func (s *site) handler() http.Handler {
	s.metrics.MustRegister(s.gate.overloads)
	mux := http.NewServeMux()
	uses := &service.Service{Store: s.store, Index: s.indexer.Index, News: s.news.Subscribe, Now: s.now, Log: s.log, Feeds: s.feeds, Hooks: s.mailing.hooks()}
	api := s.traces.requests(s.api(uses))
	if s.gate.Introspection {
		api = playground.Leads(api)
	}
	mux.Handle("/graphql", api)
	mux.Handle(exportPath, s.traces.requests(s.exports(uses)))
	s.fronts(mux)
	if s.mailing != nil {
		pages := (&consent.Pages{Ledger: s.store.Ledger(), Store: s.store, Keys: s.mailing.keys, Brand: s.mailing.settings.BrandName, Locale: localeOf, Log: s.log}).Handler()
		for _, path := range consent.Paths() {
			mux.Handle(path, pages)
		}
	}
	if s.feeds.PublicURL != "" {
		lists := *s.lists
		lists.Service, lists.Begin, lists.Log = uses, s.gate.beginList, s.log
		served := lists.Handler()
		mux.Handle(link.FeedPath, served)
		mux.Handle(link.CalendarPath, served)
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("GET /readyz", s.ready.forAnyone)
	return s.gate.identify(guarded(s.measures.measure(s.leaving(mux))))
}

// leaving has clients, and proxies in between, open no further request on a connection that ends soon.
func (s *site) leaving(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.ready.stopping.Load() && !wire.Streams(r) {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// fronts are what people open in a browser: the page, where it is served, else
// the playground is where the server's own address leads.
func (s *site) fronts(mux *http.ServeMux) {
	front := ""
	if s.gate.Introspection {
		explorer := playground.Handler("/graphql", examples(s.now()))
		mux.Handle("/playground", explorer)
		mux.Handle("/playground/", explorer)
		front = "/playground"
	}
	if s.page != nil {
		mux.Handle(web.Path, s.page)
		mux.Handle(web.Path+"/", s.page)
		front = web.Path
	}
	if front != "" {
		mux.Handle("GET /{$}", http.RedirectHandler(front, http.StatusFound))
	}
}

// api answers GraphQL: it finds out who asks, then reads what is asked, within
// limits for each caller, and only then waits for a place to answer it in.
func (s *site) api(uses *service.Service) http.Handler {
	options := s.options()
	operations := graph.NewHandler(uses, options)
	operations.AroundOperations(s.traces.operations)
	return s.shared(s.authenticate(options.SignIn, s.gate.countStreams(operations)))
}

// exports answers lists as files.
func (s *site) exports(uses *service.Service) http.Handler {
	options := s.options()
	return s.shared(s.authenticate(options.SignIn, &exports{uses, graph.NewLists(uses, options), s.gate, s.log}))
}

// options are how operations are answered.
func (s *site) options() graph.Options {
	return graph.Options{
		SignIn: s.measures.signIn(s.gate.signIn(s.signIn)), Intake: s.gate.intake(), Pace: s.gate.pace, Limits: s.gate.graph(), Private: !s.gate.Introspection, Trusted: s.trusted,
		Origins: s.gate.AllowedOrigins, Log: s.log, Metrics: s.metrics,
	}
}

// shared lets pages of the sites that the settings name ask.
func (s *site) shared(next http.Handler) http.Handler {
	if len(s.gate.AllowedOrigins) == 0 {
		return next
	}
	return cors.New(cors.Options{
		AllowedOrigins: s.gate.AllowedOrigins, AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost},
		AllowedHeaders: []string{"Authorization", "Content-Type", "X-Request-Id"}, ExposedHeaders: []string{"Content-Disposition", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"}, MaxAge: 600,
	}).Handler(next)
}

// private answers what only operators may ask.
func (s *site) private() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /readyz", s.ready.forOperators)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}))
	return mux
}

// authenticate finds out who asks. Nobody in particular may ask too: what
// needs an account says so itself.
func (s *site) authenticate(signIn graph.SignIn, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		locale := localeOf(r.Header.Get("Accept-Language"))
		if locale != "" {
			ctx = graph.WithLocale(ctx, locale)
		}
		viewer, err := signIn(ctx, r.Header.Get("Authorization"))
		switch {
		case err != nil && ctx.Err() != nil: // nobody waits for an answer, or the server stops
			panic(http.ErrAbortHandler)
		case err != nil:
			s.refuse(w, r, err)
			return
		}
		if viewer != nil {
			ctx = graph.WithViewer(ctx, viewer)
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// refuse answers a request that cannot be authenticated, in GraphQL's form.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, err error) {
	ctx := r.Context()
	e, ok := errors.AsType[*vigie.Error](err)
	if !ok {
		e = &vigie.Error{Code: vigie.Internal, Text: vigie.Text{FR: "Une erreur s’est produite de notre côté. Réessayez dans un instant.", EN: "Something went wrong on our side. Try again in a moment."}}
	}
	status := http.StatusInternalServerError
	switch e.Code {
	case vigie.Unauthenticated:
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		s.log.InfoContext(ctx, "token refused", "component", "http", "action", "sign in", "error", err)
	case vigie.TooManyRequests:
		status = http.StatusTooManyRequests
	case vigie.Unavailable:
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "10")
		if e.RetryAfter == 0 { // else it was only too much at once
			s.log.WarnContext(ctx, "sign-in failed", "component", "http", "action", "sign in", "error", err)
		}
	default:
		s.log.ErrorContext(ctx, "sign-in failed", "component", "http", "action", "sign in", "error", err)
	}
	w.Header().Set("Connection", "close") // nobody waits for the body
	writeError(w, r, status, e)
}

// writeError answers a request that never became an operation, in GraphQL's
// form.
func writeError(w http.ResponseWriter, r *http.Request, status int, err *vigie.Error) {
	if err.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(wire.Seconds(err.RetryAfter)))
	}
	message := err.Message(localeOf(r.Header.Get("Accept-Language")))
	writeJSON(w, status, map[string]any{"errors": []any{map[string]any{"message": message, "extensions": graph.Extensions(r.Context(), err)}}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // what fails here is the client's connection
}

// bearer signs in by the token of an Authorization header (RFC 6750).
func bearer(v *verifier, s *store.Store) graph.SignIn {
	return func(ctx context.Context, authorization string) (*graph.Viewer, error) {
		if authorization == "" {
			return nil, nil
		}
		scheme, token, _ := strings.Cut(authorization, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return nil, badToken(errors.New("not a bearer token"))
		}
		return v.viewer(ctx, s, strings.TrimSpace(token))
	}
}

// door is an address that is taken, and what answers there.
type door struct {
	net.Listener
	handler http.Handler
}

// bind takes an address. Who comes there waits until it is served.
func bind(ctx context.Context, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}

// serve answers HTTP until ctx ends; what is being answered then has ten
// seconds to end, and is cut off after that. Streams, which have no end, are ended.
func (d door) serve(ctx context.Context, log *slog.Logger) error {
	streams := &streams{stop: ctx}
	server := &http.Server{
		Handler: streams.apart(d.handler), ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, MaxHeaderBytes: maxToken + 16<<10, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(d.Listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) { // what takes longer keeps no server from stopping
		log.WarnContext(ctx, "requests were cut off", "component", "http", "action", "stop", "error", err)
		err = nil
		_ = server.Close() // its listener is closed already
	}
	streams.wait(grace) // those over WebSocket are no longer the server's
	return err
}
