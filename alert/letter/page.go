package letter

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"vigie"
)

// page is the data of a template: its fields are what a template can use. All texts are clean single lines; all links
// are ASCII, and "" if there is none.
type page struct {
	// Lang is "fr" or "en".
	Lang string
	// Subject is the letter's subject line.
	Subject string
	// Heading is the first line of the letter.
	Heading string
	// About is the watch, or the number of watches: « Veille TEST 01/09 », « 2 veilles ».
	About   string
	Brand   string
	Footer  string
	Contact string
	// Watches are those that the end of the letter lists.
	Watches []Watch
	// LeaveURL leads to the page that leaves all watches.
	LeaveURL string

	// Sections of a digest, those that have tenders.
	Sections []section
	// MoreURL leads to all tenders of a digest.
	MoreURL string
	// StopRemindersURL leads to the page that stops reminders.
	StopRemindersURL string
	// Days of a quiet note, as text.
	Days string
	// Sources of a quiet note, each as « BOAMP lu jusqu’au vendredi 27 novembre 2026 à 14 h 30 (heure de Paris) ».
	Sources []string
	// Webhooks of a note, each with what happened.
	Webhooks []string
	// ConfirmURL of a confirmation, and the verified address of who asks for it, "" where it has none.
	ConfirmURL, AskedBy string

	language vigie.Locale
}

// In returns the words in the letter's language.
func (p *page) In(french, english string) string {
	return vigie.Text{FR: french, EN: english}.In(p.language)
}

type section struct {
	// Kind is "reminder", "new", "corrected", "cancelled" or "soon".
	Kind  string
	Title string
	// Count is how many tenders there are, as text.
	Count   string
	Tenders []Entry
	// More says how many are not shown: « et 34 autres »; "" where all are.
	More string
}

// Entry is one tender in the words of a letter. All texts are clean single lines, cut where they are long; links are ASCII,
// and "" if there is none.
type Entry struct {
	Title, Buyer, Reference, Departments string
	// Deadline is "" where it does not matter any more, and among Changes; DeadlineLabel says what it is for.
	Deadline, DeadlineLabel string
	// Facts are value, technique, duration and the like on one line: « Accord-cadre · 480 000 € · 48 mois »; Lots are the
	// first lots: « 1 Voirie · 2 Peinture · et 42 autres lots ». "" where nothing is known.
	Facts, Lots string
	// DaysLeft says how long the deadline is away: « dans 20 jours »; "" where that is not known, or does not matter.
	DaysLeft string
	// URL is where the title leads, PageURL the tender's page on the platform, DismissURL the page that dismisses it.
	URL, PageURL, DismissURL string
	// Publications are where its notices were published, with their pages.
	Publications []ShownPublication
	Changes      []ShownChange
	// Corrections are what corrections ask to read, in their own words, cut where they are long.
	Corrections []string
	Reasons     []ShownReason
	// Excerpts are the texts in which keywords were found.
	Excerpts []ShownExcerpt

	language vigie.Locale
}

// In returns the words in the language of the entry.
func (e *Entry) In(french, english string) string {
	return vigie.Text{FR: french, EN: english}.In(e.language)
}

// OwnURL is URL, "" where PageURL or a publication leads there too.
func (e *Entry) OwnURL() string {
	same := func(p ShownPublication) bool { return p.URL == e.URL }
	if e.URL == e.PageURL || slices.ContainsFunc(e.Publications, same) {
		return ""
	}
	return e.URL
}

// ShownPublication is where a notice was published.
type ShownPublication struct {
	// Label is « BOAMP 26-12345 ».
	Label string
	// URL is "" where it has no page.
	URL string
}

// ShownChange is what changed.
type ShownChange struct {
	// Before and After are "" where there was, or is, nothing.
	Label, Before, After string
	// DaysLeft says how long After is away, of a deadline: « dans 20 jours »; else "".
	DaysLeft string
	// Event is whether After says what happened, and not what there is now: « Documents : modifiés ».
	Event bool
}

// ShownReason is a watch that matched.
type ShownReason struct {
	// WatchURL is the watch's page, "" for none.
	Watch, WatchURL string
	// Keywords are separated by commas, "" where the watch has none.
	Keywords string
	// Found is where they are: « objet, lot 3 »; "" where that is not known.
	Found string
}

