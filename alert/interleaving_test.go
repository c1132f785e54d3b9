package alert_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/alert"
	"vigie/alert/post"
	"vigie/consumer"
	"vigie/database"
	"vigie/query"
)

// failing makes a consumer fail on one item, until the function that it returns is called.
func (w *world) failing(name string, id int64) (mend func()) {
	poisoned := true
	w.ledger.Fail = func(_ context.Context, consumer string, items []consumer.Item) error {
		for _, item := range items {
			if poisoned && consumer == name && item.ID == id {
				panic("cannot be read")
			}
		}
		return nil
	}
	return func() { poisoned = false }
}

// A watch that is deleted within a step of catching up, and restored a moment later, gets what it had asked for.
func TestDeletedWithinStepOfCatchUp(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.enter()
		w.pause(w.account, watch)
		w.publish("1", "Voirie")
		w.enter()
		w.resume(w.account, watch, true)
		done := false
		w.ledger.Fault = func(at alert.Fault) {
			if at == alert.AfterMatch && !done {
				done = true
				w.remove(w.account, watch)
			}
		}
		w.drain(w.ledger.CatchUp())
		if !done {
			t.Fatal("no step of catching up")
		}
		w.restore(w.account, watch)
		w.expect("restored", w.work(), "ana: 1 nouveau marché – veille Voirie")
	})
}

// The same, deleted after the step read which watches catch up and whom to alert is decided, with another watch that
// catches up at the same time.
func TestPausedWithinStepOfCatchUp(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		bob := w.signIn("bob")
		other := w.watch(bob, "Voirie", vigie.Immediate, "voirie")
		w.enter()
		w.pause(w.account, watch)
		w.pause(bob, other)
		w.publish("1", "Voirie")
		w.enter()
		w.resume(w.account, watch, true)
		w.resume(bob, other, true)
		step := 0
		w.ledger.Fault = func(at alert.Fault) {
			switch {
			case at == alert.AfterMatch && step == 0:
				step++
				w.pause(w.account, watch)
			case at == alert.AfterEnter && step == 1:
				step++
				w.resume(w.account, watch, true)
			}
		}
		w.drain(w.ledger.CatchUp())
		if step != 2 {
			t.Fatal("step", step)
		}
		w.expect("in the end", w.work(), "ana: 1 nouveau marché – veille Voirie", "bob: 1 nouveau marché – veille Voirie")
	})
}

// A notice in quarantine alerts a watch that was on when it came, also where the watch was paused twice since.
func TestNoticeRetriedAfterTwoPauses(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.enter()
		mend := w.failing(database.AlertsConsumer, w.publish("1", "Voirie").Notice.ID)
		w.enter()
		w.aside("set aside", "alerts notice")
		for n := range 2 {
			w.pause(w.account, watch)
			w.publish(fmt.Sprint("other", n), "Pont")
			w.enter()
			w.resume(w.account, watch, false)
			w.enter()
		}
		mend()
		w.retry()
		w.expect("tried again", w.after(time.Minute), "ana: 1 nouveau marché – veille Voirie")
	})
}

// A notice in the quarantine of catching up is still owed where the watch is off when it is tried again.
func TestMissedNoticeRetriedWhileOff(t *testing.T) {
	for name, off := range map[string]func(*world, *vigie.Watch) func(){
		"paused": func(w *world, watch *vigie.Watch) func() {
			w.pause(w.account, watch)
			return func() { w.resume(w.account, watch, true) }
		},
		"deleted": func(w *world, watch *vigie.Watch) func() {
			w.remove(w.account, watch)
			return func() { w.restore(w.account, watch) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
				w.enter()
				w.pause(w.account, watch)
				notice := w.publish("1", "Voirie").Notice.ID
				w.enter()
				mend := w.failing(database.CatchUpConsumer, notice)
				w.resume(w.account, watch, true)
				w.enter()
				w.aside("set aside", "catch-up notice")
				on := off(w, watch)
				mend()
				w.retry()
				w.enter()
				on()
				w.expect("on again", w.after(time.Minute), "ana: 1 nouveau marché – veille Voirie")
			})
		})
	}
}

// A watch in quarantine is owed what came while it was on, also where it is paused or resumed before it is freed.
func TestWatchRetriedAfterPause(t *testing.T) {
	for name, meanwhile := range map[string]func(*world, *vigie.Watch) func(){
		"paused when it is freed": func(w *world, watch *vigie.Watch) func() {
			w.pause(w.account, watch)
			return func() { w.resume(w.account, watch, true) }
		},
		"resumed before": func(w *world, watch *vigie.Watch) func() {
			w.pause(w.account, watch)
			w.resume(w.account, watch, false)
			return func() {}
		},
		"resumed before, to catch up": func(w *world, watch *vigie.Watch) func() {
			w.pause(w.account, watch)
			w.resume(w.account, watch, true)
			return func() {}
		},
		"deleted when it is freed": func(w *world, watch *vigie.Watch) func() {
			w.remove(w.account, watch)
			return func() { w.restore(w.account, watch) }
		},
		"restored before": func(w *world, watch *vigie.Watch) func() {
			w.remove(w.account, watch)
			w.restore(w.account, watch)
			return func() {}
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				poisoned := true
				compile := w.ledger.Matcher.Compile
				w.ledger.Matcher.Compile = func(c vigie.Criteria) query.Formula {
					if poisoned && len(c.ExcludedKeywords) > 0 {
						panic("this watch cannot be compiled")
					}
					return compile(c)
				}
				watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
				w.enter()
				w.change(w.account, watch.ID, func(v *vigie.Watch) { v.Criteria.ExcludedKeywords = []string{"cantine"} })
				w.enter()
				w.aside("set aside", "matcher watch")
				w.publish("1", "Voirie")
				w.expect("set aside", w.work())
				end := meanwhile(w, watch)
				w.enter()
				poisoned = false
				w.retry()
				w.enter()
				end()
				w.expect("in the end", w.after(time.Minute), "ana: 1 nouveau marché – veille Voirie")
			})
		})
	}
}

