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

// parts are the text around the first keyword, in clean pieces.
func (e Excerpt) parts() []ShownPart {
	w := pieces{}
	for _, p := range clip.Passage(e.Text, e.Spans, beforeKeyword, maxExcerpt) {
		switch {
		case p.Hit:
			p.Text = p.Text[:clip.Length(p.Text, maxName)]
		case p.Text == "…":
			p.Text = " … "
		}
		w.add(p.Text, p.Hit)
	}
	return w.trimmed()
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
