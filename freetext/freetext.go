// Package freetext says what a text means that a person types into a search box, as package query says what criteria
// mean: a [Search] is what is asked for, [Facts] are what a tender has. Engines compare the two and nothing else, so
// that all find the same.
package freetext

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"vigie"
	"vigie/lexicon"
)

// MaxWords is the most words of a text that are looked for: the first ones, small words not counted.
const MaxWords = 10

// Search is a text as it is understood.
type Search struct {
	// Words must all be found, Excluded none.
	Words, Excluded []Word
	// Code is the whole text as a reference or number, Name as a buyer's name: see [Facts]. Either is also found where
	// the words are not. "" where it cannot be one.
	Code, Name string
	text       string
}

// Word is something to find: a word, a phrase, a place, a code or a number. It is found in a tender that has all of
// its Terms, or anything else that it says.
type Word struct {
	Text    string // as it was typed
	Quoted  bool
	Terms   []string // those of [lexicon.Phrase]
	Written []string // its words as typed, without case and accents
	Code    string   // "", or the same as a code of [Facts]
	CPV     string   // "", or the same as the beginning of a CPV code
	Begin   string   // "", or the beginning of a word as it is written
	Place   *Place   // nil, or a place that it names
	// where it stands in the text
	start, end int
}

// Empty reports whether the text asks for nothing, as one of small words does. Everything is found then.
func (s Search) Empty() bool { return len(s.Words) == 0 && len(s.Excluded) == 0 && s.Code == "" }

// Parse understands a text. With complete the text is still being typed, and its last word may be the beginning of one.
//
// A text in quotes is a phrase: its words one after another in one sentence. So are words joined by hyphens, and « lot »
// with its number. A minus before a word or a phrase excludes it. Words that name a department or a region also find
// what is there. A word with a digit also finds a reference, a number or a CPV code as a whole.
func Parse(text string, complete bool) Search {
	s := Search{text: text}
	complete = complete && !endsOpen(text)
	for rest := text; rest != ""; {
		var part string
		quoted := isQuote(firstRune(rest))
		if part, rest = cutPart(rest, quoted); quoted {
			s.addQuoted(part)
		} else {
			s.addWords(part, len(text)-len(rest)-len(part), complete && rest == "")
		}
	}
	s.Words = s.Words[:min(len(s.Words), MaxWords)]
	s.Excluded = s.Excluded[:min(len(s.Excluded), MaxWords)]
	s.dropMinus()
	s.Words = placed(s.Words)
	if len(s.Excluded) == 0 {
		s.Code = code(text)
	}
	var name strings.Builder
	for _, w := range s.Words {
		name.WriteString(w.Text + " ")
	}
	s.Name = wholeName(name.String())
	return s
}

