package alert_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"vigie"
	"vigie/alert"
	"vigie/alert/letter"
	"vigie/alert/post"
	"vigie/ledger"
	"vigie/store"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

func TestImmediate(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.expect("at first", w.work())
		w.publish("1", "Réfection de la voirie")
		w.expect("a match", w.work(), "ana: 1 nouveau marché – veille Voirie")
		w.publish("2", "Cantine scolaire")
		w.expect("no match", w.work())
		w.publish("3", "Voirie rurale")
		w.publish("4", "Voirie communale")
		w.expect("within a minute", w.work())
		w.expect("after it", w.after(time.Minute), "ana: 2 nouveaux marchés – veille Voirie")
		w.expect("long after", w.after(week))
	})
}

func TestDigests(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Daily, "voirie")
		w.watch(w.account, "Cantine", vigie.Weekly, "cantine")
		w.publish("1", "Réfection de la voirie")
		w.publish("2", "Cantine scolaire")
		w.expect("on Monday morning", w.work())
		w.expect("in the evening", w.after(10*time.Hour))
		w.publish("3", "Voirie, tranche 2")
		w.expect("on Tuesday at 8", w.after(12*time.Hour), "ana: 2 nouveaux marchés – veille Voirie")
		w.publish("4", "Voirie et cantine") // the faster frequency counts
		w.expect("on Wednesday at 8", w.after(day), "ana: 1 nouveau marché – 2 veilles")
		w.expect("next Monday before 8", w.after(4*day+23*time.Hour))
		w.expect("next Monday at 8", w.after(time.Hour), "ana: 1 nouveau marché – veille Cantine")
	})
}

// An alert that cannot wait for a digest is sent at once, whatever the frequency.
func TestAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Daily, "voirie")
		// The next digest is on Tuesday at 8 h, in 22 hours.
		w.publish("short", "Voirie : réponse rapide", until(w.in(70*time.Hour-time.Minute)))
		w.expect("48 h after the digest are too late", w.work(), "ana: 1 nouveau marché – veille Voirie")
		w.now = w.now.Add(time.Hour)
		w.publish("long", "Voirie", until(w.in(69*time.Hour)))
		w.expect("48 h after the digest are enough", w.work())
		w.expect("the digest", w.after(21*time.Hour), "ana: 1 nouveau marché – veille Voirie")

		w.now = w.now.Add(time.Hour)
		w.publish("far", "Voirie lointaine")
		w.expect("the digest of Wednesday", w.after(day), "ana: 1 nouveau marché – veille Voirie")
		w.publish("far-1", "Voirie lointaine", about(vigie.Correction, "far"), until(w.in(60*day)))
		w.expect("a later deadline waits", w.after(time.Hour))
		w.expect("for the digest of Thursday", w.after(day), "ana: 1 marché rectifié – veille Voirie")
		w.publish("far-2", "Voirie lointaine", about(vigie.Correction, "far"), until(w.in(50*day)))
		w.expect("an earlier one does not", w.after(time.Minute), "ana: 1 marché rectifié – veille Voirie")
		w.now = w.now.Add(time.Hour)
		w.publish("far-3", "Voirie lointaine", about(vigie.Cancellation, "far"))
		w.expect("nor does a cancellation", w.work(), "ana: 1 marché annulé – veille Voirie")
		w.publish("far-4", "Voirie lointaine", about(vigie.Award, "far"))
		w.expect("an award is not mailed", w.after(week))
	})
}

