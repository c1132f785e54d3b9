package alert_test

import (
	"testing"
	"time"

	"vigie"
)

// at makes a notice one of a source, with an identifier that other sources know too.
func at(source, identifier string) func(*vigie.Notice) {
	return func(n *vigie.Notice) { n.Source, n.Identifier = source, identifier }
}

// A notice that several sources publish is mailed once, whichever comes first.
func TestSameNoticeElsewhere(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("700-2026", "Voirie", at("ted", "a-01"))
		w.expect("published", w.after(time.Hour), "ana: 1 nouveau marché – veille Voirie")
		w.publish("26-1", "Travaux de voirie", at("boamp", "a-01"))
		w.expect("published elsewhere", w.after(time.Hour))

		correction := []func(*vigie.Notice){about(vigie.Correction, "26-1"), until(w.in(50 * day))}
		w.publish("26-2", "Voirie rurale", append(correction, at("boamp", "b-01"))...)
		w.expect("corrected", w.after(time.Hour), "ana: 1 marché rectifié – veille Voirie")
		w.publish("712-2026", "Voirie rurale", append(correction, at("ted", "b-01"))...)
		w.expect("corrected elsewhere", w.after(time.Hour))

		w.publish("26-3", "Voirie", about(vigie.Cancellation, "26-1"), at("boamp", "c-01"))
		w.expect("cancelled", w.after(time.Hour), "ana: 1 marché annulé – veille Voirie")
		w.publish("720-2026", "Voirie", about(vigie.Cancellation, "700-2026"), at("ted", "c-01"))
		w.expect("cancelled elsewhere", w.after(time.Hour))
		w.publish("26-1-bis", "Voirie", at("platform", "a-01"))
		w.expect("announced elsewhere after all", w.after(time.Hour))
	})
}

// A source that says more of a notice than the first one may make its tender match: nobody misses that.
func TestCopyThatSaysMore(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		lights := w.watch(w.account, "Éclairage", vigie.Immediate, "éclairage")
		more := func(n *vigie.Notice) { n.Content.Description = "Avec l’éclairage public" }
		w.publish("26-1", "Voirie", at("boamp", "a-01"))
		w.expect("published", w.after(time.Hour), "ana: 1 nouveau marché – veille Voirie")
		w.publish("700-2026", "Voirie", at("ted", "a-01"), more)
		w.expect("known by another watch", w.after(time.Hour))

		w.publish("26-2", "Aménagement", at("boamp", "b-01"))
		w.expect("matches nothing", w.after(time.Hour))
		w.publish("701-2026", "Aménagement", at("ted", "b-01"), more)
		w.expect("matches now", w.after(time.Hour), "ana: 1 nouveau marché – veille Éclairage")

		w.publish("26-3", "Aménagement", at("boamp", "c-01"))
		w.expect("matches nothing", w.after(time.Hour))
		w.pause(w.account, lights)
		w.publish("702-2026", "Aménagement", at("ted", "c-01"), more)
		w.expect("paused", w.after(time.Hour))
		w.now = w.now.Add(day)
		w.resume(w.account, lights, true)
		w.drain(w.ledger.CatchUp())
		w.expect("caught up", w.after(time.Hour), "ana: 1 nouveau marché – veille Éclairage")
	})
}

// What was first read quietly, as when a source is filled in, was no news: the first source that says it aloud alerts.
func TestCopyOfQuietNotice(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("700-2026", "Voirie", at("ted", "a-01"), func(n *vigie.Notice) { n.Quiet = true })
		w.expect("filled in", w.after(time.Hour))
		w.publish("26-1", "Voirie", at("boamp", "a-01"))
		w.expect("published elsewhere", w.after(time.Hour), "ana: 1 nouveau marché – veille Voirie")
		w.publish("P1", "Voirie", at("platform", "a-01"))
		w.expect("and once more", w.after(time.Hour))
	})
}

// A notice that was too old to alert when it came was no news; one that was not too old was news, whatever age is set.
func TestCopyOfOldNotice(t *testing.T) {
	late := func(days int) func(*vigie.Notice) {
		return func(n *vigie.Notice) { n.PublishedAt = n.PublishedAt.Add(-time.Duration(days) * day) }
	}
	more := func(n *vigie.Notice) { n.Content.Description = "Avec l’éclairage public" }
	for name, test := range map[string]struct {
		age  time.Duration
		late int
		said bool
	}{
		"young enough":                  {14 * day, 10, true},
		"too old":                       {14 * day, 20, false},
		"young enough for this setting": {30 * day, 20, true},
		"too old for this setting":      {2 * day, 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				w.ledger.MaxAge = test.age
				watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
				const news = "ana: 1 nouveau marché – veille Voirie"
				w.publish("26-1", "Voirie", at("boamp", "a-01"), late(test.late))
				w.publish("26-2", "Voirie", at("boamp", "b-01"), late(test.late))
				if !test.said {
					w.expect("published", w.after(time.Hour))
					w.publish("700-2026", "Voirie", at("ted", "a-01"))
					w.expect("published elsewhere", w.after(time.Hour), news)
				} else {
					w.expect("published", w.after(time.Hour), "ana: 2 nouveaux marchés – veille Voirie")
					w.publish("700-2026", "Voirie", at("ted", "a-01"), more)
					w.expect("published elsewhere, with more", w.after(time.Hour))
				}
				w.pause(w.account, watch)
				w.publish("701-2026", "Voirie", at("ted", "b-01"), more)
				w.expect("paused", w.after(time.Hour))
				w.resume(w.account, watch, true)
				if test.said {
					w.expect("caught up", w.after(time.Hour))
				} else {
					w.expect("caught up", w.after(time.Hour), news)
				}
			})
		})
	}
}

// A record that its source completes is no correction; one that it changes is.
func TestCompletedNotice(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		published, deadline := w.now, w.in(40*day)
		record := func(title string, edit ...func(*vigie.Notice)) {
			t.Helper()
			w.publish("1", title, append(edit, until(deadline), func(n *vigie.Notice) { n.PublishedAt = published })...)
		}
		more := func(n *vigie.Notice) { n.Content.Description, n.Content.Details.Renewals = "Rues du centre", 2 }
		record("Voirie")
		w.expect("published", w.after(time.Hour), "ana: 1 nouveau marché – veille Voirie")
		record("Voirie", more)
		w.expect("completed", w.after(time.Hour))
		record("Voirie rurale", more)
		w.expect("changed", w.after(time.Hour), "ana: 1 marché rectifié – veille Voirie")
		deadline = w.in(50 * day)
		record("Voirie rurale", more)
		w.expect("another deadline", w.after(time.Hour), "ana: 1 marché rectifié – veille Voirie")
	})
}
