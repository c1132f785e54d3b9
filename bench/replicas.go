package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"vigie"
	"vigie/bench/corpus"
	"vigie/bench/live"
	"vigie/store"
)

// replicasCommand is the command that measures several servers on one database, and several publishers.
type replicasCommand struct {
	Replicas    []int  `default:"1,2,4" help:"How many servers, and how many processes that publish."`
	Tenders     int    `default:"20000" help:"How many tenders there are."`
	Requests    int    `default:"4000" help:"How many requests are answered."`
	Clients     int    `default:"8" help:"How many clients ask at once."`
	Publish     int    `default:"60000" help:"How many notices are published, by all processes together."`
	Binary      string `default:"bin/vigie" help:"The server, as make build makes it."`
	Postgres    string `env:"VIGIE_TEST_POSTGRES_URL" required:"" help:"A PostgreSQL server (postgres://…) to make a database in." placeholder:"URL"`
	Meilisearch string `default:"meilisearch" help:"The program of Meilisearch."`
	Notices     string `env:"VIGIE_TEST_DATA" help:"A folder of BOAMP notices to take words from; by default the bundled samples." placeholder:"DIR"`
	JSON        bool   `name:"json" help:"Print JSON."`
}

// Validate checks the numbers; kong calls it.
func (c *replicasCommand) Validate() error {
	for _, n := range append(slices.Clone(c.Replicas), c.Tenders, c.Requests, c.Clients, c.Publish) {
		if n < 1 {
			return errors.New("--replicas, --tenders, --requests, --clients and --publish must be at least 1")
		}
	}
	return nil
}

// ReplicasReport is what was measured.
type ReplicasReport struct {
	Reads      []ReplicaReads      `json:"reads"`
	Publishing []ReplicaPublishing `json:"publishing"`
}

// ReplicaReads is how so many servers answered.
type ReplicaReads struct {
	Replicas  int     `json:"replicas"`
	PerSecond float64 `json:"per_s"`
	// ServerMicros, PostgresMicros and MeiliMicros are the processor time of a request in all servers, in PostgreSQL and in
	// Meilisearch, in microseconds.
	ServerMicros   float64 `json:"server_us"`
	PostgresMicros float64 `json:"postgres_us"`
	MeiliMicros    float64 `json:"meilisearch_us"`
	Waits          []Wait  `json:"waits"`
}

// ReplicaPublishing is how so many processes published at once.
type ReplicaPublishing struct {
	Processes int     `json:"processes"`
	PerSecond float64 `json:"per_s"`
	// HereMicros and PostgresMicros are the processor time of a notice, in microseconds.
	HereMicros     float64 `json:"here_us"`
	PostgresMicros float64 `json:"postgres_us"`
	// QueueMicros and NumbersMicros are for how long a notice keeps all other publishers, and all other changes, waiting, in
	// microseconds: no number of processes publishes more than one notice in that time.
	QueueMicros   float64 `json:"queue_us"`
	NumbersMicros float64 `json:"numbers_us"`
	// QueueCPUMicros is the part of HereMicros in which the queue was held: with PostgresMicros, for how long it would be held
	// if nothing else kept the processors busy, and PostgreSQL were beside.
	QueueCPUMicros float64 `json:"queue_cpu_us"`
	// EditP50 and EditP95 are how long an edit of a watch took meanwhile, in milliseconds.
	EditP50 float64 `json:"edit_p50_ms"`
	EditP95 float64 `json:"edit_p95_ms"`
	Waits   []Wait  `json:"waits"`
}

// Wait is what transactions of the database did, in a share of all that were looked at.
type Wait struct {
	What  string  `json:"what"`
	Share float64 `json:"share"`
}

// Run runs the command.
func (c *replicasCommand) Run(ctx context.Context, out io.Writer) (err error) {
	m := &replicaMeasure{replicasCommand: c}
	defer func() { err = errors.Join(err, m.close()) }()
	if err := m.open(ctx); err != nil {
		return err
	}
	var report ReplicasReport
	for _, n := range c.Replicas {
		reads, err := m.reads(ctx, n)
		if err != nil {
			return fmt.Errorf("%d replicas: %w", n, err)
		}
		report.Reads = append(report.Reads, reads)
	}
	for _, n := range c.Replicas {
		published, err := m.publish(ctx, n)
		if err != nil {
			return fmt.Errorf("%d processes that publish: %w", n, err)
		}
		report.Publishing = append(report.Publishing, published)
	}
	if c.JSON {
		return printJSON(out, report)
	}
	return printReplicas(out, report)
}

