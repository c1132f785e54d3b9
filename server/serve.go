package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"vigie"
	"vigie/alert"
	"vigie/alert/link"
	"vigie/alert/post"
	"vigie/consumer"
	"vigie/database"
	"vigie/feed"
	"vigie/graph"
	"vigie/server/dependency"
	"vigie/server/setting"
	"vigie/service"
	"vigie/source"
	"vigie/store"
	"vigie/syndication"
)

// serverSettings are all settings of a server. A setting is declared by a field
// here, or of one of the structs within: from that come its flag, its variable
// and its help, and package setting checks its value by the tags.
type serverSettings struct {
	Listen           string        `help:"The address to listen on." default:"127.0.0.1:8080" type:"listen" placeholder:"HOST:PORT"`
	PrivateListen    string        `help:"The address for operators only, with /metrics, /debug/pprof/ and the reasons of /readyz; without it, they are not served." type:"listen" placeholder:"HOST:PORT"`
	StopDelay        time.Duration `help:"For how long a server that is to stop goes on serving, while /readyz answers 503: the time that load balancers need to notice." default:"5s" type:"number" bounds:"0s..10m" placeholder:"TIME"`
	Migrate          bool          `help:"Migrate the database first; with --no-migrate the server stops if the database is not up to date." default:"true" negatable:""`
	OldIDs           bool          `name:"old-ids" help:"Accept the ids and cursors that versions before the opaque ones gave out, such as watch_12." default:"true" negatable:""`
	databaseSettings `group:"Database"`
	searchSettings   `group:"Search engine"`
	authSettings     `group:"Signing in, and the secret"`
	mailSettings     `group:"Mail, webhooks and the platform's pages"`
	limitSettings    `group:"Limits, and who may call"`
	traceSettings    `group:"Traces"`
	logSettings      `group:"The log"`
	pageSettings     `group:"The reference page"`
	Sources          []string `help:"The public sources to follow, separated by commas: boamp, ted, decp, find-a-tender." type:"sources" placeholder:"NAMES" group:"Public sources"`
	sourceSettings   `group:"Public sources"`
}

// plan is what the settings of a server decide before it is connected to
// anything.
type plan struct {
	verifier *verifier
	page     http.Handler
	mailing  *mailing
	gate     *gate
	trusted  map[string]string
	// keys sign links and addresses; nil without a secret.
	keys *link.Keys
	// lists are what feeds and calendars say beside tenders.
	lists *syndication.Lists
}

// plan checks whether the settings go together, and returns all that is wrong.
func (c *serverSettings) plan(now func() time.Time) (*plan, error) {
	var made plan
	var problems []error
	note := func(err error) { problems = append(problems, err) }
	if c.OIDCIssuer != "" && c.JWKSFile == "" { // else it is not asked for its keys
		if err := setting.CheckIssuerURL(c.OIDCIssuer); err != nil {
			note(fmt.Errorf("VIGIE_OIDC_ISSUER (--oidc-issuer) is %q: %w; its keys are found by its URL, such as https://issuer.example", c.OIDCIssuer, err))
		}
	}
	var err error
	made.verifier, err = c.verifier(now)
	note(err)
	made.page, err = c.pageSettings.open(c.BrandName)
	note(err)
	if made.page != nil {
		c.leadToPage()
	}
	letters, err := c.mailSettings.templates()
	note(err)
	made.mailing, err = c.mailSettings.open(c.Secret, letters)
	note(err)
	made.lists = c.mailSettings.lists(letters)
	if len(c.Secret) > 0 { // also where others send the mails
		made.keys, err = link.New(c.Secret)
		note(err)
	}
	made.gate, err = c.limitSettings.open(now)
	note(err)
	made.trusted, err = c.documents()
	note(err)
	if _, embedded := c.searchSettings.folder(c.Data); !embedded {
		_, err = c.searchSettings.servers()
		note(err)
	}
	err = errors.Join(problems...)
	if err != nil {
		made.mailing.close()
	}
	return &made, err
}

// serve is the command for production.
type serve struct{ serverSettings }

// garbage is how much memory may be allocated, in percent of what is in use,
// before the garbage is collected. A server keeps little, so at Go's own 100 it
// would collect all the time.
const garbage = 400

