package alert_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/alert/link"
	"vigie/ledger"
	"vigie/store"
)

// reminded sets how many days before a deadline the account is reminded.
func (w *world) reminded(days ...int32) {
	w.t.Helper()
	u := vigie.AccountUpdate{ReminderDays: new(append([]int32{}, days...))}
	var err error
	if w.account, err = w.store.UpdateAccount(w.t.Context(), w.account.ID, u); err != nil {
		w.t.Fatal(err)
	}
}

// interest marks a tender as of interest to the account, or takes the mark back.
func (w *world) interest(on bool, tenders ...int64) {
	w.t.Helper()
	if err := w.store.SetMark(w.t.Context(), w.account.ID, store.Interested, on, tenders); err != nil {
		w.t.Fatal(err)
	}
}

// mornings works at 8 h in Paris on each of some days from the next one on, and returns what was mailed.
func (w *world) mornings(n int) (lines []string) {
	w.t.Helper()
	for range n {
		w.now = w.account.NextDigest(vigie.Daily, w.now)
		lines = append(lines, w.work()...)
	}
	return lines
}

// at moves the clock to a time and works.
func (w *world) at(day, hour int) []string {
	w.t.Helper()
	w.now = time.Date(2026, time.November, day, hour, 0, 0, 0, vigie.Paris())
	return w.work()
}

// noon is noon in Paris on a day of November 2026.
func noon(day int) *time.Time {
	return new(time.Date(2026, time.November, day, 12, 0, 0, 0, vigie.Paris()))
}

// An account is reminded of what it marked, on the days that it wants, in the morning; once each.
func TestReminders(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.reminded(7, 2)
		marked := w.publish("1", "Voirie", until(noon(20))).Notice.TenderID
		w.publish("2", "Ponts", until(noon(20)))
		w.interest(true, marked)
		other := w.signIn("bob")
		_, err := w.store.UpdateAccount(t.Context(), other.ID, vigie.AccountUpdate{ReminderDays: &[]int32{1}})
		w.must(err)
		w.must(w.store.SetMark(t.Context(), other.ID, store.Interested, true, []int64{marked}))
		w.expect("before", w.mornings(3)) // 12 November
		w.expect("the night before", w.at(13, 7))
		w.expect("7 days before", w.at(13, 8), "ana: 1 date limite approche")
		w.expect("later that day", w.at(13, 20))
		w.expect("in between", w.mornings(4))
		w.expect("2 days before", w.mornings(1), "ana: 1 date limite approche")
		w.expect("1 day before, for another account", w.mornings(1), "bob: 1 date limite approche")
		w.expect("after that", w.mornings(10))
	})
}

const remindBatchAndMore = 120 // more than one transaction looks at

// Many accounts are looked at one after the other, each once.
func TestManyAreReminded(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		marked := w.publish("1", "Voirie", until(noon(17))).Notice.TenderID
		var want []string
		for i := range remindBatchAndMore {
			name := "person" + letters(i)
			w.account = w.signIn(name)
			w.reminded(7)
			w.interest(true, marked)
			want = append(want, name+": 1 date limite approche")
		}
		got := w.at(10, 8)
		slices.Sort(got)
		slices.Sort(want)
		w.expect("7 days before", got, want...)
		w.expect("later", w.at(11, 8))
	})
}

// The reminders of a morning are in one mail, with the digest of that hour.
func TestRemindersOfAMorning(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.reminded(2)
		w.interest(true, w.publish("1", "Voirie", until(noon(13))).Notice.TenderID, w.publish("2", "Ponts", until(noon(13))).Notice.TenderID)
		w.watch(w.account, "Sel", vigie.Daily, "sel")
		w.publish("3", "Sel de déneigement")
		w.enter()
		for minute := -20; minute <= 5; minute += 5 { // whichever part of Vigie looks first
			w.now = time.Date(2026, time.November, 10, 8, minute, 0, 0, vigie.Paris())
			w.enter()
		}
		w.expect("the digest", w.send(), "ana: 1 nouveau marché – veille Sel")
		for minute := -20; minute < 0; minute += 5 {
			w.now = time.Date(2026, time.November, 11, 8, minute, 0, 0, vigie.Paris())
			w.publish("4", "Sel marin")
			w.expect("before", w.work())
		}
		w.now = time.Date(2026, time.November, 11, 8, 0, 0, 0, vigie.Paris())
		w.expect("the morning", w.send(), "ana: 2 dates limites approchent, 1 nouveau marché – veille Sel")
	})
}

