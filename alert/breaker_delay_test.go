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
