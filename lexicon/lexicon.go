// Package lexicon turns French text into terms, once, for every evaluator: the
// search engine, the matcher and the explanation compare the terms made here
// and nothing else, so they cannot disagree about a word.
//
// A term is made of the characters a-z, 0-9 and _, at most [MaxTermLength] of
// them. A term without _ is a word, lower case, without accents, its number
// and gender removed; a term with _ is a pair of neighbouring words, which is
// how a phrase is found: the text "maîtrise d’œuvre" has the terms maitrise,
// oeuvre and maitrise_oeuvre.
//
// The functions are pure, and safe for concurrent use.
package lexicon

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// Version is the version of the rules. Every change by which some text yields other terms must change it: it is in
	// the name of search indexes, so tenders are indexed again. Watches need no version: their terms are stored nowhere,
	// and each process compiles its watches when it starts.
	Version = 3
	// MaxTermLength is the length of the longest term, in bytes.
	MaxTermLength = 64
	// MaxTerms is how many terms a tender keeps.
	MaxTerms = 2000
)

// Terms returns the terms of a text in several fields: the words of each field, and the pairs of words that follow
// one another in a sentence of it, stop words left out. No term occurs twice.
//
// They are in reading order, fields as given, a pair just after its second word. The first [MaxTerms] are kept, and
// cut reports that there were more: so only the end of the last fields is cut, never a word of a pair that is kept,
// and callers pass the most important fields first.
func Terms(fields ...string) (terms []string, cut bool) {
	size := 0
	for _, field := range fields {
		size += len(field)
	}
	// French has about one term every five bytes, pairs included.
	set := termSet{seen: make(map[string]struct{}, min(size/5, MaxTerms))}
	for _, field := range fields {
		if !set.addText(field, MaxTerms) {
			return set.terms, true
		}
	}
	return set.terms, false
}

// Phrase returns the terms that a text must have to contain the keyword: all its words and all its pairs, in the
// order of [Terms], never cut. It returns none if the keyword consists of stop words.
//
// A keyword copied from a text, from the start of a word to the end of a word, has no term that the text does not
// have.
func Phrase(keyword string) []string {
	set := termSet{seen: make(map[string]struct{})}
	set.addText(keyword, -1)
	return set.terms
}

// Required returns those terms of [Phrase] that the others do not imply: a text that has a pair has both its words.
func Required(keyword string) []string {
	set := termSet{seen: make(map[string]struct{})}
	tokens := Tokens(keyword)
	for i, token := range tokens {
		paired := i > 0 && tokens[i-1].Sentence == token.Sentence
		if paired {
			set.addPair(tokens[i-1].Term, token.Term, -1)
		}
		if !paired && (i+1 == len(tokens) || tokens[i+1].Sentence != token.Sentence) {
			set.add(token.Term, -1)
		}
	}
	return set.terms
}

// termSet is a list of terms without repetition, in the order of their first occurrence.
type termSet struct {
	terms []string
	seen  map[string]struct{}
	pair  []byte // scratch
}

// addText adds the words and pairs of one field until the set holds limit terms, if limit is not negative. It reports
// whether all were added.
func (s *termSet) addText(text string, limit int) bool {
	var previous Token
	for token := range scan(text) {
		if !s.add(token.Term, limit) {
			return false
		}
		if previous.Term != "" && previous.Sentence == token.Sentence {
			if !s.addPair(previous.Term, token.Term, limit) {
				return false
			}
		}
		previous = token
	}
	return true
}

func (s *termSet) add(term string, limit int) bool {
	if _, ok := s.seen[term]; ok {
		return true
	}
	if len(s.terms) == limit {
		return false
	}
	s.seen[term] = struct{}{}
	s.terms = append(s.terms, term)
	return true
}

func (s *termSet) addPair(first, second string, limit int) bool {
	s.pair = append(append(append(s.pair[:0], first...), '_'), second...)
	// Most pairs of a long text are new, but a lookup before making the string costs nothing.
	if _, ok := s.seen[string(s.pair)]; ok {
		return true
	}
	return s.add(pairTerm(s.pair), limit)
}

// Fold returns s in a form for comparing names: in lower case (and NFC), accents removed, œ and æ taken apart, each
// run of characters other than letters and digits replaced by one space, and none at the ends: "Syndicat
// d’Électricité (Ain)" and "SYNDICAT D'ELECTRICITE - AIN" are both "syndicat d electricite ain". Folding twice
// changes nothing.
func Fold(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	gap := false
	ascii := true
	for _, r := range s {
		g := glyphOf(r)
		switch {
		case g.inWord():
			if gap && b.Len() > 0 {
				b.WriteByte(' ')
			}
			gap = false
			ascii = ascii && g.kind != foreign
			b.WriteString(g.text)
		case g.kind != ignored:
			gap = true
		}
	}
	if ascii {
		return b.String()
	}
	// Removing accents took some scripts’ syllables apart.
	return norm.NFC.String(b.String())
}

// Length is how many characters of a limit a text takes: each counts as many as folding makes of it, and at least one.
// Most are one; œ is two, U+FDFA, a whole sentence in one character, is fifteen. Every limit on a text that is
// searched, compiled or stored counts like this, so that no text can grow beyond its limit.
func Length(s string) int {
	n := 0
	for _, r := range s {
		if g := glyphOf(r); len(g.text) > 1 {
			n += utf8.RuneCountInString(norm.NFC.String(g.text))
		} else {
			n++
		}
	}
	return n
}

// Words returns the words of [Fold], for finding a name by the beginnings of its words.
func Words(s string) []string { return strings.Fields(Fold(s)) }
