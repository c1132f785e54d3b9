package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/alert"
	"vigie/alert/letter"
	"vigie/alert/link"
	"vigie/alert/post"
	"vigie/feed"
	"vigie/store"
)

// AlertOptions say what [Alert] measures.
type AlertOptions struct {
	// Recipients is how many people get an alert about the tender, each by a watch
	// of its own.
	Recipients int
	// Connections is how many connections to the mail server are used at once.
	Connections int
	// Postgres is the URL of a PostgreSQL server, in which a schema is made for
	// the time of the measure; "" for a SQLite file.
	Postgres string
	// Profile is a file for what the processor did, in the form of pprof; "" for none.
	Profile string
}

// AlertReport is what [Alert] measured.
type AlertReport struct {
	Database   string `json:"database"`
	Recipients int    `json:"recipients"`
	// SetUpSeconds is how long it took to sign the people in and save their
	// watches.
	SetUpSeconds float64 `json:"set_up_s"`
	// P50, P95 and Max are how long after the tender was published the mail
	// server had accepted mails, in seconds.
	P50 float64 `json:"p50_s"`
	P95 float64 `json:"p95_s"`
	Max float64 `json:"max_s"`
	// MailsPerSecond is from the first mail accepted to the last.
	MailsPerSecond float64 `json:"mails_per_s"`
	// CPUMicros is the processor time of this process for a mail from the publication on, the SMTP server's included.
	CPUMicros float64 `json:"cpu_us"`
}

