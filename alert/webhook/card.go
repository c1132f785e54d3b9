package webhook

import (
	"cmp"

	"vigie"
	"vigie/alert/letter"
)

// card is a message in a chat, whichever chat it is. Its texts are clean single lines, its links ASCII.
type card struct {
	heading string
	// title and url are of the tender: url is "" for none.
	title, url string
	// lines say more, each with what it is about, a colon included; "" for nothing.
	lines []labelled
	// changes are listed, corrections quoted.
	changes     []labelled
	corrections []string
	// reasons are the watches that led to it.
	reasons []labelled
	buttons []button
	footer  string
	// summary says the most important in one line, for notifications and for clients that do not show the rest.
	summary string
}

type labelled struct{ label, text string }

func (l labelled) String() string { return l.label + l.text }

type button struct{ label, url string }

// note is a card without a tender.
type note struct {
	heading, text, button vigie.Text
	url, brand            string
}

func (n note) card(l vigie.Locale) card {
	c := card{heading: n.heading.In(l), lines: []labelled{{"", n.text.In(l)}}, footer: letter.Line(n.brand, maxLabel)}
	if url := letter.Link(n.url); url != "" {
		c.buttons = []button{{n.button.In(l), url}}
	}
	c.summary = c.heading
	return c
}

// The most characters of what messages in chats are made of, and the most buttons.
const (
	maxLabel   = 60
	maxButtons = 5
)

// alertCard words an alert.
func alertCard(a Alert, l vigie.Locale, s size) card {
	more := [2]int{max(0, len(a.Changes)-s.list), max(0, len(a.Watches)-s.list)}
	a.Changes, a.Watches = head(a.Changes, s.list), head(a.Watches, s.list)
	e := tenderOf(a).Entry(l)
	c := card{
		heading: heading(a.Kind).In(l), title: letter.Line(e.Title, s.text), url: shownLink(e.URL),
		lines: lines(a, e, s, l), buttons: buttons(a, e, l), footer: letter.Line(a.Brand, maxLabel),
	}
	for _, change := range e.Changes {
		c.changes = append(c.changes, label(vigie.Same(change.Label), changed(change, s, l), l))
	}
	for _, text := range head(e.Corrections, s.list) {
		c.corrections = append(c.corrections, letter.Line(text, s.text))
	}
	for _, reason := range e.Reasons {
		c.reasons = append(c.reasons, label(vigie.Text{FR: "Veille", EN: "Watch"}, letter.Line(watched(reason, l), s.text), l))
	}
	if more[0] > 0 {
		c.changes = append(c.changes, labelled{"", vigie.Text{FR: "autres changements : %d", EN: "other changes: %d"}.With(more[0]).In(l)})
	}
	if more[1] > 0 {
		c.reasons = append(c.reasons, labelled{"", vigie.Text{FR: "autres veilles : %d", EN: "other watches: %d"}.With(more[1]).In(l)})
	}
	c.summary = label(heading(a.Kind), c.title, l).String()
	if until := deadline(a, e); until != "" {
		c.summary += " – " + label(vigie.Same(e.DeadlineLabel), until, l).String()
	}
	return c
}

func head[T any](list []T, n int) []T { return list[:min(len(list), n)] }

// lines say of a tender what its title does not.
func lines(a Alert, e letter.Entry, s size, l vigie.Locale) []labelled {
	var list []labelled
	add := func(about vigie.Text, text string) {
		if text != "" {
			list = append(list, label(about, letter.Line(text, s.text), l))
		}
	}
	add(vigie.Text{}, e.Buyer)
	add(vigie.Same(e.DeadlineLabel), deadline(a, e))
	add(vigie.Text{FR: "Départements", EN: "Departments"}, e.Departments)
	add(vigie.Text{FR: "Référence", EN: "Reference"}, e.Reference)
	add(vigie.Text{}, e.Facts)
	add(vigie.Text{FR: "Lots", EN: "Lots"}, e.Lots)
	return list
}

