package alert_test

import (
	"net/http"
	"testing"
	"time"

	"vigie"
)

// An endpoint that says when it can be tried again is not tried before: with no message, nor after its webhook was switched off
// and on.
func TestWebhookLeftAlone(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		w := h.add(h.watch(h.account, "Voirie", vigie.Immediate, "voirie"), "/a")
		h.receiver.header["Retry-After"] = "7200"
		tried := 0
		h.receiver.answers(func(hookMessage) int {
			tried++
			return http.StatusServiceUnavailable
		})
		h.publish("1", "Voirie du nord")
		h.post()
		h.receiver.answers(func(hookMessage) int {
			tried++
			return http.StatusOK
		})
		h.publish("2", "Voirie du sud")
		h.expect("another message", h.later(time.Hour))
		h.set(w, func(w *vigie.Webhook) { w.PausedAt = &h.now })
		h.set(w, func(w *vigie.Webhook) { w.PausedAt = nil })
		if err := h.store.Ledger().RestartWebhook(t.Context(), w.ID); err != nil {
			t.Fatal(err)
		}
		h.expect("switched on", h.later(time.Minute))
		if tried != 1 {
			t.Errorf("tried %d times", tried)
		}
		h.expect("at its time", h.later(time.Hour), "a: NEW Voirie du nord", "a: NEW Voirie du sud")
	})
}

// What a version without webhooks leaves of an account that it erases is erased.
func TestWebhookLeftByOldVersion(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		bob := h.signIn("bob")
		left, kept := h.add(h.watch(bob, "Voirie", vigie.Immediate, "voirie"), "/a"), h.add(h.watch(h.account, "Voirie", vigie.Immediate, "voirie"), "/b")
		for _, statement := range []string{ // as that version does
			"DELETE FROM subscriptions WHERE recipient_id IN (SELECT id FROM recipients WHERE account_id = ?)",
			"DELETE FROM recipients WHERE account_id = ?", "UPDATE accounts SET issuer = '' WHERE id = ?",
		} {
			if _, err := h.store.Database().NewRaw(statement, bob.ID).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		h.post()
		if _, err := h.store.Ledger().Webhook(t.Context(), bob.ID, left.ID); vigie.CodeOf(err) != vigie.NotFound {
			t.Errorf("the webhook of an erased account: %v", err)
		}
		h.webhookOf(kept)
	})
}
