package search

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"vigie/clip"
	"vigie/query"
)

// A passage of a long text is of about this many characters, some of them
// before its first hit.
const (
	passageLength = 200
	passageLead   = 60
)

// Highlights are the passages of a title and a description in which something
// was found.
func Highlights(title, description string, inTitle, inDescription []query.Span) []Highlight {
	var list []Highlight
	if parts := cut(title, inTitle, query.Span{Start: 0, End: len(title)}); parts != nil {
		list = append(list, Highlight{Field: "title", Parts: parts})
	}
	if spans := sound(description, inDescription); len(spans) > 0 {
		list = append(list, Highlight{
			Field: "description", Parts: cut(description, spans, passage(description, spans[0])),
		})
	}
	return list
}

// sound returns the spans that are parts of the text, sorted.
func sound(text string, spans []query.Span) []query.Span {
	var kept []query.Span
	for _, s := range spans {
		if 0 <= s.Start && s.Start < s.End && s.End <= len(text) && boundary(text, s.Start) && boundary(text, s.End) {
			kept = append(kept, s)
		}
	}
	slices.SortFunc(kept, func(a, b query.Span) int { return cmp.Compare(a.Start, b.Start) })
	return kept
}

func boundary(text string, i int) bool { return i == len(text) || utf8.RuneStart(text[i]) }

// passage returns the part of a text around its first hit, of whole words.
func passage(text string, first query.Span) query.Span {
	start := back(text, first.Start, passageLead)
	if start > 0 {
		if space := strings.IndexFunc(text[start:first.Start], unicode.IsSpace); space >= 0 {
			start += space
		}
	}
	end := forth(text, start, passageLength)
	if end < len(text) && end > first.End {
		if space := strings.LastIndexFunc(text[first.End:end], unicode.IsSpace); space >= 0 {
			end = first.End + space
		}
	}
	return query.Span{Start: start, End: max(end, first.End)}
}

// back returns the place n characters before another in a text, or its start; between graphemes.
func back(text string, from, n int) int {
	for ; n > 0 && from > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(text[:from])
		from -= size
	}
	return clip.Boundary(text, from)
}

// forth returns the place n characters after another in a text, or its end; between graphemes.
func forth(text string, from, n int) int {
	for ; n > 0 && from < len(text); n-- {
		_, size := utf8.DecodeRuneInString(text[from:])
		from += size
	}
	return clip.Boundary(text, from)
}

// cut divides a part of a text into what was found and what lies between; it returns nil if nothing was found.
func cut(text string, spans []query.Span, within query.Span) []Part {
	var parts []Part
	if within.Start > 0 {
		parts = append(parts, Part{Text: "…"})
	}
	at := within.Start
	hit := false
	for _, s := range sound(text, spans) {
		s.Start = max(s.Start, at)
		if s.Start >= s.End || s.End > within.End {
			continue
		}
		if at < s.Start {
			parts = append(parts, Part{Text: text[at:s.Start]})
		}
		parts = append(parts, Part{Text: text[s.Start:s.End], Hit: true})
		at, hit = s.End, true
	}
	if !hit {
		return nil
	}
	if rest := text[at:within.End]; rest != "" {
		parts = append(parts, Part{Text: rest})
	}
	if within.End < len(text) {
		parts = append(parts, Part{Text: "…"})
	}
	return parts
}
