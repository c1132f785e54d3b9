package match

// program is the part of a formula that is still to be checked: clauses, all of which must hold. A word is an atom's
// number, with marks where a conjunction and a clause end. The number inPlaces stands for a set of places, in the
// words after it.
type program []uint32

const (
	endsConj   = 1 << 28
	endsClause = 1 << 29
	negated    = 1 << 30 // at the end of a clause: it must not be true
	atomBits   = 1<<28 - 1

	inPlaces = atomBits
)

// clause adds a clause of conjunctions of atoms' numbers. Mark is 0, or negated.
func (p *program) clause(conjs [][]uint32, mark uint32) {
	for _, conj := range conjs {
		*p = append(*p, conj...)
		(*p)[len(*p)-1] |= endsConj
	}
	(*p)[len(*p)-1] |= endsClause | mark
}

// inOneOf adds that the tender must be in one of the places.
func (p *program) inOneOf(list []uint8) {
	var set placeSet
	for _, place := range list {
		set.set(place)
	}
	*p = append(append(*p, inPlaces|endsConj|endsClause), set[:]...)
}

// atom returns the only atom that a program asks for, if there is just one: always for the empty program.
func (p program) atom() (n uint32, ok bool) {
	switch {
	case len(p) == 0:
		return always, true
	case len(p) == 1 && p[0]&negated == 0:
		return p[0] & atomBits, true
	}
	return 0, false
}

// passes reports whether a program is true of the tender.
func (t *tender) passes(p program) bool {
	clause, conj := false, true
	for i := 0; i < len(p); i++ {
		word := p[i]
		if n := word & atomBits; n != inPlaces {
			conj = conj && t.has.has(n)
		} else {
			conj = conj && t.regions.meets(p[i+1:i+1+len(t.regions)])
			i += len(t.regions)
		}
		if word&endsConj == 0 {
			continue
		}
		clause, conj = clause || conj, true
		if word&endsClause == 0 {
			continue
		}
		if clause == (word&negated != 0) {
			return false
		}
		clause = false
	}
	return true
}
