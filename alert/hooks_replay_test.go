package alert_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/alert"
	"vigie/ledger"
)

// tries notes what the receiver is sent, in order, accepted or not: "id kind title", with short ids.
type tries struct {
	ids   map[string]string
	lines []string
}

// tries has the receiver note all that it is sent, and answer with the status for it.
func (h *hooks) tries(answer func(m hookMessage) int) *tries {
	n := &tries{ids: make(map[string]string)}
	h.receiver.answers(func(m hookMessage) int {
		if n.ids[m.id] == "" {
			n.ids[m.id] = string(rune('a' + len(n.ids)))
		}
		n.lines = append(n.lines, fmt.Sprint(n.ids[m.id], " ", m.Data.Kind, " ", m.Data.Tender.Title))
		return answer(m)
	})
	return n
}

func (n *tries) take() []string {
	lines := n.lines
	n.lines = nil
	return lines
}

// replay has a webhook get again what it accepted since a time; it fails where that is refused.
func (h *hooks) replay(w *vigie.Webhook, since time.Time) ledger.Replayed {
	h.t.Helper()
	r, ok := h.mayReplay(w, ledger.Replay{Since: since})
	if !ok {
		h.t.Fatal("a replay was refused")
	}
	return r
}

func (h *hooks) mayReplay(w *vigie.Webhook, replay ledger.Replay) (ledger.Replayed, bool) {
	h.t.Helper()
	if replay.Limit == 0 {
		replay.Limit = 1000
	}
	replay.Until, replay.Pause = h.now, time.Minute
	r, ok, err := h.store.Ledger().Replay(h.t.Context(), w.ID, replay)
	if err != nil {
		h.t.Fatal(err)
	}
	return r, ok
}

// outgoing returns the deliveries of a watch to webhooks, oldest first.
func (h *hooks) outgoing(watch *vigie.Watch) []*ledger.Outgoing {
	h.t.Helper()
	list, _, err := h.store.Ledger().Deliveries(h.t.Context(), watch.ID, ledger.DeliveryWindow{Limit: 100})
	if err != nil {
		h.t.Fatal(err)
	}
	list = slices.DeleteFunc(list, func(d *ledger.Outgoing) bool { return d.WebhookID == 0 })
	slices.Reverse(list)
	return list
}

// What a webhook accepted is sent again under its ids, in order, and only as often as it is asked for. The deliveries stay sent,
// and say how often they were.
func TestReplay(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		w := h.add(watch, "/a")
		n := h.tries(status(http.StatusOK))
		h.publish("1", "Voirie du nord")
		h.post()
		h.now = h.now.Add(time.Hour)
		since := h.now
		h.publish("2", "Voirie du sud")
		h.post()
		h.publish("2b", "Voirie du sud, bis", about(vigie.Correction, "2"))
		h.post()
		h.expect("sent", n.take(), "a NEW Voirie du nord", "b NEW Voirie du sud", "c CORRECTED Voirie du sud, bis")
		if r := h.replay(w, since); r.Count != 2 || r.Last != 0 {
			t.Errorf("replayed: %+v", r)
		}
		if _, ok := h.mayReplay(w, ledger.Replay{Since: since}); ok {
			t.Error("replayed while the last replay is on its way")
		}
		h.post()
		h.expect("sent again", n.take(), "b NEW Voirie du sud, bis", "c CORRECTED Voirie du sud, bis")
		h.later(time.Hour)
		h.expect("no more", n.take())
		var got []string
		for _, d := range h.outgoing(watch) {
			got = append(got, fmt.Sprint(d.Kind, " ", d.State(), " ", d.Replays, " ", d.ReplayedAt != nil, " ", d.Attempts))
		}
		h.expect("deliveries", got, "NEW SENT 0 false 0", "NEW SENT 1 true 0", "CORRECTED SENT 1 true 0")
		h.replay(w, since.Add(-time.Hour))
		h.post()
		if _, ok := h.mayReplay(w, ledger.Replay{Since: since}); ok {
			t.Error("replayed twice in a minute")
		}
		if again := n.take(); len(again) != 3 || again[0] != "a NEW Voirie du nord" && again[1] != "a NEW Voirie du nord" && again[2] != "a NEW Voirie du nord" {
			t.Errorf("all again: %q", again)
		}
	})
}

