package vigie

import (
	"slices"
	"strconv"
	"strings"
)

// Department is a French department or overseas collectivity.
type Department struct {
	Code   string // INSEE code: "01" … "19", "2A", "2B", "21" … "95", "971" …
	Name   string
	Region string
}

// Number is the department's code as a number, for its id.
func (d *Department) Number() int64 {
	n, err := strconv.ParseInt(d.Code, 36, 64)
	if err != nil {
		panic("vigie: a department's code " + d.Code + " is not of digits and letters")
	}
	return n
}

// GlobalID is the department's name within the server.
func (d *Department) GlobalID() string { return GlobalID(KindDepartment, d.Number()) }

// DepartmentByNumber finds a department by its [Department.Number].
func DepartmentByNumber(n int64) (Department, bool) {
	i := slices.IndexFunc(departments, func(d Department) bool { return d.Number() == n })
	if i < 0 {
		return Department{}, false
	}
	return departments[i], true
}

// Nationwide stands for "no department" where a department's code could
// stand: in facets and filters.
const Nationwide = "NATIONWIDE"

// Abroad stands in the same places for « performed outside of France ».
const Abroad = "ABROAD"

// Departments returns all of them, in the usual order: 01 … 19, 2A, 2B, 21 …
func Departments() []Department { return slices.Clone(departments) }

// DepartmentByCode finds a department by its INSEE code, as written in
// [Department].
func DepartmentByCode(code string) (Department, bool) {
	i, ok := slices.BinarySearchFunc(departments, code, func(d Department, code string) int {
		return CompareDepartments(d.Code, code)
	})
	if !ok {
		return Department{}, false
	}
	return departments[i], true
}

// CompareDepartments orders codes as people do: those of Corsica, which was 20,
// stand between 19 and 21.
func CompareDepartments(a, b string) int { return strings.Compare(inOrder(a), inOrder(b)) }

func inOrder(code string) string {
	if code == "2A" || code == "2B" {
		return "20" + code[1:]
	}
	return code
}

// NormalizeDepartment gives a code its INSEE form: sources write "5" for
// Hautes-Alpes, "2a" or "20A" for Corse-du-Sud. What is no code comes back
// without spaces, in capitals.
func NormalizeDepartment(code string) string {
	code = strings.ToUpper(strings.TrimSpace(code))
	switch {
	case len(code) == 1 && code[0] >= '0' && code[0] <= '9':
		return "0" + code
	case code == "20A" || code == "20B":
		return "2" + code[2:]
	}
	return code
}

