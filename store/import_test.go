package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigie"
	"vigie/ledger"
	"vigie/store"
	"vigie/store/storetest"
)

// moving is a platform that imports its watches; the test moves its clock.
type moving struct {
	t        *testing.T
	store    *store.Store
	database string
	now      time.Time
}

func eachMoving(t *testing.T, test func(t *testing.T, m *moving)) {
	for name, open := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			m := &moving{t: t, now: storetest.Noon(), database: open(t)}
			var err error
			if m.store, err = store.Open(t.Context(), m.database, func() time.Time { return m.now }); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { m.store.Close() })
			test(t, m)
		})
	}
}

// old is a watch of the platform, of a subject whose address is made from its name.
func old(id, subject string, alter ...func(*store.ImportedWatch)) *store.ImportedWatch {
	w := &store.ImportedWatch{
		ExternalID: id, Subject: subject, Email: subject + "@example.org",
		Watch: vigie.Watch{
			Name: "Veille", Active: true, Frequency: vigie.Weekly, CreatedAt: storetest.Noon().AddDate(-3, 0, 0),
			Criteria: vigie.Criteria{Keywords: []string{"voirie"}, KeywordMode: vigie.AllKeywords},
		},
		Recipients: []ledger.ImportedRecipient{{Email: subject + "@example.org"}},
	}
	for _, change := range alter {
		change(w)
	}
	w.Digest = fmt.Sprintf("%+v", *w)
	return w
}

func called(name string) func(*store.ImportedWatch) {
	return func(w *store.ImportedWatch) { w.Watch.Name = name }
}

// writes adds an address, confirmed at a time or not.
func writes(email string, confirmed *time.Time) func(*store.ImportedWatch) {
	return func(w *store.ImportedWatch) {
		w.Recipients = append(w.Recipients, ledger.ImportedRecipient{Email: email, ConfirmedAt: confirmed})
	}
}

func of(buyers ...vigie.BuyerName) func(*store.ImportedWatch) {
	return func(w *store.ImportedWatch) { w.Buyers = buyers }
}

// hidden stands in for keyed hashes: it differs from any address.
func hidden(key string) func(address string) []string {
	return func(address string) []string {
		letters := []rune(key + strings.ToLower(address))
		slices.Reverse(letters)
		return []string{strings.ReplaceAll(string(letters), "@", "_")}
	}
}

// imports imports watches, an hour after the last action, and checks the outcomes.
func (m *moving) imports(want string, watches ...*store.ImportedWatch) []store.Imported {
	m.t.Helper()
	m.now = m.now.Add(time.Hour)
	results, err := m.store.ImportWatches(m.t.Context(), "https://id.example", m.now, watches)
	if err != nil {
		m.t.Fatal(err)
	}
	var got []string
	for _, r := range results {
		got = append(got, strings.ToLower(string(r.Outcome)))
	}
	if strings.Join(got, " ") != want {
		m.t.Errorf("%s, not %s: %+v", got, want, results)
	}
	return results
}

