package letter

import (
	"strings"
	"time"
	"unicode/utf8"

	"vigie"
)

// subject names the first tender, with what happened to it, and counts the others: « Report au 25 déc. : Réfection de la
// voirie… (Mairie de Valombre) et 3 autres ». "" where no tender is shown.
func (d Digest) subject() string {
	first, kind, total := d.first()
	if first == nil {
		return ""
	}
	end := ""
	if buyer := Line(first.Buyer, maxNamedBuyer); buyer != "" {
		end = " (" + buyer + ")"
	}
	if total > 1 {
		end += " " + others(total-1, vigie.Text{FR: "et 1 autre", EN: "and 1 other"}, vigie.Text{FR: "et %s autres", EN: "and %s others"}, d.Language)
	}
	start := happened(first, kind).In(d.Language) + vigie.Text{FR: " : ", EN: ": "}.In(d.Language)
	room := maxNaming - utf8.RuneCountInString(start) - utf8.RuneCountInString(end)
	return start + named(first.title(d.Language), room) + end
}

// named cuts a title to n characters, between words if that leaves most of it.
func named(title string, n int) string {
	short := Line(title, n)
	if short == title {
		return title
	}
	if space := strings.LastIndexByte(short, ' '); space > len(short)/2 {
		return strings.TrimRight(short[:space], " ,;:–-") + "…"
	}
	return short
}

// first returns the tender that the subject names, the kind of its section, and how many tenders there are in all.
func (d Digest) first() (first *Tender, kind string, total int) {
	for i, s := range d.sections() {
		if first == nil && len(s.Tenders) > 0 {
			first, kind = &s.Tenders[0], happenings()[i].kind
		}
		total += s.total()
	}
	return first, kind, total
}

// happened says what happened to a tender of a kind of section, with the day that matters.
func happened(t *Tender, kind string) vigie.Text {
	switch kind {
	case "new":
		return vigie.Text{FR: "Nouveau", EN: "New"}
	case "corrected":
		return t.corrected()
	case "cancelled":
		return vigie.Text{FR: "Annulé", EN: "Cancelled"}
	}
	if t.Deadline == nil {
		return vigie.Text{FR: "Bientôt clos", EN: "Closing soon"}
	}
	closes := vigie.Text{FR: "Clôture le %s", EN: "Closes on %s"}
	if kind == "reminder" {
		closes = vigie.Text{FR: "Date limite le %s", EN: "Deadline on %s"}
	}
	return closes.With(vigie.ShortDay(*t.Deadline, t.At))
}

// corrected says what a correction did: above all, it moves the deadline.
func (t *Tender) corrected() vigie.Text {
	if t.Deadline == nil || t.FormerDeadline == nil || t.Deadline.Equal(*t.FormerDeadline) {
		return vigie.Text{FR: "Rectifié", EN: "Corrected"}
	}
	to := vigie.ShortDay(*t.Deadline, t.At)
	if vigie.Day(*t.Deadline) == vigie.Day(*t.FormerDeadline) {
		at := t.Deadline.In(vigie.Paris())
		to = vigie.Text{FR: "%s à %s", EN: "%s, %s"}.With(to, vigie.Text{FR: strings.TrimPrefix(at.Format("15 h 04"), "0"), EN: at.Format("15:04")})
	}
	if t.Deadline.Before(*t.FormerDeadline) {
		return vigie.Text{FR: "Avancé au %s", EN: "Brought forward to %s"}.With(to)
	}
	return vigie.Text{FR: "Report au %s", EN: "Moved to %s"}.With(to)
}

// daysLeft says how long a deadline is away when the letter is written; "" where it is past, or read at any time.
func (t *Tender) daysLeft(l vigie.Locale) string {
	if t.Deadline == nil || t.At.Equal(time.Time{}) {
		return ""
	}
	return vigie.InDays(*t.Deadline, t.At).In(l)
}

// title returns the title, or words in its place.
func (t *Tender) title(l vigie.Locale) string {
	if title := Line(t.Title, maxTitle); title != "" {
		return title
	}
	return vigie.Text{FR: "Marché sans objet", EN: "Tender without a title"}.In(l)
}
