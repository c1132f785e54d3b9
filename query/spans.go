package query

import (
	"slices"
	"vigie/clip"

	"vigie/lexicon"
)

// Span is a part of a text, in bytes.
type Span = clip.Span

// Spans returns the parts of a text that are one of the keywords: its words, one after another in one sentence,
// whatever their case, accents, number and gender. They may overlap.
func Spans(text string, keywords []string) []Span {
	var phrases [][]lexicon.Token
	for _, keyword := range keywords {
		if words := lexicon.Tokens(keyword); len(words) > 0 {
			phrases = append(phrases, words)
		}
	}
	if len(phrases) == 0 {
		return nil
	}
	return spansOf(lexicon.Tokens(text), phrases)
}

// spansOf returns the parts of a text of these words that are one of the phrases.
func spansOf(words []lexicon.Token, phrases [][]lexicon.Token) []Span {
	var spans []Span
	for i, first := range words {
		for _, phrase := range phrases {
			if len(phrase) > len(words)-i {
				continue
			}
			found := words[i : i+len(phrase)]
			same := func(a, b lexicon.Token) bool { return a.Term == b.Term && b.Sentence == first.Sentence }
			if slices.EqualFunc(phrase, found, same) {
				spans = append(spans, Span{Start: first.Start, End: found[len(found)-1].End})
			}
		}
	}
	return spans
}