// Run runs the command. All settings are validated, and everything is opened,
// before any worker starts: no mail leaves under a wrong configuration.
func (c *serve) Run(ctx context.Context, p *process) error {
	if said, _ := p.env("GOGC"); said == "" {
		debug.SetGCPercent(garbage)
	}
	p.logging = c.logSettings
	plan, err := c.plan(p.now)
	if err != nil {
		return exit{misused, err}
	}
	defer plan.mailing.close()
	traces, err := c.traceSettings.open(ctx, p.log())
	if err != nil {
		return exit{misused, err}
	}
	defer traces.end(ctx, p.log())
	if c.Migrate {
		if err := c.migrate(ctx, p); err != nil {
			return err
		}
	}
	s, err := c.databaseSettings.openSite(ctx, p, c.searchSettings, traces)
	if err != nil {
		return err
	}
	if !c.OldIDs {
		s.store.IDs().RefuseOld()
	}
	s.page, s.mailing, s.gate, s.trusted, s.keep = plan.page, plan.mailing, plan.gate, plan.trusted, c.KeepMails
	s.lists, s.feeds = plan.lists, service.FeedAddresses{Keys: plan.keys, PublicURL: c.PublicURL}
	defer s.close()
	if err := useSecrets(ctx, s.store, c.Secret); err != nil { // also where others send the mails
		return err
	}
	if s.mailing != nil {
		if err := s.mailing.reseal(ctx, s); err != nil {
			return err
		}
	}
	s.depend(plan)
	plan.verifier.place = plan.gate.enterSignIn
	s.signIn = within(c.MaxTime, bearer(plan.verifier, s.store))
	var followers []*source.Follower
	if len(c.Sources) > 0 {
		if followers, err = c.followers(c.Sources, s.store, p); err != nil {
			return err
		}
	}
	doors, err := c.doors(ctx, s)
	if err != nil {
		return err
	}
	ctx, stop := s.untilStopped(ctx, c.StopDelay)
	defer stop()
	defer s.follow(ctx)()
	defer s.alert(ctx, p)()
	defer s.read(ctx, followers)()
	servers, ctx := errgroup.WithContext(ctx)
	for _, door := range doors {
		servers.Go(func() error { return door.serve(ctx, s.log) })
	}
	return servers.Wait()
}

// untilStopped returns a context that ends a while after ctx. In that time the process is not ready, and does its work
// all the same: load balancers are still sending it requests, until they have noticed.
func (s *site) untilStopped(ctx context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		s.ready.stopping.Store(true)
		s.log.InfoContext(working, "stopping", "after", while, "component", "server", "action", "stop")
		time.AfterFunc(while, stop)
	})
	return working, stop
}

// doors takes the addresses of a server: the public one, and the private one
// where it is set.
func (c *serverSettings) doors(ctx context.Context, s *site) ([]door, error) {
	public, err := bind(ctx, c.Listen)
	if err != nil {
		return nil, fmt.Errorf("VIGIE_LISTEN (--listen): %w", err)
	}
	doors := []door{{s.gate.limitConnections(public, s.log), s.handler()}}
	if c.PrivateListen != "" {
		private, err := bind(ctx, c.PrivateListen)
		if err != nil {
			public.Close()
			return nil, fmt.Errorf("VIGIE_PRIVATE_LISTEN (--private-listen): %w", err)
		}
		doors = append(doors, door{private, s.private()})
		s.log.InfoContext(ctx, "serving metrics", "at", private.Addr().String(), "component", "server", "action", "start")
	}
	s.log.InfoContext(ctx, "listening", "address", public.Addr().String(), "component", "server", "action", "start")
	return doors, nil
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
	s := &site{log: p.log(), now: p.now, metrics: newRegistry(), traces: t}
	s.measures = newRequestMetrics(s.metrics)
	if p.takeLog != nil {
		p.takeLog(s.log)
	}
	var err error
	if s.store, err = d.openWith(ctx, p, store.Open); err != nil {
		return nil, fmt.Errorf("%s: %w", database.Name(d.url()), err)
	}
	s.log.InfoContext(ctx, "database opened", "database", database.Name(d.url()), "component", "server", "action", "start")
	if p.queries != nil {
		s.store.Database().Observe(p.queries)
	}
	if s.engine, s.nodes, err = search.open(d.Data, s.log); err != nil {
		s.store.Close()
		return nil, err
	}
	if !t.off() {
		s.store.Database().Observe(queries{t.tracer})
		s.engine = tracedEngine{s.engine, t.tracer}
	}
	db := dependency.New("database", s.store.Database().Ping, operatorMessage, s.log)
	engine := dependency.New("search", s.engine.Ping, operatorMessage, s.log)
	s.dependencies = append([]*dependency.Dependency{db, engine}, s.searchNodes()...)
	p.away = func() bool {
		if slices.ContainsFunc(s.dependencies, func(d *dependency.Dependency) bool { return d.Err() != nil }) {
			return true
		}
		db.Suspect()
		engine.Suspect()
		return false
	}
	s.engine = guardedEngine{s.engine, engine, newSearchSeconds(s.metrics)}
	s.consumers = consumer.NewMetrics(s.store.Database(), s.now, s.log)
	s.consumers.Answers = db.Answers
	s.metrics.MustRegister(s.consumers, collectors.NewDBStatsCollector(s.store.Database().DB.DB, "vigie"))
	s.indexer = feed.NewIndexer(s.store, s.engine, s.log, s.fedNodes()...)
	s.indexer.Metrics, s.indexer.Fail = s.consumers, p.fail
	s.matcher = feed.NewMatcher(s.metrics, s.log)
	s.matcher.Metrics = s.consumers
	s.ready = &readiness{database: db, search: engine, all: s.dependencies, index: s.searchable, consumers: s.consumers}
	s.metrics.MustRegister(newHealthMetrics(s.ready), newNodeMetrics(s.nodes))
	s.news = feed.NewBroadcaster(s.store, s.log)
	s.news.Metrics, s.news.Fail = s.consumers, p.fail
	return s, nil
}