// A mail has one entry for each tender, in the section that matters most; and a tender that was not announced yet
// needs no correction.
func TestStories(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Daily, "voirie")
		w.watch(w.account, "Rurale", vigie.Daily, "rurale")
		w.publish("1", "Voirie rurale")
		w.publish("1-1", "Voirie rurale et urbaine", about(vigie.Correction, "1"))
		w.publish("2", "Voirie d'Exemple")
		w.publish("2-1", "Voirie d'Exemple", about(vigie.Cancellation, "2"))
		w.enter()
		w.now = w.now.Add(day)
		if err := w.sender.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(w.mailer.messages) != 1 {
			t.Fatalf("%d mails", len(w.mailer.messages))
		}
		text := w.mailer.messages[0].Text
		w.expect("new and corrected, new and cancelled", w.send(), "ana: 1 nouveau marché – 2 veilles")
		for _, want := range []string{"Voirie rurale et urbaine", "Veille Rurale : rurale", "Veille Voirie : voirie", "Commune d'Exemple"} {
			if !strings.Contains(strings.ReplaceAll(text, "\u00a0", " "), want) {
				t.Errorf("%q is missing in\n%s", want, text)
			}
		}
		w.publish("1-2", "Voirie rurale", about(vigie.Correction, "1"))
		w.publish("1-3", "Voirie rurale, tranche 1", about(vigie.Correction, "1"))
		w.expect("two corrections", w.after(day), "ana: 1 marché rectifié – 2 veilles")
	})
}

// Corrections go to recipients that were alerted, also if the tender no longer matches; recipients for whom it begins
// to match get it as new.
func TestCorrections(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		bob := w.signIn("bob")
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.watch(bob, "Cantine", vigie.Immediate, "cantine")
		w.publish("1", "Voirie")
		w.expect("the notice", w.work(), "ana: 1 nouveau marché – veille Voirie")
		w.now = w.now.Add(time.Hour)
		w.publish("1-1", "Cantine", about(vigie.Correction, "1"))
		w.expect("the correction", w.work(), "ana: 1 marché rectifié – veille Voirie", "bob: 1 nouveau marché – veille Cantine")
		w.now = w.now.Add(time.Hour)
		w.watch(bob, "Tout", vigie.Immediate, "exemple")
		eve := w.signIn("eve")
		w.watch(eve, "Cantine", vigie.Immediate, "cantine")
		w.publish("1-2", "Cantine scolaire", about(vigie.Correction, "1"))
		w.expect("to a watch made since, too", w.work(),
			"ana: 1 marché rectifié – veille Voirie", "bob: 1 marché rectifié – veille Cantine", "eve: 1 marché rectifié – veille Cantine")
		w.now = w.now.Add(time.Hour)
		w.publish("1", "Cantine scolaire", func(n *vigie.Notice) { n.PublishedAt, n.Content.Deadline = monday(), nil })
		w.expect("the same notice again, with other words", w.work())
		w.publish("1-3", "Cantine scolaire", about(vigie.Correction, "1"), func(n *vigie.Notice) { n.Content.Title = "" })
		w.expect("a correction in words that we cannot read", w.after(time.Minute),
			"ana: 1 marché rectifié – veille Voirie", "bob: 1 marché rectifié – veille Cantine", "eve: 1 marché rectifié – veille Cantine")
	})
}

func TestClosingSoon(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Daily, "voirie")
		w.publish("1", "Voirie", until(w.in(20*day)))                  // closes on Sunday 29 at 10 h
		w.publish("2", "Voirie de nuit", until(w.in(8*day-time.Hour))) // closing soon when it is announced
		w.expect("the digest", w.after(day), "ana: 2 nouveaux marchés – veille Voirie")
		for d := 3; d < 13; d++ {
			w.expect(fmt.Sprint("day ", d), w.after(day))
		}
		w.now = time.Date(2026, time.November, 21, 8, 0, 0, 0, time.UTC)
		w.expect("on Saturday at 9 h the digest of Sunday is 8 days before", w.work())
		w.now = time.Date(2026, time.November, 22, 6, 59, 0, 0, time.UTC)
		w.expect("on Sunday before 8 h", w.work())
		w.expect("at 8 h the next digest is less than 7 days before", w.after(time.Minute), "ana: 1 marché bientôt clos – veille Voirie")
		w.publish("1-1", "Voirie", about(vigie.Correction, "1"), until(w.in(30*day)))
		w.expect("a new deadline", w.after(day), "ana: 1 marché rectifié – veille Voirie")
		w.expect("is not said to be near once more", w.after(25*day))
	})
}

