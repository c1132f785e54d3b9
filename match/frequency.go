package match

import "vigie/query"

// Frequencies says in how many tenders of a sample an atom was seen. What it
// does not hold is rarer than what it holds.
type Frequencies map[query.Atom]uint32

// Add counts one tender of the sample.
func (f Frequencies) Add(t query.Facts) {
	for atom := range atomsOf(t) {
		f[atom]++
	}
}

// Trim forgets what was seen less than n times: most words of a sample are
// seen once or twice, and take most of the room.
func (f Frequencies) Trim(n uint32) {
	for atom, count := range f {
		if count < n {
			delete(f, atom)
		}
	}
}

// rarest returns the atom of a conjunction that fewest tenders have, and how
// many have it. Of atoms never seen, a pair of words is rarer than its words,
// and a long word than a short one.
func (f Frequencies) rarest(c query.Conj) (rarest int, count uint32) {
	for i, atom := range c {
		n := f[atom]
		if i == 0 || n < count || n == count && len(atom.Value) > len(c[rarest].Value) {
			rarest, count = i, n
		}
	}
	return rarest, count
}
