package store_test

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"vigie"
	"vigie/database"
	"vigie/query"
	"vigie/store"
	"vigie/store/storetest"
)

func TestWatchRoundTrip(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := storetest.Tender(t, s, storetest.Publish(t, s, storetest.Notice("1", 0))[0].Notice.TenderID).BuyerID
		a := storetest.Account(t, s, "a")
		made, err := s.CreateWatch(t.Context(), a, vigie.Watch{
			Name: "Voirie", NameKey: "voirie", Active: true, Frequency: vigie.Daily,
			Criteria: vigie.Criteria{
				Keywords: []string{"voirie", "enrobé à chaud"}, KeywordMode: vigie.AnyKeyword, ExcludedKeywords: []string{"été"},
				BuyerIDs: []int64{b}, Departments: []string{"01", "2A"}, IncludeNationwide: true,
				Natures: []vigie.Nature{vigie.Works}, CPVCodes: []string{"45"},
			},
		}, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		watches, err := s.Watches(t.Context(), a.ID, store.WatchFilter{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]*vigie.Watch{made}, watches, cmp.Comparer(time.Time.Equal)); diff != "" {
			t.Errorf("-made +read:\n%s", diff)
		}
	})
}

func TestWatchNamesAreUniquePerAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a, b := storetest.Account(t, s, "a"), storetest.Account(t, s, "b")
		create := func(a *vigie.Account, name string) (*vigie.Watch, error) {
			return s.CreateWatch(t.Context(), a, vigie.Watch{Name: name, NameKey: strings.ToLower(name), Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords}, Frequency: vigie.Daily}, false, nil)
		}
		first, err := create(a, "Voirie")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := create(a, "VOIRIE"); vigie.CodeOf(err) != vigie.Taken {
			t.Errorf("the same name: %v", err)
		}
		if _, err := create(b, "Voirie"); err != nil {
			t.Errorf("another account: %v", err)
		}
		other, err := create(a, "Autre")
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.UpdateWatch(t.Context(), a, other.ID, func(w *vigie.Watch) { w.Name, w.NameKey = "voirie", "voirie" }, nil, nil)
		if vigie.CodeOf(err) != vigie.Taken {
			t.Errorf("renamed: %v", err)
		}
		if err := s.DeleteWatch(t.Context(), a.ID, first.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := create(a, "Voirie"); err != nil {
			t.Errorf("after the other was deleted: %v", err)
		}
		for _, id := range []int64{first.ID, 999_999} {
			if err := s.DeleteWatch(t.Context(), a.ID, id); vigie.CodeOf(err) != vigie.NotFound {
				t.Errorf("delete a deleted watch: %v", err)
			}
		}
		if err := s.DeleteWatch(t.Context(), b.ID, other.ID); vigie.CodeOf(err) != vigie.NotFound {
			t.Errorf("delete another account's: %v", err)
		}
	})
}

