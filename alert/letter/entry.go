package letter

import (
	"cmp"
	"strings"
	"time"

	"vigie"
)

// TenderOf returns what letters say of a tender by itself: not why, nor what changed. buyer is nil where it is not known.
func TenderOf(t *vigie.Tender, buyer *vigie.Buyer, publications []vigie.Publication, now time.Time) Tender {
	said := Tender{
		Title: t.Title, Reference: cmp.Or(t.Reference, t.SourceRef), Departments: t.Departments,
		Deadline: t.Deadline, DeadlineKind: t.DeadlineKind, DeadlineText: t.DeadlineText, URL: t.URL,
		Natures: t.Natures, Procedure: t.Procedure,
		Details: t.Details, Lots: t.Lots, Abroad: t.Abroad(), Publications: publications,
	}
	if until := said.Details.QuestionsUntil; until != nil && (until.Before(now) || t.Status(now) != vigie.StatusOnline) {
		said.Details.QuestionsUntil = nil
	}
	if buyer != nil {
		said.Buyer = buyer.Name
	}
	return said
}

// Rendered is what a letter says of one tender, for feeds and calendars.
type Rendered struct {
	// Title is one line of at most 300 characters.
	Title string
	// HTML is a fragment of a document, of which the title is no part; it loads nothing from the network.
	HTML string
	// Text is the same as plain text, in lines that are not broken, each ended by "\n".
	Text string
}

// Render writes what is said of a tender in a language. It fails only if a replaced template does.
func (t *Templates) Render(about Tender, l vigie.Locale, cancelled bool) (Rendered, error) {
	e := about.Entry(l)
	if cancelled {
		e.Deadline = ""
	}
	templates := t.in(l)
	html, err := written(templates.html.ExecuteTemplate, "entry.html", &e, usualText)
	if err != nil {
		return Rendered{}, err
	}
	text, err := written(templates.text.ExecuteTemplate, "entry.txt", &e, usualText)
	if err != nil {
		return Rendered{}, err
	}
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line) + "\n"
	}
	return Rendered{Title: e.Title, HTML: strings.TrimSpace(html), Text: strings.Join(lines, "")}, nil
}