// signIn signs a subject in with a verified address.
func (m *moving) signIn(subject string) *vigie.Account {
	m.t.Helper()
	a, err := m.store.SignIn(m.t.Context(), store.Claims{
		Issuer: "https://id.example", Subject: subject, Email: subject + "@example.org", EmailVerified: true, Locale: vigie.English,
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return a
}

func (m *moving) watches(a *vigie.Account) []*vigie.Watch {
	m.t.Helper()
	watches, err := m.store.Watches(m.t.Context(), a.ID, store.WatchFilter{})
	if err != nil {
		m.t.Fatal(err)
	}
	return watches
}

func (m *moving) export(a *vigie.Account) *store.Export {
	m.t.Helper()
	e, err := m.store.Export(m.t.Context(), a.ID)
	if err != nil {
		m.t.Fatal(err)
	}
	return e
}

// consents returns the addresses of an account, with how and when they consented.
func (m *moving) consents(a *vigie.Account) []string {
	m.t.Helper()
	var list []string
	for _, r := range m.export(a).Addresses {
		line := strings.TrimSuffix(strings.ToLower(r.Email), "@example.org") + " " + string(r.ConfirmedBy)
		if r.ConfirmedAt != nil {
			line += r.ConfirmedAt.Format(" 2006-01-02T15")
		}
		list = append(list, line)
	}
	return list
}

// A person who signs in finds the imported watches unchanged.
func TestImportedWatchesAreFound(t *testing.T) {
	eachMoving(t, func(t *testing.T, m *moving) {
		agreed := storetest.Noon().AddDate(-2, 0, 0)
		m.imports("created created",
			old("1", "ana", writes("team@example.org", &agreed), writes("new@example.org", nil)),
			old("2", "ana", called("VEILLE"), func(w *store.ImportedWatch) { w.Watch.Active = false }))
		ana := m.signIn("ana")
		if ana.Imported || ana.Locale != vigie.English || !ana.EmailVerified || !ana.EmailVerifiedAt.Equal(m.now) {
			t.Errorf("signed in, it is %+v", ana)
		}
		watches := m.watches(ana)
		if len(watches) != 2 {
			t.Fatalf("%d watches", len(watches))
		}
		first, second := watches[0], watches[1]
		if first.Name != "Veille" || !first.CreatedAt.Equal(storetest.Noon().AddDate(-3, 0, 0)) || !first.Active || first.Since != first.ID || first.Frequency != vigie.Weekly ||
			!slices.Equal(first.Criteria.Keywords, []string{"voirie"}) {
			t.Errorf("the first is %+v", first)
		}
		if second.Name != "VEILLE (2)" || second.NameKey != "veille (2)" || second.Active {
			t.Errorf("the second is %+v", second)
		}
		recipients, err := m.store.Ledger().Recipients(t.Context(), ana, []int64{first.ID})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range recipients[first.ID] {
			got = append(got, fmt.Sprint(r.Email, " ", r.Status))
		}
		if want := []string{"ana@example.org CONFIRMED", "team@example.org CONFIRMED", "new@example.org PENDING"}; !slices.Equal(got, want) {
			t.Errorf("its recipients are %v", got)
		}
		hour := m.now.Format("2006-01-02T15")
		if got, want := m.consents(ana), []string{"ana ISSUER " + hour, "team IMPORT " + agreed.Format("2006-01-02T15"), "new ", "ana ISSUER " + hour}; !slices.Equal(got, want) {
			t.Errorf("consents %q", got)
		}
		if e := m.export(ana).Watches[1]; e.ExternalID == nil || *e.ExternalID != "2" {
			t.Errorf("exported with the external id %v", e.ExternalID)
		}
	})
}

// Importing the same again changes no row; a change in the other system is stored here, unless a person has changed
// the watch here.
func TestImportAgain(t *testing.T) {
	eachMoving(t, func(t *testing.T, m *moving) {
		all := []*store.ImportedWatch{old("1", "ana"), old("2", "ana", writes("team@example.org", nil)), old("3", "ben"), old("4", "ben")}
		m.imports("created created created created", all...)
		ana := m.signIn("ana")
		before := storetest.Everything(t, m.database)
		m.imports("unchanged unchanged unchanged unchanged", all...)
		if diff := cmp.Diff(before, storetest.Everything(t, m.database)); diff != "" {
			t.Errorf("importing the same again changed:\n%s", diff)
		}

		watches := m.watches(ana)
		if _, err := m.store.UpdateWatch(t.Context(), ana, watches[0].ID, func(w *vigie.Watch) { w.Name, w.NameKey = "Mienne", "mienne" }, nil, nil); err != nil {
			t.Fatal(err)
		}
		if err := m.store.DeleteWatch(t.Context(), ana.ID, watches[1].ID); err != nil {
			t.Fatal(err)
		}
		m.imports("unchanged unchanged unchanged unchanged", all...)
		agreed := storetest.Noon().AddDate(-1, 0, 0)
		changed := []*store.ImportedWatch{
			old("1", "ana", called("Autre")), old("2", "ana", called("Autre")),
			old("3", "ben", called("Autre"), writes("team@example.org", &agreed), func(w *store.ImportedWatch) {
				w.Watch.Active, w.Email, w.Recipients[0].Email = false, "benedict@example.org", "benedict@example.org"
			}),
			old("4", "ana"),
		}
		m.imports("kept kept changed refused", changed...)
		before = storetest.Everything(t, m.database)
		m.imports("kept kept unchanged refused", changed...)
		if diff := cmp.Diff(before, storetest.Everything(t, m.database)); diff != "" {
			t.Errorf("importing the same again changed:\n%s", diff)
		}
		if got := m.watches(ana); len(got) != 1 || got[0].Name != "Mienne" {
			t.Errorf("of what ana changed there is %+v", got)
		}
		ben, err := m.store.AccountsOf(t.Context(), "ben")
		if err != nil || len(ben) != 1 || ben[0].Email != "benedict@example.org" {
			t.Fatalf("nobody has signed in: the address is %+v, %v", ben, err)
		}
		got := m.watches(ben[0])
		if len(got) != 2 || got[0].Name != "Autre" || got[0].Active || got[0].Paused == nil || got[1].Name != "Veille (2)" {
			t.Errorf("what changed there is here %+v", got)
		}
		if got := m.consents(ben[0]); !slices.Equal(got, []string{"benedict ", "team IMPORT " + agreed.Format("2006-01-02T15"), "benedict "}) {
			t.Errorf("consents %q", got)
		}

		// An import does not bring erased accounts back.
		if err := m.store.Erase(t.Context(), ana.ID); err != nil {
			t.Fatal(err)
		}
		m.imports("kept kept", all[0], all[1])
		if accounts, err := m.store.AccountsOf(t.Context(), "ana"); err != nil || len(accounts) != 0 {
			t.Errorf("erased and imported: %v, %v", accounts, err)
		}
	})
}

// A line's consent does not outrank what the owner of the address chose here.
func TestImportRespectsAddresses(t *testing.T) {
	eachMoving(t, func(t *testing.T, m *moving) {
		m.store.Ledger().SetFingerprints(hidden("key"))
		agreed := storetest.Noon().AddDate(-2, 0, 0)
		leave := func(a *vigie.Account, who string) {
			t.Helper()
			byWatch, err := m.store.Ledger().Recipients(t.Context(), a, []int64{m.watches(a)[0].ID})
			if err != nil {
				t.Fatal(err)
			}
			for _, list := range byWatch {
				for _, r := range list {
					if r.Email == who {
						to, err := m.store.Ledger().Subscriber(t.Context(), r.ID)
						if err == nil {
							err = m.store.Ledger().Leave(t.Context(), to.RecipientID, to.Email)
						}
						if err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		}
		m.imports("created created", old("1", "ana", writes("team@example.org", &agreed)), old("2", "ben", writes("team@example.org", &agreed)))
		ana, ben := m.signIn("ana"), m.signIn("ben")
		leave(ana, "team@example.org")
		m.imports("changed", old("1", "ana", called("Autre"), writes("team@example.org", &m.now)))
		leave(ben, "team@example.org")
		if err := m.store.Erase(t.Context(), ben.ID); err != nil {
			t.Fatal(err)
		}
		m.imports("created created", old("3", "eva", writes("Team@example.org", &agreed)), old("4", "ben", writes("team@example.org", &agreed)))
		for _, subject := range []string{"ana", "eva", "ben"} {
			a := m.signIn(subject)
			byWatch, err := m.store.Ledger().Recipients(t.Context(), a, []int64{m.watches(a)[0].ID})
			if err != nil {
				t.Fatal(err)
			}
			for _, list := range byWatch {
				if len(list) != 2 || list[1].Status != vigie.Unsubscribed {
					t.Errorf("%s: the address that left is %+v", subject, list)
				}
			}
		}
	})
}

// Two lines with one id are refused, in one batch or in two of one import.
func TestImportTwins(t *testing.T) {
	eachMoving(t, func(t *testing.T, m *moving) {
		m.imports("created refused", old("1", "ana"), old("1", "ana", called("Autre")))
		results, err := m.store.ImportWatches(t.Context(), "https://id.example", m.now, []*store.ImportedWatch{old("1", "ana", called("Autre"))})
		if err != nil || results[0].Outcome != store.ImportRefused {
			t.Errorf("%+v, %v", results, err)
		}
	})
}

// An account has a limited number of watches, and names have a limited length.
func TestImportMany(t *testing.T) {
	eachMoving(t, func(t *testing.T, m *moving) {
		long := strings.Repeat("é", vigie.MaxNameLength)
		var all []*store.ImportedWatch
		for i := range vigie.MaxWatches + 1 {
			all = append(all, old(fmt.Sprint(i), "ana", called(long)))
		}
		m.imports(strings.TrimSpace(strings.Repeat("created ", vigie.MaxWatches))+" refused", all...)
		watches := m.watches(m.signIn("ana"))
		if last := watches[len(watches)-1].Name; len(watches) != vigie.MaxWatches || last != strings.Repeat("é", vigie.MaxNameLength-len(" (200)"))+" (200)" {
			t.Errorf("%d watches, the last is %s", len(watches), last)
		}
		m.imports("refused", old("more", "ana"))
	})
}

// Existing buyers are found; the others are created and wait for their notices.
func TestImportFindsBuyers(t *testing.T) {
	const siret, unknown = "99900000000018", "99900000000026"
	eachMoving(t, func(t *testing.T, m *moving) {
		idOf := func(ref string, day int, name, siret, department string) int64 {
			t.Helper()
			return storetest.Tender(t, m.store, storetest.Publish(t, m.store, storetest.Notice(ref, day, buyer(name, siret, department)))[0].Notice.TenderID).BuyerID
		}
		bourg01, bourg02 := idOf("1", 0, "Ville de Bourg", "", "01"), idOf("2", 0, "Ville de Bourg", "", "02")
		numbered := idOf("3", 0, "Métropole d'Exemple", siret, "69")
		m.imports("created created created created created created",
			old("1", "ana", of(vigie.BuyerName{Name: "VILLE DE BOURG", DepartmentCode: "02"}, vigie.BuyerName{Name: "autre nom", SIRET: siret})),
			old("2", "ana", of(vigie.BuyerName{Name: "Ville de Bourg"})),
			old("3", "ana", of(vigie.BuyerName{Name: "Commune d'Exemple"})),
			old("4", "ana", of(vigie.BuyerName{Name: unknown, SIRET: unknown})),
			old("5", "ana", of(vigie.BuyerName{Name: "commune d'exemple"}, vigie.BuyerName{Name: "Syndicat d'Exemple", DepartmentCode: "2A"})),
			old("6", "ana", of(vigie.BuyerName{Name: "Ville de Bourg", SIRET: "73282932000074", DepartmentCode: "01"})))
		watches := m.watches(m.signIn("ana"))
		follows := func(i int) []int64 { return watches[i].Criteria.BuyerIDs }
		exemple := follows(2)[0]
		for i, want := range [][]int64{{bourg02, numbered}, {bourg01, bourg02}, {exemple}, {follows(3)[0]}, {exemple, follows(4)[1]}, {bourg01}} {
			if !slices.Equal(follows(i), want) {
				t.Errorf("watch %d follows %v, not %v", i+1, follows(i), want)
			}
		}
		// The first notice with the name belongs to the created buyer, whatever it is; the next one from another
		// place does not.
		for _, test := range []struct {
			ref, name, siret, department string
			want                         int64
		}{
			{"10", "Commune d'Exemple", "", "38", exemple}, {"11", "Syndicat d'Exemple", "", "2A", follows(4)[1]},
			{"12", "Office d'Exemple", unknown, "75", follows(3)[0]}, {"13", "Commune d'Exemple", "", "38", exemple}, {"14", "Mairie de Bourg", "73282932000074", "01", bourg01},
		} {
			if got := idOf(test.ref, 1, test.name, test.siret, test.department); got != test.want {
				t.Errorf("%s is %d, not %d", test.name, got, test.want)
			}
		}
		if other := idOf("20", 1, "Commune d'Exemple", "", "42"); other == exemple {
			t.Error("a second commune is the first")
		}
		buyers, err := m.store.Buyers(t.Context(), []int64{exemple, follows(3)[0], numbered})
		if err != nil || buyers[exemple].DepartmentCode != "38" || buyers[follows(3)[0]].Name != "Office d'Exemple" || buyers[numbered].Name != "Métropole d'Exemple" {
			t.Errorf("they are called %+v, %v", buyers, err)
		}
	})
}

// A renamed watch frees its name for one of the same batch.
func TestImportPassesNamesOn(t *testing.T) {
	eachMoving(t, func(t *testing.T, m *moving) {
		m.imports("created", old("1", "ana", called("A")))
		m.imports("created changed", old("2", "ana", called("B")), old("1", "ana", called("C")))
		m.imports("changed created", old("1", "ana", called("D")), old("3", "ana", called("C")))
		var names []string
		for _, w := range m.watches(m.signIn("ana")) {
			names = append(names, w.Name)
		}
		if slices.Sort(names); !slices.Equal(names, []string{"B", "C", "D"}) {
			t.Errorf("%q", names)
		}
	})
}
