package alert_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/alert"
	"vigie/alert/letter"
	"vigie/alert/webhook"
)

// hooks is a world with a sender of webhooks, and a receiver that keeps what it accepts.
type hooks struct {
	*world
	sender   *alert.Sender
	vault    *webhook.Vault
	receiver *receiver
}

// receiver is a platform that gets webhooks.
type receiver struct {
	*httptest.Server
	mutex    sync.Mutex
	messages []hookMessage
	// answer returns the status for a message, which it accepts with 2xx; nil for 204.
	answer func(m hookMessage) int
	header map[string]string
}

// hookMessage is a message to a webhook.
type hookMessage struct {
	id, path string
	Type     string
	Data     struct {
		Kind        vigie.DeliveryKind
		DeliveryIDs []string `json:"deliveryIds"`
		Account     string
		Tender      struct{ Title string }
		Watches     []struct{ Name string }
	}
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{header: make(map[string]string)}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, request *http.Request) {
	m := hookMessage{id: request.Header.Get("webhook-id"), path: request.URL.Path}
	body, err := io.ReadAll(request.Body)
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	status := http.StatusNoContent
	r.mutex.Lock()
	answer := r.answer
	r.mutex.Unlock()
	switch {
	case err != nil:
		status = http.StatusBadRequest
	case answer != nil:
		status = answer(m)
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if status/100 == 2 {
		r.messages = append(r.messages, m)
	}
	for name, value := range r.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(status)
}

// answers has the receiver answer so from now on.
func (r *receiver) answers(answer func(m hookMessage) int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.answer = answer
}

// take returns what was accepted since the last time, in an order that does not depend on what ran side by side.
func (r *receiver) take() []string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	var lines []string
	for _, m := range r.messages {
		lines = append(lines, strings.TrimPrefix(m.path, "/")+": "+string(m.Data.Kind)+" "+m.Data.Tender.Title)
	}
	r.messages = nil
	slices.Sort(lines)
	return lines
}

func newHooks(t testing.TB, w *world) *hooks {
	t.Helper()
	h := &hooks{world: w, receiver: newReceiver(t)}
	var err error
	if h.vault, err = webhook.NewVault([]string{strings.Repeat("s", 32)}); err != nil {
		t.Fatal(err)
	}
	client := webhook.NewClient(webhook.Options{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Now: time.Now})
	t.Cleanup(client.Close)
	h.sender = &alert.Sender{
		Store: w.store, Now: w.sender.Now, Lease: 90 * time.Second, Log: w.sender.Log, IndexVersion: indexVersion,
		Metrics: alert.NewMetrics(prometheus.NewRegistry()),
		Channel: &alert.Webhooks{
			Store: w.store, Client: client, Vault: h.vault, Now: w.sender.Now, Log: w.sender.Log,
			Settings: alert.Settings{Brand: letter.Brand{Name: "Vigie"}},
		},
	}
	return h
}

// add adds a webhook to a watch of an account, at a path of the receiver, confirmed; or to all, for no watch.
func (h *hooks) add(watch *vigie.Watch, path string, kinds ...vigie.DeliveryKind) *vigie.Webhook {
	h.t.Helper()
	w := &vigie.Webhook{Format: vigie.StandardWebhook, Kinds: kinds, Host: h.host(), ConfirmedAt: &h.now}
	if watch != nil {
		w.AccountID, w.WatchID = watch.AccountID, watch.ID
	}
	if err := h.store.AddWebhook(h.t.Context(), w, func(id string) string { return h.sealed(id, path) }); err != nil {
		h.t.Fatal(err)
	}
	return w
}

// sealed returns the credentials of a webhook, of that public id, at a path of the receiver.
func (h *hooks) sealed(id, path string) string {
	c := webhook.Credentials{URL: h.receiver.URL + path, Secrets: []webhook.DatedSecret{{Secret: webhook.Secret(strings.Repeat("k", webhook.SecretSize))}}}
	return c.Seal(h.vault, id)
}

func (h *hooks) host() string {
	u, err := url.Parse(h.receiver.URL)
	if err != nil {
		h.t.Fatal(err)
	}
	return u.Host
}

