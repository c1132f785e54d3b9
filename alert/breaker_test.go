package alert_test

import (
	"testing"
	"time"

	"vigie"
	"vigie/alert/post"
	"vigie/store"
)

// moves signs an account's owner in with another address.
func (w *world) moves(subject, email string, verified bool) {
	w.t.Helper()
	_, err := w.store.SignIn(w.t.Context(), store.Claims{Issuer: "test", Subject: subject, Email: email, EmailVerified: verified})
	if err != nil {
		w.t.Fatal(err)
	}
}

func refuseForNow(post.Message) error {
	return &post.Error{Kind: post.Temporary, Code: 451, Reply: "451 later"}
}

// A mail that the mail server refused for now is still owed after the account's address became one that is a recipient
// of another watch already.
func TestBreakerAddressChangesWhileMailIsOpen(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.watch(w.account, "Cantine", vigie.Immediate, "cantine", "new@example.org")
		w.consents("new@example.org")
		w.publish("1", "Voirie")
		w.mailer.refuse = refuseForNow
		w.expect("refused for now", w.work())
		w.mailer.refuse = nil
		w.moves("ana", "new@example.org", true)
		w.expect("accepted", w.after(2*time.Hour), "new: 1 nouveau marché – veille Voirie")
		w.expect("once", w.after(72*time.Hour))
	})
}

// The same, where the old address had left one other watch.
func TestBreakerAddressOfOneThatLeftAnotherWatchChangesWhileMailIsOpen(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		other := w.watch(w.account, "Cantine", vigie.Immediate, "cantine")
		if err := w.store.Ledger().LeaveWatch(t.Context(), w.subscription(w.account, other).ID); err != nil {
			t.Fatal(err)
		}
		w.publish("1", "Voirie")
		w.mailer.refuse = refuseForNow
		w.expect("refused for now", w.work())
		w.mailer.refuse = nil
		w.moves("ana", "new@example.org", true)
		w.expect("accepted", w.after(2*time.Hour), "new: 1 nouveau marché – veille Voirie")
		w.expect("once", w.after(72*time.Hour))
	})
}

// What waits for the old address is owed to the new one, although that was once removed from the watch.
func TestBreakerAddressChangesToOneThatWasRemoved(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Daily, "voirie", "new@example.org")
		w.consents("new@example.org")
		w.publish("1", "Voirie")
		w.expect("entered", w.work())
		if _, err := w.store.UpdateWatch(t.Context(), w.account, watch.ID, func(*vigie.Watch) {}, nil, &[]string{}); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(time.Minute)
		w.expect("removed", w.work())
		w.moves("ana", "new@example.org", true)
		w.expect("digest", w.after(72*time.Hour), "new: 1 nouveau marché – veille Voirie")
	})
}

// The cancellation of a tender reaches the person whose address changed since the alert.
func TestBreakerCancelledAfterAddressChange(t *testing.T) {
	for name, others := range map[string][]string{"to a new one": nil, "to one that is on another watch": {"new@example.org"}} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
				w.watch(w.account, "Cantine", vigie.Immediate, "cantine", others...)
				w.consents("new@example.org")
				w.publish("1", "Voirie")
				w.expect("sent", w.work(), "ana: 1 nouveau marché – veille Voirie")
				w.now = w.now.Add(time.Hour)
				w.moves("ana", "new@example.org", true)
				w.publish("1x", "Voirie", about(vigie.Cancellation, "1"))
				if got := w.after(time.Hour); len(got) != 1 {
					t.Errorf("nobody hears of the cancellation: %v", got)
				}
			})
		})
	}
}

// An address whose local part has a capital that is not ASCII is the account's own, and is mailed.
func TestBreakerCapitalLetterBeyondASCII(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		account, err := w.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "elodie", Email: "Élodie@example.org", EmailVerified: true})
		if err != nil {
			t.Fatal(err)
		}
		w.watch(account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie")
		w.expect("published", w.work(), "Élodie: 1 nouveau marché – veille Voirie")
	})
}

// Two addresses of which only one is ASCII are two mailboxes: what becomes of the one (its letter K is the Kelvin sign,
// whose small letter is k) says nothing about the other.
func TestBreakerKelvin(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.signIn("kim"), "Voirie", vigie.Immediate, "voirie")
		other, err := w.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "mallory", Email: "\u212aim@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		w.watch(other, "Voirie", vigie.Immediate, "voirie")
		w.mailer.refuse = func(m post.Message) error {
			if m.To == "\u212aim@example.org" {
				return &post.Error{Kind: post.ForAddress, Code: 550, Reply: "the mail server takes no addresses that are not ASCII"}
			}
			return nil
		}
		w.expect("asked", w.work())
		w.publish("1", "Voirie")
		w.expect("published", w.work(), "kim: 1 nouveau marché – veille Voirie")
	})
}
