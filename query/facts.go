package query

import (
	"slices"

	"vigie"
	"vigie/lexicon"
)

// Facts are all that matching knows of a tender. The lists are sorted and hold no value twice.
type Facts struct {
	// Terms are those of title, description, reference, lots' titles and
	// labels; at most [lexicon.MaxTerms].
	Terms []string
	// Departments are INSEE codes, or [vigie.Nationwide] alone.
	Departments []string
	Buyer       string // a global id
	Natures     []string
	Procedure   string // "" where not known
	CPVCodes    []string
	// CPVPrefixes are those of 2 to 8 digits of every code.
	CPVPrefixes []string
}

// FactsOf returns the facts of a tender; cut reports whether it had more terms than are kept.
func FactsOf(t *vigie.Tender) (f Facts, cut bool) {
	fields := []string{t.Title, t.Reference, t.SourceRef}
	for _, lot := range t.Lots {
		fields = append(fields, lot.Title)
	}
	for _, code := range t.CPVCodes {
		fields = append(fields, vigie.CPVLabel(code))
	}
	fields = append(fields, t.Labels...)
	// The longest field comes last: it is the one that is cut.
	fields = append(fields, t.Description)
	f.Terms, cut = lexicon.Terms(fields...)
	slices.Sort(f.Terms)

	f.Departments = vigie.Sorted(t.Departments)
	if len(f.Departments) == 0 {
		f.Departments = []string{vigie.Nationwide}
	}
	f.Buyer = vigie.GlobalID(vigie.KindBuyer, t.BuyerID)
	f.Natures = vigie.Sorted(values(t.Natures))
	f.Procedure = string(t.Procedure)
	f.CPVCodes = vigie.Sorted(t.CPVCodes)
	for _, code := range f.CPVCodes {
		for n := minCPVPrefix; n <= len(code); n++ {
			f.CPVPrefixes = append(f.CPVPrefixes, code[:n])
		}
	}
	f.CPVPrefixes = vigie.Sorted(f.CPVPrefixes)
	return f, cut
}

// minCPVPrefix is the length of a division, the widest class of CPV codes (Regulation (EC) 213/2008, annex I).
const minCPVPrefix = 2

// Has reports whether the tender has the value that an atom asks for.
func (f Facts) Has(a Atom) bool {
	switch a.Field {
	case Term:
		return has(f.Terms, a.Value)
	case Department:
		return has(f.Departments, a.Value)
	case Buyer:
		return f.Buyer == a.Value
	case Nature:
		return has(f.Natures, a.Value)
	case Procedure:
		return f.Procedure == a.Value
	case CPV:
		return has(f.CPVPrefixes, a.Value)
	}
	return false
}

func has(sorted []string, value string) bool {
	_, ok := slices.BinarySearch(sorted, value)
	return ok
}
