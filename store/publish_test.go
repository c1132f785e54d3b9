package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vigie"
	"vigie/store"
	"vigie/store/storetest"
)

func TestPublishFoldsNotices(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		later := time.Date(2026, 12, 15, 11, 0, 0, 0, time.UTC)
		correction := storetest.Notice("26-2", 3, kind(vigie.Correction, "26-1"), func(n *vigie.Notice) {
			n.Content = vigie.Content{Title: "Réfection de voirie 26-1", Deadline: &later}
		})
		got := storetest.Publish(t, s, storetest.Notice("26-1", 0), correction, storetest.Notice("26-3", 5, kind(vigie.Cancellation, "26-2"), func(n *vigie.Notice) { n.Content = vigie.Content{} }))
		for i, p := range got {
			if p.Outcome != store.Created {
				t.Errorf("notice %d: %s", i, p.Outcome)
			}
			if p.Notice.TenderID != got[0].Notice.TenderID {
				t.Errorf("notice %d is about tender %d, not %d", i, p.Notice.TenderID, got[0].Notice.TenderID)
			}
		}
		tender := storetest.Tender(t, s, got[0].Notice.TenderID)
		if tender.SourceRef != "26-1" || tender.Outcome != vigie.Cancelled || !tender.Deadline.Equal(later) {
			t.Errorf("tender is %+v", tender)
		}
		if len(tender.CPVCodes) != 1 {
			t.Errorf("a correction that says nothing of CPV codes took them away: %v", tender.CPVCodes)
		}
	})
}

func TestPublishAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		full := storetest.Notice("26-1", 0)
		sparse := storetest.Notice("26-1", 0, func(n *vigie.Notice) {
			n.Content = vigie.Content{Title: full.Content.Title}
			n.Buyer = vigie.BuyerName{Name: full.Buyer.Name, DepartmentCode: "01"}
		})
		steps := []struct {
			name   string
			notice *vigie.Notice
			want   store.Outcome
		}{
			{"first", sparse, store.Created},
			{"the same", sparse, store.Unchanged},
			{"more content", full, store.Corrected},
			{"the same again", full, store.Unchanged},
			{"less content says nothing new", sparse, store.Unchanged},
			{"another title", storetest.Notice("26-1", 0, title("Autre chose")), store.Corrected},
			{"the first title again", full, store.Corrected},
		}
		before := int64(0)
		for _, step := range steps {
			got := storetest.Publish(t, s, step.notice)[0]
			if got.Outcome != step.want {
				t.Errorf("%s: %s, want %s", step.name, got.Outcome, step.want)
			}
			after, err := s.Database().LastNumber(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if took := after > before; took != (step.want != store.Unchanged) {
				t.Errorf("%s: change numbers taken: %v", step.name, took)
			}
			before = after
		}
		found, err := s.Notices(t.Context(), []int64{storetest.Publish(t, s, full)[0].Notice.TenderID})
		if err != nil {
			t.Fatal(err)
		}
		for _, notices := range found {
			if len(notices) != 4 || notices[3].Revision != 4 {
				t.Errorf("%d notices, the last of revision %d", len(notices), notices[len(notices)-1].Revision)
			}
		}
	})
}

// Two tenders that a third notice shows to be the same are merged: the older one stays, and the other's id leads to
// it.
func TestPublishMergesTenders(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		first := storetest.Publish(t, s, storetest.Notice("26-1", 0))[0].Notice.TenderID
		second := storetest.Publish(t, s, storetest.Notice("26-2", 1))[0].Notice.TenderID
		third := storetest.Publish(t, s, storetest.Notice("26-3", 2))[0].Notice.TenderID
		storetest.Publish(t, s, storetest.Notice("26-9", 3, kind(vigie.Correction, "26-2", "26-3"), title("Ensemble")))
		storetest.Publish(t, s, storetest.Notice("26-10", 4, kind(vigie.Correction, "26-1", "26-9"), title("Tout ensemble")))
		for _, id := range []int64{first, second, third} {
			if got := storetest.Tender(t, s, id); got == nil || got.ID != first || got.Title != "Tout ensemble" {
				t.Errorf("tender %d is %+v", id, got)
			}
		}
		changed, err := s.ChangedTenders(t.Context(), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changed {
			if merged := c.MergedInto != nil; merged != (c.ID != first) {
				t.Errorf("tender %d merged: %v", c.ID, merged)
			}
		}
		notices, err := s.Notices(t.Context(), []int64{first})
		if err != nil {
			t.Fatal(err)
		}
		if len(notices[first]) != 5 {
			t.Errorf("%d notices", len(notices[first]))
		}
	})
}