// post enters what was published, and sends what is due to webhooks. It returns what was accepted.
func (h *hooks) post() []string {
	h.t.Helper()
	h.enter()
	if err := h.sender.Step(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	return h.receiver.take()
}

// later is post after some time.
func (h *hooks) later(d time.Duration) []string {
	h.t.Helper()
	h.enter()
	h.now = h.now.Add(d)
	return h.post()
}

// set changes a webhook.
func (h *hooks) set(w *vigie.Webhook, change func(*vigie.Webhook)) {
	h.t.Helper()
	if _, err := h.store.Ledger().ChangeWebhook(h.t.Context(), w.AccountID, w.ID, change); err != nil {
		h.t.Fatal(err)
	}
}

// webhookOf reads a webhook.
func (h *hooks) webhookOf(w *vigie.Webhook) *vigie.Webhook {
	h.t.Helper()
	now, err := h.store.Ledger().Webhook(h.t.Context(), w.AccountID, w.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return now
}

// onBothHooks runs a test on each kind of database.
func onBothHooks(t *testing.T, test func(t *testing.T, h *hooks)) {
	onBoth(t, func(t *testing.T, w *world) { test(t, newHooks(t, w)) })
}

// status answers with that status.
func status(code int) func(hookMessage) int { return func(hookMessage) int { return code } }

// A webhook gets what its watch matches: at once, one message for each tender, whatever the frequency of the watch.
func TestWebhook(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Weekly, "voirie")
		h.add(watch, "/a")
		h.publish("1", "Voirie du nord")
		h.publish("2", "Voirie du sud")
		h.publish("3", "Ponts")
		h.expect("published", h.post(), "a: NEW Voirie du nord", "a: NEW Voirie du sud")
		h.publish("1b", "Voirie du nord", about(vigie.Correction, "1"), until(h.in(30*24*time.Hour)))
		h.publish("2b", "Voirie du sud", about(vigie.Cancellation, "2"))
		h.expect("corrected and cancelled", h.post(), "a: CANCELLED Voirie du sud", "a: CORRECTED Voirie du nord")
	})
}

// What a webhook does not want is not sent, but it knows the tender: it hears how that goes on.
func TestWebhookKinds(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		h.add(watch, "/cancelled", vigie.DeliverCancelled)
		h.add(watch, "/new", vigie.DeliverNew)
		h.publish("1", "Voirie du nord")
		h.expect("new", h.post(), "new: NEW Voirie du nord")
		h.publish("1b", "Voirie du nord, bis", about(vigie.Correction, "1"))
		h.expect("corrected", h.post())
		h.publish("1c", "Voirie du nord, bis", about(vigie.Cancellation, "1"))
		h.expect("cancelled", h.post(), "cancelled: CANCELLED Voirie du nord, bis")
	})
}

// A message that is refused again and again keeps no other tender from the webhook, and later ones about the same tender
// follow it in order.
func TestWebhookOrder(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		h.add(watch, "/a")
		h.receiver.answers(func(m hookMessage) int {
			if strings.Contains(m.Data.Tender.Title, "nord") {
				return http.StatusInternalServerError
			}
			return http.StatusOK
		})
		h.publish("1", "Voirie du nord")
		h.expect("refused", h.post())
		h.publish("1b", "Voirie du nord", about(vigie.Correction, "1"), until(h.in(30*24*time.Hour)))
		h.publish("2", "Voirie du sud")
		h.expect("another tender", h.later(time.Minute), "a: NEW Voirie du sud")
		var order []vigie.DeliveryKind
		h.receiver.answers(func(m hookMessage) int {
			order = append(order, m.Data.Kind)
			return http.StatusOK
		})
		h.expect("both", h.later(time.Hour), "a: CORRECTED Voirie du nord", "a: NEW Voirie du nord")
		if !slices.Equal(order, []vigie.DeliveryKind{vigie.DeliverNew, vigie.DeliverCorrected}) {
			t.Errorf("in the order %v", order)
		}
	})
}

// A webhook that has much to get gets all of it, a few messages at a time.
func TestWebhookBacklog(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		h.add(watch, "/a")
		var want []string
		for i := range 40 {
			title := fmt.Sprintf("Voirie %02d", i)
			h.publish(title, title)
			want = append(want, "a: NEW "+title)
		}
		h.expect("all", h.post(), want...)
	})
}

