package boamp

import (
	"testing"

	"vigie"
)

func TestDeadlineInProse(t *testing.T) {
	const wanted = "2026-12-14T12:00"
	for _, test := range []struct {
		text    string
		clock   string
		kind    vigie.DeadlineKind
		unclear bool
	}{
		{"Date limite de remise des offres : au lieu de 30/11/2026 à 12h00, lire 14/12/2026 à 12h00", wanted, "", false},
		{"Date limite de réception des offres : Au lieu de lire : 30/11/2026 à 12h00. Il faut lire : 14/12/2026 à 12h00", wanted, "", false},
		{"La date limite de remise des plis est reportée au lundi 14 décembre 2026 à 12 heures.", wanted, "", false},
		{"La date limite de dépôt des offres, initialement fixée au 30/11/2026 à 12h, est repoussée au 14.12.26 à 12:00.", wanted, "", false},
		{"La remise des offres est reportée du 30 novembre 2026 à 12h00 au 14 décembre 2026 à 12h00", wanted, "", false},
		{"La date de réception des plis est prolongée jusqu’au 14/12/2026 à midi", wanted, "", false},
		{"Date limite de réception des offres : 14/12/2026 - 12h00", wanted, "", false},
		{"La date limite de réception des candidatures est reportée au 14/12/2026 à 12h00", wanted, vigie.ForParticipation, false},
		{"Date limite des questions : lire 02/12/2026 à 12h00. Remise des offres : lire 14/12/2026 à 12h00.", wanted, "", false},
		{"Nouvelle date limite de remise des offres : 1er décembre 2026 à 9h30", "2026-12-01T09:30", "", false},

		// Nothing of the deadline, or that it stays.
		{"Le règlement de la consultation est complété.", "", "", false},
		{"La date limite de remise des offres reste inchangée.", "", "", false},
		{"La date limite pour poser des questions est reportée au 02/12/2026 à 12h00.", "", "", false},
		{"Une visite est possible le 02/12/2026 à 12h00.", "", "", false},

		// The deadline, but not when.
		{"La date limite de remise des offres est reportée.", "", "", true},
		{"La date limite de remise des offres du 30/11/2026 à 12h00 est reportée.", "", "", true},
		{"La date limite de remise des offres est reportée au 14 décembre 2026.", "", "", true},
		{"La date limite de remise des offres est reportée au 14 décembre à 12h00.", "", "", true},
		{"La date limite de remise des offres est reportée au 14/12/2026 à 12h00 (heure locale).", "", "", true},
		{"Lot 1 : remise des offres reportée au 14/12/2026 à 12h00. Lot 2 : remise des offres reportée au 15/12/2026 à 12h00.", "", "", true},
		{"La date limite de remise des offres est reportée au 31/02/2026 à 12h00.", "", "", true},
	} {
		clock, kind, unclear := deadlineInProse(test.text)
		if clock != test.clock || kind != test.kind || unclear != test.unclear {
			t.Errorf("%s\n got %q, %q, unclear %v\nwant %q, %q, unclear %v", test.text, clock, kind, unclear, test.clock, test.kind, test.unclear)
		}
	}
}
