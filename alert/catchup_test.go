package alert_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/alert"
	"vigie/consumer"
)

// holdsUp delays the queries for missed notices.
type holdsUp struct{ until chan struct{} }

func (h holdsUp) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	if strings.Contains(e.Query, `FROM "notices"`) && strings.Contains(e.Query, "NOT quiet") {
		select {
		case <-h.until:
		case <-ctx.Done():
		}
	}
	return ctx
}

func (holdsUp) AfterQuery(context.Context, *bun.QueryEvent) {}

// However long a watch takes to catch up, other recipients are alerted without delay.
func TestCatchUpHoldsNobodyUp(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Cantine", vigie.Immediate, "cantine")
		bob := w.signIn("bob")
		roads := w.watch(bob, "Voirie", vigie.Immediate, "voirie")
		w.enter()
		w.change(bob, roads.ID, func(watch *vigie.Watch) { watch.Active = false })
		w.publish("missed", "Voirie")
		w.enter()
		until := make(chan struct{})
		w.store.Database().Observe(holdsUp{until})
		w.change(bob, roads.ID, func(watch *vigie.Watch) { watch.Active, watch.CatchUpFrom = true, watch.Paused })

		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { w.ledger.Run(ctx) })
		defer running.Wait()
		defer stop()
		w.publish("meanwhile", "Cantine")
		w.entered("meanwhile", w.account, 1)
		w.entered("meanwhile", bob, 0)
		close(until)
		w.entered("afterwards", bob, 1)
	})
}

// entered waits until that many new tenders are entered for an account.
func (w *world) entered(when string, account *vigie.Account, want int) {
	w.t.Helper()
	got := 0
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		held, err := w.store.Export(w.t.Context(), account.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		got = 0
		for _, d := range held.Deliveries {
			if d.Kind == vigie.DeliverNew {
				got++
			}
		}
		if got == want {
			return
		}
	}
	w.t.Fatalf("%s: %d entered for %s, not %d", when, got, account.Email, want)
}

// publishMany publishes numbered tenders, every tenth of which is about roads.
func (w *world) publishMany(from, to int) {
	w.t.Helper()
	var notices []*vigie.Notice
	for i := from; i < to; i++ {
		what := "Cantine"
		if i%10 == 0 {
			what = "Voirie"
		}
		notices = append(notices, &vigie.Notice{
			Source: "test", SourceRef: fmt.Sprint("many-", i), Kind: vigie.ContractNotice, PublishedAt: w.now,
			Buyer: vigie.BuyerName{Name: "Commune d'Exemple"}, Content: vigie.Content{Title: fmt.Sprint(what, " ", i)},
		})
	}
	for some := range slices.Chunk(notices, vigie.MaxBatch) {
		if _, err := w.store.Publish(w.t.Context(), some); err != nil {
			w.t.Fatal(err)
		}
	}
	w.indexed()
	w.drain(w.ledger.Notices())
}

