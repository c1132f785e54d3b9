package boamp

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// notice makes a notice of a record, or returns why it is not one.
func (f *fields) notice() (*vigie.Notice, vigie.Text) {
	ref, name := f.text("idweb"), buyerName(f.text("nomacheteur"))
	// Some publishers end with « -. »
	title := strings.TrimSpace(strings.TrimSuffix(ingest.Clean(f.text("objet")), "-."))
	day, dated := ingest.PublicationDay(f.text("dateparution"))
	management := f.nodes("gestion")
	d := readDetails(f.nodes("donnees"), name, day)

	n := &vigie.Notice{
		Source: Source, SourceRef: ref, Identifier: d.identifier, PublishedAt: day,
		Buyer: f.buyer(name, d),
		Content: vigie.Content{
			Reference:        d.reference,
			Description:      d.description,
			Correction:       d.correction,
			Departments:      f.departments(d, management),
			Natures:          f.natures(d),
			Procedure:        f.procedure(d, management),
			CPVCodes:         d.cpv,
			Lots:             d.lots,
			URL:              ingest.WebAddress(f.text("url_avis")),
			Details:          d.further,
			DocumentsChanged: d.documentsChanged || ingest.DocumentsChanged(d.correction),
		},
	}
	for _, label := range f.list("descripteur_libelle") {
		if label = ingest.Clean(label); label != "" && len(n.Content.Labels) < ingest.MaxLabels {
			n.Content.Labels = append(n.Content.Labels, label)
		}
	}
	reference := management.At("REFERENCE")
	n.Kind = f.kind(d, reference)
	n.Links, n.Identifier = f.links(d, management), d.identifier
	f.further(n)
	f.dates(&n.Content, d, management, day)
	if n.Kind == vigie.Planning {
		n.Content.Deadline, n.Content.DeadlineKind, n.Content.DeadlineText = nil, "", ""
	}

	switch {
	case f.wrong != "":
		return nil, wrongType.With(f.wrong)
	case ref == "" && f.isOldShape():
		return nil, oldShape
	case ref == "" && f.isOtherShape():
		return nil, otherShape
	case !refPattern.MatchString(ref):
		return nil, noRef
	case title == "":
		return nil, noTitle
	case name == "":
		return nil, noBuyer
	case !dated:
		return nil, noDate
	case len(n.Content.Departments) == 0 && f.has("code_departement") && !d.area.Nationwide && !n.Content.Abroad():
		return nil, noDepartment.With(ingest.Shorten(ingest.Clean(fmt.Sprint(f.values["code_departement"])), ingest.MaxRef))
	}

	if d.title != "" && !ingest.Same(d.title, title) {
		if extends(d.title, title) {
			title = d.title
		} else {
			n.Content.Description = sentences(d.title, n.Content.Description)
		}
	}
	if ingest.Same(n.Content.Description, title) {
		n.Content.Description = ""
	}
	n.Content.Title = title
	ingest.Bound(n)
	return n, vigie.Text{}
}

// kind is what the notice does, as the record says. Its own data say it where
// the record does not, and where prior information is used as a call.
func (f *fields) kind(d details, reference tree.Nodes) vigie.NoticeKind {
	nature, state := f.nature(reference), orFlag(f.text("etat"), reference.At("TYPE_AVIS.STATUT"))
	stated := kind(nature, state)
	if d.kind != "" && (nature == "" && state == "" || stated == vigie.Planning) {
		return d.kind
	}
	return stated
}

// nature is what kind of notice it is: exports of some columns alone lack
// « nature », and have its label, or who won.
func (f *fields) nature(reference tree.Nodes) string {
	if nature := orFlag(f.text("nature"), reference.At("TYPE_AVIS.NATURE")); nature != "" {
		return nature
	}
	nature, _, _ := strings.Cut(f.text("nature_categorise"), "/")
	nature = cmp.Or(nature, f.text("nature_libelle"))
	if nature == "" && f.text("etat") == "" && len(f.list("titulaire")) > 0 {
		return "ATTRIBUTION"
	}
	return nature
}

