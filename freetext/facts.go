package freetext

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"vigie"
	"vigie/lexicon"
)

// Facts are all that a free-text search knows of a tender, beside its departments and CPV codes. No list holds a value
// twice. Values are of the characters of the lexicon's terms, unless a code has letters of other scripts.
type Facts struct {
	// Words are the lexicon's terms of title, buyer, town, lots, labels, description and the lots' descriptions; at most
	// [lexicon.MaxTerms].
	Words []string `json:"words"`
	// Title holds the terms of the title, and each of its words as it is written, marked by [AsWritten].
	Title []string `json:"titleWords"`
	// Buyer holds the terms of the buyer's names and town, and each name as a whole, by [wholeName].
	Buyer []string `json:"buyerWords"`
	// Written are all words as they are written, without case and accents: what a beginning is looked up in.
	Written []string `json:"written"`
	// Spelled are those of them that have accents, in lower case, with their accents: how a word is written that was
	// meant by another.
	Spelled []string `json:"spelled"`
	// Codes are what is looked up as a whole: references, the numbers of notices, SIRET and SIREN, by [code].
	Codes []string `json:"codes"`
}

// FactsOf returns the facts of a tender, of its buyer and of the numbers of its notices. Names are others that the buyer
// is or was known by. Of texts that are too long the end of the descriptions is cut.
func FactsOf(t *vigie.Tender, buyer *vigie.Buyer, refs []string, names ...string) Facts {
	names = append([]string{buyer.Name, buyer.City}, names...)
	texts := append([]string{t.Title}, names...)
	for _, lot := range t.Lots {
		texts = append(texts, lotText(lot))
	}
	for _, code := range t.CPVCodes {
		texts = append(texts, vigie.CPVLabel(code))
	}
	texts = append(append(texts, t.Labels...), t.Description)
	for _, lot := range t.Lots {
		texts = append(texts, lot.Description)
	}
	var f Facts
	f.Words, _ = lexicon.Terms(texts...)
	f.Written, f.Spelled = written(texts), spelled(texts)
	f.Title, _ = lexicon.Terms(t.Title)
	for _, word := range written([]string{t.Title}) {
		f.Title = append(f.Title, AsWritten(word))
	}
	f.Buyer, _ = lexicon.Terms(names...)
	for _, name := range names {
		if whole := wholeName(name); whole != "" && name != buyer.City && !slices.Contains(f.Buyer, whole) {
			f.Buyer = append(f.Buyer, whole)
		}
	}
	codes := append([]string{t.Reference, t.SourceRef}, refs...)
	if buyer.SIRET != nil {
		codes = append(codes, *buyer.SIRET, (*buyer.SIRET)[:min(len(*buyer.SIRET), sirenLength)])
	}
	for _, c := range codes {
		f.Codes = append(f.Codes, code(c))
	}
	f.Codes = slices.DeleteFunc(vigie.Sorted(f.Codes), func(c string) bool { return c == "" })
	return f
}

// sirenLength is how many digits of a SIRET are the SIREN, the number of the whole body.
const sirenLength = 9

// NameWords are the words that a text asks for of buyers' names: those of [lexicon.Words], acronyms put together.
func NameWords(text string) []string {
	var b strings.Builder
	at := 0
	for _, token := range lexicon.Tokens(text) {
		if strings.Contains(text[token.Start:token.End], ".") {
			b.WriteString(text[at:token.Start] + folded(text, token))
			at = token.End
		}
	}
	return lexicon.Words(b.String() + text[at:])
}

// lotText is a lot as people read it, its number included.
func lotText(l vigie.Lot) string {
	if l.Number == "" || strings.HasPrefix(lexicon.Fold(l.Title), "lot ") {
		return l.Title
	}
	return "Lot " + l.Number + " " + l.Title
}

// written are the words of texts as they are written, without case and accents.
func written(texts []string) []string {
	var words []string
	seen := make(map[string]bool)
	for _, text := range texts {
		for _, token := range lexicon.Tokens(text) {
			word := folded(text, token)
			if len(words) == lexicon.MaxTerms {
				return words
			}
			if word != "" && !seen[word] {
				seen[word] = true
				words = append(words, word)
			}
		}
	}
	return words
}

// spelled are the words of texts that have accents, as [Facts] has them: those that may be meant by a word with a typing
// error.
func spelled(texts []string) []string {
	var words []string
	seen := make(map[string]bool)
	for _, text := range texts {
		for _, token := range lexicon.Tokens(text) {
			word := text[token.Start:token.End]
			if !accented(word) || seen[word] || len(words) == lexicon.MaxTerms {
				continue
			}
			seen[word] = true
			lower := strings.ToLower(norm.NFC.String(word))
			if meant(folded(text, token)) && !strings.ContainsFunc(lower, isOther) && !slices.Contains(words, lower) {
				words = append(words, lower)
			}
		}
	}
	return words
}

func accented(word string) bool {
	return strings.ContainsFunc(word, func(r rune) bool { return r >= utf8.RuneSelf })
}

func isOther(r rune) bool { return !unicode.IsLetter(r) }

// folded is a word without case and accents, its letters together: V.R.D. is vrd. It is "" for a word with a sign
// (C++), which its term alone says, and for one too long to be typed.
func folded(text string, token lexicon.Token) string {
	word := text[token.Start:token.End]
	if strings.ContainsAny(word, "+#&") {
		return ""
	}
	if word = strings.ReplaceAll(lexicon.Fold(word), " ", ""); len(word) > lexicon.MaxTermLength {
		return ""
	}
	return word
}

// AsWritten marks a word as written, or the beginning of one: no term begins with _.
func AsWritten(word string) string { return "_" + word }

// wholeName is a name in one value, "" for a name without words: no term begins with two _.
func wholeName(name string) string {
	var terms []string
	for _, token := range lexicon.Tokens(name) {
		terms = append(terms, token.Term)
	}
	const longest = 200
	if whole := strings.Join(terms, "_"); whole != "" && len(whole) <= longest {
		return "__" + whole
	}
	return ""
}

// code is a reference or number without case, spaces and signs; "" where it is too short to be looked up, has no
// digit, or is too long.
func code(s string) string {
	const shortest, longest = 4, 100
	s = strings.ReplaceAll(lexicon.Fold(s), " ", "")
	if len(s) < shortest || len(s) > longest || !strings.ContainsAny(s, "0123456789") {
		return ""
	}
	return s
}
