package query

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"vigie"
	"vigie/lexicon"
)

// ParseKeywords splits the text of one field into keywords and excluded keywords: words separated by spaces, commas or
// semicolons, and phrases in double quotes; what begins with a minus is excluded. A quote that is not closed ends at
// the end of the text. A comma between digits separates nothing (« 3,5 »).
func ParseKeywords(text string) (keywords, excluded []string) {
	var word strings.Builder
	quoted, minus := false, false
	end := func() {
		switch keyword := strings.Join(strings.Fields(word.String()), " "); {
		case keyword == "":
		case minus:
			excluded = append(excluded, keyword)
		default:
			keywords = append(keywords, keyword)
		}
		word.Reset()
		minus = false
	}
	runes := []rune(text)
	for i, r := range runes {
		switch {
		case isQuote(r):
			if word.Len() > 0 || quoted { // else a minus before it is about the phrase
				end()
			}
			quoted = !quoted
		case quoted:
			word.WriteRune(r)
		case separates(runes, i):
			end()
		case isMinus(r) && word.Len() == 0:
			minus = true
		default:
			word.WriteRune(r)
		}
	}
	end()
	return keywords, excluded
}

// FormatKeywords is the reverse of [ParseKeywords], for keywords alone.
func FormatKeywords(keywords []string) string {
	parts := make([]string, len(keywords))
	for i, keyword := range keywords {
		keyword = strings.Map(func(r rune) rune {
			if isQuote(r) {
				return ' '
			}
			return r
		}, keyword)
		runes := []rune(keyword)
		split := len(runes) > 0 && isMinus(runes[0])
		for at := range runes {
			split = split || separates(runes, at)
		}
		if split {
			keyword = `"` + keyword + `"`
		}
		parts[i] = keyword
	}
	return strings.Join(parts, " ")
}

// separates reports whether the character at a place of an unquoted text stands between keywords.
func separates(text []rune, at int) bool {
	isDigit := func(at int) bool { return at >= 0 && at < len(text) && unicode.IsDigit(text[at]) }
	switch r := text[at]; r {
	case ';':
		return true
	case ',':
		return !isDigit(at-1) || !isDigit(at+1)
	default:
		return unicode.IsSpace(r)
	}
}

// isMinus reports whether r is a minus as keyboards and word processors make it.
func isMinus(r rune) bool { return r == '-' || r == '\u2212' }

// StartsWithMinus reports whether a keyword begins with a minus, or a dash that stands for one, right before a word:
// in a list of keywords that excludes nothing.
func StartsWithMinus(keyword string) bool {
	first, size := utf8.DecodeRuneInString(keyword)
	next, _ := utf8.DecodeRuneInString(keyword[size:])
	return (isMinus(first) || first == '–' || first == '—') && isWordCharacter(next)
}

// isQuote reports whether r is a quote as keyboards and word processors make them.
func isQuote(r rune) bool { return strings.ContainsRune(`"“”„«»`, r) }

// Meaningless reports whether a keyword yields no term: it consists of stop words or signs, and nothing could match
// it.
func Meaningless(keyword string) bool { return len(lexicon.Phrase(keyword)) == 0 }

// Signs reports whether a keyword has neither a letter nor a digit.
func Signs(keyword string) bool { return !strings.ContainsFunc(keyword, isWordCharacter) }

func isWordCharacter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// Short reports whether a keyword has fewer than [vigie.MinKeywordLength] characters. A letter with a sign that makes
// another word of it (C#) is a whole name, and not short.
func Short(keyword string) bool {
	letter, signed := strings.CutSuffix(keyword, "#")
	return utf8.RuneCountInString(keyword) < vigie.MinKeywordLength &&
		(!signed || slices.Equal(lexicon.Phrase(keyword), lexicon.Phrase(letter)))
}

// ContentWords counts the words of a keyword that are not stop words.
func ContentWords(keyword string) int { return len(lexicon.Tokens(keyword)) }

// Covers reports whether each text that has keyword b has keyword a too: the terms of a are among those of b.
func Covers(a, b string) bool {
	terms, of := lexicon.Phrase(a), lexicon.Phrase(b)
	return len(terms) > 0 && !slices.ContainsFunc(terms, func(term string) bool { return !slices.Contains(of, term) })
}

// SameKeyword reports whether two keywords find the same: « Voirie » and « voiries ».
func SameKeyword(a, b string) bool { return slices.Equal(lexicon.Phrase(a), lexicon.Phrase(b)) }

// Letter returns the single letter or digit that is left of a keyword once its signs are taken away, "" where more is
// left.
func Letter(keyword string) string {
	tokens := lexicon.Tokens(keyword)
	if len(tokens) != 1 || len(tokens[0].Term) != 1 {
		return ""
	}
	return tokens[0].Term
}
