package alert_test

import (
	"testing"

	"vigie"
	"vigie/store"
)

// A token without the claim email_verified withdraws no consent: the waiting delivery is sent.
func TestVerificationNotSaid(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Daily, "voirie")
		w.publish("1", "Voirie")
		w.expect("at first", w.work())
		_, err := w.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "ana", Email: "ana@example.org", VerificationAbsent: true})
		if err != nil {
			t.Fatal(err)
		}
		w.expect("before the digest is due", w.work())
		w.expect("the digest", w.after(day), "ana: 1 nouveau marché – veille Voirie")
	})
}
