package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/alert"
	"vigie/alert/letter"
	"vigie/alert/link"
	"vigie/alert/post"
	"vigie/feed"
	"vigie/importer"
	"vigie/source"
	"vigie/source/sourcetest"
	"vigie/store"
	"vigie/store/storetest"
)

// TestYear follows BOAMP and TED through a simulated time, with corrections, awards, duplicates, late notices, and faults
// of every kind in 5 of 100 answers; the server is stopped in the middle of its work again and again. In the end the
// tenders are those of a reading without faults, each day was read whole, and everybody was mailed once of what is still
// online. VIGIE_TEST_DAYS and VIGIE_TEST_NOTICES, a day, make it longer than the 6 days of 20 notices that it takes.
func TestYear(t *testing.T) {
	t.Parallel()
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
			return n
		}
		return otherwise
	}
	days, perDay := number("VIGIE_TEST_DAYS", 6), number("VIGIE_TEST_NOTICES", 20)
	if testing.Short() {
		days, perDay = 2, 12
	}
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			y := newYear(t, open(t), uint64(len(kind)))
			y.services.Rows = max(y.services.Rows, perDay/4)
			y.run(days, perDay)
			y.compare(days)
		})
	}
}

// year is a server's parts with a clock of their own.
type year struct {
	t        *testing.T
	url      string
	now      time.Time
	random   *rand.Rand
	services *sourcetest.Services
	web      *source.Web
	readers  []source.Reader
	script   *sourcetest.Script
	store    *store.Store
	alerter  *alert.Alerter
	sender   *alert.Sender
	index    store.SearchIndex
	// mailed counts, by address, the tenders in mails: also those that a long mail only counts.
	mailed map[string]int
	stops  int
	log    *slog.Logger
}

const yearBegins = source.Day("2026-11-02")

func newYear(t *testing.T, url string, seed uint64) *year {
	y := &year{
		t: t, url: url, now: yearBegins.Start().Add(7 * time.Hour), random: rand.New(rand.NewPCG(seed, 2)), mailed: make(map[string]int),
		log: slog.New(slog.DiscardHandler),
	}
	clock := func() time.Time { return y.now }
	y.services = sourcetest.New(clock, seed)
	y.script = sourcetest.NewScript(y.services, seed)
	serve := func(h http.Handler) string {
		server := httptest.NewUnstartedServer(h)
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		server.Start()
		t.Cleanup(server.Close)
		return server.URL
	}
	y.web = &source.Web{Client: &http.Client{}, Agent: "test", Now: clock, Pause: time.Millisecond, Silence: 50 * time.Millisecond}
	ted := serve(y.services.TED())
	y.readers = []source.Reader{source.BOAMP{URL: serve(y.services.BOAMP()), Web: y.web}, source.TED{SearchURL: ted, NoticeURL: ted, Web: y.web}}
	y.start()
	for _, name := range []string{"ana", "ben"} {
		account, err := y.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: name, Email: name + "@example.org", EmailVerified: true})
		if err != nil {
			t.Fatal(err)
		}
		watch := vigie.Watch{Name: "Voirie", NameKey: "voirie", Active: true, Frequency: vigie.Immediate}
		watch.Criteria = vigie.Criteria{Keywords: []string{map[string]string{"ana": "voirie", "ben": "éclairage"}[name]}, KeywordMode: vigie.AllKeywords}
		if _, err := y.store.CreateWatch(t.Context(), account, watch, true, nil); err != nil {
			t.Fatal(err)
		}
	}
	return y
}

