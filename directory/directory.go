// Package directory finds buyers by the words of their names, in memory, and lists first those with most tenders online.
// [Directory.Apply] tells it what it knows; package store reads that from the database.
package directory

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// Directory is what is known of buyers. Its methods are safe for concurrent use.
type Directory struct {
	mutex sync.RWMutex
	// slots are the places of the buyers in buyers, by id.
	slots  map[int64]slot
	buyers []buyer
	// byName are the buyers by name, then by id.
	byName []slot
	names  names
	// tenders are sorted by id.
	tenders []tender
	ranks   ranks
}

// slot is the place of a buyer in a directory. It never changes.
type slot uint32

type buyer struct {
	id   int64
	name string // the present one
	// names are all its names.
	names []nameID
	// placed reports whether it is in byName.
	placed bool
}

// tender is a tender that is neither planned, cancelled nor awarded, and when it closes, in microseconds.
type tender struct {
	id, closes int64
	buyer      slot
}

const (
	// closed is when a tender closed that counts no longer.
	closed = math.MinInt64
	// never is when a tender closes that has no deadline.
	never = math.MaxInt64
)

// Buyer is what a directory knows of a buyer. Names are folded ([lexicon.Fold]).
type Buyer struct {
	ID   int64
	Name string
	// Names are those that it was published with; they may lack the present one, and have one several times.
	Names []string
}

// Tender is what a directory knows of a tender.
type Tender struct {
	ID, Buyer int64
	// Open reports whether the tender is online until it closes.
	Open bool
	// Closes is when it does; zero for one without a deadline.
	Closes time.Time
}

// Changes are buyers and tenders as they are now, each at most once, and buyers that were merged into others.
type Changes struct {
	Buyers  []Buyer
	Merged  []int64
	Tenders []Tender
}

// New returns an empty directory.
func New() *Directory {
	return &Directory{slots: make(map[int64]slot), names: names{acronyms: make(map[string][]nameID)}}
}

// Apply makes changes: a search sees all of them, or none. A tender of a buyer that is not known does not count.
func (d *Directory) Apply(c Changes) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.ranks.forget()
	d.setBuyers(c.Buyers, c.Merged)
	d.setTenders(c.Tenders)
}

// Knows reports whether the directory has a buyer.
func (d *Directory) Knows(buyer int64) bool {
	d.mutex.RLock()
	defer d.mutex.RUnlock()
	_, known := d.slots[buyer]
	return known
}

func (d *Directory) setBuyers(buyers []Buyer, merged []int64) {
	for _, id := range merged {
		s, known := d.slots[id]
		if !known {
			continue
		}
		b := &d.buyers[s]
		d.names.remove(b.names)
		b.names, b.placed = nil, false
		delete(d.slots, id)
	}
	var unplaced []slot
	added := make(addedNames)
	for _, given := range buyers {
		s, known := d.slots[given.ID]
		if !known {
			s = slot(len(d.buyers))
			d.slots[given.ID] = s
			d.buyers = append(d.buyers, buyer{id: given.ID, name: given.Name})
			unplaced = append(unplaced, s)
		}
		b := &d.buyers[s]
		if b.name != given.Name && b.placed {
			b.placed = false
			unplaced = append(unplaced, s)
		}
		b.name = given.Name
		b.names = d.names.replace(b.names, s, append(slices.Clone(given.Names), given.Name), added)
	}
	d.names.enter(added)
	if len(merged)+len(unplaced) == 0 {
		return
	}
	d.byName = slices.DeleteFunc(d.byName, func(s slot) bool { return !d.buyers[s].placed })
	slices.SortFunc(unplaced, d.compareNames)
	d.byName = merge(d.byName, unplaced, d.compareNames)
	for _, s := range unplaced {
		d.buyers[s].placed = true
	}
}

func (d *Directory) compareNames(a, b slot) int {
	return cmp.Or(strings.Compare(d.buyers[a].name, d.buyers[b].name), cmp.Compare(d.buyers[a].id, d.buyers[b].id))
}

func (d *Directory) setTenders(tenders []Tender) {
	var added []tender
	for _, given := range tenders {
		t := d.tender(given)
		i, known := slices.BinarySearchFunc(d.tenders, t, compareTenders)
		switch {
		case known:
			d.tenders[i] = t
		case t.closes != closed:
			added = append(added, t)
		}
	}
	slices.SortFunc(added, compareTenders)
	d.tenders = merge(d.tenders, added, compareTenders)
}

// tender is a tender as the directory keeps it.
func (d *Directory) tender(given Tender) tender {
	buyer, known := d.slots[given.Buyer]
	t := tender{given.ID, closed, buyer}
	switch {
	case !known || !given.Open:
	case given.Closes.IsZero():
		t.closes = never
	default:
		t.closes = given.Closes.UnixMicro()
	}
	return t
}

func compareTenders(a, b tender) int { return cmp.Compare(a.id, b.id) }

// merge merges a sorted list into another. It looks at no more of that than comes after the first of what is added.
func merge[T any](list, added []T, compare func(a, b T) int) []T {
	i := len(list) - 1
	list = append(list, added...)
	for to, j := len(list)-1, len(added)-1; j >= 0; to-- {
		if i >= 0 && compare(list[i], added[j]) > 0 {
			list[to] = list[i]
			i--
			continue
		}
		list[to] = added[j]
		j--
	}
	return list
}
