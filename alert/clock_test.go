package alert_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/alert"
	"vigie/alert/post"
	"vigie/consumer"
	"vigie/feed"
	"vigie/store"
)

// strayed is a second replica on a world's database, with a clock that is wrong.
type strayed struct {
	ledger *alert.Alerter
	sender *alert.Sender
	mailer *mailbox
	// ahead is by how much the clock is fast.
	ahead time.Duration
}

func newStrayed(t *testing.T, w *world, url string) *strayed {
	t.Helper()
	s := &strayed{mailer: new(mailbox)}
	clock := func() time.Time { return w.now.Add(s.ahead) }
	database, err := store.Open(t.Context(), url, clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { database.Close() })
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	s.ledger = &alert.Alerter{Store: database, Matcher: feed.NewMatcher(prometheus.NewRegistry(), log), Now: clock, Log: log, MaxAge: week}
	s.sender = newSender(t, database, s.mailer, clock)
	return s
}

// work does all there is to do by the wrong clock.
func (s *strayed) work(t *testing.T) {
	t.Helper()
	if err := s.ledger.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.sender.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// The clock of one of two replicas jumps an hour ahead, or back, and is set right again: mails that the other has
// claimed stay the other's, none is lost, and none is sent twice.
func TestClockOfOneReplicaJumps(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			onBothAt(t, func(t *testing.T, w *world, url string) {
				other := newStrayed(t, w, url)
				const people = 20 // more than are claimed at once
				for i := range people {
					w.watch(w.signIn(fmt.Sprint("p", i)), "Voirie", vigie.Immediate, "voirie")
				}
				checkMailed := func(when string, round int, boxes ...*mailbox) {
					t.Helper()
					times, ids := make(map[string]int), make(map[string]bool)
					for _, box := range boxes {
						for _, m := range box.messages {
							times[m.To]++
							ids[m.ID] = true
						}
						box.messages = nil
					}
					for i := range people {
						if n := times[fmt.Sprintf("p%d@example.org", i)]; n != 1 {
							t.Errorf("%s, tender %d: p%d was mailed %d times", when, round, i, n)
						}
					}
					if len(ids) != people {
						t.Errorf("%s, tender %d: %d Message-IDs", when, round, len(ids))
					}
				}

				// One replica is sending a mail, and has claimed more, while the clock of the other jumps.
				w.publish("claimed", "Voirie communale")
				w.enter()
				first := true
				w.mailer.sending = func(post.Message) {
					if !first {
						return
					}
					first = false
					for _, jump := range []time.Duration{ahead, 0} {
						other.ahead = jump
						if err := other.sender.Step(t.Context()); err != nil {
							t.Error(err)
						}
					}
					// Mails that were not claimed may be sent by any replica.
					if n := len(other.mailer.messages); n != people-claimedAtOnce {
						t.Errorf("the other sends %d mails, not the %d that nobody has claimed", n, people-claimedAtOnce)
					}
				}
				if err := w.sender.Step(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.mailer.sending = nil
				checkMailed("claimed", 1, w.mailer, other.mailer)

				// The other replica composes and sends what is due.
				w.now = w.now.Add(2 * time.Hour)
				other.ahead = ahead
				w.publish("entered", "Voirie rurale")
				other.work(t)
				w.enter()
				if err := w.sender.Step(t.Context()); err != nil {
					t.Fatal(err)
				}
				other.ahead = 0
				other.work(t)
				w.now = w.now.Add(2 * time.Hour)
				other.work(t)
				checkMailed("entered", 2, w.mailer, other.mailer)

				// For a while nobody claims the mails that the other wrote.
				other.ahead = ahead
				w.publish("delayed", "Voirie urbaine")
				other.mailer.refuse = func(post.Message) error {
					return &post.Error{Kind: post.Temporary, Code: 451, Reply: "451 4.3.0 later"}
				}
				other.work(t)
				other.mailer.refuse, other.ahead = nil, 0
				// The clock that gave them their time was an hour ahead at most.
				for range 62 {
					w.now = w.now.Add(time.Minute)
					other.work(t)
					if err := w.sender.Step(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				checkMailed("delayed", 3, w.mailer, other.mailer)
			})
		})
	}
}

// A clock that was days ahead and is set right delays nothing that was stored under it; what is owed then comes once.
func TestClockWasAhead(t *testing.T) {
	const ahead = 8 * day
	type test struct {
		frequency vigie.Frequency
		within    time.Duration
		// before is done before the clock is wrong, and during while it is, by who has that clock.
		before func(*world)
		during func(*world, *strayed)
	}
	for name, test := range map[string]test{
		"a notice came": {vigie.Immediate, 90 * time.Minute, nil, func(w *world, s *strayed) {
			w.must(s.sender.Step(w.t.Context()))
			w.publish("1", "Voirie")
			w.must(s.ledger.Step(w.t.Context()))
		}},
		"a notice came for a digest": {vigie.Daily, 25 * time.Hour, nil, func(w *world, s *strayed) {
			w.publish("1", "Voirie")
			w.must(s.ledger.Step(w.t.Context()))
			w.must(s.sender.Step(w.t.Context()))
		}},
		"a mail was refused": {
			vigie.Immediate, 90 * time.Minute, func(w *world) { w.publish("1", "Voirie"); w.enter() }, func(w *world, s *strayed) {
				s.mailer.refuse = refuseForNow
				w.must(s.sender.Step(w.t.Context()))
				s.mailer.refuse = nil
			},
		},
		"the index was behind": {vigie.Immediate, 90 * time.Minute, nil, func(w *world, s *strayed) {
			w.lag = true
			w.publish("1", "Voirie")
			w.must(s.ledger.Step(w.t.Context()))
			w.must(s.sender.Step(w.t.Context()))
			w.lag = false
			w.indexed()
		}},
		"deciding failed": {
			vigie.Immediate, 90 * time.Minute, func(w *world) { w.publish("1", "Voirie"); w.enter() }, func(w *world, s *strayed) {
				s.sender.Fail = func(context.Context, string, []consumer.Item) error { return errors.New("not now") }
				w.must(s.sender.Step(w.t.Context()))
				s.sender.Fail = nil
			},
		},
	} {
		for who, whose := range map[string]func(t *testing.T, w *world, url string) (s *strayed, setRight func()){
			"ours": func(_ *testing.T, w *world, _ string) (*strayed, func()) {
				w.now = w.now.Add(ahead)
				return &strayed{ledger: w.ledger, sender: w.sender, mailer: w.mailer}, func() { w.now = w.now.Add(-ahead) }
			},
			"another server's": func(t *testing.T, w *world, url string) (*strayed, func()) {
				s := newStrayed(t, w, url)
				s.ahead = ahead
				return s, func() {}
			},
		} {
			t.Run(name+", "+who, func(t *testing.T) {
				onBothAt(t, func(t *testing.T, w *world, url string) {
					w.watch(w.account, "Voirie", test.frequency, "voirie")
					w.expect("at first", w.work())
					if test.before != nil {
						test.before(w)
					}
					s, setRight := whose(t, w, url)
					test.during(w, s)
					if n := len(s.mailer.messages); n > 0 {
						t.Fatalf("%d mails under the wrong clock", n)
					}
					setRight()
					var got []string
					for from := w.now; w.now.Sub(from) < test.within; {
						got = append(got, w.after(10*time.Minute)...)
					}
					w.expect("in time", got, "ana: 1 nouveau marché – veille Voirie")
					w.expect("once", w.after(9*day))
				})
			})
		}
	}
}

// A lease that was given under a clock that was ahead keeps nobody from the mail.
func TestLeaseOfClockThatWasAhead(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie")
		w.mailer.refuse = refuseForNow
		w.expect("refused", w.work())
		w.mailer.refuse = nil
		lease := func(d time.Duration) { // by the database's clock
			if _, err := w.store.Database().NewRaw("UPDATE mails SET leased_until = ?", time.Now().Add(d).UnixMilli()).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		lease(10 * time.Minute)
		w.expect("leased", w.after(time.Hour))
		lease(8 * day)
		w.expect("leased under a wrong clock", w.after(time.Hour), "ana: 1 nouveau marché – veille Voirie")
	})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// claimedAtOnce is how many mails a sender claims at once.
const claimedAtOnce = 16

// What waits for a digest leaves in time also if a notice that alerts nobody itself has moved the deadline.
func TestDeadlineMovedQuietly(t *testing.T) {
	for name, change := range map[string]func(*world, *vigie.Notice){
		"imported without alerts": func(_ *world, n *vigie.Notice) { n.Quiet = true },
		"published long ago":      func(w *world, n *vigie.Notice) { n.PublishedAt = w.now.Add(-30 * day) },
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				w.watch(w.account, "Voirie", vigie.Weekly, "voirie")
				w.now = w.now.Add(3 * time.Hour) // after Monday's digest
				w.publish("1", "Voirie", func(n *vigie.Notice) { n.PublishedAt, n.Content.Deadline = w.now.Add(-3*time.Hour), nil })
				w.expect("weekly", w.work())
				w.publish("1c", "Voirie", about(vigie.Correction, "1"), func(n *vigie.Notice) {
					n.Content.Deadline = w.in(3 * day)
					change(w, n)
				})
				w.expect("in time", w.after(time.Hour), "ana: 1 nouveau marché – veille Voirie")
				w.expect("once", w.after(8*day))
			})
		})
	}
}
