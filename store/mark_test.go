package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigie"
	"vigie/store"
	"vigie/store/storetest"
)

// mark sets or removes a mark.
func mark(t *testing.T, s *store.Store, account *vigie.Account, m store.Mark, on bool, tenders ...int64) {
	t.Helper()
	if err := s.SetMark(t.Context(), account.ID, m, on, tenders); err != nil {
		t.Fatal(err)
	}
}

// marked checks the marks of an account on the tenders asked for.
func marked(t *testing.T, s *store.Store, account *vigie.Account, want map[int64]store.Marks, tenders ...int64) {
	t.Helper()
	got, err := s.Marks(t.Context(), account.ID, tenders)
	if err != nil {
		t.Fatal(err)
	}
	for id, m := range got {
		if m == (store.Marks{}) { // no mark is the same as no entry
			delete(got, id)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("marks: -want +got:\n%s", diff)
	}
}

// dismissed returns what an account dismissed.
func dismissed(t *testing.T, s *store.Store, account *vigie.Account, open time.Time, limit int64) []int64 {
	t.Helper()
	ids, err := s.MarkedTenders(t.Context(), store.MarkedList{Account: account.ID, Mark: store.Dismissed, Open: open, Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestMarks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := storetest.Publish(t, s, storetest.Notice("1", 0), storetest.Notice("2", 1), storetest.Notice("3", 2))
		one, two, three := p[0].Notice.TenderID, p[1].Notice.TenderID, p[2].Notice.TenderID
		mine, other := storetest.Account(t, s, "a"), storetest.Account(t, s, "b")
		none := map[int64]store.Marks{}
		marked(t, s, mine, none, one, two, three, 4711)
		marked(t, s, mine, none)

		mark(t, s, mine, store.Seen, true, two, one, 4711, two)
		mark(t, s, mine, store.Seen, true, one)
		mark(t, s, mine, store.Seen, true)
		mark(t, s, mine, store.Dismissed, true, two, three)
		marked(t, s, mine, map[int64]store.Marks{one: {Seen: true}, two: {Seen: true, Dismissed: true}, three: {Dismissed: true}}, one, two, three, 4711)
		marked(t, s, mine, map[int64]store.Marks{three: {Dismissed: true}}, three)
		marked(t, s, other, none, one, two, three)

		mark(t, s, other, store.Dismissed, false, two)
		mark(t, s, mine, store.Seen, false, two, three, one)
		mark(t, s, mine, store.Seen, false, two)
		marked(t, s, mine, map[int64]store.Marks{two: {Dismissed: true}, three: {Dismissed: true}}, one, two, three)
		mark(t, s, mine, store.Dismissed, false, two)
		marked(t, s, mine, map[int64]store.Marks{three: {Dismissed: true}}, one, two, three)
		if got := dismissed(t, s, mine, time.Time{}, 10); !slices.Equal(got, []int64{three}) {
			t.Errorf("dismissed: %v", got)
		}
		if got := dismissed(t, s, other, time.Time{}, 10); len(got) != 0 {
			t.Errorf("dismissed by another: %v", got)
		}
	})
}

// A dismissal ends interest and the other way round; of merged tenders, interest counts, and is taken back by either id.
func TestInterestEndsDismissal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := storetest.Publish(t, s, storetest.Notice("1", 0), storetest.Notice("2", 1), storetest.Notice("3", 2))
		one, two, three := p[0].Notice.TenderID, p[1].Notice.TenderID, p[2].Notice.TenderID
		a, other := storetest.Account(t, s, "a"), storetest.Account(t, s, "b")
		mark(t, s, other, store.Dismissed, true, one, two, three)
		mark(t, s, a, store.Seen, true, one)
		mark(t, s, a, store.Dismissed, true, one, three)
		mark(t, s, a, store.Interested, true, one, two, 4711)
		marked(t, s, a, map[int64]store.Marks{one: {Seen: true, Interested: true}, two: {Interested: true}, three: {Dismissed: true}}, one, two, three)
		mark(t, s, a, store.Dismissed, true, one)
		marked(t, s, a, map[int64]store.Marks{one: {Seen: true, Dismissed: true}, two: {Interested: true}, three: {Dismissed: true}}, one, two, three)

		storetest.Publish(t, s, storetest.Notice("4", 2, kind(vigie.Correction, "2", "3")))
		if storetest.Tender(t, s, three).ID != two {
			t.Fatal("the tenders are not merged")
		}
		marked(t, s, a, map[int64]store.Marks{two: {Interested: true}, three: {Interested: true}}, two, three)
		if got := dismissed(t, s, a, time.Time{}, 10); !slices.Equal(got, []int64{one}) {
			t.Errorf("dismissed: %v", got)
		}
		wanted, err := s.MarkedTenders(t.Context(), store.MarkedList{Account: a.ID, Mark: store.Interested, Limit: 10})
		if err != nil || !slices.Equal(wanted, []int64{two}) {
			t.Errorf("of interest: %v, %v", wanted, err)
		}
		if got := dismissed(t, s, other, time.Time{}, 10); len(got) != 2 {
			t.Errorf("dismissed by another: %v", got)
		}
		mark(t, s, a, store.Dismissed, true, three)
		marked(t, s, a, map[int64]store.Marks{two: {Dismissed: true}}, two)
		mark(t, s, a, store.Interested, true, three)
		mark(t, s, a, store.Interested, false, two)
		marked(t, s, a, map[int64]store.Marks{}, two, three)
	})
}

