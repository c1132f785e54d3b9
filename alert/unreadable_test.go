package alert_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/alert"
	"vigie/feed"
	"vigie/query"
)

// unreadable makes a column of a row unreadable: it is of another form than all that is written there. The function that
// it returns makes it readable again.
func (w *world) unreadable(table, column string, id int64) (mend func()) {
	w.t.Helper()
	db := w.store.Database()
	var was string
	if err := db.NewRaw(fmt.Sprintf("SELECT %s FROM %s WHERE id = ?", column, table), id).Scan(w.t.Context(), &was); err != nil {
		w.t.Fatal(err)
	}
	set := func(text string) {
		w.t.Helper()
		if _, err := db.NewRaw(fmt.Sprintf("UPDATE %s SET %s = ? WHERE id = ?", table, column), text, id).Exec(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
	set(`"unreadable"`)
	return func() { w.t.Helper(); set(was) }
}

// long works for half an hour, in which whatever fails is tried often enough.
func (w *world) long() (mails []string) {
	w.t.Helper()
	for range 6 {
		mails = append(mails, w.after(5*time.Minute)...)
	}
	slices.Sort(mails)
	return mails
}

// A row that cannot be read delays nothing but what is about it, and that is sent once it can be read again.
func TestUnreadableRow(t *testing.T) {
	// Ana's watch is about roads, Bob's about canteens.
	type test struct {
		// spoil makes a row unreadable after the tenders were published, and before anything is entered, if entered is
		// not set.
		spoil   func(w *world, ana *vigie.Watch, roads int64) (mend func())
		entered bool
	}
	for name, test := range map[string]test{
		"a notice": {spoil: func(w *world, _ *vigie.Watch, roads int64) func() { return w.unreadable("notices", "content", roads) }},
		"a tender": {spoil: func(w *world, _ *vigie.Watch, roads int64) func() {
			return w.unreadable("tenders", "lots", w.tenderOf(roads))
		}},
		"a watch": {spoil: func(w *world, ana *vigie.Watch, _ int64) func() {
			w.change(w.account, ana.ID, func(v *vigie.Watch) { v.Frequency = vigie.Daily })
			return w.unreadable("watches", "keywords", ana.ID)
		}},
		"a watch, when the matcher starts": {spoil: func(w *world, ana *vigie.Watch, _ int64) func() {
			w.ledger.Matcher = feed.NewMatcher(prometheus.NewRegistry(), w.ledger.Log)
			return w.unreadable("watches", "keywords", ana.ID)
		}},
		"a tender, when the matcher starts": {spoil: func(w *world, _ *vigie.Watch, roads int64) func() {
			w.ledger.Matcher = feed.NewMatcher(prometheus.NewRegistry(), w.ledger.Log)
			return w.unreadable("tenders", "lots", w.tenderOf(roads))
		}},
		"a watch that was just switched off": {spoil: func(w *world, ana *vigie.Watch, _ int64) func() {
			w.pause(w.account, ana)
			mend := w.unreadable("watches", "keywords", ana.ID)
			return func() { mend(); w.resume(w.account, ana, true) }
		}},
		"a tender that waits": {entered: true, spoil: func(w *world, _ *vigie.Watch, roads int64) func() {
			return w.unreadable("tenders", "lots", w.tenderOf(roads))
		}},
		"a tender in a mail that was claimed": {entered: true, spoil: func(w *world, _ *vigie.Watch, roads int64) (mend func()) {
			mend = func() {}
			w.sender.Fault = func(at alert.Fault) {
				if at == alert.AfterClaim {
					w.sender.Fault = nil
					mend = w.unreadable("tenders", "lots", w.tenderOf(roads))
				}
			}
			return func() { mend() }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				ana := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
				w.watch(w.signIn("bob"), "Cantine", vigie.Immediate, "cantine")
				w.enter()
				roads := w.publish("1", "Voirie").Notice.ID
				w.publish("2", "Cantine")
				if test.entered {
					w.enter()
				}
				mend := test.spoil(w, ana, roads)
				w.expect("while it cannot be read", w.long(), "bob: 1 nouveau marché – veille Cantine")
				w.publish("3", "Cantine")
				w.expect("the next one", w.long(), "bob: 1 nouveau marché – veille Cantine")
				w.retry()
				w.expect("tried again in vain", w.long())
				mend()
				w.retry()
				w.expect("in the end", append(w.long(), w.after(day)...), "ana: 1 nouveau marché – veille Voirie")
				w.aside("in the end")
			})
		})
	}
}

