package alert_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/alert"
	"vigie/alert/post"
	"vigie/store"
)

// attempt returns the attempt of the first delivery about a tender of a watch.
func (w *world) attempt(watch *vigie.Watch, published store.Published) (over bool, why string) {
	w.t.Helper()
	list, err := w.store.Ledger().Attempts(w.t.Context(), watch.ID, published.Notice.TenderID)
	if err != nil || len(list) == 0 {
		w.t.Fatalf("%d deliveries, error %v", len(list), err)
	}
	return list[0].ClosedAt != nil || list[0].DroppedAt != nil, list[0].Error
}

// watchful records the sender's log and metrics: what was logged since the last call, and how many failures were
// about something.
func (w *world) watchful() (logged func() []map[string]any, refused func(about string) float64) {
	var lines bytes.Buffer
	w.sender.Log = slog.New(slog.NewJSONHandler(&lines, nil))
	metrics := prometheus.NewRegistry()
	w.sender.Metrics = alert.NewMetrics(metrics)
	logged = func() (list []map[string]any) {
		for decoder := json.NewDecoder(&lines); decoder.More(); {
			var line map[string]any
			if err := decoder.Decode(&line); err != nil {
				w.t.Fatal(err)
			}
			list = append(list, line)
		}
		lines.Reset()
		return list
	}
	refused = func(about string) float64 {
		families, err := metrics.Gather()
		if err != nil {
			w.t.Fatal(err)
		}
		for _, family := range families {
			for _, metric := range family.GetMetric() {
				if family.GetName() == "vigie_mail_refusals_total" && metric.GetLabel()[0].GetValue() == about {
					return metric.GetCounter().GetValue()
				}
			}
		}
		w.t.Errorf("no failure about %s is counted", about)
		return 0
	}
	return logged, refused
}

// A fault on our side is never final: the mail is tried at least once an hour, the log says that an operator is
// needed, and once the fault is repaired the mail is sent. Other mails are sent at the same time.
func TestFaultOfOurs(t *testing.T) {
	for name, why := range map[string]*post.Error{
		"refused":    {Kind: post.ForSender, Code: 554, Enhanced: "5.7.1", Reply: "554 5.7.1 Relay access denied"},
		"uncomposed": {Kind: post.ForSender, Err: errors.New("header X is not a single short line of ASCII")},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
				w.watch(w.signIn("bob"), "Voirie", vigie.Immediate, "voirie")
				logged, refused := w.watchful()
				attempts, last, longest := 0, w.now, time.Duration(0)
				w.mailer.refuse = func(m post.Message) error {
					if m.To != "ana@example.org" {
						return nil
					}
					attempts++
					last, longest = w.now, max(longest, w.now.Sub(last))
					return why
				}
				published := w.publish("1", "Voirie", until(nil))
				w.expect("at first", w.work(), "bob: 1 nouveau marché – veille Voirie")
				for _, line := range logged() {
					if line["level"] != "ERROR" || line["component"] != "sender" || line["action"] != "send" || line["error"] != why.Error() {
						t.Errorf("logged %v", line)
					}
				}
				for start := w.now; w.now.Sub(start) < 20*day; { // before a quiet note is due
					w.now = w.now.Add(time.Minute + w.now.Sub(start)/200)
					w.expect("while it waits", w.send())
				}
				if longest > 4*time.Hour || attempts < 150 { // an hour, and the test's own steps
					t.Errorf("%d attempts, the longest pause %s", attempts, longest)
				}
				if over, said := w.attempt(watch, published); over || said != why.Error() {
					t.Errorf("the delivery has ended: %t, for %q", over, said)
				}
				if n := refused("sender"); n != float64(attempts) {
					t.Errorf("%v failures about the sender are counted, not %d", n, attempts)
				}
				w.mailer.refuse = nil
				w.now = w.now.Add(time.Hour)
				w.expect("mended", w.send(), "ana: 1 nouveau marché – veille Voirie")
				w.expect("later", w.after(day))
			})
		})
	}
}

// Attempts that failed because of us do not count towards the time that refusals by others get.
func TestFaultOfOursThenRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		why := &post.Error{Kind: post.ForSender, Code: 530, Reply: "530 5.7.0 Authentication required"}
		w.mailer.refuse = func(post.Message) error { return why }
		published := w.publish("1", "Voirie", until(nil))
		w.expect("ours", w.work())
		for range 100 {
			w.now = w.now.Add(time.Hour)
			w.send()
		}
		why = &post.Error{Kind: post.ForMessage, Code: 554, Reply: "554 5.7.1 spam"}
		for start := w.now; w.now.Sub(start) < 4*day; w.now = w.now.Add(time.Hour) {
			w.send()
			if over, _ := w.attempt(watch, published); over {
				t.Fatalf("given up %s after it was refused", w.now.Sub(start))
			}
		}
		for range 4 * 24 {
			w.now = w.now.Add(time.Hour)
			w.send()
		}
		if over, said := w.attempt(watch, published); !over || said != why.Error() {
			t.Errorf("ended: %t, for %q", over, said)
		}
	})
}