// A tender whose deadline is not known for now, as when it is put off to a later date, is said to close soon once it is
// known when.
func TestClosingSoonOfUnclearDeadline(t *testing.T) {
	for name, quiet := range map[string]bool{"aloud": false, "quietly": true} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				w.watch(w.account, "Voirie", vigie.Daily, "voirie")
				w.publish("1", "Voirie", until(w.in(30*day)))
				w.expect("the digest", w.after(day), "ana: 1 nouveau marché – veille Voirie")
				silence := func(n *vigie.Notice) { n.Quiet = quiet }
				w.publish("1-1", "Voirie", about(vigie.Correction, "1"), silence, func(n *vigie.Notice) { n.Content.DeadlineUnclear = true })
				corrected := []string{"ana: 1 marché rectifié – veille Voirie"}
				if quiet {
					corrected = nil
				}
				w.expect("put off", w.after(day), corrected...)
				w.expect("for long", w.after(20*day))
				w.publish("1-2", "Voirie", about(vigie.Correction, "1"), silence, until(w.in(20*day)))
				w.expect("until a date", w.after(day), corrected...)
				w.expect("which is not near", w.after(8*day))
				w.expect("but is then", w.after(6*day), "ana: 1 marché bientôt clos – veille Voirie")
			})
		})
	}
}

// A mail that could not be sent in time does not say any more that a tender closes soon once its deadline has moved.
func TestClosingSoonOfMovedDeadline(t *testing.T) {
	for name, move := range map[string]func(*world) func(*vigie.Notice){
		"later":   func(w *world) func(*vigie.Notice) { return until(w.in(30 * day)) },
		"unclear": func(*world) func(*vigie.Notice) { return func(n *vigie.Notice) { n.Content.DeadlineUnclear = true } },
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				w.watch(w.account, "Voirie", vigie.Daily, "voirie")
				w.publish("1", "Voirie", until(w.in(10*day)))
				w.expect("the digest", w.after(day), "ana: 1 nouveau marché – veille Voirie")
				w.mailer.refuse = func(post.Message) error { return &post.Error{Kind: post.Temporary, Code: 451, Reply: "451 later"} }
				w.expect("refused for now", w.after(3*day))
				silence := func(n *vigie.Notice) { n.Quiet = true }
				w.publish("1-1", "Voirie", about(vigie.Correction, "1"), silence, move(w))
				w.mailer.refuse = nil
				w.expect("not near any more", slices.Concat(w.after(2*time.Hour), w.after(2*time.Hour)))
				w.publish("1-2", "Voirie", about(vigie.Correction, "1"), silence, until(w.in(20*day)))
				w.expect("near", slices.Concat(w.after(13*day), w.after(day)), "ana: 1 marché bientôt clos – veille Voirie")
			})
		})
	}
}

// What is not mailed: what was published before the watch, what is old, imported quietly or not online, and what came
// during a pause.
func TestNotMailed(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.publish("before", "Voirie d'avant")
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("old", "Voirie ancienne", func(n *vigie.Notice) { n.PublishedAt = w.now.Add(-week - time.Second) })
		w.publish("quiet", "Voirie discrète", func(n *vigie.Notice) { n.Quiet = true })
		w.publish("closed", "Voirie close", until(w.in(-time.Second)))
		w.publish("award", "Voirie attribuée", about(vigie.Award, "none"))
		w.publish("cancelled", "Voirie annulée", about(vigie.Cancellation, "nothing"))
		w.expect("none of them", w.work())
		w.publish("again", "Voirie")
		w.publish("again", "Voirie")
		w.expect("published twice", w.work(), "ana: 1 nouveau marché – veille Voirie")
		w.change(w.account, watch.ID, func(watch *vigie.Watch) { watch.Active = false })
		w.now = w.now.Add(time.Hour)
		w.publish("paused", "Voirie en pause")
		w.publish("again-1", "Voirie", about(vigie.Cancellation, "again"))
		w.expect("while it is off", w.work())
		w.change(w.account, watch.ID, func(watch *vigie.Watch) { watch.Active = true })
		w.expect("when it is on again", w.after(time.Hour))
		if err := w.store.DeleteWatch(t.Context(), w.account.ID, watch.ID); err != nil {
			t.Fatal(err)
		}
		w.publish("deleted", "Voirie")
		w.expect("when it is deleted", w.work())
	})
}

