package ocds

import (
	"cmp"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// awards are what became of the lots that the release speaks of: for each lot all
// that is known of it, for the fold of notices replaces a lot's award.
func (r *release) awards(lots numbers) []vigie.LotAward {
	all := r.all.At("awards")
	known, contracts := by(all, "id"), by(r.all.At("contracts"), "awardID")
	touched := make(map[string]bool)
	for _, award := range r.spoken(known) {
		for _, lot := range lotsOf(award) {
			touched[lot] = true
		}
	}
	list := all.Each()
	for _, contract := range r.all.At("contracts").Each() { // whose award is not known
		if known[contract.At("awardID").Raw()] == nil {
			list = append(list, contract)
		}
	}
	var awards ingest.Awards
	for _, award := range list {
		related := lotsOf(award)
		for _, lot := range related {
			if touched[lot] {
				a := r.award(award, contracts[award.At("id").Raw()], len(related) > 1)
				a.Lot = lots.of(lot)
				awards.Add(a)
			}
		}
	}
	r.bids(awards.List(), lots)
	return awards.List()
}

// spoken are the awards that the release says anything of, itself or by their
// contracts, as they are known. What only has an id, as where publishers amend a
// part of a contract, says nothing.
func (r *release) spoken(known map[string]tree.Nodes) []tree.Nodes {
	var list []tree.Nodes
	for _, award := range r.said.At("awards").Each() {
		if says(award, "status", "finalStatus", "date", "value", "suppliers", "relatedLots") {
			list = append(list, orSelf(known[award.At("id").Raw()], award))
		}
	}
	contracts := by(r.all.At("contracts"), "id")
	for _, contract := range r.said.At("contracts").Each() {
		if says(contract, "status", "finalStatus", "dateSigned", "value", "suppliers", "relatedLots") {
			contract = orSelf(contracts[contract.At("id").Raw()], contract)
			list = append(list, orSelf(known[contract.At("awardID").Raw()], contract))
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
func (r *release) award(award, contracts tree.Nodes, shared bool) vigie.LotAward {
	a := vigie.LotAward{
		Outcome: vigie.LotAwarded,
		Amount:  money(orSelf(award.At("value"), award.At("maximumValue"))),
		Day:     day(cmp.Or(award.At("date").Raw(), award.At("dateSigned").Raw())),
	}
	if len(contracts) == 1 {
		if value := money(contracts.At("value")); value != (vigie.Money{}) {
			a.Amount = value
		}
		if signed := day(contracts.At("dateSigned").Raw()); signed != "" {
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
		ingest.AddWinner(&a, r.winner(supplier))
	}
	return a
}

// bids fills in how many bids were received, by the extension for them.
func (r *release) bids(awards []vigie.LotAward, lots numbers) {
	at := make(map[string]int, len(awards))
	for i, a := range awards {
		at[a.Lot] = i
	}
	for _, statistic := range r.said.At("bids.statistics").Each() {
		measure, count := statistic.At("measure").Raw(), number(statistic.At("value"))
		if measure != "bids" && measure != "validBids" || count < 0 || count >= 100_000 {
			continue
		}
		for _, id := range lotsOf(statistic) {
			i, known := at[lots.of(id)]
			if id == "" && len(awards) == 1 {
				i, known = 0, true
			}
			if known && (awards[i].Bids == nil || measure == "bids") {
				awards[i].Bids = &count
			}
		}
	}
}