// Alert measures alerts from a tender's publication to the mails accepted by an
// SMTP server on loopback, with everything in between as in production: the
// ledger, the matcher, the sender, the database.
func Alert(ctx context.Context, o AlertOptions) (report *AlertReport, err error) {
	s, kind, drop, err := emptyStore(ctx, o.Postgres)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	report = &AlertReport{Database: kind, Recipients: o.Recipients}
	start := time.Now()
	if err := signUp(ctx, s, o.Recipients, "voirie"); err != nil {
		return nil, err
	}
	report.SetUpSeconds = time.Since(start).Seconds()

	sink := &sink{accepted: make(map[string]time.Time), all: make(chan struct{}), want: o.Recipients}
	address, stop, err := sink.listen(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	mailer, err := post.Open(fmt.Sprintf("smtp://%s?tls=none&connections=%d", address, o.Connections))
	if err != nil {
		return nil, err
	}
	defer mailer.Close()
	log := warnings()
	channel, err := mails(s, mailer, log)
	if err != nil {
		return nil, err
	}
	published, used, err := publish(ctx, s, channel, log, sink.all, o.Profile)
	if err != nil {
		return nil, err
	}
	report.CPUMicros = float64(used.Microseconds()) / float64(o.Recipients)
	report.measure(sink.times(), published)
	return report, nil
}

// emptyStore makes a store in an empty database of a kind, and says how to remove it.
func emptyStore(ctx context.Context, postgres string) (s *store.Store, kind string, drop func() error, err error) {
	database, remove, err := emptyDatabase(ctx, postgres)
	if err != nil {
		return nil, "", nil, err
	}
	if err = store.Migrate(ctx, database); err == nil {
		s, err = store.Open(ctx, database, time.Now)
	}
	if err != nil {
		return nil, "", nil, errors.Join(err, remove())
	}
	kind, _, _ = strings.Cut(database, ":")
	return s, kind, func() error { return errors.Join(s.Close(), remove()) }, nil
}

// emptyDatabase makes a database, and says how to remove it.
func emptyDatabase(ctx context.Context, postgres string) (database string, drop func() error, err error) {
	if postgres == "" {
		dir, err := os.MkdirTemp("", "vigie-bench-")
		return "sqlite:" + filepath.Join(dir, "vigie.db"), func() error { return os.RemoveAll(dir) }, err
	}
	schema := fmt.Sprintf("vigie_bench_%d", time.Now().UnixNano())
	execute := func(ctx context.Context, statement string) error {
		conn, err := pgx.Connect(ctx, postgres)
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, statement)
		return err
	}
	u, err := url.Parse(postgres)
	if err != nil {
		return "", nil, err
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	drop = func() error { return execute(context.WithoutCancel(ctx), "DROP SCHEMA "+schema+" CASCADE") }
	return u.String(), drop, execute(ctx, "CREATE SCHEMA "+schema)
}

// signUp signs people in who look for the same word, each in its own way.
func signUp(ctx context.Context, s *store.Store, people int, word string) error {
	for i := range people {
		if _, err := watchOf(ctx, s, i, word, true); err != nil {
			return err
		}
	}
	return nil
}

// watchOf signs the nth person in, with a watch for a word that mails, or not.
func watchOf(ctx context.Context, s *store.Store, n int, word string, mails bool) (*vigie.Watch, error) {
	name := fmt.Sprintf("p%d", n)
	account, err := s.SignIn(ctx, store.Claims{Issuer: "bench", Subject: name, Email: name + "@example.org", EmailVerified: true})
	if err != nil {
		return nil, err
	}
	return s.CreateWatch(ctx, account, vigie.Watch{
		Name: word, NameKey: vigie.NameKey(word), Active: true, Frequency: vigie.Immediate,
		Criteria: vigie.Criteria{Keywords: []string{word, name}, KeywordMode: vigie.AnyKeyword},
	}, mails, nil)
}

// mails is the channel to a mail server.
func mails(s *store.Store, mailer post.Mailer, log *slog.Logger) (alert.Channel, error) {
	templates, err := letter.Load(nil)
	if err != nil {
		return nil, err
	}
	keys, err := link.New([]string{strings.Repeat("s", link.MinSecret)})
	if err != nil {
		return nil, err
	}
	return &alert.Mail{Store: s, Mailer: mailer, Templates: templates, Keys: keys, Log: log, Settings: alert.Settings{
		Brand: letter.Brand{Name: "Vigie"}, From: mail.Address{Name: "Vigie", Address: "veille@vigie.example"},
		Bounces: "bounces@vigie.example", PublicURL: "https://vigie.example",
	}}, nil
}

// warnings is a log of what goes wrong.
func warnings() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// publish publishes a tender, and works until everyone has got the alert, through a channel. It returns when the tender was
// published, and the processor time used since.
func publish(ctx context.Context, s *store.Store, channel alert.Channel, log *slog.Logger, all <-chan struct{}, profile string) (published time.Time, used time.Duration, err error) {
	const version = "bench"
	index, err := s.BeginIndex(ctx, version)
	if err == nil {
		err = s.IndexReached(ctx, index.Name, 1<<62)
	}
	if err != nil {
		return published, 0, err
	}
	metrics := prometheus.NewRegistry()
	ledger := &alert.Alerter{Store: s, Matcher: feed.NewMatcher(metrics, log), Now: time.Now, Log: log, MaxAge: 24 * time.Hour}
	sender := &alert.Sender{
		Store: s, Now: time.Now, Log: log, Lease: 90 * time.Second, Spacing: time.Minute, IndexVersion: version, Metrics: alert.NewMetrics(metrics), Channel: channel,
	}
	// What people look for is known, as it is to a server that has been running.
	if err := ledger.Step(ctx); err != nil {
		return published, 0, err
	}
	if err := sender.Step(ctx); err != nil {
		return published, 0, err
	}
	stopProfile, err := startProfile(profile)
	if err != nil {
		return published, 0, err
	}
	defer func() { err = errors.Join(err, stopProfile()) }()
	working, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	work.Go(func() { ledger.Run(working) })
	work.Go(func() { sender.Run(working) })
	if err := alerterRuns(ctx, s); err != nil {
		return published, 0, err
	}
	published, used = time.Now(), processorTime()
	if err := publishCall(ctx, s, "1", "Réfection de la voirie communale"); err != nil {
		return published, 0, err
	}
	select {
	case <-all:
		return published, processorTime() - used, nil
	case <-ctx.Done():
		return published, 0, ctx.Err()
	}
}

// alerterRuns waits until the alerter runs, as that of a server does: it has processed a tender that nobody looks for.
func alerterRuns(ctx context.Context, s *store.Store) error {
	if err := publishCall(ctx, s, "0", "Fourniture de cordes de piano"); err != nil {
		return err
	}
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		switch behind, err := s.AlertsBehind(ctx); {
		case err != nil:
			return err
		case behind.Changes == 0:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
	}
}

// publishCall publishes a call for tenders.
func publishCall(ctx context.Context, s *store.Store, ref, title string) error {
	now := time.Now().UTC().Truncate(time.Second)
	_, err := s.Publish(ctx, []*vigie.Notice{{
		Source: "bench", SourceRef: ref, Kind: vigie.ContractNotice, PublishedAt: now,
		Buyer:   vigie.BuyerName{Name: "Commune d'Exemple"},
		Content: vigie.Content{Title: title, Departments: []string{"01"}, Deadline: new(now.Add(30 * 24 * time.Hour))},
	}})
	return err
}

// startProfile has what the processor does written to a file, "" for none.
func startProfile(file string) (stop func() error, err error) {
	if file == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// delays are how long after a moment things happened, in seconds: half of them, 95 of 100 and all within that.
func delays(since time.Time, times []time.Time) (p50, p95, most float64) {
	slices.SortFunc(times, time.Time.Compare)
	after := func(share float64) float64 {
		return times[min(len(times)-1, int(share*float64(len(times))))].Sub(since).Seconds()
	}
	return after(0.5), after(0.95), after(1)
}

// rate is how many things happened in a second, from the first to the last; times are in order.
func rate(times []time.Time) float64 {
	return float64(len(times)) / times[len(times)-1].Sub(times[0]).Seconds()
}

func (r *AlertReport) measure(accepted []time.Time, published time.Time) {
	r.P50, r.P95, r.Max = delays(published, accepted)
	r.MailsPerSecond = rate(accepted)
}

// sink is an SMTP server that notes when it accepted the mail to each address.
type sink struct {
	mutex    sync.Mutex
	accepted map[string]time.Time
	want     int
	all      chan struct{} // closed when it has them
}

func (s *sink) listen(ctx context.Context) (address string, stop func(), err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &delivery{sink: s}, nil }))
	server.Domain = "sink.example"
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().String(), func() { server.Close() }, nil
}

func (s *sink) times() []time.Time {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var times []time.Time
	for _, at := range s.accepted {
		times = append(times, at)
	}
	return times
}

// delivery is a connection to a sink.
type delivery struct {
	sink *sink
	to   string
}

func (d *delivery) Mail(string, *smtp.MailOptions) error { return nil }

func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	d.to = to
	return nil
}

func (d *delivery) Data(r io.Reader) error {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	d.sink.mutex.Lock()
	defer d.sink.mutex.Unlock()
	if _, again := d.sink.accepted[d.to]; again {
		return nil
	}
	d.sink.accepted[d.to] = time.Now()
	if len(d.sink.accepted) == d.sink.want {
		close(d.sink.all)
	}
	return nil
}

func (d *delivery) Reset()        {}
func (d *delivery) Logout() error { return nil }
