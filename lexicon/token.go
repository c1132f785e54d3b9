package lexicon

import (
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"slices"
	"unicode/utf8"
)

// Token is one content word where it stands in a text.
type Token struct {
	Term       string // without _
	Start, End int    // the word's bytes in the text, accents included
	Sentence   int    // the ordinal of its sentence in the text, from 0
}

// Tokens returns the content words of a text in order, stop words left out.
//
// A word is a run of letters and digits, cut at everything else, the hyphen
// included: "voirie.Lot" is two words, "chauffe-eau" too. Two things are put
// together nonetheless: letters that stand alone between dots (V.R.D. is vrd)
// and the few words that have an apostrophe inside (prud’homme). Elided words
// (l’, d’, qu’) are left out, with or without their apostrophe.
//
// A sentence ends at . ! ? ; … • and at an empty line, but not at the dot of
// a number (1.5), of an acronym or of an initial (V.R.D., M.).
func Tokens(text string) []Token { return slices.Collect(scan(text)) }

// scan yields the tokens of a text.
func scan(text string) iter.Seq[Token] {
	return func(yield func(Token) bool) {
		s := scanner{text: text}
		for s.next() {
			if s.elided() || stopWords[string(s.word)] {
				continue
			}
			if !yield(Token{s.term(), s.start, s.end, s.sentence}) {
				return
			}
		}
	}
}

// scanner reads words one by one, stop words included. How it reads a word
// depends on nothing that stands before the word; that is why a keyword copied
// from the middle of a text is read as it was there.
type scanner struct {
	text string
	pos  int // where the next word is looked for

	word       []byte // the last word, folded
	start, end int    // its place in the text
	initials   bool   // it is a letter standing alone, or several with dots between
	plain      bool   // it is of letters a-z alone
	foreign    bool   // it has a letter or digit that is not in a-z, 0-9
	sentence   int
}

// at returns the glyph at a place and the place after it; at the end of the
// text it returns a separator.
func (s *scanner) at(pos int) (glyph, int) {
	if pos >= len(s.text) {
		return glyph{}, pos
	}
	if c := s.text[pos]; c < utf8.RuneSelf {
		return latin[c], pos + 1
	}
	r, size := utf8.DecodeRuneInString(s.text[pos:])
	return glyphOf(r), pos + size
}

// next reads the next word and reports whether there was one.
func (s *scanner) next() bool {
	if !s.skip() {
		return false
	}
	s.word = s.word[:0]
	s.start, s.plain, s.foreign = s.pos, true, false
	letters := s.run()
	s.initials = letters == 1 && (s.plain || s.foreign)
	if s.initials {
		for s.joinInitial() {
		}
	}
	if joined[string(s.word)] && s.elides(s.pos) {
		_, s.pos = s.at(s.pos)
		s.run()
	}
	return true
}

// skip goes to the next word, and counts the end of a sentence if it passes
// one.
func (s *scanner) skip() bool {
	ended, lines := false, 0
	for s.pos < len(s.text) {
		g, next := s.at(s.pos)
		if g.inWord() {
			if ended && s.end > 0 {
				s.sentence++
			}
			return true
		}
		switch g.kind {
		case terminator:
			ended = true
		case dot:
			ended = ended || !s.quietDot(next)
		case newline:
			lines++
			ended = ended || lines == 2
		case space, ignored:
		default:
			lines = 0
		}
		s.pos = next
	}
	return false
}

// quietDot reports whether the dot at the scanner's place ends no sentence.
func (s *scanner) quietDot(next int) bool {
	if s.pos != s.end || s.end == 0 {
		return false
	}
	if s.initials {
		return true
	}
	after, _ := s.at(next)
	last := s.word[len(s.word)-1]
	return after.kind == digit && '0' <= last && last <= '9'
}

// run reads letters and digits on to the word, and returns how many.
func (s *scanner) run() int {
	n := 0
	for {
		g, next := s.at(s.pos)
		switch {
		case g.inWord():
			n++
			s.word = append(s.word, g.text...)
			s.plain = s.plain && g.kind == letter
			s.foreign = s.foreign || g.kind == foreign
		case g.kind != ignored:
			s.end = s.pos
			return n
		}
		s.pos = next
	}
}

// joinInitial reads a dot and a letter that stands alone on to the word, if
// that is what comes. Case decides nothing: people who type V.R.D. in a search
// box type v.r.d.
func (s *scanner) joinInitial() bool {
	g, next := s.at(s.pos)
	if g.kind != dot {
		return false
	}
	initial, next := s.at(next)
	if initial.kind != letter && initial.kind != foreign {
		return false
	}
	g, after := s.at(next)
	for g.kind == ignored {
		next = after
		g, after = s.at(next)
	}
	if g.inWord() || elisions[initial.text] && s.elides(next) {
		return false
	}
	s.word = append(s.word, initial.text...)
	s.foreign = s.foreign || initial.kind == foreign
	s.plain = !s.foreign
	s.pos, s.end = next, next
	return true
}

// elided reports whether the word is the l of l’eau.
func (s *scanner) elided() bool { return elisions[string(s.word)] && s.elides(s.pos) }

// elides reports whether an apostrophe and then a word stand at a place.
func (s *scanner) elides(pos int) bool {
	g, next := s.at(pos)
	if g.kind != apostrophe {
		return false
	}
	g, _ = s.at(next)
	return g.inWord()
}

// term returns the word's term. A word that cannot be written in a-z and 0-9,
// or only in too many of them, is replaced by 64 digits of its hash. Words of
// just 64 bytes are replaced too, so that none that is written out can be
// mistaken for a hash.
func (s *scanner) term() string {
	term := string(s.word)
	if s.plain && !s.initials {
		term = normalise(term)
	}
	if s.foreign || len(term) >= MaxTermLength {
		return hash(term)
	}
	return term
}

// pairTerm returns the term of a pair, its words joined by _. One too long is
// replaced by _ and its hash: no pair that is written out begins so.
func pairTerm(pair []byte) string {
	if len(pair) > MaxTermLength {
		return "_" + hash(string(pair))[:MaxTermLength-1]
	}
	return string(pair)
}

// hash returns 64 hexadecimal digits.
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
