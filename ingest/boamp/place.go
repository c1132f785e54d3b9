package boamp

import (
	"regexp"
	"slices"
	"strings"

	"vigie"
)

// places are the departments where a contract is performed.
type places struct {
	departments []string
	// nationwide is whether it is performed anywhere in the country.
	nationwide bool
}

// add adds departments by their codes; what is no code says nothing. BOAMP
// has also written « 20A » for Corse-du-Sud.
func (p *places) add(codes ...string) {
	for _, code := range codes {
		code = vigie.NormalizeDepartment(code)
		if code == "20A" || code == "20B" {
			code = "2" + code[2:]
		}
		if _, ok := vigie.DepartmentByCode(code); ok {
			p.departments = append(p.departments, code)
		}
	}
}

// addNUTS adds the departments of a code of the Nomenclature of Territorial
// Units for Statistics: one for a code of 5 characters, those of a region for
// a shorter one.
func (p *places) addNUTS(code string) bool {
	code = strings.ToUpper(strings.TrimSpace(code))
	if code == "FR" {
		p.nationwide = true
		return true
	}
	before := len(p.departments)
	for _, area := range nuts3 {
		if len(code) > 2 && strings.HasPrefix(area.code, code) {
			p.departments = append(p.departments, area.department)
		}
	}
	return len(p.departments) > before
}

// addText adds what can be told from a place in free text: the postcodes in
// it, and the departments that it has in parentheses.
func (p *places) addText(text string) {
	if everywhere.MatchString(text) {
		p.nationwide = true
		return
	}
	text = mailbox.ReplaceAllString(text, "")
	for _, postcode := range postcodeInText.FindAllString(text, -1) {
		p.add(departmentOfPostcode(postcode))
	}
	for _, found := range departmentInText.FindAllStringSubmatch(text, -1) {
		p.add(found[1])
	}
}

var (
	everywhere       = regexp.MustCompile(`(?i)^\W*(?:(?:toute la )?france(?: enti[eè]re| m[eé]tropolitaine)?|(?:tout le |ensemble du )?territoire (?:national|fran[cç]ais))\W*$`)
	mailbox          = regexp.MustCompile(`(?i)\b(?:bp|cs|tsa)\s*(?:n°\s*)?\d+`)
	postcodeInText   = regexp.MustCompile(`\b\d{5}\b`)
	departmentInText = regexp.MustCompile(`\((\d{2,3}|2[ABab])\)`)
)

// departmentOfPostcode returns the department of an address by its postcode,
// "" where it has none: the first two digits; in Corsica 200 and 201 are the
// South, above is the North; overseas the first three, but the islands that
// left Guadeloupe kept theirs. (A few dozen villages are served from the
// department next door, which is left at that.)
func departmentOfPostcode(postcode string) string {
	var digits []byte
	for _, b := range []byte(postcode) {
		if b >= '0' && b <= '9' {
			digits = append(digits, b)
		}
	}
	if len(digits) == 4 { // a number that lost its zero: 1000, Bourg-en-Bresse
		digits = append([]byte{'0'}, digits...)
	}
	if len(digits) != 5 {
		return ""
	}
	code := string(digits[:2])
	switch {
	case string(digits) == "97133":
		code = "977"
	case string(digits) == "97150":
		code = "978"
	case code == "97" || code == "98":
		code = string(digits[:3])
	case code == "20" && digits[2] <= '1':
		code = "2A"
	case code == "20":
		code = "2B"
	}
	if _, ok := vigie.DepartmentByCode(code); !ok {
		return ""
	}
	return code
}

// townOf is a town without the post's way of delivering there: « Dijon Cedex 9 ».
func townOf(city string) string { return strings.TrimSpace(cedex.ReplaceAllString(city, "")) }

var cedex = regexp.MustCompile(`(?i)[\s,-]+cedex\b.*$`)

// list returns the departments in order, each once; none for nationwide.
func (p *places) list() []string {
	if p.nationwide {
		return nil
	}
	return vigie.Sorted(slices.Clone(p.departments))
}

// nuts3 holds the departments' codes in the Nomenclature of Territorial Units
// for Statistics, version 2021 (Eurostat; Regulation (EU) 2019/1755).
var nuts3 = []struct{ code, department string }{
	{"FR101", "75"}, {"FR102", "77"}, {"FR103", "78"}, {"FR104", "91"}, {"FR105", "92"}, {"FR106", "93"},
	{"FR107", "94"}, {"FR108", "95"},
	{"FRB01", "18"}, {"FRB02", "28"}, {"FRB03", "36"}, {"FRB04", "37"}, {"FRB05", "41"}, {"FRB06", "45"},
	{"FRC11", "21"}, {"FRC12", "58"}, {"FRC13", "71"}, {"FRC14", "89"}, {"FRC21", "25"}, {"FRC22", "39"},
	{"FRC23", "70"}, {"FRC24", "90"},
	{"FRD11", "14"}, {"FRD12", "50"}, {"FRD13", "61"}, {"FRD21", "27"}, {"FRD22", "76"},
	{"FRE11", "59"}, {"FRE12", "62"}, {"FRE21", "02"}, {"FRE22", "60"}, {"FRE23", "80"},
	{"FRF11", "67"}, {"FRF12", "68"}, {"FRF21", "08"}, {"FRF22", "10"}, {"FRF23", "51"}, {"FRF24", "52"},
	{"FRF31", "54"}, {"FRF32", "55"}, {"FRF33", "57"}, {"FRF34", "88"},
	{"FRG01", "44"}, {"FRG02", "49"}, {"FRG03", "53"}, {"FRG04", "72"}, {"FRG05", "85"},
	{"FRH01", "22"}, {"FRH02", "29"}, {"FRH03", "35"}, {"FRH04", "56"},
	{"FRI11", "24"}, {"FRI12", "33"}, {"FRI13", "40"}, {"FRI14", "47"}, {"FRI15", "64"}, {"FRI21", "19"},
	{"FRI22", "23"}, {"FRI23", "87"}, {"FRI31", "16"}, {"FRI32", "17"}, {"FRI33", "79"}, {"FRI34", "86"},
	{"FRJ11", "11"}, {"FRJ12", "30"}, {"FRJ13", "34"}, {"FRJ14", "48"}, {"FRJ15", "66"}, {"FRJ21", "09"},
	{"FRJ22", "12"}, {"FRJ23", "31"}, {"FRJ24", "32"}, {"FRJ25", "46"}, {"FRJ26", "65"}, {"FRJ27", "81"},
	{"FRJ28", "82"},
	{"FRK11", "03"}, {"FRK12", "15"}, {"FRK13", "43"}, {"FRK14", "63"}, {"FRK21", "01"}, {"FRK22", "07"},
	{"FRK23", "26"}, {"FRK24", "38"}, {"FRK25", "42"}, {"FRK26", "69"}, {"FRK27", "73"}, {"FRK28", "74"},
	{"FRL01", "04"}, {"FRL02", "05"}, {"FRL03", "06"}, {"FRL04", "13"}, {"FRL05", "83"}, {"FRL06", "84"},
	{"FRM01", "2A"}, {"FRM02", "2B"},
	{"FRY10", "971"}, {"FRY20", "972"}, {"FRY30", "973"}, {"FRY40", "974"}, {"FRY50", "976"},
}