// What fell due while Vigie was away is sent while the deadline is ahead: the last one, for all.
func TestRemindersAreCaughtUp(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.reminded(7, 5, 2)
		w.interest(true, w.publish("1", "Voirie", until(noon(20))).Notice.TenderID, w.publish("2", "Ponts", until(noon(17))).Notice.TenderID)
		w.enter()
		w.expect("5 days late", w.at(18, 15), "ana: 1 date limite approche")
		w.expect("after that", w.mornings(5))
	})
}

// A mail that could not be sent in time says nothing that a later reminder says; and what is left of it is said once.
func TestRefusedReminders(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.reminded(7, 2)
		w.interest(true, w.publish("1", "Voirie", until(noon(20))).Notice.TenderID)
		w.mailer.refuse = refuseForNow
		w.expect("refused", append(w.at(13, 8), w.mornings(5)...)) // 18 November
		w.mailer.refuse = nil
		w.now = w.now.Add(64 * time.Hour / 4)
		w.expect("accepted at last", append(w.work(), w.after(time.Hour)...), "ana: 1 date limite approche")
		w.expect("after that", w.mornings(5))
	})
}

// Nothing is sent for a mark that was taken away, or a tender that cannot be answered.
func TestUnwantedReminders(t *testing.T) {
	for name, end := range map[string]func(*world, int64){
		"mark taken away": func(w *world, tender int64) { w.interest(false, tender) },
		"dismissed":       func(w *world, tender int64) { w.dismiss(w.account, tender) },
		"no reminders":    func(w *world, _ int64) { w.reminded() },
		"other days":      func(w *world, _ int64) { w.reminded(1) },
		"cancelled":       func(w *world, _ int64) { w.publish("1-x", "Voirie", about(vigie.Cancellation, "1")) },
		"withdrawn": func(w *world, _ int64) {
			if _, err := w.store.Withdraw(w.t.Context(), "test", "1"); err != nil {
				w.t.Fatal(err)
			}
		},
		"deadline moved": func(w *world, _ int64) {
			w.publish("1-c", "Voirie", about(vigie.Correction, "1"), until(w.in(300*day)))
		},
		"left": func(w *world, _ int64) {
			watch := w.watch(w.account, "Sel", vigie.Daily, "sel")
			w.must(w.store.Ledger().Leave(w.t.Context(), w.recipient(w.account, watch), "ana@example.org"))
		},
	} {
		for when, hour := range map[string]int{"before it is entered": 6, "after": 8} {
			t.Run(name+" "+when, func(t *testing.T) {
				onBoth(t, func(t *testing.T, w *world) {
					w.reminded(7)
					tender := w.publish("1", "Voirie", until(noon(20))).Notice.TenderID
					w.interest(true, tender)
					w.now = time.Date(2026, time.November, 13, hour, 0, 0, 0, vigie.Paris())
					w.enter()
					end(w, tender)
					w.expect(name, append(w.at(13, 8), w.at(18, 8)...))
				})
			})
		}
	}
}

// What was due before the mark, or before the account wanted reminders, is not made up for, unless the deadline moves.
func TestRemindersFromNowOn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		early, late := w.publish("1", "Voirie", until(noon(13))).Notice.TenderID, w.publish("2", "Ponts", until(noon(14))).Notice.TenderID
		w.interest(true, early)
		w.reminded(7, 1)
		w.interest(true, late)
		w.expect("marked too late for 7 days", append(w.work(), w.mornings(2)...)) // 11 November
		w.expect("1 day before", w.mornings(1), "ana: 1 date limite approche")
		w.publish("2-c", "Ponts", about(vigie.Correction, "2"), until(noon(16)))
		w.now = w.now.Add(time.Hour)
		w.expect("the deadline moved to 4 days from now", w.work(), "ana: 1 date limite approche")
		w.interest(false, late)
		w.interest(true, late)
		w.reminded(3)
		w.expect("after that", w.mornings(6)[:0])
	})
}

