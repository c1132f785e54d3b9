package alert_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/alert/post"
	"vigie/ledger"
	"vigie/store"
)

// pause and resume switch a watch off and on; with catchUp it also catches up on what came while it was off.
func (w *world) pause(account *vigie.Account, watch *vigie.Watch) {
	w.t.Helper()
	w.change(account, watch.ID, func(watch *vigie.Watch) { watch.Active = false })
}

func (w *world) resume(account *vigie.Account, watch *vigie.Watch, catchUp bool) {
	w.t.Helper()
	w.change(account, watch.ID, func(watch *vigie.Watch) {
		watch.Active = true
		if catchUp {
			watch.CatchUp()
		}
	})
}

func (w *world) remove(account *vigie.Account, watch *vigie.Watch) {
	w.t.Helper()
	if err := w.store.DeleteWatch(w.t.Context(), account.ID, watch.ID); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) restore(account *vigie.Account, watch *vigie.Watch) {
	w.t.Helper()
	if _, err := w.store.RestoreWatch(w.t.Context(), account, watch.ID, w.now.Add(-vigie.RestorableFor)); err != nil {
		w.t.Fatal(err)
	}
}

// token signs the account's owner in again, with an address that is verified or not.
func (w *world) token(account *vigie.Account, verified bool) {
	w.t.Helper()
	if _, err := w.store.SignIn(w.t.Context(), store.Claims{
		Issuer: account.Issuer, Subject: account.Subject, Email: account.Email, EmailVerified: verified,
	}); err != nil {
		w.t.Fatal(err)
	}
}

// Each of these holds a waiting delivery, and ends the hold: the delivery is then sent without a request.
func TestHeld(t *testing.T) {
	type step func(*world, *vigie.Watch)
	for name, test := range map[string]struct{ hold, release step }{
		"paused, resumed": {
			func(w *world, watch *vigie.Watch) { w.pause(w.account, watch) },
			func(w *world, watch *vigie.Watch) { w.resume(w.account, watch, false) },
		},
		"paused, resumed to catch up": {
			func(w *world, watch *vigie.Watch) { w.pause(w.account, watch) },
			func(w *world, watch *vigie.Watch) { w.resume(w.account, watch, true) },
		},
		"deleted, restored": {
			func(w *world, watch *vigie.Watch) { w.remove(w.account, watch) },
			func(w *world, watch *vigie.Watch) { w.restore(w.account, watch) },
		},
		"not vouched for, vouched for again": {
			func(w *world, _ *vigie.Watch) { w.token(w.account, false) },
			func(w *world, _ *vigie.Watch) { w.token(w.account, true) },
		},
		"not vouched for, confirmed by link": {
			func(w *world, _ *vigie.Watch) { w.token(w.account, false) },
			func(w *world, _ *vigie.Watch) { w.consents("ana@example.org") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			for when, entered := range map[string]bool{"entered before": true, "entered while held": false} {
				t.Run(when, func(t *testing.T) {
					onBoth(t, func(t *testing.T, w *world) {
						watch := w.watch(w.account, "Voirie", vigie.Daily, "voirie")
						w.publish("1", "Voirie")
						if entered {
							w.expect("before the digest", w.work())
						}
						test.hold(w, watch)
						w.expect("held", alerts(w.after(2*time.Minute)))
						test.release(w, watch)
						w.expect("released", w.after(72*time.Hour), "ana: 1 nouveau marché – veille Voirie")
						w.expect("once", w.after(72*time.Hour))
					})
				})
			}
			t.Run("claimed before", func(t *testing.T) {
				onBoth(t, func(t *testing.T, w *world) {
					watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
					w.publish("1", "Voirie")
					w.mailer.refuse = func(post.Message) error { return &post.Error{Kind: post.Temporary, Code: 451, Reply: "451 later"} }
					w.expect("refused for now", w.work())
					w.mailer.refuse = nil
					test.hold(w, watch)
					w.expect("held", alerts(w.after(2*time.Hour)))
					test.release(w, watch)
					w.expect("released", w.after(2*time.Hour), "ana: 1 nouveau marché – veille Voirie")
					w.expect("once", w.after(72*time.Hour))
				})
			})
		})
	}
}

// alerts leaves out the mails that ask for consent.
func alerts(lines []string) []string {
	return slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, "Confirmez votre adresse") })
}

// A held delivery is dropped once the tender is over, or after 30 days; a deleted watch's after a day.
func TestHeldTooLong(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Daily, "voirie")
		short := w.publish("short", "Voirie", until(w.in(20*day)))
		long := w.publish("long", "Voirie rurale", until(w.in(60*day)))
		w.expect("before the digest", w.work())
		w.pause(w.account, watch)
		w.expect("held", w.work())
		w.states(watch, map[store.Published]vigie.DeliveryState{short: vigie.DeliveryHeld, long: vigie.DeliveryHeld})
		w.expect("after the deadline", w.after(21*day))
		w.states(watch, map[store.Published]vigie.DeliveryState{short: vigie.DeliveryDropped, long: vigie.DeliveryHeld})
		w.expect("after 30 days", w.after(9*day))
		w.states(watch, map[store.Published]vigie.DeliveryState{short: vigie.DeliveryDropped, long: vigie.DeliveryDropped})
		w.resume(w.account, watch, false)
		w.expect("resumed", w.after(day))
	})
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Daily, "voirie")
		w.watch(w.account, "Rurale", vigie.Weekly, "rurale")
		one, both := w.publish("one", "Voirie"), w.publish("both", "Voirie rurale")
		w.enter()
		w.remove(w.account, watch)
		w.expect("within a day", w.after(day))
		w.states(watch, map[store.Published]vigie.DeliveryState{one: vigie.DeliveryHeld, both: vigie.DeliveryWaiting})
		w.expect("after a day", w.after(time.Minute))
		w.states(watch, map[store.Published]vigie.DeliveryState{one: vigie.DeliveryDropped, both: vigie.DeliveryWaiting})
		w.expect("the other watch's digest", w.after(week), "ana: 1 nouveau marché – veille Rurale")
	})
}

