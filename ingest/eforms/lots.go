package eforms

import (
	"strings"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// readLots reads the lots, none where the contract is not divided: the eForms want one lot then. What the lots have in
// common is left to the whole.
func (r *reader) readLots(kind vigie.NoticeKind) (lots []vigie.Lot, undivided bool) {
	if r.isUndivided(kind) {
		return nil, true
	}
	sameDuration, sameCriteria := r.commonDuration() != (vigie.Duration{}), r.commonCriteria() != nil
	sameDeadline := r.haveOneDeadline()
	for _, l := range r.lots[:min(len(r.lots), ingest.MaxLots)] {
		lot, ok := r.lot(l)
		if !ok {
			continue
		}
		if sameDuration {
			lot.Duration = vigie.Duration{}
		}
		if sameCriteria {
			lot.AwardCriteria = nil
		}
		if sameDeadline {
			lot.Deadline = nil
		}
		lots = append(lots, lot)
	}
	return lots, false
}

// isUndivided reports whether there are no lots, or a single one which stands for the whole. The result of one of several
// lots has that one alone.
func (r *reader) isUndivided(kind vigie.NoticeKind) bool {
	if len(r.lots) != 1 {
		return len(r.lots) == 0
	}
	only := r.lots[0]
	title := r.text(only.At("ProcurementProject.Name"))
	if title == "" || ingest.Same(title, r.text(r.project.At("Name"))) {
		return true
	}
	number := lotNumber(only.At("ID").Raw())
	return number == "0" || number == "1" && kind != vigie.Award
}

// lotNumber is the number of a lot, LOT-0001, or of a part of a planning notice, PAR-0001.
func lotNumber(id string) string {
	_, number, _ := strings.Cut(strings.TrimSpace(id), "-")
	if number = strings.TrimLeft(number, "0"); number == "" {
		return "0"
	}
	return number
}

// lot reads one lot, with all that it says.
func (r *reader) lot(n tree.Nodes) (vigie.Lot, bool) {
	project := n.At("ProcurementProject")
	l := vigie.Lot{
		Number:        lotNumber(n.At("ID").Raw()),
		Title:         r.text(project.At("Name")),
		Description:   r.lines(project.At("Description")),
		Value:         value(project, technique(n.At("TenderingProcess"))),
		CPVCodes:      ingest.CPVIn(project.Among("MainCommodityClassification.ItemClassificationCode", "AdditionalCommodityClassification.ItemClassificationCode").Texts()),
		Nature:        natureCodes[project.At("ProcurementTypeCode").Raw()],
		Places:        r.distinctPlaces(project.At("RealizedLocation.Address").Each()),
		Duration:      duration(project.At("PlannedPeriod")),
		AwardCriteria: r.criteria(n),
	}
	if ingest.Same(l.Description, l.Title) {
		l.Description = ""
	}
	if d := r.firstDeadline(n.At("TenderingProcess")); d != nil {
		l.Deadline = &d.at
	}
	return l, l.Title != ""
}

// haveOneDeadline reports whether the lots do not differ in when they are due.
func (r *reader) haveOneDeadline() bool {
	var before *deadline
	for i, l := range r.lots {
		d := r.firstDeadline(l.At("TenderingProcess"))
		if i > 0 && ((d == nil) != (before == nil) || d != nil && !d.at.Equal(before.at)) {
			return false
		}
		before = d
	}
	return true
}
