package eforms

import (
	"slices"
	"strconv"
	"strings"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// result is what a notice says of who won: lots, tenders for them, who made those, and the contracts that they became,
// which refer to each other by number.
type result struct {
	*reader
	tenders, parties, contracts map[string]tree.Nodes
	// concluded are the contracts that tenders became, won the tenders among them by lot.
	concluded, won map[string][]string
}

// awards reads what became of the lots. A lot whose winner is still to be chosen has no award yet.
func (r *reader) awards(undivided bool) []vigie.LotAward {
	n := r.extension.At("NoticeResult")
	result := result{
		reader: r, tenders: byID(n.At("LotTender")), parties: byID(n.At("TenderingParty")), contracts: byID(n.At("SettledContract")),
		concluded: make(map[string][]string), won: make(map[string][]string),
	}
	result.readContracts(n)
	var all ingest.Awards
	for _, lot := range n.At("LotResult").Each() {
		for _, id := range lotIDs(lot) {
			award, ok := result.award(lot, id)
			if !ok {
				continue
			}
			if award.Lot = lotNumber(id); undivided || id == "" {
				award.Lot = ""
			}
			all.Add(award)
		}
	}
	awards := all.List()
	if undivided && len(awards) == 1 && len(awards[0].Winners) > 0 && awards[0].Amount == (vigie.Money{}) {
		awards[0].Amount = money(n.At("TotalAmount"))
	}
	return awards
}

// readContracts finds which tenders became contracts, and which lots they are for.
func (r *result) readContracts(n tree.Nodes) {
	for _, contract := range n.At("SettledContract").Each() {
		for _, tender := range contract.At("LotTender.ID").Texts() {
			tender = strings.TrimSpace(tender)
			if r.concluded[tender] == nil && r.tenders[tender] != nil {
				for _, lot := range lotIDs(r.tenders[tender]) {
					r.won[lot] = append(r.won[lot], tender)
				}
			}
			r.concluded[tender] = append(r.concluded[tender], contract.At("ID").Raw())
		}
	}
}

// lotIDs are the lots that a result is of, "" alone for one that names none.
func lotIDs(lot tree.Nodes) []string {
	ids := lot.At("TenderLot.ID").Texts()
	if len(ids) == 0 {
		return []string{""}
	}
	return ids
}

// byID finds elements by their numbers.
func byID(n tree.Nodes) map[string]tree.Nodes {
	all := make(map[string]tree.Nodes, len(n))
	for _, element := range n.Each() {
		all[element.At("ID").Raw()] = element
	}
	return all
}

// award reads what became of one lot.
func (r *result) award(lot tree.Nodes, id string) (vigie.LotAward, bool) {
	var a vigie.LotAward
	switch lot.At("TenderResultCode").Raw() {
	case "selec-w":
		a.Outcome = vigie.LotAwarded
	case "clos-nw":
		a.Outcome = vigie.LotUnawarded
		a.Reason = reasons[lot.At("DecisionReason.DecisionReasonCode").Raw()]
		a.Bids = bids(lot)
		return a, true
	default:
		return a, false
	}
	tenders := r.winning(lot, id)
	for _, tender := range tenders {
		r.addWinners(&a, tender)
	}
	if len(tenders) == 1 {
		a.Amount = money(r.tenders[tenders[0]].At("LegalMonetaryTotal.PayableAmount"))
	}
	a.Bids, a.Day = bids(lot), r.day(lot, tenders)
	return a, true
}

// winning are the tenders that won a lot. A result may name all that were made for it: those that became contracts won;
// where none did, those that are ranked first, or all.
func (r *result) winning(lot tree.Nodes, id string) []string {
	if id != "" && len(r.won[id]) > 0 {
		return r.won[id]
	}
	var won, named, first []string
	for _, tender := range lot.At("LotTender.ID").Texts() {
		tender = strings.TrimSpace(tender)
		of := lotIDs(r.tenders[tender])
		if r.tenders[tender] == nil || id != "" && of[0] != "" && !slices.Contains(of, id) {
			continue
		}
		named = append(named, tender)
		if r.tenders[tender].At("RankCode").Raw() == "1" {
			first = append(first, tender)
		}
		if r.concluded[tender] != nil {
			won = append(won, tender)
		}
	}
	switch {
	case len(won) > 0:
		return won
	case len(first) > 0:
		return first
	}
	return named
}

// addWinners adds who made a tender, each once.
func (r *result) addWinners(a *vigie.LotAward, tender string) {
	party := r.parties[r.tenders[tender].At("TenderingParty.ID").Raw()]
	for _, id := range party.At("Tenderer.ID").Texts() {
		ingest.AddWinner(a, r.winner(r.companies[strings.TrimSpace(id)]))
	}
}

// day is when the winner was chosen, or the contract concluded.
func (r *result) day(lot tree.Nodes, tenders []string) string {
	contracts := lot.At("SettledContract.ID").Texts()
	for _, tender := range tenders {
		if len(contracts) == 0 {
			contracts = r.concluded[tender]
		}
	}
	for _, element := range []string{"AwardDate", "IssueDate"} {
		for _, id := range contracts {
			if d := day(r.contracts[strings.TrimSpace(id)].At(element).Raw()); d > firstAward {
				return d
			}
		}
	}
	return ""
}

// firstAward is the day that notices without one have.
const firstAward = "2000-01-01"

// bids is how many were received: all, or those that came electronically, which all must.
func bids(lot tree.Nodes) *int {
	counts := make(map[string]string)
	for _, n := range lot.At("ReceivedSubmissionsStatistics").Each() {
		counts[n.At("StatisticsCode").Raw()] = n.At("StatisticsNumeric").Raw()
	}
	for _, code := range []string{"tenders", "", "t-esubm"} {
		if n, err := strconv.Atoi(counts[code]); err == nil && n >= 0 && n <= maxBids {
			return &n
		}
	}
	return nil
}

const maxBids = 100_000

// reasons are why there is no winner, by the code list « non-award-justification ».
var reasons = map[string]string{
	"all-rej":     "Toutes les offres ou candidatures ont été rejetées.",
	"chan-need":   "Le besoin a changé.",
	"ins-fund":    "Les crédits sont insuffisants.",
	"no-rece":     "Aucune offre ni candidature n’a été reçue.",
	"no-signed":   "Le candidat retenu a refusé de signer le contrat.",
	"one-admis":   "Une seule offre ou candidature était recevable.",
	"other":       "L’acheteur indique un autre motif.",
	"rev-body":    "Un organisme de recours l’a décidé.",
	"rev-buyer":   "L’acheteur l’a décidé à la suite d’une demande de réexamen.",
	"tch-pro-err": "Une erreur technique ou de procédure a été constatée.",
}
