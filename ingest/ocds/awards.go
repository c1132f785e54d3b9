package ocds

import (
	"cmp"
	"fmt"
	"slices"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// awards are what became of the lots that the release speaks of: for each lot all
// that is known of it, for the fold of notices replaces a lot's award.
func (r *release) awards(lots numbers) []vigie.LotAward {
	all := r.all.At("awards")
	var touched []string
	for _, award := range r.spoken(all) {
		touched = append(touched, lotsOf(award)...)
	}
	var list []vigie.LotAward
	for _, award := range append(all.Each(), r.alone(all)...) {
		related := lotsOf(award)
		for _, id := range related {
			if !slices.Contains(touched, id) {
				continue
			}
			award := r.award(award, len(related) > 1)
			award.Lot = lots.of(id)
			list = merged(list, award)
		}
	}
	r.bids(list, lots)
	return list
}

// spoken are the awards that the release says anything of, itself or by their
// contracts, as they are known. What only has an id, as where publishers amend a
// part of a contract, says nothing.
func (r *release) spoken(all tree.Nodes) []tree.Nodes {
	var list []tree.Nodes
	for _, award := range r.said.At("awards").Each() {
		if says(award, "status", "finalStatus", "date", "value", "suppliers", "relatedLots") {
			list = append(list, orSelf(find(all, award.At("id").Raw()), award))
		}
	}
	for _, contract := range r.said.At("contracts").Each() {
		if says(contract, "status", "finalStatus", "dateSigned", "value", "suppliers", "relatedLots") {
			contract = orSelf(find(r.all.At("contracts"), contract.At("id").Raw()), contract)
			list = append(list, orSelf(find(all, contract.At("awardID").Raw()), contract))
		}
	}
	return list
}

// alone are contracts whose award is not known.
func (r *release) alone(awards tree.Nodes) []tree.Nodes {
	var list []tree.Nodes
	for _, contract := range r.all.At("contracts").Each() {
		if find(awards, contract.At("awardID").Raw()) == nil {
			list = append(list, contract)
		}
	}
	return list
}

func orSelf(found, self tree.Nodes) tree.Nodes {
	if found != nil {
		return found
	}
	return self
}

// lotsOf are the ids of the lots that an award is of; one that names none is of
// the whole, "".
func lotsOf(award tree.Nodes) []string {
	if lots := award.Among("relatedLots", "relatedLot").Texts(); len(lots) > 0 {
		return lots
	}
	return []string{""}
}

// award reads an award with its contracts, or a contract alone. An amount for
// several lots together is not that of any.
func (r *release) award(award tree.Nodes, shared bool) vigie.LotAward {
	a := vigie.LotAward{
		Outcome: vigie.LotAwarded,
		Amount:  money(orSelf(award.At("value"), award.At("maximumValue"))),
		Day:     day(cmp.Or(award.At("date").Raw(), award.At("dateSigned").Raw())),
	}
	var contracts []tree.Nodes
	for _, contract := range r.all.At("contracts").Each() {
		if id := award.At("id").Raw(); id != "" && contract.At("awardID").Raw() == id {
			contracts = append(contracts, contract)
		}
	}
	if len(contracts) == 1 {
		if value := money(contracts[0].At("value")); value != (vigie.Money{}) {
			a.Amount = value
		}
		if signed := day(contracts[0].At("dateSigned").Raw()); signed != "" {
			a.Day = signed
		}
	}
	for _, status := range award.Among("status", "finalStatus").Texts() {
		// A contract that is cancelled was awarded.
		if isEnd(status) && !says(award, "awardID") {
			a.Outcome, a.Amount = vigie.LotUnawarded, vigie.Money{}
		}
	}
	if shared {
		a.Amount = vigie.Money{}
	}
	if a.Outcome == vigie.LotUnawarded {
		return a
	}
	for _, supplier := range award.At("suppliers").Each() {
		if w, ok := r.winner(supplier); ok && !slices.Contains(a.Winners, w) && len(a.Winners) < ingest.MaxWinners {
			a.Winners = append(a.Winners, w)
		}
	}
	return a
}

// merged adds an award. Several of one lot are of several winners, as for a
// framework, and their amounts add up; one that failed counts for nothing beside
// one that did not.
func merged(list []vigie.LotAward, award vigie.LotAward) []vigie.LotAward {
	i := slices.IndexFunc(list, func(a vigie.LotAward) bool { return a.Lot == award.Lot })
	switch {
	case i < 0:
		return append(list, award)
	case award.Outcome == vigie.LotUnawarded:
		return list
	case list[i].Outcome == vigie.LotUnawarded:
		list[i] = award
		return list
	}
	a := &list[i]
	for _, w := range award.Winners {
		if !slices.Contains(a.Winners, w) && len(a.Winners) < ingest.MaxWinners {
			a.Winners = append(a.Winners, w)
		}
	}
	a.Amount, a.Day = sum(a.Amount, award.Amount), max(a.Day, award.Day)
	return list
}

// sum adds amounts, where both are known and of one currency; else nothing is.
func sum(a, b vigie.Money) vigie.Money {
	x, ok := a.Cents()
	y, also := b.Cents()
	if !ok || !also || a.Currency != b.Currency {
		return vigie.Money{}
	}
	total, _ := vigie.ParseMoney(fmt.Sprintf("%d.%02d", (x+y)/100, (x+y)%100), a.Currency)
	return total
}

// bids fills in how many bids were received, by the extension for them.
func (r *release) bids(awards []vigie.LotAward, lots numbers) {
	for _, statistic := range r.said.At("bids.statistics").Each() {
		if measure := statistic.At("measure").Raw(); measure != "bids" && measure != "validBids" {
			continue
		}
		count := number(statistic.At("value"))
		for _, id := range lotsOf(statistic) {
			for i := range awards {
				of := awards[i].Lot == lots.of(id) || id == "" && len(awards) == 1
				if of && count >= 0 && count < 100_000 && (awards[i].Bids == nil || statistic.At("measure").Raw() == "bids") {
					awards[i].Bids = new(count)
				}
			}
		}
	}
}
