package alert_test

import (
	"net/http"
	"testing"
	"time"

	"vigie"
	"vigie/ledger"
)

// What is tried again keeps no new message from being claimed, however much it is.
func TestWebhookRetriesLeaveRoom(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		h.add(watch, "/dead")
		h.receiver.answers(status(http.StatusBadGateway))
		for _, ref := range []string{"1", "2", "3", "4"} {
			h.publish(ref, "Voirie "+ref)
		}
		h.expect("refused", h.post())
		h.add(h.watch(h.signIn("bob"), "Ponts", vigie.Immediate, "ponts"), "/alive")
		h.publish("5", "Ponts")
		h.enter()
		h.now = h.now.Add(time.Hour)
		claimed, err := h.store.Ledger().Claim(t.Context(), ledger.ClaimOptions{
			Channel: vigie.WebhookChannel, Limit: 4, Lease: time.Minute, IndexVersion: indexVersion,
		})
		if err != nil {
			t.Fatal(err)
		}
		var fresh int
		for _, m := range claimed.Mails {
			if m.Attempts == 0 {
				fresh++
			}
		}
		if fresh != 1 || len(claimed.Mails) != 4 || !claimed.More {
			t.Errorf("%d messages, %d of them new; more: %t", len(claimed.Mails), fresh, claimed.More)
		}
	})
}
