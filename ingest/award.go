package ingest

import (
	"slices"

	"vigie"
)

// Awards collects what became of lots, one award for each.
type Awards struct {
	list []vigie.LotAward
	at   map[string]int // of lots in list
}

// List are the awards, in the order in which lots were added.
func (a *Awards) List() []vigie.LotAward { return a.list }

// Add adds what became of a lot. Of a framework each winner may be added alone.
func (a *Awards) Add(award vigie.LotAward) {
	i, known := a.at[award.Lot]
	switch {
	case !known && len(a.list) < MaxAwards:
		if a.at == nil {
			a.at = make(map[string]int)
		}
		a.at[award.Lot] = len(a.list)
		a.list = append(a.list, award)
	case !known:
	case a.list[i].Outcome == vigie.LotUnawarded:
		if award.Outcome == vigie.LotAwarded {
			a.list[i] = award
		}
	default:
		for _, w := range award.Winners {
			AddWinner(&a.list[i], w)
		}
		if award.Outcome == vigie.LotAwarded && a.list[i].Amount != award.Amount {
			a.list[i].Amount = vigie.Money{} // of each, and not of all
		}
	}
}

// AddWinner adds who gets a contract, once.
func AddWinner(a *vigie.LotAward, w vigie.Winner) {
	if w.Name != "" && !slices.Contains(a.Winners, w) && len(a.Winners) < MaxWinners {
		a.Winners = append(a.Winners, w)
	}
}
