package boamp

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"vigie"
	"vigie/ingest"
)

// The longest texts that are kept, in characters, and the most lots
// and labels.
const (
	maxRefLength         = 100
	maxNameLength        = 300
	maxTitleLength       = 1000
	maxDescriptionLength = 10_000
	maxLots              = 500
	maxLabels            = 100
	maxURLLength         = 2000
)

// notice makes a notice of a record, or returns why it is not one.
func (f *fields) notice() (*vigie.Notice, vigie.Text) {
	ref, name := f.text("idweb"), buyerName(f.text("nomacheteur"))
	// Some publishers end with « -. »
	title := strings.TrimSpace(strings.TrimSuffix(ingest.Clean(f.text("objet")), "-."))
	day, dated := publicationDay(f.text("dateparution"))
	management := f.nodes("gestion")
	d := readDetails(f.nodes("donnees"), name)

	n := &vigie.Notice{
		Source: Source, SourceRef: ref, PublishedAt: day,
		Buyer: f.buyer(name, d),
		Content: vigie.Content{
			Reference:   ingest.Shorten(d.reference, maxRefLength),
			Description: d.description,
			Correction:  ingest.Shorten(d.correction, maxDescriptionLength),
			Departments: f.departments(d.places, management),
			Natures:     natures(f.list("type_marche")),
			Procedure:   f.procedure(d, management),
			CPVCodes:    vigie.Sorted(d.cpv),
			URL:         webAddress(f.text("url_avis")),
		},
	}
	for _, label := range f.list("descripteur_libelle") {
		if label = ingest.Clean(label); label != "" && len(n.Content.Labels) < maxLabels {
			n.Content.Labels = append(n.Content.Labels, ingest.Shorten(label, maxNameLength))
		}
	}
	reference := management.at("REFERENCE")
	nature := f.nature(reference)
	n.Kind = kind(nature, orFlag(f.text("etat"), reference.at("TYPE_AVIS.STATUT")))
	n.Links = f.links(d, management)
	f.dates(&n.Content, d, management, day)
	if n.Kind == vigie.Planning {
		n.Content.Deadline, n.Content.DeadlineText = nil, ""
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
	case len(n.Content.Departments) == 0 && f.has("code_departement") && !d.places.nationwide:
		return nil, noDepartment.With(ingest.Shorten(ingest.Clean(fmt.Sprint(f.values["code_departement"])), maxRefLength))
	}

	if d.title != "" && !same(d.title, title) {
		if extends(d.title, title) {
			title = d.title
		} else {
			n.Content.Description = sentences(d.title, n.Content.Description)
		}
	}
	if same(n.Content.Description, title) {
		n.Content.Description = ""
	}
	n.Content.Title = ingest.Shorten(title, maxTitleLength)
	n.Content.Description = ingest.Shorten(n.Content.Description, maxDescriptionLength)
	for _, l := range d.lots[:min(len(d.lots), maxLots)] {
		n.Content.Lots = append(n.Content.Lots, vigie.Lot{
			Number: ingest.Shorten(l.Number, maxRefLength),
			Title:  ingest.Shorten(l.Title, maxTitleLength),
		})
	}
	return n, vigie.Text{}
}