// A mark on a tender that was merged into another holds for the other, whenever and by whichever id it was set, and
// is removed with it.
func TestMarksOfMerged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := storetest.Publish(t, s, storetest.Notice("1", 0), storetest.Notice("2", 1), storetest.Notice("3", 1))
		older, younger, third := p[0].Notice.TenderID, p[1].Notice.TenderID, p[2].Notice.TenderID
		a := storetest.Account(t, s, "a")
		mark(t, s, a, store.Seen, true, younger)
		mark(t, s, a, store.Dismissed, true, older, third)
		storetest.Publish(t, s, storetest.Notice("4", 2, kind(vigie.Correction, "1", "2")))
		if storetest.Tender(t, s, younger).ID != older {
			t.Fatal("the tenders are not merged")
		}
		both := store.Marks{Seen: true, Dismissed: true}
		marked(t, s, a, map[int64]store.Marks{older: both, younger: both}, older, younger)
		marked(t, s, a, map[int64]store.Marks{older: both}, older)
		marked(t, s, a, map[int64]store.Marks{younger: both}, younger)
		mark(t, s, a, store.Dismissed, true, younger)
		if got := dismissed(t, s, a, time.Time{}, 10); !slices.Equal(slices.Sorted(slices.Values(got)), []int64{older, third}) {
			t.Errorf("dismissed: %v", got)
		}
		// The other way round too.
		p = storetest.Publish(t, s, storetest.Notice("5", 0), storetest.Notice("6", 1))
		first, second := p[0].Notice.TenderID, p[1].Notice.TenderID
		mark(t, s, a, store.Seen, true, first)
		mark(t, s, a, store.Dismissed, true, second)
		storetest.Publish(t, s, storetest.Notice("7", 2, kind(vigie.Correction, "5", "6")))
		marked(t, s, a, map[int64]store.Marks{first: both, second: both}, first, second)
		mark(t, s, a, store.Dismissed, false, first)

		mark(t, s, a, store.Seen, false, older)
		mark(t, s, a, store.Dismissed, false, younger)
		marked(t, s, a, map[int64]store.Marks{}, older, younger)
		if got := dismissed(t, s, a, time.Time{}, 10); !slices.Equal(got, []int64{third}) {
			t.Errorf("dismissed: %v", got)
		}
	})
}

// Dismissed tenders are listed from the last one on, without those that had closed.
func TestDismissedTenders(t *testing.T) {
	for name, url := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			now := storetest.Noon()
			s, err := store.Open(t.Context(), url(t), func() time.Time { return now })
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			at := func(deadline *time.Time) func(*vigie.Notice) {
				return func(n *vigie.Notice) { n.Content.Deadline = deadline }
			}
			var ids []int64
			for _, p := range storetest.Publish(t, s, storetest.Notice("1", 0, at(nil)), storetest.Notice("2", 0, at(new(storetest.Noon()))), storetest.Notice("3", 0, at(new(storetest.Noon().Add(-time.Second)))), storetest.Notice("4", 0)) {
				ids = append(ids, p.Notice.TenderID)
			}
			a := storetest.Account(t, s, "a")
			for _, i := range []int{2, 0, 3, 1, 2} { // setting it again keeps its place
				mark(t, s, a, store.Dismissed, true, ids[i])
				now = now.Add(time.Second)
			}
			if got, want := dismissed(t, s, a, time.Time{}, 10), []int64{ids[1], ids[3], ids[0], ids[2]}; !slices.Equal(got, want) {
				t.Errorf("dismissed %v, want %v", got, want)
			}
			if got, want := dismissed(t, s, a, storetest.Noon(), 10), []int64{ids[1], ids[3], ids[0]}; !slices.Equal(got, want) {
				t.Errorf("dismissed and open %v, want %v", got, want)
			}
			if got, want := dismissed(t, s, a, storetest.Noon(), 2), []int64{ids[1], ids[3]}; !slices.Equal(got, want) {
				t.Errorf("the last two: %v, want %v", got, want)
			}
		})
	}
}

// TestOnlineIsSaidOnce: what the database counts and leaves out as online or closed is what the tender's status says.
func TestOnlineIsSaidOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		mine := storetest.Account(t, s, "a")
		times := []*time.Time{nil, new(storetest.Noon().Add(-time.Second)), new(storetest.Noon()), new(storetest.Noon().Add(time.Second))}
		var ids []int64
		for i, deadline := range times {
			for j, until := range times {
				ref := string(rune('a'+i)) + string(rune('a'+j))
				p := storetest.Publish(t, s, storetest.Notice(ref, 0, func(n *vigie.Notice) { n.Content.Deadline, n.Content.OnlineUntil = deadline, until }))
				ids = append(ids, p[0].Notice.TenderID)
			}
		}
		mark(t, s, mine, store.Dismissed, true, ids...)
		open, online := dismissed(t, s, mine, storetest.Noon(), 100), int64(0)
		for _, id := range ids {
			is := storetest.Tender(t, s, id).Status(storetest.Noon()) == vigie.StatusOnline
			if is {
				online++
			}
			if slices.Contains(open, id) != is {
				t.Errorf("%+v: among those not closed %v, online %v", storetest.Tender(t, s, id).Content, !is, is)
			}
		}
		buyers, _, err := s.SearchBuyers(t.Context(), []string{"valfleury"}, store.BuyerWindow{Now: storetest.Noon(), Limit: 10})
		if err != nil || len(buyers) != 1 {
			t.Fatal(buyers, err)
		}
		if counted := (100_000_000 - buyers[0].Place.Rank%100_000_000) % 100_000_000; counted != online || online == 0 || online == int64(len(ids)) {
			t.Errorf("%d of %d online, the buyer has %d", online, len(ids), counted)
		}
	})
}
