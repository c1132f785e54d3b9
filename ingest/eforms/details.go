package eforms

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// details reads what holds for the whole contract.
func (r *reader) details() vigie.Details {
	terms := r.root.At("ProcurementProjectLot.TenderingTerms")
	d := vigie.Details{
		Value:         r.value(),
		Duration:      r.commonDuration(),
		Renewals:      r.renewals(),
		Technique:     technique(r.processes()),
		DocumentsURL:  firstAddress(terms.At("CallForTendersDocumentReference.Attachment.ExternalReference.URI")),
		SubmissionURL: firstAddress(terms.At("TenderRecipientParty.EndpointID")),
		Places:        r.distinctPlaces(r.addresses()),
		Reserved:      r.reserved(),
		AwardCriteria: r.commonCriteria(),
	}
	d.Social, d.Environmental = r.strategic()
	if first := r.first(r.deadlines(r.processes().At("AdditionalInformationRequestPeriod"), "")); first != nil {
		d.QuestionsUntil = &first.at
	}
	for _, code := range terms.At("Language.ID").Texts() {
		if language := isoLanguage(code); language != "" {
			d.Languages = append(d.Languages, language)
		}
	}
	d.Languages = vigie.Sorted(d.Languages)
	return d
}

// firstAddress is the first address on the web among texts.
func firstAddress(n tree.Nodes) string {
	for _, text := range n.Texts() {
		if address := ingest.WebAddress(text); address != "" {
			return address
		}
	}
	return ""
}

// value is what is estimated for the whole: as stated, else the sum of the lots, where all of them state it in one
// currency.
func (r *reader) value() vigie.Money {
	whole := technique(r.processes())
	if stated := value(r.project, whole); stated != (vigie.Money{}) {
		return stated
	}
	var sum int64
	var currency string
	for _, l := range r.lots {
		m := value(l.At("ProcurementProject"), whole)
		cents, ok := m.Cents()
		if !ok || currency != "" && m.Currency != currency {
			return vigie.Money{}
		}
		sum, currency = sum+cents, m.Currency
	}
	total, _ := vigie.ParseMoney(fmt.Sprintf("%d.%02d", sum/100, sum%100), currency)
	return total
}

// value is what a project is estimated at: of a framework its maximum first.
func value(project tree.Nodes, t vigie.Technique) vigie.Money {
	total := project.At("RequestedTenderTotal")
	estimated, maximum := money(total.At("EstimatedOverallContractAmount")), money(total.At(extensions+".FrameworkMaximumAmount"))
	if t == vigie.FrameworkAgreement {
		estimated, maximum = maximum, estimated
	}
	if estimated == (vigie.Money{}) {
		return maximum
	}
	return estimated
}

// money reads an amount.
func money(n tree.Nodes) vigie.Money {
	m, _ := vigie.ParseMoney(n.Raw(), n.Attribute("currencyID"))
	return m
}

// commonDuration is that of the whole, else the one that all lots have.
func (r *reader) commonDuration() vigie.Duration {
	if stated := duration(r.project.At("PlannedPeriod")); stated != (vigie.Duration{}) {
		return stated
	}
	var common vigie.Duration
	for i, l := range r.lots {
		d := duration(l.At("ProcurementProject.PlannedPeriod"))
		if i > 0 && d != common {
			return vigie.Duration{}
		}
		common = d
	}
	return common
}

// duration reads one: a number of units, days, or both.
func duration(period tree.Nodes) vigie.Duration {
	d := vigie.Duration{Start: day(period.At("StartDate").Raw()), End: day(period.At("EndDate").Raw())}
	measure := period.At("DurationMeasure")
	unit, known := units[strings.ToUpper(measure.Attribute("unitCode"))]
	if n, err := strconv.ParseFloat(measure.Raw(), 64); err == nil && known && n >= 1 && n <= maxDuration && n == math.Trunc(n) {
		d.Number, d.Unit = int(n), unit
	}
	return d
}

// maxDuration is the most units of a duration: a century of days.
const maxDuration = 36_525

var units = map[string]vigie.DurationUnit{
	"DAY": vigie.Days, "CALENDAR_DAY": vigie.Days, "WEEK": vigie.Weeks, "WEE": vigie.Weeks,
	"MONTH": vigie.Months, "MON": vigie.Months, "YEAR": vigie.Years, "ANN": vigie.Years,
}

// day is the day of a date with an offset, "" for what is none.
func day(s string) string {
	s = s[:min(len(s), len(time.DateOnly))]
	if at, err := time.Parse(time.DateOnly, s); err != nil || at.Year() < 1990 || at.Year() > 2200 {
		return ""
	}
	return s
}

// renewals is how often the contract can be renewed: of lots that differ, the most.
func (r *reader) renewals() int {
	most := 0
	for _, text := range r.root.Among("ProcurementProject.ContractExtension.MaximumNumberNumeric", "ProcurementProjectLot.ProcurementProject.ContractExtension.MaximumNumberNumeric").Texts() {
		if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil && n <= maxRenewals {
			most = max(most, n)
		}
	}
	return most
}

const maxRenewals = 100

// technique is whether there is a framework or a dynamic purchasing system; a contract of its own where the notice says
// that there is neither.
func technique(process tree.Nodes) vigie.Technique {
	systems := process.At("ContractingSystem.ContractingSystemTypeCode")
	noSystem, isSystem := stated(systems.Having("listName", "dps-usage"))
	noFramework, isFramework := stated(systems.Having("listName", "framework-agreement"))
	switch {
	case isFramework: // also where a system is stated as well, which cannot be both
		return vigie.FrameworkAgreement
	case isSystem:
		return vigie.DynamicPurchasingSystem
	case noSystem && noFramework:
		return vigie.OwnContract
	}
	return ""
}

// stated reports whether codes say that there is none of something, and that there is some.
func stated(codes tree.Nodes) (none, some bool) {
	for _, code := range codes.Texts() {
		switch strings.TrimSpace(code) {
		case "none":
			none = true
		case "":
		default:
			some = true
		}
	}
	return none, some
}

// reserved reports whether all lots are for sheltered workshops or the like alone.
func (r *reader) reserved() bool {
	for _, l := range r.lots {
		requirements := l.At("TenderingTerms.TendererQualificationRequest.SpecificTendererRequirement.TendererRequirementTypeCode")
		if _, is := stated(requirements.Having("listName", "reserved-procurement")); !is {
			return false
		}
	}
	return len(r.lots) > 0
}

// strategic reports whether there are social or environmental objectives, of any lot.
func (r *reader) strategic() (social, environmental bool) {
	codes := r.root.At("ProcurementProjectLot.ProcurementProject.ProcurementAdditionalType.ProcurementTypeCode")
	objectives := codes.Having("listName", "strategic-procurement").Texts()
	is := func(objective, list string) bool {
		_, some := stated(codes.Having("listName", list))
		return some || slices.Contains(objectives, objective)
	}
	return is("soc-obj", "social-objective"), is("env-imp", "environmental-impact") || is("env-imp", "gpp-criteria")
}