// A watch that is switched on again with catch-up alerts once of what it missed.
func TestCatchUp(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie")
		w.expect("before", w.work(), "ana: 1 nouveau marché – veille Voirie")
		w.change(w.account, watch.ID, func(watch *vigie.Watch) { watch.Active = false })
		w.now = w.now.Add(10 * day)
		for i := range 120 {
			w.publish(fmt.Sprint("meanwhile-", i), "Voirie "+fmt.Sprint(i))
		}
		w.publish("other", "Cantine")
		w.publish("1-1", "Voirie corrigée", about(vigie.Correction, "1"))
		w.now = w.now.Add(10 * day)
		w.expect("meanwhile", w.work())
		w.change(w.account, watch.ID, func(watch *vigie.Watch) { watch.Active, watch.CatchUpFrom = true, watch.Paused })
		w.publish("after", "Voirie d'après")
		w.expect("switched on again", w.work(), "ana: 121 nouveaux marchés, 1 rectifié – veille Voirie")
		w.expect("once", w.after(day))
		w.change(w.account, watch.ID, func(watch *vigie.Watch) { watch.Active = false })
		w.change(w.account, watch.ID, func(watch *vigie.Watch) { watch.Active, watch.CatchUpFrom = true, watch.Paused })
		w.expect("nothing came", w.after(day))
	})
}

// A restored watch alerts as if it had never been deleted, once of each tender.
func TestRestored(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie")
		w.expect("before", w.work(), "ana: 1 nouveau marché – veille Voirie")
		deleteAndRestore := func(work func()) {
			t.Helper()
			if err := w.store.DeleteWatch(t.Context(), w.account.ID, watch.ID); err != nil {
				t.Fatal(err)
			}
			work()
			if _, err := w.store.RestoreWatch(t.Context(), w.account, watch.ID, w.now.Add(-day)); err != nil {
				t.Fatal(err)
			}
		}
		w.publish("2", "Voirie lue plus tard")
		deleteAndRestore(func() { w.publish("3", "Voirie publiée entre-temps") })
		w.expect("read after all of it", w.after(time.Hour), "ana: 2 nouveaux marchés – veille Voirie")
		deleteAndRestore(func() {
			w.publish("4", "Voirie lue entre-temps")
			w.expect("while it is deleted", w.work())
		})
		w.publish("5", "Voirie d'après")
		w.expect("restored", w.after(time.Hour), "ana: 2 nouveaux marchés – veille Voirie")
		w.expect("once", w.after(day))
	})
}

// Consent outranks everything, up to the last moment.
func TestConsent(t *testing.T) {
	for name, revoke := range map[string]func(*world, *vigie.Watch){
		"paused": func(w *world, watch *vigie.Watch) {
			w.change(w.account, watch.ID, func(watch *vigie.Watch) { watch.Active = false })
		},
		"deleted": func(w *world, watch *vigie.Watch) {
			if err := w.store.DeleteWatch(w.t.Context(), w.account.ID, watch.ID); err != nil {
				w.t.Fatal(err)
			}
		},
		"removed": func(w *world, watch *vigie.Watch) {
			if _, err := w.store.UpdateWatch(w.t.Context(), w.account, watch.ID, func(*vigie.Watch) {}, new(false), nil); err != nil {
				w.t.Fatal(err)
			}
		},
		"left the watch": func(w *world, watch *vigie.Watch) {
			if err := w.store.Ledger().LeaveWatch(w.t.Context(), w.subscription(w.account, watch).ID, "ana@example.org"); err != nil {
				w.t.Fatal(err)
			}
		},
		"left": func(w *world, watch *vigie.Watch) {
			if err := w.store.Ledger().Leave(w.t.Context(), w.recipient(w.account, watch), "ana@example.org"); err != nil {
				w.t.Fatal(err)
			}
		},
		"not its own any more": func(w *world, _ *vigie.Watch) {
			if _, err := w.store.SignIn(w.t.Context(), store.Claims{Issuer: "test", Subject: "ana", Email: "ana@example.org"}); err != nil {
				w.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				watch := w.watch(w.account, "Voirie", vigie.Daily, "voirie")
				w.publish("1", "Voirie")
				w.expect("at first", w.work())
				revoke(w, watch)
				w.expect("the digest", w.after(day))
				w.publish("1-1", "Voirie", about(vigie.Cancellation, "1"))
				w.expect("a cancellation", w.work())
			})
			// Between the claim of a mail and its sending.
			onBoth(t, func(t *testing.T, w *world) {
				watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
				w.publish("1", "Voirie")
				w.enter()
				w.mailer.refuse = func(post.Message) error { return &post.Error{Kind: post.Temporary, Code: 451, Reply: "451 later"} }
				w.expect("the first attempt", w.send())
				w.mailer.refuse = nil
				revoke(w, watch)
				w.expect("the second", w.after(day))
			})
		})
	}
}

