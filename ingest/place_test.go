package ingest

import (
	"slices"
	"testing"

	"vigie"
)

func TestDepartmentOfPostcode(t *testing.T) {
	for postcode, want := range map[string]string{
		"01000": "01", "1000": "01", "75015": "75", "84 100": "84", "F-67000": "67", "21005": "21",
		"20000": "2A", "20137": "2A", "20200": "2B", "20290": "2B", "20600": "2B",
		"97110": "971", "97200": "972", "97300": "973", "97400": "974", "97500": "975", "97600": "976",
		"97133": "977", "97150": "978", "98600": "986", "98735": "987", "98800": "988",
		"98000": "", "00100": "", "96000": "", "": "", "750": "", "750155": "", "B-1000 Bruxelles": "01",
	} {
		if got := DepartmentOfPostcode(postcode); got != want {
			t.Errorf("%q: %q, want %q", postcode, got, want)
		}
	}
}

func TestArea(t *testing.T) {
	for _, test := range []struct {
		name       string
		add        func(*Area)
		want       []string
		nationwide bool
	}{
		{"two codes in one", func(p *Area) { p.Add("68/67", "68 - Haut-Rhin", "(67)", "2A.") }, []string{"2A", "67", "68"}, false},
		{"two codes in one alone", func(p *Area) { p.Add("68/67") }, nil, false},
		{"codes", func(p *Area) { p.Add("5", "2a", "20B", "971", "999", "", "75", "75") }, []string{"05", "2A", "2B", "75", "971"}, false},
		{"NUTS 3", func(p *Area) { p.AddNUTS("FRM01"); p.AddNUTS("fry40 ") }, []string{"2A", "974"}, false},
		{"NUTS 2", func(p *Area) { p.AddNUTS("FRD1") }, []string{"14", "50", "61"}, false},
		{"NUTS 1", func(p *Area) { p.AddNUTS("FR1") }, []string{"75", "77", "78", "91", "92", "93", "94", "95"}, false},
		{"the country", func(p *Area) { p.AddNUTS("FRB01"); p.AddNUTS("FR") }, nil, true},
		{"abroad", func(p *Area) { p.AddNUTS("BE100"); p.AddNUTS("FRZZZ"); p.AddNUTS("") }, nil, false},
		{"postcode and town", func(p *Area) { p.AddText("25660 SAONE") }, []string{"25"}, false},
		{"address", func(p *Area) { p.AddText("12 rue du Parc, BP 61616, CS n°94104, 21000 Dijon") }, []string{"21"}, false},
		{"code and name", func(p *Area) { p.AddText("(21) Côte-d'Or") }, []string{"21"}, false},
		{"several", func(p *Area) { p.AddText("Dole (39) et 25000 Besançon (25), Ajaccio (2a)") }, []string{"25", "2A", "39"}, false},
		{"no code", func(p *Area) { p.AddText("Communes membres, 1 500 m de réseaux (10), lot 4711") }, []string{"10"}, false},
		{"everywhere", func(p *Area) { p.AddText("France entière.") }, nil, true},
		{"everywhere too", func(p *Area) { p.AddText("Territoire national") }, nil, true},
		{"not everywhere", func(p *Area) { p.AddText("Stade de France") }, nil, false},
	} {
		var p Area
		test.add(&p)
		if got := p.List(); !slices.Equal(got, test.want) || p.Nationwide != test.nationwide {
			t.Errorf("%s: %v, nationwide %v; want %v, %v", test.name, got, p.Nationwide, test.want, test.nationwide)
		}
	}
}

// TestNUTS checks that the table has every department that the nomenclature
// has a code for, once.
func TestNUTS(t *testing.T) {
	seen := make(map[string]bool)
	for i, area := range nuts3 {
		if _, ok := vigie.DepartmentByCode(area.department); !ok || seen[area.department] || len(area.code) != 5 {
			t.Errorf("%v", area)
		}
		if i > 0 && nuts3[i-1].code >= area.code {
			t.Errorf("%v is out of order", area)
		}
		seen[area.department] = true
	}
	for _, d := range vigie.Departments() {
		if !seen[d.Code] && len(d.Code) == 2 {
			t.Errorf("no code for %v", d)
		}
	}
}

func TestTownOf(t *testing.T) {
	for city, want := range map[string]string{
		"Dijon": "Dijon", "DIJON CEDEX": "DIJON", "Paris Cedex 15": "Paris", "Metz, cedex 3": "Metz", "Cedexville": "Cedexville",
	} {
		if got := TownOf(city); got != want {
			t.Errorf("TownOf(%q) = %q, want %q", city, got, want)
		}
	}
}
