package boamp

import (
	"slices"
	"testing"

	"vigie"
)

func TestKind(t *testing.T) {
	for _, test := range []struct {
		nature, state string
		want          vigie.NoticeKind
	}{
		{"APPEL_OFFRE", "INITIAL", vigie.ContractNotice},
		{"APPEL_OFFRE", "RECTIFICATIF", vigie.Correction},
		{"APPEL_OFFRE", "MODIFICATION", vigie.Correction},
		{"APPEL_OFFRE", "ANNULATION", vigie.Cancellation},
		{"APPEL_OFFRE", "AVIS_ANNULE", vigie.Cancellation},
		{"RECTIFICATIF", "INITIAL", vigie.Correction},
		{"RECTIFICATIF", "ANNULATION", vigie.Cancellation},
		{"ANNULATION", "INITIAL", vigie.Cancellation},
		{"ATTRIBUTION", "INITIAL", vigie.Award},
		{"ATTRIBUTION", "RECTIFICATIF", vigie.Award},
		{"ATTRIBUTION", "ANNULATION", vigie.Award},
		{"INTENTION_CONCLURE", "INITIAL", vigie.Award},
		{"EX_ANTE_VOLONTAIRE", "INITIAL", vigie.Award},
		{"MODIFICATION", "INITIAL", vigie.Award},
		{"attribution", "initial", vigie.Award},
		{"PRE-INFORMATION", "INITIAL", vigie.Planning},
		{"PERIODIQUE", "INITIAL", vigie.Planning},
		{"QUALIFICATION", "INITIAL", vigie.ContractNotice},
		{"", "", vigie.ContractNotice},
	} {
		if got := kind(test.nature, test.state); got != test.want {
			t.Errorf("kind(%q, %q) = %s, want %s", test.nature, test.state, got, test.want)
		}
	}
}

func TestProcedure(t *testing.T) {
	for name, want := range map[string]vigie.Procedure{
		"":                    "",
		"OUVERT":              vigie.OpenProcedure,
		"ouvert":              vigie.OpenProcedure,
		"RESTREINT":           vigie.Restricted,
		"NEGOCIE":             vigie.Negotiated,
		"PROCEDURE_NEGOCIE":   vigie.Negotiated,
		"PROCEDURE_NEGOCIEE":  vigie.Negotiated,
		"DIALOGUE_COMPETITIF": vigie.CompetitiveDialogue,
		"PROCEDURE_ADAPTE":    vigie.Adapted,
		"PROCEDURE_ADAPTEE":   vigie.Adapted,
		"CONCOURS_OUVERT":     vigie.OtherProcedure,
		"CONCOURS_RESTREINT":  vigie.OtherProcedure,
		"AUTRE":               vigie.OtherProcedure,
	} {
		if got := procedure(name); got != want {
			t.Errorf("procedure(%q) = %s, want %s", name, got, want)
		}
	}
}

func TestNatures(t *testing.T) {
	got := natures([]string{"TRAVAUX", "Services", "AUTRE", "SERVICES", "FOURNITURES"})
	if want := []vigie.Nature{vigie.Services, vigie.Supplies, vigie.Works}; !slices.Equal(got, want) {
		t.Errorf("natures = %v, want %v", got, want)
	}
}

func TestLot(t *testing.T) {
	for _, test := range []struct {
		number, title string
		want          vigie.Lot
	}{
		{"", "Peinture", vigie.Lot{Title: "Peinture"}},
		{"3", "Peinture", vigie.Lot{Number: "3", Title: "Peinture"}},
		{"03", "Peinture", vigie.Lot{Number: "3", Title: "Peinture"}},
		{"Lot n° 03", "Peinture", vigie.Lot{Number: "3", Title: "Peinture"}},
		{"3", "Lot n°3 : Peinture", vigie.Lot{Number: "3", Title: "Peinture"}},
		{"3", "Lot n°4 : Peinture", vigie.Lot{Number: "3", Title: "Lot n°4 : Peinture"}},
		{"", "Lot n° 02 - Peinture", vigie.Lot{Number: "2", Title: "Peinture"}},
		{"", "LOT 2A : Peinture", vigie.Lot{Number: "2A", Title: "Peinture"}},
		{"", "2 : Peinture", vigie.Lot{Number: "2", Title: "Peinture"}},
		{"", "3 - 5 ans", vigie.Lot{Title: "3 - 5 ans"}},
		{"", "1.5 tonne", vigie.Lot{Title: "1.5 tonne"}},
		{"", "Secteur nord : mairie", vigie.Lot{Title: "Secteur nord : mairie"}},
		{"", "Lot 01.3 - Menuiserie", vigie.Lot{Number: "1.3", Title: "Menuiserie"}},
		{"", "Lot 1-2 : Peinture", vigie.Lot{Number: "1-2", Title: "Peinture"}},
		{"", "Lot 2, 3 et 4 : VRD", vigie.Lot{Number: "2, 3 et 4", Title: "VRD"}},
		{"", "8:00 à 17:00 gardiennage", vigie.Lot{Title: "8:00 à 17:00 gardiennage"}},
		{"", "Lot 1 - 2 classes", vigie.Lot{Title: "Lot 1 - 2 classes"}},
		{"", "Lot 3 - 24h/24", vigie.Lot{Title: "Lot 3 - 24h/24"}},
		{"1", "Lot 1-2 : Peinture", vigie.Lot{Number: "1", Title: "Lot 1-2 : Peinture"}},
		{"Lots", "Peinture", vigie.Lot{Number: "Lots", Title: "Peinture"}},
	} {
		if got := lot(test.number, test.title); !got.Equal(test.want) {
			t.Errorf("lot(%q, %q) = %v, want %v", test.number, test.title, got, test.want)
		}
	}
}