// A dismissal stops mail to the account's own address only.
func TestDismissed(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Daily, "voirie", "team@example.org")
		w.consents("team@example.org")
		published := w.publish("1", "Voirie")
		w.dismiss(w.account, published.Notice.TenderID)
		w.expect("the digest", w.after(day), "team: 1 nouveau marché – veille Voirie")
	})
}

// What is of interest is not dismissed: neither what was dismissed before, nor what is merged with what was.
func TestInterestEndsDismissal(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Daily, "voirie")
		again, merged := w.publish("1", "Voirie").Notice.TenderID, w.publish("2", "Voirie rurale").Notice.TenderID
		w.dismiss(w.account, again)
		w.dismiss(w.account, merged)
		if err := w.store.SetMark(t.Context(), w.account.ID, store.Interested, true, []int64{again}); err != nil {
			t.Fatal(err)
		}
		w.expect("the digest has the one", w.after(day), "ana: 1 nouveau marché – veille Voirie")

		first, second := w.publish("3", "Voirie, lot 1").Notice.TenderID, w.publish("4", "Voirie, lot 2").Notice.TenderID
		w.dismiss(w.account, first)
		if err := w.store.SetMark(t.Context(), w.account.ID, store.Interested, true, []int64{second}); err != nil {
			t.Fatal(err)
		}
		w.publish("5", "Voirie, lots 1 et 2", about(vigie.Correction, "3"), func(n *vigie.Notice) { n.Links = []string{"3", "4"} })
		w.expect("the digest has what they became", w.after(day), "ana: 1 nouveau marché – veille Voirie")
	})
}

// An extra address is asked for consent, and gets no other mail before.
func TestConfirmation(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Secret", vigie.Immediate, "voirie", "Team@example.org")
		w.expect("asked", w.work(), "Team: Confirmez votre adresse – Vigie")
		w.publish("1", "Voirie")
		w.expect("Team is not alerted", w.work(), "ana: 1 nouveau marché – veille Secret")
		bob := w.signIn("bob")
		w.watch(bob, "Autre", vigie.Immediate, "cantine", "team@example.org")
		w.expect("not asked twice a day", w.after(day-time.Second))
		w.expect("asked again for the other", w.after(time.Second), "team: Confirmez votre adresse – Vigie")
		recipients, err := w.store.Ledger().Recipients(t.Context(), w.account, []int64{watch.ID})
		if err != nil {
			t.Fatal(err)
		}
		if got := recipients[watch.ID]; len(got) != 2 || got[0].Status != vigie.Confirmed || got[1].Status != vigie.Pending {
			t.Errorf("recipients are %+v, %+v", got[0], got[1])
		}
		w.consents("Team@example.org")
		w.publish("2", "Voirie rurale")
		w.expect("both are alerted", w.work(), "ana: 1 nouveau marché – veille Secret", "Team: 1 nouveau marché – veille Secret")
		for i, name := range []string{"c", "d"} {
			w.watch(w.signIn(name), "Encore", vigie.Daily, "cantine", "team@example.org")
			want := []string{"team: Confirmez votre adresse – Vigie"}
			if i > 0 {
				want = nil
			}
			w.expect("asked by "+name, w.after(2*day), want...)
		}
	})
}