func (w *world) drain(c *consumer.Consumer) {
	w.t.Helper()
	if err := c.Drain(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// once checks that an account is alerted of that many new tenders, once of each.
func (w *world) once(when string, account *vigie.Account, want int) {
	w.t.Helper()
	held, err := w.store.Export(w.t.Context(), account.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	times := make(map[string]int)
	for _, d := range held.Deliveries {
		if d.Kind == vigie.DeliverNew {
			times[d.SourceRef]++
		}
	}
	for ref, n := range times {
		if n != 1 {
			w.t.Errorf("%s: %s is alerted of %s %d times", when, account.Email, ref, n)
		}
	}
	if len(times) != want {
		w.t.Errorf("%s: %s is alerted of %d tenders, not %d", when, account.Email, len(times), want)
	}
}

// Watches that catch up do so together, wherever each of them is, also one that joins in the middle; a new process
// continues where the last one stopped.
func TestCatchUpTogether(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		people := []*vigie.Account{w.account, w.signIn("bob"), w.signIn("cleo")}
		var watches []*vigie.Watch
		for _, who := range people {
			watches = append(watches, w.watch(who, "Voirie", vigie.Daily, "voirie"))
		}
		w.enter()
		w.pause(people[0], watches[0])
		w.publishMany(0, 300)
		w.pause(people[1], watches[1])
		w.pause(people[2], watches[2])
		w.publishMany(300, 600)
		w.once("off from the start", people[0], 0)
		w.once("off later", people[1], 30)
		w.resume(people[0], watches[0], true)
		w.resume(people[1], watches[1], true)
		catchUp := w.ledger.CatchUp()
		if more, err := catchUp.Step(t.Context()); err != nil || !more {
			t.Fatal(more, err)
		}
		w.resume(people[2], watches[2], true)
		w.drain(catchUp)
		for _, who := range people {
			w.once("in the end", who, 60)
		}
		w.publishMany(600, 610)
		w.drain(w.ledger.CatchUp())
		for _, who := range people {
			w.once("after that", who, 61)
		}
	})
}

// Each notice is read once for all watches that catch up, however many they are.
func TestCatchUpReadsOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		var read tenderReads
		w.store.Database().Observe(&read)
		count := func(people int) int64 {
			t.Helper()
			var off []func()
			for i := range people {
				who := w.signIn(fmt.Sprint("p", people, "-", i))
				watch := w.watch(who, "Fontaines", vigie.Daily, "fontaine")
				w.pause(who, watch)
				off = append(off, func() { w.resume(who, watch, true) })
			}
			w.publishMany(1000*people, 1000*people+600)
			for _, on := range off {
				on()
			}
			read.Store(0)
			w.drain(w.ledger.CatchUp())
			return read.Load()
		}
		if one, nine := count(1), count(9); one == 0 || nine != one {
			t.Errorf("tenders are read %d times for one watch, %d times for nine", one, nine)
		}
	})
}

// tenderReads counts how often tenders are read.
type tenderReads struct{ atomic.Int64 }

func (r *tenderReads) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	if strings.Contains(e.Query, `FROM "tenders"`) {
		r.Add(1)
	}
	return ctx
}

func (*tenderReads) AfterQuery(context.Context, *bun.QueryEvent) {}

// A watch that is switched off or deleted while it catches up gets the rest once it is on again.
func TestCatchUpInterrupted(t *testing.T) {
	for name, interrupt := range map[string]func(w *world, watch *vigie.Watch, work func()){
		"paused": func(w *world, watch *vigie.Watch, work func()) {
			w.pause(w.account, watch)
			work()
			w.resume(w.account, watch, true)
		},
		"deleted": func(w *world, watch *vigie.Watch, work func()) {
			if err := w.store.DeleteWatch(w.t.Context(), w.account.ID, watch.ID); err != nil {
				w.t.Fatal(err)
			}
			work()
			if _, err := w.store.RestoreWatch(w.t.Context(), w.account, watch.ID, w.now.Add(-day)); err != nil {
				w.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				watch := w.watch(w.account, "Voirie", vigie.Daily, "voirie")
				w.enter()
				w.pause(w.account, watch)
				w.publishMany(0, 300)
				w.resume(w.account, watch, true)
				catchUp := w.ledger.CatchUp()
				if more, err := catchUp.Step(t.Context()); err != nil || !more {
					t.Fatal(more, err)
				}
				interrupt(w, watch, func() {
					w.publishMany(300, 310)
					w.enter()
				})
				w.drain(catchUp)
				w.once("in the end", w.account, 31)
			})
		})
	}
}

// A tender that the ledger enters while a watch catches up on it is announced once.
func TestCatchUpBesideLedger(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Daily, "voirie")
		w.enter()
		w.pause(w.account, watch)
		// A correction is known before its original, which adds nothing new then.
		w.publish("late-1", "Voirie", about(vigie.Correction, "late"))
		w.enter()
		w.resume(w.account, watch, true)
		done := false
		w.ledger.Fault = func(at alert.Fault) {
			if at == alert.AfterMatch && !done {
				done = true
				w.publish("late", "Voirie", func(n *vigie.Notice) { n.PublishedAt = w.now.Add(-time.Hour) })
				w.drain(w.ledger.Notices())
			}
		}
		w.enter()
		w.once("found twice at once", w.account, 1)
	})
}