func printReplicas(out io.Writer, r ReplicasReport) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "replicas\trequests a second\tCPU µs a request: servers\tPostgreSQL\tMeilisearch\tall\t")
	for _, m := range r.Reads {
		fmt.Fprintf(table, "%d\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t\n", m.Replicas, m.PerSecond, m.ServerMicros, m.PostgresMicros, m.MeiliMicros,
			m.ServerMicros+m.PostgresMicros+m.MeiliMicros)
	}
	fmt.Fprintln(table, "\nprocesses\tnotices a second\tCPU µs a notice: here\tin the queue\tPostgreSQL\tqueue held µs a notice\tchange numbers\tedit of a watch p50 ms\tp95\t")
	for _, m := range r.Publishing {
		fmt.Fprintf(table, "%d\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.1f\t%.1f\t\n", m.Processes, m.PerSecond, m.HereMicros, m.QueueCPUMicros, m.PostgresMicros, m.QueueMicros, m.NumbersMicros, m.EditP50, m.EditP95)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	say := func(what string, n int, waits []Wait) {
		fmt.Fprintf(out, "\n%d %s, what transactions did:\n", n, what)
		for _, w := range waits {
			fmt.Fprintf(out, "  %4.1f %%  %s\n", 100*w.Share, w.What)
		}
	}
	for _, m := range r.Reads {
		say("replicas", m.Replicas, m.Waits)
	}
	for _, m := range r.Publishing {
		say("processes that publish", m.Processes, m.Waits)
	}
	return nil
}

// replicaMeasure is a database with Meilisearch, on which servers and publishers are started.
type replicaMeasure struct {
	*replicasCommand
	dir      string
	database string
	admin    *pgx.Conn
	postgres int // its process
	store    *store.Store
	meili    *live.Meilisearch
	words    *corpus.Corpus
	token    string
	watches  []string // of who asks
	edited   *vigie.Watch
	rounds   int
}

// open makes the database, with tenders and a few watches.
func (m *replicaMeasure) open(ctx context.Context) (err error) {
	if m.words, err = corpus.Open(m.Notices); err != nil {
		return err
	}
	if m.dir, err = os.MkdirTemp("", "vigie-replicas-"); err != nil {
		return err
	}
	if m.admin, err = pgx.Connect(ctx, m.Postgres); err != nil {
		return err
	}
	m.postgres = live.Parent(int(m.admin.PgConn().PID()))
	u, err := url.Parse(m.Postgres)
	if err != nil {
		return err
	}
	u.Path = "/" + filepath.Base(m.dir)
	m.database = u.String()
	if _, err := m.admin.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{filepath.Base(m.dir)}.Sanitize()); err != nil {
		return err
	}
	if err := store.Migrate(ctx, m.database); err != nil {
		return err
	}
	if m.store, err = store.Open(ctx, m.database, time.Now); err != nil {
		return err
	}
	if m.meili, err = live.StartMeilisearch(ctx, m.Meilisearch, m.dir); err != nil {
		return err
	}
	if m.token, err = live.Token(prober, nil); err != nil {
		return err
	}
	next, stop := iter.Pull(m.words.Calls(m.Tenders, scaleSeed, time.Now()))
	defer stop()
	if _, err := importStage(ctx, m.store, next, m.Tenders); err != nil {
		return err
	}
	if m.watches, err = probes(ctx, m.store, m.words); err != nil {
		return err
	}
	m.edited, err = watchOf(ctx, m.store, 0, scaleWord, false)
	return err
}

// close removes all of it.
func (m *replicaMeasure) close() error {
	var errs []error
	ctx := context.Background()
	if m.store != nil {
		errs = append(errs, m.store.Close())
	}
	if m.meili != nil {
		errs = append(errs, m.meili.Stop())
	}
	if m.admin != nil {
		_, err := m.admin.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{filepath.Base(m.dir)}.Sanitize()+" WITH (FORCE)")
		errs = append(errs, err, m.admin.Close(ctx))
	}
	return errors.Join(append(errs, os.RemoveAll(m.dir))...)
}

// reads starts so many servers and has them answer requests in turn.
func (m *replicaMeasure) reads(ctx context.Context, replicas int) (r ReplicaReads, err error) {
	var servers []*live.Server
	defer func() {
		for _, s := range servers {
			err = errors.Join(err, s.Stop())
		}
	}()
	for n := range replicas {
		s, err := live.Start(ctx, m.Binary, "VIGIE_DATABASE_URL="+m.database, "VIGIE_SEARCH_URL="+m.meili.URL, "VIGIE_SEARCH_KEY="+m.meili.Key,
			fmt.Sprintf("VIGIE_DATA=%s/%d", m.dir, n))
		if err != nil {
			return r, err
		}
		servers = append(servers, s)
		if err := s.CaughtUp(ctx); err != nil {
			return r, err
		}
	}
	if _, err := m.ask(ctx, servers, min(m.Requests, 50*replicas)); err != nil { // caches and connections
		return r, err
	}
	used := func() (all time.Duration) {
		for _, s := range servers {
			all += live.CPU(s.PID)
		}
		return all
	}
	waits, err := m.watchWaits(ctx)
	if err != nil {
		return r, err
	}
	inServers, inPostgres, inMeili := used(), live.CPU(m.postgres), live.CPU(m.meili.PID)
	took, err := m.ask(ctx, servers, m.Requests)
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(m.Requests) }
	return ReplicaReads{
		Replicas: replicas, PerSecond: float64(m.Requests) / took.Seconds(), ServerMicros: each(used() - inServers),
		PostgresMicros: each(live.CPU(m.postgres) - inPostgres), MeiliMicros: each(live.CPU(m.meili.PID) - inMeili), Waits: waits(),
	}, err
}

