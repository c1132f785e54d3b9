package ingest_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigie"
	"vigie/ingest"
)

func TestAwards(t *testing.T) {
	won := func(lot, winner, amount string) vigie.LotAward {
		return vigie.LotAward{Lot: lot, Outcome: vigie.LotAwarded, Winners: []vigie.Winner{{Name: winner}}, Amount: vigie.Money{Amount: amount, Currency: "EUR"}}
	}
	none := func(lot string) vigie.LotAward {
		return vigie.LotAward{Lot: lot, Outcome: vigie.LotUnawarded, Reason: "Infructueux"}
	}
	var all ingest.Awards
	for _, a := range []vigie.LotAward{
		won("1", "A", "100"), won("2", "A", "100"), won("1", "B", "100"), won("2", "B", "200"), won("2", "A", "100"), none("1"), none("3"), won("3", "C", "300"),
	} {
		all.Add(a)
	}
	both := []vigie.Winner{{Name: "A"}, {Name: "B"}}
	want := []vigie.LotAward{
		{Lot: "1", Outcome: vigie.LotAwarded, Winners: both, Amount: vigie.Money{Amount: "100", Currency: "EUR"}},
		{Lot: "2", Outcome: vigie.LotAwarded, Winners: both},
		won("3", "C", "300"),
	}
	if diff := cmp.Diff(want, all.List()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for i := range 2 * ingest.MaxAwards {
		all.Add(none(fmt.Sprint("more ", i)))
		all.Add(won("1", fmt.Sprint("more ", i), "100"))
	}
	if n, m := len(all.List()), len(all.List()[0].Winners); n != ingest.MaxAwards || m != ingest.MaxWinners {
		t.Errorf("%d awards, %d winners", n, m)
	}
}