// What only explains an alert does not delay it: the keywords that matched, and what a notice changed.
func TestUnreadableExplanation(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.watch(w.signIn("bob"), "Cantine", vigie.Immediate, "cantine")
		w.publish("1", "Voirie")
		w.publish("2", "Cantine")
		w.enter()
		if _, err := w.store.Database().NewRaw(`UPDATE reasons SET keywords = '"unreadable"' WHERE watch_id = ?`, watch.ID).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.expect("keywords", w.long(), "ana: 1 nouveau marché – veille Voirie", "bob: 1 nouveau marché – veille Cantine")
		notice := w.publish("1c", "Voirie", about(vigie.Correction, "1"), until(w.in(20*day))).Notice.ID
		w.publish("2c", "Cantine", about(vigie.Correction, "2"), until(w.in(20*day)))
		w.enter()
		w.unreadable("notices", "content", notice)
		w.expect("changes", w.long(), "ana: 1 marché rectifié – veille Voirie", "bob: 1 marché rectifié – veille Cantine")
		w.aside("in the end")
	})
}

// A watch that cannot be read, or compiled, and was just switched off or on delays no other, and gets what it is owed once it
// can be.
func TestWatchOfNoticesSetAside(t *testing.T) {
	poisoned := false
	for spoiled, spoil := range map[string]func(*world, *vigie.Watch) (mend func()){
		"cannot be read": func(w *world, ana *vigie.Watch) func() { return w.unreadable("watches", "keywords", ana.ID) },
		"cannot be compiled": func(w *world, _ *vigie.Watch) func() {
			poisoned = true
			return func() { poisoned = false }
		},
	} {
		for when, test := range map[string]func(w *world, ana, other *vigie.Watch, spoil func()){
			"switched off": func(w *world, ana, _ *vigie.Watch, spoil func()) {
				w.publish("1", "Voirie")
				w.publish("2", "Cantine")
				w.pause(w.account, ana)
				spoil()
			},
			"catches up": func(w *world, ana, other *vigie.Watch, spoil func()) {
				w.pause(w.account, ana)
				w.pause(w.account, other)
				w.publish("1", "Voirie")
				w.publish("2", "Cantine")
				w.enter()
				w.resume(w.account, ana, true)
				w.resume(w.account, other, true)
				w.drain(w.ledger.Notices())
				spoil()
			},
		} {
			t.Run(when+", "+spoiled, func(t *testing.T) {
				onBoth(t, func(t *testing.T, w *world) {
					compile := w.ledger.Matcher.Compile
					w.ledger.Matcher.Compile = func(c vigie.Criteria) query.Formula {
						if poisoned && len(c.ExcludedKeywords) > 0 {
							panic("this watch cannot be compiled")
						}
						return compile(c)
					}
					ana := w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
					w.change(w.account, ana.ID, func(v *vigie.Watch) { v.Criteria.ExcludedKeywords = []string{"école"} })
					other := w.watch(w.account, "Cantine", vigie.Immediate, "cantine")
					w.enter()
					var mend func()
					test(w, ana, other, func() { mend = spoil(w, ana) })
					w.expect("set aside", w.long(), "ana: 1 nouveau marché – veille Cantine")
					w.aside("set aside", "matcher watch")
					mend()
					w.retry()
					if when == "switched off" {
						w.resume(w.account, ana, true)
					}
					w.expect("in the end", append(w.long(), w.after(day)...), "ana: 1 nouveau marché – veille Voirie")
					w.aside("in the end")
				})
			})
		}
	}
}

// tenderOf returns the tender of a notice.
func (w *world) tenderOf(notice int64) (tender int64) {
	w.t.Helper()
	if err := w.store.Database().NewRaw("SELECT tender_id FROM notices WHERE id = ?", notice).Scan(w.t.Context(), &tender); err != nil {
		w.t.Fatal(err)
	}
	return tender
}
