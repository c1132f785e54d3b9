package store_test

import (
	"slices"
	"testing"

	"vigie"
	"vigie/store"
	"vigie/store/storetest"
)

// record is a record of the test source's register.
func record(ref, name, siret string, alter ...func(*vigie.BuyerRecord)) *vigie.BuyerRecord {
	r := &vigie.BuyerRecord{Source: "test", BuyerName: vigie.BuyerName{Ref: ref, Name: name, SIRET: siret}}
	for _, change := range alter {
		change(r)
	}
	return r
}

func formerly(names ...string) func(*vigie.BuyerRecord) {
	return func(r *vigie.BuyerRecord) { r.FormerNames = names }
}

func formerRefs(refs ...string) func(*vigie.BuyerRecord) {
	return func(r *vigie.BuyerRecord) { r.FormerRefs = refs }
}

func register(t *testing.T, s *store.Store, records ...*vigie.BuyerRecord) []store.Registered {
	t.Helper()
	results, err := s.RegisterBuyers(t.Context(), records)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// referred is a notice that also names its buyer by the source's reference.
func referred(ref string) func(*vigie.Notice) {
	return func(n *vigie.Notice) { n.Buyer.Ref = ref }
}

// buyerOf returns the buyer of a notice's tender.
func buyerOf(t *testing.T, s *store.Store, n *vigie.Notice) int64 {
	t.Helper()
	return storetest.Tender(t, s, storetest.Publish(t, s, n)[0].Notice.TenderID).BuyerID
}

const (
	siretA = "99900000000019"
	siretB = "99900000000027"
)

func TestRegisterBuyers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		outcome := func(when string, r *vigie.BuyerRecord, want store.Outcome) int64 {
			t.Helper()
			before, err := s.Database().LastNumber(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := register(t, s, r)[0]
			if got.Outcome != want {
				t.Errorf("%s: %s, want %s", when, got.Outcome, want)
			}
			if after, err := s.Database().LastNumber(t.Context()); err != nil || after > before && want == store.Unchanged {
				t.Errorf("%s: an unchanged record takes numbers, %v", when, err)
			}
			return got.Buyer.ID
		}
		exemple := outcome("new", record("1", "Commune d'Exemple", ""), store.Created)
		outcome("the same", record("1", "Commune d'Exemple", ""), store.Unchanged)
		if got := outcome("its SIRET", record("1", "Commune d'Exemple", siretA), store.Corrected); got != exemple {
			t.Errorf("with its SIRET it is buyer %d, not %d", got, exemple)
		}
		if got := outcome("renamed", record("1", "Ville d'Exemple", siretA), store.Corrected); got != exemple {
			t.Errorf("renamed it is buyer %d, not %d", got, exemple)
		}
		// Two buyers of one name: their references distinguish them.
		one := outcome("a homonym", record("2", "Syndicat des eaux", ""), store.Created)
		other := outcome("another", record("3", "Syndicat des eaux", ""), store.Created)
		if one == other {
			t.Error("two references lead to one buyer")
		}
		for what, c := range map[string]struct {
			notice *vigie.Notice
			want   int64
		}{
			"by its name":        {storetest.Notice("n1", 0, buyer("Ville d'Exemple", "", "")), exemple},
			"by its former name": {storetest.Notice("n2", 0, buyer("COMMUNE D'EXEMPLE", "", "")), exemple},
			"by its SIRET":       {storetest.Notice("n3", 0, buyer("Mairie", siretA, "")), exemple},
			"by its reference":   {storetest.Notice("n4", 0, buyer("Syndicat des eaux", "", ""), referred("3")), other},
			"by the other's":     {storetest.Notice("n5", 0, buyer("Syndicat", "", "69"), referred("2")), one},
		} {
			if got := buyerOf(t, s, c.notice); got != c.want {
				t.Errorf("a notice that names it %s is of buyer %d, not %d", what, got, c.want)
			}
		}
		third := buyerOf(t, s, storetest.Notice("n6", 0, buyer("Syndicat des eaux", "", "")))
		if third == one || third == other {
			t.Error("a name that two buyers have leads to one of them")
		}
		if again := buyerOf(t, s, storetest.Notice("n7", 0, buyer("Syndicat des eaux", "", ""))); again != third {
			t.Errorf("the same name again is of buyer %d, not %d", again, third)
		}
	})
}

