package alert_test

import (
	"log/slog"
	"math"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/alert"
	"vigie/consumer"
	"vigie/consumer/consumertest"
	"vigie/feed"
	"vigie/store"
)

// ledgerSubject is a ledger whose notices each alert the recipient of one watch.
type ledgerSubject struct {
	*world
	watch *vigie.Watch
}

// newLedgerSubject creates the watch, unless another replica did.
func newLedgerSubject(t *testing.T, url string) *ledgerSubject {
	s := &ledgerSubject{world: newWorld(t, url)}
	watches, err := s.world.store.Watches(t.Context(), s.account.ID, store.WatchFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if len(watches) > 0 {
		s.watch = watches[0]
	} else {
		s.watch = s.world.watch(s.account, "Voirie", vigie.Immediate, "voirie")
	}
	return s
}

func (s *ledgerSubject) Restart(t *testing.T, fault consumer.Fault) *consumer.Consumer {
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	s.ledger = &alert.Alerter{
		Store: s.world.store, Matcher: feed.NewMatcher(prometheus.NewRegistry(), log), Now: s.ledger.Now, Log: log, MaxAge: week, Fail: fault,
	}
	return s.ledger.Notices()
}

func (s *ledgerSubject) publishOne() store.Published { return s.publish(s.newRef(), "Voirie") }

func (s *ledgerSubject) Add(_ *testing.T, n int) (ids []int64) {
	for range n {
		ids = append(ids, s.publishOne().Notice.ID)
	}
	return ids
}

// newRef returns a reference that no notice has.
func (s *ledgerSubject) newRef() string {
	last, err := s.world.store.Database().LastNumber(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return vigie.GlobalID(vigie.KindTender, last)
}

// announced returns the tenders with a delivery that announces them as new.
func (s *ledgerSubject) announced() (tenders []int64) {
	s.t.Helper()
	for _, d := range s.held().Deliveries {
		if d.Kind != vigie.DeliverNew {
			continue
		}
		id, err := s.world.store.TenderOfRef(s.t.Context(), d.Source, d.SourceRef)
		if err != nil {
			s.t.Fatal(err)
		}
		tenders = append(tenders, id)
	}
	return tenders
}

// Processed are notices; each made a tender, which has its number.
func (s *ledgerSubject) Processed(*testing.T) []int64 { return s.announced() }

func (s *ledgerSubject) Cursor(t *testing.T) int64 {
	cursor, err := s.world.store.AlertsCursor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return cursor
}

func (s *ledgerSubject) Store() *store.Store { return s.world.store }

func TestLedgerIsAConsumer(t *testing.T) {
	consumertest.Run(t, func(t *testing.T, url string) consumertest.Subject { return newLedgerSubject(t, url) })
}

// catchUpSubject is a watch that was off when tenders came, and catches up.
type catchUpSubject struct{ *ledgerSubject }

func (s *catchUpSubject) Restart(t *testing.T, fault consumer.Fault) *consumer.Consumer {
	s.ledgerSubject.Restart(t, fault)
	return s.ledger.CatchUp()
}

func (s *catchUpSubject) Add(t *testing.T, n int) (ids []int64) {
	t.Helper()
	s.change(s.account, s.watch.ID, func(w *vigie.Watch) { w.Active = false })
	for range n {
		ids = append(ids, s.publishOne().Notice.TenderID)
	}
	fault := s.ledger.Fail
	s.ledger.Fail = nil // it is meant for catching up
	if err := s.ledger.Notices().Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.ledger.Fail = fault
	s.change(s.account, s.watch.ID, func(w *vigie.Watch) { w.Active, w.CatchUpFrom = true, w.Paused })
	return ids
}

// Cursor returns how far the watch has caught up; above all numbers once it is done.
func (s *catchUpSubject) Cursor(t *testing.T) int64 {
	watches, _, err := s.world.store.CatchingUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(watches) == 0 {
		return math.MaxInt64
	}
	return *watches[0].CatchUpFrom
}

func TestCatchUpIsAConsumer(t *testing.T) {
	consumertest.Run(t, func(t *testing.T, url string) consumertest.Subject { return &catchUpSubject{newLedgerSubject(t, url)} })
}
