package boamp

import (
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

// The longest texts that are kept, in characters, and the most lots.
const (
	maxRefLength         = 100
	maxNameLength        = 300
	maxTitleLength       = 1000
	maxDescriptionLength = 10_000
	maxLots              = 500
	maxURLLength         = 2000
)

// notice makes a notice of a record, or tells why it is none.
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
			Departments: f.departments(d.places, management),
			Natures:     natures(f.list("type_marche")),
			Procedure:   f.procedure(d, management),
			CPVCodes:    vigie.Sorted(d.cpv),
			URL:         webAddress(f.text("url_avis")),
		},
	}
	for _, label := range f.list("descripteur_libelle") {
		if label = ingest.Clean(label); label != "" {
			n.Content.Labels = append(n.Content.Labels, label)
		}
	}
	reference := management.at("REFERENCE")
	n.Kind = kind(
		orFlag(f.text("nature"), reference.at("TYPE_AVIS.NATURE")),
		orFlag(f.text("etat"), reference.at("TYPE_AVIS.STATUT")),
	)
	n.Links = f.links(d, management)
	n.Content.Deadline, n.Content.DeadlineText = deadline(
		management.at("INDEXATION.DATE_LIMITE_REPONSE").raw(), f.text("datelimitereponse"), day)
	if n.Content.Deadline == nil {
		n.Content.Deadline, n.Content.DeadlineText = deadline(d.deadline, "", day)
	}

	switch {
	case f.wrong != "":
		return nil, wrongType.With(f.wrong)
	case ref == "" && f.isOldShape():
		return nil, oldShape
	case !refPattern.MatchString(ref):
		return nil, noRef
	case title == "":
		return nil, noTitle
	case name == "":
		return nil, noBuyer
	case !dated:
		return nil, noDate
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

// isOldShape reports whether the record is of the API that came before.
func (f *fields) isOldShape() bool {
	for _, key := range []string{"nbItemsRetournes", "nbItemsExistants", "item"} {
		if _, ok := f.values[key]; ok {
			return true
		}
	}
	return len(parseNodes(f.values["gestion"]).at("reference")) > 0
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
	if published := f.list("code_departement"); department == "" && len(published) == 1 {
		var p places
		p.add(published...)
		department = firstOf(p.list())
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
	published := f.list("code_departement")
	if performed.nationwide || len(performed.departments) > 0 {
		return performed.list()
	}
	var p places
	p.add(published...)
	if len(published) == 0 {
		p.add(management.at("INDEXATION.DEP_PUBLICATION").texts()...)
	}
	return p.list()
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

// orFlag is a word, or where there is none the one that is given as a flag.
func orFlag(word string, flags nodes) string {
	if word != "" {
		return word
	}
	return firstOf(flags.keys())
}

// links are the notices before this one in its procedure, wherever they are
// named, and the procedure itself.
func (f *fields) links(d details, management nodes) []string {
	refs := f.list("annonce_lie")
	earlier := f.nodes("annonces_anterieures")
	if earlier == nil {
		refs = append(refs, f.list("annonces_anterieures")...)
	}
	refs = slices.Concat(refs, earlier.texts(), earlier.under("IDWEB").texts(),
		management.under("ANNONCE_ANTERIEUR").under("IDWEB").texts(), d.links)
	var links []string
	known := map[string]bool{f.text("idweb"): true}
	for _, ref := range refs {
		ref = strings.TrimSpace(ref)
		if len(links) < vigie.MaxLinks && refShape.MatchString(ref) && !known[ref] {
			links = append(links, ref)
			known[ref] = true
		}
	}
	procedure := f.text("contractfolderid")
	if procedure == "" {
		procedure = d.procedure
	}
	if refPattern.MatchString(procedure) {
		links = append(links, "procedure:"+strings.ToLower(procedure))
	}
	return links
}

var (
	// refPattern is what a number may be made of.
	refPattern = regexp.MustCompile(`^[0-9A-Za-z_-]{1,100}$`)
	// refShape is how an idweb looks: the year and a number, of more than the
	// two digits that a month and a day have.
	refShape = regexp.MustCompile(`^[0-9]{2}-[0-9]{3,10}$`)
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