// Buyers that turn out to be the same are merged: both ids lead to the merged buyer, tenders and watches refer to it,
// and so do later notices that name either.
func TestRegisterJoinsBuyers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		id := storetest.Publish(t, s, storetest.Notice("26-1", 0, buyer("Ancien nom", "", "")))[0].Notice.TenderID
		old := storetest.Tender(t, s, id).BuyerID
		made, err := s.CreateWatch(t.Context(), storetest.Account(t, s, "ana"), vigie.Watch{
			Name: "Voirie", NameKey: "voirie", Active: true, Frequency: vigie.Daily,
			Criteria: vigie.Criteria{BuyerIDs: []int64{old}, KeywordMode: vigie.AllKeywords},
		}, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		follows := func(when string, want int64) {
			t.Helper()
			found, err := s.Buyers(t.Context(), []int64{old})
			if err != nil || found[old] == nil || found[old].ID != want {
				t.Errorf("%s: the old id leads to %+v, %v", when, found[old], err)
			}
			if got := storetest.Tender(t, s, id).BuyerID; got != want {
				t.Errorf("%s: the tender is of buyer %d, not %d", when, got, want)
			}
			watches, err := s.Watches(t.Context(), made.AccountID, store.WatchFilter{})
			if err != nil || len(watches) != 1 || !slices.Equal(watches[0].Criteria.BuyerIDs, []int64{want}) {
				t.Errorf("%s: the watches ask for %v, %v; not %d", when, watches, err, want)
			}
		}
		one := register(t, s, record("1", "Nouveau nom", siretA))[0].Buyer.ID
		if one == old {
			t.Fatal("they are the same buyer from the start")
		}
		register(t, s, record("1", "Nouveau nom", siretA, formerly("Ancien nom")))
		follows("by a former name", one)

		two := register(t, s, record("2", "Autre service", siretB))[0].Buyer.ID
		merged := register(t, s, record("2", "Autre service", siretB, formerRefs("1")))[0].Buyer.ID
		if merged != one {
			t.Errorf("of %d and %d, %d stays, not the older", one, two, merged)
		}
		follows("by a former reference", one)
		// Everything that named either now names the merged buyer.
		for _, n := range []*vigie.Notice{
			storetest.Notice("a", 1, buyer("X", siretA, "")), storetest.Notice("b", 1, buyer("Y", siretB, "")),
			storetest.Notice("c", 1, buyer("Z", "", ""), referred("1")), storetest.Notice("d", 1, buyer("W", "", ""), referred("2")),
		} {
			if got := buyerOf(t, s, n); got != one {
				t.Errorf("notice %s is of buyer %d, not %d", n.SourceRef, got, one)
			}
		}
	})
}

// A notice that gives only the SIRET of its buyer takes no buyer's name away; until a notice names the buyer, its SIRET
// stands for the name. Two such buyers are two.
func TestBuyersWithoutName(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		at := func(ref string, day int, name, siret string) *vigie.Buyer {
			t.Helper()
			id := buyerOf(t, s, storetest.Notice(ref, day, buyer(name, siret, "")))
			found, err := s.Buyers(t.Context(), []int64{id})
			if err != nil {
				t.Fatal(err)
			}
			return found[id]
		}
		known := at("1", 0, "Commune de Valfleury", siretA)
		if b := at("2", 3, "", siretA); b.ID != known.ID || b.Name != known.Name {
			t.Errorf("a later notice without a name: %+v", b)
		}
		unnamed := at("3", 3, "", siretB)
		if unnamed.ID == known.ID || unnamed.Name != siretB {
			t.Errorf("a buyer that nobody named: %+v", unnamed)
		}
		if b := at("4", 0, "Commune de Beaulieu", siretB); b.ID != unnamed.ID || b.Name != "Commune de Beaulieu" {
			t.Errorf("named by an earlier notice: %+v", b)
		}
	})
}
