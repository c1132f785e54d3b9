package directory

import (
	"slices"
	"sync"
)

// ranking is the order of all buyers within a class: by how many tenders they have online, then by name. It is the same at
// all times after one moment, up to and with another, in microseconds: no tender closes between them.
type ranking struct {
	after, until int64
	online       []int32 // by slot
	order        []slot
}

// ranks keeps the ranking of the latest moment that was asked for.
type ranks struct {
	mutex  sync.Mutex
	latest *ranking
}

func (r *ranks) forget() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.latest = nil
}

// rankingAt returns the ranking of a moment. Those who ask at the same time wait for one to make it.
func (d *Directory) rankingAt(now int64) *ranking {
	d.ranks.mutex.Lock()
	defer d.ranks.mutex.Unlock()
	latest := d.ranks.latest
	if latest != nil && latest.after < now && now <= latest.until {
		return latest
	}
	made := d.rank(now)
	if latest == nil || latest.until < now { // what a cursor remembers is asked for less often than the present
		d.ranks.latest = made
	}
	return made
}

func (d *Directory) rank(now int64) *ranking {
	r := &ranking{after: closed, until: never, online: make([]int32, len(d.buyers)), order: make([]slot, len(d.byName))}
	for _, t := range d.tenders {
		if t.closes < now {
			r.after = max(r.after, t.closes)
			continue
		}
		r.until = min(r.until, t.closes)
		r.online[t.buyer]++
	}
	most := int32(0)
	if len(r.online) > 0 {
		most = slices.Max(r.online)
	}
	// Sorted by counting: the buyers are in the order of their names already.
	next := make([]int, most+2)
	for _, s := range d.byName {
		next[most-r.online[s]+1]++
	}
	for i := range most {
		next[i+1] += next[i]
	}
	for _, s := range d.byName {
		at := most - r.online[s]
		r.order[next[at]] = s
		next[at]++
	}
	return r
}