// nature is what kind of notice it is: exports of some columns alone lack
// « nature », and have its label, or who won.
func (f *fields) nature(reference nodes) string {
	if nature := orFlag(f.text("nature"), reference.at("TYPE_AVIS.NATURE")); nature != "" {
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
func (f *fields) dates(c *vigie.Content, d details, management nodes, published time.Time) {
	c.Deadline, c.DeadlineText = deadline(
		management.at("INDEXATION.DATE_LIMITE_REPONSE").raw(), f.text("datelimitereponse"), published)
	if c.Deadline == nil {
		c.Deadline, c.DeadlineText = deadline(d.deadline, "", published)
	}
	if c.Deadline != nil {
		c.DeadlineKind = d.deadlineKind
		return
	}
	c.DeadlineUnclear = d.deadlineUnclear
	if end, ok := parseClock(f.text("datefindiffusion")); ok {
		end.timed = false // it is a day
		end.at = end.at.Truncate(24 * time.Hour)
		if until := end.inParis(published); vigie.PlausibleDeadline(*until, published) {
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
	return len(parseNodes(f.values["gestion"]).at("reference")) > 0
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

// publicationDay is the midnight, in Paris, that starts the day of publication.
func publicationDay(s string) (time.Time, bool) {
	day, err := time.ParseInLocation(time.DateOnly, s[:min(len(s), len(time.DateOnly))], vigie.Paris())
	if err != nil || !vigie.Published(day, day) {
		return time.Time{}, false
	}
	return day.UTC(), true
}

// buyer is who buys. It sits where its address says, or else in the one
// department that the notice is published for.
func (f *fields) buyer(name string, d details) vigie.BuyerName {
	department := departmentOfPostcode(d.postcode)
	var p places
	p.add(f.list("code_departement")...)
	published := p.list()
	if overseas := len(department) == 3; overseas && len(published) > 0 && !slices.Contains(published, department) {
		department = "" // a CEDEX of another island, or mistyped
	}
	if department == "" && len(published) == 1 {
		department = published[0]
	}
	return vigie.BuyerName{
		Name: name, SIRET: d.siret, DepartmentCode: department,
		City: ingest.Shorten(townOf(d.city), maxNameLength),
	}
}

// buyerName is the buyer's name: some publishers go on with its address, and
// who to call there, on the lines below.
func buyerName(s string) string {
	for line := range strings.SplitSeq(s, "\n") {
		if line = ingest.Clean(line); line != "" {
			return ingest.Shorten(line, maxNameLength)
		}
	}
	return ""
}

// departments are where the contract is performed, or else where it is
// published, which a buyer may do far beyond.
func (f *fields) departments(performed places, management nodes) []string {
	var stated places
	stated.add(f.list("code_departement_prestation")...)
	if !stated.known() {
		stated.add(management.at("INDEXATION.DEP_PRESTATION").texts()...)
	}
	if stated.known() && !performed.nationwide {
		return stated.list()
	}
	var p places
	p.add(f.list("code_departement")...)
	if !f.has("code_departement") {
		p.add(management.at("INDEXATION.DEP_PUBLICATION").texts()...)
	}
	published := p.list()
	if performed = performed.checked(published); performed.known() {
		return performed.list()
	}
	return published
}

// procedure is how the buyer chooses. Below the European thresholds « OUVERT »
// says that all may bid, and the notice's own data that the rules are the
// buyer's (Code de la commande publique, L2123-1): that is what it is.
func (f *fields) procedure(d details, management nodes) vigie.Procedure {
	name := orFlag(f.text("type_procedure"), management.at("INDEXATION.TYPE_PROCEDURE"))
	family := strings.ToUpper(f.text("famille"))
	if d.adapted || name == "" && family == "MAPA" {
		return vigie.Adapted
	}
	return procedure(name)
}

// orFlag is a word, or, without it, the one that is given as a flag.
func orFlag(word string, flags nodes) string {
	if word != "" {
		return word
	}
	return firstOf(flags.keys())
}

// links are the notices before this one in its procedure, wherever they are
// named, and the procedure itself.
func (f *fields) links(d details, management nodes) []string {
	// What is stated to be the number of a notice, and what may also be a date.
	stated, others := f.list("annonce_lie"), []string(nil)
	for _, name := range []string{"annonces_anterieures", "annonces_anterieures_schema_v110"} {
		earlier := f.nodes(name)
		if earlier == nil {
			others = append(others, f.list(name)...)
		}
		others = append(others, earlier.texts()...)
		stated = append(stated, earlier.under("IDWEB").texts()...)
	}
	for _, name := range []string{"ANNONCE_ANTERIEUR", "AVISLIEE"} {
		stated = append(stated, management.under(name).under("IDWEB").texts()...)
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
	procedure := f.text("contractfolderid")
	if procedure == "" {
		procedure = d.procedure
	}
	if refPattern.MatchString(procedure) {
		links = append(links, vigie.ProcedureLink(procedure))
	}
	return links
}

var (
	// refPattern is what a number may be made of.
	refPattern = regexp.MustCompile(`^[0-9A-Za-z_-]{1,100}$`)
	// refShape is how an idweb looks: the year and a number; longRefShape one of
	// more than the two digits that a month and a day have.
	refShape     = regexp.MustCompile(`^[0-9]{2}-[0-9]{1,10}$`)
	longRefShape = regexp.MustCompile(`^[0-9]{2}-[0-9]{3,10}$`)
)

// webAddress is a link that may be followed, "" for any other.
func webAddress(s string) string {
	s = strings.ReplaceAll(strings.TrimSpace(s), "&amp;", "&")
	if s == "" || len(s) > maxURLLength {
		return ""
	}
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return s
}

// letters is a text for comparing: neither case, accents, punctuation nor
// spaces count.
func letters(s string) string {
	s = strings.ReplaceAll(strings.ToLower(s), "œ", "oe")
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return r
	}, norm.NFD.String(s))
}

// same reports whether two texts say the same.
func same(a, b string) bool { return letters(a) == letters(b) }

// extends reports whether a text is the whole of another, which is cut.
func extends(text, cut string) bool { return strings.HasPrefix(letters(text), letters(cut)) }

// sentences puts one text after the other.
func sentences(a, b string) string {
	switch {
	case b == "" || same(a, b):
		return a
	case strings.ContainsAny(a[len(a)-1:], ".!?:;"):
		return a + " " + b
	}
	return a + ". " + b
}
