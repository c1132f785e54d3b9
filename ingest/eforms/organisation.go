package eforms

import (
	"strings"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// Organisation is one that a notice names. Nothing of the people in it is read.
type Organisation struct {
	Name string
	// SIRET is "" where none is given.
	SIRET          string
	Town, Postcode string
	// Country is ISO 3166-1 alpha-2.
	Country string
	// Department is an INSEE code, "" outside of France.
	Department string
}

// readCompanies finds the organisations by their numbers. The notice describes all who have to do with it, the
// publisher's platform and the court often first, and refers to them.
func (r *reader) readCompanies() {
	r.companies = make(map[string]tree.Nodes)
	for _, organisation := range r.extension.At("Organizations.Organization").Each() {
		for _, id := range organisation.Among("Company.PartyIdentification.ID", "TouchPoint.PartyIdentification.ID").Texts() {
			if id = strings.TrimSpace(id); r.companies[id] == nil {
				r.companies[id] = organisation
			}
		}
	}
}

// findBuyer finds who buys: of several the one of a name, else their leader, else the first.
func (r *reader) findBuyer(name string) Organisation {
	var found, leader tree.Nodes
	for _, id := range r.root.At("ContractingParty.Party.PartyIdentification.ID").Texts() {
		organisation := r.companies[strings.TrimSpace(id)]
		if organisation == nil {
			continue
		}
		if name != "" && strings.EqualFold(r.text(organisation.At("Company.PartyName.Name")), name) {
			return r.organisation(organisation)
		}
		if found == nil {
			found = organisation
		}
		if leader == nil && organisation.At("GroupLeadIndicator").Raw() == "true" {
			leader = organisation
		}
	}
	if leader != nil {
		found = leader
	}
	return r.organisation(found)
}

// organisation reads one.
func (r *reader) organisation(n tree.Nodes) Organisation {
	company := n.At("Company")
	address := company.At("PostalAddress")
	o := Organisation{
		Name:     r.text(company.At("PartyName.Name")),
		SIRET:    ingest.SIRETIn(company.At("PartyLegalEntity.CompanyID").Texts()),
		Town:     ingest.TownOf(address.At("CityName").Text()),
		Postcode: address.At("PostalZone").Raw(),
		Country:  country(address.At("Country.IdentificationCode").Raw()),
	}
	if o.Country == "" && o.SIRET != "" {
		o.Country = "FR"
	}
	if place := (vigie.Place{Country: o.Country}); o.Country != "" && !place.Abroad() {
		o.Department = ingest.DepartmentOfPostcode(o.Postcode)
	}
	return o
}

// winner reads one who gets a contract. Of a person nothing but the name is kept, which is published by law.
func (r *reader) winner(n tree.Nodes) vigie.Winner {
	o := r.organisation(n)
	if n.At("NaturalPersonIndicator").Raw() == "true" && n.At("Company.PartyLegalEntity.CompanyID").Raw() == "" {
		return vigie.Winner{Name: o.Name}
	}
	return vigie.Winner{Name: o.Name, SIRET: o.SIRET, Town: o.Town, Country: o.Country}
}
