package boamp

import (
	"strings"

	"vigie"
	"vigie/ingest"
)

// kind says what a notice does, from its nature and its state (« etat »).
//
// A notice about the result stays an award, in every state: an award that
// is corrected or withdrawn does not open the tender to bids again. A nature
// RECTIFICATIF or ANNULATION is how national notices say it; European ones
// restate the whole with their nature unchanged, and say it by the state.
func kind(nature, state string) vigie.NoticeKind {
	nature, state = strings.ToUpper(nature), strings.ToUpper(state)
	if code, ok := natureByLabel[ingest.Letters(nature)]; ok {
		nature = code
	}
	switch nature {
	case "ATTRIBUTION", // the contract is awarded, or was not
		"INTENTION_CONCLURE", "EX_ANTE_VOLONTAIRE", // it will be, to the one named
		"MODIFICATION": // it was, and changes
		return vigie.Award
	}
	switch {
	case state == "ANNULATION" || state == "AVIS_ANNULE" || nature == "ANNULATION":
		return vigie.Cancellation
	case nature == planning:
		return vigie.Planning
	case state == "RECTIFICATIF" || state == "MODIFICATION" || nature == "RECTIFICATIF":
		return vigie.Correction
	}
	return vigie.ContractNotice
}

// natureByLabel has the natures as « nature_categorise » and « nature_libelle »
// name them, where those are written in another way.
var natureByLabel = map[string]string{
	"resultatdemarche":             "ATTRIBUTION",
	"avisdattribution":             "ATTRIBUTION",
	"avisdemodification":           "MODIFICATION",
	"intentiondeconclure":          "INTENTION_CONCLURE",
	"avisdintentiondeconclure":     "INTENTION_CONCLURE",
	"transparenceexantevolontaire": "EX_ANTE_VOLONTAIRE",
	"exantevolontaire":             "EX_ANTE_VOLONTAIRE",
	"avisrectificatif":             "RECTIFICATIF",
	"avisdannulation":              "ANNULATION",
	"preinformation":               planning,
	"avisdepreinformation":         planning,
	"periodique":                   planning,
	"avisperiodiqueindicatif":      planning,
}

// planning is the nature of a notice about what may be bought later: it cannot
// be answered.
const planning = "PRE-INFORMATION"

// procedure says how the buyer chooses, from « type_procedure ».
func procedure(name string) vigie.Procedure {
	name = strings.ToUpper(name)
	switch {
	case name == "":
		return ""
	case strings.HasPrefix(name, "OUVERT"):
		return vigie.OpenProcedure
	case strings.HasPrefix(name, "RESTREINT"):
		return vigie.Restricted
	case strings.Contains(name, "NEGOCIE"):
		return vigie.Negotiated
	case name == "DIALOGUE_COMPETITIF":
		return vigie.CompetitiveDialogue
	case strings.HasPrefix(name, "PROCEDURE_ADAPTE"): // with one E or two
		return vigie.Adapted
	}
	return vigie.OtherProcedure
}

// natures says what is bought, from « type_marche ».
func natures(names []string) []vigie.Nature {
	var list []vigie.Nature
	for _, name := range names {
		switch strings.ToUpper(name) {
		case "TRAVAUX":
			list = append(list, vigie.Works)
		case "FOURNITURES":
			list = append(list, vigie.Supplies)
		case "SERVICES":
			list = append(list, vigie.Services)
		}
	}
	return vigie.Sorted(list)
}
