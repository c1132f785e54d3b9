package alert_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"vigie"
	"vigie/alert"
	"vigie/ledger"
)

// fewPlaces is the channel to webhooks with few places.
type fewPlaces struct{ *alert.Webhooks }

func (ch fewPlaces) Terms() alert.Terms {
	t := ch.Webhooks.Terms()
	t.AtOnce, t.PerOwner = 6, 4
	return t
}

// An account whose endpoints are all slow leaves places to the others, also where each is a host of its own.
func TestWebhookOwnersShare(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		h.sender.Channel = fewPlaces{h.sender.Channel.(*alert.Webhooks)}
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		for i := range 9 {
			w := h.add(watch, "/slow")
			h.set(w, func(w *vigie.Webhook) { w.Host = fmt.Sprint("host", i) })
		}
		h.add(h.watch(h.signIn("bob"), "Ponts", vigie.Immediate, "ponts"), "/fast")
		slow, fast, release := make(chan bool, 9), make(chan bool, 1), make(chan bool)
		h.receiver.answers(func(m hookMessage) int {
			if m.path == "/fast" {
				fast <- true
				return http.StatusOK
			}
			slow <- true
			<-release
			return http.StatusOK
		})
		h.publish("1", "Voirie")
		h.enter()
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		defer running.Wait()
		defer stop()
		defer close(release)
		running.Go(func() { h.sender.Run(ctx) })
		arrives := func(what chan bool, name string) {
			t.Helper()
			select {
			case <-what:
			case <-time.After(30 * time.Second):
				t.Fatalf("%s: no message arrives", name)
			}
		}
		for range 4 {
			arrives(slow, "slow")
		}
		h.publish("2", "Ponts")
		h.enter()
		arrives(fast, "fast")
		if len(slow) > 0 {
			t.Error("one account has more than its share of the places")
		}
	})
}

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