// A reminder for one deadline does not hold back that for another, also if that is the first one again.
func TestRemindersOfMovedDeadlines(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.reminded(3)
		w.interest(true, w.publish("1", "Voirie", until(noon(16))).Notice.TenderID)
		w.expect("3 days before", append(w.mornings(3), w.mornings(1)...), "ana: 1 date limite approche")
		w.publish("1-a", "Voirie", about(vigie.Correction, "1"), until(noon(20)))
		w.expect("moved", w.mornings(3))
		w.expect("3 days before the new deadline", w.mornings(1), "ana: 1 date limite approche") // 17 November
		w.publish("1-b", "Voirie", about(vigie.Correction, "1"), until(noon(26)))
		w.now = time.Date(2026, time.November, 23, 7, 50, 0, 0, vigie.Paris())
		w.enter()
		w.publish("1-d", "Voirie", about(vigie.Correction, "1"), until(noon(29)))
		w.expect("moved just before", w.at(23, 9))
		w.publish("1-e", "Voirie", about(vigie.Correction, "1"), until(noon(26)))
		w.expect("moved back", w.at(23, 11), "ana: 1 date limite approche")
		w.expect("after that", w.mornings(5))
	})
}

// An account's own address is reminded if it may be mailed, on a watch or not; nobody else is.
func TestReminderRecipients(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Daily, "voirie", "team@example.org")
		w.consents("team@example.org")
		w.reminded(7)
		first := w.publish("1", "Ponts", until(noon(17))).Notice.TenderID
		w.interest(true, first)
		w.change(w.account, watch.ID, func(watch *vigie.Watch) { watch.Active = false })
		w.expect("a paused watch", w.mornings(1), "ana: 1 date limite approche")
		w.interest(true, w.publish("2", "Ponts", until(noon(18))).Notice.TenderID)
		w.token(w.account, false)
		w.expect("the issuer no longer verifies the address", w.at(11, 8))
		w.token(w.account, true)
		w.expect("it does again", w.at(11, 12), "ana: 1 date limite approche")
		w.interest(true, w.publish("3", "Ponts", until(noon(19))).Notice.TenderID)
		w.moves("ana", "b@example.org", true)
		w.expect("another address", w.at(12, 8), "b: 1 date limite approche")
		w.moves("ana", "c@example.org", true)
		w.expect("that knows what the one before does", w.mornings(10))
	})
	onBoth(t, func(t *testing.T, w *world) {
		w.account = w.signIn("bob")
		w.reminded(7)
		w.interest(true, w.publish("1", "Ponts", until(noon(17))).Notice.TenderID)
		w.token(w.account, false)
		w.expect("never verified", w.mornings(1))
		w.token(w.account, true)
		w.now = w.now.Add(time.Hour)
		w.expect("on no watch", w.work(), "bob: 1 date limite approche")
		page, total, err := w.store.Ledger().AccountDeliveries(t.Context(), w.account.ID, ledger.DeliveryFilter{Kinds: []vigie.DeliveryKind{vigie.DeliverReminder}}, ledger.DeliveryWindow{Limit: 10})
		w.must(err)
		if total != 1 || page[0].Status() != vigie.DeliverySent {
			t.Fatalf("deliveries are %+v", page)
		}
		to, err := w.store.Ledger().Addresses(t.Context(), w.account, []int64{page[0].SubscriptionID})
		w.must(err)
		if r := to[page[0].SubscriptionID]; r == nil || r.Email != "bob@example.org" || !r.Primary || r.Status != vigie.Confirmed {
			t.Errorf("the recipient is %+v", r)
		}
		export, err := w.store.Export(t.Context(), w.account.ID)
		w.must(err)
		if len(export.Deliveries) != 1 || export.Deliveries[0].Kind != vigie.DeliverReminder || export.Deliveries[0].WatchID != "" || len(export.Account.ReminderDays) != 1 {
			t.Errorf("the export has %+v", export.Deliveries)
		}
	})
}

