package boamp

import (
	"strings"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// legacy reads a notice in the form that all families had until the eForms
// came, at the end of 2023, and that the dataset keeps: « Boamp_v230 ».
func legacy(data tree.Nodes) details {
	buyer, object := data.At("IDENTITE"), data.At("OBJET")
	d := details{
		title:       object.At("TITRE_MARCHE").Text(),
		description: object.At("OBJET_COMPLET").Lines(),
		reference: data.Among("CONDITION_ADMINISTRATIVE.REFERENCE_MARCHE",
			"PROCEDURE.CONDITION_ADMINISTRATIVE.REFERENCE_MARCHE", "OBJET.REF_MARCHE", "OBJET.REFERENCE_MARCHE").Text(),
		siret:    ingest.SIRETIn(buyer.At("CODE_IDENT_NATIONAL").Texts()),
		city:     buyer.Under("VILLE").Text(),
		postcode: buyer.Under("CP").Raw(),
		cpv:      ingest.CPVIn(object.Under("PRINCIPAL").Texts()),
		deadline: data.At("CONDITION_DELAI.RECEPT_OFFRES").Raw(),
		links:    data.At("RECTIF").Under("IDWEB").Texts(),
		further:  legacyDetails(data, object, buyer),
	}
	// The first schema has the reference and the lots elsewhere.
	if d.reference == "" {
		d.reference = data.Under("REFERENCE_MARCHE").Text()
	}
	lots := object.At("LOTS.LOT")
	if len(lots) == 0 {
		lots = data.Under("LOT")
	}
	for _, l := range lots.Each() {
		if lot, ok := legacyLot(l); ok {
			d.lots = append(d.lots, lot)
		}
	}
	for _, place := range object.At("LIEU_EXEC_LIVR").Each() {
		if postcode := place.At("CP").Raw(); postcode != "" {
			d.area.AddPostcode(postcode)
		} else if !d.area.AddNUTS(place.At("CODE_NUTS").Raw()) {
			d.area.AddText(place.At("ADRESSE").Text())
		}
	}
	return d
}

// legacyDetails reads what a bidder decides by.
func legacyDetails(data, object, buyer tree.Nodes) vigie.Details {
	d := vigie.Details{
		Value:         euros(object.Among("CARACTERISTIQUES.VALEUR", "AVIS_IMPLIQUE.ACCORD_CADRE.VALEUR", "ACCORD_CADRE.VALEUR")),
		Duration:      legacyDuration(object.At("DUREE_DELAI")),
		DocumentsURL:  firstAddress(append(append(data.Under("URL_DOCUMENT"), buyer.Under("URL_DOCUMENT")...), buyer.Under("URL_PROFIL_ACHETEUR")...)),
		SubmissionURL: firstAddress(data.Under("URL_PARTICIPATION")),
		Awards:        legacyAwards(data.Among("ATTRIBUTION.DECISION")),
	}
	for _, flag := range data.Among("OBJET.AVIS_IMPLIQUE", "PROCEDURE.AVIS_IMPLIQUE").Keys() {
		switch {
		case strings.HasPrefix(flag, "ACCORD_CADRE") && !strings.HasSuffix(flag, "NON"):
			d.Technique = vigie.FrameworkAgreement
		case flag == "SAD":
			d.Technique = vigie.DynamicPurchasingSystem
		}
	}
	for _, n := range data.At("PROCEDURE.CRITERES_ATTRIBUTION.CRITERES_PONDERES.CRITERE").Each() {
		if c := criterion(n.Text(), n.Attribute("POIDS")); c != (vigie.AwardCriterion{}) {
			d.AwardCriteria = append(d.AwardCriteria, c)
		}
	}
	for _, place := range object.At("LIEU_EXEC_LIVR").Each() {
		postcode := place.At("CP").Text()
		if department := ingest.DepartmentOfPostcode(postcode); department != "" {
			d.Places = append(d.Places, vigie.Place{Town: ingest.TownOf(place.At("VILLE").Text()), Postcode: postcode, Department: department, Country: "FR"})
		}
	}
	return d
}

// legacyLot reads a lot; it has one where it has a title.
func legacyLot(n tree.Nodes) (vigie.Lot, bool) {
	l := lot(n.Among("NUM", "NUMERO").Text(), n.Among("INTITULE", "TITRE", "DESCRIPTION").Text())
	if n.Among("INTITULE", "TITRE").Text() != "" {
		l.Description = n.At("DESCRIPTION").Lines()
	}
	l.Value = euros(n.Among("VALEUR", "ESTIMATION"))
	l.CPVCodes = ingest.CPVIn(n.Under("PRINCIPAL").Texts())
	l.Duration = legacyDuration(n.At("DUREE_DELAI"))
	return l, l.Title != ""
}

// legacyDuration reads a number of months or days, or the days between which
// the contract runs.
func legacyDuration(n tree.Nodes) vigie.Duration {
	if months := count(n.At("DUREE_MOIS").Raw(), maxMonths); months > 0 {
		return vigie.Duration{Number: months, Unit: vigie.Months}
	}
	if days := count(n.At("DUREE_JOURS").Raw(), maxMonths*30); days > 0 {
		return vigie.Duration{Number: days, Unit: vigie.Days}
	}
	return vigie.Duration{Start: dayOf(n.At("DATE_DEBUT").Raw()), End: dayOf(n.At("DATE_FIN").Raw())}
}

// legacyAwards read what became of lots.
func legacyAwards(decisions tree.Nodes) []vigie.LotAward {
	var all ingest.Awards
	for _, n := range decisions.Each() {
		more := n.At("RENSEIGNEMENT")
		a := vigie.LotAward{
			Lot:    lotNumber.ReplaceAllString(n.At("NUM_LOT").Text(), ""),
			Amount: euros(append(more.At("MONTANT"), n.At("MONTANT")...)),
			Day:    dayOf(more.At("DATE_ATTRIBUTION").Raw()),
			Bids:   number(more.At("NB_OFFRE_RECU").Raw()),
		}
		for _, holder := range n.At("TITULAIRE").Each() {
			ingest.AddWinner(&a, vigie.Winner{
				Name:  holder.At("DENOMINATION").Text(),
				SIRET: ingest.SIRETIn(holder.At("CODE_IDENT_NATIONAL").Texts()),
				Town:  ingest.TownOf(holder.At("VILLE").Text()),
			})
		}
		if decided(&a, n.Keys()) {
			all.Add(a)
		}
	}
	return all.List()
}
