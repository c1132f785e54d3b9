// Package eforms reads notices in eForms, the European standard forms: UBL, in the profile whose fields the Publications
// Office's SDK names. It reads their tree, whether TED gives it as XML or BOAMP as JSON.
package eforms

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// Notice is what a notice says. Its texts are in French where the notice has French, else in its own language. What the
// source says beside the notice, such as its address, is left to the source.
type Notice struct {
	Kind vigie.NoticeKind
	// Subtype is that of the forms: "16", "E3"; "X01" and "X02" are of no procurement.
	Subtype string
	// Identifier is the number that it has wherever it is published, with its version: a UUID and "-01"; "" where it lacks
	// either.
	Identifier string
	// Number is that of its publication at TED, "123456-2024", and PublishedAt the day; zero where they are not given.
	Number      string
	PublishedAt time.Time
	Buyer       Organisation
	Content     vigie.Content
	// Area is where the contract is performed in France.
	Area ingest.Area
	// Procedure is its number, a UUID that all sources share.
	Procedure string
	// Earlier are the notices that this one names, by their numbers at TED or their identifiers: the one that it changes,
	// the planning before the call, the call before the result.
	Earlier Earlier
}

// Given is what the source says beside the notice.
type Given struct {
	// Buyer is the name of the buyer that is meant, where several are.
	Buyer string
	// PublishedAt is the day of publication, where the notice does not have it.
	PublishedAt time.Time
	// Zone is where the notice's clocks are; nil for the buyer's country.
	Zone *time.Location
}

// Read reads a notice, given the element that is its root.
func Read(root tree.Nodes, given Given) Notice {
	r := newReader(root, given)
	n := Notice{
		Identifier: matching(ownPattern, root.At("ID").Raw()+"-"+root.At("VersionID").Raw()),
		Subtype:    r.extension.At("NoticeSubType.SubTypeCode").Raw(),
		Number:     number(r.extension.At("Publication.NoticePublicationID").Raw()),
		Procedure:  root.At("ContractFolderID").Raw(),
		Buyer:      r.buyer, PublishedAt: r.published,
		Earlier: r.earlier(),
	}
	n.Kind = kind(n.Subtype, root.At("NoticeTypeCode").Attribute("listName"), r.changeReasons())
	lots, undivided := r.readLots(n.Kind)
	n.Content = vigie.Content{
		Reference:   r.project.At("ID").Text(),
		Title:       r.text(r.project.At("Name")),
		Description: r.description(undivided),
		Natures:     natures(r.project),
		Procedure:   procedures[root.At("TenderingProcess.ProcedureCode").Raw()],
		CPVCodes:    ingest.CPVIn(root.Under("ItemClassificationCode").Texts()),
		Correction:  r.correction(),
		Lots:        lots,
		Details:     r.details(),
	}
	n.Content.DocumentsChanged = r.documentsChanged(n.Content.Correction)
	if first := r.firstDeadline(r.processes()); first != nil {
		n.Content.Deadline, n.Content.DeadlineKind, n.Content.DeadlineText = &first.at, first.kind, first.text
	}
	for _, address := range r.addresses() {
		r.addArea(&n.Area, address)
	}
	n.Content.Details.Awards = r.awards(undivided)
	return n
}

// extensions is the path to what the eForms add to UBL.
const extensions = "UBLExtensions.UBLExtension.ExtensionContent.EformsExtension"

// reader is a notice that is being read.
type reader struct {
	root tree.Nodes
	// extension is what the eForms add to the notice, project what is bought in all.
	extension, project tree.Nodes
	// lots are the lots, and the parts of a planning notice, but no groups of lots.
	lots      []tree.Nodes
	language  string
	published time.Time
	zone      *time.Location
	buyer     Organisation
	companies map[string]tree.Nodes
}

func newReader(root tree.Nodes, given Given) *reader {
	r := &reader{root: root, extension: root.At(extensions), project: root.At("ProcurementProject"), zone: given.Zone}
	r.language = strings.ToUpper(root.At("NoticeLanguageCode").Raw())
	for _, day := range append(r.extension.At("Publication.PublicationDate").Texts(), root.At("IssueDate").Texts()...) {
		if at, ok := ingest.PublicationDay(strings.TrimSpace(day)); ok {
			r.published = at
			break
		}
	}
	if !given.PublishedAt.IsZero() {
		r.published = given.PublishedAt
	}
	for _, l := range root.At("ProcurementProjectLot").Each() {
		if !strings.HasPrefix(l.At("ID").Raw(), "GLO-") {
			r.lots = append(r.lots, l)
		}
	}
	r.readCompanies()
	r.buyer = r.findBuyer(given.Buyer)
	if r.zone == nil {
		r.zone = zoneOf(r.buyer.Country)
	}
	return r
}