// Of two tenders that turn out to be one, the account is reminded once.
func TestRemindersOfMergedTenders(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.reminded(7, 3)
		a, b := w.publish("1", "Voirie", until(noon(17))).Notice.TenderID, w.publish("2", "Voirie", until(noon(17))).Notice.TenderID
		w.interest(true, b)
		w.expect("7 days before", w.at(10, 8), "ana: 1 date limite approche")
		w.interest(true, a)
		w.publish("1-m", "Voirie", about(vigie.Correction, "1"), until(noon(17)), func(n *vigie.Notice) { n.Links = append(n.Links, "2") })
		w.expect("merged", w.at(10, 20))
		w.expect("3 days before", w.mornings(6), "ana: 1 date limite approche")
	})
}

// A message that was refused says nothing that one about the other of two tenders has said, once these turn out to be one.
func TestRepeatedReminders(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		w := h.world
		h.add(w.watch(w.account, "Voirie", vigie.Daily, "voirie"), "/a")
		w.reminded(7)
		w.interest(true, w.publish("1", "Ponts", until(noon(17))).Notice.TenderID, w.publish("2", "Écoles", until(noon(17))).Notice.TenderID)
		h.receiver.answers(func(m hookMessage) int {
			if m.Data.Tender.Title == "Écoles" {
				return 500
			}
			return 204
		})
		w.now = time.Date(2026, time.November, 10, 8, 0, 0, 0, vigie.Paris())
		w.expect("one is refused", h.post(), "a: REMINDER Ponts")
		w.publish("1-m", "Ponts", about(vigie.Correction, "1"), until(noon(17)), func(n *vigie.Notice) { n.Links = append(n.Links, "2") })
		h.receiver.answers(nil)
		w.expect("merged", append(h.later(time.Hour), h.later(day)...))
	})
}

// The ledger has each reminder once, however often and by however many it is entered.
func TestRemindersAreEnteredOnce(t *testing.T) {
	onBothAt(t, func(t *testing.T, w *world, url string) {
		other, err := store.Open(t.Context(), url, w.sender.Now)
		w.must(err)
		t.Cleanup(func() { other.Close() })
		w.reminded(7)
		tender := w.publish("1", "Voirie", until(noon(17))).Notice.TenderID
		w.interest(true, tender)
		w.now = time.Date(2026, time.November, 10, 8, 0, 0, 0, vigie.Paris())
		for range 3 {
			done := make(chan error, 2)
			for _, s := range []*store.Store{w.store, other} {
				go func() {
					_, _, err := s.Ledger().Remind(t.Context())
					done <- err
				}()
			}
			w.must(<-done)
			w.must(<-done)
			w.interest(true, tender) // looks again
		}
		w.expect("once", w.send(), "ana: 1 date limite approche")
		w.expect("no more", w.at(11, 8))
		_, total, err := w.store.Ledger().AccountDeliveries(t.Context(), w.account.ID, ledger.DeliveryFilter{}, ledger.DeliveryWindow{Limit: 10})
		w.must(err)
		if total != 1 {
			t.Errorf("%d deliveries", total)
		}
	})
}

// All webhooks that the account added get reminders if they want them, one for each tender.
func TestReminderWebhooks(t *testing.T) {
	onBothHooks(t, func(t *testing.T, h *hooks) {
		w := h.world
		expect := func(when string, want ...string) {
			t.Helper()
			w.expect(when, h.post(), want...)
		}
		one, gone := w.watch(w.account, "Voirie", vigie.Daily, "voirie"), w.watch(w.account, "Sel", vigie.Daily, "sel")
		all := h.add(one, "/all")
		h.add(one, "/new", vigie.DeliverNew)
		h.add(one, "/reminders", vigie.DeliverReminder)
		h.add(gone, "/gone")
		h.add(nil, "/platform")
		w.remove(w.account, gone)
		w.reminded(7)
		w.interest(true, w.publish("1", "Ponts", until(noon(17))).Notice.TenderID)
		w.interest(true, w.publish("2", "Écoles", until(noon(18))).Notice.TenderID)
		w.now = time.Date(2026, time.November, 10, 8, 0, 0, 0, vigie.Paris())
		expect("7 days before", "all: REMINDER Ponts", "reminders: REMINDER Ponts")
		w.now = w.now.Add(time.Hour)
		h.set(all, func(webhook *vigie.Webhook) { webhook.PausedAt = new(w.now) })
		h.add(one, "/late")
		w.now = time.Date(2026, time.November, 11, 8, 0, 0, 0, vigie.Paris())
		expect("one is paused", "late: REMINDER Écoles", "reminders: REMINDER Écoles")
		h.set(all, func(webhook *vigie.Webhook) { webhook.PausedAt = nil })
		expect("it is not", "all: REMINDER Écoles")
		w.now = w.now.Add(day)
		expect("after that")
	})
}

