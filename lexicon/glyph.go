package lexicon

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// kind is what a character does to the word it stands in.
type kind uint8

const (
	separator  kind = iota // ends a word
	space                  // the same, and leaves an empty line empty
	digit                  // a digit, written in 0-9
	letter                 // a letter, written in a-z
	foreign                // a letter or digit of another script
	ignored                // in a word without a sound of its own: an accent, a soft hyphen
	apostrophe             // ends a word, or elides it
	dot                    // ends a word, perhaps a sentence, or stands in an acronym
	terminator             // ends a word and a sentence
	newline                // ends a word; two of them end a sentence
	ampersand              // ends a word, or joins letters: R&D
	plus                   // the same, twice after a letter: C++
	sharp                  // the same, after a letter: C#
)

// glyph is one character as part of a word: its kind and, for letters and digits, its folded text, which is of
// several characters for œ.
type glyph struct {
	kind kind
	text string
}

// inWord reports whether the character can be part of a word.
func (g glyph) inWord() bool {
	return g.kind == digit || g.kind == letter || g.kind == foreign
}

// glyphOf folds a character. It takes one at a time, and an accent counts as one, so that a text in NFD has the same
// words as in NFC, and a word's position in the text is known directly.
func glyphOf(r rune) glyph {
	if int(r) < len(latin) {
		return latin[r]
	}
	return fold(r)
}

// latin holds the glyphs of all characters that French text needs, and more: up to the end of Latin Extended-B.
var latin = func() (table [0x250]glyph) {
	for r := range table {
		table[r] = fold(rune(r))
	}
	return table
}()

// fold computes a glyph. Compatibility decomposition removes accents and maps ² to 2, ᵉ to e and ﬁ to fi.
func fold(r rune) glyph {
	switch r {
	case '\'', '’', '‘', 'ʼ', '`', '´', '′', '＇', '\u0091', '\u0092':
		// The last two are what is left of Windows’ quotes in text that was
		// taken for Latin-1; the others are what keyboards offer.
		return glyph{kind: apostrophe}
	case '.':
		return glyph{kind: dot}
	case '!', '?', ';', '…', '•', '\u2029':
		return glyph{kind: terminator}
	case '\n':
		return glyph{kind: newline}
	case '&':
		return glyph{kind: ampersand}
	case '+':
		return glyph{kind: plus}
	case '#':
		return glyph{kind: sharp}
	case 'º', 'ª':
		// Letters to Unicode; in French they only ever stand for the sign of
		// “nº” and “1ª”, and must do as ° does.
		return glyph{}
	case '\u00ad', '\u200c', '\u200d', '\u2060', '\ufeff':
		// Soft hyphen, joiners, byte order mark: nobody sees them.
		return glyph{kind: ignored}
	}
	if unicode.IsMark(r) {
		return glyph{kind: ignored}
	}
	if d := []rune(norm.NFD.String(string(r))); len(d) == 1 && d[0] != r {
		return fold(d[0]) // a second code for the same character
	}
	if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !isScript(r) {
		if unicode.IsSpace(r) {
			return glyph{kind: space}
		}
		return glyph{}
	}
	var text strings.Builder
	kind := digit
	for _, d := range norm.NFKD.String(string(r)) {
		if unicode.IsMark(d) || d == 'ʼ' {
			// Accents, and what comes before the n of ŉ. Before case changes,
			// because the upper case of one Greek mark is a letter.
			continue
		}
		// Through the upper case, because ς and σ are one letter.
		d = unicode.ToLower(unicode.ToUpper(d))
		switch {
		case '0' <= d && d <= '9':
			text.WriteRune(d)
		case 'a' <= d && d <= 'z':
			text.WriteRune(d)
			kind = max(kind, letter)
		case ligatures[d] != "":
			text.WriteString(ligatures[d])
			kind = max(kind, letter)
		case unicode.IsLetter(d) || unicode.IsDigit(d):
			text.WriteRune(d)
			kind = foreign
		}
	}
	if text.Len() == 0 {
		return glyph{}
	}
	return glyph{kind, text.String()}
}

// ligatures are the letters of Latin that Unicode does not take apart.
var ligatures = map[rune]string{
	'œ': "oe", 'æ': "ae", 'ß': "ss", 'ø': "o", 'đ': "d", 'ł': "l",
}

// isScript reports whether r is a small digit, as in m² and CO₂.
func isScript(r rune) bool {
	return strings.ContainsRune("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉", r)
}
