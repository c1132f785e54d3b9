package alert_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
)

// An endpoint that stops to answer in the middle of some messages loses none of them: it is suspended, although it had
// accepted one that was written at the same time.
func TestWebhookStopsInBetween(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		w := h.add(watch, "/a")
		h.receiver.answers(func(m hookMessage) int {
			if strings.Contains(m.Data.Tender.Title, "nord") {
				return http.StatusBadGateway
			}
			return http.StatusOK
		})
		h.publish("1", "Voirie du nord")
		h.publish("2", "Voirie du sud")
		h.expect("one of two", h.post(), "a: NEW Voirie du sud")
		h.receiver.answers(status(http.StatusBadGateway))
		for range 30 {
			h.expect("refused", h.later(6*time.Hour))
		}
		if got := h.webhookOf(w); got.Status() != vigie.WebhookSuspended {
			t.Errorf("it is %s", got.Status())
		}
		h.receiver.answers(nil)
		h.set(w, func(w *vigie.Webhook) { w.SuspendedAt = nil })
		h.expect("switched on", h.post(), "a: NEW Voirie du nord")
	})
}

// Messages that are tried for the last time together wait together, once the first of them has suspended their webhook.
func TestWebhookSuspendedBySeveral(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		mine := h.add(h.watch(h.account, "Voirie", vigie.Immediate, "voirie"), "/mine")
		h.watch(h.signIn("bob"), "Voirie", vigie.Weekly, "voirie")
		all := h.add(nil, "/all") // whose messages of two accounts are recorded beside one another
		h.receiver.answers(status(http.StatusBadGateway))
		h.publish("1", "Voirie du nord")
		h.publish("2", "Voirie du sud")
		for range 30 {
			h.expect("refused", h.later(6*time.Hour))
		}
		h.receiver.answers(nil)
		for _, w := range []*vigie.Webhook{mine, all} {
			if got := h.webhookOf(w); got.Status() != vigie.WebhookSuspended {
				t.Errorf("it is %s", got.Status())
			}
			h.set(w, func(w *vigie.Webhook) { w.SuspendedAt = nil })
		}
		h.expect("switched on", h.post(), "all: NEW Voirie du nord", "all: NEW Voirie du nord", "all: NEW Voirie du sud", "all: NEW Voirie du sud",
			"mine: NEW Voirie du nord", "mine: NEW Voirie du sud")
	})
}

// Two messages wait while their tenders turn out to be one: the second one says nothing again.
func TestWebhookOfMergedTenders(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		h.add(h.watch(h.account, "Voirie", vigie.Immediate, "voirie"), "/a")
		h.receiver.answers(status(http.StatusBadGateway))
		h.publish("1", "Voirie du nord")
		h.publish("2", "Voirie du sud")
		h.expect("refused", h.post())
		h.publish("3", "Voirie", about(vigie.Correction, "1"), func(n *vigie.Notice) { n.Links, n.Quiet = []string{"1", "2"}, true })
		h.receiver.answers(nil)
		h.expect("merged", append(h.later(time.Minute), h.later(time.Hour)...), "a: NEW Voirie")
	})
}

// What waits for a webhook that is switched off is not behind, or an alarm would ring for ever.
func TestWebhookThatWaitsIsNotBehind(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		behind := func() int64 {
			t.Helper()
			b, err := h.store.Ledger().MailsBehind(t.Context(), vigie.WebhookChannel)
			if err != nil {
				t.Fatal(err)
			}
			return b.Changes
		}
		w := h.add(h.watch(h.account, "Voirie", vigie.Immediate, "voirie"), "/a")
		h.receiver.answers(status(http.StatusBadGateway))
		h.publish("1", "Voirie du nord")
		h.expect("refused", h.post())
		if got := behind(); got != 1 {
			t.Errorf("%d are behind while it is tried again", got)
		}
		h.set(w, func(w *vigie.Webhook) { w.PausedAt = &h.now })
		h.expect("switched off", h.post())
		if got := behind(); got != 0 {
			t.Errorf("%d are behind while it is switched off", got)
		}
		h.receiver.answers(nil)
		h.set(w, func(w *vigie.Webhook) { w.PausedAt = nil })
		h.expect("switched on", h.post(), "a: NEW Voirie du nord")
		if got := behind(); got != 0 {
			t.Errorf("%d are behind in the end", got)
		}
	})
}

// Edits have what waits tried at once. However many there are, a webhook has its three days.
func TestWebhookEditsCostNoTime(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		w := h.add(watch, "/a")
		h.receiver.answers(status(http.StatusBadGateway))
		h.publish("1", "Voirie du nord")
		for range 40 {
			h.expect("refused", h.later(time.Second))
			h.change(h.account, watch.ID, func(*vigie.Watch) {})
		}
		if got := h.webhookOf(w); got.Status() != vigie.WebhookActive {
			t.Errorf("within a minute it is %s", got.Status())
		}
		h.receiver.answers(nil)
		h.expect("later", h.later(7*time.Hour), "a: NEW Voirie du nord")
	})
}