// A webhook that answers 429 or 503 says when to try again.
func TestWebhookRetryAfter(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		h.add(watch, "/a")
		h.receiver.header["Retry-After"] = "7200"
		h.receiver.answers(status(http.StatusTooManyRequests))
		h.publish("1", "Voirie")
		h.expect("too many", h.post())
		h.receiver.answers(nil)
		h.expect("an hour later", h.later(time.Hour))
		h.expect("two hours later", h.later(61*time.Minute), "a: NEW Voirie")
	})
}

// What a webhook is owed while it is switched off is held, and what was on its way is sent again under its id.
func TestWebhookPaused(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		w := h.add(watch, "/a")
		ids := make(map[string]bool)
		h.receiver.answers(func(m hookMessage) int {
			ids[m.id] = true
			return http.StatusInternalServerError
		})
		h.publish("1", "Voirie du nord")
		h.expect("refused", h.post())
		h.set(w, func(w *vigie.Webhook) { w.PausedAt = &h.now })
		h.publish("2", "Voirie du sud")
		h.receiver.answers(func(m hookMessage) int {
			ids[m.id] = true
			return http.StatusOK
		})
		h.expect("switched off", h.later(24*time.Hour))
		h.set(w, func(w *vigie.Webhook) { w.PausedAt = nil })
		h.expect("switched on", h.post(), "a: NEW Voirie du nord", "a: NEW Voirie du sud")
		if len(ids) != 2 {
			t.Errorf("two messages have %d ids", len(ids))
		}
	})
}

// A webhook is owed nothing before it is confirmed, and what it is owed is held while it is to confirm another URL.
func TestWebhookUnconfirmed(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		w := h.add(watch, "/a")
		h.set(w, func(w *vigie.Webhook) { w.ConfirmedAt = nil })
		if _, err := h.store.Database().NewRaw("UPDATE recipients SET unvouched_at = NULL").Exec(t.Context()); err != nil { // as if it never was
			t.Fatal(err)
		}
		h.publish("1", "Voirie du nord")
		h.expect("unconfirmed", h.post())
		h.set(w, func(w *vigie.Webhook) { w.ConfirmedAt = &h.now })
		h.expect("confirmed", h.post())
		h.set(w, func(w *vigie.Webhook) { w.ConfirmedAt = nil })
		h.publish("2", "Voirie du sud")
		h.expect("to confirm another URL", h.post())
		h.set(w, func(w *vigie.Webhook) { w.ConfirmedAt = &h.now })
		h.expect("confirmed again", h.post(), "a: NEW Voirie du sud")
	})
}

// A webhook that accepts nothing for three days is suspended, and its owner told once, by mail. Switched on again, it gets all
// that waited.
func TestWebhookSuspended(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Weekly, "voirie")
		w := h.add(watch, "/a")
		ids := make(map[string]int)
		h.receiver.answers(func(m hookMessage) int {
			ids[m.id]++
			return http.StatusBadGateway
		})
		h.publish("1", "Voirie du nord")
		start := h.now
		for h.webhookOf(w).SuspendedAt == nil && h.now.Before(start.Add(week)) {
			h.expect("refused", h.later(10*time.Minute))
		}
		if took := h.now.Sub(start); took < 70*time.Hour || took > 76*time.Hour {
			t.Errorf("suspended after %v", took)
		}
		if len(ids) != 1 {
			t.Errorf("one message has %d ids", len(ids))
		}
		h.expect("the owner is told", h.work(), "ana: Des alertes n’arrivent plus à destination – webhook")
		h.publish("2", "Voirie du sud")
		h.receiver.answers(func(m hookMessage) int {
			ids[m.id]++
			return http.StatusOK
		})
		h.expect("suspended", h.later(24*time.Hour))
		h.set(w, func(w *vigie.Webhook) { w.SuspendedAt = nil })
		h.expect("switched on", h.post(), "a: NEW Voirie du nord", "a: NEW Voirie du sud")
		if len(ids) != 2 {
			t.Errorf("two messages have %d ids", len(ids))
		}
		if got := h.webhookOf(w); got.Status() != vigie.WebhookActive || got.Error != "" {
			t.Errorf("it is %s, for %q", got.Status(), got.Error)
		}
	})
}