// A mail that was claimed leaves although its recipient's deliveries are taken over before it is composed; other mails
// that were claimed with it are not held up.
func TestAddressChangesBetweenClaimAndReading(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.watch(w.account, "Cantine", vigie.Immediate, "cantine", "new@example.org")
		w.consents("new@example.org")
		w.watch(w.signIn("bob"), "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie")
		w.enter()
		done := false
		w.sender.Fault = func(at alert.Fault) {
			if at == alert.AfterClaim && !done {
				done = true
				w.moves("ana", "new@example.org", true)
			}
		}
		w.expect("in the end", slices.Sorted(slices.Values(append(w.send(), w.after(time.Hour)...))),
			"bob: 1 nouveau marché – veille Voirie", "new: 1 nouveau marché – veille Voirie")
	})
}

// What a mail leaves out, and another watch leads to before it is sent, is still owed.
func TestLeftOutWhileAnotherWatchCatchesUp(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		one := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		other := w.watch(w.account, "Pont", vigie.Immediate, "pont")
		w.watch(w.account, "Cantine", vigie.Immediate, "cantine")
		w.enter()
		w.pause(w.account, other)
		w.publish("1", "Cantine")
		w.publish("2", "Voirie du pont")
		w.enter()
		w.sender.Fault = func(at alert.Fault) {
			switch at {
			case alert.AfterClaim: // the recipient no longer follows the watch that led to the second
				w.sender.Fault = func(at alert.Fault) {
					if at == alert.BeforeSend { // another one catches up, and matches it, too
						w.sender.Fault = nil
						w.resume(w.account, other, true)
						w.enter()
					}
				}
				if _, err := w.store.UpdateWatch(t.Context(), w.account, one.ID, func(*vigie.Watch) {}, new(bool), nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		w.expect("in the end", append(w.send(), w.after(time.Hour)...),
			"ana: 1 nouveau marché – veille Cantine", "ana: 1 nouveau marché – veille Pont")
	})
}

// A mail in quarantine that announces a tender as new is not sent after the tender was cancelled, and its recipient
// mailed that.
func TestNewIsNotSentAfterCancelled(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie")
		poisoned := true
		w.mailer.sending = func(post.Message) {
			if poisoned {
				panic("this mail cannot be sent")
			}
		}
		w.work()
		w.after(time.Minute)
		w.after(2 * time.Minute)
		w.aside("set aside", "mails mail")
		poisoned = false
		w.publish("1x", "Voirie", about(vigie.Cancellation, "1"))
		first := w.after(time.Minute)
		w.retry()
		w.expect("after the cancellation "+strings.Join(first, ", "), w.after(time.Minute))
	})
}

// A watch that is made over a connection that was opened before the account's address changed writes to the new
// address, and not to the old one.
func TestWatchIsCreatedAfterAddressChanged(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		before := *w.account // as a socket has it until its token ends
		w.moves("ana", "new@example.org", true)
		w.watch(&before, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie")
		w.expect("in the end", w.work(), "new: 1 nouveau marché – veille Voirie")
	})
}

// A notice alerts those that it concerns however late the ledger reads it.
func TestLedgerReadsLate(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.enter()
		w.publish("1", "Voirie")
		w.now = w.now.Add(8 * day)
		w.expect("in the end", w.work(), "ana: 1 nouveau marché – veille Voirie")
	})
}

// A tender whose notices are withdrawn and published again while a mail with it is being sent is still owed.
func TestPublishedAgainWhileLeftOut(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie communale")
		w.publish("2", "Voirie rurale")
		w.enter()
		w.sender.Fault = func(at alert.Fault) {
			if at != alert.AfterClaim {
				return
			}
			w.sender.Fault = nil
			if _, err := w.store.Withdraw(t.Context(), "test", "2"); err != nil {
				t.Fatal(err)
			}
		}
		w.mailer.sending = func(post.Message) {
			w.mailer.sending = nil
			w.publish("2", "Voirie rurale")
			w.enter()
		}
		w.expect("in the end", append(w.send(), w.after(time.Hour)...),
			"ana: 1 nouveau marché – veille Voirie", "ana: 1 nouveau marché – veille Voirie")
	})
}