// endsOpen reports whether no word is being typed at the end of a text.
func endsOpen(text string) bool {
	last, _ := utf8.DecodeLastRuneInString(text)
	return !unicode.IsLetter(last) && !unicode.IsDigit(last)
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// isQuote reports whether r is a quote as keyboards and word processors make them.
func isQuote(r rune) bool { return strings.ContainsRune(`"“”„«»`, r) }

// cutPart cuts the text up to the next quote from a text; a part in quotes without them.
func cutPart(text string, quoted bool) (part, rest string) {
	if quoted {
		text = text[utf8.RuneLen(firstRune(text)):]
	}
	end := strings.IndexFunc(text, isQuote)
	if end < 0 {
		return text, ""
	}
	part, rest = text[:end], text[end:]
	if quoted {
		rest = rest[utf8.RuneLen(firstRune(rest)):]
	}
	return part, rest
}

// minus is the word that stands for a minus just before a quote, until the phrase is read.
const minus = "-"

// addQuoted adds a phrase, to what is excluded if a minus stands before it.
func (s *Search) addQuoted(phrase string) {
	w := newWord(phrase)
	w.Quoted = true
	excluded := s.dropMinus()
	switch {
	case len(w.Terms) == 0:
	case excluded:
		s.Excluded = append(s.Excluded, w)
	default:
		s.Words = append(s.Words, w)
	}
}

// dropMinus removes a minus at the end of the words, and reports whether there was one.
func (s *Search) dropMinus() bool {
	n := len(s.Words)
	if n == 0 || s.Words[n-1].Text != minus {
		return false
	}
	s.Words = s.Words[:n-1]
	return true
}

// newWord is what a run of characters, or a phrase, asks for.
func newWord(text string) Word {
	return Word{Text: text, Terms: lexicon.Phrase(text), Written: written([]string{text})}
}

// addWords adds the words of a part without quotes, which begins at a place of the whole text. The last one may be a
// beginning.
func (s *Search) addWords(text string, at int, complete bool) {
	tokens := lexicon.Tokens(text)
	for i := 0; i < len(tokens); {
		end := i + 1
		for end < len(tokens) && together(text, tokens[i:end+1]) && !(complete && end == len(tokens)-1 && !coded(text, tokens[i:end+1])) {
			end++
		}
		from, to := tokens[i].Start, tokens[end-1].End
		w := newWord(text[from:to])
		w.start, w.end = at+from, at+to
		run := text[runStart(text, from):runEnd(text, to)]
		if strings.ContainsFunc(run, unicode.IsDigit) && !strings.ContainsFunc(run, unicode.IsSpace) {
			w.Code, w.CPV = code(run), cpv(run)
		}
		if complete && end == len(tokens) && end == i+1 {
			w.Begin = beginning(folded(text, tokens[i]))
		}
		i = end
		if excludes(text, from) {
			s.Excluded = append(s.Excluded, w)
		} else {
			s.Words = append(s.Words, w)
		}
	}
	if strings.HasSuffix(text, " "+minus) || text == minus {
		s.Words = append(s.Words, Word{Text: minus})
	}
}

// together reports whether the last of the tokens belongs to those before: nothing but hyphens and small words is
// between, or no space and there are digits, as in a reference; or it is the number of a lot.
func together(text string, tokens []lexicon.Token) bool {
	last := tokens[len(tokens)-1]
	before := tokens[len(tokens)-2]
	between := text[before.End:last.Start]
	if strings.ContainsFunc(between, unicode.IsSpace) {
		return len(tokens) == 2 && before.Term == "lot" && unicode.IsDigit(firstRune(text[last.Start:]))
	}
	odd := func(r rune) bool { return !isHyphen(r) && !unicode.IsLetter(r) && r != '\'' && r != '’' }
	return strings.ContainsFunc(between, isHyphen) && !strings.ContainsFunc(between, odd) || coded(text, tokens)
}

// coded reports whether tokens stand together in a run with digits.
func coded(text string, tokens []lexicon.Token) bool {
	part := text[tokens[0].Start:tokens[len(tokens)-1].End]
	return strings.ContainsFunc(part, unicode.IsDigit) && !strings.ContainsFunc(part, unicode.IsSpace)
}

func isHyphen(r rune) bool { return strings.ContainsRune("-\u2010\u2011\u2012\u2013", r) }

// runStart is where the characters without a space begin that end at a place.
func runStart(text string, at int) int { return strings.LastIndexFunc(text[:at], unicode.IsSpace) + 1 }

// runEnd is where the characters without a space end that begin at a place.
func runEnd(text string, at int) int {
	if end := strings.IndexFunc(text[at:], unicode.IsSpace); end >= 0 {
		return at + end
	}
	return len(text)
}

// excludes reports whether a minus stands just before a place, and a space or nothing before that.
func excludes(text string, at int) bool {
	start := runStart(text, at)
	run := text[start:]
	return start < at && strings.HasPrefix(run, minus) && len(run) > 1 && unicode.IsLetter(firstRune(run[1:]))
}

// cpv returns the beginning of CPV codes that a number asks for: of a whole code, with its check digit or not, and of
// five digits or more, the digits before the trailing zeros. Five digits that end with 00 are a postal code.
func cpv(run string) string {
	const length, shortest = 8, 5
	run = strings.Trim(run, "().,;:")
	if n := len(run) - 2; n == length && run[n] == '-' {
		run = run[:n]
	}
	if len(run) < shortest || len(run) > length || strings.ContainsFunc(run, func(r rune) bool { return r < '0' || r > '9' }) ||
		len(run) == shortest && strings.HasSuffix(run, "00") || vigie.CPVLabel(run+strings.Repeat("0", length-len(run))) == "" {
		return ""
	}
	const division = 2
	trimmed := strings.TrimRight(run, "0")
	return run[:max(len(trimmed), division)]
}

// beginning returns a word that is long enough to stand for those that begin with it, else "".
func beginning(word string) string {
	const shortest = 2
	if utf8.RuneCountInString(word) < shortest {
		return ""
	}
	return word
}
