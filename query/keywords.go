package query

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"vigie"
	"vigie/lexicon"
)

// ParseKeywords splits the text of one field into keywords: words separated by spaces, and phrases in double quotes.
// A quote that is not closed ends at the end of the text.
func ParseKeywords(text string) []string {
	var keywords []string
	var word strings.Builder
	quoted := false
	end := func() {
		if keyword := strings.Join(strings.Fields(word.String()), " "); keyword != "" {
			keywords = append(keywords, keyword)
		}
		word.Reset()
	}
	for _, r := range text {
		switch {
		case isQuote(r):
			end()
			quoted = !quoted
		case unicode.IsSpace(r) && !quoted:
			end()
		default:
			word.WriteRune(r)
		}
	}
	end()
	return keywords
}

// FormatKeywords is the reverse of [ParseKeywords].
func FormatKeywords(keywords []string) string {
	parts := make([]string, len(keywords))
	for i, keyword := range keywords {
		keyword = strings.Map(func(r rune) rune {
			if isQuote(r) {
				return ' '
			}
			return r
		}, keyword)
		if strings.ContainsFunc(keyword, unicode.IsSpace) {
			keyword = `"` + keyword + `"`
		}
		parts[i] = keyword
	}
	return strings.Join(parts, " ")
}

// isQuote reports whether r is a quote as keyboards and word processors make them.
func isQuote(r rune) bool { return strings.ContainsRune(`"“”„«»`, r) }

// Meaningless reports whether a keyword yields no term: it consists of stop words or signs, and nothing could match
// it.
func Meaningless(keyword string) bool { return len(lexicon.Phrase(keyword)) == 0 }

// Short reports whether a keyword has fewer than [vigie.MinKeywordLength] characters. A letter with a sign that makes
// another word of it (C#) is a whole name, and not short.
func Short(keyword string) bool {
	letter, signed := strings.CutSuffix(keyword, "#")
	return utf8.RuneCountInString(keyword) < vigie.MinKeywordLength &&
		(!signed || slices.Equal(lexicon.Phrase(keyword), lexicon.Phrase(letter)))
}

// ContentWords counts the words of a keyword that are not stop words.
func ContentWords(keyword string) int { return len(lexicon.Tokens(keyword)) }
