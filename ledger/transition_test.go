package ledger_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"vigie"
	"vigie/ledger"
)

// transitions brings a delivery into a state, and tries to move it to another one by every way that the store has.
type transitions struct {
	*following
	delivery int64
	subject  ledger.AlertSubject
	mail     *vigie.Mail // the mail it was claimed for, nil for none
	guard    func(recipient int64, decide func() error) error
}

// Every transition of the table is possible, and no other.
func TestTransitions(t *testing.T) {
	eachFollowing(t, func(t *testing.T, f *following) {
		f.must(f.store.Ledger().Confirm(t.Context(), f.subscriber(f.roads).RecipientID, "b@example.org"))
		for _, from := range vigie.DeliveryStates() {
			for _, to := range vigie.DeliveryStates() {
				d := &transitions{following: f}
				d.begin()
				d.reach(from)
				if got := d.state(); got != from {
					t.Fatalf("a delivery that was to be %s is %s", from, got)
				}
				d.try(to)
				want := from
				if slices.Contains(from.Next(), to) {
					want = to
				}
				if got := d.state(); got != want {
					t.Errorf("from %s to %s: it is %s, not %s", from, to, got, want)
				}
				d.end()
			}
		}
	})
}

func (d *transitions) begin() {
	d.t.Helper()
	d.enter(d.roads)
	list, _, err := d.store.Ledger().Deliveries(d.t.Context(), d.roads.ID, ledger.DeliveryWindow{Limit: 1})
	d.must(err)
	d.delivery, d.subject = list[0].ID, ledger.AlertSubject{TenderID: list[0].TenderID, NoticeID: list[0].NoticeID, Number: list[0].Number}
}

// end closes all mails, and drops all that waits.
func (d *transitions) end() {
	d.t.Helper()
	if d.mail != nil {
		d.must(d.store.Ledger().MailsSent(d.t.Context(), []ledger.SentMail{{Mail: d.mail, Address: "b@example.org"}}))
	}
	d.decide(ledger.Decision{Drop: []int64{d.delivery}})
}

func (d *transitions) state() vigie.DeliveryState {
	d.t.Helper()
	return d.read().State()
}

func (d *transitions) read() *ledger.Outgoing {
	d.t.Helper()
	o, err := d.store.Ledger().Delivery(d.t.Context(), d.account.ID, d.delivery)
	d.must(err)
	return o
}

func (d *transitions) reach(state vigie.DeliveryState) {
	d.t.Helper()
	if state == vigie.DeliverySent || state == vigie.DeliveryFailed {
		d.try(vigie.DeliveryClaimed)
	}
	if state != vigie.DeliveryWaiting { // as it begins
		d.try(state)
	}
}

// A delivery that was dropped stays so when it is entered once more, until another watch leads to it.
func TestDroppedWaitsForAnotherWatch(t *testing.T) {
	eachFollowing(t, func(t *testing.T, f *following) {
		f.must(f.store.Ledger().Confirm(t.Context(), f.subscriber(f.roads).RecipientID, "b@example.org"))
		d := &transitions{following: f}
		d.begin()
		d.try(vigie.DeliveryDropped)
		for _, step := range []struct {
			because *vigie.Watch
			want    vigie.DeliveryState
		}{{f.roads, vigie.DeliveryDropped}, {f.schools, vigie.DeliveryWaiting}} {
			d.enterAbout(d.subject, step.because)
			if got := d.state(); got != step.want {
				t.Errorf("entered because of %s: it is %s, not %s", step.because.Name, got, step.want)
			}
		}
		d.try(vigie.DeliveryDropped)
		if d.enterAbout(d.subject, f.schools); d.state() != vigie.DeliveryDropped {
			t.Error("entered twice because of one watch: it waits")
		}
	})
}

// A hold lasts until a decision ends it: one that decides nothing about the delivery, or fails, does not begin it again.
func TestHoldsLast(t *testing.T) {
	eachFollowing(t, func(t *testing.T, f *following) {
		f.must(f.store.Ledger().Confirm(t.Context(), f.subscriber(f.roads).RecipientID, "b@example.org"))
		d := &transitions{following: f}
		d.begin()
		d.try(vigie.DeliveryHeld)
		since := d.read().HeldAt
		for name, decide := range map[string]func(){
			"held once more": func() { d.try(vigie.DeliveryHeld) },
			"not decided":    func() { d.decide(ledger.Decision{}) },
			"decided later":  func() { d.decide(ledger.Decision{Later: map[int64]time.Time{d.delivery: d.now.Add(time.Hour)}}) },
			"failed": func() {
				d.guard = func(int64, func() error) error { return errors.New("deciding fails") }
				d.decide(ledger.Decision{Drop: []int64{d.delivery}})
				d.guard = nil
			},
		} {
			d.now = d.now.Add(time.Minute)
			decide()
			if got := d.read(); got.State() != vigie.DeliveryHeld || !got.HeldAt.Equal(*since) {
				t.Errorf("%s: it is %s, since %v, not %v", name, got.State(), got.HeldAt, since)
			}
		}
	})
}

