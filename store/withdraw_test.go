package store_test

import (
	"testing"

	"vigie"
	"vigie/store"
	"vigie/store/storetest"
)

// Withdrawn notices are found only through deliveries; they do not count when they, or another notice of their
// tender, are published again.
func TestWithdraw(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		original := storetest.Notice("26-1", 0)
		correction := storetest.Notice("26-2", 3, kind(vigie.Correction, "26-1"), title("Tout autre chose"))
		first := storetest.Publish(t, s, original, correction)
		id := first[0].Notice.TenderID
		before := storetest.Tender(t, s, id).Number

		withdrawn, err := s.Withdraw(t.Context(), "test", "26-2")
		if err != nil {
			t.Fatal(err)
		}
		if withdrawn.ID != id || withdrawn.Outcome != vigie.Withdrawn || withdrawn.Number <= before {
			t.Errorf("withdrawn: %+v", withdrawn)
		}
		found, err := s.Tenders(t.Context(), []int64{id})
		if err != nil || len(found) != 0 {
			t.Errorf("the tender is still found: %v, %v", found, err)
		}
		delivered, err := s.TendersOfDeliveries(t.Context(), []int64{id})
		if err != nil || delivered[id] == nil || delivered[id].Title != "Tout autre chose" {
			t.Errorf("deliveries no longer find it: %v, %v", delivered[id], err)
		}
		notices, err := s.Notices(t.Context(), []int64{id})
		if err != nil || len(notices[id]) != 0 {
			t.Errorf("its notices are still there: %v, %v", notices, err)
		}
		if _, err := s.Notice(t.Context(), first[0].Notice.ID); vigie.CodeOf(err) != vigie.NotFound {
			t.Errorf("its notice is still there: %v", err)
		}
		changed, err := s.ChangedTenders(t.Context(), before, 10)
		if err != nil || len(changed) != 1 || changed[0].Outcome != vigie.Withdrawn {
			t.Errorf("consumers read %v, %v", changed, err)
		}

		last, err := s.Database().LastNumber(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if again, err := s.Withdraw(t.Context(), "test", "26-1"); err != nil || again.ID != id {
			t.Errorf("withdrawn again: %v, %v", again, err)
		}
		if now, err := s.Database().LastNumber(t.Context()); err != nil || now != last {
			t.Errorf("withdrawing again takes numbers: %d after %d, %v", now, last, err)
		}
		if _, err := s.Withdraw(t.Context(), "test", "26-9"); vigie.CodeOf(err) != vigie.NotFound {
			t.Errorf("an unknown one: %v", err)
		}
		if _, err := s.Withdraw(t.Context(), "other", "26-1"); vigie.CodeOf(err) != vigie.NotFound {
			t.Errorf("another source's: %v", err)
		}

		back := storetest.Publish(t, s, original)[0]
		if back.Outcome != store.Created || back.Notice.TenderID != id || back.Notice.Revision != 2 {
			t.Errorf("published again: %s, %+v", back.Outcome, back.Notice)
		}
		if now := storetest.Tender(t, s, id); now.Outcome != vigie.Undecided || now.Title != original.Content.Title {
			t.Errorf("it is back as %+v", now)
		}
		if same := storetest.Publish(t, s, original)[0]; same.Outcome != store.Unchanged {
			t.Errorf("and once more: %s", same.Outcome)
		}
		if again := storetest.Publish(t, s, correction)[0]; again.Outcome != store.Created || storetest.Tender(t, s, id).Title != "Tout autre chose" {
			t.Errorf("the correction published again: %s", again.Outcome)
		}
	})
}