// The confirmation contains no text of the account that asked for it: only its address, once that is verified.
func TestConfirmationSaysWhoAsks(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ask := func(name string, verified bool) post.Message {
			account, err := w.store.SignIn(t.Context(), store.Claims{
				Issuer: "test", Subject: name, Email: name + "@example.org", EmailVerified: verified, Name: "GAGNEZ UN VOYAGE",
			})
			if err != nil {
				t.Fatal(err)
			}
			w.watch(account, "GAGNEZ UN VOYAGE", vigie.Immediate, "gagnez un voyage", "team-"+name+"@example.org")
			return w.mailsTo()["team-"+name]
		}
		for _, verified := range []bool{true, false} {
			name := map[bool]string{true: "verified", false: "unverified"}[verified]
			m := ask(name, verified)
			for _, text := range []string{m.Text, m.HTML} {
				if strings.Contains(strings.ToUpper(text), "VOYAGE") || strings.Contains(text, name+"@example.org a demandé à Vigie") != verified ||
					strings.Contains(text, "Quelqu’un a demandé à Vigie") == verified {
					t.Errorf("%s: the mail is\n%s", name, text)
				}
			}
			if strings.Contains(m.Subject, "VOYAGE") || strings.Contains(m.Subject, "@") {
				t.Errorf("%s: subject %q", name, m.Subject)
			}
		}
	})
}

func TestRefused(t *testing.T) {
	for _, why := range []*post.Error{
		{Kind: post.Temporary, Code: 451, Reply: "451 4.2.2 mailbox full"},
		{Kind: post.Temporary, Err: io.ErrUnexpectedEOF},
		{Kind: post.Temporary, Code: 421, Reply: "421 4.7.0 closing"},
		{Kind: post.ForMessage, Code: 554, Reply: "554 5.7.1 spam"},
	} {
		onBoth(t, func(t *testing.T, w *world) {
			watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
			w.watch(w.signIn("bob"), "Voirie", vigie.Immediate, "voirie")
			attempts, ids := 0, make(map[string]bool)
			w.mailer.refuse = func(m post.Message) error {
				if m.To != "ana@example.org" {
					return nil
				}
				attempts++
				ids[m.ID] = true
				return why
			}
			published := w.publish("1", "Voirie", until(nil))
			w.expect("at first", w.work(), "bob: 1 nouveau marché – veille Voirie")
			start := w.now
			for w.now.Sub(start) < 20*day { // before a quiet note is due
				w.now = w.now.Add(max(time.Minute, w.now.Sub(start)/16))
				w.send()
			}
			// 1, 2, 4 … 2,048 minutes and 64 hours lie between 14 attempts.
			if attempts != 14 || len(ids) != 1 {
				t.Errorf("%d attempts under %d Message-IDs", attempts, len(ids))
			}
			if over, said := w.attempt(watch, published); !over || said != why.Error() {
				t.Errorf("the delivery has ended: %t, for %q", over, said)
			}
			w.mailer.refuse = nil
			w.publish("2", "Voirie rurale")
			w.expect("the next", w.work(), "ana: 1 nouveau marché – veille Voirie", "bob: 1 nouveau marché – veille Voirie")
		})
	}
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.watch(w.signIn("bob"), "Voirie", vigie.Immediate, "voirie", "ana@example.org")
		w.mailer.refuse = func(m post.Message) error {
			if m.To == "ana@example.org" {
				return &post.Error{Kind: post.ForAddress, Code: 550, Enhanced: "5.1.1", Reply: "550 5.1.1 no such user"}
			}
			return nil
		}
		w.publish("1", "Voirie")
		w.expect("nobody is there", w.work(), "bob: 1 nouveau marché – veille Voirie")
		w.mailer.refuse = nil
		w.publish("2", "Voirie rurale")
		w.expect("so nobody is written to, by any account", w.after(time.Hour), "bob: 1 nouveau marché – veille Voirie")
		recipients, err := w.store.Ledger().Recipients(t.Context(), w.account, []int64{watch.ID})
		if err != nil || recipients[watch.ID][0].Status != vigie.Bounced {
			t.Errorf("the address is %+v, %v", recipients[watch.ID][0], err)
		}
	})
}

