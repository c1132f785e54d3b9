package boamp

import (
	"regexp"
	"strings"
	"time"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// details are what the notice's own data (« donnees ») say beyond the fields
// of the record. Its form depends on the family of the notice.
type details struct {
	// title is whole, where the record's is cut after 200 characters.
	title       string
	description string
	reference   string
	// siret, city and postcode are the buyer's.
	siret, city, postcode string
	area                  ingest.Area
	cpv                   []string
	natures               []vigie.Nature
	lots                  []vigie.Lot
	// method is how the buyer chooses, where the record does not say.
	method vigie.Procedure
	// further is what a bidder decides by.
	further vigie.Details
	// adapted is whether the notice says that its procedure is.
	adapted bool
	// deadline is as stated there, and deadlineKind what it is for.
	deadline     string
	deadlineKind vigie.DeadlineKind
	// correction is what a correction says, and deadlineUnclear whether it
	// changes the deadline in a way that could not be read.
	correction       string
	documentsChanged bool
	deadlineUnclear  bool
	// procedure is the number of the procedure, links those of other notices.
	procedure string
	links     []string
	// kind is what the notice does, where its own data say so by a code.
	kind vigie.NoticeKind
	// identifier is that of the notice wherever it is published, earlier those
	// of notices before it.
	identifier string
	earlier    []string
}

// readDetails reads the notice's own data, of whichever form.
func readDetails(data tree.Nodes, buyer string, published time.Time) details {
	switch {
	case len(data.At("EFORMS")) > 0:
		return european(data.At("EFORMS"), buyer, published)
	case len(data.Among("IDENTITE", "OBJET", "RECTIF")) > 0:
		return legacy(data)
	}
	// FNSimple, MAPA, DSP, DIVERS: the one key there is.
	return national(data.Child())
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// lot is a lot by its number and title; the number may be said in the title
// instead, or as well: « Lot n° 2 : Peinture », « 2 : Peinture ».
func lot(number, title string) vigie.Lot {
	number = lotNumber.ReplaceAllString(number, "")
	if found := numberedTitle.FindStringSubmatch(title); found != nil {
		if said := strings.TrimLeft(found[1]+found[2], "0"); said != "" && (number == "" || number == said) {
			return vigie.Lot{Number: said, Title: found[3]}
		}
	}
	return vigie.Lot{Number: number, Title: title}
}

// lotNumbers is a number or several: 01.3, 1-2, « 2, 3 et 4 ». What parts a
// number from its title stands before no digit: « 8:00 à 17:00 », « 3 - 5 ans ».
const lotNumbers = `[0-9]{1,4}[A-Za-z]?(?:\s*(?:[.,/–-]|et|à|&)\s*[0-9]{1,3}[A-Za-z]?)*`

var (
	lotNumber     = regexp.MustCompile(`^(?i:lot\b\s*)?(?i:n[°ºo.]+\s*)?0*`)
	numberedTitle = regexp.MustCompile(`^(?:(?i:lots?\s*(?:n[°ºo.]+\s*)?)(` + lotNumbers + `)\s*[:.,–—-]|0*([0-9]{1,3}[A-Za-z]?)\s*:)\s*([^\s0-9].*)$`)
)