// dates fills in when the notice says that the tender closes.
func (f *fields) dates(c *vigie.Content, d details, management tree.Nodes, published time.Time) {
	c.Deadline, c.DeadlineText = deadline(
		management.At("INDEXATION.DATE_LIMITE_REPONSE").Raw(), f.text("datelimitereponse"), published)
	if c.Deadline == nil {
		c.Deadline, c.DeadlineText = deadline(d.deadline, "", published)
	}
	if c.Deadline != nil {
		c.DeadlineKind = d.deadlineKind
		return
	}
	c.DeadlineUnclear = d.deadlineUnclear
	if end, ok := ingest.ParseClock(f.text("datefindiffusion")); ok {
		end.Timed = false // it is a day
		end.At = end.At.Truncate(24 * time.Hour)
		if until := inParis(end, published); vigie.PlausibleDeadline(*until, published) {
			c.OnlineUntil = until
		}
	}
}

// isOldShape reports whether the record is of the API that came before.
func (f *fields) isOldShape() bool {
	for _, key := range []string{"nbItemsRetournes", "nbItemsExistants", "item"} {
		if _, ok := f.values[key]; ok {
			return true
		}
	}
	return len(tree.Parse(f.values["gestion"]).At("reference")) > 0
}

// isOtherShape reports whether the record is of something other than BOAMP.
func (f *fields) isOtherShape() bool {
	for _, name := range []string{"idweb", "objet", "nomacheteur", "dateparution", "gestion", "donnees"} {
		if _, ok := f.values[name]; ok {
			return false
		}
	}
	return true
}

// buyer is who buys. It sits where its address says, or else in the one
// department that the notice is published for.
func (f *fields) buyer(name string, d details) vigie.BuyerName {
	department := ingest.DepartmentOfPostcode(d.postcode)
	var p ingest.Area
	p.Add(f.list("code_departement")...)
	published := p.List()
	if overseas := len(department) == 3; overseas && len(published) > 0 && !slices.Contains(published, department) {
		department = "" // a CEDEX of another island, or mistyped
	}
	if department == "" && len(published) == 1 {
		department = published[0]
	}
	return vigie.BuyerName{
		Name: name, SIRET: d.siret, DepartmentCode: department,
		City: ingest.Shorten(ingest.TownOf(d.city), ingest.MaxName),
	}
}

// buyerName is the buyer's name: some publishers go on with its address, and
// who to call there, on the lines below.
func buyerName(s string) string {
	for line := range strings.SplitSeq(s, "\n") {
		if line = ingest.Clean(line); line != "" {
			return ingest.Shorten(line, ingest.MaxName)
		}
	}
	return ""
}

// departments are where the contract is performed, or else where it is
// published, which a buyer may do far beyond.
func (f *fields) departments(d details, management tree.Nodes) []string {
	performed := d.area
	var stated ingest.Area
	stated.Add(f.list("code_departement_prestation")...)
	if !stated.Known() {
		stated.Add(management.At("INDEXATION.DEP_PRESTATION").Texts()...)
	}
	if stated.Known() && !performed.Nationwide {
		return stated.List()
	}
	var p ingest.Area
	p.Add(f.list("code_departement")...)
	if !f.has("code_departement") {
		p.Add(management.At("INDEXATION.DEP_PUBLICATION").Texts()...)
	}
	published := p.List()
	if abroad := (vigie.Content{Details: d.further}); !performed.Known() && abroad.Abroad() {
		return nil
	}
	if performed = performed.Checked(published); performed.Known() {
		return performed.List()
	}
	return published
}

// natures are what is bought, as the record says, else the notice's own data.
func (f *fields) natures(d details) []vigie.Nature {
	if stated := natures(f.list("type_marche")); len(stated) > 0 {
		return stated
	}
	return d.natures
}

