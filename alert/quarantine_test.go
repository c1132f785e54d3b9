package alert_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/alert/post"
	"vigie/consumer"
	"vigie/database"
	"vigie/feed"
	"vigie/query"
)

// aside checks what is quarantined, as texts "consumer kind".
func (w *world) aside(when string, want ...string) []*database.Quarantined {
	w.t.Helper()
	rows, err := w.store.Database().Quarantine(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var got []string
	for _, row := range rows {
		got = append(got, row.Consumer+" "+row.Kind)
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		w.t.Errorf("%s: quarantined %q, not %q", when, got, want)
	}
	return rows
}

// retry asks for another try of all that is quarantined.
func (w *world) retry() {
	w.t.Helper()
	if _, err := w.store.Retry(w.t.Context(), nil); err != nil {
		w.t.Fatal(err)
	}
}

// A mail that makes the sender panic delays neither other recipients' mail nor the next one to the same recipient; it
// is sent once that succeeds.
func TestMailSetAside(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.watch(w.signIn("bob"), "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie maudite")
		poisoned := true
		w.mailer.sending = func(m post.Message) {
			if poisoned && strings.HasPrefix(m.To, "ana@") && strings.Contains(m.Text, "maudite") {
				panic("this mail cannot be sent")
			}
		}
		w.expect("the first try", w.work(), "bob: 1 nouveau marché – veille Voirie")
		w.aside("after the first try")
		w.expect("too soon", w.after(time.Second))
		w.expect("the second try", w.after(time.Minute))
		w.aside("after the second try")
		w.expect("the third try", w.after(2*time.Minute))
		rows := w.aside("after the third try", "mails mail")
		if len(rows) != 1 || rows[0].Tries != consumer.Tries || !strings.Contains(rows[0].Error, "cannot be sent") {
			t.Errorf("quarantined as %+v", rows)
		}
		w.expect("much later", w.after(day))
		w.publish("2", "Voirie communale")
		w.expect("the next one", w.after(0), "ana: 1 nouveau marché – veille Voirie", "bob: 1 nouveau marché – veille Voirie")

		w.retry()
		w.expect("in vain", w.after(time.Minute))
		w.expect("in vain", w.after(2*time.Minute))
		w.expect("in vain", w.after(4*time.Minute))
		w.expect("in vain", w.after(time.Hour))
		w.aside("tried again in vain", "mails mail")

		poisoned = false
		w.expect("nobody asks", w.after(day))
		w.retry()
		w.expect("it can be sent", w.after(0), "ana: 1 nouveau marché – veille Voirie")
		w.aside("in the end")
		w.expect("once", w.after(day))
	})
}

// A recipient about which deciding fails is quarantined alone.
func TestRecipientSetAside(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.watch(w.signIn("bob"), "Voirie", vigie.Immediate, "voirie")
		ana, poisoned := w.recipient(w.account, watch), true
		w.sender.Fail = func(_ context.Context, _ string, items []consumer.Item) error {
			if poisoned && items[0].ID == ana {
				panic("deciding fails")
			}
			return nil
		}
		w.publish("1", "Voirie")
		w.expect("the first try", w.work(), "bob: 1 nouveau marché – veille Voirie")
		w.expect("the second try", w.after(time.Minute))
		w.aside("after the second try")
		w.expect("the third try", w.after(time.Minute))
		w.aside("after the third try", "mails recipient")
		if lag, err := w.store.Lag(t.Context(), indexVersion); err != nil || lag.Mails != 0 {
			t.Errorf("what is quarantined counts as due: %+v, %v", lag, err)
		}
		w.publish("2", "Voirie communale")
		w.expect("others", w.after(time.Minute), "bob: 1 nouveau marché – veille Voirie")
		poisoned = false
		w.expect("nobody asks", w.after(time.Minute))
		w.retry()
		w.expect("it can be decided", w.after(time.Minute), "ana: 2 nouveaux marchés – veille Voirie")
		w.aside("in the end")
	})
}