// A replay takes a page at a time, and goes on after the last message of the page before, also where many were accepted at
// once. It takes nothing that was accepted after it began.
func TestReplayPages(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		w := h.add(watch, "/a")
		start := h.now
		for i := range 5 {
			h.publish(fmt.Sprint(i), fmt.Sprint("Voirie ", i))
		}
		h.post()
		again := make(map[string]int)
		page, began := ledger.Replay{Since: start, Limit: 2}, h.now
		for round, count := range []int{2, 2, 1} {
			h.now = h.now.Add(time.Minute)
			h.publish(fmt.Sprint("new", round), fmt.Sprint("Voirie nouvelle ", round))
			page.Pause = time.Minute
			page.Until = began
			r, ok, err := h.store.Ledger().Replay(t.Context(), w.ID, page)
			if err != nil || !ok || r.Count != count || (r.Last == 0) != (round == 2) {
				t.Fatalf("page %d: %+v, %v, %v", round, r, ok, err)
			}
			page.Since, page.After = r.LastAt, r.Last
			for _, line := range h.post() {
				again[line]++
			}
		}
		if len(again) != 5+3 {
			t.Errorf("it got %v", again)
		}
		for line, times := range again {
			if times != 1 {
				t.Errorf("%s: %d times", line, times)
			}
		}
	})
}

// A replay that the webhook refuses keeps no other tender from it; what is new about the same tender follows it. The retries
// last for three days. Then the replay is given up, and the alert stays sent.
func TestReplayRefused(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		watch := h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		w := h.add(watch, "/a")
		h.tries(status(http.StatusOK))
		start := h.now
		h.publish("1", "Voirie du nord")
		h.post()
		refuse := true
		n := h.tries(func(m hookMessage) int {
			if refuse && strings.Contains(m.Data.Tender.Title, "nord") {
				return http.StatusBadRequest
			}
			return http.StatusOK
		})
		h.replay(w, start)
		h.post()
		h.publish("1b", "Voirie du nord", about(vigie.Correction, "1"), until(h.in(30*24*time.Hour)))
		h.publish("2", "Voirie du sud")
		h.post()
		h.expect("refused", n.take(), "a NEW Voirie du nord", "b NEW Voirie du sud")
		if d := h.outgoing(watch)[0]; d.State() != vigie.DeliverySent || d.Attempts != 1 || d.Error != "STATUS 400" || d.ReplayAt == nil {
			t.Errorf("refused: %+v", d)
		}
		began := h.now
		for h.outgoing(watch)[0].ReplayAt != nil && h.now.Before(began.Add(week)) {
			h.later(20 * time.Minute)
		}
		if took := h.now.Sub(began); took < 70*time.Hour || took > 76*time.Hour {
			t.Errorf("given up after %v", took)
		}
		if d := h.outgoing(watch)[0]; d.State() != vigie.DeliverySent || d.Replays != 0 {
			t.Errorf("given up: %+v", d)
		}
		refuse = false
		n.take()
		h.later(7 * time.Hour)
		h.expect("what is new", n.take(), "c CORRECTED Voirie du nord")
	})
}

// A replay that is asked for while a later message about the tender is being sent repeats that one too: the last that the
// webhook gets about a tender is the latest.
func TestReplayMeanwhile(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		w := h.add(h.watch(h.account, "Voirie", vigie.Immediate, "voirie"), "/a")
		start, replayed := h.now, false
		n := h.tries(func(m hookMessage) int {
			if m.Data.Kind == vigie.DeliverCorrected && !replayed {
				replayed = true
				h.replay(w, start)
			}
			return http.StatusOK
		})
		h.publish("1", "Voirie")
		h.post()
		h.publish("1b", "Voirie", about(vigie.Correction, "1"), until(h.in(30*24*time.Hour)))
		h.post()
		h.expect("all", n.take(), "a NEW Voirie", "b CORRECTED Voirie", "a NEW Voirie", "b CORRECTED Voirie")
	})
}

// A replay that its sender did not finish is sent by the next one; one of a webhook that is switched off waits.
func TestReplayGoesOn(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		w := h.add(h.watch(h.account, "Voirie", vigie.Immediate, "voirie"), "/a")
		start := h.now
		n := h.tries(status(http.StatusOK))
		h.publish("1", "Voirie")
		h.post()
		n.take()
		h.replay(w, start)
		claimed, err := h.store.Ledger().Claim(t.Context(), ledger.ClaimOptions{Channel: vigie.WebhookChannel, Limit: 4, Lease: time.Minute, IndexVersion: indexVersion})
		if err != nil || len(claimed.Mails) != 1 {
			t.Fatalf("claimed %v, %v", claimed.Mails, err)
		}
		h.post()
		h.expect("another sender has it", n.take())
		h.set(w, func(w *vigie.Webhook) { w.PausedAt = &h.now })
		if _, err := h.store.Database().NewRaw("UPDATE mails SET leased_until = 0").Exec(t.Context()); err != nil { // its lease ends
			t.Fatal(err)
		}
		h.post()
		h.expect("switched off", n.take())
		if _, ok := h.mayReplay(w, ledger.Replay{Since: start}); ok {
			t.Error("replayed while it is switched off")
		}
		h.set(w, func(w *vigie.Webhook) { w.PausedAt = nil })
		h.later(time.Minute)
		h.expect("switched on", n.take(), "a NEW Voirie")
	})
}

