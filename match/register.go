package match

import (
	"slices"

	"vigie/query"
)

// maxPostings is the most registrations that the departments of a watch may lead to. Above that, departments are
// checked, not registered: that checks the watch for more tenders, but saves memory.
const maxPostings = 48

// registration is the registered form of a formula: it is true of a tender that has one of the keys, is in one of the
// places and passes the rest of that key.
type registration struct {
	keys   []key
	places []uint8
}

// key is an atom to register under, and the program that checks the rest.
type key struct {
	atom uint32
	rest program
}

// register decides under which atoms a formula is registered. A formula that is never true has no keys.
func (x *Index) register(f query.Formula) registration {
	clauses, excluded, possible := simplified(f)
	if !possible {
		return registration{}
	}
	// The departments are registered with the key, as places: both narrow at once.
	places := []uint8{anywhere}
	placeClause := slices.IndexFunc(clauses, func(c query.Clause) bool { return x.placesOf(c) != nil })
	best := -1
	var least uint64
	for i, clause := range clauses {
		if i == placeClause || asksForNumber(clause) {
			continue
		}
		if n := x.count(clause); best < 0 || n < least || n == least && len(clause) < len(clauses[best]) {
			best, least = i, n
		}
	}
	chosen := query.Clause{query.Conj{}}
	switch {
	case best >= 0:
		chosen = clauses[best]
		if placeClause >= 0 {
			if list := x.placesOf(clauses[placeClause]); len(list)*len(chosen) <= maxPostings {
				places = list
			} else {
				placeClause = -1
			}
		}
	case placeClause >= 0:
		// A formula of departments only: each is a key.
		chosen, best = clauses[placeClause], placeClause
	}
	var common program
	for i, clause := range clauses {
		if i == best || i == placeClause {
			continue
		}
		if list := x.placesOf(clause); list != nil {
			common.inOneOf(list)
		} else {
			common.clause(x.numbers(clause), 0)
		}
	}
	for _, conj := range excluded {
		common.clause([][]uint32{x.numbersOf(conj)}, negated)
	}
	r := registration{places: places, keys: make([]key, len(chosen))}
	for i, conj := range chosen {
		r.keys[i] = x.key(conj, common)
	}
	return r
}

// key registers under the rarest atom of a conjunction; the other atoms come first in the program, then the clauses
// common to all keys.
func (x *Index) key(conj query.Conj, common program) key {
	if len(conj) == 0 {
		return key{always, common}
	}
	rarest, _ := x.frequency.rarest(conj)
	var rest program
	for i, atom := range conj {
		if i != rarest && atom != conj[rarest] {
			rest.clause([][]uint32{{x.number(atom)}}, 0)
		}
	}
	return key{x.atoms.add(conj[rarest]), append(rest, common...)}
}

// simplified drops the clauses that are always true, and reports whether the others can be true.
func simplified(f query.Formula) (clauses []query.Clause, excluded []query.Conj, possible bool) {
	isTrue := func(c query.Conj) bool { return len(c) == 0 }
	for _, clause := range f.Clauses {
		if len(clause) == 0 {
			return nil, nil, false
		}
		if !slices.ContainsFunc(clause, isTrue) {
			clauses = append(clauses, clause)
		}
	}
	return clauses, f.Excluded, !slices.ContainsFunc(f.Excluded, isTrue)
}

// count estimates how many tenders of the sample a clause is true of.
func (x *Index) count(c query.Clause) uint64 {
	var sum uint64
	for _, conj := range c {
		_, n := x.frequency.rarest(conj)
		sum += uint64(n)
	}
	return sum
}

// placesOf returns the places of a clause that asks for one of several places; nil for any other clause.
func (x *Index) placesOf(c query.Clause) []uint8 {
	list := make([]uint8, len(c))
	for i, conj := range c {
		place, ok := x.places[conj[0]]
		if !ok || len(conj) > 1 {
			return nil
		}
		list[i] = place
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// asksForNumber reports whether a clause asks for a number between two, which is checked and never registered: most
// tenders have it, or give none.
func asksForNumber(c query.Clause) bool {
	return slices.ContainsFunc(c, func(conj query.Conj) bool { return slices.ContainsFunc(conj, isRange) })
}

func isRange(a query.Atom) bool {
	_, _, ok := a.Bounds()
	return ok
}

// numbers are the atoms of a clause by their numbers. A number between two, or none, is one atom.
func (x *Index) numbers(c query.Clause) [][]uint32 {
	if len(c) == 2 && len(c[0]) == 1 && len(c[1]) == 1 && isRange(c[0][0]) && c[1][0] == noneOf(c[0][0].Field) {
		return [][]uint32{{x.atoms.addRange(c[0][0], true)}}
	}
	list := make([][]uint32, len(c))
	for i, conj := range c {
		list[i] = x.numbersOf(conj)
	}
	return list
}

// noneOf is the atom of tenders that have no number of a field.
func noneOf(f query.Field) query.Atom { return query.Atom{Field: f, Value: f.Criterion().None} }

func (x *Index) numbersOf(c query.Conj) []uint32 {
	list := make([]uint32, len(c))
	for i, atom := range c {
		list[i] = x.number(atom)
	}
	return list
}

func (x *Index) number(a query.Atom) uint32 {
	if isRange(a) {
		return x.atoms.addRange(a, false)
	}
	return x.atoms.add(a)
}
