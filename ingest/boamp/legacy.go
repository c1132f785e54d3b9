package boamp

// legacy reads a notice in the form that all families had until the eForms
// came, at the end of 2023, and that the dataset keeps: « Boamp_v230 ».
func legacy(data nodes) details {
	buyer, object := data.at("IDENTITE"), data.at("OBJET")
	d := details{
		title:       object.at("TITRE_MARCHE").text(),
		description: object.at("OBJET_COMPLET").lines(),
		reference: data.among("CONDITION_ADMINISTRATIVE.REFERENCE_MARCHE",
			"PROCEDURE.CONDITION_ADMINISTRATIVE.REFERENCE_MARCHE", "OBJET.REF_MARCHE", "OBJET.REFERENCE_MARCHE").text(),
		siret:    siretIn(buyer.at("CODE_IDENT_NATIONAL")),
		city:     buyer.under("VILLE").text(),
		postcode: buyer.under("CP").raw(),
		cpv:      cpvIn(object.under("PRINCIPAL")),
		deadline: data.at("CONDITION_DELAI.RECEPT_OFFRES").raw(),
		links:    data.at("RECTIF").under("IDWEB").texts(),
	}
	// The first schema has the reference and the lots elsewhere.
	if d.reference == "" {
		d.reference = data.under("REFERENCE_MARCHE").text()
	}
	lots := object.at("LOTS.LOT")
	if len(lots) == 0 {
		lots = data.under("LOT")
	}
	for _, l := range lots.each() {
		if title := l.among("INTITULE", "TITRE", "DESCRIPTION").text(); title != "" {
			d.lots = append(d.lots, lot(l.among("NUM", "NUMERO").text(), title))
		}
	}
	for _, place := range object.at("LIEU_EXEC_LIVR").each() {
		if postcode := place.at("CP").raw(); postcode != "" {
			d.places.addPostcode(postcode)
		} else if !d.places.addNUTS(place.at("CODE_NUTS").raw()) {
			d.places.addText(place.at("ADRESSE").text())
		}
	}
	return d
}