func TestPublishFindsBuyers(t *testing.T) {
	const siret1, siret2 = "99900000000018", "99900000000026"
	// The order of notices; each names a buyer, and those with the same letter in want must be the same buyer.
	tests := []struct {
		name   string
		buyers [][3]string // name, SIRET, department
		want   string
	}{
		{"a name is its own", [][3]string{{"Ville de Bourg", "", "01"}, {"VILLE DE BOURG", "", "01"}, {"Ville-de-Bourg", "", "01"}}, "aaa"},
		{"departments tell names apart", [][3]string{{"Ville de Bourg", "", "01"}, {"Ville de Bourg", "", "02"}}, "ab"},
		{"a SIRET is one buyer", [][3]string{{"Ville de Bourg", siret1, "01"}, {"Commune de Bourg", siret1, "01"}}, "aa"},
		{"a name joins the one that has it", [][3]string{{"Ville de Bourg", siret1, "01"}, {"Ville de Bourg", "", "01"}}, "aa"},
		{"a SIRET claims a name", [][3]string{{"Ville de Bourg", "", "01"}, {"Ville de Bourg", siret1, "01"}}, "aa"},
		{"two SIRETs share a name", [][3]string{{"Ville de Bourg", siret1, "01"}, {"Ville de Bourg", siret2, "01"}, {"Ville de Bourg", "", "01"}}, "abc"},
		{"a former name joins", [][3]string{{"Commune de Bourg", siret1, "01"}, {"Ville de Bourg", "", "01"}, {"Ville de Bourg", siret1, "01"}}, "aaa"},
	}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for i, test := range tests {
			for _, inOneBatch := range []bool{false, true} {
				var notices []*vigie.Notice
				for j, b := range test.buyers {
					// Other tests' buyers must not be found.
					name, siret := fmt.Sprintf("%s %d%v", b[0], i, inOneBatch), b[1]
					if siret != "" {
						siret = fmt.Sprintf("%s%02d%v", siret, i, inOneBatch)
					}
					notices = append(notices, storetest.Notice(fmt.Sprintf("%d-%d-%v", i, j, inOneBatch), j, buyer(name, siret, b[2])))
				}
				var results []store.Published
				if inOneBatch {
					results = storetest.Publish(t, s, notices...)
				} else {
					for _, n := range notices {
						results = append(results, storetest.Publish(t, s, n)...)
					}
				}
				seen := map[int64]rune{}
				got := ""
				for _, r := range results {
					id := storetest.Tender(t, s, r.Notice.TenderID).BuyerID
					if _, ok := seen[id]; !ok {
						seen[id] = 'a' + rune(len(seen))
					}
					got += string(seen[id])
				}
				if got != test.want {
					t.Errorf("%s (in one batch: %v): %s, want %s", test.name, inOneBatch, got, test.want)
				}
			}
		}
	})
}

// A watch refers to the merged buyer.
func TestWatchFollowsBuyer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const siret = "99900000000018"
		storetest.Publish(t, s, storetest.Notice("1", 0, buyer("Commune de Bourg", siret, "01")))
		old := storetest.Tender(t, s, storetest.Publish(t, s, storetest.Notice("2", 1, buyer("Ville de Bourg", "", "01")))[0].Notice.TenderID).BuyerID
		a := storetest.Account(t, s, "a")
		w, err := s.CreateWatch(t.Context(), a, vigie.Watch{Name: "v", Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords, BuyerIDs: []int64{old}}, Frequency: vigie.Daily}, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		now := storetest.Tender(t, s, storetest.Publish(t, s, storetest.Notice("3", 2, buyer("Ville de Bourg", siret, "01")))[0].Notice.TenderID).BuyerID
		watches, err := s.Watches(t.Context(), a.ID, store.WatchFilter{})
		if err != nil {
			t.Fatal(err)
		}
		if got := watches[0].Criteria.BuyerIDs; !slices.Equal(got, []int64{now}) || now == old {
			t.Errorf("watch asks for buyers %v, want %d (was %d)", got, now, old)
		}
		if watches[0].Number <= w.Number {
			t.Error("the watch took no new number")
		}
		buyers, err := s.Buyers(t.Context(), []int64{old})
		if err != nil {
			t.Fatal(err)
		}
		if buyers[old] == nil || buyers[old].ID != now {
			t.Errorf("the old id leads to %+v", buyers[old])
		}
	})
}