// Catching up does not overtake the ledger: it waits for notices that the ledger has not entered, and does not end
// before.
func TestCatchUpWaitsForLedger(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Daily, "voirie")
		w.enter()
		w.pause(w.account, watch)
		w.publishMany(0, 30)
		w.resume(w.account, watch, true)
		w.publish("pending", "Voirie")
		w.drain(w.ledger.CatchUp())
		w.once("the ledger is behind", w.account, 3)
		if behind, err := w.store.CatchUpBehind(t.Context()); err != nil || behind.Changes != 1 || behind.Since.IsZero() {
			t.Errorf("%+v, %v", behind, err)
		}
		w.enter()
		w.once("the ledger has come", w.account, 4)
		if any, err := w.store.AnyCatchingUp(t.Context()); any || err != nil {
			t.Error("the watch still catches up", err)
		}
	})
}

// Catching up alerts of what was published while the watch was off: not of a tender from before the watch, of which only
// the buyer was merged with another in the meantime.
func TestCatchUpLeavesOutMergedBuyers(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		named := func(ref, name string) func(*vigie.Notice) {
			return func(n *vigie.Notice) { n.Buyer = vigie.BuyerName{Name: name, Ref: ref} }
		}
		w.publish("0", "Cantine", named("r1", "Commune Un"))
		w.publish("1", "Voirie", named("r2", "Commune Deux"))
		w.work()
		w.now = w.now.Add(20 * 24 * time.Hour)
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.enter()
		w.pause(w.account, watch)
		w.now = w.now.Add(time.Hour)
		if _, err := w.store.RegisterBuyers(t.Context(), []*vigie.BuyerRecord{{Source: "test", BuyerName: vigie.BuyerName{Ref: "r1", Name: "Commune Un"}, FormerRefs: []string{"r2"}}}); err != nil {
			t.Fatal(err)
		}
		w.indexed()
		w.work()
		w.resume(w.account, watch, true)
		w.expect("catching up", w.after(time.Hour))
	})
}

// What was imported without alerts mails nobody, also not a watch that catches up.
func TestCatchUpLeavesOutQuietNotices(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.enter()
		w.pause(w.account, watch)
		w.publish("1", "Voirie", func(n *vigie.Notice) { n.Quiet = true })
		w.work()
		w.resume(w.account, watch, true)
		w.expect("catching up", w.after(time.Hour))
	})
}

// A tender that was published before a watch was created is listed, never mailed: also where something else of it
// changed while the watch was off.
func TestCatchUpLeavesOutOldTenders(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.publish("1", "Voirie", func(n *vigie.Notice) { n.Buyer.Ref = "b1" })
		w.work()
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.enter()
		w.pause(w.account, watch)
		w.now = w.now.Add(time.Hour)
		w.publish("1x", "Voirie", func(n *vigie.Notice) { n.Links = []string{"1"}; n.Quiet = true })
		w.work()
		w.resume(w.account, watch, true)
		w.expect("catching up", w.after(time.Hour))
	})
}

// A notice that was published too long ago to alert anybody alerts no watch that catches up.
func TestCatchUpLeavesOutOldNotices(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.enter()
		w.pause(w.account, watch)
		w.publish("1", "Voirie", func(n *vigie.Notice) { n.PublishedAt = w.now.Add(-30 * 24 * time.Hour) })
		w.work()
		w.resume(w.account, watch, true)
		w.expect("catching up", w.after(time.Hour))
	})
}

// Catching up that is requested later alerts of what was missed, once.
func TestCatchUpAskedForLater(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.enter()
		w.pause(w.account, watch)
		w.publish("1", "Voirie")
		w.work()
		w.resume(w.account, watch, false)
		w.publish("2", "Voirie")
		w.expect("on", w.after(time.Hour), "ana: 1 nouveau marché – veille Voirie")
		w.change(w.account, watch.ID, func(watch *vigie.Watch) { watch.CatchUpFrom = watch.Paused })
		w.expect("later", w.after(time.Hour), "ana: 1 nouveau marché – veille Voirie")
		w.expect("once", w.after(72*time.Hour))
	})
}

