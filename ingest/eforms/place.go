package eforms

import (
	"regexp"
	"strings"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// addresses are where the contract is performed, of all and of lots.
func (r *reader) addresses() []tree.Nodes {
	all := r.project.At("RealizedLocation.Address").Each()
	for _, l := range r.lots {
		all = append(all, l.At("ProcurementProject.RealizedLocation.Address").Each()...)
	}
	return all
}

// anywhere reports whether an address stands for a whole country, or more.
func anywhere(address tree.Nodes) bool {
	switch address.At("Region").Raw() {
	case "anyw", "anyw-cou", "anyw-eea": // anywhere, in the country, in Europe
		return true
	}
	return false
}

// addArea adds what an address says of France. A postcode tells more than a region's code, and less surely than a
// department's.
func (r *reader) addArea(area *ingest.Area, address tree.Nodes) {
	p, code := r.place(address), address.At("CountrySubentityCode").Raw()
	switch {
	case p.Abroad():
	case anywhere(address):
		area.Nationwide = true
	case len(code) == 5 && area.AddNUTS(code):
	case ingest.DepartmentOfPostcode(p.Postcode) != "":
		area.AddPostcode(p.Postcode)
	default:
		area.AddNUTS(code)
	}
}

// place reads one address; it is the zero Place where it says nothing.
func (r *reader) place(address tree.Nodes) vigie.Place {
	p := vigie.Place{Country: country(address.At("Country.IdentificationCode").Raw())}
	if anywhere(address) {
		return p
	}
	if code := strings.ToUpper(address.At("CountrySubentityCode").Raw()); nutsPattern.MatchString(code) {
		if p.Country == "" {
			p.Country = countryOfNUTS(code)
		}
		if len(code) > 2 {
			p.NUTS = code
		}
	}
	p.Town, p.Postcode = address.At("CityName").Text(), address.At("PostalZone").Text()
	if seat := (vigie.Place{Country: r.buyer.Country}); p.Country == "" && p != (vigie.Place{}) && seat.Abroad() {
		p.Country = seat.Country // 7435 is of Luxembourg there, and not of the Ardèche
	}
	if p.Abroad() {
		return p
	}
	p.Town = ingest.TownOf(p.Town)
	p.Department = ingest.DepartmentOfPostcode(p.Postcode)
	if len(p.NUTS) == 5 {
		var area ingest.Area
		if area.AddNUTS(p.NUTS) {
			p.Department = area.List()[0]
		}
	}
	return p
}

var nutsPattern = regexp.MustCompile(`^[A-Z]{2}[0-9A-Z]{0,3}$`)

// distinctPlaces are those of addresses, each once.
func (r *reader) distinctPlaces(addresses []tree.Nodes) []vigie.Place {
	var places []vigie.Place
	seen := map[vigie.Place]bool{{}: true}
	for _, address := range addresses {
		if p := r.place(address); !seen[p] && len(places) < ingest.MaxPlaces {
			places, seen[p] = append(places, p), true
		}
	}
	return places
}
