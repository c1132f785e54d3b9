package ingest

import (
	"regexp"
	"slices"
	"strings"

	"vigie"
)

// Area is where a contract is performed, as departments.
type Area struct {
	Departments []string
	// ByPostcode are those that only a postcode tells.
	ByPostcode []string
	// Nationwide is whether it is performed anywhere in the country.
	Nationwide bool
}

// Add adds departments by their codes; what is no code says nothing. BOAMP
// has also written « 20A » for Corse-du-Sud.
func (p *Area) Add(codes ...string) {
	for _, code := range codes {
		// « 67 - Bas-Rhin », « (67) »; not « 67/68 », of which a part would be lost.
		if found := leadingCode.FindStringSubmatch(code); found != nil {
			code = found[1]
		}
		code = vigie.NormalizeDepartment(code)
		if _, ok := vigie.DepartmentByCode(code); ok {
			p.Departments = append(p.Departments, code)
		}
	}
}

var leadingCode = regexp.MustCompile(`^\s*\(?\s*(\d{1,3}|(?i:2[ab]|20[ab]))(?:\.0)?\s*(?:$|[^\pL\pN\s][^\pN]*$)`)

// AddPostcode adds the department of an address.
func (p *Area) AddPostcode(postcode string) {
	if code := DepartmentOfPostcode(postcode); code != "" {
		p.ByPostcode = append(p.ByPostcode, code)
	}
}

// Known reports whether anything is.
func (p *Area) Known() bool { return p.Nationwide || len(p.Departments)+len(p.ByPostcode) > 0 }

// Checked are the places without the postcodes, where those contradict all the
// Departments that the notice is published for: they may be of a post office
// (CEDEX) in another department, or mistyped.
func (p Area) Checked(published []string) Area {
	if len(published) > 0 && !slices.ContainsFunc(p.ByPostcode, func(code string) bool { return slices.Contains(published, code) }) {
		p.ByPostcode = nil
	}
	return p
}

// AddNUTS adds the departments of a code of the Nomenclature of Territorial
// Units for Statistics: one for a code of 5 characters, those of a region for
// a shorter one.
func (p *Area) AddNUTS(code string) bool {
	code = strings.ToUpper(strings.TrimSpace(code))
	if code == "FR" {
		p.Nationwide = true
		return true
	}
	before := len(p.Departments)
	for _, table := range [][]area{nuts3, nuts2013} {
		for _, area := range table {
			if len(code) > 2 && strings.HasPrefix(area.code, code) {
				p.Departments = append(p.Departments, area.department)
			}
		}
	}
	return len(p.Departments) > before
}

// AddText adds what a place in free text says: the postcodes in
// it, and the departments that it has in parentheses.
func (p *Area) AddText(text string) {
	if everywhere.MatchString(text) {
		p.Nationwide = true
		return
	}
	text = mailbox.ReplaceAllString(text, "")
	for _, postcode := range postcodeInText.FindAllString(text, -1) {
		p.AddPostcode(postcode)
	}
	for _, found := range departmentInText.FindAllStringSubmatch(text, -1) {
		p.Add(found[1])
	}
}

var (
	everywhere       = regexp.MustCompile(`(?i)^\W*(?:(?:toute la )?france(?: enti[eè]re| m[eé]tropolitaine)?|(?:tout le |ensemble du )?territoire (?:national|fran[cç]ais))\W*$`)
	mailbox          = regexp.MustCompile(`(?i)\b(?:bp|cs|tsa)\s*(?:n°\s*)?\d+`)
	postcodeInText   = regexp.MustCompile(`\b\d{5}\b`)
	departmentInText = regexp.MustCompile(`\((\d{2,3}|2[ABab])\)`)
)

