package alert_test

import (
	"testing"
	"time"

	"vigie"
	"vigie/store"
)

// What waits for a digest is owed in time, also where a notice that alerts nobody itself has moved the deadline.
func TestBreakerDeadlineMovedQuietly(t *testing.T) {
	for name, change := range map[string]func(*world, *vigie.Notice){
		"imported without alerts": func(_ *world, n *vigie.Notice) { n.Quiet = true },
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				w.watch(w.account, "Voirie", vigie.Weekly, "voirie")
				w.now = w.now.Add(3 * time.Hour) // after Monday's digest
				w.publish("1", "Voirie")
				w.expect("weekly", w.work())
				w.now = w.now.Add(time.Hour)
				sooner := w.in(3 * 24 * time.Hour)
				w.publish("1c", "Voirie", about(vigie.Correction, "1"), func(n *vigie.Notice) {
					n.Content.Deadline = sooner
					change(w, n)
				})
				got := w.after(time.Hour)
				for range 12 {
					got = append(got, w.after(24*time.Hour)...)
				}
				if len(got) != 1 {
					t.Errorf("mails: %v", got)
				}
			})
		})
	}
}

// A watch that was dismissed a tender and undone: the mail that waits is owed.
func TestBreakerDismissedWhileMailIsOpenThenShown(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie", "team@example.org")
		w.consents("team@example.org")
		p := w.publish("1", "Voirie")
		w.mailer.refuse = refuseForNow
		w.work()
		w.mailer.refuse = nil
		w.dismiss(w.account, p.Notice.TenderID)
		if err := w.store.SetMark(t.Context(), w.account.ID, store.Dismissed, false, []int64{p.Notice.TenderID}); err != nil {
			t.Fatal(err)
		}
		w.expect("shown again", w.after(2*time.Hour), "ana: 1 nouveau marché – veille Voirie", "team: 1 nouveau marché – veille Voirie")
	})
}