// start opens the store, as a server does that starts.
func (y *year) start() {
	y.t.Helper()
	clock := func() time.Time { return y.now }
	var err error
	if y.store, err = store.Open(y.t.Context(), y.url, clock); err != nil {
		y.t.Fatal(err)
	}
	y.alerter = &alert.Alerter{Store: y.store, Matcher: feed.NewMatcher(prometheus.NewRegistry(), y.log), Now: clock, Log: y.log, MaxAge: 14 * 24 * time.Hour}
	templates, err := letter.Load(fstest.MapFS{"digest.txt": {Data: []byte("{{range .Sections}}{{.Count}}\n{{end}}")}})
	if err != nil {
		y.t.Fatal(err)
	}
	keys, err := link.New([]string{testSecret})
	if err != nil {
		y.t.Fatal(err)
	}
	y.sender = &alert.Sender{
		Store: y.store, Now: clock, Lease: 90 * time.Second, Spacing: time.Minute,
		Log: y.log, IndexVersion: "year", Metrics: alert.NewMetrics(prometheus.NewRegistry()),
		Channel: &alert.Mail{Store: y.store, Mailer: y, Templates: templates, Keys: keys, Log: y.log, Settings: alert.Settings{
			Brand: letter.Brand{Name: "Vigie"}, From: mail.Address{Address: "veille@vigie.example"}, PublicURL: "https://vigie.example",
		}},
	}
	if y.index, err = y.store.BeginIndex(y.t.Context(), "year"); err != nil {
		y.t.Fatal(err)
	}
}

// Send counts what a mail says.
func (y *year) Send(_ context.Context, m post.Message) error {
	for line := range strings.Lines(m.Text) {
		if n, err := strconv.Atoi(strings.TrimSpace(line)); err == nil {
			y.mailed[m.To] += n
		}
	}
	return nil
}

func (y *year) AtOnce() int { return 1 }

func (y *year) Close() error { return nil }

// run lets the days pass.
func (y *year) run(days, perDay int) {
	y.services.Rate = 5
	for d, end := yearBegins, yearBegins.Add(days); d < end; d = d.Add(1) {
		y.script.Day(string(d), d.Start(), perDay)
		for y.now.Before(d.End()) {
			y.turn()
			y.now = y.now.Add(time.Duration(30+y.random.IntN(240)) * time.Minute)
		}
	}
	// From here on nothing hangs, and a busy machine may be slow.
	y.services.Rate, y.web.Silence = 0, time.Minute
	for range 2 * 10 { // late notices are there, nights pass, and so do pauses
		y.turn()
		y.now = y.now.Add(12 * time.Hour)
	}
	y.turn()
}

// turn does what a server does at a moment, and sometimes stops it in the middle.
func (y *year) turn() {
	for _, r := range y.readers {
		ctx, stop := context.WithCancel(y.t.Context())
		f := &source.Follower{Reader: r, Store: y.store, Now: func() time.Time { return y.now }, Log: y.log}
		f.Progress = func(source.Day, importer.Tally, error) {
			if y.services.Rate > 0 && y.random.IntN(40) == 0 {
				stop()
			}
		}
		if y.services.Rate > 0 && y.random.IntN(15) == 0 {
			time.AfterFunc(time.Duration(y.random.IntN(20))*time.Millisecond, stop)
		}
		if err := f.Consumer().Drain(ctx); err != nil && ctx.Err() == nil {
			y.t.Fatal(err)
		}
		stopped := ctx.Err() != nil
		stop()
		if stopped {
			y.stops++
			y.store.Close()
			y.start()
		}
	}
	if err := y.alerter.Step(y.t.Context()); err != nil {
		y.t.Fatal(err)
	}
	last, err := y.store.Database().LastNumber(y.t.Context())
	if err == nil {
		err = y.store.IndexReached(y.t.Context(), y.index.Name, last)
	}
	if err == nil {
		err = y.sender.Step(y.t.Context())
	}
	if err != nil {
		y.t.Fatal(err)
	}
}

