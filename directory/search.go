package directory

import (
	"cmp"
	"sort"
	"strings"
	"time"
)

// Place is a place in a list of buyers: it is sorted by rank, then name, then ID.
type Place struct {
	Rank int64
	Name string // folded
	ID   int64
}

func (p Place) compare(other Place) int {
	return cmp.Or(cmp.Compare(p.Rank, other.Rank), strings.Compare(p.Name, other.Name), cmp.Compare(p.ID, other.ID))
}

// Window is a part of a list of buyers: the first Limit beyond a place, or of all where Beyond is nil; with Backwards,
// counted from the end of the list.
type Window struct {
	Now       time.Time // decides which tenders are online
	Beyond    *Place
	Backwards bool
	Limit     int
}

// Search returns a part of the list of buyers of which a name has, for each of the folded words, a word that starts with
// it or is another spelling of it (St, Saint; chu, C.H.U.), and how many there are in all. Small words (de, la) count
// only where there are no others. Buyers with a name of which the words are whole words come first, then those whose
// present name starts with what was typed; then those with most tenders online; then by name.
func (d *Directory) Search(words []string, w Window) (found []Place, total int) {
	if len(words) == 0 {
		return nil, 0
	}
	d.mutex.RLock()
	defer d.mutex.RUnlock()
	starting, whole := d.named(contentWords(words))
	classes := split(starting, whole, d.starting(strings.Join(words, " ")))
	order := d.rankingAt(w.Now.UnixMicro())
	for i := range classes {
		class := i
		if w.Backwards {
			class = len(classes) - 1 - i
		}
		if classes[class].len() > 0 {
			found = d.list(found, order, class, classes[class], w)
		}
	}
	return found, starting.len()
}

// named are the buyers of which a name has words that start with all those given, and those of which one has just them.
func (d *Directory) named(words []string) (starting, whole set) {
	for i, word := range words {
		same := d.names.whole(word)
		begun := d.names.starting(word)
		begun.join(same)
		if i == 0 {
			starting, whole = begun, same
			continue
		}
		starting.keep(begun)
		whole.keep(same)
	}
	return d.names.ownersOf(starting, len(d.buyers)), d.names.ownersOf(whole, len(d.buyers))
}

// starting are the buyers whose present name starts with a text.
func (d *Directory) starting(text string) set {
	found := newSet(len(d.buyers))
	name := func(i int) string { return d.buyers[d.byName[i]].name }
	first := sort.Search(len(d.byName), func(i int) bool { return name(i) >= text })
	for i := first; i < len(d.byName) && strings.HasPrefix(name(i), text); i++ {
		found.add(int(d.byName[i]))
	}
	return found
}

// split divides those found into the classes of the list: whole words that start the name, other whole words, the
// beginnings of words that start the name, others.
func split(found, whole, starting set) (classes [4]set) {
	for i := range classes {
		classes[i] = make(set, len(found))
	}
	for i, all := range found {
		classes[0][i] = all & whole[i] & starting[i]
		classes[1][i] = all & whole[i] &^ starting[i]
		classes[2][i] = all &^ whole[i] & starting[i]
		classes[3][i] = all &^ whole[i] &^ starting[i]
	}
	return classes
}

// apart is how far apart the ranks of the classes are: more than any buyer has tenders.
const apart = 100_000_000

// list adds those of a class that are in a window.
func (d *Directory) list(found []Place, r *ranking, class int, members set, w Window) []Place {
	place := func(i int) Place {
		b := &d.buyers[r.order[i]]
		return Place{int64(class)*apart - int64(r.online[r.order[i]]), b.name, b.id}
	}
	i, step := 0, 1
	if w.Backwards {
		i, step = len(r.order)-1, -1
	}
	switch {
	case w.Beyond == nil:
	case w.Backwards:
		i = sort.Search(len(r.order), func(i int) bool { return place(i).compare(*w.Beyond) >= 0 }) - 1
	default:
		i = sort.Search(len(r.order), func(i int) bool { return place(i).compare(*w.Beyond) > 0 })
	}
	for ; i >= 0 && i < len(r.order) && len(found) < w.Limit; i += step {
		if members.has(int(r.order[i])) {
			found = append(found, place(i))
		}
	}
	return found
}