// further adds to a notice what the record says of a bidder's decision: social
// and environmental conditions, and who won, where the notice's own data do not.
func (f *fields) further(n *vigie.Notice) {
	for _, condition := range f.list("criteres") {
		switch letters := ingest.Letters(condition); {
		case strings.HasPrefix(letters, "socia"):
			n.Content.Details.Social = true
		case strings.HasPrefix(letters, "environnement"):
			n.Content.Details.Environmental = true
		}
	}
	if n.Kind != vigie.Award || len(n.Content.Details.Awards) > 0 {
		return
	}
	award := vigie.LotAward{Outcome: vigie.LotAwarded}
	for _, name := range f.list("titulaire") {
		if name = ingest.Clean(name); name != "" {
			award.Winners = append(award.Winners, vigie.Winner{Name: name})
		}
	}
	if len(award.Winners) > 0 {
		n.Content.Details.Awards = []vigie.LotAward{award}
	}
}

// procedure is how the buyer chooses. Below the European thresholds « OUVERT »
// says that all may bid, and the notice's own data that the rules are the
// buyer's (Code de la commande publique, L2123-1): that is what it is.
func (f *fields) procedure(d details, management tree.Nodes) vigie.Procedure {
	name := orFlag(f.text("type_procedure"), management.At("INDEXATION.TYPE_PROCEDURE"))
	family := strings.ToUpper(f.text("famille"))
	if d.adapted || name == "" && family == "MAPA" {
		return vigie.Adapted
	}
	return cmp.Or(procedure(name), d.method)
}

// orFlag is a word, or where there is none the one that is given as a flag.
func orFlag(word string, flags tree.Nodes) string {
	if word != "" {
		return word
	}
	return firstOf(flags.Keys())
}

// links are the notices before this one in its procedure, wherever they are
// named, and the procedure itself.
func (f *fields) links(d details, management tree.Nodes) []string {
	// What is stated to be the number of a notice, and what may also be a date.
	stated, others := f.list("annonce_lie"), []string(nil)
	for _, name := range []string{"annonces_anterieures", "annonces_anterieures_schema_v110"} {
		earlier := f.nodes(name)
		if earlier == nil {
			others = append(others, f.list(name)...)
		}
		others = append(others, earlier.Texts()...)
		stated = append(stated, earlier.Under("IDWEB").Texts()...)
	}
	for _, name := range []string{"ANNONCE_ANTERIEUR", "AVISLIEE"} {
		stated = append(stated, management.Under(name).Under("IDWEB").Texts()...)
	}
	stated = append(stated, d.links...)
	var links []string
	known := map[string]bool{f.text("idweb"): true}
	add := func(refs []string, shape *regexp.Regexp) {
		for _, ref := range refs {
			ref = strings.TrimSpace(ref)
			if len(links) < vigie.MaxLinks && shape.MatchString(ref) && !known[ref] {
				links = append(links, ref)
				known[ref] = true
			}
		}
	}
	add(stated, refShape)
	add(others, longRefShape)
	for _, identifier := range d.earlier {
		if len(links) < vigie.MaxLinks && identifier != d.identifier {
			links = append(links, vigie.NoticeLink(identifier))
		}
	}
	procedure := f.text("contractfolderid")
	if procedure == "" {
		procedure = d.procedure
	}
	if refPattern.MatchString(procedure) {
		links = append(links, vigie.ProcedureLink(procedure))
	}
	return append(links, d.earlier...)
}

var (
	// refPattern is what a number may be made of.
	refPattern = regexp.MustCompile(`^[0-9A-Za-z_-]{1,100}$`)
	// refShape is how an idweb looks: the year and a number; longRefShape one of
	// more than the two digits that a month and a day have.
	refShape     = regexp.MustCompile(`^[0-9]{2}-[0-9]{1,10}$`)
	longRefShape = regexp.MustCompile(`^[0-9]{2}-[0-9]{3,10}$`)
)

// extends reports whether a text is the whole of another, which is cut.
func extends(text, cut string) bool {
	return strings.HasPrefix(ingest.Letters(text), ingest.Letters(cut))
}

// sentences puts one text after the other.
func sentences(a, b string) string {
	switch {
	case b == "" || ingest.Same(a, b):
		return a
	case strings.ContainsAny(a[len(a)-1:], ".!?:;"):
		return a + " " + b
	}
	return a + ". " + b
}
