package match

import "vigie/query"

// Frequencies count in how many tenders of a sample each atom occurs. An atom that is missing is rarer than all
// others.
type Frequencies map[query.Atom]uint32

// Add counts one tender of the sample.
func (f Frequencies) Add(t query.Facts) {
	for atom := range atomsOf(t) {
		f[atom]++
	}
}

// Trim removes what occurs less than n times: most words of a sample occur once or twice, and take most of the
// memory.
func (f Frequencies) Trim(n uint32) {
	for atom, count := range f {
		if count < n {
			delete(f, atom)
		}
	}
}

// rarest returns the atom of a conjunction that fewest tenders have, and how many have it. Of atoms that never occur,
// a pair of words is rarer than its words, and a long word than a short one.
func (f Frequencies) rarest(c query.Conj) (rarest int, count uint32) {
	for i, atom := range c {
		n := f[atom]
		if i == 0 || n < count || n == count && len(atom.Value) > len(c[rarest].Value) {
			rarest, count = i, n
		}
	}
	return rarest, count
}