// newPage is what every letter has.
func newPage(b Brand, l vigie.Locale, watches []Watch, leave string) page {
	footer := cmp.Or(b.Footer.In(l), b.Footer.In(vigie.French))
	p := page{
		Lang: "fr", Brand: Line(b.Name, maxName), Footer: Line(footer, maxFooter), Contact: Line(b.Contact, vigie.MaxEmailLength),
		LeaveURL: Link(leave), language: l,
	}
	if l == vigie.English {
		p.Lang = "en"
	}
	for _, w := range watches {
		p.Watches = append(p.Watches, Watch{Line(w.Name, maxName), Link(w.EditURL), Link(w.LeaveURL)})
	}
	if about := about(p.Watches, l); about != "" {
		p.About = strings.ToUpper(about[:1]) + about[1:]
	}
	return p
}

// titled sets the heading, and the subject made of it.
func (p page) titled(heading, subject string) page {
	p.Heading, p.Subject = heading, Line(subject, maxSubject)
	return p
}

// sections are those of a digest, in the order in which it shows them.
func (d Digest) sections() [5]Section {
	return [5]Section{d.Reminders, d.New, d.Corrected, d.Cancelled, d.ClosingSoon}
}

func (d Digest) page() (page, error) {
	sections := d.sections()
	var totals [5]int
	for i, s := range sections {
		totals[i] = s.total()
	}
	p := newPage(d.Brand, d.Language, d.Watches, d.LeaveURL)
	heading := counts(totals, d.Language)
	if heading == "" {
		return page{}, errors.New("letter: a digest of no tenders")
	}
	subject := heading
	if about := about(p.Watches, d.Language); about != "" {
		subject += " – " + about
	}
	p = p.titled(heading, cmp.Or(d.subject(), Line(subject, maxSubject)))
	p.MoreURL, p.StopRemindersURL = Link(d.MoreURL), Link(d.StopRemindersURL)
	shown := share(MaxTenders, sections)
	quoted := maxExcerpts
	if _, _, total := d.first(); total > fewTenders {
		quoted = maxExcerptsOfMany
	}
	for i, s := range sections {
		if totals[i] == 0 {
			continue
		}
		view := section{
			Kind: happenings()[i].kind, Title: happenings()[i].title.In(d.Language), Count: number(totals[i], d.Language),
		}
		for _, t := range s.Tenders[:shown[i]] {
			e := t.Entry(d.Language)
			e.Excerpts = e.Excerpts[:min(quoted, len(e.Excerpts))]
			if view.Kind == "cancelled" {
				e.Deadline, e.Excerpts = "", nil
			}
			view.Tenders = append(view.Tenders, e)
		}
		switch rest := totals[i] - shown[i]; {
		case rest == 1:
			view.More = p.In("et 1 autre", "and 1 other")
		case rest > 1:
			view.More = vigie.Text{FR: "et %s autres", EN: "and %s others"}.With(number(rest, d.Language)).In(d.Language)
		}
		p.Sections = append(p.Sections, view)
	}
	return p, nil
}

// share gives each section its part of room, as even as can be, so that many
// new tenders do not push out a cancellation.
func share(room int, sections [5]Section) (shown [5]int) {
	for left := true; left; {
		left = false
		for i, s := range sections {
			if room > 0 && shown[i] < len(s.Tenders) {
				shown[i]++
				room--
				left = true
			}
		}
	}
	return shown
}

// Entry words a tender.
func (t Tender) Entry(l vigie.Locale) Entry {
	e := Entry{
		Title: t.title(l), Buyer: Line(t.Buyer, maxTitle), Reference: Line(t.Reference, maxName),
		Departments: departments(t.Departments, l), URL: Link(t.URL), PageURL: Link(t.PageURL), DismissURL: Link(t.DismissURL),
		Deadline: vigie.Text{FR: "non précisée", EN: "not given"}.In(l), DeadlineLabel: t.DeadlineKind.Deadline().In(l),
		Facts: facts(t, l), Lots: lots(t.Lots, l), language: l,
	}
	if content := (vigie.Content{Deadline: t.Deadline, DeadlineText: t.DeadlineText}); t.Deadline != nil {
		e.Deadline, e.DaysLeft = content.DeadlineMoment().In(l), t.daysLeft(l)
	}
	for _, c := range t.Changes {
		before, after := differing(c.Before.In(l), c.After.In(l))
		e.Changes = append(e.Changes, ShownChange{
			Label: Line(c.Label.In(l), maxName), Before: before, After: after, Event: c.Field == "documents",
		})
		if c.Field == "deadline" { // its change says it
			e.Changes[len(e.Changes)-1].DaysLeft, e.Deadline = e.DaysLeft, ""
		}
	}
	e.Publications = publications(t)
	for i, text := range t.Corrections {
		if text = Line(text, maxCorrection); text != "" && i < maxCorrections {
			e.Corrections = append(e.Corrections, text)
		}
	}
	for _, r := range t.Reasons {
		e.Reasons = append(e.Reasons, ShownReason{Line(r.Watch, maxName), Link(r.WatchURL), keywords(r.Keywords), found(r.Places, l)})
	}
	e.Excerpts = excerpts(t.Excerpts, maxExcerpts, l)
	return e
}