// compare checks what is there in the end.
func (y *year) compare(days int) {
	t := y.t
	whole := storetest.Open(t, storetest.Kinds()["sqlite"](t))
	for _, r := range y.readers {
		f := &source.Follower{Reader: r, Store: whole, Since: yearBegins.Add(-1), Now: func() time.Time { return y.now }, Log: y.log}
		if err := f.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want, got := allTenders(t, whole), allTenders(t, y.store)
	if diff := cmp.Diff(describeAll(want), describeAll(got)); diff != "" {
		t.Errorf("the tenders differ from those of a reading without faults:\n%s", diff)
	}
	_, read, err := y.store.Sources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range y.readers {
		at := make(map[string]time.Time)
		for _, d := range read[r.Name()] {
			at[d.Day] = d.ReadAt
		}
		for d := yearBegins; d < yearBegins.Add(days); d = d.Add(1) {
			if at[string(d)].Before(d.End()) {
				t.Errorf("%s %s was not read whole after its end", r.Name(), d)
			}
		}
	}
	y.compareMails(got)
	t.Logf("%d tenders, %d answers with faults of %d, %d stops", len(got), total(y.services.Faults), y.services.Asked, y.stops)
	if !testing.Short() && (y.stops == 0 || len(y.services.Faults) < 4) {
		t.Errorf("%d stops and %d kinds of faults are too few to tell", y.stops, len(y.services.Faults))
	}
}

// compareMails checks that each tender that is online was mailed as new, once, to whom it concerns; and that mails said as
// many as the ledger has.
func (y *year) compareMails(tenders []*vigie.Tender) {
	var rows []struct {
		MailID, TenderID     int64
		Address, Kind, Title string
	}
	err := y.store.Database().NewSelect().TableExpr("deliveries AS d").Join("JOIN recipients AS r ON r.id = d.recipient_id").
		Join("JOIN mails AS m ON m.id = d.mail_id").Join("JOIN tenders AS t ON t.id = d.tender_id").
		ColumnExpr("r.email AS address, d.mail_id, d.tender_id, d.kind, t.title").
		Where("m.state = ?", vigie.MailSent).Where("d.dropped_at IS NULL").Scan(y.t.Context(), &rows)
	if err != nil {
		y.t.Fatal(err)
	}
	sent, mailed := make(map[string]map[string]int), make(map[string]int) // by address: "NEW Voirie 7"
	// A mail says once what it has several deliveries of.
	type saying struct {
		mail, tender int64
		kind         string
	}
	said := make(map[saying]bool)
	for _, row := range rows {
		if sent[row.Address] == nil {
			sent[row.Address] = make(map[string]int)
		}
		if once := (saying{row.MailID, row.TenderID, row.Kind}); !said[once] {
			said[once] = true
			sent[row.Address][row.Kind+" "+row.Title]++
		}
		if in := (saying{row.MailID, row.TenderID, ""}); !said[in] {
			said[in] = true
			mailed[row.Address]++
		}
	}
	if diff := cmp.Diff(mailed, y.mailed); diff != "" {
		y.t.Errorf("mails had other numbers of tenders than the ledger has:\n%s", diff)
	}
	for address, word := range map[string]string{"ana@example.org": "voirie", "ben@example.org": "Éclairage"} {
		for line, times := range sent[address] {
			if kind, _, _ := strings.Cut(line, " "); times > 1 && kind != string(vigie.DeliverCorrected) {
				y.t.Errorf("%s is mailed %d times: %s", address, times, line)
			}
		}
		for _, x := range tenders {
			times := sent[address][string(vigie.DeliverNew)+" "+x.Title] + sent[address][string(vigie.DeliverCorrected)+" "+x.Title]
			if x.Outcome == vigie.Undecided && strings.Contains(x.Title, word) && times == 0 {
				y.t.Errorf("%s is not mailed of %s, %s", address, x.SourceRef, x.Title)
			}
		}
	}
}

func allTenders(t *testing.T, s *store.Store) []*vigie.Tender {
	t.Helper()
	all, err := s.ChangedTenders(t.Context(), 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(x *vigie.Tender) bool { return x.MergedInto != nil })
}

func describeAll(tenders []*vigie.Tender) []string {
	lines := make([]string, len(tenders))
	for i, x := range tenders {
		lines[i] = fmt.Sprintf("%s %s %s %q %v %v", x.Source, x.SourceRef, x.Outcome, x.Title, x.PublishedAt.UTC(), x.Closes())
	}
	slices.Sort(lines)
	return lines
}

func total(counts map[string]int) (all int) {
	for _, n := range counts {
		all += n
	}
	return all
}