// One message that is never accepted does not suspend a webhook that accepts others.
func TestWebhookGivesUpOne(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		w := h.add(watch, "/a")
		h.receiver.answers(func(m hookMessage) int {
			if strings.Contains(m.Data.Tender.Title, "nord") {
				return http.StatusBadRequest
			}
			return http.StatusOK
		})
		h.publish("1", "Voirie du nord")
		h.post()
		h.publish("2", "Voirie du sud")
		h.expect("another", h.later(time.Hour), "a: NEW Voirie du sud")
		for range 40 {
			h.expect("refused", h.later(3*time.Hour))
		}
		if got := h.webhookOf(w); got.Status() != vigie.WebhookActive {
			t.Errorf("it is %s", got.Status())
		}
	})
}

// A webhook that answers 410 gets nothing more, and its owner is told.
func TestWebhookGone(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Weekly, "voirie")
		w := h.add(watch, "/a")
		h.receiver.answers(status(http.StatusGone))
		h.publish("1", "Voirie du nord")
		h.expect("gone", h.post())
		h.receiver.answers(nil)
		if got := h.webhookOf(w); got.Status() != vigie.WebhookEnded {
			t.Errorf("it is %s", got.Status())
		}
		h.publish("2", "Voirie du sud")
		h.expect("afterwards", h.later(time.Hour))
		h.expect("the owner is told", h.work(), "ana: Des alertes n’arrivent plus à destination – webhook")
	})
}

// A webhook that was removed gets nothing more: nothing that was on its way, either.
func TestWebhookRemoved(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		w := h.add(watch, "/a")
		h.add(watch, "/b")
		h.receiver.answers(func(m hookMessage) int {
			if m.path == "/a" {
				return http.StatusInternalServerError
			}
			return http.StatusOK
		})
		h.publish("1", "Voirie du nord")
		h.expect("refused", h.post(), "b: NEW Voirie du nord")
		h.set(w, func(w *vigie.Webhook) { w.RemovedAt = &h.now })
		h.receiver.answers(nil)
		h.publish("2", "Voirie du sud")
		h.expect("removed", h.later(time.Hour), "b: NEW Voirie du sud")
	})
}

// A platform's webhook gets the alerts of all accounts, each for itself, also of accounts that come later, and nothing of
// those that were erased.
func TestWebhookOfPlatform(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		h.watch(h.account, "Voirie", vigie.Weekly, "voirie")
		h.add(nil, "/all")
		bob := h.signIn("bob")
		h.watch(bob, "Voirie", vigie.Daily, "voirie")
		h.watch(bob, "Nord", vigie.Daily, "nord")
		accounts := make(map[string]int)
		h.receiver.answers(func(m hookMessage) int {
			accounts[m.Data.Account] += len(m.Data.Watches)
			return http.StatusOK
		})
		h.publish("1", "Voirie du nord")
		h.expect("published", h.post(), "all: NEW Voirie du nord", "all: NEW Voirie du nord")
		if accounts["ana"] != 1 || accounts["bob"] != 2 {
			t.Errorf("watches by account: %v", accounts)
		}
		if err := h.store.Erase(t.Context(), bob.ID); err != nil {
			t.Fatal(err)
		}
		h.publish("1b", "Voirie du nord", about(vigie.Cancellation, "1"))
		h.publish("2", "Voirie du sud")
		h.expect("after an erasure", h.post(), "all: CANCELLED Voirie du nord", "all: NEW Voirie du sud")
	})
}

// Edits of a watch's addresses leave its webhooks where they are.
func TestWebhookStays(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie", "bob@example.org")
		h.add(watch, "/a")
		others := []string{}
		if _, err := h.store.UpdateWatch(t.Context(), h.account, watch.ID, func(*vigie.Watch) {}, new(false), &others); err != nil {
			t.Fatal(err)
		}
		h.publish("1", "Voirie")
		h.expect("the webhook", h.post(), "a: NEW Voirie")
		h.expect("no mail", h.work())
	})
}