// publications are where a tender was published: those with a page, or all where there are several.
func publications(t Tender) []ShownPublication {
	var list []ShownPublication
	for _, p := range t.Publications {
		if url := Link(p.URL); len(list) < maxPublications && (len(t.Publications) > 1 || url != "") {
			list = append(list, ShownPublication{Line(p.Label(), maxName), url})
		}
	}
	return list
}

// keywords lists keywords, the first of them if they are very many.
func keywords(list []string) string {
	var shown []string
	for i, k := range list {
		if i == maxKeywords {
			shown = append(shown, "…")
			break
		}
		shown = append(shown, Line(k, maxName))
	}
	return strings.Join(shown, ", ")
}

func (q Quiet) page() page {
	p := newPage(q.Brand, q.Language, q.Watches, q.LeaveURL)
	p.Days = number(q.Days, q.Language)
	for _, s := range q.Sources {
		read := vigie.Text{FR: "%s : avis connus jusqu’au %s.", EN: "%s: notices known up to %s."}
		p.Sources = append(p.Sources, read.With(Line(s.Label, maxName), vigie.KnownUntil(s.WholeUntil).In(q.Language)).In(q.Language))
	}
	heading := vigie.Text{FR: "Aucun nouveau marché depuis %s jours", EN: "No new tenders for %s days"}.With(p.Days).In(q.Language)
	subject := heading
	if about := about(p.Watches, q.Language); about != "" {
		subject += " – " + about
	}
	return p.titled(heading, subject)
}

func (n WebhookNote) page() page {
	p := newPage(n.Brand, n.Language, nil, "")
	for _, w := range n.Webhooks[:min(len(n.Webhooks), vigie.MaxAccountWebhooks)] {
		text := vigie.Text{
			FR: "%s, veille « %s » : ce service n’a accepté aucune alerte pendant trois jours. Les alertes sont conservées tant que le marché est en ligne, 30 jours au plus. Quand le service fonctionnera de nouveau, réactivez le webhook dans les réglages de votre compte.",
			EN: "%s, watch “%s”: this service accepted no alert for three days. Alerts are kept while the tender is online, for 30 days at most. Once the service works again, switch the webhook on in the settings of your account.",
		}
		if w.Ended {
			text = vigie.Text{
				FR: "%s, veille « %s » : ce service a répondu qu’il ne veut plus d’alertes. Ce webhook ne sert plus ; vous pouvez en ajouter un autre dans les réglages de votre compte.",
				EN: "%s, watch “%s”: this service answered that it wants no more alerts. The webhook has ended; you can add another in the settings of your account.",
			}
		}
		p.Webhooks = append(p.Webhooks, text.With(Line(w.Host, maxName), Line(w.Watch, maxName)).In(n.Language))
	}
	heading := p.In("Des alertes n’arrivent plus à destination", "Alerts no longer arrive")
	return p.titled(heading, heading+" – webhook")
}

func (c Confirmation) page() (page, error) {
	p := newPage(c.Brand, c.Language, nil, "")
	p.ConfirmURL, p.AskedBy = Link(c.URL), Line(c.AskedBy, vigie.MaxEmailLength)
	if p.ConfirmURL == "" {
		return page{}, errors.New("letter: a confirmation without a link")
	}
	return p.titled(
		p.In("Confirmez votre adresse", "Confirm your address"),
		p.In("Confirmez votre adresse – ", "Confirm your address – ")+p.Brand,
	), nil
}
