package alert_test

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/alert"
	"vigie/database"
	"vigie/store"
	"vigie/store/storetest"
)

// month is a little more than one.
const month = 31 * 24 * time.Hour

// retention returns one that deletes what is older than 13 months.
func (w *world) retention() *alert.Retention {
	return &alert.Retention{
		Store: w.store, Now: func() time.Time { return w.now }, Log: slog.New(slog.NewTextHandler(w.t.Output(), nil)), Months: 13,
	}
}

func (w *world) forget() {
	w.t.Helper()
	if err := w.retention().Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// held returns the account's export.
func (w *world) held() *store.Export {
	w.t.Helper()
	held, err := w.store.Export(w.t.Context(), w.account.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return held
}

// years is a long story of tenders that were sent, and of what happens to them 14 months later, after between has
// run. It returns the mails of both times.
func years(w *world, between func()) (first, then []string) {
	if _, err := w.store.UpdateAccount(w.t.Context(), w.account.ID, vigie.AccountUpdate{QuietNotes: new(false)}); err != nil {
		w.t.Fatal(err)
	}
	roads := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
	bridges := w.watch(w.account, "Ponts", vigie.Immediate, "pont")
	alerted := func(ref, title string, edit ...func(*vigie.Notice)) {
		w.publish(ref, title, edit...)
		first = append(first, w.after(2*time.Minute)...)
	}
	open := until(w.in(40 * month)) // without a deadline it closes after a year
	alerted("over", "Voirie de la mairie")
	alerted("quiet", "Voirie de la gare", open)
	alerted("corrected", "Voirie de l'école", open)
	alerted("cancelled", "Voirie du stade", open)
	alerted("ended", "Voirie du port") // and is then cancelled nevertheless
	alerted("long", "Voirie du canal", until(w.in(20*month)))
	alerted("missed", "Pont du moulin", open)
	// The account gets no alerts about these for a while, and misses what follows.
	w.change(w.account, bridges.ID, func(v *vigie.Watch) { v.Active = false })
	w.publish("missed-2", "Pont du moulin vert", about(vigie.Correction, "missed"))
	w.publish("dropped", "Pont du lac", open)
	w.work()
	// With other words than when it was announced.
	w.change(w.account, roads.ID, func(v *vigie.Watch) { v.Criteria.Keywords = []string{"trottoir"} })

	w.now = w.now.Add(14 * month)
	then = append(then, w.work()...)
	between()
	then = append(then, w.work()...)
	later := func(ref, title string, edit ...func(*vigie.Notice)) {
		w.publish(ref, title, edit...)
		then = append(then, w.after(2*time.Minute)...)
	}
	later("corrected-2", "Voirie et trottoir de l'école", about(vigie.Correction, "corrected"))
	later("cancelled-2", "Voirie du stade", about(vigie.Cancellation, "cancelled"))
	later("long-2", "Voirie et trottoir du canal", about(vigie.Correction, "long"))
	w.publish("quiet", "Voirie de la gare", open) // again, and published now
	w.change(w.account, bridges.ID, func(v *vigie.Watch) { v.Active, v.CatchUpFrom = true, v.Paused })
	then = append(then, w.after(2*time.Minute)...)
	then = append(then, w.after(6*month)...)
	return first, then
}

// Deliveries are deleted after 13 months, and no alert is sent twice because of that: the mails are the same as
// without retention. Tenders that are still open are corrected and cancelled for recipients that were alerted.
func TestForgettingTellsNothingTwice(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			remembers, forgets := newWorld(t, open(t)), newWorld(t, open(t))
			first, then := years(remembers, func() {})
			if len(first) != 7 {
				t.Errorf("at first %d mails are sent", len(first))
			}
			remembers.expect("14 months later", then,
				"ana: 1 marché rectifié – veille Voirie", "ana: 1 marché annulé – veille Voirie", "ana: 1 marché rectifié – veille Voirie",
				"ana: 1 nouveau marché, 1 rectifié – veille Ponts") // it missed the one, and the correction of the other
			alsoFirst, alsoThen := years(forgets, func() {
				forgets.forget()
				forgets.forgotten()
			})
			forgets.expect("at first, forgetting", alsoFirst, first...)
			forgets.expect("14 months later, forgetting", alsoThen, then...)
		})
	}
}

// forgotten checks what is left of the first part of the story.
func (w *world) forgotten() {
	w.t.Helper()
	held := w.held()
	known := make(map[string]bool)
	for _, d := range held.Deliveries {
		if d.MailID == nil {
			continue // it waited until now, or still does
		}
		known[d.SourceRef] = true
		if d.CreatedAt != nil || len(d.Keywords) > 0 || d.DroppedAt != nil {
			w.t.Errorf("not deleted: %+v", d)
		}
	}
	if want := []string{"cancelled", "corrected", "long", "missed", "quiet"}; !slices.Equal(slices.Sorted(maps.Keys(known)), want) {
		w.t.Errorf("the known tenders are %v, not the open ones, %v", known, want)
	}
	if len(held.Mails) != len(known) {
		w.t.Errorf("%d mails are kept", len(held.Mails))
	}
	for _, m := range held.Mails {
		if m.CreatedAt != nil || m.ClosedAt != nil || strings.Contains(m.MessageID, "@") || m.Error != "" || m.State != vigie.MailSent {
			w.t.Errorf("not deleted: %+v", m)
		}
	}
	for _, watch := range held.Watches {
		health, err := w.store.Ledger().Health(w.t.Context(), []int64{watch.Number})
		if err != nil || health[watch.Number].MatchedAt != nil || health[watch.Number].MailedAt != nil {
			w.t.Errorf("the watch's health is %+v, %v", health[watch.Number], err)
		}
	}
}

// Once a day, one replica applies retention, whatever its clock said before.
func TestForgettingIsDaily(t *testing.T) {
	onBothAt(t, func(t *testing.T, w *world, url string) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		tell := func(ref string) {
			t.Helper()
			w.publish(ref, "Voirie", until(w.in(time.Hour)))
			w.expect(ref, w.work(), "ana: 1 nouveau marché – veille Voirie")
		}
		mails := func(when string, want int) {
			t.Helper()
			n := 0
			for _, m := range w.held().Mails {
				if m.Kind == vigie.DigestMail {
					n++
				}
			}
			if n != want {
				t.Errorf("%s: %d mails are kept, not %d", when, n, want)
			}
		}
		tell("1")
		w.now = w.now.Add(time.Hour)
		tell("2")
		w.now = monday().AddDate(0, 13, 0)
		w.forget()
		mails("13 months after the first", 2)
		w.now = w.now.Add(24 * time.Hour)
		w.forget()
		mails("no more than a day later", 2)

		w.now = w.now.Add(time.Second)
		other, err := store.Open(t.Context(), url, func() time.Time { return w.now })
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		if strings.HasPrefix(url, "postgres") {
			lead, err := other.Database().Lead(t.Context(), "retention")
			if err != nil || lead == nil {
				t.Fatal(lead, err)
			}
			w.forget()
			mails("while another replica is at it", 2)
			lead.Resign()
		}
		w.forget()
		mails("a day later", 0)

		tell("3")
		w.now = w.now.AddDate(2, 0, 0) // the clock is wrong
		if err := w.store.Database().MarkIdle(t.Context(), database.RetentionConsumer); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.AddDate(-2, 14, 0)
		w.forget()
		mails("after a clock that was ahead", 0)
	})
}
