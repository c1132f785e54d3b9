package freetext

import (
	"strings"

	"vigie/lexicon"
	"vigie/query"
)

// Spans are the parts of a text that a search finds.
func (s Search) Spans(text string) []query.Span {
	var keywords []string
	var begin string
	for _, w := range s.Words {
		keywords = append(keywords, w.Text)
		begin = w.Begin
	}
	spans := query.Spans(text, keywords)
	if begin == "" {
		return spans
	}
	for _, token := range lexicon.Tokens(text) {
		if strings.HasPrefix(folded(text, token), begin) {
			spans = append(spans, query.Span{Start: token.Start, End: token.End})
		}
	}
	return spans
}
