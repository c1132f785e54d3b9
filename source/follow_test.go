package source_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigie/importer"
	"vigie/source"
	"vigie/source/sourcetest"
	"vigie/store"
	"vigie/store/storetest"
)

// world is services, a store and followers of them, with a clock of its own.
type world struct {
	t        *testing.T
	now      time.Time
	services *sourcetest.Services
	script   *sourcetest.Script
	boamp    source.BOAMP
	ted      source.TED
	random   *rand.Rand
	log      *slog.Logger
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, now: source.Day("2026-11-02").Start().Add(8 * time.Hour), random: rand.New(rand.NewPCG(seed, 1)), log: slog.New(slog.DiscardHandler)}
	clock := func() time.Time { return w.now }
	w.services = sourcetest.New(clock, seed)
	w.script = sourcetest.NewScript(w.services, seed)
	serve := func(h http.Handler) string {
		server := httptest.NewUnstartedServer(h)
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		server.Start()
		t.Cleanup(server.Close)
		return server.URL
	}
	web := &source.Web{Client: &http.Client{}, Agent: "test", Now: clock, Pause: time.Millisecond, Silence: 100 * time.Millisecond}
	w.boamp = source.BOAMP{URL: serve(w.services.BOAMP()), Web: web}
	url := serve(w.services.TED())
	w.ted = source.TED{SearchURL: url, NoticeURL: url, Web: web}
	return w
}

func (w *world) follower(s *store.Store, r source.Reader) *source.Follower {
	return &source.Follower{Reader: r, Store: s, Now: func() time.Time { return w.now }, Log: w.log}
}

// tenders returns all that the tenders in a store are, without what depends on the order of arrival.
func tenders(t *testing.T, s *store.Store) []string {
	t.Helper()
	all, err := s.ChangedTenders(t.Context(), 0, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, x := range all {
		if x.MergedInto == nil {
			lines = append(lines, fmt.Sprintf("%s %s %s %q %v %v", x.Source, x.SourceRef, x.Outcome, x.Title, x.PublishedAt.UTC(), x.Closes()))
		}
	}
	slices.Sort(lines)
	return lines
}

// A store that follows services which fail, publish late and are followed with interruptions has in the end what one
// has that reads everything once without a fault.
func TestFaultsLoseNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, 11)
		w.services.Rate = 8
		day, steps := source.Day("2026-11-02"), 0
		last := source.Day("2026-11-14")
		for ; day < last; day = day.Add(1) {
			w.script.Day(string(day), day.Start(), 12)
			for w.now.Before(day.End()) {
				for _, r := range []source.Reader{w.boamp, w.ted} {
					if err := w.follower(s, r).Consumer().Drain(t.Context()); err != nil {
						t.Fatal(err)
					}
					steps++
				}
				w.now = w.now.Add(time.Duration(60+w.random.IntN(360)) * time.Minute)
			}
			if w.random.IntN(5) == 0 {
				w.now = w.now.Add(30 * time.Hour) // the server is stopped
			}
		}
		w.services.Rate = 0
		for range 8 { // what came late is there, and nights pass
			w.now = w.now.Add(24 * time.Hour)
			for _, r := range []source.Reader{w.boamp, w.ted} {
				if err := w.follower(s, r).Consumer().Drain(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		for fault, times := range w.services.Faults {
			t.Logf("%s: %d times of %d", fault, times, w.services.Asked)
		}
		if len(w.services.Faults) < 8 {
			t.Errorf("only %d kinds of faults in %d answers", len(w.services.Faults), w.services.Asked)
		}
		whole := storetest.Open(t, storetest.Kinds()["sqlite"](t))
		for _, r := range []source.Reader{w.boamp, w.ted} {
			f := w.follower(whole, r)
			f.Since = "2026-11-01"
			if err := f.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		want, got := tenders(t, whole), tenders(t, s)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("what faults left differs:\n%s", diff)
		}
		if len(want) < 60 {
			t.Errorf("only %d tenders", len(want))
		}
		assertWhole(t, s, "2026-11-02", last)
	})
}

// assertWhole checks that each day was read whole after its end.
func assertWhole(t *testing.T, s *store.Store, from, to source.Day) {
	t.Helper()
	_, days, err := s.Sources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"boamp", "ted"} {
		read := make(map[string]time.Time)
		for _, d := range days[name] {
			read[d.Day] = d.ReadAt
		}
		for d := from; d < to; d = d.Add(1) {
			if read[string(d)].Before(d.End()) {
				t.Errorf("%s %s was not read whole after its end", name, d)
			}
		}
	}
}

