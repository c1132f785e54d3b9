package ocds

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// notice makes a notice of the release, or returns why it is not one.
func (r *release) notice() (*vigie.Notice, vigie.Text) {
	tender := r.said.At("tender")
	n := &vigie.Notice{
		Source: r.source, SourceRef: r.ref(), Kind: r.kind(), PublishedAt: r.date,
		Links: []string{"ocid:" + r.ocid},
		Buyer: r.buyer(),
		Content: vigie.Content{
			Reference:   r.reference(),
			Title:       r.title(),
			Description: tender.At("description").Lines(),
			Natures:     r.natures(),
			Procedure:   procedure(tender),
			CPVCodes:    r.cpv(),
			Labels:      r.labels(),
			URL:         r.address(),
			Details: vigie.Details{
				Value:          r.value(),
				Duration:       duration(tender.At("contractPeriod")),
				Technique:      technique(tender.Among("techniques", "lots.techniques")),
				QuestionsUntil: r.deadline(tender.At("enquiryPeriod.endDate").Raw()),
				DocumentsURL:   documents(tender.At("documents")),
				SubmissionURL:  submission(tender),
				Reserved:       says(tender.Among("otherRequirements", "lots.otherRequirements"), "reservedParticipation"),
				Social:         sustains(tender, "social"),
				Environmental:  sustains(tender, "environmental"),
				Languages:      languages(tender.At("submissionTerms.languages")),
			},
		},
	}
	if ingest.Same(n.Content.Description, n.Content.Title) {
		n.Content.Description = ""
	}
	r.places(n)
	r.deadlines(&n.Content)
	lots := r.lots(&n.Content)
	n.Content.Details.Awards = r.awards(lots)
	if n.Content.Details.Duration == (vigie.Duration{}) {
		n.Content.Details.Duration = r.contractPeriod()
	}
	if n.Kind == vigie.Planning {
		n.Content.Deadline, n.Content.DeadlineKind, n.Content.DeadlineText = nil, "", ""
	}
	switch {
	case !refShape.MatchString(r.ocid):
		return nil, noOCID
	case !refShape.MatchString(n.SourceRef):
		return nil, noRef
	case !r.dated:
		return nil, noDate
	case n.Content.Title == "":
		return nil, noTitle
	case n.Buyer.Name == "":
		return nil, noBuyer
	}
	ingest.Bound(n)
	return n, vigie.Text{}
}

// title is the title of the procedure, as the release has it, or those before
// it, or the record; where that has none, of an award or a contract.
func (r *release) title() string {
	for _, paths := range [][]string{
		{"tender.title"},
		{"awards.title", "contracts.title", "planning.project.title", "planning.budget.project"},
		{"tender.description", "awards.description", "contracts.description"},
	} {
		for _, release := range r.known() {
			if title := release.Among(paths...).Text(); title != "" {
				return title
			}
		}
	}
	return ""
}

// reference is the buyer's own number, where « tender.id » is one: many publishers
// make it of the ocid, or count.
func (r *release) reference() string {
	id := r.said.At("tender.id").Text()
	if len(id) < 3 || strings.HasPrefix(id, "ocds-") || strings.Contains(r.ocid, id) || uuid.MatchString(id) {
		return ""
	}
	return id
}

var uuid = regexp.MustCompile(`(?i)^[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$`)

// value is what the contract is estimated at, of a framework what is spent at
// most.
func (r *release) value() vigie.Money {
	for _, path := range []string{"tender.techniques.frameworkAgreement.value", "tender.maximumValue", "tender.value", "planning.budget.amount"} {
		if value := money(r.said.At(path)); value != (vigie.Money{}) {
			return value
		}
	}
	return vigie.Money{}
}

// money reads a value: without tax where both are given.
func money(value tree.Nodes) vigie.Money {
	for _, amount := range []string{value.At("amountNet").Raw(), value.At("amount").Raw(), value.At("amountGross").Raw()} {
		if m, ok := vigie.ParseMoney(plain(amount), value.At("currency").Raw()); ok {
			return m
		}
	}
	return vigie.Money{}
}