// While the mail server does not answer nothing is lost, and no address is blamed.
func TestDown(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.mailer.refuse = func(post.Message) error { return &post.Error{Kind: post.Temporary, AllMail: true} }
		w.publish("1", "Voirie")
		w.enter()
		for range 20 {
			if err := w.sender.Step(t.Context()); err == nil {
				t.Fatal("the failure is not logged")
			}
			w.now = w.now.Add(time.Second)
		}
		w.mailer.refuse = nil
		w.expect("back", w.send(), "ana: 1 nouveau marché – veille Voirie")
	})
}

// A watch that has been quiet for long gets a quiet note, from time to time.
func TestQuiet(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Rare", vigie.Daily, "sarcophage")
		w.watch(w.account, "Voirie", vigie.Daily, "voirie")
		w.now = w.now.Add(29 * day)
		w.publish("1", "Voirie", until(nil))
		w.expect("after 30 days, at 8 h", w.after(22*time.Hour), "ana: 1 nouveau marché – veille Voirie")
		w.expect("a day later", w.after(day), "ana: Aucun nouveau marché depuis 30 jours – veille Rare")
		w.expect("29 days later", w.after(28*day))
		w.expect("60 days later, of both", w.after(3*day), "ana: Aucun nouveau marché depuis 30 jours – 2 veilles")
		off := false
		if _, err := w.store.UpdateAccount(t.Context(), w.account.ID, vigie.AccountUpdate{QuietNotes: &off}); err != nil {
			t.Fatal(err)
		}
		w.expect("switched off", w.after(100*day))
	})
}

// A mail waits until the search index, which its links lead to, contains its tenders.
func TestWaitsForIndex(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.lag = true
		w.publish("1", "Voirie")
		w.expect("the index is behind", w.work())
		w.expect("still", w.after(5*time.Minute))
		w.lag = false
		w.indexed()
		w.expect("no more", w.after(time.Second), "ana: 1 nouveau marché – veille Voirie")
		w.lag = true
		w.publish("2", "Voirie rurale")
		w.expect("the index is behind again", w.after(9*time.Minute))
		w.expect("for too long", w.after(2*time.Minute), "ana: 1 nouveau marché – veille Voirie")
	})
}

// Waiting deliveries follow changed settings.
func TestSettingsChange(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Weekly, "voirie")
		w.publish("1", "Voirie")
		w.expect("weekly", w.after(2*day))
		w.change(w.account, watch.ID, func(watch *vigie.Watch) { watch.Frequency = vigie.Immediate })
		w.expect("then immediate", w.work(), "ana: 1 nouveau marché – veille Voirie")
		w.change(w.account, watch.ID, func(watch *vigie.Watch) { watch.Frequency = vigie.Daily })
		w.publish("2", "Voirie rurale")
		w.expect("daily, at 8 h", w.after(2*time.Hour))
		hour := int32(14)
		if _, err := w.store.UpdateAccount(t.Context(), w.account.ID, vigie.AccountUpdate{DigestHour: &hour}); err != nil {
			t.Fatal(err)
		}
		w.expect("then at 14 h", w.after(2*time.Hour), "ana: 1 nouveau marché – veille Voirie")
	})
}

// Two merged tenders are one in the mail, too.
func TestMerged(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Daily, "voirie")
		w.publish("1", "Voirie rurale")
		w.publish("2", "Voirie urbaine")
		w.expect("two", w.work())
		w.publish("both", "Voirie rurale et urbaine", about(vigie.Correction, "1"), func(n *vigie.Notice) { n.Links = []string{"1", "2"} })
		w.expect("are one", w.after(day), "ana: 1 nouveau marché – veille Voirie")
		w.publish("end", "Voirie", about(vigie.Cancellation, "2"))
		w.expect("and end as one", w.after(time.Minute), "ana: 1 marché annulé – veille Voirie")
	})
}

// A mail that had to wait leaves out tenders that are over when it is sent.
func TestOverMeanwhile(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie rurale")
		w.publish("2", "Voirie urbaine")
		w.mailer.refuse = func(post.Message) error { return &post.Error{Kind: post.Temporary, Code: 451} }
		w.expect("refused for now", w.work())
		w.mailer.refuse = nil
		w.publish("2-1", "Voirie urbaine", about(vigie.Award, "2"))
		w.mailer.sending = func(m post.Message) {
			if strings.Contains(m.Text, "urbaine") || !strings.Contains(m.Text, "rurale") {
				t.Errorf("the mail is\n%s", m.Text)
			}
		}
		w.expect("later", w.after(2*time.Minute), "ana: 1 nouveau marché – veille Voirie")
	})
}

