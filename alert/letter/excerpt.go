package letter

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"vigie"
	"vigie/clip"
)

// ShownExcerpt is a text of a tender around keywords that were found in it.
type ShownExcerpt struct {
	// Place names the text: « Objet », « Lot 3 ».
	Place string
	Parts []ShownPart
}

// ShownPart is a piece of an excerpt; Found is whether it is a keyword.
type ShownPart struct {
	Text  string
	Found bool
}

// excerpts cuts the first texts around their keywords.
func excerpts(list []Excerpt, most int, l vigie.Locale) []ShownExcerpt {
	var shown []ShownExcerpt
	for _, e := range list {
		if parts := e.parts(); len(parts) > 0 && len(shown) < most {
			shown = append(shown, ShownExcerpt{capitalized(Line(e.Place.In(l), maxPlace)), parts})
		}
	}
	return shown
}

func capitalized(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if first == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}

// parts are the text around the first keyword, cut between words, in clean pieces.
func (e Excerpt) parts() []ShownPart {
	spans := joined(e.Spans)
	if len(spans) == 0 || spans[len(spans)-1].End > len(e.Text) {
		return nil
	}
	first := spans[0]
	start, end := e.before(first.Start), e.after(first.Start+clip.Length(e.Text[first.Start:first.End], maxName))
	w := pieces{}
	if start > 0 {
		w.add("… ", false)
	}
	at := start
	for _, s := range spans {
		if s.Start >= end {
			break
		}
		stop := min(s.End, end)
		w.add(e.Text[at:s.Start], false)
		w.add(e.Text[s.Start:stop], true)
		at = stop
	}
	w.add(e.Text[at:end], false)
	if end < len(e.Text) && strings.TrimSpace(e.Text[end:]) != "" {
		w.add(" …", false)
	}
	return w.trimmed()
}

// before returns where an excerpt begins whose keyword is at a place: at the start of a word, if one is near.
func (e Excerpt) before(at int) int {
	start := at
	for range aroundKeyword {
		if start == 0 {
			return 0
		}
		_, size := utf8.DecodeLastRuneInString(e.Text[:start])
		start -= size
	}
	base := max(0, start-200)
	for base > 0 && !utf8.RuneStart(e.Text[base]) {
		base--
	}
	start = base + clip.Boundary(e.Text[base:], start-base)
	if space := strings.IndexFunc(e.Text[start:at], unicode.IsSpace); space >= 0 {
		return start + space
	}
	return start
}

// after returns where an excerpt ends whose keyword ends at a place: at the end of a word, if one is near.
func (e Excerpt) after(at int) int {
	rest := e.Text[at:]
	end := clip.Length(rest, aroundKeyword)
	if end == len(rest) {
		return len(e.Text)
	}
	if space := strings.LastIndexFunc(rest[:end], unicode.IsSpace); space > 0 {
		end = space
	}
	return at + end
}

// joined puts spans in order, and joins those that touch.
func joined(spans []Span) []Span {
	list := slices.Clone(spans)
	slices.SortFunc(list, func(a, b Span) int { return a.Start - b.Start })
	var all []Span
	for _, s := range list {
		if last := len(all) - 1; last >= 0 && s.Start <= all[last].End {
			all[last].End = max(all[last].End, s.End)
			continue
		}
		all = append(all, s)
	}
	return all
}

// pieces are parts of a text that becomes one clean line.
type pieces struct {
	list  []ShownPart
	space bool // a space comes before the next piece
}

// add adds a part of the text.
func (p *pieces) add(text string, found bool) {
	clean := Line(text, len(text)+1)
	leading := p.space || strings.TrimLeftFunc(text, unicode.IsSpace) != text
	if clean == "" {
		p.space = leading
		return
	}
	p.space = strings.TrimRightFunc(text, unicode.IsSpace) != text
	if leading && len(p.list) > 0 {
		if last := len(p.list) - 1; !p.list[last].Found {
			p.list[last].Text += " "
		} else if !found {
			clean = " " + clean
		} else {
			p.list = append(p.list, ShownPart{" ", false})
		}
	}
	if last := len(p.list) - 1; last >= 0 && p.list[last].Found == found {
		p.list[last].Text += clean
		return
	}
	p.list = append(p.list, ShownPart{clean, found})
}

// trimmed returns the pieces, nil where no keyword is left of them.
func (p *pieces) trimmed() []ShownPart {
	if !slices.ContainsFunc(p.list, func(part ShownPart) bool { return part.Found }) {
		return nil
	}
	return p.list
}