func TestDeletedWatchesAreRestored(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := storetest.Tender(t, s, storetest.Publish(t, s, storetest.Notice("1", 0))[0].Notice.TenderID).BuyerID
		a, other := storetest.Account(t, s, "a"), storetest.Account(t, s, "b")
		made, err := s.CreateWatch(t.Context(), a, vigie.Watch{
			Name: "Voirie", NameKey: "voirie", Active: true, Frequency: vigie.Daily,
			Criteria: vigie.Criteria{Keywords: []string{"voirie"}, KeywordMode: vigie.AllKeywords, BuyerIDs: []int64{b}},
		}, true, []string{"team@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		long := time.Unix(0, 0)
		remove := func() {
			t.Helper()
			if err := s.DeleteWatch(t.Context(), a.ID, made.ID); err != nil {
				t.Fatal(err)
			}
		}
		refused := func(what string, by *vigie.Account, since time.Time, code vigie.Code) {
			t.Helper()
			if _, err := s.RestoreWatch(t.Context(), by, made.ID, since); vigie.CodeOf(err) != code {
				t.Errorf("%s: %v", what, err)
			}
		}
		refused("not deleted", a, long, vigie.NotFound)
		remove()
		refused("another's", other, long, vigie.NotFound)
		refused("too late", a, long.AddDate(1000, 0, 0), vigie.NotFound)
		restored, err := s.RestoreWatch(t.Context(), a, made.ID, long)
		if err != nil {
			t.Fatal(err)
		}
		watches, err := s.Watches(t.Context(), a.ID, store.WatchFilter{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]*vigie.Watch{restored}, watches, cmp.Comparer(time.Time.Equal)); diff != "" {
			t.Errorf("-restored +read:\n%s", diff)
		}
		want := *made
		want.Number, want.UpdatedAt, want.CatchUpFrom, want.Since = restored.Number, restored.UpdatedAt, restored.CatchUpFrom, restored.Number
		if diff := cmp.Diff(&want, restored, cmp.Comparer(time.Time.Equal)); diff != "" {
			t.Errorf("-made +restored:\n%s", diff)
		}
		if from := restored.CatchUpFrom; from == nil || *from <= made.Number || *from >= restored.Number {
			t.Errorf("catches up from %v, was made at %d and restored at %d", from, made.Number, restored.Number)
		}
		recipients, err := s.Ledger().Recipients(t.Context(), a, []int64{made.ID})
		if err != nil || len(recipients[made.ID]) != 2 {
			t.Errorf("recipients: %v, %v", recipients, err)
		}
		remove()
		if _, err := s.CreateWatch(t.Context(), a, vigie.Watch{Name: "voirie", NameKey: "voirie", Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords}, Frequency: vigie.Daily}, false, nil); err != nil {
			t.Fatal(err)
		}
		refused("its name is taken", a, long, vigie.Taken)
	})
}

func TestSwitchingOnStartsAnew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := storetest.Account(t, s, "a")
		w, err := s.CreateWatch(t.Context(), a, vigie.Watch{Name: "v", Active: true, Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords}, Frequency: vigie.Daily}, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		change := func(change func(w *vigie.Watch)) *vigie.Watch {
			t.Helper()
			got, err := s.UpdateWatch(t.Context(), a, w.ID, change, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		renamed := change(func(w *vigie.Watch) { w.Name = "x" })
		off := change(func(w *vigie.Watch) { w.Active = false })
		on := change(func(w *vigie.Watch) { w.Active = true })
		if renamed.Since != w.Since || off.Since != w.Since || on.Since != on.Number || on.Number <= off.Number {
			t.Errorf("since %d, %d, %d, %d of numbers %d, %d, %d, %d",
				w.Since, renamed.Since, off.Since, on.Since, w.Number, renamed.Number, off.Number, on.Number)
		}
	})
}

func TestRecipientsKeepTheirIdsAndOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := storetest.Account(t, s, "a")
		w, err := s.CreateWatch(t.Context(), a, vigie.Watch{Name: "v", Active: true, Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords}, Frequency: vigie.Daily}, true, []string{"B@example.org", "c@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		read := func() []*vigie.Recipient {
			t.Helper()
			got, err := s.Ledger().Recipients(t.Context(), a, []int64{w.ID})
			if err != nil {
				t.Fatal(err)
			}
			return got[w.ID]
		}
		set := func(notifyMe *bool, others *[]string) []string {
			t.Helper()
			if _, err := s.UpdateWatch(t.Context(), a, w.ID, func(*vigie.Watch) {}, notifyMe, others); err != nil {
				t.Fatal(err)
			}
			var emails []string
			for _, r := range read() {
				emails = append(emails, r.Email)
			}
			return emails
		}
		first := read()
		if first[0].ResendableAt != nil || first[1].ResendableAt == nil {
			t.Error("a pending address, and no other, may be asked again")
		}
		want := []*vigie.Recipient{
			{ID: first[0].ID, WatchID: w.ID, Email: "a@example.org", Primary: true, Status: vigie.Confirmed},
			{ID: first[1].ID, WatchID: w.ID, Email: "B@example.org", Status: vigie.Pending, ResendableAt: first[1].ResendableAt},
			{ID: first[2].ID, WatchID: w.ID, Email: "c@example.org", Status: vigie.Pending, ResendableAt: first[2].ResendableAt},
		}
		if diff := cmp.Diff(want, first); diff != "" {
			t.Error(diff)
		}
		yes, no := true, false
		steps := []struct {
			notifyMe *bool
			others   *[]string
			want     []string
		}{
			{nil, nil, []string{"a@example.org", "B@example.org", "c@example.org"}},
			{&no, nil, []string{"B@example.org", "c@example.org"}},
			{nil, &[]string{"c@example.org"}, []string{"c@example.org"}},
			{nil, &[]string{"C@example.org", "b@example.org"}, []string{"c@example.org", "B@example.org"}},
			{&yes, nil, []string{"a@example.org", "c@example.org", "B@example.org"}},
			{nil, &[]string{}, []string{"a@example.org"}},
			{nil, &[]string{"a@EXAMPLE.org", "b@example.org", "B@example.org"}, []string{"a@example.org", "B@example.org"}},
		}
		for i, step := range steps {
			if got := set(step.notifyMe, step.others); !slices.Equal(got, step.want) {
				t.Errorf("step %d: %v, want %v", i, got, step.want)
			}
		}
		if last := read(); last[0].ID != first[0].ID || last[1].ID != first[1].ID {
			t.Error("an address that was added again has another id")
		}
	})
}

func TestAccountFollowsClaims(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		sign := func(c store.Claims) *vigie.Account {
			t.Helper()
			a, err := s.SignIn(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		a := sign(store.Claims{Issuer: "i", Subject: "1", Email: "old@example.org", Name: "A", Locale: vigie.English})
		if a.Locale != vigie.English || a.DigestHour != 8 || a.TimeZone != "Europe/Paris" {
			t.Errorf("a new account is %+v", a)
		}
		if _, err := s.CreateWatch(t.Context(), a, vigie.Watch{Name: "v", Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords}, Frequency: vigie.Daily}, true, nil); err != nil {
			t.Fatal(err)
		}
		moved := sign(store.Claims{Issuer: "i", Subject: "1", Email: "new@example.org", EmailVerified: true})
		if moved.ID != a.ID || moved.Email != "new@example.org" || moved.Name != "A" {
			t.Errorf("with another email it is %+v", moved)
		}
		watches, err := s.Watches(t.Context(), a.ID, store.WatchFilter{})
		if err != nil {
			t.Fatal(err)
		}
		recipients, err := s.Ledger().Recipients(t.Context(), moved, []int64{watches[0].ID})
		if err != nil {
			t.Fatal(err)
		}
		if r := recipients[watches[0].ID]; len(r) != 1 || r[0].Email != "new@example.org" || !r[0].Primary || r[0].Status != vigie.Confirmed {
			t.Errorf("the watch writes to %+v", r)
		}
		// An address that was already a recipient takes over.
		both, err := s.CreateWatch(t.Context(), moved, vigie.Watch{Name: "w", NameKey: "w", Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords}, Frequency: vigie.Daily}, true, []string{"third@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		third := sign(store.Claims{Issuer: "i", Subject: "1", Email: "Third@example.org", EmailVerified: true})
		for _, id := range []int64{watches[0].ID, both.ID} {
			recipients, err := s.Ledger().Recipients(t.Context(), third, []int64{id})
			if err != nil {
				t.Fatal(err)
			}
			if r := recipients[id]; len(r) != 1 || r[0].Email != "third@example.org" || !r[0].Primary || r[0].Status != vigie.Confirmed {
				t.Errorf("watch %d writes to %+v", id, r[0])
			}
		}
		if other := sign(store.Claims{Issuer: "j", Subject: "1"}); other.ID == a.ID {
			t.Error("another issuer's subject is the same account")
		}
		// Many first requests at once make one account.
		var wait sync.WaitGroup
		ids := make([]int64, 20)
		for i := range ids {
			wait.Go(func() {
				if a, err := s.SignIn(t.Context(), store.Claims{Issuer: "i", Subject: "2"}); err != nil {
					t.Error(err)
				} else {
					ids[i] = a.ID
				}
			})
		}
		wait.Wait()
		if slices.Min(ids) != slices.Max(ids) {
			t.Errorf("accounts %v", ids)
		}
	})
}