// A public URL with a host that is not ASCII cannot be in a mail's headers. Settings are checked before a server
// starts; if one got through, the mails would wait.
func TestUnfitSetting(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		dir := t.TempDir()
		var err error
		if w.mail.Mailer, err = post.Open("outbox:" + dir); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.mail.Mailer.Close() })
		files := func() int {
			list, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		right := w.mail.Settings.PublicURL
		w.mail.Settings.PublicURL = "https://veille.évry.example"
		published := w.publish("1", "Voirie", until(nil))
		for range 50 {
			w.after(time.Hour)
		}
		if over, said := w.attempt(watch, published); over || files() > 0 || !strings.Contains(said, "about the sender") {
			t.Errorf("the delivery has ended: %t, for %q; %d mails left", over, said, files())
		}
		w.mail.Settings.PublicURL = right
		w.after(time.Hour)
		if over, said := w.attempt(watch, published); !over || files() != 1 || said != "" {
			t.Errorf("after the repair, the delivery has ended: %t, %q; %d mails left", over, said, files())
		}
	})
}

// A refused login stops all mail, and counts as no attempt of any mail.
func TestLoginRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for _, name := range []string{"ana", "bob", "eve"} {
			w.watch(w.signIn(name), "Voirie", vigie.Immediate, "voirie")
		}
		_, refused := w.watchful()
		w.mailer.refuse = func(post.Message) error {
			return &post.Error{Kind: post.ForSender, AllMail: true, Code: 535, Reply: "535 5.7.8 Authentication failed"}
		}
		w.publish("1", "Voirie")
		w.enter()
		for i := range 3 {
			if err := w.sender.Step(t.Context()); err == nil || !strings.Contains(err.Error(), "535") {
				t.Fatalf("the sender's error is %v", err)
			}
			if n := refused("sender"); n != float64(i+1) { // one login a step, not one a mail
				t.Errorf("%v logins after %d steps", n, i+1)
			}
		}
		w.mailer.refuse = nil
		w.expect("at once", w.send(), "ana: 1 nouveau marché – veille Voirie", "bob: 1 nouveau marché – veille Voirie", "eve: 1 nouveau marché – veille Voirie")
	})
}

// A message on which the connection always breaks delays no other.
func TestPoison(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for _, name := range []string{"ana", "bob", "eve"} {
			w.watch(w.signIn(name), "Voirie", vigie.Immediate, "voirie")
		}
		w.mailer.refuse = func(m post.Message) error {
			if m.To == "ana@example.org" {
				return &post.Error{Kind: post.Temporary, Err: errors.New("connection reset by peer")}
			}
			return nil
		}
		w.publish("1", "Voirie")
		w.expect("the others", w.work(), "bob: 1 nouveau marché – veille Voirie", "eve: 1 nouveau marché – veille Voirie")
	})
}

// Two tenders that turn out to be one while the mail about the second waits for the mail server: one alert.
func TestMergedWhileMailIsOpen(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		deadline := until(w.in(40 * 24 * time.Hour))
		w.publish("1", "Voirie", deadline)
		w.work()
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("2", "Voirie", deadline)
		w.mailer.refuse = refuseForNow
		w.expect("refused for now", w.work())
		w.mailer.refuse = nil
		w.now = w.now.Add(10 * time.Second)
		w.publish("3", "Voirie", deadline, func(n *vigie.Notice) { n.Links = []string{"1", "2"} })
		got := append(w.after(2*time.Hour), w.after(2*time.Hour)...)
		if len(got) != 1 {
			t.Errorf("mails %v", got)
		}
	})
}

// A mail that waits for the mail server is owed if its tender is dismissed and shown again before it is sent.
func TestShownAgainWhileMailIsOpen(t *testing.T) {
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

// A tender that was announced, and turns out to be another one that waits for a digest, is not announced again.
func TestMergedAfterAlert(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		deadline := until(w.in(40 * day))
		w.publish("1", "Voirie", deadline)
		w.expect("the one", w.work(), "ana: 1 nouveau marché – veille Voirie")
		w.change(w.account, watch.ID, func(watch *vigie.Watch) { watch.Frequency = vigie.Weekly })
		w.now = w.now.Add(3 * time.Hour)
		w.publish("2", "Voirie", deadline)
		w.expect("the other waits", w.work())
		w.publish("3", "Voirie", deadline, func(n *vigie.Notice) { n.Links, n.Quiet = []string{"1", "2"}, true })
		w.expect("merged", append(w.after(time.Hour), w.after(8*day)...))
	})
}
