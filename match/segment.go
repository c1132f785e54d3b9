package match

import (
	"cmp"
	"slices"

	"vigie/query"
)

// segment is a set of watches that never changes, in a few large slices: the registrations of all watches, sorted by
// atom, then place. A watch is represented by its position in watches.
type segment struct {
	watches []int64  // ids, sorted
	atoms   []uint32 // the atoms of all registrations, sorted
	starts  []uint32 // of each atom's postings; one more, for the end
	places  []uint8  // of each posting, sorted within an atom
	// postings of equal atom and place are in the order of watches.
	postings []posting
	code     []uint32 // programs, each after its length
}

// posting is one registration of a watch.
type posting struct {
	watch uint32
	// rest is an atom that the tender must have as well (always if nothing more is needed), or isProgram plus the
	// position of a program in code.
	rest uint32
}

const isProgram = 1 << 31

// match appends the watches that the tender matches, and returns how many postings it checked.
func (p part) match(t *tender, list []int64) (matched []int64, tried int) {
	// Removed watches are marked as settled beforehand, watches that match as they are found.
	t.seen = append(t.seen[:0], p.removed...).grown(len(p.watches))
	clear(t.seen[len(p.removed):])
	heads, first, start := p.atoms, 0, len(list)
	for _, atom := range t.atoms {
		i, found := slices.BinarySearch(heads[first:], atom)
		first += i
		if !found {
			continue
		}
		from, to := p.starts[first], p.starts[first+1]
		places, postings := p.places[from:to], p.postings[from:to]
		for _, place := range t.places {
			from, found := slices.BinarySearch(places, place)
			if !found {
				continue
			}
			to := from + run(places[from:])
			tried += to - from
			list = p.check(t, postings[from:to], list)
		}
	}
	// The ids are far apart in memory: a loop that does nothing else fetches several at a time.
	for i, watch := range list[start:] {
		list[start+i] = p.watches[watch]
	}
	return list, tried
}

// check appends the watches, as the segment numbers them, of the postings whose rest is true as well.
func (p part) check(t *tender, postings []posting, list []int64) []int64 {
	for _, candidate := range postings {
		if t.seen.has(candidate.watch) {
			continue
		}
		if at := candidate.rest &^ isProgram; at == candidate.rest {
			if !t.has.has(at) {
				continue
			}
		} else if !t.passes(p.program(at)) {
			continue
		}
		t.seen.set(candidate.watch)
		list = append(list, int64(candidate.watch))
	}
	return list
}

func (s *segment) program(at uint32) program { return s.code[at+1:][:s.code[at]] }

// run returns the number of equal values at the start of a sorted list.
func run(list []uint8) int {
	if next := int(list[0]) + 1; next < 256 {
		n, _ := slices.BinarySearch(list, uint8(next))
		return n
	}
	return len(list)
}

func (p part) live() int { return len(p.watches) - p.removedCount }

// withoutChanged returns the parts with the changed watches removed.
func withoutChanged(parts []part, changes []Change) []part {
	parts = slices.Clone(parts)
	for i := range parts {
		p := &parts[i]
		own := false // whether gone is a copy, no longer the one that readers have
		first := 0
		for _, c := range changes {
			n, found := slices.BinarySearch(p.watches[first:], c.Watch)
			first += n
			if !found || p.removed != nil && p.removed.has(uint32(first)) {
				continue
			}
			if !own {
				p.removed = slices.Clone(p.removed).grown(len(p.watches))
				own = true
			}
			p.removed.set(uint32(first))
			p.removedCount++
		}
	}
	return parts
}

// lastOfEach sorts changes by watch, and keeps the last of each.
func lastOfEach(changes []Change) []Change {
	changes = slices.Clone(changes)
	slices.Reverse(changes)
	slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Compare(a.Watch, b.Watch) })
	return slices.CompactFunc(changes, func(a, b Change) bool { return a.Watch == b.Watch })
}

// join makes one segment of parts, without the removed watches.
func join(parts []part) *segment {
	var b builder
	for _, p := range parts {
		for i, id := range p.watches {
			if p.removed == nil || !p.removed.has(uint32(i)) {
				b.watches = append(b.watches, id)
			}
		}
	}
	slices.Sort(b.watches)
	for _, p := range parts {
		b.copy(p)
	}
	return b.segment()
}

// builder collects the content of a segment.
type builder struct {
	index   *Index
	watches []int64
	records []record
	code    []uint32
}

// record is a posting with its atom and place.
type record struct {
	atom  uint32
	place uint8
	posting
}

func (r record) order() uint64 { return uint64(r.atom)<<8 | uint64(r.place) }

// add registers a watch, whose id is above those added before.
func (b *builder) add(id int64, f query.Formula) {
	watch := uint32(len(b.watches))
	b.watches = append(b.watches, id)
	r := b.index.register(f)
	for _, key := range r.keys {
		rest := b.rest(key.rest)
		for _, place := range r.places {
			b.records = append(b.records, record{key.atom, place, posting{watch, rest}})
		}
	}
}

// rest stores a program and returns the posting's rest.
func (b *builder) rest(p program) uint32 {
	if atom, ok := p.atom(); ok {
		return atom
	}
	at := len(b.code)
	if uint64(at+len(p)) >= isProgram {
		panic("match: the formulas need more than 8 GB")
	}
	b.code = append(append(b.code, uint32(len(p))), p...)
	return isProgram | uint32(at)
}

// copy copies the postings of a part. Programs move; several postings can share one.
func (b *builder) copy(p part) {
	moved := make([]uint32, len(p.code)) // the new position of each program
	number := make([]uint32, len(p.watches))
	first := 0
	for i, id := range p.watches {
		n, _ := slices.BinarySearch(b.watches[first:], id)
		first += n
		number[i] = uint32(first)
	}
	for i, atom := range p.atoms {
		for j := p.starts[i]; j < p.starts[i+1]; j++ {
			from := p.postings[j]
			if p.removed != nil && p.removed.has(from.watch) {
				continue
			}
			rest := from.rest
			if at := rest &^ isProgram; at != rest {
				if moved[at] == 0 {
					moved[at] = b.rest(p.program(at))
				}
				rest = moved[at]
			}
			b.records = append(b.records, record{atom, p.places[j], posting{number[from.watch], rest}})
		}
	}
}

// segment sorts what was collected.
func (b *builder) segment() *segment {
	b.sort()
	s := &segment{
		watches:  slices.Clone(b.watches),
		places:   make([]uint8, len(b.records)),
		postings: make([]posting, len(b.records)),
		code:     slices.Clone(b.code),
	}
	for i, r := range b.records {
		if i == 0 || r.atom != b.records[i-1].atom {
			s.atoms = append(s.atoms, r.atom)
			s.starts = append(s.starts, uint32(i))
		}
		s.places[i], s.postings[i] = r.place, r.posting
	}
	s.atoms = slices.Clone(s.atoms)
	s.starts = append(slices.Clone(s.starts), uint32(len(b.records)))
	return s
}

// sort sorts the records by atom, place and watch: a radix sort, byte by byte from the lowest, five times as fast
// here as a comparing sort.
func (b *builder) sort() {
	from, to := b.records, make([]record, len(b.records))
	for shift := 0; shift < 40; shift += 8 {
		var starts [256]int
		for _, r := range from {
			starts[byte(r.order()>>shift)]++
		}
		next := 0
		for i, n := range starts {
			starts[i], next = next, next+n
		}
		for _, r := range from {
			digit := byte(r.order() >> shift)
			to[starts[digit]] = r
			starts[digit]++
		}
		from, to = to, from
	}
	b.records = from
}