// A first fill is quiet, goes on where it was stopped, and what is published afterwards alerts.
func TestFirstFill(t *testing.T) {
	s := storetest.Open(t, storetest.Kinds()["sqlite"](t))
	w := newWorld(t, 12)
	for d := source.Day("2026-10-20"); d < "2026-11-03"; d = d.Add(1) {
		w.script.Day(string(d), d.Start(), 3)
	}
	w.now = source.Day("2026-11-02").End().Add(-time.Minute)
	f := w.follower(s, w.boamp)
	f.Since = "2026-10-20"
	stopped, stop := context.WithCancel(t.Context())
	done := 0
	f.Progress = func(source.Day, importer.Tally, error) {
		if done++; done == 5 {
			stop()
		}
	}
	if err := f.Sync(stopped); err == nil {
		t.Fatal("it was not stopped")
	}
	if err := f.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := 14 + 3; done > 5+again {
		t.Errorf("%d days were read, of 14", done)
	}
	w.now = w.now.Add(12 * time.Hour)
	w.script.Day("2026-11-03", source.Day("2026-11-03").Start(), 30)
	if err := w.follower(s, w.boamp).Consumer().Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := s.ChangedTenders(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range all {
		notices, err := s.Notices(t.Context(), []int64{x.ID})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range notices[x.ID] {
			if old := n.PublishedAt.Before(source.Day("2026-11-02").Start()); n.Quiet != old {
				t.Errorf("%s of %s is quiet: %v", n.SourceRef, n.PublishedAt, n.Quiet)
			}
		}
	}
}

// Only one process reads a source at a time. Over SQLite only one process works.
func TestSyncBesideServer(t *testing.T) {
	s := storetest.Open(t, storetest.Kinds()["postgres"](t))
	w := newWorld(t, 13)
	lead, err := s.Database().Lead(t.Context(), "source boamp")
	if err != nil || lead == nil {
		t.Fatal(lead, err)
	}
	if err := w.follower(s, w.boamp).Sync(t.Context()); err != source.ErrFollowed {
		t.Errorf("beside a server: %v", err)
	}
	lead.Resign()
	if err := w.follower(s, w.boamp).Sync(t.Context()); err != nil {
		t.Errorf("alone: %v", err)
	}
}

// A service that asks to wait is not asked before.
func TestWaits(t *testing.T) {
	s := storetest.Open(t, storetest.Kinds()["sqlite"](t))
	w := newWorld(t, 14)
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		asked++
		rw.Header().Set("Retry-After", "3600")
		rw.WriteHeader(http.StatusTooManyRequests)
	}))
	defer server.Close()
	w.boamp.URL = server.URL
	for range 100 {
		if err := w.follower(s, w.boamp).Consumer().Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(30 * time.Second)
	}
	if asked != 1 {
		t.Errorf("asked %d times within 50 minutes", asked)
	}
	states, _, err := s.Sources(t.Context())
	if err != nil || len(states) != 1 || states[0].LastError == "" {
		t.Errorf("state %+v, %v", states, err)
	}
}

// A clock that was ahead, and is set right, stops no source.
func TestClockWasAhead(t *testing.T) {
	s := storetest.Open(t, storetest.Kinds()["sqlite"](t))
	w := newWorld(t, 15)
	w.script.Day("2026-11-02", source.Day("2026-11-02").Start(), 9)
	w.now = source.Day("2026-11-02").Start().Add(20 * time.Hour)
	right := w.now
	drain := func() {
		t.Helper()
		if err := w.follower(s, w.boamp).Consumer().Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	drain()
	w.now = right.AddDate(0, 0, 8)
	drain()
	w.services.Rate = 100
	w.now = w.now.Add(time.Hour)
	drain()
	w.services.Rate, w.now = 0, right.Add(time.Hour)
	w.script.Day("2026-11-02", source.Day("2026-11-02").Start(), 20)
	drain()
	list, err := source.HealthOf(t.Context(), s, w.now)
	if err != nil || len(list) != 1 || !list[0].WholeUntil.Equal(w.now) || list[0].LastError != "" {
		t.Errorf("after the clock was set right: %+v, %v", list, err)
	}
}