// text is a text in French, or the notice's own language, or any.
func (r *reader) text(n tree.Nodes) string { return n.Text(r.language) }

// lines is a text with its lines.
func (r *reader) lines(n tree.Nodes) string { return n.Lines(r.language) }

// description is what is bought; of a contract that is not divided with what is said of its only lot.
func (r *reader) description(undivided bool) string {
	whole := r.lines(r.project.At("Description"))
	if !undivided || len(r.lots) == 0 {
		return whole
	}
	more := r.lines(r.lots[0].At("ProcurementProject.Description"))
	a, b := ingest.Letters(whole), ingest.Letters(more)
	switch {
	case strings.Contains(a, b):
		return whole
	case strings.Contains(b, a):
		return more
	}
	return whole + "\n\n" + more
}

// natures tells what is bought, mainly and as well.
func natures(project tree.Nodes) []vigie.Nature {
	var list []vigie.Nature
	for _, code := range append(project.At("ProcurementTypeCode"), project.At("ProcurementAdditionalType.ProcurementTypeCode").Having("listName", "contract-nature")...).Texts() {
		if nature, ok := natureCodes[strings.TrimSpace(code)]; ok {
			list = append(list, nature)
		}
	}
	return vigie.Sorted(list)
}

var natureCodes = map[string]vigie.Nature{"works": vigie.Works, "supplies": vigie.Supplies, "services": vigie.Services}

// procedures are those of the code list « procurement-procedure-type ».
var procedures = map[string]vigie.Procedure{
	"open":         vigie.OpenProcedure,
	"restricted":   vigie.Restricted,
	"neg-w-call":   vigie.Negotiated,
	"neg-wo-call":  vigie.Negotiated,
	"comp-dial":    vigie.CompetitiveDialogue,
	"innovation":   vigie.OtherProcedure,
	"comp-tend":    vigie.OtherProcedure,
	"oth-single":   vigie.OtherProcedure,
	"oth-mult":     vigie.OtherProcedure,
	"exp-int-rail": vigie.OtherProcedure,
}

// number gives a number at TED its usual form, "" for what is none.
func number(s string) string {
	found := numberPattern.FindStringSubmatch(strings.TrimSpace(s))
	if found == nil {
		return ""
	}
	return found[1] + "-" + found[2]
}

var numberPattern = regexp.MustCompile(`^0*([1-9][0-9]{0,8})-(20[0-9]{2})$`)

// matching gives the identifier of a notice its usual form, "" for what does not match the pattern of one.
func matching(pattern *regexp.Regexp, s string) string {
	if s = strings.ToLower(strings.TrimSpace(s)); pattern.MatchString(s) {
		return s
	}
	return ""
}

var (
	// ownPattern is what a notice may call itself, namedPattern how it must name another: the elements have other
	// numbers too.
	ownPattern   = regexp.MustCompile(`^[0-9a-z_-]{8,60}-[0-9]{2}$`)
	namedPattern = regexp.MustCompile(`^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9]{2}$`)
)

// Earlier are notices before another.
type Earlier struct{ Numbers, Identifiers []string }

func (r *reader) earlier() Earlier {
	named := slices.Concat(
		r.extension.At("Changes.ChangedNoticeIdentifier").Texts(),
		r.extension.At("ContractModification.ChangedNoticeIdentifier").Texts(),
		r.root.At("TenderingProcess.NoticeDocumentReference.ID").Texts(),
		r.root.At("ProcurementProjectLot.TenderingProcess.NoticeDocumentReference.ID").Texts(),
	)
	var e Earlier
	for _, s := range named {
		e.Numbers = with(e.Numbers, number(s))
		e.Identifiers = with(e.Identifiers, matching(namedPattern, s))
	}
	return e
}

// with adds a number that is one, once.
func with(list []string, number string) []string {
	if number == "" || slices.Contains(list, number) || len(list) == maxEarlier {
		return list
	}
	return append(list, number)
}

// maxEarlier bounds each kind of number, so that both and the procedure are no more than a notice may name.
const maxEarlier = vigie.MaxLinks / 4
