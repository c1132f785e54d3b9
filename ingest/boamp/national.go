package boamp

import (
	"cmp"
	"strings"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// national reads a notice in one of the national forms: FNSimple, MAPA, DSP,
// DIVERS. They differ in names more than in shape, and no name means two
// things, so all are looked for.
func national(form tree.Nodes) details {
	// What the notice does is between: the call, its correction, the award.
	body := append(form.Among("initial", "rectificatif", "attribution"), form...)
	buyer := form.At("organisme")
	d := details{
		title:       body.Among("natureMarche.intitule", "description.objet", "descriptionMarche.titreMarche").Text(),
		description: body.Among("natureMarche.description", "descriptionMarche.description", "caracteristiques.principales").Lines(),
		reference:   body.Among("communication.identifiantInterne", "renseignements.idMarche").Text(),
		siret:       ingest.SIRETIn(buyer.At("codeIdentificationNational").Texts()),
		city:        buyer.Among("ville", "adr.ville").Text(),
		postcode:    buyer.Among("cp", "adr.cp").Raw(),
		cpv:         ingest.CPVIn(form.Under("classPrincipale").Texts()),
		natures:     natures(body.Among("natureMarche", "natureMarche.natureMarche").Keys()),
		deadline:    body.Among("procedure.dateReceptionOffres", "delais.receptionOffres").Raw(),
		links:       body.At("avisInitial.idWeb").Texts(),
	}
	for _, key := range body.At("procedure").Keys() {
		// procedureAdapteeO in FNSimple, for an open one.
		d.adapted = d.adapted || strings.HasPrefix(key, "procedureAdaptee")
	}
	for _, l := range body.At("lots.lot").Each() {
		if lot, ok := nationalLot(l); ok {
			d.lots = append(d.lots, lot)
		}
	}
	readNational(&d.area, body)
	if d.deadline == "" {
		if d.deadline = body.Among("procedure.dateReceptionCandidatures", "delais.receptionCandidatures").Raw(); d.deadline != "" {
			d.deadlineKind = vigie.ForParticipation
		}
	}
	d.further = nationalDetails(form, body, buyer)
	if infos := body.At("infosRectif"); len(infos) > 0 {
		c := readCorrection(infos)
		d.correction, d.deadlineUnclear = c.text, c.unclear
		if c.deadline != "" {
			d.deadline, d.deadlineKind = c.deadline, c.kind
		}
	}
	return d
}

// placesOf are where a contract of a national form, or a lot of it, is performed.
func placesOf(body tree.Nodes) tree.Nodes {
	return body.Among("natureMarche.lieuExecution", "description.lieuExecutionLivraison", "descriptionMarche.lieuExecution")
}

// readNational reads the departments of the places of performance.
func readNational(area *ingest.Area, body tree.Nodes) {
	for _, place := range placesOf(body).Each() {
		if postcode := place.At("cp").Raw(); postcode != "" {
			area.AddPostcode(postcode)
			continue
		}
		area.AddText(place.Text())
	}
}

// nationalDetails reads what a bidder decides by.
func nationalDetails(form, body, buyer tree.Nodes) vigie.Details {
	return vigie.Details{
		Value:         euros(body.Among("natureMarche.valeurEstimee", "natureMarche.estimationValeur", "descriptionMarche.valeurEstimee", "caracteristiques.valeurEstimee")),
		Duration:      nationalDuration(body.Among("natureMarche", "duree", "descriptionMarche")),
		Technique:     nationalTechnique(body.At("procedure.techAchat").Keys()),
		DocumentsURL:  firstAddress(append(body.Among("communication.urlDocConsul", "communication.urlProfilAch"), buyer.At("urlProfilAcheteur")...)),
		Places:        nationalPlaces(placesOf(body)),
		Reserved:      isSaid(body.At("natureMarche.reservationMarche").Keys()),
		AwardCriteria: weighted(body.At("criteres.criterePondere"), "critere", "criterePCT"),
		Awards:        nationalAwards(form.Under("decision")),
	}
}

// nationalLot reads a lot; it has one where it has a title.
func nationalLot(n tree.Nodes) (vigie.Lot, bool) {
	l := lot(n.Among("numero", "numLot").Text(), n.Among("intitule", "description").Text())
	if n.At("intitule").Text() != "" {
		l.Description = n.At("description").Lines()
	}
	l.Value = euros(n.Among("estimationValeur", "valeurEstimee"))
	l.CPVCodes = ingest.CPVIn(n.Under("classPrincipale").Texts())
	l.Duration = nationalDuration(append(n, n.At("duree")...))
	l.Places = nationalPlaces(n.Among("lieuExecution", "lieuExecutionLivraison"))
	return l, l.Title != ""
}

// nationalDuration reads a number of months, or of days.
func nationalDuration(n tree.Nodes) vigie.Duration {
	if months := count(n.Among("dureeMois", "nbMois").Raw(), maxMonths); months > 0 {
		return vigie.Duration{Number: months, Unit: vigie.Months}
	}
	if days := count(n.Among("dureeJours", "nbJours").Raw(), maxMonths*30); days > 0 {
		return vigie.Duration{Number: days, Unit: vigie.Days}
	}
	return vigie.Duration{}
}

// nationalTechnique tells by its flags whether there is a framework or a
// dynamic purchasing system.
func nationalTechnique(flags []string) vigie.Technique {
	for _, flag := range flags {
		switch letters := ingest.Letters(flag); {
		case strings.HasPrefix(letters, "accordcadre"):
			return vigie.FrameworkAgreement
		case letters == "sad", strings.HasPrefix(letters, "systacqdyn"), strings.HasPrefix(letters, "systemeacquisitiondyn"):
			return vigie.DynamicPurchasingSystem
		case letters == "sansobjet":
			return vigie.OwnContract
		}
	}
	return ""
}

// isSaid reports whether flags say anything else than no.
func isSaid(flags []string) bool {
	for _, flag := range flags {
		if flag != "non" && !strings.HasPrefix(flag, "@") && flag != "#text" {
			return true
		}
	}
	return false
}

// nationalPlaces are the places that are towns with their postcodes, in fields
// or as a text: « 25660 SAONE ».
func nationalPlaces(given tree.Nodes) []vigie.Place {
	var places []vigie.Place
	for _, n := range given.Each() {
		postcode, town := n.At("cp").Text(), n.At("ville").Text()
		if postcode == "" {
			if found := postcodeAndTown.FindStringSubmatch(n.Text()); found != nil {
				postcode, town = found[1], found[2]
			}
		}
		if department := ingest.DepartmentOfPostcode(postcode); department != "" {
			places = append(places, vigie.Place{Town: ingest.TownOf(town), Postcode: postcode, Department: department, Country: "FR"})
		}
	}
	return places
}

// weighted are award criteria with weights of percent.
func weighted(given tree.Nodes, name, weight string) []vigie.AwardCriterion {
	var list []vigie.AwardCriterion
	for _, n := range given.Each() {
		if c := criterion(n.At(name).Text(), n.At(weight).Raw()); c != (vigie.AwardCriterion{}) {
			list = append(list, c)
		}
	}
	return list
}

// criterion is an award criterion; of its kinds only the price tells itself.
func criterion(name, percent string) vigie.AwardCriterion {
	c := vigie.AwardCriterion{Name: name}
	if strings.HasPrefix(ingest.Letters(name), "prix") {
		c.Kind = vigie.PriceCriterion
	}
	percent = strings.Replace(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(percent), "%")), ",", ".", 1)
	if percentage.MatchString(percent) {
		c.Weight, c.Unit = percent, vigie.Percent
	}
	return c
}

// nationalAwards read what became of lots.
func nationalAwards(decisions tree.Nodes) []vigie.LotAward {
	var all ingest.Awards
	for _, n := range decisions.Each() {
		more := append(n, n.At("renseignement")...)
		a := vigie.LotAward{
			Lot:    lotNumber.ReplaceAllString(n.Among("numLot", "numeroLot").Text(), ""),
			Amount: euros(more.Among("montant", "montantHT", "valeur")),
			Day:    dayOf(more.Among("dateAttribution", "dateNotification").Raw()),
			Bids:   number(more.Among("nbOffresRecues", "nbOffreRecu", "nbOffres").Raw()),
		}
		for _, holder := range n.Among("titulaire", "titulaires.titulaire").Each() {
			ingest.AddWinner(&a, vigie.Winner{
				Name:  cmp.Or(holder.Among("denomination", "nomOfficiel", "raisonSociale", "personneMorale", "PersonneMorale").Text(), holder.Text()),
				SIRET: ingest.SIRETIn(holder.Among("siret", "codeIdentificationNational").Texts()),
				Town:  ingest.TownOf(holder.Among("ville", "adr.ville").Text()),
			})
		}
		if decided(&a, n.Keys()) {
			all.Add(a)
		}
	}
	return all.List()
}