// A mail that cannot be composed delays no other one, and is sent once it can be.
func TestUnwritable(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		bob := w.signIn("bob")
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.watch(bob, "Ponts", vigie.Immediate, "ponts")
		good := w.mail.Templates
		broken, err := letter.Load(fstest.MapFS{"digest.txt": {Data: []byte(`{{template "top" .}}{{range .Watches}}{{if eq .Name "Voirie"}}{{index $.Watches 9}}{{end}}{{end}}`)}})
		if err != nil {
			t.Fatal(err)
		}
		w.mail.Templates = broken
		w.publish("1", "Voirie et ponts")
		w.expect("one cannot be written", w.work(), "bob: 1 nouveau marché – veille Ponts")
		w.mail.Templates = good
		w.expect("once it can", w.after(2*time.Minute), "ana: 1 nouveau marché – veille Voirie")
	})
}

// An erased account gets no mail, even if the mail is claimed already; others do.
func TestErasedMeanwhile(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		erased := w.signIn("bob")
		w.watch(erased, "Voirie", vigie.Immediate, "voirie")
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie")
		w.sender.Fault = func(f alert.Fault) {
			if f == alert.AfterClaim {
				w.sender.Fault = nil
				if err := w.store.Erase(t.Context(), erased.ID); err != nil {
					t.Error(err)
				}
			}
		}
		w.expect("the one that is left", w.work(), "ana: 1 nouveau marché – veille Voirie")
	})
}

// There are no more alerts about a withdrawn tender; published again, it is new to recipients that were not alerted
// of it, and to no others.
func TestWithdrawn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.watch(w.signIn("bob"), "Voirie", vigie.Daily, "voirie")
		withdraw := func() {
			t.Helper()
			if _, err := w.store.Withdraw(t.Context(), "test", "1"); err != nil {
				t.Fatal(err)
			}
			w.indexed()
		}
		w.publish("1", "Voirie")
		w.expect("at once", w.work(), "ana: 1 nouveau marché – veille Voirie")
		w.publish("1-1", "Voirie communale", about(vigie.Correction, "1"))
		withdraw()
		w.expect("withdrawn before the correction was entered", w.after(2*day))
		w.publish("1", "Voirie")
		w.expect("again", w.after(day), "bob: 1 nouveau marché – veille Voirie")

		w.publish("1-2", "Voirie rurale", about(vigie.Correction, "1"))
		w.enter()
		withdraw()
		w.expect("withdrawn after the correction was entered", w.after(2*day))

		w.publish("2", "Voirie, encore")
		w.sender.Fault = func(f alert.Fault) {
			if f == alert.AfterClaim {
				w.sender.Fault = nil
				if _, err := w.store.Withdraw(t.Context(), "test", "2"); err != nil {
					t.Error(err)
				}
			}
		}
		w.expect("withdrawn when the mail was written down", w.after(2*day))
	})
}

// A delivery was dropped, because the tender was cancelled, between the moment when the ledger read whom the
// cancellation concerns and the moment when it entered it: the recipient is not alerted of the cancellation.
func TestCancelledMeanwhile(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie")
		w.enter()
		cancelled := w.publish("1-1", "Voirie", about(vigie.Cancellation, "1")).Notice
		w.expect("cancelled before anyone was alerted", w.send())
		happening := ledger.AlertSubject{TenderID: cancelled.TenderID, NoticeID: cancelled.ID, Number: cancelled.ID}
		hears := ledger.Alert{
			RecipientID: w.recipient(w.account, watch), Kind: vigie.DeliverCancelled, DueAt: w.now,
			Reasons: []vigie.Reason{{WatchID: watch.ID, Keywords: []string{"voirie"}}},
		}
		if _, err := w.store.Ledger().Enter(t.Context(), happening, []ledger.Alert{hears}); err != nil {
			t.Fatal(err)
		}
		w.expect("cancelled after the ledger had read whom to alert", w.after(time.Minute))
	})
}
