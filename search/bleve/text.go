package bleve

import (
	"context"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/vellum/levenshtein"

	"vigie/search/internal/plan"
)

// tier is the documents in which a word has a certain worth.
type tier struct {
	worth int
	docs  *roaring.Bitmap
}

// exact is how many times a word as it was asked for is worth more than one
// with a typing error, or that only begins with it.
const exact = 8

// mostBeginnings is how many words of a field, in a segment, a beginning of a
// word stands for at most.
const mostBeginnings = 5000

// nearness makes automata of the words that are near to another, by the number
// of typing errors.
type nearness [3]*levenshtein.LevenshteinAutomatonBuilder

func newNearness() (n nearness, err error) {
	for typos := 1; typos < len(n); typos++ {
		const swapsCount = true // two letters swapped are one error
		if n[typos], err = levenshtein.NewLevenshteinAutomatonBuilder(uint8(typos), swapsCount); err != nil {
			return n, err
		}
	}
	return n, nil
}

// found are the documents in which all words are, and for each word how much it
// is worth where.
func (v *view) found(ctx context.Context, p *part, words []plan.Word) (all *roaring.Bitmap, worth [][]tier, err error) {
	all = p.live
	for i, word := range words {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		tiers, err := v.tiers(p, word, i == len(words)-1)
		if err != nil {
			return nil, nil, err
		}
		any := roaring.New()
		for _, t := range tiers {
			any.Or(t.docs)
		}
		all, worth = roaring.And(all, any), append(worth, tiers)
		if all.IsEmpty() {
			break
		}
	}
	return all, worth, nil
}

// tiers are the documents that have a word anywhere, best first: by its term or
// as it is written, which is worth most; with typing errors; and the last one
// of a text as the beginning of a word.
func (v *view) tiers(p *part, word plan.Word, last bool) ([]tier, error) {
	key := word.Term + " " + word.Folded
	if last {
		key += " …"
	}
	if known, ok := p.words[key]; ok {
		return known, nil
	}
	list := []tier{
		{8 * exact, roaring.New()}, {4 * exact, roaring.New()}, {exact, roaring.New()},
		{7, roaring.New()}, {4, roaring.New()}, {1, roaring.New()},
	}
	near, err := v.nearTo(word)
	if err != nil {
		return nil, err
	}
	for _, in := range []struct {
		field string
		at    int
	}{{titleWords, 0}, {buyerWords, 1}, {descriptionWords, 2}, {otherWords, 2}} {
		as, like := list[in.at].docs, list[in.at+3].docs
		if err := p.add(as, in.field, word.Term); err != nil {
			return nil, err
		}
		if word.Folded != "" && word.Folded != word.Term {
			if err := p.add(as, in.field, word.Folded); err != nil {
				return nil, err
			}
		}
		if near != nil {
			first := word.Folded[:1] // which is right, and no more than a byte
			if err := p.addWords(like, in.field, near, first, plan.MostNear); err != nil {
				return nil, err
			}
		}
		if last && plan.Begins(word.Folded) {
			if err := p.addWords(like, in.field, nil, word.Folded, mostBeginnings); err != nil {
				return nil, err
			}
		}
	}
	p.words[key] = list
	return list, nil
}

// nearTo is true of the words that are near to another; nil where no typing
// errors are forgiven.
func (v *view) nearTo(word plan.Word) (*levenshtein.DFA, error) {
	typos := plan.Typos(word.Folded)
	if typos == 0 {
		return nil, nil
	}
	if known := v.automata[word.Folded]; known != nil {
		return known, nil
	}
	near, err := v.near()
	if err != nil {
		return nil, err
	}
	v.automata[word.Folded], err = near[typos].BuildDfa(word.Folded, uint8(typos))
	return v.automata[word.Folded], err
}

// addWords adds to a set the documents that have one of a field's words that
// begin so and that an automaton, if there is one, is true of: the first ones.
func (p *part) addWords(into *roaring.Bitmap, field string, automaton *levenshtein.DFA, begin string, most int) error {
	d, err := p.dictionary(field)
	if err != nil {
		return err
	}
	end := begin[:len(begin)-1] + string([]byte{begin[len(begin)-1] + 1}) // bytes of UTF-8 are below 255
	each := d.AutomatonIterator(nil, []byte(begin), []byte(end))
	if automaton != nil {
		each = d.AutomatonIterator(automaton, []byte(begin), []byte(end))
	}
	for range most {
		entry, err := each.Next()
		if err != nil || entry == nil || !strings.HasPrefix(entry.Term, begin) {
			return err
		}
		if err := p.add(into, field, entry.Term); err != nil {
			return err
		}
	}
	return nil
}

// worths are what words are worth, together, in documents: each as in the best
// of its tiers.
func worths(docs *roaring.Bitmap, words [][]tier) map[uint32]int {
	sum := make(map[uint32]int, docs.GetCardinality())
	for _, tiers := range words {
		left := docs.Clone()
		for _, t := range tiers {
			here := roaring.And(left, t.docs)
			for each := here.Iterator(); each.HasNext(); {
				sum[each.Next()] += t.worth
			}
			left.AndNot(here)
		}
	}
	return sum
}
