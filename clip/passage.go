package clip

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Span is a part of a text, in bytes.
type Span struct{ Start, End int }

// Part is a piece of a text; Hit is whether it is one of its spans. What was cut off is a Part of its own: "…".
type Part struct {
	Text string
	Hit  bool
}

// Passage returns the part of a text around the first of its spans, in pieces: whole words, of about length characters, lead
// of them before the span; nil where there is no span. Spans may overlap; those that are no part of the text do not count.
func Passage(text string, spans []Span, lead, length int) []Part {
	spans = sound(text, spans)
	if len(spans) == 0 {
		return nil
	}
	return cut(text, spans, around(text, spans[0], lead, length))
}

// Whole returns a text in pieces; nil where it has no span.
func Whole(text string, spans []Span) []Part {
	return cut(text, sound(text, spans), Span{0, len(text)})
}

// sound returns the spans that are parts of the text, sorted; those that overlap are one.
func sound(text string, spans []Span) []Span {
	var kept []Span
	for _, s := range spans {
		if 0 <= s.Start && s.Start < s.End && s.End <= len(text) && boundary(text, s.Start) && boundary(text, s.End) {
			kept = append(kept, s)
		}
	}
	slices.SortFunc(kept, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	var apart []Span
	for _, s := range kept {
		if last := len(apart) - 1; last >= 0 && s.Start < apart[last].End {
			apart[last].End = max(apart[last].End, s.End)
			continue
		}
		apart = append(apart, s)
	}
	return apart
}

func boundary(text string, i int) bool { return i == len(text) || utf8.RuneStart(text[i]) }

// around returns the part of a text around its first hit, of whole words: of about so many characters, some of them before it.
func around(text string, first Span, lead, length int) Span {
	start := back(text, first.Start, lead)
	if start > 0 {
		if space := strings.IndexFunc(text[start:first.Start], unicode.IsSpace); space >= 0 {
			start += space
		}
	}
	end := forth(text, start, length)
	if end < len(text) && end > first.End {
		if space := strings.LastIndexFunc(text[first.End:end], unicode.IsSpace); space >= 0 {
			end = first.End + space
		}
	}
	return Span{Start: start, End: max(end, first.End)}
}

// back returns the place n characters before another in a text, or its start; between graphemes.
func back(text string, from, n int) int {
	for ; n > 0 && from > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(text[:from])
		from -= size
	}
	return near(text, from)
}

// forth returns the place n characters after another in a text, or its end; between graphemes.
func forth(text string, from, n int) int {
	for ; n > 0 && from < len(text); n-- {
		_, size := utf8.DecodeRuneInString(text[from:])
		from += size
	}
	return near(text, from)
}

// near is [Boundary], found from the ASCII character before a place: there is always a boundary, and texts may be long.
func near(text string, at int) int {
	base := max(0, strings.LastIndexFunc(text[:at], func(r rune) bool { return ' ' <= r && r < unicode.MaxASCII }))
	return base + Boundary(text[base:], at-base)
}

// cut divides a part of a text into what was found and what lies between; it returns nil if nothing was found.
func cut(text string, spans []Span, within Span) []Part {
	var parts []Part
	if within.Start > 0 {
		parts = append(parts, Part{Text: "…"})
	}
	at := within.Start
	hit := false
	for _, s := range spans {
		if s.Start < at || s.End > within.End {
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