// ask asks the servers in turn, as several clients at once.
func (m *replicaMeasure) ask(ctx context.Context, servers []*live.Server, requests int) (took time.Duration, err error) {
	var number atomic.Int64
	var clients sync.WaitGroup
	failed := make(chan error, m.Clients)
	start := time.Now()
	for range m.Clients {
		clients.Go(func() {
			for n := int(number.Add(1)) - 1; n < requests; n = int(number.Add(1)) - 1 {
				query, variables := m.question(n)
				if err := servers[n%len(servers)].Ask(ctx, m.token, query, variables, new(any)); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	clients.Wait()
	close(failed)
	return time.Since(start), <-failed
}

const mineQuery = `{ watches(first: 50) { nodes { id name active frequency criteria { keywords keywordMode departments { code } natures cpvCodes } } } }`

// question is what is asked as the nth: lists, one's watches, and beginnings of buyers' names.
func (m *replicaMeasure) question(n int) (query string, variables map[string]any) {
	round := n / 5
	switch n % 5 {
	case 0, 1:
		return pageQuery, map[string]any{"id": m.watches[round%len(m.watches)]}
	case 2, 3:
		return mineQuery, nil
	}
	return buyerQuery, map[string]any{"q": string(rune('a' + round%26))}
}

// publish has so many processes publish at once, while a watch is edited.
func (m *replicaMeasure) publish(ctx context.Context, processes int) (r ReplicaPublishing, err error) {
	waits, err := m.watchWaits(ctx)
	if err != nil {
		return r, err
	}
	edits, err := m.edit(ctx)
	if err != nil {
		return r, err
	}
	m.rounds++
	before := live.CPU(m.postgres)
	said := make([]publishing, processes)
	errs := make([]error, processes)
	var running sync.WaitGroup
	for n := range processes {
		running.Go(func() {
			said[n], errs[n] = m.publisher(ctx, fmt.Sprintf("round%d-%d", m.rounds, n), m.Publish/processes)
		})
	}
	running.Wait()
	inPostgres := live.CPU(m.postgres) - before
	took, err := edits()
	r = ReplicaPublishing{Processes: processes, Waits: waits()}
	if err := errors.Join(append(errs, err)...); err != nil {
		return r, err
	}
	slices.Sort(took)
	r.EditP50, r.EditP95 = millis(took[len(took)/2]), millis(took[len(took)*95/100])
	began, ended := said[0].Began, said[0].Ended
	var total publishing
	for _, p := range said {
		began, ended = min(began, p.Began), max(ended, p.Ended)
		total.Notices += p.Notices
		total.CPU += p.CPU
		total.Queue += p.Queue
		total.Numbers += p.Numbers
		total.QueueCPU += p.QueueCPU
	}
	micros := func(seconds float64) float64 { return seconds * 1e6 / float64(total.Notices) }
	r.PerSecond = float64(total.Notices) / (ended - began)
	r.HereMicros, r.PostgresMicros = micros(total.CPU), micros(inPostgres.Seconds())
	r.QueueMicros, r.NumbersMicros = micros(total.Queue), micros(total.Numbers)
	r.QueueCPUMicros = micros(total.QueueCPU)
	return r, nil
}

// publisher runs a process that publishes.
func (m *replicaMeasure) publisher(ctx context.Context, source string, count int) (said publishing, err error) {
	self, err := os.Executable()
	if err != nil {
		return said, err
	}
	command := exec.CommandContext(ctx, self, "publish", "--database", m.database, "--source", source, "--count", fmt.Sprint(count), "--notices", m.Notices)
	command.Stderr = os.Stderr
	text, err := command.Output()
	if err != nil {
		return said, err
	}
	return said, json.Unmarshal(text, &said)
}

// edit edits a watch again and again, and says in the end how long each edit took.
func (m *replicaMeasure) edit(ctx context.Context) (end func() ([]time.Duration, error), err error) {
	account, err := m.store.SignIn(ctx, store.Claims{Issuer: "bench", Subject: "p0", Email: "p0@example.org", EmailVerified: true})
	if err != nil {
		return nil, err
	}
	stop, done := make(chan struct{}), make(chan struct{})
	var took []time.Duration
	go func() {
		defer close(done)
		for err == nil {
			start := time.Now()
			_, err = m.store.UpdateWatch(ctx, account, m.edited.ID, func(w *vigie.Watch) { w.Active = !w.Active }, nil, nil)
			took = append(took, time.Since(start))
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() ([]time.Duration, error) {
		close(stop)
		<-done
		return took, err
	}, nil
}