// Two processes write at the same time, each tenders and watches; a third, here, reads changes in their order all the
// while, and must miss none.
func TestChangesCommitInOrder(t *testing.T) {
	if url := os.Getenv("VIGIE_TEST_WRITER_URL"); url != "" {
		writeChanges(t, url, os.Getenv("VIGIE_TEST_WRITER_NAME"))
		return
	}
	const rounds = 40
	for name, url := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			url := url(t)
			s := storetest.Open(t, url)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			var writers sync.WaitGroup
			for _, writer := range []string{"a", "b"} {
				writers.Go(func() {
					cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestChangesCommitInOrder$")
					cmd.Env = append(os.Environ(), "VIGIE_TEST_WRITER_URL="+url, "VIGIE_TEST_WRITER_NAME="+writer, "VIGIE_TEST_WRITER_ROUNDS="+strconv.Itoa(rounds))
					if out, err := cmd.CombinedOutput(); err != nil {
						t.Errorf("writer %s: %v\n%s", writer, err, out)
					}
				})
			}
			done := make(chan struct{})
			go func() { writers.Wait(); close(done) }()
			seen := map[int64]bool{}
			cursor := int64(0)
			look := func() int {
				tenders, err := s.ChangedTenders(ctx, cursor, 7)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range tenders {
					seen[x.ID] = true
					cursor = x.Number
				}
				return len(tenders)
			}
			for writing := true; writing; {
				select {
				case <-done:
					writing = false
				default:
				}
				look()
			}
			for look() > 0 {
			}
			all, err := s.ChangedTenders(ctx, 0, 10_000)
			if err != nil {
				t.Fatal(err)
			}
			if want := 2 * rounds * 3; len(all) != want || len(seen) != want {
				t.Errorf("%d tenders, of which the reader saw %d; want %d", len(all), len(seen), want)
			}
			for _, x := range all {
				if !seen[x.ID] {
					t.Errorf("the reader missed tender %d", x.ID)
				}
			}
		})
	}
}