// departments holds the codes and names of the INSEE's Code officiel géographique
// (insee.fr, Licence Ouverte 2.0), in their usual order.
var departments = []Department{
	{"01", "Ain", "Auvergne-Rhône-Alpes"},
	{"02", "Aisne", "Hauts-de-France"},
	{"03", "Allier", "Auvergne-Rhône-Alpes"},
	{"04", "Alpes-de-Haute-Provence", "Provence-Alpes-Côte d'Azur"},
	{"05", "Hautes-Alpes", "Provence-Alpes-Côte d'Azur"},
	{"06", "Alpes-Maritimes", "Provence-Alpes-Côte d'Azur"},
	{"07", "Ardèche", "Auvergne-Rhône-Alpes"},
	{"08", "Ardennes", "Grand Est"},
	{"09", "Ariège", "Occitanie"},
	{"10", "Aube", "Grand Est"},
	{"11", "Aude", "Occitanie"},
	{"12", "Aveyron", "Occitanie"},
	{"13", "Bouches-du-Rhône", "Provence-Alpes-Côte d'Azur"},
	{"14", "Calvados", "Normandie"},
	{"15", "Cantal", "Auvergne-Rhône-Alpes"},
	{"16", "Charente", "Nouvelle-Aquitaine"},
	{"17", "Charente-Maritime", "Nouvelle-Aquitaine"},
	{"18", "Cher", "Centre-Val de Loire"},
	{"19", "Corrèze", "Nouvelle-Aquitaine"},
	{"2A", "Corse-du-Sud", "Corse"},
	{"2B", "Haute-Corse", "Corse"},
	{"21", "Côte-d'Or", "Bourgogne-Franche-Comté"},
	{"22", "Côtes-d'Armor", "Bretagne"},
	{"23", "Creuse", "Nouvelle-Aquitaine"},
	{"24", "Dordogne", "Nouvelle-Aquitaine"},
	{"25", "Doubs", "Bourgogne-Franche-Comté"},
	{"26", "Drôme", "Auvergne-Rhône-Alpes"},
	{"27", "Eure", "Normandie"},
	{"28", "Eure-et-Loir", "Centre-Val de Loire"},
	{"29", "Finistère", "Bretagne"},
	{"30", "Gard", "Occitanie"},
	{"31", "Haute-Garonne", "Occitanie"},
	{"32", "Gers", "Occitanie"},
	{"33", "Gironde", "Nouvelle-Aquitaine"},
	{"34", "Hérault", "Occitanie"},
	{"35", "Ille-et-Vilaine", "Bretagne"},
	{"36", "Indre", "Centre-Val de Loire"},
	{"37", "Indre-et-Loire", "Centre-Val de Loire"},
	{"38", "Isère", "Auvergne-Rhône-Alpes"},
	{"39", "Jura", "Bourgogne-Franche-Comté"},
	{"40", "Landes", "Nouvelle-Aquitaine"},
	{"41", "Loir-et-Cher", "Centre-Val de Loire"},
	{"42", "Loire", "Auvergne-Rhône-Alpes"},
	{"43", "Haute-Loire", "Auvergne-Rhône-Alpes"},
	{"44", "Loire-Atlantique", "Pays de la Loire"},
	{"45", "Loiret", "Centre-Val de Loire"},
	{"46", "Lot", "Occitanie"},
	{"47", "Lot-et-Garonne", "Nouvelle-Aquitaine"},
	{"48", "Lozère", "Occitanie"},
	{"49", "Maine-et-Loire", "Pays de la Loire"},
	{"50", "Manche", "Normandie"},
	{"51", "Marne", "Grand Est"},
	{"52", "Haute-Marne", "Grand Est"},
	{"53", "Mayenne", "Pays de la Loire"},
	{"54", "Meurthe-et-Moselle", "Grand Est"},
	{"55", "Meuse", "Grand Est"},
	{"56", "Morbihan", "Bretagne"},
	{"57", "Moselle", "Grand Est"},
	{"58", "Nièvre", "Bourgogne-Franche-Comté"},
	{"59", "Nord", "Hauts-de-France"},
	{"60", "Oise", "Hauts-de-France"},
	{"61", "Orne", "Normandie"},
	{"62", "Pas-de-Calais", "Hauts-de-France"},
	{"63", "Puy-de-Dôme", "Auvergne-Rhône-Alpes"},
	{"64", "Pyrénées-Atlantiques", "Nouvelle-Aquitaine"},
	{"65", "Hautes-Pyrénées", "Occitanie"},
	{"66", "Pyrénées-Orientales", "Occitanie"},
	{"67", "Bas-Rhin", "Grand Est"},
	{"68", "Haut-Rhin", "Grand Est"},
	{"69", "Rhône", "Auvergne-Rhône-Alpes"},
	{"70", "Haute-Saône", "Bourgogne-Franche-Comté"},
	{"71", "Saône-et-Loire", "Bourgogne-Franche-Comté"},
	{"72", "Sarthe", "Pays de la Loire"},
	{"73", "Savoie", "Auvergne-Rhône-Alpes"},
	{"74", "Haute-Savoie", "Auvergne-Rhône-Alpes"},
	{"75", "Paris", "Île-de-France"},
	{"76", "Seine-Maritime", "Normandie"},
	{"77", "Seine-et-Marne", "Île-de-France"},
	{"78", "Yvelines", "Île-de-France"},
	{"79", "Deux-Sèvres", "Nouvelle-Aquitaine"},
	{"80", "Somme", "Hauts-de-France"},
	{"81", "Tarn", "Occitanie"},
	{"82", "Tarn-et-Garonne", "Occitanie"},
	{"83", "Var", "Provence-Alpes-Côte d'Azur"},
	{"84", "Vaucluse", "Provence-Alpes-Côte d'Azur"},
	{"85", "Vendée", "Pays de la Loire"},
	{"86", "Vienne", "Nouvelle-Aquitaine"},
	{"87", "Haute-Vienne", "Nouvelle-Aquitaine"},
	{"88", "Vosges", "Grand Est"},
	{"89", "Yonne", "Bourgogne-Franche-Comté"},
	{"90", "Territoire de Belfort", "Bourgogne-Franche-Comté"},
	{"91", "Essonne", "Île-de-France"},
	{"92", "Hauts-de-Seine", "Île-de-France"},
	{"93", "Seine-Saint-Denis", "Île-de-France"},
	{"94", "Val-de-Marne", "Île-de-France"},
	{"95", "Val-d'Oise", "Île-de-France"},
	{"971", "Guadeloupe", "Guadeloupe"},
	{"972", "Martinique", "Martinique"},
	{"973", "Guyane", "Guyane"},
	{"974", "La Réunion", "La Réunion"},
	{"975", "Saint-Pierre-et-Miquelon", "Outre-mer"},
	{"976", "Mayotte", "Mayotte"},
	{"977", "Saint-Barthélemy", "Outre-mer"},
	{"978", "Saint-Martin", "Outre-mer"},
	{"984", "Terres australes et antarctiques françaises", "Outre-mer"},
	{"986", "Wallis et Futuna", "Outre-mer"},
	{"987", "Polynésie française", "Outre-mer"},
	{"988", "Nouvelle-Calédonie", "Outre-mer"},
	{"989", "Île de Clipperton", "Outre-mer"},
}
