package match

import (
	"hash/maphash"
	"sync/atomic"

	"vigie/query"
)

// atoms numbers atoms, from 1 on: a text becomes an integer once, and is then compared as that. It
// grows until keep makes another.
//
// A copy of the struct is a view of the atoms at that moment. Its reader may look up while the one writer adds: the
// writer appends beyond the lengths of the view, and a number that is not in the view counts as absent. There are no
// pointers, so the garbage collector has nothing to scan.
type atoms struct {
	text []byte   // of all atoms, one after the other: the field, then the value
	ends []uint32 // where each atom ends in text; that of always is empty
	// table finds numbers by the hash of the text, by open addressing; 0 is
	// free. At most half of it is used.
	table []atomic.Uint32
	seed  maphash.Seed
	// ranges are the atoms that ask for a number between two, which no table can find.
	ranges []numberRange
}

// numberRange is an atom that is true of tenders whose number of a field is between two, or that have none if orNone is
// set. People think in round numbers: many watches share a few of them.
type numberRange struct {
	from, to int64
	atom     uint32
	field    query.Field
	orNone   bool
}

// always is the atom that every tender has.
const always = 0

func newAtoms() atoms {
	return atoms{ends: []uint32{0}, table: make([]atomic.Uint32, 1<<10), seed: maphash.MakeSeed()}
}

func (a *atoms) count() int { return len(a.ends) - 1 }

// find returns the number of an atom, if it has one in this view.
func (a *atoms) find(atom query.Atom) (uint32, bool) {
	for i := a.slot(atom); ; i = a.next(i) {
		n := a.table[i].Load()
		switch {
		case n == 0:
			return 0, false
		case int(n) < len(a.ends) && a.is(n, atom):
			return n, true
		}
	}
}

// add returns the number of an atom, a new one if it has none.
func (a *atoms) add(atom query.Atom) uint32 {
	if n, ok := a.find(atom); ok {
		return n
	}
	if len(a.ends) >= inPlaces {
		panic("match: more than 268 million distinct words")
	}
	if len(a.ends) > len(a.table)/2 {
		a.grow()
	}
	n := uint32(len(a.ends))
	a.text = append(append(a.text, byte(atom.Field)), atom.Value...)
	a.ends = append(a.ends, uint32(len(a.text)))
	a.place(n, a.slot(atom))
	return n
}

// addRange returns the number of an atom that asks for a number between two, or for none.
func (a *atoms) addRange(atom query.Atom, orNone bool) uint32 {
	from, to, _ := atom.Bounds()
	if orNone {
		atom.Value += " or none"
	}
	known := a.count()
	n := a.add(atom)
	if a.count() > known {
		a.ranges = append(a.ranges, numberRange{from, to, n, atom.Field, orNone})
	}
	return n
}

// grow makes a table twice as large; readers keep the one that they have.
func (a *atoms) grow() {
	a.table = make([]atomic.Uint32, 2*len(a.table))
	for n := uint32(1); int(n) < len(a.ends); n++ {
		a.place(n, a.slot(a.atom(n)))
	}
}

func (a *atoms) place(n uint32, i int) {
	for a.table[i].Load() != 0 {
		i = a.next(i)
	}
	a.table[i].Store(n)
}

func (a *atoms) slot(atom query.Atom) int {
	h := maphash.String(a.seed, atom.Value) + uint64(atom.Field)*0x9e3779b97f4a7c15
	return int(h & uint64(len(a.table)-1))
}

func (a *atoms) next(i int) int { return (i + 1) & (len(a.table) - 1) }

func (a *atoms) is(n uint32, atom query.Atom) bool {
	text := a.text[a.ends[n-1]:a.ends[n]]
	return text[0] == byte(atom.Field) && string(text[1:]) == atom.Value
}

func (a *atoms) atom(n uint32) query.Atom {
	text := a.text[a.ends[n-1]:a.ends[n]]
	return query.Atom{Field: query.Field(text[0]), Value: string(text[1:])}
}
