package match

import (
	"iter"
	"slices"

	"vigie"
	"vigie/query"
)

// tender is a tender as integers, with the memory that matching it needs.
type tender struct {
	atoms   []uint32 // sorted; only those that some watch asks for, but for ranges
	ranges  []uint32 // the atoms of ranges
	has     bitset   // both as a set
	places  []uint8  // sorted, anywhere first
	regions placeSet // the same as a set
	seen    bitset   // of the watches of one segment: those that need no further check
}

// read fills t from the facts. Atoms that no watch ever asked for have no number, and are left out.
func (t *tender) read(f query.Facts, known *atoms, places places) {
	for _, n := range t.atoms {
		t.has.unset(n)
	}
	for _, n := range t.ranges {
		t.has.unset(n)
	}
	t.has = t.has.grown(known.count() + 1)
	t.atoms = append(t.atoms[:0], always)
	t.places = append(t.places[:0], anywhere)
	t.regions = placeSet{}
	for atom := range atomsOf(f) {
		if n, ok := known.find(atom); ok {
			t.atoms = append(t.atoms, n)
		}
		if place, ok := places[atom]; ok {
			t.places = append(t.places, place)
			t.regions.set(place)
		}
	}
	slices.Sort(t.atoms)
	slices.Sort(t.places)
	for _, n := range t.atoms {
		t.has.set(n)
	}
	t.ranges = inRanges(t.ranges[:0], f, known.ranges)
	for _, n := range t.ranges {
		t.has.set(n)
	}
}

// inRanges appends the atoms of the ranges that a tender is in.
func inRanges(atoms []uint32, f query.Facts, ranges []numberRange) []uint32 {
	var field query.Field
	var number int64
	var known bool
	for i, r := range ranges {
		if i == 0 || r.field != field {
			field = r.field
			number, known = f.Number(field)
		}
		if known && r.from <= number && number <= r.to || !known && r.orNone {
			atoms = append(atoms, r.atom)
		}
	}
	return atoms
}

// atomsOf yields the atoms that are true of a tender.
func atomsOf(f query.Facts) iter.Seq[query.Atom] {
	return func(yield func(query.Atom) bool) {
		for field, values := range f {
			for _, value := range values {
				if !yield(query.Atom{Field: query.Field(field), Value: value}) {
					return
				}
			}
		}
	}
}

// places numbers the departments, and "nationwide", from 1 on.
type places map[query.Atom]uint8

// anywhere is the place of watches that are not registered by department.
const anywhere = 0

func newPlaces() places {
	p := places{{Field: query.Department, Value: vigie.Nationwide}: 1}
	for _, d := range vigie.Departments() {
		p[query.Atom{Field: query.Department, Value: d.Code}] = uint8(len(p) + 1)
	}
	return p
}

// placeSet is a set of places.
type placeSet [4]uint32

func (s *placeSet) set(place uint8) { s[place/32] |= 1 << (place % 32) }

func (s *placeSet) meets(words []uint32) bool {
	return s[0]&words[0]|s[1]&words[1]|s[2]&words[2]|s[3]&words[3] != 0
}

// bitset is a set of small integers.
type bitset []uint64

func (b bitset) has(n uint32) bool { return b[n/64]&(1<<(n%64)) != 0 }
func (b bitset) set(n uint32)      { b[n/64] |= 1 << (n % 64) }
func (b bitset) unset(n uint32)    { b[n/64] &^= 1 << (n % 64) }

// grown returns b with room for n integers, with its content.
func (b bitset) grown(n int) bitset {
	if words := (n + 63) / 64; len(b) < words {
		return append(b, make(bitset, words-len(b))...)
	}
	return b
}