// Any order of arrival gives the same tenders.
func TestPublishInAnyOrder(t *testing.T) {
	var notices []*vigie.Notice
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		ref := fmt.Sprintf("26-%d", 100+i)
		n := storetest.Notice(ref, i/6, buyer(fmt.Sprintf("Commune %d", i%7), []string{"", fmt.Sprintf("9990000000%04d", i%7)}[i%2], "01"))
		for _, back := range []int{7, 13} {
			if i >= back && random.IntN(3) == 0 {
				n.Kind = []vigie.NoticeKind{vigie.Correction, vigie.Cancellation, vigie.Award}[random.IntN(3)]
				n.Links = append(n.Links, fmt.Sprintf("26-%d", 100+i-back))
			}
		}
		if random.IntN(2) == 0 {
			n.Content.Departments = nil
		}
		notices = append(notices, n)
	}
	storetest.Each(t, func(t *testing.T, _ *store.Store) {
		kind := t.Name()[len("TestPublishInAnyOrder/"):]
		var want []string
		for round := range 6 {
			s := storetest.Open(t, storetest.Kinds()[kind](t))
			shuffled := slices.Clone(notices)
			random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			for batch := range slices.Chunk(shuffled, 1+random.IntN(25)) {
				storetest.Publish(t, s, batch...)
			}
			got := describe(t, s)
			if round == 0 {
				want = got
			} else if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("another order gives other tenders:\n%s", diff)
			}
		}
		if len(want) < 20 {
			t.Errorf("only %d tenders", len(want))
		}
	})
}

// describe returns all that the tenders in a store are, without numbers.
func describe(t *testing.T, s *store.Store) []string {
	t.Helper()
	tenders, err := s.ChangedTenders(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, x := range tenders {
		if x.MergedInto != nil {
			continue
		}
		buyers, err := s.Buyers(t.Context(), []int64{x.BuyerID})
		if err != nil {
			t.Fatal(err)
		}
		b := buyers[x.BuyerID]
		siret := ""
		if b.SIRET != nil {
			siret = *b.SIRET
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %s %v %s %s %s %v", x.SourceRef, x.PublishedAt.UTC(), x.Outcome, x.Title, x.Departments, b.FoldedName, siret, b.DepartmentCode, x.Deadline.UTC()))
	}
	slices.Sort(lines)
	return lines
}

// Content that was stored is read unchanged, on both databases.
func TestTenderRoundTrip(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		deadline := time.Date(2026, 12, 1, 11, 30, 15, 0, time.FixedZone("", 3600))
		n := storetest.Notice("26-1", 0, func(n *vigie.Notice) {
			n.Content = vigie.Content{
				Reference: "2026-M-12", Title: "Œuvre d'art « l'été » 'x' \\ \" ; --", Description: "ligne 1\nligne 2",
				Departments: []string{"01", "2A"}, Natures: []vigie.Nature{vigie.Services, vigie.Works}, Procedure: vigie.Adapted,
				CPVCodes: []string{"45233140", "71300000"}, Labels: []string{"Voirie"}, Lots: []vigie.Lot{{Number: "1", Title: "Gros œuvre"}, {Title: "Second"}},
				Deadline: &deadline, DeadlineText: "2026-12-01T11:30:15", URL: "https://example.org/?a=b&c",
			}
		})
		id := storetest.Publish(t, s, n)[0].Notice.TenderID
		got := storetest.Tender(t, s, id)
		if diff := cmp.Diff(n.Content, got.Content, cmpopts.EquateApproxTime(0)); diff != "" {
			t.Errorf("content (-want +got):\n%s", diff)
		}
		for _, at := range []time.Time{*got.Deadline, got.PublishedAt} {
			if _, offset := at.Zone(); offset != 0 {
				t.Errorf("%v is not in UTC", at)
			}
		}
		notices, err := s.Notices(t.Context(), []int64{id})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(n.Content, notices[id][0].Content, cmpopts.EquateApproxTime(0), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("the notice's content (-want +got):\n%s", diff)
		}
	})
}

