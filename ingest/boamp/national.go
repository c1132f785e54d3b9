package boamp

import (
	"strings"

	"vigie"
)

// national reads a notice in one of the national forms: FNSimple, MAPA, DSP,
// DIVERS. They differ in names more than in shape, and no name means two
// things, so all are looked for.
func national(form nodes) details {
	// What the notice does is between: the call, its correction, the award.
	body := append(form.among("initial", "rectificatif", "attribution"), form...)
	buyer := form.at("organisme")
	d := details{
		title:       body.among("natureMarche.intitule", "description.objet", "descriptionMarche.titreMarche").text(),
		description: body.among("natureMarche.description", "descriptionMarche.description", "caracteristiques.principales").lines(),
		reference:   body.among("communication.identifiantInterne", "renseignements.idMarche").text(),
		siret:       siretIn(buyer.at("codeIdentificationNational")),
		city:        buyer.among("ville", "adr.ville").text(),
		postcode:    buyer.among("cp", "adr.cp").raw(),
		cpv:         cpvIn(form.under("classPrincipale")),
		deadline:    body.among("procedure.dateReceptionOffres", "delais.receptionOffres").raw(),
		links:       body.at("avisInitial.idWeb").texts(),
	}
	for _, key := range body.at("procedure").keys() {
		// procedureAdapteeO in FNSimple, for an open one.
		d.adapted = d.adapted || strings.HasPrefix(key, "procedureAdaptee")
	}
	for _, l := range body.at("lots.lot").each() {
		if title := l.among("intitule", "description").text(); title != "" {
			d.lots = append(d.lots, lot(l.among("numero", "numLot").text(), title))
		}
	}
	d.places.readNational(body)
	if d.deadline == "" {
		if d.deadline = body.among("procedure.dateReceptionCandidatures", "delais.receptionCandidatures").raw(); d.deadline != "" {
			d.deadlineKind = vigie.ForParticipation
		}
	}
	if infos := body.at("infosRectif"); len(infos) > 0 {
		c := readCorrection(infos)
		d.correction, d.deadlineUnclear = c.text, c.unclear
		if c.deadline != "" {
			d.deadline, d.deadlineKind = c.deadline, c.kind
		}
	}
	return d
}

// readNational reads the places of performance of the national forms.
func (p *places) readNational(body nodes) {
	given := body.among("natureMarche.lieuExecution", "description.lieuExecutionLivraison", "descriptionMarche.lieuExecution")
	for _, place := range given.each() {
		if postcode := place.at("cp").raw(); postcode != "" {
			p.addPostcode(postcode)
			continue
		}
		p.addText(place.text())
	}
}