// What a watch misses is what came while it was off. A tender that came while it was on and did not match then is not
// announced, although the watch looks for it now.
func TestCatchUpLeavesOutWhatCameWhileOn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.enter()
		w.pause(w.account, watch)
		w.publish("1", "Cantine")
		w.enter()
		w.resume(w.account, watch, false)
		w.publish("2", "Cantine centrale")
		w.enter()
		w.change(w.account, watch.ID, func(watch *vigie.Watch) {
			watch.Criteria.Keywords, watch.CatchUpFrom = []string{"cantine"}, watch.Paused
		})
		w.expect("catching up", w.after(time.Hour), "ana: 1 nouveau marché – veille Voirie")
	})
}

// What a deleted watch that is restored missed is found also if it had been paused before.
func TestCatchUpAfterRestoringTwice(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.enter()
		for _, ref := range []string{"1", "2"} {
			w.remove(w.account, watch)
			w.publish(ref, "Voirie "+ref)
			w.enter()
			w.restore(w.account, watch)
			w.expect("restored", w.after(time.Hour), "ana: 1 nouveau marché – veille Voirie")
		}
	})
}

// A watch that catches up alerts of what happened while it was off to tenders that it had alerted of.
func TestCatchUpOnCorrections(t *testing.T) {
	for name, test := range map[string]struct {
		kind    vigie.NoticeKind
		deleted bool
		mail    string
	}{
		"corrected while paused":  {vigie.Correction, false, "ana: 1 marché rectifié – veille Voirie"},
		"cancelled while paused":  {vigie.Cancellation, false, "ana: 1 marché annulé – veille Voirie"},
		"corrected while deleted": {vigie.Correction, true, "ana: 1 marché rectifié – veille Voirie"},
		"cancelled while deleted": {vigie.Cancellation, true, "ana: 1 marché annulé – veille Voirie"},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
				w.publish("1", "Voirie")
				w.expect("announced", w.work(), "ana: 1 nouveau marché – veille Voirie")
				w.now = w.now.Add(time.Hour)
				if test.deleted {
					w.remove(w.account, watch)
				} else {
					w.pause(w.account, watch)
				}
				w.publish("1c", "Voirie", about(test.kind, "1"), until(w.in(4*day)))
				w.expect("off", w.work())
				w.now = w.now.Add(time.Hour)
				if test.deleted {
					w.restore(w.account, watch)
				} else {
					w.resume(w.account, watch, true)
				}
				w.expect("caught up", w.work(), test.mail)
			})
		})
	}
}

// What a watch missed may correct a tender without being a correction by its kind: the tender was published again under its
// number, or called for a second time.
func TestCatchUpOnOtherCorrections(t *testing.T) {
	for name, ref := range map[string]string{"published again": "1", "called again": "1-bis"} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
				w.watch(w.signIn("bob"), "Voirie", vigie.Immediate, "voirie")
				cleo := w.signIn("cleo")
				uninformed := w.watch(cleo, "Voirie", vigie.Immediate, "voirie")
				w.pause(cleo, uninformed)
				w.publish("1", "Voirie")
				w.expect("announced", w.work(), "ana: 1 nouveau marché – veille Voirie", "bob: 1 nouveau marché – veille Voirie")
				w.now = w.now.Add(time.Hour)
				w.pause(w.account, watch)
				w.publish(ref, "Voirie", about(vigie.ContractNotice, "1"), until(w.in(50*day)))
				w.expect("off", w.work(), "bob: 1 marché rectifié – veille Voirie")
				w.now = w.now.Add(time.Hour)
				w.resume(w.account, watch, true)
				w.resume(cleo, uninformed, true)
				w.expect("caught up", w.work(), "ana: 1 marché rectifié – veille Voirie", "cleo: 1 nouveau marché – veille Voirie")
			})
		})
	}
}
