package boamp

import (
	"strings"
	"time"

	"vigie"
)

// eforms reads a European notice: UBL, in the profile of the eForms (the
// Publications Office's SDK names its fields).
func eforms(root nodes, buyer string) details {
	notice := root.child() // ContractNotice, ContractAwardNotice…
	project := notice.at("cac:ProcurementProject")
	lots := notice.at("cac:ProcurementProjectLot")
	d := details{
		title:       project.at("cbc:Name").text(),
		description: project.at("cbc:Description").lines(),
		reference:   project.at("cbc:ID").text(),
		procedure:   notice.at("cbc:ContractFolderID").raw(),
		cpv:         cpvIn(notice.under("cbc:ItemClassificationCode")),
	}
	company := buyerOf(notice, buyer)
	d.siret = siretIn(company.at("cac:PartyLegalEntity.cbc:CompanyID"))
	address := company.at("cac:PostalAddress")
	d.city = address.at("cbc:CityName").text()
	d.postcode = address.at("cbc:PostalZone").raw()
	d.deadline, d.deadlineKind = eformsDeadline(append(lots, notice...).at("cac:TenderingProcess"))
	located := append(project, lots.at("cac:ProcurementProject")...)
	for _, location := range located.at("cac:RealizedLocation.cac:Address").each() {
		d.places.addLocation(location)
	}
	for _, l := range lots.each() {
		// LOT-0001; a group of lots is GLO-0001, a part of a prior notice PAR-0001.
		number, ok := strings.CutPrefix(l.at("cbc:ID").raw(), "LOT-")
		title := l.at("cac:ProcurementProject.cbc:Name").text()
		if ok && title != "" {
			d.lots = append(d.lots, vigie.Lot{Number: strings.TrimLeft(number, "0"), Title: title})
		}
	}
	if len(lots) == 1 {
		// The eForms want one lot where the contract is not divided.
		d.lots = nil
	}
	return d
}

// eformsDeadline is the earliest over the lots of what is asked for: bids, or
// requests to participate. Dates and times have offsets of their own, of which
// neither counts. The period for questions is another element.
func eformsDeadline(process nodes) (earliest string, kind vigie.DeadlineKind) {
	for element, of := range map[string]vigie.DeadlineKind{
		"cac:TenderSubmissionDeadlinePeriod":      vigie.ForBids,
		"cac:ParticipationRequestReceptionPeriod": vigie.ForParticipation,
	} {
		for _, period := range process.at(element).each() {
			day, hour := period.at("cbc:EndDate").raw(), period.at("cbc:EndTime").raw()
			if day = day[:min(len(day), len(time.DateOnly))]; hour != "" {
				day += "T" + hour
			}
			// Equal ones are of bids; texts of this form sort as their clocks do.
			if _, ok := parseClock(day); ok && (earliest == "" || day < earliest || day == earliest && of == vigie.ForBids) {
				earliest, kind = day, of
			}
		}
	}
	return earliest, kind
}

// buyerOf returns the organisation that buys. The notice describes all who
// have to do with it, the publisher's platform and the court often first, and
// refers to them by number; of several buyers it is the one that the record
// names, or the first.
func buyerOf(notice nodes, name string) nodes {
	companies := notice.at("ext:UBLExtensions.ext:UBLExtension.ext:ExtensionContent.efext:EformsExtension.efac:Organizations.efac:Organization.efac:Company").each()
	var first nodes
	for _, id := range notice.at("cac:ContractingParty.cac:Party.cac:PartyIdentification.cbc:ID").texts() {
		for _, company := range companies {
			if company.at("cac:PartyIdentification.cbc:ID").raw() != strings.TrimSpace(id) {
				continue
			}
			if strings.EqualFold(company.at("cac:PartyName.cbc:Name").text(), name) {
				return company
			}
			if first == nil {
				first = company
			}
		}
	}
	return first
}

// addLocation adds one place of performance.
func (p *places) addLocation(address nodes) {
	switch region := address.at("cbc:Region").raw(); region {
	case "anyw", "anyw-cou", "anyw-eea": // anywhere, in the country, in Europe
		p.nationwide = true
		return
	}
	code := address.at("cbc:CountrySubentityCode").raw()
	department := ""
	if country := address.at("cac:Country.cbc:IdentificationCode").raw(); country == "" || country == "FRA" {
		department = departmentOfPostcode(address.at("cbc:PostalZone").raw())
	}
	// A postcode tells more than a region's code, and less surely than a
	// department's.
	switch {
	case len(code) == 5 && p.addNUTS(code):
	case department != "":
		p.byPostcode = append(p.byPostcode, department)
	default:
		p.addNUTS(code)
	}
}
