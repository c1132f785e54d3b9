package alert_test

import (
	"context"
	"testing"
	"time"

	"vigie"
	"vigie/consumer"
	"vigie/database"
)

// Two tenders that turn out to be one while the mail about the second waits for the mail server: one alert.
func TestBreakerMergedWhileMailIsOpen(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		deadline := until(w.in(40 * 24 * time.Hour))
		w.publish("1", "Voirie", deadline)
		w.work()
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("2", "Voirie", deadline)
		w.mailer.refuse = refuseForNow
		w.expect("refused for now", w.work())
		w.mailer.refuse = nil
		w.now = w.now.Add(10 * time.Second)
		w.publish("3", "Voirie", deadline, func(n *vigie.Notice) { n.Links = []string{"1", "2"} })
		got := append(w.after(2*time.Hour), w.after(2*time.Hour)...)
		if len(got) != 1 {
			t.Errorf("mails %v", got)
		}
		t.Log(got)
	})
}

// What was imported without alerts mails nobody, also not a watch that catches up.
func TestBreakerCatchUpOfQuietImport(t *testing.T) {
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
func TestBreakerCatchUpOfOldTender(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.publish("1", "Voirie", func(n *vigie.Notice) { n.Buyer.Ref = "b1" })
		w.work()
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.enter()
		w.pause(w.account, watch)
		w.now = w.now.Add(time.Hour)
		// an award lot or a buyer's register changes the tender's number
		w.publish("1x", "Voirie", func(n *vigie.Notice) { n.Links = []string{"1"}; n.Quiet = true })
		w.work()
		w.resume(w.account, watch, true)
		w.expect("catching up", w.after(time.Hour))
	})
}

// A notice that was quarantined, and is tried again after the recipient was alerted of its tender by catching up.
func TestBreakerQuarantinedNoticeRetriedAfterCatchUp(t *testing.T) {
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
		t.Log(first, again)
		if len(first)+len(again) != 1 {
			t.Errorf("alerted by %v, and by %v", first, again)
		}
	})
}