// What was published by mistake, what retention took, and what was sent for an erased account is not sent again. A webhook that
// answers 410 gets nothing more.
func TestReplayLeavesOut(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		h.watch(h.account, "Voirie", vigie.Immediate, "voirie")
		bob := h.signIn("bob")
		h.watch(bob, "Voirie", vigie.Immediate, "voirie")
		w := h.add(nil, "/all")
		n := h.tries(status(http.StatusOK))
		start := h.now
		h.publish("1", "Voirie du nord")
		h.publish("2", "Voirie du sud")
		h.post()
		if got := n.take(); len(got) != 4 {
			t.Fatalf("sent: %q", got)
		}
		if err := h.store.Erase(t.Context(), bob.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := h.store.Withdraw(t.Context(), "test", "1"); err != nil {
			t.Fatal(err)
		}
		h.replay(w, start)
		h.post()
		if got := n.take(); len(got) != 1 || !strings.HasSuffix(got[0], "NEW Voirie du sud") {
			t.Errorf("sent again: %q", got)
		}
		h.now = h.now.Add(time.Minute)
		h.receiver.answers(status(http.StatusGone))
		h.replay(w, start)
		h.post()
		if got := h.webhookOf(w); got.Status() != vigie.WebhookEnded {
			t.Errorf("it is %s", got.Status())
		}
		if _, ok := h.mayReplay(w, ledger.Replay{Since: start}); ok {
			t.Error("replayed to a webhook that has ended")
		}
	})
}

// A message that a replay is to repeat, and that is given up, dropped or set aside instead, keeps nothing from its webhook.
func TestReplayOfWhatIsNotSent(t *testing.T) {
	for name, end := range map[string]func(h *hooks){
		"given up": func(h *hooks) {
			h.publish("2", "Voirie du sud")
			for range 30 {
				h.later(6 * time.Hour)
			}
		},
		"dropped": func(h *hooks) {
			if _, err := h.store.Withdraw(h.t.Context(), "test", "1"); err != nil {
				h.t.Fatal(err)
			}
			h.later(time.Minute)
			h.publish("1", "Voirie du nord")
			h.later(time.Minute)
		},
		"set aside": func(h *hooks) {
			h.sender.Fault = func(at alert.Fault) {
				if at == alert.BeforeSend {
					panic("this message cannot be sent")
				}
			}
			for range 5 {
				h.later(10 * time.Minute)
			}
			h.sender.Fault = nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBothHooks(t, func(t *testing.T, h *hooks) {
				w := h.add(h.watch(h.account, "Voirie", vigie.Immediate, "voirie"), "/a")
				start, refused := h.now, make(map[string]bool)
				h.receiver.answers(func(m hookMessage) int {
					switch {
					case m.Data.Kind == vigie.DeliverNew, m.Data.Kind == vigie.DeliverCancelled && refused[m.id]:
						return http.StatusOK
					case m.Data.Kind == vigie.DeliverCorrected && !refused[m.id]:
						h.replay(w, start)
					}
					refused[m.id] = true
					return http.StatusBadGateway
				})
				h.publish("1", "Voirie du nord")
				h.expect("new", h.post(), "a: NEW Voirie du nord")
				h.publish("1b", "Voirie du nord", about(vigie.Correction, "1"))
				h.post()
				end(h)
				var open int
				if err := h.store.Database().NewRaw("SELECT COUNT(*) FROM mails WHERE state = 'OPEN' AND kind = 'WEBHOOK'").Scan(h.t.Context(), &open); err != nil || open > 0 {
					t.Fatalf("%d messages are still to be sent, error %v", open, err)
				}
				h.publish("1x", "Voirie du nord", about(vigie.Cancellation, "1"))
				h.expect("refused once", h.later(time.Minute))
				h.expect("what follows", h.later(time.Minute), "a: CANCELLED Voirie du nord")
			})
		})
	}
}