// What is written in the reminder's mail: why, and how to stop it.
func TestReminderMail(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.reminded(3)
		w.interest(true, w.publish("1", "Voirie", until(noon(17))).Notice.TenderID)
		w.expect("at once", w.work(), "ana: 1 nouveau marché – veille Voirie")
		w.expect("7 days before", w.mornings(4), "ana: 1 marché bientôt clos – veille Voirie")
		w.now = time.Date(2026, time.November, 14, 8, 0, 0, 0, vigie.Paris())
		w.enter()
		w.must(w.sender.Step(t.Context()))
		if len(w.mailer.messages) != 1 {
			t.Fatalf("%d mails", len(w.mailer.messages))
		}
		m := w.mailer.messages[0]
		for _, want := range []string{"Vous avez demandé un rappel", "mardi 17 novembre 2026", "https://platform.example/test/1"} {
			if !strings.Contains(strings.Join(strings.Fields(m.Text), " "), want) {
				t.Errorf("no %q in:\n%s", want, m.Text)
			}
		}
		if strings.Contains(m.Text, "Veille Voirie") {
			t.Errorf("a watch is named that did not lead to it:\n%s", m.Text)
		}
	})
}

// A mail of reminders has a link that stops these alone: by a button, or by the one click of mail programs. Alerts go on.
func TestStopReminders(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.reminded(7, 2)
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.work()
		w.interest(true, w.publish("1", "Ponts", until(noon(20))).Notice.TenderID)
		w.now = time.Date(2026, time.November, 13, 8, 0, 0, 0, vigie.Paris())
		mails := w.mails()
		if len(mails) != 1 {
			t.Fatalf("%d mails", len(mails))
		}
		path := regexp.MustCompile(link.LeavePath + `[0-9a-v]+`).FindString(mails[0].Text)
		if unsubscribe := mails[0].Headers["List-Unsubscribe"]; !strings.Contains(mails[0].HTML, path) || !strings.HasSuffix(unsubscribe, path+">") {
			t.Errorf("%s is stopped by %s\n%s", unsubscribe, path, mails[0].Text)
		}
		days := func() int {
			t.Helper()
			accounts, err := w.store.AccountsOf(t.Context(), w.account.Subject)
			w.must(err)
			return len(accounts[0].ReminderDays)
		}
		if code, text := w.follow(http.MethodGet, path, nil); code != http.StatusOK || !strings.Contains(text, "Arrêter les rappels ?") || days() != 2 {
			t.Errorf("opening the link: %d, %d days are left\n%s", code, days(), text)
		}
		if code, text := w.follow(http.MethodPost, path, url.Values{"List-Unsubscribe": {"One-Click"}}); code != http.StatusOK || !strings.Contains(text, "Rappels arrêtés") || days() != 0 {
			t.Errorf("one click: %d, %d days are left\n%s", code, days(), text)
		}
		w.expect("no more reminders", w.at(18, 8))
		w.publish("2", "Voirie", until(noon(30)))
		w.expect("alerts go on", w.at(18, 9), "ana: 1 nouveau marché – veille Voirie")
		for name, forged := range map[string]string{
			"another address": link.LeavePath + w.mail.Keys.Token(link.StopReminders, 1, "team@example.org"),
			"no recipient":    link.LeavePath + w.mail.Keys.Token(link.StopReminders, 1<<40, "ana@example.org"),
		} {
			if code, _ := w.follow(http.MethodPost, forged, nil); code != http.StatusNotFound {
				t.Errorf("%s: %d", name, code)
			}
		}
	})
}
