package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"vigie"
	"vigie/alert/consent"
	"vigie/alert/link"
	"vigie/feed"
	"vigie/graph"
	"vigie/search"
	"vigie/server/playground"
	"vigie/service"
	"vigie/store"
)

// site is everything that answers HTTP.
type site struct {
	store   *store.Store
	engine  search.Engine
	indexer *feed.Indexer
	matcher *feed.Matcher
	metrics *prometheus.Registry
	lag     *lag
	desk    *desk // nil where nobody is mailed
	log     *slog.Logger
	now     func() time.Time
	news    *feed.News
	// signIn tells who asks.
	signIn graph.SignIn
}

// handler answers all paths.
func (s *site) handler() http.Handler {
	api := graph.NewHandler(&service.Service{Store: s.store, Index: s.indexer.Index, News: s.news.Follow, Now: s.now}, s.signIn, s.log)
	mux := http.NewServeMux()
	mux.Handle("/graphql", s.authenticate(limitBody(api)))
	explorer := playground.Handler("/graphql", firstQuery)
	mux.Handle("/playground", explorer)
	mux.Handle("/playground/", explorer)
	if s.desk != nil {
		pages := (&consent.Pages{Store: s.store, Keys: s.desk.keys, Brand: s.desk.settings.BrandName, Locale: localeOf, Log: s.log}).Handler()
		mux.Handle(link.ConfirmPath, pages)
		mux.Handle(link.LeavePath, pages)
	}
	mux.Handle("GET /{$}", http.RedirectHandler("/playground", http.StatusFound))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("GET /readyz", s.ready)
	return mux
}

// private answers what only operators may ask.
func (s *site) private() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}))
	return mux
}

// maxBody is more than 500 notices of 10,000 characters take.
const maxBody = 16 << 20

func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// firstQuery is what the playground opens with.
const firstQuery = `# Mes veilles, et les marchés en ligne qui leur correspondent.
query MaVeille {
  watches {
    nodes {
      id
      name
      active
      onlineCount
      summary { label value }
    }
  }
  matchingTenders(first: 10) {
    totalCount
    pageCount
    edges {
      node {
        title
        reference
        buyer { name }
        departments { name }
        deadline
      }
      matchedBy { watch { name } keywords }
    }
    facets {
      departments { value label count }
      natures { value label count }
    }
  }
}
`

// authenticate finds out who asks. Nobody in particular may ask too: what
// needs an account says so itself.
func (s *site) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		locale := localeOf(r.Header.Get("Accept-Language"))
		if locale != "" {
			ctx = graph.WithLocale(ctx, locale)
		}
		viewer, err := s.signIn(ctx, r.Header.Get("Authorization"))
		if err != nil {
			s.refuse(ctx, w, err, locale)
			return
		}
		if viewer != nil {
			ctx = graph.WithViewer(ctx, viewer)
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// refuse answers a request whose sender could not be told, in GraphQL's form.
func (s *site) refuse(ctx context.Context, w http.ResponseWriter, err error, locale vigie.Locale) {
	status, text := http.StatusInternalServerError, vigie.Text{FR: "Erreur interne.", EN: "Internal error."}
	code := vigie.CodeOf(err)
	if e, ok := errors.AsType[*vigie.Error](err); ok {
		text = e.Text
	}
	switch code {
	case vigie.Unauthenticated:
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		s.log.InfoContext(ctx, "token refused", "error", err)
	case vigie.Unavailable:
		status = http.StatusServiceUnavailable
		s.log.WarnContext(ctx, "sign-in failed", "error", err)
	default:
		s.log.ErrorContext(ctx, "sign-in failed", "error", err)
	}
	writeJSON(w, status, map[string]any{"errors": []any{map[string]any{
		"message": text.In(locale), "extensions": map[string]any{"code": code},
	}}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // what fails here is the client's connection
}

// ready tells whether requests can be answered, part by part, and how far behind
// the database those are who follow it.
func (s *site) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	_, indexErr := s.indexer.Index()
	parts := map[string]error{"database": s.store.Ping(ctx), "search": s.engine.Ping(ctx), "index": indexErr}
	status, said := http.StatusOK, map[string]any{}
	for part, err := range parts {
		said[part] = "ok"
		if err != nil {
			status, said[part] = http.StatusServiceUnavailable, operatorMessage(err)
		}
	}
	if behind, err := s.lag.now(ctx); err == nil { // else the database says so
		said["behind"] = behind
	}
	writeJSON(w, status, said)
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

// listen answers HTTP until ctx ends; what is being answered then has ten
// seconds to end. Streams, which have no end, are ended.
func listen(ctx context.Context, address string, handler http.Handler, log *slog.Logger, started func(net.Addr)) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	streams := &streams{stop: ctx}
	server := &http.Server{
		Handler: streams.apart(handler), ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	started(listener.Addr())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = server.Shutdown(grace)
	streams.wait(grace) // those over WebSocket are no longer the server's
	return err
}