// writeChanges is the other process of TestChangesCommitInOrder.
func writeChanges(t *testing.T, url, name string) {
	rounds, err := strconv.Atoi(os.Getenv("VIGIE_TEST_WRITER_ROUNDS"))
	if err != nil {
		t.Fatal(err)
	}
	s := storetest.Open(t, url)
	a := storetest.Account(t, s, name)
	w, err := s.CreateWatch(t.Context(), a, vigie.Watch{Name: "v", Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords}, Frequency: vigie.Daily}, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rounds {
		ref := name + strconv.Itoa(i)
		// Both processes publish notices of the same buyer.
		storetest.Publish(t, s, storetest.Notice(ref+"x", 0), storetest.Notice(ref+"y", 1), storetest.Notice(ref+"z", 2))
		if _, err := s.UpdateWatch(t.Context(), a, w.ID, func(w *vigie.Watch) { w.Active = !w.Active }, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSearchBuyers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		past := storetest.Noon().Add(-time.Hour)
		closed := func(n *vigie.Notice) { n.Content.Deadline = &past }
		storetest.Publish(t, s,
			storetest.Notice("1", 0, buyer("Ville de Nantes", "", "44")),
			storetest.Notice("2", 0, buyer("Ville de Nanterre", "", "92")), storetest.Notice("3", 0, buyer("Ville de Nanterre", "", "92")),
			storetest.Notice("4", 0, buyer("Nantes Métropole", "", "44"), closed), storetest.Notice("5", 0, buyer("Nantes Métropole", "", "44"), closed),
			storetest.Notice("8", 0, buyer("Commune de Saint-Aubin", "", "39")), storetest.Notice("9", 0, buyer("Mairie de St Aubin sur Mer", "", "14")),
			storetest.Notice("10", 0, buyer("Ste Marie", "", "974")), storetest.Notice("11", 0, buyer("Sainte-Marie", "", "972")),
			storetest.Notice("12", 0, buyer("C.H.U. d'Exemple", "21010053700013", "01")), storetest.Notice("13", 1, buyer("Centre hospitalier d'Exemple", "21010053700013", "01")),
			storetest.Notice("14", 0, buyer("Commune de Chuzelles", "", "38")), storetest.Notice("15", 0, buyer("C.H.U. de Nice", "", "06")),
			storetest.Notice("6", 0, buyer("Université de Nantes", "", "44")), storetest.Notice("7", 0, buyer("Université de Nantes", "", "44")),
		)
		tests := []struct {
			words string
			want  []string
		}{
			{"nantes", []string{"Nantes Métropole", "Université de Nantes", "Ville de Nantes"}},
			{"nant", []string{"Nantes Métropole", "Université de Nantes", "Ville de Nanterre", "Ville de Nantes"}},
			{"ville nan", []string{"Ville de Nanterre", "Ville de Nantes"}},
			{"v", []string{"Ville de Nanterre", "Ville de Nantes"}},
			{"metro nantes", []string{"Nantes Métropole"}},
			{"antes", nil},
			{"saint aubin", []string{"Commune de Saint-Aubin", "Mairie de St Aubin sur Mer"}},
			{"st aubin", []string{"Commune de Saint-Aubin", "Mairie de St Aubin sur Mer"}},
			{"ste marie", []string{"Ste Marie", "Sainte-Marie"}},
			{"sainte marie", []string{"Sainte-Marie", "Ste Marie"}},
			{"chu", []string{"Centre hospitalier d'Exemple", "C.H.U. de Nice", "Commune de Chuzelles"}},
			{"chu d exemple", []string{"Centre hospitalier d'Exemple"}},
			{"nice hospitalier", nil},
			{"ville de nantes", []string{"Ville de Nantes"}},
			{"chu de la nice", []string{"C.H.U. de Nice"}},
			{"", nil},
		}
		for _, test := range tests {
			search := func(w store.BuyerWindow) (names []string, found []*store.FoundBuyer) {
				w.Now = storetest.Noon()
				found, total, err := s.SearchBuyers(t.Context(), strings.Fields(test.words), w)
				if err != nil {
					t.Fatal(err)
				}
				for _, b := range found {
					names = append(names, b.Name)
				}
				if total != len(test.want) {
					t.Errorf("%q: %d in all, want %d", test.words, total, len(test.want))
				}
				return names, found
			}
			names, found := search(store.BuyerWindow{Limit: 10})
			if !slices.Equal(names, test.want) {
				t.Errorf("%q: %v, want %v", test.words, names, test.want)
			}
			for i, b := range found {
				after, _ := search(store.BuyerWindow{Beyond: new(b.Place), Limit: 10})
				before, _ := search(store.BuyerWindow{Beyond: new(b.Place), Backwards: true, Limit: 10})
				slices.Reverse(before)
				if !slices.Equal(after, test.want[i+1:]) || !slices.Equal(before, test.want[:i]) {
					t.Errorf("%q: %v is between %v and %v, want %v", test.words, b.Name, before, after, test.want)
				}
			}
		}
	})
}

func TestForeignKeysAreEnforced(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := storetest.Account(t, s, "a")
		_, err := s.CreateWatch(t.Context(), a, vigie.Watch{Name: "v", Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords, BuyerIDs: []int64{4711}}, Frequency: vigie.Daily}, true, nil)
		if err == nil {
			t.Error("a watch refers to a buyer that does not exist")
		}
		watches, err := s.Watches(t.Context(), a.ID, store.WatchFilter{})
		if err != nil || len(watches) != 0 {
			t.Errorf("half a watch was stored: %v, %v", watches, err)
		}
	})
}