// plain is a number without an exponent, where it can be written so.
func plain(number string) string {
	if f, err := strconv.ParseFloat(number, 64); err == nil && strings.ContainsAny(number, "eE") {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return number
}

// natures are what is bought.
func (r *release) natures() []vigie.Nature {
	const main, more = "mainProcurementCategory", "additionalProcurementCategories"
	var names []string
	for _, where := range []string{"tender", "tender.lots", "awards"} {
		if len(names) == 0 && says(r.said.At(where), main, more) {
			names = r.all.At(where).Among(main, more).Texts()
		}
	}
	var natures []vigie.Nature
	for _, name := range names {
		if nature := nature(name); nature != "" {
			natures = append(natures, nature)
		}
	}
	return vigie.Sorted(natures)
}

// nature reads a procurement category.
func nature(category string) vigie.Nature {
	switch category {
	case "works":
		return vigie.Works
	case "goods":
		return vigie.Supplies
	case "services", "consultingServices":
		return vigie.Services
	}
	return ""
}

// procedure is how the buyer chooses: the standard has four methods, and what
// they are called where is in words.
func procedure(tender tree.Nodes) vigie.Procedure {
	method := tender.At("procurementMethod").Raw()
	details := strings.ToLower(tender.At("procurementMethodDetails").Text())
	switch {
	case strings.Contains(details, "dialog"):
		return vigie.CompetitiveDialogue
	case strings.Contains(details, "adaptée"):
		return vigie.Adapted
	case method == "open":
		return vigie.OpenProcedure
	case method == "limited", method == "selective" && strings.Contains(details, "negotiat"):
		return vigie.Negotiated
	case method == "selective":
		return vigie.Restricted
	case method == "":
		return ""
	}
	return vigie.OtherProcedure
}

// cpv are the codes of what is bought as a whole; of an award whose tender is
// not known, those of what was awarded.
func (r *release) cpv() []string {
	paths := []string{"tender.classification", "tender.additionalClassifications", "tender.items", "tender.lots"}
	switch {
	case says(r.said, paths...):
		return cpvOf(r.all.Among(paths...))
	case says(r.all, paths...):
		return nil
	}
	return cpvOf(r.said.Among("awards.items", "contracts.items"))
}

// cpvOf are the codes of the Common Procurement Vocabulary among classifications,
// or those of objects.
func cpvOf(objects tree.Nodes) []string {
	var codes []string
	for _, c := range append(objects.Among("classification", "additionalClassifications"), objects...).Each() {
		if strings.EqualFold(c.At("scheme").Raw(), "CPV") {
			codes = append(codes, c.At("id").Texts()...)
		}
	}
	return ingest.CPVIn(codes)
}

// labels are what the items are called, and the words of vocabularies other than
// that of CPVCodes.
func (r *release) labels() []string {
	if !says(r.said, "tender.items") {
		return nil
	}
	var labels []string
	for _, c := range r.all.Among("tender.items", "tender.items.classification", "tender.items.additionalClassifications").Each() {
		label := c.At("description").Text()
		if label != "" && !strings.EqualFold(c.At("scheme").Raw(), "CPV") && !slices.Contains(labels, label) && len(labels) < ingest.MaxLabels {
			labels = append(labels, label)
		}
	}
	return labels
}

// technique is whether the contract sets the terms of others.
func technique(techniques tree.Nodes) vigie.Technique {
	switch {
	case is(techniques.At("hasDynamicPurchasingSystem")):
		return vigie.DynamicPurchasingSystem
	case is(techniques.At("hasFrameworkAgreement")) || says(techniques, "frameworkAgreement"):
		return vigie.FrameworkAgreement
	case says(techniques, "hasFrameworkAgreement"):
		return vigie.OwnContract
	}
	return ""
}

// sustains reports whether the tender has objectives of a kind: « social »,
// « environmental.circularEconomy ».
func sustains(tender tree.Nodes, kind string) bool {
	return slices.ContainsFunc(tender.Among("sustainability.goal", "lots.sustainability.goal").Texts(), func(goal string) bool {
		return strings.HasPrefix(goal, kind)
	})
}

func languages(codes tree.Nodes) []string {
	var list []string
	for _, code := range codes.Texts() {
		if code, _, _ = strings.Cut(strings.ToLower(code), "-"); len(code) == 2 {
			list = append(list, code)
		}
	}
	return vigie.Sorted(list)
}

// duration reads a period.
func duration(period tree.Nodes) vigie.Duration {
	d := vigie.Duration{Start: day(period.At("startDate").Raw()), End: day(cmp.Or(period.At("endDate").Raw(), period.At("maxExtentDate").Raw()))}
	const year, month = 365, 30
	days := number(period.At("durationInDays"))
	switch {
	case days <= 0 || days > 100*year:
	case days%year == 0:
		d.Number, d.Unit = days/year, vigie.Years
	case days%month == 0:
		d.Number, d.Unit = days/month, vigie.Months
	default:
		d.Number, d.Unit = days, vigie.Days
	}
	if d.Start != "" && d.End != "" && d.End < d.Start {
		d.Start, d.End = "", ""
	}
	return d
}

// contractPeriod is how long what was awarded lasts, where there is only one
// such contract.
func (r *release) contractPeriod() vigie.Duration {
	for _, path := range []string{"contracts.period", "awards.contractPeriod"} {
		if periods := r.said.At(path); len(periods) == 1 {
			return duration(periods)
		}
	}
	return vigie.Duration{}
}

// deadlines fills in until when the tender can be answered: the earliest of the
// lots' own, where it has none.
func (r *release) deadlines(c *vigie.Content) {
	tender := r.said.At("tender")
	closing := func(period tree.Nodes, kind vigie.DeadlineKind) {
		for _, end := range period.Texts() {
			at := r.deadline(end)
			if at != nil && (c.Deadline == nil || at.Before(*c.Deadline)) {
				c.Deadline, c.DeadlineKind, c.DeadlineText = at, kind, ingest.Clean(end)
			}
		}
	}
	closing(tender.At("tenderPeriod.endDate"), vigie.ForBids)
	if !says(r.all, "tender.tenderPeriod.endDate") && says(tender, "lots.tenderPeriod.endDate") {
		closing(r.all.At("tender.lots.tenderPeriod.endDate"), vigie.ForBids)
	}
	closing(tender.At("expressionOfInterestDeadline"), vigie.ForParticipation)
}

// address is where the notice can be read: the notice among the documents of
// what the release is about.
func (r *release) address() string {
	documents := r.said.Among("contracts.documents", "awards.documents", "tender.documents", "planning.documents").Each()
	slices.SortStableFunc(documents, func(a, b tree.Nodes) int { return cmp.Compare(rank(a), rank(b)) })
	for _, d := range documents {
		if address := ingest.WebAddress(d.At("url").Raw()); address != "" && strings.HasSuffix(d.At("documentType").Raw(), "Notice") {
			return address
		}
	}
	return ""
}

// rank orders the same notice in several formats: people read the page.
func rank(document tree.Nodes) int {
	switch format := document.At("format").Raw(); {
	case strings.HasPrefix(format, "text/html"):
		return 0
	case format == "" || format == "application/pdf":
		return 1
	}
	return 2
}

// documents is where the procurement documents are.
func documents(list tree.Nodes) string {
	for _, kind := range []string{"biddingDocuments", "technicalSpecifications", "billOfQuantity", "contractDraft", "evaluationCriteria"} {
		for _, d := range list.Each() {
			if address := ingest.WebAddress(d.At("url").Raw()); address != "" && d.At("documentType").Raw() == kind {
				return address
			}
		}
	}
	return ""
}

// submission is where bids go, which the standard has in words.
func submission(tender tree.Nodes) string {
	return ingest.WebAddress(strings.TrimRight(addressInText.FindString(tender.At("submissionMethodDetails").Text()), ".,;:)"))
}

var addressInText = regexp.MustCompile(`(?i)https?://[^\s<>"]+`)