// What an endpoint answers after the webhook was given another URL says nothing of that.
func TestWebhookFormerURL(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		w := h.add(watch, "/a")
		other := h.add(watch, "/b")
		h.set(other, func(w *vigie.Webhook) { w.PausedAt = &h.now })
		h.receiver.answers(func(m hookMessage) int {
			if m.path == "/a" {
				h.set(w, func(w *vigie.Webhook) { w.Sealed = h.sealed(h.store.IDs().ID(vigie.KindWebhook, w.ID), "/new") })
				return http.StatusGone
			}
			return http.StatusOK
		})
		h.publish("1", "Voirie du nord")
		h.expect("at its new URL", h.post(), "new: NEW Voirie du nord")
		if got := h.webhookOf(w); got.Status() != vigie.WebhookActive {
			t.Errorf("it is %s", got.Status())
		}
	})
}

// The version before holds what a webhook is owed, as if that were an address; this one sends it.
func TestWebhookHeldByVersionBefore(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		h.add(watch, "/a")
		h.publish("1", "Voirie du nord")
		h.enter()
		until := h.now.Add(vigie.MaxHold)
		for _, statement := range []string{
			"INSERT INTO delivery_holds (delivery_id, since, reason) SELECT id, ?0, 'ADDRESS_UNCONFIRMED' FROM deliveries",
			"UPDATE deliveries SET due_at = ?1", "UPDATE recipients SET look_at = ?1 WHERE channel = 'WEBHOOK'",
		} {
			if _, err := h.store.Database().NewRaw(statement, h.now, until).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		h.expect("held by the version before", h.later(2*time.Hour), "a: NEW Voirie du nord")
	})
}

// A webhook is not asked for its consent as an address is: no mail goes to it.
func TestWebhookIsNotAskedByMail(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		h.add(watch, "/a")
		var id int64
		err := h.store.Database().NewRaw("SELECT s.id FROM subscriptions AS s JOIN recipients AS r ON r.id = s.recipient_id WHERE r.channel = 'WEBHOOK'").Scan(t.Context(), &id)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.store.Ledger().AskAgain(t.Context(), h.account.ID, id); vigie.CodeOf(err) != vigie.NotNeeded {
			t.Errorf("asked again: %v", err)
		}
		h.publish("1", "Voirie du nord")
		h.expect("the webhook", h.post(), "a: NEW Voirie du nord")
		h.expect("mail", h.work(), "ana: 1 nouveau marché – veille Voirie")
	})
}

// A platform that is to confirm another URL is owed what comes meanwhile, also of accounts that it did not know.
func TestWebhookOfPlatformMoves(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		h.watch(h.account, "Voirie", vigie.Weekly, "voirie")
		w := h.add(nil, "/all")
		h.publish("1", "Voirie du nord")
		h.expect("at first", h.post(), "all: NEW Voirie du nord")
		h.set(w, func(w *vigie.Webhook) { w.ConfirmedAt = nil })
		h.watch(h.signIn("bob"), "Voirie", vigie.Weekly, "voirie")
		h.publish("2", "Voirie du sud")
		h.expect("to confirm another URL", h.post())
		h.set(w, func(w *vigie.Webhook) { w.ConfirmedAt = &h.now })
		h.expect("confirmed again", h.post(), "all: NEW Voirie du sud", "all: NEW Voirie du sud")
	})
}

// What is held for a webhook stays held, since the same time, while messages are on their way to it.
func TestWebhookHoldsWhileBusy(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		roads, bridges := h.watch(h.account, "Voirie", vigie.Immediate, "voirie"), h.watch(h.account, "Ponts", vigie.Immediate, "pont")
		h.add(nil, "/all")
		h.publish("1", "Voirie")
		h.enter()
		h.pause(h.account, roads)
		h.expect("paused", h.post())
		since := h.holds()
		h.receiver.answers(status(http.StatusServiceUnavailable))
		for i := range 10 {
			h.publish(fmt.Sprint("p", i), fmt.Sprint("Pont ", i))
		}
		h.expect("busy", h.later(time.Minute))
		h.change(h.account, bridges.ID, func(watch *vigie.Watch) { watch.Name = "Ponts et tunnels" })
		h.expect("decided again", h.later(time.Minute))
		if got := h.holds(); len(since) == 0 || !slices.EqualFunc(got, since, time.Time.Equal) {
			t.Errorf("held since %v, not %v", got, since)
		}
	})
}

// holds returns since when deliveries are held.
func (h *hooks) holds() (since []time.Time) {
	h.t.Helper()
	if err := h.store.Database().NewRaw("SELECT since FROM delivery_holds").Scan(h.t.Context(), &since); err != nil {
		h.t.Fatal(err)
	}
	return since
}
