package freetext

import (
	"cmp"
	"math"
	"math/bits"
	"strings"

	"vigie/lexicon"
)

// MaxVocabulary is how many words a vocabulary has at most: the most frequent ones.
const MaxVocabulary = 100_000

// Few is how many tenders are so few that a typing error is looked for.
const Few = 2

// Vocabulary is the words of all tenders as they are written, by which typing errors are recognised. It does not change.
type Vocabulary struct {
	byLength map[int][]entry
	terms    map[string]int    // how many tenders have a term, or some more
	accents  map[string]string // words that are usually written with accents, by the same without
}

// entry is a word and how many tenders have it.
type entry struct {
	word    string
	letters uint32 // the set of its letters
	count   int
}

// NewVocabulary makes a vocabulary of words with how many tenders have each: the words of [Facts] Written, and those of
// Spelled.
func NewVocabulary(counts map[string]int) *Vocabulary {
	v := &Vocabulary{make(map[int][]entry), make(map[string]int, len(counts)), make(map[string]string)}
	for word, count := range counts {
		if accented(word) {
			v.spell(word, counts)
			continue
		}
		for _, token := range lexicon.Tokens(word) {
			v.terms[token.Term] += count
		}
		if meant(word) {
			v.byLength[len(word)] = append(v.byLength[len(word)], entry{word, letters(word), count})
		}
	}
	return v
}

// spell takes in a word with accents. Of several ways to write a word the most frequent one with accents counts, unless
// it is rare: in capitals many words lack theirs.
func (v *Vocabulary) spell(word string, counts map[string]int) {
	const rarest = 10 // times that the word may be more frequent than this way to write it
	plain := lexicon.Fold(word)
	known, count := v.accents[plain], counts[word]
	if count*rarest < counts[plain] || count < counts[known] || count == counts[known] && known != "" && known < word {
		return
	}
	v.accents[plain] = word
}

// meant reports whether a word may be meant by one with a typing error.
func meant(word string) bool {
	return len(word) >= shortestTyped-1 && len(word) <= longestTyped && isLatin(word)
}

const (
	// shortestTyped and longestTyped are the shortest and the longest word in which a typing error is looked for.
	shortestTyped, longestTyped = 4, 30
	// longTyped is from what length on there may be two.
	longTyped = 8
)

func typos(word string) int {
	switch n := len(word); {
	case n < shortestTyped || n > longestTyped || !isLatin(word):
		return 0
	case n < longTyped:
		return 1
	}
	return 2
}

func isLatin(word string) bool {
	return !strings.ContainsFunc(word, func(r rune) bool { return r < 'a' || r > 'z' })
}

func letters(word string) (set uint32) {
	for _, c := range []byte(word) {
		set |= 1 << (c - 'a')
	}
	return set
}

// Correct returns a text with its typing errors corrected, and whether there were any: a word that no tender has, or
// hardly one, becomes the most likely of those that differ from it by one error, or by two in a long word. An error is
// a letter too many, missing or wrong, or two swapped. The right word has the accents that it has in tenders. With complete the last word may be the beginning of one. Numbers
// and the names of places stay as they are.
func (v *Vocabulary) Correct(text string, complete bool) (corrected string, ok bool) {
	parsed := Parse(text, complete)
	var b strings.Builder
	at := 0
	tokens := lexicon.Tokens(text)
	for i, token := range tokens[:min(len(tokens), MaxWords)] {
		word := folded(text, token)
		if parsed.names(word) {
			continue
		}
		begins := complete && i == len(tokens)-1 && token.End == len(text)
		if better := v.better(word, token.Term, begins); better != "" {
			b.WriteString(text[at:token.Start] + cmp.Or(v.accents[better], better))
			at, ok = token.End, true
		}
	}
	if !ok {
		return "", false
	}
	return b.String() + text[at:], true
}

// names reports whether a word is part of a place's name.
func (s Search) names(word string) bool {
	for _, w := range s.Words {
		for _, part := range w.Written {
			if w.Place != nil && part == word {
				return true
			}
		}
	}
	return false
}

// better returns the word that was meant by another; "" where that is right as far as is known.
func (v *Vocabulary) better(word, term string, begins bool) string {
	const rarer = 20 // times that a word with an error in it is rarer than the right one
	most, known := typos(word), v.terms[term]
	if most == 0 || known > Few {
		return ""
	}
	var best string
	var bestWorth float64
	set := letters(word)
	for length := len(word) - most; length <= longestTyped && (begins || length <= len(word)+most); length++ {
		for _, e := range v.byLength[length] {
			missing := bits.OnesCount32(set &^ e.letters)
			if missing > most || !begins && bits.OnesCount32(e.letters&^set) > most || known > 0 && e.count < rarer*known {
				continue
			}
			errors := distance(word, e.word, begins)
			if errors == 0 || errors > most {
				continue
			}
			worth := math.Log(float64(e.count+1)) - 4*float64(errors)
			if e.word[0] == word[0] {
				worth++
			}
			if best == "" || worth > bestWorth || worth == bestWorth && e.word < best {
				best, bestWorth = e.word, worth
			}
		}
	}
	return best
}

// distance is the optimal string alignment distance of two words; with begins, of the first and that beginning of the
// second that is nearest.
func distance(a, b string, begins bool) int {
	var rows [3][longestTyped + 1]int
	before, row, next := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	if !begins {
		return row[len(b)]
	}
	nearest := row[0]
	for j := range len(b) {
		nearest = min(nearest, row[j+1])
	}
	return nearest
}
