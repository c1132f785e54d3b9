package ingest

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"vigie"
)

// WebAddress is a link that may be followed, "" for any other.
func WebAddress(s string) string {
	s = strings.ReplaceAll(strings.TrimSpace(s), "&amp;", "&")
	if s == "" || len(s) > MaxURL {
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

// Letters is a text for comparing: neither case, accents, punctuation nor
// spaces count.
func Letters(s string) string {
	s = strings.ReplaceAll(strings.ToLower(s), "œ", "oe")
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return r
	}, norm.NFD.String(s))
}

// Same reports whether two texts say the same.
func Same(a, b string) bool { return Letters(a) == Letters(b) }

// SIRETIn returns the first SIRET there is among numbers that may be anything.
func SIRETIn(numbers []string) string {
	for _, number := range numbers {
		if number = strings.Join(strings.Fields(number), ""); vigie.ValidSIRET(number) {
			return number
		}
	}
	return ""
}

// CPVIn returns the codes of the vocabulary among texts, without the check
// digit that may follow them, each once and sorted.
func CPVIn(texts []string) []string {
	var codes []string
	for _, text := range texts {
		code, _, _ := strings.Cut(strings.TrimSpace(text), "-")
		if cpvPattern.MatchString(code) {
			codes = append(codes, code)
		}
	}
	return vigie.Sorted(codes)
}

var cpvPattern = regexp.MustCompile(`^(?:0[1-9]|[1-9][0-9])[0-9]{6}$`)

// DocumentsChanged reports whether a text says that the procurement documents were changed.
func DocumentsChanged(text string) bool {
	return documentsChanged.MatchString(text) && !documentsStay.MatchString(text)
}

const (
	// documents are what French buyers call them, changed what they say of them, and between what may stand between:
	// « modifications apportées au DCE », and not « date modifiée, DCE en ligne ».
	documents = `(?:dce|(?:documents?|dossiers?|pi[èe]ces?|r[èe]glement)\s+(?:de\s+(?:la\s+)?consultation|du\s+march[ée]|contractuel(?:le)?s?)|cahiers? des (?:charges|clauses)|c\.?c\.?[ta]\.?p\.?|bordereaux? des prix|bpu|dpgf|dqe)`
	changed   = `(?:modifi|remplac|compl[ée]t|mise?s? [àa] jour|nouvelles? versions?|corrig|rectifi|ajout)`
	between   = `\pL*(?:\s+(?:apport[ée]e?s?|effectu[ée]e?s?|concernant|certaines?|plusieurs|d['’]une?|de|des|du|la|le|les|au|aux|dans|sur|(?:l['’])?(?:pi[èe]ce|document|article|annexe|page)s?|[\d.]+))*\s+`
)

var (
	documentsChanged = regexp.MustCompile(`(?i)\b` + documents + `[^.,;:\pL\n][^.,;:\n]{0,60}` + changed + `|` + changed + between + documents + `\b`)
	documentsStay    = regexp.MustCompile(`(?i)\b` + documents + `\b[^.\n]{0,40}(?:inchang|sans changement|n['’](?:est|a|ont)\s+pas\s+(?:[ée]t[ée]\s+)?(?:` + changed + `))`)
)
