// Package match finds the watches that a tender matches: a percolator. The watches are the index and the tender is
// the query. It is in memory, exact, and can be rebuilt from the database at any time.
//
// A watch's formula is registered under the clause that is true of fewest tenders, so that most tenders never reach
// it; the rest of the formula is checked by comparing integers.
package match

import (
	"iter"
	"sync"
	"sync/atomic"

	"vigie/query"
)

// Index holds watches. Any number of goroutines may match while one changes it: a match uses the watches as they were
// when it began, and never waits.
type Index struct {
	frequency Frequencies
	places    places
	current   atomic.Pointer[snapshot]
	readers   sync.Pool // of *tender

	writing sync.Mutex
	atoms   atoms // the writer's; readers have the copy in their snapshot
	needed  sizes // of the atoms that the watches asked for when that was last counted
}

// snapshot is the index at one moment. It never changes.
type snapshot struct {
	atoms atoms
	parts []part // the oldest, and largest, first
}

// part is a segment, with the set of its watches that were removed, or have a newer version in a later part.
type part struct {
	*segment
	removed      bitset
	removedCount int
}

// Change is the new state of one watch.
type Change struct {
	Watch int64
	// Formula is the watch's formula; nil removes the watch.
	Formula *query.Formula
}

// Stats are the sizes of an index.
type Stats struct {
	Watches  int
	Postings int // places where watches are registered
	Atoms    int // distinct words, buyers, departments, codes, ranges
	Ranges   int // of these, the ranges of numbers
	Segments int
}

// New returns an empty index. The frequencies, if known, say which words are rare: they make matching fast, and never
// change its results.
func New(frequency Frequencies) *Index {
	x := &Index{frequency: frequency, places: newPlaces(), atoms: newAtoms()}
	x.current.Store(&snapshot{atoms: x.atoms})
	x.readers.New = func() any { return new(tender) }
	return x
}

// Match appends to list the watches that a tender matches, each once, in no particular order. tried is the number of
// registrations that it checked.
func (x *Index) Match(f query.Facts, list []int64) (matched []int64, tried int) {
	now := x.current.Load()
	t := x.readers.Get().(*tender)
	defer x.readers.Put(t)
	t.read(f, &now.atoms, x.places)
	for _, p := range now.parts {
		var n int
		list, n = p.match(t, list)
		tried += n
	}
	return list, tried
}

// Apply applies changes, all at once for those who match. Of several changes of one watch the last counts. It takes
// time in proportion to the changes, and sometimes, when parts are joined, in proportion to the whole index.
func (x *Index) Apply(changes []Change) {
	if len(changes) == 0 {
		return
	}
	x.writing.Lock()
	defer x.writing.Unlock()
	changes = lastOfEach(changes)
	before := x.current.Load().parts
	parts := withoutChanged(before, changes)
	b := builder{index: x}
	for _, c := range changes {
		if c.Formula != nil {
			b.add(c.Watch, *c.Formula)
		}
	}
	if fresh := b.segment(); len(fresh.watches) > 0 {
		parts = append(parts, part{segment: fresh})
	}
	parts = settle(parts)
	whole := len(parts) == 0 || len(parts) == 1 && (len(before) == 0 || parts[0].segment != before[0].segment)
	parts = x.compacted(parts, whole)
	x.current.Store(&snapshot{atoms: x.atoms, parts: parts})
}

// Load replaces the content of the index by watches in the order of their ids, each once. It keeps none of the
// formulas.
func (x *Index) Load(watches iter.Seq2[int64, query.Formula]) {
	x.writing.Lock()
	defer x.writing.Unlock()
	b := builder{index: x}
	for id, formula := range watches {
		b.add(id, formula)
	}
	var parts []part
	if all := b.segment(); len(all.watches) > 0 {
		parts = []part{{segment: all}}
	}
	parts = x.compacted(parts, true)
	x.current.Store(&snapshot{atoms: x.atoms, parts: parts})
}

// Stats returns the sizes of the index.
func (x *Index) Stats() Stats {
	now := x.current.Load()
	s := Stats{Atoms: now.atoms.count(), Ranges: len(now.atoms.ranges), Segments: len(now.parts)}
	for _, p := range now.parts {
		s.Watches += p.live()
		s.Postings += len(p.postings)
	}
	return s
}

// growth is how many times larger a part is than the next, at least: so there are few parts to search, and a watch is
// copied only a few times in all.
const growth = 8

// settle joins parts that have become too small for their place, and drops removed watches once they are a quarter of
// a part.
func settle(parts []part) []part {
	for i := len(parts) - 1; i >= 0; i-- {
		last := parts[i:]
		switch {
		case last[0].live() == 0:
			parts = append(parts[:i:i], last[1:]...)
		case len(last) > 1 && last[0].live() < growth*last[1].live(), last[0].removedCount > len(last[0].watches)/4:
			parts = append(parts[:i:i], part{segment: join(last)})
		}
	}
	return parts
}
