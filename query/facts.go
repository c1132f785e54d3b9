package query

import (
	"slices"

	"vigie"
	"vigie/lexicon"
)

// Values are some values of each field.
type Values [fieldCount][]string

// Facts are all that matching knows of a tender, by field. The lists are sorted and hold no value twice.
type Facts Values

// FactsOf returns the facts of a tender; cut reports whether it had more terms than are kept, [lexicon.MaxTerms].
func FactsOf(t *vigie.Tender) (f Facts, cut bool) {
	f[Term], cut = termsOf(t)
	for i := range declared {
		f[declared[i].Field] = declared[i].facts(t)
	}
	return f, cut
}

// termsOf returns the terms of title, description, reference, lots and labels.
func termsOf(t *vigie.Tender) (terms []string, cut bool) {
	fields := []string{t.Title, t.Reference, t.SourceRef}
	for _, lot := range t.Lots {
		fields = append(fields, lot.Title)
	}
	for _, code := range t.CPVCodes {
		fields = append(fields, vigie.CPVLabel(code))
	}
	fields = append(fields, t.Labels...)
	// The longest fields come last: they are the ones that are cut.
	fields = append(fields, t.Description)
	for _, lot := range t.Lots {
		if lot.Description != "" {
			fields = append(fields, lot.Description)
		}
	}
	terms, cut = lexicon.Terms(fields...)
	slices.Sort(terms)
	return terms, cut
}

// Has reports whether the tender has the value that an atom asks for.
func (f Facts) Has(a Atom) bool {
	if a.Field >= fieldCount {
		return false
	}
	if from, to, ok := a.Bounds(); ok {
		n, known := f.Number(a.Field)
		return known && from <= n && n <= to
	}
	_, ok := slices.BinarySearch(f[a.Field], a.Value)
	return ok
}
