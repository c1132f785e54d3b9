package alert_test

import (
	"testing"
	"time"

	"vigie"
)

// Catching up tells of what was published while the watch was off: not of a tender from before the watch, of which only
// the buyer was merged with another in the meantime.
func TestBreakerCatchUpAfterBuyersMerge(t *testing.T) {
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

// A notice that was published too long ago to alert anybody alerts no watch that catches up.
func TestBreakerCatchUpOfOldNotice(t *testing.T) {
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

// Catching up asked for later tells of what was missed, and of nothing twice: a control.
func TestBreakerLaterCatchUp(t *testing.T) {
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