// What is final stays final: a dropped delivery does not come back.
func TestDroppedStays(t *testing.T) {
	for name, test := range map[string]struct{ drop, undo func(*world, *vigie.Watch) }{
		"left, back": {
			func(w *world, watch *vigie.Watch) { w.leave(watch) },
			func(w *world, watch *vigie.Watch) { w.consents("ana@example.org") },
		},
		"left the watch, back": {
			func(w *world, watch *vigie.Watch) { w.leaveWatch(watch) },
			func(w *world, watch *vigie.Watch) {
				if err := w.store.Ledger().RejoinWatch(w.t.Context(), w.subscription(w.account, watch).ID, "ana@example.org"); err != nil {
					w.t.Fatal(err)
				}
			},
		},
		"removed, named again": {
			func(w *world, watch *vigie.Watch) { w.notify(watch, false) },
			func(w *world, watch *vigie.Watch) { w.notify(watch, true) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, paused := range []bool{false, true} {
				onBoth(t, func(t *testing.T, w *world) {
					watch := w.watch(w.account, "Voirie", vigie.Daily, "voirie")
					published := w.publish("1", "Voirie")
					w.expect("before the digest", w.work())
					if paused {
						w.pause(w.account, watch)
						w.expect("held", w.work())
					}
					test.drop(w, watch)
					w.expect("dropped", w.work())
					w.states(watch, map[store.Published]vigie.DeliveryState{published: vigie.DeliveryDropped})
					test.undo(w, watch)
					if paused {
						w.resume(w.account, watch, false)
					}
					w.expect("undone", w.after(72*time.Hour))
					w.publish("2", "Voirie rurale")
					w.expect("what comes later", w.after(day), "ana: 1 nouveau marché – veille Voirie")
				})
			}
		})
	}
}

// A delivery that is held for one watch is sent because of another that the tender begins to match, once; when the
// first watch is resumed it is not sent again.
func TestHeldForOneWatch(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		voirie := w.watch(w.account, "Voirie", vigie.Daily, "voirie")
		w.watch(w.account, "Rurale", vigie.Daily, "rurale")
		w.publish("1", "Voirie")
		w.expect("before the digest", w.work())
		w.pause(w.account, voirie)
		w.expect("held", w.work())
		w.publish("1-1", "Voirie rurale", about(vigie.Correction, "1"))
		w.expect("for the other watch", w.after(day), "ana: 1 nouveau marché – veille Rurale")
		w.resume(w.account, voirie, false)
		w.expect("resumed", w.after(72*time.Hour))
	})
	onBoth(t, func(t *testing.T, w *world) {
		voirie := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.watch(w.account, "Rurale", vigie.Immediate, "rurale")
		w.publish("1", "Voirie")
		w.expect("new", w.work(), "ana: 1 nouveau marché – veille Voirie")
		w.pause(w.account, voirie)
		w.publish("1-1", "Voirie rurale", about(vigie.Correction, "1"))
		w.expect("a tender that the address knows is not new to it", w.after(time.Hour), "ana: 1 marché rectifié – veille Rurale")
	})
}

// leave makes the first address of a watch leave all watches, leaveWatch only this one.
func (w *world) leave(watch *vigie.Watch) {
	w.t.Helper()
	if err := w.store.Ledger().Leave(w.t.Context(), w.recipient(w.account, watch), "ana@example.org"); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) leaveWatch(watch *vigie.Watch) {
	w.t.Helper()
	if err := w.store.Ledger().LeaveWatch(w.t.Context(), w.subscription(w.account, watch).ID, "ana@example.org"); err != nil {
		w.t.Fatal(err)
	}
}

// notify sets whether a watch mails the account's own address.
func (w *world) notify(watch *vigie.Watch, on bool) {
	w.t.Helper()
	if _, err := w.store.UpdateWatch(w.t.Context(), w.account, watch.ID, func(*vigie.Watch) {}, &on, nil); err != nil {
		w.t.Fatal(err)
	}
}

// states checks the states of a watch's deliveries, in the order of publication.
func (w *world) states(watch *vigie.Watch, want map[store.Published]vigie.DeliveryState) {
	w.t.Helper()
	list, _, err := w.store.Ledger().Deliveries(w.t.Context(), watch.ID, ledger.DeliveryWindow{Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	for published, state := range want {
		found := false
		for _, d := range list {
			if d.NoticeID != published.Notice.ID {
				continue
			}
			found = true
			if d.State() != state {
				w.t.Errorf("%s is %s, not %s", published.Notice.SourceRef, d.State(), state)
			}
			if held := d.HeldAt != nil; held != (state == vigie.DeliveryHeld) {
				w.t.Errorf("%s: held since %v", published.Notice.SourceRef, d.HeldAt)
			}
		}
		if !found {
			w.t.Errorf("no delivery for %s", published.Notice.SourceRef)
		}
	}
}
