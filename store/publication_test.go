package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigie"
	"vigie/store"
	"vigie/store/storetest"
)

// at makes a notice one of another source, of the procedure numbered n.
func at(source string, n int, identifier string) func(*vigie.Notice) {
	return func(notice *vigie.Notice) {
		notice.Source, notice.Identifier = source, identifier
		notice.Links = append(notice.Links, vigie.ProcedureLink(fmt.Sprintf("00000000-0000-4000-8000-%012d", n)))
	}
}

// A procedure is one tender, whichever sources publish it and in whichever order they are read.
func TestSourcesOfOneProcedure(t *testing.T) {
	var notices []*vigie.Notice
	random := rand.New(rand.NewPCG(3, 4))
	kinds := []vigie.NoticeKind{vigie.ContractNotice, vigie.Correction, vigie.Cancellation, vigie.Award}
	for procedure := range 12 {
		for i := range 1 + random.IntN(3) {
			identifier := fmt.Sprintf("%d-%d-01", procedure, i)
			for s, source := range []string{"boamp", "ted", "platform"} {
				if random.IntN(4) == 0 {
					continue
				}
				notices = append(notices, storetest.Notice(fmt.Sprintf("%d%d%d", s, procedure, i), 3*i+random.IntN(3), at(source, procedure, identifier), func(n *vigie.Notice) {
					n.Kind = kinds[min(i, 1+random.IntN(3))]
					n.Content.Title = "Objet de " + source
				}))
			}
		}
	}
	storetest.Each(t, func(t *testing.T, _ *store.Store) {
		kind := t.Name()[len("TestSourcesOfOneProcedure/"):]
		var want []string
		for round := range 4 {
			s := storetest.Open(t, storetest.Kinds()[kind](t))
			shuffled := slices.Clone(notices)
			random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			for batch := range slices.Chunk(shuffled, 1+random.IntN(9)) {
				storetest.Publish(t, s, batch...)
			}
			got := describe(t, s)
			if len(got) > 12 {
				t.Fatalf("%d tenders of 12 procedures", len(got))
			}
			if round == 0 {
				want = got
			} else if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("another order gives other tenders:\n%s", diff)
			}
		}
	})
}

// What one source withdraws, others still say.
func TestWithdrawOneSource(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		id := storetest.Publish(t, s,
			storetest.Notice("1", 0, at("platform", 1, "a-01"), title("Voirie de la plateforme")),
			storetest.Notice("26-1", 1, at("boamp", 1, "a-01"), title("Voirie du BOAMP")),
		)[0].Notice.TenderID
		if tender := storetest.Tender(t, s, id); tender.Source != "platform" || tender.Title != "Voirie de la plateforme" {
			t.Errorf("%s: %s", tender.Source, tender.Title)
		}
		withdrawn, err := s.Withdraw(t.Context(), "platform", "1")
		if err != nil || withdrawn.Outcome != vigie.Undecided || withdrawn.Title != "Voirie du BOAMP" || withdrawn.Source != "boamp" {
			t.Errorf("one source withdrew: %+v, %v", withdrawn, err)
		}
		if withdrawn, err = s.Withdraw(t.Context(), "boamp", "26-1"); err != nil || withdrawn.Outcome != vigie.Withdrawn {
			t.Errorf("both withdrew: %+v, %v", withdrawn, err)
		}
	})
}

// Two calls that name one planning notice stay two tenders, in any order; an identifier that comes later joins them to
// what others publish.
func TestSharedPlanningNotice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		naming := func(ref string) func(*vigie.Notice) {
			return func(n *vigie.Notice) { n.Links = append(n.Links, ref) }
		}
		first := storetest.Publish(t, s, storetest.Notice("10-2026", 3, at("ted", 1, "a-01"), naming("1-2026")))[0].Notice.TenderID
		second := storetest.Publish(t, s, storetest.Notice("11-2026", 4, at("ted", 2, "b-01"), naming("1-2026")))[0].Notice.TenderID
		storetest.Publish(t, s, storetest.Notice("1-2026", 0, at("ted", 3, "c-01"), kind(vigie.Planning)))
		third := storetest.Publish(t, s, storetest.Notice("12-2026", 5, at("ted", 4, "d-01"), naming("1-2026")))[0].Notice.TenderID
		if first == second || second == third || first == third {
			t.Errorf("calls of three procedures are of tenders %d, %d and %d", first, second, third)
		}

		last, err := s.Database().LastNumber(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if again := storetest.Publish(t, s, storetest.Notice("12-2026", 5, at("ted", 4, "d-01"), naming("1-2026")))[0]; again.Outcome != store.Unchanged {
			t.Errorf("the third call again: %s", again.Outcome)
		}
		if now, err := s.Database().LastNumber(t.Context()); err != nil || now != last {
			t.Errorf("publishing it again takes numbers: %d after %d, %v", now, last, err)
		}

		plain := storetest.Notice("P1", 3, func(n *vigie.Notice) { n.Source = "platform" })
		id := storetest.Publish(t, s, plain)[0].Notice.TenderID
		again := *plain
		again.Identifier = "e-01"
		if got := storetest.Publish(t, s, &again)[0]; got.Outcome != store.Unchanged {
			t.Errorf("with an identifier: %s", got.Outcome)
		}
		if got := storetest.Publish(t, s, storetest.Notice("26-9", 4, func(n *vigie.Notice) { n.Source, n.Identifier = "boamp", "e-01" }))[0]; got.Notice.TenderID != id || !got.Notice.Copied {
			t.Errorf("elsewhere: tender %d, not %d; copied: %v", got.Notice.TenderID, id, got.Notice.Copied)
		}
	})
}
