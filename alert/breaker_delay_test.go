package alert_test

import (
	"testing"
	"time"

	"vigie"
	"vigie/alert/post"
	"vigie/store"
)

// refuseAlways refuses mail to an address for so long that the pauses between the tries have become long.
func (w *world) refuseAlways(address string) {
	w.mailer.refuse = func(m post.Message) error {
		if m.To == address {
			return refuseForNow(m)
		}
		return nil
	}
	for pause := time.Minute; pause < 30*time.Hour; pause *= 2 {
		w.work()
		w.now = w.now.Add(pause + time.Second)
	}
	w.work()
}

// The new address of an account does not wait for the mail server of the old one.
func TestBreakerNewAddressWaitsForOldServer(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie")
		w.refuseAlways("ana@example.org")
		w.moves("ana", "new@example.org", true)
		w.publish("2", "Voirie", until(w.in(30*time.Hour)))
		got := w.after(2 * time.Hour)
		later := append(w.after(20*time.Hour), w.after(20*time.Hour)...)
		if len(got) == 0 {
			t.Errorf("two hours after a tender that closes in 30: no mail; then %v", later)
		}
		t.Log(got, later)
	})
}

// An address that is verified now does not wait until a request for its consent is tried again.
func TestBreakerVerifiedAddressWaitsForConfirmation(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		account, err := w.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "eve", Email: "eve@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		w.watch(account, "Voirie", vigie.Immediate, "voirie")
		w.refuseAlways("eve@example.org")
		w.mailer.refuse = nil
		w.moves("eve", "eve@example.org", true)
		w.publish("2", "Voirie", until(w.in(30*time.Hour)))
		got := w.after(2 * time.Hour)
		later := append(w.after(20*time.Hour), w.after(20*time.Hour)...)
		if len(got) == 0 {
			t.Errorf("two hours after a tender that closes in 30: no mail; then %v", later)
		}
		t.Log(got, later)
	})
}

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