// decide makes the sender decide that way about the second address.
func (d *transitions) decide(decision ledger.Decision) {
	d.t.Helper()
	id := d.subscriber(d.roads).RecipientID
	d.must(d.store.Ledger().Rejoin(d.t.Context(), id, "b@example.org")) // so that it is checked
	d.store.Ledger().DecideBy(func(r *ledger.RecipientState) ledger.Decision {
		if r.ID != id {
			return ledger.Decision{}
		}
		return decision
	})
	claimed, err := d.store.Ledger().Claim(d.t.Context(), ledger.ClaimOptions{Limit: 10, Lease: time.Minute, Host: "vigie.example", Guard: d.guard})
	d.must(err)
	if len(decision.Members) > 0 && len(claimed.Mails) > 0 {
		d.mail = claimed.Mails[0]
	}
}

func (d *transitions) try(state vigie.DeliveryState) {
	d.t.Helper()
	ctx, later := d.t.Context(), d.now.Add(time.Hour)
	switch state {
	case vigie.DeliveryWaiting:
		d.decide(ledger.Decision{Release: []int64{d.delivery}, Later: map[int64]time.Time{d.delivery: later}})
		if d.mail != nil { // to an address that the recipient no longer has
			d.must(d.store.Ledger().MailsSent(ctx, []ledger.SentMail{{Mail: d.mail, Address: "old@example.org", Composed: ledger.Composed{Dropped: []int64{d.delivery}}}}))
		}
		d.enterAbout(d.subject, d.schools)
	case vigie.DeliveryHeld:
		d.decide(ledger.Decision{Hold: map[int64]ledger.Held{d.delivery: {For: vigie.HoldWatchInactive, Until: later}}})
		if d.mail != nil {
			d.must(d.store.Ledger().MailDropped(ctx, d.mail, "b@example.org", ledger.Composed{Held: map[int64]vigie.HoldReason{d.delivery: vigie.HoldWatchInactive}}))
		}
	case vigie.DeliveryClaimed:
		d.decide(ledger.Decision{Release: []int64{d.delivery}, Mail: vigie.DigestMail, Members: []int64{d.delivery}})
	case vigie.DeliverySent:
		if d.mail != nil {
			d.must(d.store.Ledger().MailsSent(ctx, []ledger.SentMail{{Mail: d.mail, Address: "b@example.org"}}))
		}
	case vigie.DeliveryDropped:
		if d.mail != nil {
			d.must(d.store.Ledger().MailDropped(ctx, d.mail, "b@example.org", ledger.Composed{Dropped: []int64{d.delivery}}))
		}
		d.decide(ledger.Decision{Drop: []int64{d.delivery}})
	case vigie.DeliveryFailed:
		if d.mail != nil {
			d.must(d.store.Ledger().MailFailed(ctx, d.mail, "b@example.org", "554 no"))
			d.must(d.store.Ledger().MailBounced(ctx, d.mail.ID, "b@example.org", false, "it came back"))
		}
	default:
		d.t.Fatal(fmt.Sprint("unknown state:  ", state))
	}
}

// What became of a mail is recorded with a reply of any bytes.
func TestReasonsOfAnyBytes(t *testing.T) {
	const why, kept = "450 4.2.0 a\x00b\x1b\xe9", "450 4.2.0 ab\uFFFD"
	for name, record := range map[string]func(f *following, m *vigie.Mail) error{
		"postponed": func(f *following, m *vigie.Mail) error {
			return f.store.Ledger().MailPostponed(f.t.Context(), m, 1, f.now, why)
		},
		"delayed": func(f *following, m *vigie.Mail) error {
			return f.store.Ledger().MailDelayed(f.t.Context(), m, "b@example.org", f.now, why)
		},
		"failed": func(f *following, m *vigie.Mail) error {
			return f.store.Ledger().MailFailed(f.t.Context(), m, "b@example.org", why)
		},
		"bounced": func(f *following, m *vigie.Mail) error {
			return f.store.Ledger().MailBounced(f.t.Context(), m.ID, "b@example.org", true, why)
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachFollowing(t, func(t *testing.T, f *following) {
				f.must(f.store.Ledger().Confirm(t.Context(), f.subscriber(f.roads).RecipientID, "b@example.org"))
				f.enter(f.roads)
				mails, _ := f.claim()
				f.must(record(f, mails[0]))
				m := &vigie.Mail{ID: mails[0].ID}
				f.must(f.store.Database().NewSelect().Model(m).WherePK().Scan(t.Context()))
				if m.Error != kept {
					t.Errorf("it is recorded that %q", m.Error)
				}
			})
		})
	}
}
