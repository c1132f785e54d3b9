package lexicon

import (
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"slices"
	"unicode/utf8"
)

// Token is one content word with its place in a text.
type Token struct {
	Term       string // without _
	Start, End int    // the word's bytes in the text, accents included
	Sentence   int    // the ordinal of its sentence in the text, from 0
}

// Tokens returns the content words of a text in order, stop words left out.
//
// A word is a run of letters and digits, cut at everything else, the hyphen
// included: "voirie.Lot" is two words, "chauffe-eau" too. Some things are put
// together nonetheless: letters that stand alone between dots (V.R.D. and
// V. R. D. are vrd) or around & (R&D), a letter and its signs (C++, C#), the
// digits of a number (3 000 is 3000), and the few words that have an apostrophe
// inside (prud’homme). A number is cut from its unit (22kW is 22 kW). Elided
// words (l’, d’, qu’) are left out, with or without their apostrophe.
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

// scanner reads words one by one, stop words included. How it reads a word does not depend on the text before the
// word; that is why a keyword copied from the middle of a text is read as it was there.
type scanner struct {
	text string
	pos  int // where the next word is looked for

	word       []byte // the last word, folded
	start, end int    // its place in the text
	initials   bool   // it is a letter standing alone, or several with dots between
	plain      bool   // it is of letters a-z alone
	foreign    bool   // it has a character that is not in a-z, 0-9
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
	s.start, s.initials, s.plain, s.foreign = s.pos, false, true, false
	if g, _ := s.at(s.pos); g.kind == digit {
		s.number()
	} else if s.run() == 1 && (s.plain || s.foreign) {
		s.initials = true
		s.joinLetters()
	}
	if joined[string(s.word)] && s.elides(s.pos) {
		_, s.pos = s.at(s.pos)
		s.run()
	}
	return true
}

// skip goes to the next word, and counts the end of a sentence if it passes one.
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

// quietDot reports whether the dot at the scanner's place does not end a sentence.
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

// run adds letters and digits to the word, and returns how many.
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

// number reads a number: digits, in groups of three or not. What is written to
// its end belongs to the word (12h30, 2e) unless it is a unit.
func (s *scanner) number() {
	s.plain = false
	for g, next := s.at(s.pos); g.kind == digit || g.kind == ignored; g, next = s.at(s.pos) {
		s.word = append(s.word, g.text...)
		s.pos = next
	}
	s.end = s.pos
	if len(s.word) <= 3 {
		for s.joinThousands() {
		}
	}
	if !s.unit(s.pos) {
		s.run()
	}
}

// joinThousands adds a space and three digits to a number, if they follow, and a number can end there.
func (s *scanner) joinThousands() bool {
	g, pos := s.at(s.pos)
	if g.kind != space {
		return false
	}
	length := len(s.word)
	for range 3 {
		if g, pos = s.at(pos); g.kind != digit {
			s.word = s.word[:length]
			return false
		}
		s.word = append(s.word, g.text...)
	}
	pos = s.pastIgnored(pos)
	if g, _ := s.at(pos); g.inWord() && !s.unit(pos) {
		s.word = s.word[:length]
		return false
	}
	s.pos, s.end = pos, pos
	return true
}

// unit reports whether the letters and digits at a place are a unit.
func (s *scanner) unit(pos int) bool {
	var unit [maxUnit]byte
	n := 0
	for {
		g, next := s.at(pos)
		switch {
		case g.inWord():
			if n+len(g.text) > maxUnit {
				return false
			}
			n += copy(unit[n:], g.text)
		case g.kind != ignored:
			return units[string(unit[:n])]
		}
		pos = next
	}
}

// links are the signs that may join the letters of one word.
var links = [...]struct {
	kinds []kind
	least int // letters of such a word
}{
	{[]kind{dot}, 2},
	{[]kind{dot, space}, 3}, // in “Plan B. A la suite” there is no acronym
	{[]kind{ampersand}, 2},
	{[]kind{space, ampersand, space}, 2},
}

// joinLetters adds to a single letter what makes one word with it. Case does not matter: people who type V.R.D. in a
// search box type v.r.d.
func (s *scanner) joinLetters() {
	for _, link := range links {
		before, n := *s, 1
		for s.joinLetter(link.kinds) {
			n++
		}
		if n >= link.least {
			return
		}
		*s = before
	}
	s.joinSigns()
}

// joinLetter adds a link and a single letter to the word, if they follow.
func (s *scanner) joinLetter(link []kind) bool {
	pos := s.pos
	for _, kind := range link {
		g, next := s.at(pos)
		if g.kind != kind {
			return false
		}
		pos = next
	}
	initial, pos := s.at(pos)
	if initial.kind != letter && initial.kind != foreign {
		return false
	}
	pos = s.pastIgnored(pos)
	if after, _ := s.at(pos); after.inWord() || elisions[initial.text] && s.elides(pos) {
		return false
	}
	if slices.Contains(link, ampersand) {
		s.addSign('&')
	}
	s.word = append(s.word, initial.text...)
	s.foreign = s.foreign || initial.kind == foreign
	s.plain = !s.foreign
	s.pos, s.end = pos, pos
	return true
}

// joinSigns adds the signs of C++ and C# to the letter before them.
func (s *scanner) joinSigns() {
	sign, next := s.at(s.pos)
	switch after, _ := s.at(next); {
	case sign.kind == sharp && !after.inWord():
		s.addSign('#')
		s.pos = next
	case sign.kind == plus && after.kind == plus:
		for ; sign.kind == plus; sign, next = s.at(s.pos) {
			s.addSign('+')
			s.pos = next
		}
	}
	s.end = s.pos
}

// addSign adds a sign to the word, which then is not an initial, and cannot be written in a-z and 0-9.
func (s *scanner) addSign(sign byte) {
	s.word = append(s.word, sign)
	s.initials, s.plain, s.foreign = false, false, true
}

// pastIgnored returns the place after the accents at a place.
func (s *scanner) pastIgnored(pos int) int {
	for {
		g, next := s.at(pos)
		if g.kind != ignored {
			return pos
		}
		pos = next
	}
}

// elided reports whether the word is the l of l’eau.
func (s *scanner) elided() bool { return elisions[string(s.word)] && s.elides(s.pos) }

// elides reports whether an apostrophe and then a word follow at a place.
func (s *scanner) elides(pos int) bool {
	g, next := s.at(pos)
	if g.kind != apostrophe {
		return false
	}
	g, _ = s.at(next)
	return g.inWord()
}

// term returns the word's term, which is the same for an acronym with dots and without. A word that cannot be written
// in a-z and 0-9, or that is too long, is replaced by 64 digits of its hash. Words of exactly 64 bytes are replaced
// too, so that no written word can be mistaken for a hash.
func (s *scanner) term() string {
	term := string(s.word)
	if s.plain {
		term = normalise(term)
	}
	if s.foreign || len(term) >= MaxTermLength {
		return hash(term)
	}
	return term
}

// pairTerm returns the term of a pair, its words joined by _. A pair that is too long is replaced by _ and its hash:
// no written pair begins with _.
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
