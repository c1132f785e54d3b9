package decp

import (
	"regexp"
	"slices"
	"strings"

	"vigie"
	"vigie/ingest"
)

// place fills in where the contract is performed: a code and what kind of code
// it is. Of a region all its departments count; a contract for the whole of
// France is of none.
func (c contract) place(content *vigie.Content) {
	code := strings.ToUpper(c.text("lieuexecution_code", "lieuexecution.code"))
	kind := ingest.Letters(c.text("lieuexecution_typecode", "lieuexecution.typecode"))
	name := c.text("lieuexecution_nom", "lieuexecution.nom")
	if code == "" {
		return
	}
	var p vigie.Place
	switch {
	case strings.Contains(kind, "region"):
		content.Departments = departmentsOf(code)
		return
	case strings.Contains(kind, "pays"):
		if countryShape.MatchString(code) {
			p.Country = code
		}
	case strings.Contains(kind, "departement"):
		p.Department = department(code)
	case strings.Contains(kind, "postal"), kind == "" && postcodeShape.MatchString(code):
		if postcodeShape.MatchString(code) {
			p.Postcode = "0"[:5-len(code)] + code
		}
		p.Department = ingest.DepartmentOfPostcode(code)
	default: // communes, cantons and arrondissements start with their department
		if strings.Contains(kind, "commune") && len(code) == 4 { // a number that lost its zero
			code = "0" + code
		}
		p.Department = departmentIn(code)
	}
	if townShape.MatchString(name) && strings.Contains(kind, "commune") {
		p.Town = name
	}
	if p.Department != "" {
		content.Departments = []string{p.Department}
	}
	if p != (vigie.Place{}) {
		content.Details.Places = []vigie.Place{p}
	}
}

var (
	postcodeShape = regexp.MustCompile(`^[0-9]{4,5}$`)
	countryShape  = regexp.MustCompile(`^[A-Z]{2}$`)
	// townShape is a name, and not « (75) Paris » or « Code postal ».
	townShape = regexp.MustCompile(`^\p{L}[\p{L} '’-]*$`)
)

// department is a department by its code, "" for what is none.
func department(code string) string {
	if code = vigie.NormalizeDepartment(code); known(code) {
		return code
	}
	return ""
}

func known(code string) bool {
	_, ok := vigie.DepartmentByCode(code)
	return ok
}

// departmentIn is the department that the INSEE's code of a smaller place starts
// with: two characters, overseas three.
func departmentIn(code string) string {
	for _, length := range []int{3, 2} {
		if len(code) > length && known(code[:length]) {
			return code[:length]
		}
	}
	return department(code)
}

// departmentsOf are the departments of a region, by the INSEE's code of it.
func departmentsOf(code string) []string {
	name, ok := regions[strings.TrimLeft(code, "0")]
	if !ok {
		return nil
	}
	var codes []string
	for _, d := range vigie.Departments() {
		if d.Region == name {
			codes = append(codes, d.Code)
		}
	}
	slices.Sort(codes)
	return codes
}

// regions are the regions by their codes (INSEE, Code officiel géographique),
// without the zero that those overseas start with.
var regions = map[string]string{
	"1": "Guadeloupe", "2": "Martinique", "3": "Guyane", "4": "La Réunion", "6": "Mayotte",
	"11": "Île-de-France", "24": "Centre-Val de Loire", "27": "Bourgogne-Franche-Comté", "28": "Normandie", "32": "Hauts-de-France",
	"44": "Grand Est", "52": "Pays de la Loire", "53": "Bretagne", "75": "Nouvelle-Aquitaine", "76": "Occitanie",
	"84": "Auvergne-Rhône-Alpes", "93": "Provence-Alpes-Côte d'Azur", "94": "Corse",
}
