package directory_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie/directory"
	"vigie/lexicon"
)

// model is a directory that looks at everything for each search.
type model struct {
	buyers  map[int64]directory.Buyer
	tenders map[int64]directory.Tender
}

// TestDirectory compares searches with the model's, after random changes.
func TestDirectory(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		m := model{make(map[int64]directory.Buyer), make(map[int64]directory.Tender)}
		d := directory.New()
		for range 12 {
			d.Apply(m.change(random))
			for range 20 {
				m.compare(t, random, d)
			}
		}
	}
}

func pick[T any](random *rand.Rand, of ...T) T { return of[random.IntN(len(of))] }

// name is one of few words, that many share.
func name(random *rand.Rand) string {
	var words []string
	for range random.IntN(5) {
		words = append(words, pick(random, "ville", "val", "va", "de", "la", "st", "saint", "sainte", "ste", "c", "h", "u", "chu", "chuz", "s", "d", "i", "é", "12"))
	}
	return strings.Join(words, " ")
}

func moment(random *rand.Rand) time.Time { return time.Unix(int64(random.IntN(6)), 0) }

func (m model) change(random *rand.Rand) (c directory.Changes) {
	seen := make(map[int64]bool)
	for range random.IntN(12) {
		b := directory.Buyer{ID: int64(1 + random.IntN(20)), Name: name(random)}
		if seen[b.ID] {
			continue
		}
		seen[b.ID] = true
		if random.IntN(6) == 0 {
			c.Merged = append(c.Merged, b.ID)
			delete(m.buyers, b.ID)
			for id, t := range m.tenders { // the caller says where they went
				if t.Buyer == b.ID {
					delete(m.tenders, id)
					c.Tenders = append(c.Tenders, directory.Tender{ID: id, Buyer: b.ID})
				}
			}
			continue
		}
		for range random.IntN(3) {
			b.Names = append(b.Names, name(random))
		}
		m.buyers[b.ID] = b
		c.Buyers = append(c.Buyers, b)
	}
	for range random.IntN(30) {
		t := directory.Tender{ID: int64(1 + random.IntN(60)), Buyer: int64(1 + random.IntN(22)), Open: random.IntN(4) > 0}
		if random.IntN(4) > 0 {
			t.Closes = moment(random)
		}
		if slices.ContainsFunc(c.Tenders, func(other directory.Tender) bool { return other.ID == t.ID }) {
			continue
		}
		c.Tenders = append(c.Tenders, t)
		if _, known := m.buyers[t.Buyer]; !known {
			t.Open = false
		}
		m.tenders[t.ID] = t
	}
	return c
}

func (m model) compare(t *testing.T, random *rand.Rand, d *directory.Directory) {
	t.Helper()
	var words []string
	for range 1 + random.IntN(3) {
		words = append(words, pick(random, "v", "va", "val", "ville", "de", "la", "st", "saint", "sainte", "ste", "c", "chu", "ch", "sdi", "é", "d", "1", "x"))
	}
	w := directory.Window{Now: moment(random), Backwards: random.IntN(2) == 0, Limit: 1 + random.IntN(6)}
	all := m.list(words, w.Now)
	want := all
	if len(all) > 0 && random.IntN(2) == 0 {
		at := random.IntN(len(all))
		w.Beyond = &all[at]
		if want = all[at+1:]; w.Backwards {
			want = all[:at]
		}
	}
	if want = slices.Clone(want); w.Backwards {
		slices.Reverse(want)
	}
	want = want[:min(len(want), w.Limit)]
	got, total := d.Search(words, w)
	if total != len(all) || !slices.Equal(got, want) {
		t.Fatalf("%q, %+v: %d in all, want %d\n%v\nwant\n%v", words, w, total, len(all), got, want)
	}
}

// list is the whole list of those that are found.
func (m model) list(words []string, now time.Time) (all []directory.Place) {
	var content []string
	for _, word := range words {
		if len(lexicon.Tokens(word)) > 0 {
			content = append(content, word)
		}
	}
	if len(content) == 0 {
		content = words
	}
	for _, b := range m.buyers {
		starting, whole := false, false
		for _, name := range append(b.Names, b.Name) {
			starting = starting || each(content, func(word string) bool { return strings.Contains(" "+name, " "+word) || other(name, word) })
			whole = whole || each(content, func(word string) bool { return strings.Contains(" "+name+" ", " "+word+" ") || other(name, word) })
		}
		if !starting {
			continue
		}
		p := directory.Place{Name: b.Name, ID: b.ID}
		if !whole {
			p.Rank += 200_000_000
		}
		if !strings.HasPrefix(b.Name, strings.Join(words, " ")) {
			p.Rank += 100_000_000
		}
		for _, t := range m.tenders {
			if t.Buyer == b.ID && t.Open && (t.Closes.IsZero() || !t.Closes.Before(now)) {
				p.Rank--
			}
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b directory.Place) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), strings.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return all
}

func each(words []string, fits func(string) bool) bool {
	return !slices.ContainsFunc(words, func(word string) bool { return !fits(word) })
}

// other reports whether a name has a word in another spelling.
func other(name, word string) bool {
	spelling := map[string]string{"st": "saint", "saint": "st", "ste": "sainte", "sainte": "ste"}[word]
	letters := strings.Join(strings.Split(word, ""), " ")
	name = " " + name + " "
	return spelling != "" && strings.Contains(name, " "+spelling+" ") || len(word) > 1 && strings.Contains(name, " "+letters+" ")
}

// A search while changes are made sees all of one change, or none of it.
func TestChangesAreSeenWhole(t *testing.T) {
	d := directory.New()
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		for i := range 300 {
			var c directory.Changes
			for id := range int64(20) {
				c.Buyers = append(c.Buyers, directory.Buyer{ID: 1 + id, Name: fmt.Sprint("ville ", i)})
			}
			d.Apply(c)
		}
	}()
	for {
		found, total := d.Search([]string{"ville"}, directory.Window{Now: time.Unix(0, 0), Limit: 100})
		if total != 0 && total != 20 || len(found) != total || total > 0 && found[0].Name != found[19].Name {
			t.Fatalf("%d: %v", total, found)
		}
		select {
		case <-stop:
			return
		default:
		}
	}
}