// A watch that the matcher cannot compile is quarantined alone; it catches up on what it missed once it can be
// compiled, on running replicas and on new ones.
func TestWatchSetAside(t *testing.T) {
	for name, starts := range map[string]bool{"a matcher that follows": false, "a matcher that starts": true} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				poisoned := false
				compile := func(c vigie.Criteria) query.Formula {
					if poisoned && len(c.ExcludedKeywords) > 0 {
						panic("this watch cannot be compiled")
					}
					return query.Compile(c)
				}
				w.ledger.Matcher.Compile = compile
				cursed := w.watch(w.account, "Maudite", vigie.Immediate, "voirie")
				w.watch(w.signIn("bob"), "Voirie", vigie.Immediate, "voirie")
				w.change(w.account, cursed.ID, func(v *vigie.Watch) { v.Criteria.ExcludedKeywords = []string{"cantine"} })
				w.publish("before", "Voirie de la gare")
				w.expect("before", w.work(), "ana: 1 nouveau marché – veille Maudite", "bob: 1 nouveau marché – veille Voirie")

				poisoned = true
				if starts {
					w.ledger.Matcher = feed.NewMatcher(prometheus.NewRegistry(), w.ledger.Log)
					w.ledger.Matcher.Compile = compile
				} else {
					w.change(w.account, cursed.ID, func(v *vigie.Watch) { v.Criteria.ExcludedKeywords = []string{"école"} })
				}
				w.publish("meanwhile", "Voirie du stade")
				w.watch(w.signIn("cleo"), "Voirie", vigie.Immediate, "voirie")
				w.publish("others", "Voirie du port")
				w.expect("meanwhile", w.after(2*time.Minute), "bob: 2 nouveaux marchés – veille Voirie", "cleo: 1 nouveau marché – veille Voirie")
				rows := w.aside("meanwhile", "matcher watch")
				if len(rows) != 1 || rows[0].Item != cursed.ID || rows[0].Tries != consumer.Tries {
					t.Errorf("quarantined as %+v", rows)
				}
				w.retry()
				w.expect("in vain", w.after(2*time.Minute))
				w.aside("tried again in vain", "matcher watch")

				poisoned = false
				w.retry()
				w.expect("it can be held", w.after(2*time.Minute), "ana: 2 nouveaux marchés – veille Maudite")
				w.aside("in the end")
				w.publish("after", "Voirie du musée")
				w.expect("after that", w.after(2*time.Minute),
					"ana: 1 nouveau marché – veille Maudite", "bob: 1 nouveau marché – veille Voirie", "cleo: 1 nouveau marché – veille Voirie")
			})
		})
	}
}

// A notice that was quarantined alerts as it would have done then, even if it is old when it can be read.
func TestNoticeSetAsideForLong(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.enter()
		poisoned := w.publish("1", "Voirie").Notice.ID
		w.ledger.Fail = func(_ context.Context, _ string, items []consumer.Item) error {
			for _, item := range items {
				if item.ID == poisoned {
					panic("cannot be read")
				}
			}
			return nil
		}
		w.expect("set aside", w.work())
		w.aside("set aside", "alerts notice")
		w.now = w.now.Add(2 * week)
		w.ledger.Fail = nil
		w.retry()
		w.expect("tried again", w.after(time.Minute), "ana: 1 nouveau marché – veille Voirie")
		w.aside("in the end")
	})
}

// Erasure also deletes from the quarantine.
func TestErasedFromQuarantine(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		recipient := w.recipient(w.account, watch)
		for _, row := range []*database.Quarantined{
			{Consumer: database.MailsConsumer, Item: recipient, Kind: database.RecipientItem, Error: "ana@example.org"},
			{Consumer: database.MatcherConsumer, Item: watch.ID, Kind: database.WatchItem, Error: "Voirie"},
			{Consumer: database.AlertsConsumer, Item: recipient, Kind: database.NoticeItem, Error: "no one's"},
		} {
			if err := w.store.Database().SetAside(t.Context(), row, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.store.Erase(t.Context(), w.account.ID); err != nil {
			t.Fatal(err)
		}
		w.aside("after the erasure", "alerts notice")
	})
}

// A retention run that fails in the middle, or panics, is repeated.
func TestRetentionSurvives(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		r := w.retention()
		calls := 0
		r.Now = func() time.Time {
			if calls++; calls == 4 {
				panic("the clock is broken")
			}
			return w.now
		}
		var failed *consumer.Panic
		for range 3 {
			if err := r.Step(t.Context()); err != nil {
				var ok bool
				if failed, ok = err.(*consumer.Panic); !ok {
					t.Fatal(err)
				}
			}
		}
		if failed == nil {
			t.Error("nothing failed")
		}
		if at, err := w.store.Database().IdleAt(t.Context(), database.RetentionConsumer); err != nil || !at.Equal(w.now) {
			t.Errorf("done at %v, %v", at, err)
		}
	})
}

// A notice that was quarantined and is tried again announces no tender that a later notice has announced since.
func TestNoticeRetriedAfterCatchUp(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.enter()
		poisoned := true
		w.ledger.Fail = func(_ context.Context, name string, items []consumer.Item) error {
			if poisoned && name == database.AlertsConsumer {
				panic("cannot be entered")
			}
			return nil
		}
		w.publish("1", "Voirie")
		for range consumer.Tries {
			_ = w.ledger.Step(t.Context())
			w.now = w.now.Add(time.Minute)
		}
		w.aside("quarantined", "alerts notice")
		poisoned = false
		w.pause(w.account, watch)
		w.now = w.now.Add(time.Minute)
		w.publish("1c", "Voirie communale", about(vigie.Correction, "1"))
		w.work()
		w.resume(w.account, watch, true)
		first := w.after(time.Hour)
		w.retry()
		again := append(w.after(time.Hour), w.after(time.Hour)...)
		if len(first)+len(again) != 1 {
			t.Errorf("alerted by %v, and by %v", first, again)
		}
	})
}
