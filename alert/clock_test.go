package alert_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/alert"
	"vigie/alert/post"
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

// claimedAtOnce is how many mails a sender claims at once.
const claimedAtOnce = 16
