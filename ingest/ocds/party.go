package ocds

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// buyer is who buys: the buyer, or else who runs the procedure, as the release
// names them, or those before it, or the record. What is said of people is not
// read.
func (r *release) buyer() vigie.BuyerName {
	for _, release := range r.known() {
		for _, role := range []struct{ path, name string }{{"buyer", "buyer"}, {"tender.procuringEntity", "procuringEntity"}} {
			party := r.party(release.At(role.path))
			if party == nil {
				party = withRole(release.At("parties"), role.name)
			}
			if name := nameOf(party); name != "" {
				return buyerName(name, party)
			}
		}
	}
	return vigie.BuyerName{}
}

// party is an organisation as a reference and the party that it means say it
// together; nil for none.
func (r *release) party(reference tree.Nodes) tree.Nodes {
	if len(reference) == 0 {
		return nil
	}
	return append(reference[:1:1], r.parties[reference[:1].At("id").Raw()]...)
}

// withRole returns the first party that has a role.
func withRole(parties tree.Nodes, role string) tree.Nodes {
	for _, party := range parties.Each() {
		if slices.Contains(party.At("roles").Texts(), role) {
			return party
		}
	}
	return nil
}

func nameOf(party tree.Nodes) string {
	return cmp.Or(party.At("name").Text(), party.At("identifier.legalName").Text())
}

// buyerName describes a buyer. Its reference is an identifier of a register, for
// a party's own id may be a number within the release.
func buyerName(name string, party tree.Nodes) vigie.BuyerName {
	b := vigie.BuyerName{Name: name, SIRET: siret(party)}
	identifier := party.At("identifier")
	scheme, id := identifier.At("scheme").Text(), identifier.At("id").Text()
	if b.SIRET == "" && scheme != "" && id != "" {
		b.Ref = ingest.Shorten(scheme+"-"+id, ingest.MaxRef)
	}
	address := party.At("address")
	b.City = address.At("locality").Text()
	if p := place(address); !p.Abroad() {
		b.DepartmentCode = p.Department
	}
	return b
}

// siret is the French number of an establishment among identifiers. Registers
// are named as org-id.guide does, FR-RCS or FR-SIRET, or « SIRET ».
func siret(party tree.Nodes) string {
	for _, identifier := range party.Among("identifier", "additionalIdentifiers").Each() {
		if scheme := strings.ToUpper(identifier.At("scheme").Raw()); strings.HasPrefix(scheme, "FR-") || strings.Contains(scheme, "SIRET") {
			if number := ingest.SIRETIn(identifier.At("id").Texts()); number != "" {
				return number
			}
		}
	}
	return ""
}

// winner is who gets a contract.
func (r *release) winner(supplier tree.Nodes) vigie.Winner {
	party := r.party(supplier)
	address := party.At("address")
	return vigie.Winner{
		Name: nameOf(party), SIRET: siret(party),
		Town: address.At("locality").Text(), Country: place(address).Country,
	}
}

// place reads an address. Publishers have a code of the regions of Europe in
// « region », and a country in « country », « countryCode » or the code of its
// region.
func place(address tree.Nodes) vigie.Place {
	p := vigie.Place{
		Town:     address.At("locality").Text(),
		Postcode: address.At("postalCode").Text(),
	}
	if region := strings.ToUpper(address.At("region").Raw()); nutsShape.MatchString(region) {
		p.NUTS = region
	}
	for _, code := range append(address.Among("country", "countryCode").Texts(), p.NUTS[:min(len(p.NUTS), 2)]) {
		if code = strings.ToUpper(strings.TrimSpace(code)); countryShape.MatchString(code) {
			p.Country = vigie.CountryOfNUTS(code)
			break
		}
	}
	if !p.Abroad() && (p.Country != "" || p.NUTS != "") {
		p.Department = ingest.DepartmentOfPostcode(p.Postcode)
		if area := new(ingest.Area); p.Department == "" && area.AddNUTS(p.NUTS) && len(area.Departments) == 1 {
			p.Department = area.Departments[0]
		}
	}
	return p
}

var (
	nutsShape    = regexp.MustCompile(`^[A-Z]{2}[0-9A-Z]{0,3}$`)
	countryShape = regexp.MustCompile(`^[A-Z]{2}$`)
)

// places fills in where the contract is performed; where a call does not say it
// and the buyer is not in France, its country.
func (r *release) places(n *vigie.Notice) {
	paths := []string{"items", "lots", "deliveryAddress", "deliveryAddresses", "deliveryLocation", "deliveryLocations"}
	all := r.all.At("tender")
	var places []vigie.Place
	if says(r.said.At("tender"), paths...) {
		places = placesOf(append(all.Among("items", "lots"), all...))
	}
	home := place(r.party(r.said.At("buyer")).At("address"))
	if call := n.Kind == vigie.ContractNotice || n.Kind == vigie.Planning; call && len(places) == 0 && home.Abroad() {
		places = []vigie.Place{{Country: home.Country}}
	}
	n.Content.Details.Places = places
	var area ingest.Area
	for _, p := range places {
		switch {
		case p.Abroad():
		case p.Department != "":
			area.Add(p.Department)
		default:
			area.AddNUTS(p.NUTS)
		}
	}
	if !area.Nationwide {
		n.Content.Departments = vigie.Sorted(area.Departments)
	}
}

// placesOf are where objects are delivered, each once.
func placesOf(objects tree.Nodes) []vigie.Place {
	var places []vigie.Place
	add := func(p vigie.Place) {
		if p != (vigie.Place{}) && !slices.Contains(places, p) && len(places) < ingest.MaxPlaces {
			places = append(places, p)
		}
	}
	for _, object := range objects.Each() {
		// Some publishers have the country in an object of its own.
		var whole vigie.Place
		addresses := object.Among("deliveryAddress", "deliveryAddresses").Each()
		for _, address := range addresses {
			if p := place(address); p == (vigie.Place{Country: p.Country}) && len(addresses) > 1 {
				whole = p
				continue
			}
			add(place(address))
		}
		if !slices.ContainsFunc(places, func(p vigie.Place) bool { return p.Country == whole.Country }) {
			add(whole)
		}
	}
	for _, gazetteer := range objects.Among("deliveryLocation.gazetteer", "deliveryLocations.gazetteer").Each() {
		if !strings.Contains(strings.ToUpper(gazetteer.At("scheme").Raw()), "NUTS") {
			continue
		}
		for _, code := range gazetteer.At("identifiers").Texts() {
			add(place(tree.Nodes{map[string]any{"region": code}}))
		}
	}
	return places
}