// deadline is "" where it does not matter any more, or is among the changes.
func deadline(a Alert, e letter.Entry) string {
	if a.Kind == vigie.DeliverCancelled {
		return ""
	}
	return e.Deadline
}

// label puts what a text is about in front of it.
func label(about vigie.Text, text string, l vigie.Locale) labelled {
	if about == (vigie.Text{}) {
		return labelled{"", text}
	}
	return labelled{letter.Line(about.In(l), maxLabel) + colon(l), text}
}

func colon(l vigie.Locale) string { return vigie.Text{FR: " : ", EN: ": "}.In(l) }

// tenderOf is what letters say of the tender.
func tenderOf(a Alert) letter.Tender {
	t := letter.TenderOf(a.Tender, a.Buyer, a.Publications, a.At)
	t.URL, t.Changes, t.Corrections = cmp.Or(a.URL, t.URL), a.Changes, a.Corrections
	for _, w := range a.Watches {
		reason := letter.Reason{Watch: w.Name, Keywords: w.Keywords}
		for _, p := range w.Places {
			reason.Places = append(reason.Places, p.Label())
		}
		t.Reasons = append(t.Reasons, reason)
	}
	return t
}

// heading says what happened.
func heading(k vigie.DeliveryKind) vigie.Text {
	switch k {
	case vigie.DeliverNew:
		return vigie.Text{FR: "Nouveau marché", EN: "New tender"}
	case vigie.DeliverCorrected:
		return vigie.Text{FR: "Marché rectifié", EN: "Corrected tender"}
	case vigie.DeliverCancelled:
		return vigie.Text{FR: "Marché annulé", EN: "Cancelled tender"}
	case vigie.DeliverClosingSoon:
		return vigie.Text{FR: "Marché bientôt clos", EN: "Tender closing soon"}
	case vigie.DeliverReminder:
		return vigie.Text{FR: "Date limite qui approche", EN: "Deadline approaching"}
	case vigie.DeliverWithdrawn: // nobody is told
	}
	return vigie.Text{FR: "Marché", EN: "Tender"}
}

// changed says how a value changed: « 30 novembre → 14 décembre ».
func changed(c letter.ShownChange, s size, l vigie.Locale) string {
	before, after := letter.Line(c.Before, s.text), letter.Line(c.After, s.text)
	switch {
	case c.Event:
		return after
	case before == "":
		return after + vigie.Text{FR: " (ajout)", EN: " (added)"}.In(l)
	case after == "":
		return before + vigie.Text{FR: " (retrait)", EN: " (removed)"}.In(l)
	}
	return before + " → " + after
}

// watched is « Voirie : enrobés, trottoir (objet, lot 3) ».
func watched(r letter.ShownReason, l vigie.Locale) string {
	text := r.Watch
	if r.Keywords != "" {
		text += colon(l) + r.Keywords
	}
	if r.Found != "" {
		text += " (" + r.Found + ")"
	}
	return text
}

// buttons lead to the tender, where bids go and where the documents are, and to its publications.
func buttons(a Alert, e letter.Entry, l vigie.Locale) []button {
	var list []button
	add := func(label vigie.Text, address string) {
		if url := shownLink(address); url != "" && len(list) < maxButtons {
			list = append(list, button{letter.Line(label.In(l), maxLabel), url})
		}
	}
	add(vigie.Text{FR: "Voir le marché", EN: "See the tender"}, e.URL)
	if a.Status == vigie.StatusOnline {
		add(vigie.Text{FR: "Documents de la consultation", EN: "Procurement documents"}, letter.Link(a.Tender.Details.DocumentsURL))
		add(vigie.Text{FR: "Déposer une réponse", EN: "Submit a response"}, letter.Link(a.Tender.Details.SubmissionURL))
	}
	for _, p := range e.Publications {
		if p.URL != e.URL {
			add(vigie.Same(p.Label), p.URL)
		}
	}
	return list
}

// shownLink leaves out addresses that are too long for a chat.
func shownLink(address string) string {
	if len(address) > maxLink {
		return ""
	}
	return address
}
