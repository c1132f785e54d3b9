package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"vigie/alert"
	"vigie/feed"
	"vigie/graph"
)

// serve is the command for production.
type serve struct {
	Listen        string `help:"The address to listen on." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	PrivateListen string `help:"The address that serves /metrics, for operators alone; without it, nothing does." placeholder:"HOST:PORT"`
	Migrate       bool   `help:"Bring the database up to date first; without it, the server stops on one that is not." default:"true" negatable:""`
	databaseSettings
	searchSettings
	authSettings
	mailSettings
	limitSettings
	traceSettings
	pageSettings
}

// garbage is how much memory may be filled, in percent of what is in use, before
// it is searched for what is not needed any more. A server keeps little, so at
// Go's own 100 it would search all the time.
const garbage = 400

// Run runs the command.
func (c *serve) Run(ctx context.Context, p *process) error {
	if said, _ := p.env("GOGC"); said == "" {
		debug.SetGCPercent(garbage)
	}
	verifier, err := c.verifier(p.now)
	if err != nil {
		return err
	}
	if c.KeepMails < 1 {
		return errors.New("--keep-mails: at least a month, for support to find out what became of a mail")
	}
	traces, err := c.traceSettings.open(ctx)
	if err != nil {
		return err
	}
	defer traces.end(ctx, p.log())
	if c.Migrate {
		if err := c.migrate(ctx); err != nil {
			return err
		}
	}
	s, err := c.databaseSettings.openSite(ctx, p, c.searchSettings, traces)
	if err != nil {
		return err
	}
	defer s.close()
	if err := useSecrets(ctx, s.store, c.Secret); err != nil { // also where others send the mails
		return err
	}
	if s.page, err = c.pageSettings.open(c.BrandName); err != nil {
		return err
	}
	if s.page != nil {
		c.leadToPage()
	}
	if s.desk, err = c.mailSettings.open(c.Secret); err != nil {
		return err
	}
	if s.desk != nil {
		s.desk.mailer = tracedMailer{s.desk.mailer, traces.tracer}
	}
	s.keep = c.KeepMails
	defer s.follow(ctx)()
	defer s.alert(ctx, p)()
	s.signIn = within(c.MaxTime, bearer(verifier, s.store))
	if s.gate, err = c.limitSettings.open(p.now); err != nil {
		return err
	}
	if s.trusted, err = c.documents(); err != nil {
		return err
	}
	servers, ctx := errgroup.WithContext(ctx)
	servers.Go(func() error {
		return listen(ctx, c.Listen, s.handler(), s.log, func(at net.Addr) { s.log.Info("listening", "address", at.String()) })
	})
	if c.PrivateListen != "" {
		servers.Go(func() error {
			return listen(ctx, c.PrivateListen, s.private(), s.log, func(at net.Addr) { s.log.Info("serving metrics", "at", at.String()) })
		})
	}
	return servers.Wait()
}

// within has signing in take no longer than an operation may.
func within(limit time.Duration, signIn graph.SignIn) graph.SignIn {
	return func(ctx context.Context, authorization string) (*graph.Viewer, error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return signIn(ctx, authorization)
	}
}

// openSite opens the backends.
func (d databaseSettings) openSite(ctx context.Context, p *process, search searchSettings, t *traces) (*site, error) {
	s := &site{log: p.log(), now: p.now, metrics: prometheus.NewRegistry(), traces: t}
	s.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	var err error
	if s.store, err = d.open(ctx, p); err != nil {
		return nil, err
	}
	if p.queries != nil {
		s.store.Observe(p.queries)
	}
	if s.engine, err = search.open(d.Data, s.log); err != nil {
		s.store.Close()
		return nil, err
	}
	if !t.off() {
		s.store.Observe(queries{t.tracer})
		s.engine = tracedEngine{s.engine, t.tracer}
	}
	s.indexer = feed.NewIndexer(s.store, s.engine, s.log)
	s.matcher = feed.NewMatcher(s.metrics, s.log)
	s.lag = newLag(s.store, s.log)
	s.metrics.MustRegister(s.lag)
	s.news = feed.NewNews(s.store, s.log)
	return s, nil
}

// close lets go of the backends.
func (s *site) close() {
	s.desk.close()
	s.engine.Close()
	s.store.Close()
}

// follow has the index and the news follow the database, and what was kept for
// long enough forgotten, until stop.
func (s *site) follow(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { s.indexer.Run(ctx) })
	done.Go(func() { s.news.Run(ctx) })
	done.Go(func() {
		(&alert.Retention{Store: s.store, Now: s.now, Log: s.log, Months: s.keep}).Run(ctx)
	})
	return func() {
		cancel()
		done.Wait()
	}
}

// migrate is the command that brings the database up to date.
type migrate struct{ databaseSettings }

// Run runs the command.
func (c *migrate) Run(ctx context.Context) error {
	return c.migrate(ctx)
}

// reindex is the command that has the index built anew.
type reindex struct{ databaseSettings }

// Run runs the command.
func (c *reindex) Run(ctx context.Context, p *process) error {
	s, err := c.open(ctx, p)
	if err != nil {
		return err
	}
	defer s.Close()
	index, err := s.BeginIndex(ctx, feed.Version())
	if err == nil {
		fmt.Fprintf(p.out, "The server builds %s; until it is ready the old index answers.\n", index.Name)
	}
	return err
}

// restored is the command that begins a new past for a database that was
// restored from a backup.
type restored struct{ databaseSettings }

// Run runs the command.
func (c *restored) Run(ctx context.Context, p *process) error {
	s, err := c.open(ctx, p)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Restored(ctx); err != nil {
		return err
	}
	fmt.Fprintln(p.out, "The database has a new past: the server builds its search index anew, and no number is given twice.")
	return nil
}

// health is the command that asks a running server.
type health struct {
	Listen string `help:"The address that the server listens on." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
}

// Run runs the command.
func (c *health) Run(ctx context.Context, p *process) error {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // it listens everywhere, so here too
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", answer.Status)
	}
	fmt.Fprintln(p.out, "ready")
	return nil
}