// Numbers are taken without gaps, so that readers can tell that none is missing.
func TestNumbersHaveNoGaps(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := storetest.Account(t, s, "a")
		for range 3 {
			// A failed transaction takes no number.
			if _, err := s.CreateWatch(t.Context(), a, vigie.Watch{Name: "v", Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords, BuyerIDs: []int64{4711}}, Frequency: vigie.Daily}, true, nil); err == nil {
				t.Fatal("stored")
			}
		}
		last, err := s.Database().LastNumber(t.Context())
		if err != nil || last != a.ID {
			t.Errorf("last number %d after account %d: %v", last, a.ID, err)
		}
	})
}

// One process at a time leads a job, until it gives leadership back or stops. Another schema has its own leader.
func TestOneLeads(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		first, err := s.Database().Lead(t.Context(), "job")
		if err != nil || first == nil || !first.Holds(t.Context()) {
			t.Fatal(first, err)
		}
		first.Resign()
		again, err := s.Database().Lead(t.Context(), "job")
		if err != nil || again == nil {
			t.Fatal("leadership was not given back:", err)
		}
		again.Resign()
	})
	url := storetest.Postgres(t)
	a, b, elsewhere := storetest.Open(t, url+"&application_name=doomed"), storetest.Open(t, url), storetest.Open(t, storetest.Postgres(t))
	lead := func(s *store.Store) *database.Leadership {
		t.Helper()
		l, err := s.Database().Lead(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	held := lead(a)
	if held == nil || lead(b) != nil {
		t.Error("two lead, or none")
	}
	if other := lead(elsewhere); other == nil {
		t.Error("another schema's leader keeps us from leading")
	} else {
		other.Resign()
	}
	killer, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer killer.Close(context.Background())
	if _, err := killer.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'doomed'"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if l := lead(b); l != nil {
			l.Resign()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody can lead after the leader has stopped")
		}
	}
	if held.Holds(t.Context()) {
		t.Error("the leader does not know that it lost leadership")
	}
	held.Resign()
}

// TestCriteriaAreKept: the database takes every value of every criterion, and all who read a watch get them back.
func TestCriteriaAreKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		mine := storetest.Account(t, s, "a")
		buyer := storetest.Publish(t, s, storetest.Notice("1", 0))[0].Notice
		buyers := []string{vigie.GlobalID(vigie.KindBuyer, storetest.Tender(t, s, buyer.TenderID).BuyerID)}
		want := vigie.Criteria{Keywords: []string{"voirie"}, KeywordMode: vigie.AnyKeyword, ExcludedKeywords: []string{"eau"}, IncludeNationwide: true}
		for _, c := range query.Criteria() {
			if c.Field == query.Buyer {
				c.Set(&want, buyers)
			} else {
				c.Set(&want, c.All())
			}
		}
		w, err := s.CreateWatch(t.Context(), mine, vigie.Watch{Name: "Voirie", NameKey: "voirie", Active: true, Frequency: vigie.Daily, Criteria: want}, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		read, err := s.Watches(t.Context(), mine.ID, store.WatchFilter{})
		if err != nil || len(read) != 1 {
			t.Fatal(read, err)
		}
		err = s.Snapshot(t.Context(), func(ctx context.Context, now *store.Snapshot) error {
			for state, err := range now.ChangedWatches(ctx, 0) {
				if diff := cmp.Diff(&want, state.Criteria); diff != "" || state.ID != w.ID || err != nil {
					t.Errorf("for matching: %v, -want +got:\n%s", err, diff)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		export, err := s.Export(t.Context(), mine.ID)
		if err != nil || len(export.Watches) != 1 {
			t.Fatal(export, err)
		}
		if diff := cmp.Diff(want, read[0].Criteria); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		want.BuyerIDs = nil // exported by their names
		if diff := cmp.Diff(want, export.Watches[0].Criteria); diff != "" {
			t.Errorf("exported: -want +got:\n%s", diff)
		}
	})
}