// depend adds what a server depends on by its settings beside database and search engine.
func (s *site) depend(p *plan) {
	if keys, ok := p.verifier.keys.(*issuerKeys); ok {
		s.dependencies = append(s.dependencies, keys.dependency(s.log))
	}
	if p.mailing != nil {
		mailer := p.mailing.mailer
		d := dependency.New("mail", func(ctx context.Context) error { return post.Check(ctx, mailer) }, operatorMessage, s.log)
		d.Every, d.Again, d.Timeout = time.Minute, 15*time.Second, 10*time.Second
		s.dependencies = append(s.dependencies, d)
		p.mailing.mailer = tracedMailer{watchedMailer{mailer, d}, s.traces.tracer}
	}
	if s.traces.collector != nil {
		s.dependencies = append(s.dependencies, s.traces.collector)
	}
	s.ready.all = s.dependencies
}

// searchable returns why searches find nothing; nil where they do.
func (s *site) searchable() error {
	_, err := s.indexer.Index()
	return err
}

// close closes the backends.
func (s *site) close() {
	s.engine.Close()
	s.store.Close()
}

// follow runs the consumers of the index, of subscribers, of the directory of buyers and of retention, and
// gives memory back to the system, until stop.
func (s *site) follow(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { s.indexer.Run(ctx) })
	if s.nodes != nil {
		done.Go(func() { s.nodes.Run(ctx) })
	}
	done.Go(func() { s.news.Run(ctx) })
	done.Go(func() { (&feed.Buyers{Store: s.store, Log: s.log, Metrics: s.consumers}).Run(ctx) })
	done.Go(func() { trim(ctx) })
	for _, d := range s.dependencies {
		done.Go(func() { d.Run(ctx) })
	}
	done.Go(func() {
		(&alert.Retention{Store: s.store, Now: s.now, Log: s.log, Months: s.keep, Metrics: s.consumers}).Run(ctx)
	})
	return func() {
		cancel()
		done.Wait()
	}
}

// migrate is the command that brings the database up to date.
type migrate struct{ databaseSettings }

// Run runs the command.
func (c *migrate) Run(ctx context.Context, p *process) error {
	c.named(p)
	found, err := database.Open(ctx, c.url(), p.now)
	if err == nil {
		found.Close()
	}
	if err := c.migrate(ctx, p); err != nil {
		return err
	}
	switch vigie.CodeOf(err) {
	case database.Empty:
		fmt.Fprintln(p.out, "The database was made.")
	case database.Older:
		fmt.Fprintln(p.out, "The database was migrated to this version.")
	default:
		fmt.Fprintln(p.out, "The database is up to date: there was nothing to do.")
	}
	return nil
}

// reindex is the command that has the index rebuilt.
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
		fmt.Fprintf(p.out, "The running server, or the next one that starts, builds %s; the old index answers until it is ready.\n", index.Name)
	}
	return err
}

// restored is the command that begins a new past for a database that was
// restored from a backup.
type restored struct{ databaseSettings }

// Run runs the command.
func (c *restored) Run(ctx context.Context, p *process) error {
	c.named(p)
	s, err := c.openWith(ctx, p, store.OpenAlone)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Restored(ctx); err != nil {
		return err
	}
	fmt.Fprintln(p.out, "The database is ready. The server rebuilds its search index when it starts. Numbers that were used after the backup are not used again.")
	return nil
}