// DepartmentOfPostcode returns the department of an address by its postcode,
// "" where it has none: the first two digits; in Corsica 200 and 201 are the
// South, above is the North; overseas the first three, but the islands that
// left Guadeloupe kept theirs, and 977 and 978 are the CEDEX of La Réunion. (A few dozen villages are served from the
// department next door, which is left at that.)
func DepartmentOfPostcode(postcode string) string {
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
	case code == "97" && (digits[2] == '7' || digits[2] == '8'):
		code = "974"
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

// TownOf is a town without the post's way of delivering there: « Dijon Cedex 9 ».
func TownOf(city string) string { return strings.TrimSpace(cedex.ReplaceAllString(city, "")) }

var cedex = regexp.MustCompile(`(?i)[\s,-]+cedex\b.*$`)

// List returns the departments in order, each once; none for nationwide.
func (p *Area) List() []string {
	if p.Nationwide {
		return nil
	}
	return vigie.Sorted(slices.Concat(p.Departments, p.ByPostcode))
}

// area is a unit of the Nomenclature of Territorial Units for Statistics.
type area struct{ code, department string }

// nuts3 holds the departments' codes in the Nomenclature of Territorial Units
// for Statistics, version 2021 (Eurostat; Regulation (EU) 2019/1755).
var nuts3 = []area{
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

// nuts2013 holds those of version 2013 (Regulation (EU) 1319/2013), and the
// overseas ones of version 2010, as far as they changed since.
var nuts2013 = []area{
	{"FR211", "08"}, {"FR212", "10"}, {"FR213", "51"}, {"FR214", "52"},
	{"FR221", "02"}, {"FR222", "60"}, {"FR223", "80"},
	{"FR231", "27"}, {"FR232", "76"},
	{"FR241", "18"}, {"FR242", "28"}, {"FR243", "36"}, {"FR244", "37"}, {"FR245", "41"}, {"FR246", "45"},
	{"FR251", "14"}, {"FR252", "50"}, {"FR253", "61"},
	{"FR261", "21"}, {"FR262", "58"}, {"FR263", "71"}, {"FR264", "89"},
	{"FR301", "59"}, {"FR302", "62"},
	{"FR411", "54"}, {"FR412", "55"}, {"FR413", "57"}, {"FR414", "88"},
	{"FR421", "67"}, {"FR422", "68"},
	{"FR431", "25"}, {"FR432", "39"}, {"FR433", "70"}, {"FR434", "90"},
	{"FR511", "44"}, {"FR512", "49"}, {"FR513", "53"}, {"FR514", "72"}, {"FR515", "85"},
	{"FR521", "22"}, {"FR522", "29"}, {"FR523", "35"}, {"FR524", "56"},
	{"FR531", "16"}, {"FR532", "17"}, {"FR533", "79"}, {"FR534", "86"},
	{"FR611", "24"}, {"FR612", "33"}, {"FR613", "40"}, {"FR614", "47"}, {"FR615", "64"},
	{"FR621", "09"}, {"FR622", "12"}, {"FR623", "31"}, {"FR624", "32"}, {"FR625", "46"}, {"FR626", "65"}, {"FR627", "81"},
	{"FR628", "82"},
	{"FR631", "19"}, {"FR632", "23"}, {"FR633", "87"},
	{"FR711", "01"}, {"FR712", "07"}, {"FR713", "26"}, {"FR714", "38"}, {"FR715", "42"}, {"FR716", "69"}, {"FR717", "73"},
	{"FR718", "74"},
	{"FR721", "03"}, {"FR722", "15"}, {"FR723", "43"}, {"FR724", "63"},
	{"FR811", "11"}, {"FR812", "30"}, {"FR813", "34"}, {"FR814", "48"}, {"FR815", "66"},
	{"FR821", "04"}, {"FR822", "05"}, {"FR823", "06"}, {"FR824", "13"}, {"FR825", "83"}, {"FR826", "84"},
	{"FR831", "2A"}, {"FR832", "2B"},
	{"FR910", "971"}, {"FR920", "972"}, {"FR930", "973"}, {"FR940", "974"},
	{"FRA10", "971"}, {"FRA20", "972"}, {"FRA30", "973"}, {"FRA40", "974"}, {"FRA50", "976"},
}
