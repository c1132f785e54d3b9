package match

import "vigie/query"

// program is the part of a formula that is still to be checked: clauses, all of which must hold. A clause is of
// conditions, with marks at the last one of each conjunction and of the clause.
type program []uint32

// condition is one word, the number of an atom; or one of the numbers inPlaces and inRange, with more words after it: a
// set of places, or a field and the numbers between which the tender's must be, in halves.
type condition []uint32

const (
	endsConj   = 1 << 28
	endsClause = 1 << 29
	negated    = 1 << 30 // at the end of a clause: it must not be true
	atomBits   = 1<<28 - 1

	inPlaces = atomBits
	inRange  = atomBits - 1
)

// clause adds a clause of conjunctions. Mark is 0, or negated.
func (p *program) clause(conjs [][]condition, mark uint32) {
	last := 0
	for _, conj := range conjs {
		for _, c := range conj {
			last = len(*p)
			*p = append(*p, c...)
		}
		(*p)[last] |= endsConj
	}
	(*p)[last] |= endsClause | mark
}

// inOneOf is that the tender must be in one of the places.
func inOneOf(list []uint8) condition {
	var set placeSet
	for _, place := range list {
		set.set(place)
	}
	return append(condition{inPlaces}, set[:]...)
}

// between is that the tender must have a number of a field, from one to another.
func between(field query.Field, from, to int64) condition {
	return condition{inRange, uint32(field), uint32(from >> 32), uint32(from), uint32(to >> 32), uint32(to)}
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
		switch n := word & atomBits; n {
		case inPlaces:
			conj = conj && t.regions.meets(p[i+1:i+1+len(t.regions)])
			i += len(t.regions)
		case inRange:
			conj = conj && t.numbers.between(p[i+1:i+6])
			i += 5
		default:
			conj = conj && t.has.has(n)
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
