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

// PublishedBy adds the sources of a tender's notices, of which the tender itself names the first alone.
func (f *Facts) PublishedBy(sources []string) {
	for _, source := range sources {
		f[Source] = append(f[Source], sourceOf(source))
	}
	f[Source] = vigie.Sorted(f[Source])
}

// termsOf returns the terms of title, description, reference, lots and labels.
func termsOf(t *vigie.Tender) (terms []string, cut bool) {
	texts := textsOf(t)
	fields := make([]string, len(texts))
	for i, text := range texts {
		fields[i] = text.Text
	}
	terms, cut = lexicon.Terms(fields...)
	slices.Sort(terms)
	return terms, cut
}

// text is a field of a tender that keywords are looked for in.
type text struct {
	Kind PlaceKind
	// Lot is the place of a lot in the tender's list, from 1; 0 for what is no lot's.
	Lot  int
	Code string // of CPV
	Text string
}

// textsOf returns all texts of a tender that keywords are looked for in: nothing else decides, and nothing else is a
// [Place] of a keyword.
func textsOf(t *vigie.Tender) []text {
	texts := []text{{Kind: InTitle, Text: t.Title}, {Kind: InReference, Text: t.Reference}, {Kind: InReference, Text: t.SourceRef}}
	for i, lot := range t.Lots {
		texts = append(texts, text{Kind: InLot, Lot: i + 1, Text: lot.Title})
	}
	for _, code := range t.CPVCodes {
		texts = append(texts, text{Kind: InCPV, Code: code, Text: vigie.CPVLabel(code)})
	}
	for _, label := range t.Labels {
		texts = append(texts, text{Kind: InDescriptor, Text: label})
	}
	// The longest come last: they are the ones that are cut.
	texts = append(texts, text{Kind: InDescription, Text: t.Description})
	for i, lot := range t.Lots {
		if lot.Description != "" {
			texts = append(texts, text{Kind: InLot, Lot: i + 1, Text: lot.Description})
		}
	}
	return texts
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
