package match

import "iter"

// sizes are how many atoms there are, and how many of them are ranges. The first take memory; each tender is compared
// with the second.
type sizes struct{ atoms, ranges int }

// slack is how many atoms more than twice those that watches need an index may hold, beside one for 64 of its watches:
// so the work of forgetting them, which grows with the watches, is spread over as many edits.
const slack = 1024

// compacted returns parts, and sees that the atoms which only removed watches asked for are forgotten before they are
// too many. The atoms that watches need are counted where all parts have just been joined, as they are at the latest
// once a quarter of the watches are removed, and where the atoms have doubled since. Whole is whether they were joined.
func (x *Index) compacted(parts []part, whole bool) []part {
	if whole {
		x.needed = x.atoms.sizesOf(x.atoms.usedBy(parts))
	}
	watches := 0
	for _, p := range parts {
		watches += p.live()
	}
	most := func(needed int) int { return 2*needed + slack + watches/64 }
	if x.atoms.count() <= most(x.needed.atoms) && len(x.atoms.ranges) <= most(x.needed.ranges) {
		return parts
	}
	if len(parts) > 0 {
		parts = []part{{segment: join(parts)}}
	}
	used := x.atoms.usedBy(parts)
	x.needed = x.atoms.sizesOf(used)
	renumbered := x.atoms.keep(used)
	for _, p := range parts { // a new segment, which nobody reads yet
		for n := range p.named() {
			*n = *n&^atomBits | renumbered[*n&atomBits]
		}
	}
	return parts
}

// usedBy is the set of the atoms that parts name.
func (a *atoms) usedBy(parts []part) bitset {
	used := bitset{}.grown(len(a.ends))
	for _, p := range parts {
		for n := range p.named() {
			used.set(*n & atomBits)
		}
	}
	return used
}

func (a *atoms) sizesOf(used bitset) (s sizes) {
	for n := uint32(1); int(n) < len(a.ends); n++ {
		if used.has(n) {
			s.atoms++
		}
	}
	for _, r := range a.ranges {
		if used.has(r.atom) {
			s.ranges++
		}
	}
	return s
}

// keep forgets all atoms but those of a set, and returns the new number of each, in the order of the old ones. Readers
// keep the atoms that they have.
func (a *atoms) keep(used bitset) (renumbered []uint32) {
	old := *a
	*a = newAtoms()
	renumbered = make([]uint32, len(old.ends))
	for n := uint32(1); int(n) < len(old.ends); n++ {
		if used.has(n) {
			renumbered[n] = a.add(old.atom(n))
		}
	}
	for _, r := range old.ranges {
		if used.has(r.atom) {
			r.atom = renumbered[r.atom]
			a.ranges = append(a.ranges, r)
		}
	}
	return renumbered
}

// named yields where a segment names atoms, in the lower bits of a word: the heads of its postings, their rests, and
// the words of programs.
func (s *segment) named() iter.Seq[*uint32] {
	return func(yield func(*uint32) bool) {
		for i := range s.atoms {
			if !yield(&s.atoms[i]) {
				return
			}
		}
		for i := range s.postings {
			if rest := &s.postings[i].rest; *rest&isProgram == 0 && !yield(rest) {
				return
			}
		}
		for at := 0; at < len(s.code); {
			size := int(s.code[at])
			if !program(s.code[at+1:][:size]).named(yield) {
				return
			}
			at += 1 + size
		}
	}
}

// named yields the words of a program that name atoms, until yield returns false.
func (p program) named(yield func(*uint32) bool) bool {
	for i := 0; i < len(p); i++ {
		if p[i]&atomBits == inPlaces {
			i += len(placeSet{})
		} else if !yield(&p[i]) {
			return false
		}
	}
	return true
}