// TestDossier: one statement reads what several others read of a tender.
func TestDossier(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		id := storetest.Publish(t, s, storetest.Notice("26-1", 0, buyer("Mairie d'Exemple", "21010001600015", "01")))[0].Notice.TenderID
		alias := storetest.Publish(t, s, storetest.Notice("26-2", 1))[0].Notice.TenderID
		storetest.Publish(t, s, storetest.Notice("26-3", 2, kind(vigie.Correction, "26-1", "26-2"), title("Ensemble")))
		storetest.Publish(t, s, storetest.Notice("26-4", 3))
		got, err := s.Dossier(t.Context(), id, false)
		if err != nil || got == nil {
			t.Fatalf("the dossier of %d: %v, %v", id, got, err)
		}
		want := store.Dossier{Tender: storetest.Tender(t, s, id)}
		buyers, err := s.Buyers(t.Context(), []int64{want.Tender.BuyerID})
		if err != nil {
			t.Fatal(err)
		}
		notices, err := s.Notices(t.Context(), []int64{id})
		if err != nil {
			t.Fatal(err)
		}
		want.Buyer, want.Notices = buyers[want.Tender.BuyerID], notices[id]
		for _, n := range want.Notices {
			n.Links, n.Buyer, n.Content = nil, vigie.BuyerName{}, vigie.Content{}
		}
		if len(want.Notices) != 3 || want.Buyer == nil || want.Tender.Title != "Ensemble" {
			t.Fatalf("the tender is %+v", want)
		}
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("read apart and together (-apart +together):\n%s", diff)
		}
		for _, id := range []int64{alias, 0} {
			if got, err := s.Dossier(t.Context(), id, false); got != nil || err != nil {
				t.Errorf("%d has a dossier of its own: %v, %v", id, got, err)
			}
		}
	})
}

// One notice that cannot be stored costs no other, and is the one refused.
func TestPublishEach(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		past := time.Date(-1, 12, 31, 23, 50, 39, 0, time.UTC) // neither database reads it
		var notices []*vigie.Notice
		for i := range 9 {
			notices = append(notices, storetest.Notice(fmt.Sprint("26-", i), 0))
		}
		notices[4].Content.Deadline = &past
		notices[7].Kind = "NONSENSE" // which a constraint refuses
		results, err := s.PublishEach(t.Context(), notices)
		if err != nil || len(results) != len(notices) {
			t.Fatalf("%d results, error %v", len(results), err)
		}
		for i, r := range results {
			switch {
			case (i == 4 || i == 7) && (r.Outcome != store.Refused || r.Err == nil || r.Notice != nil):
				t.Errorf("the one that cannot be stored: %+v", r)
			case i != 4 && i != 7 && (r.Outcome != store.Created || r.Err != nil || r.Notice.SourceRef != notices[i].SourceRef):
				t.Errorf("notice %d: %+v", i, r)
			}
		}
		// A database that does not work is nobody's fault.
		s.Close()
		if _, err := s.PublishEach(t.Context(), notices[:2]); err == nil {
			t.Error("a closed database refused the notices one by one")
		}
	})
}

// What is known already is read with a batch, and takes no place in the caller's list.
func TestPublishEachAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		past := time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC)
		var notices []*vigie.Notice
		for i := range 8 {
			notices = append(notices, storetest.Notice(fmt.Sprint("26-", i), 0))
		}
		if _, err := s.PublishEach(t.Context(), notices); err != nil {
			t.Fatal(err)
		}
		var again []*vigie.Notice
		for i, n := range notices {
			changed := *n
			changed.Content.Title += fmt.Sprint(" changed ", i)
			again = append(again, &changed)
		}
		again[7].Content.OnlineUntil = &past
		given := slices.Clone(again)
		results, err := s.PublishEach(t.Context(), again)
		if err != nil || len(results) != len(again) {
			t.Fatalf("%d results, error %v", len(results), err)
		}
		if !slices.Equal(again, given) {
			t.Error("the list of notices was written to")
		}
		for i, r := range results[:7] {
			if r.Outcome != store.Corrected || r.Notice.SourceRef != given[i].SourceRef || r.Notice.Content.Title != given[i].Content.Title {
				t.Errorf("notice %d: %+v", i, r)
			}
		}
		if results[7].Outcome != store.Refused {
			t.Errorf("the one that cannot be stored: %+v", results[7])
		}
	})
}
