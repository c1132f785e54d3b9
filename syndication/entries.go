package syndication

import (
	"html"
	"slices"
	"time"

	"github.com/google/uuid"

	"vigie"
	"vigie/alert/letter"
	"vigie/alert/link"
	"vigie/service"
)

// entry is what a list says of a tender, in one language: what mails say.
type entry struct {
	// ID is a UUID. A tender has the same in all lists, at all times.
	ID string
	// Title says that it was cancelled, or corrected.
	Title string
	// Plain is the title of the tender alone.
	Plain      string
	URL        string // "" for none
	HTML, Text string
	Happened   happening
	About      *service.FeedTender
}

// happening is what happened to a tender last.
type happening string

const (
	published happening = "PUBLISHED"
	corrected happening = "CORRECTED"
	cancelled happening = "CANCELLED"
)

// words are what is said of it: before the title, and in the content.
func (h happening) words() (title, note vigie.Text) {
	switch h {
	case corrected:
		return vigie.Text{FR: "Rectifié : %s", EN: "Corrected: %s"}, vigie.Text{FR: "Dernier rectificatif : %s.", EN: "Last correction: %s."}
	case cancelled:
		return vigie.Text{FR: "Annulé : %s", EN: "Cancelled: %s"}, vigie.Text{FR: "Ce marché a été annulé. Dernier avis : %s.", EN: "This tender was cancelled. Last notice: %s."}
	case published:
	}
	return vigie.Same("%s"), vigie.Text{}
}

// label names it to a person.
func (h happening) label() vigie.Text {
	switch h {
	case corrected:
		return vigie.Text{FR: "Rectifié", EN: "Corrected"}
	case cancelled:
		return vigie.Text{FR: "Annulé", EN: "Cancelled"}
	case published:
	}
	return vigie.Text{FR: "Publié", EN: "Published"}
}

// space is that of the UUIDs of Vigie.
var space = uuid.MustParse("6c1ff5e2-2a3f-4d0c-9a51-5d6b7f0f6d0e")

// identifier is the UUID of what has a name that never changes (RFC 9562, section 5.5).
func identifier(name string) string { return uuid.NewSHA1(space, []byte(name)).String() }

// entry writes what is said of a tender.
func (h *handler) entry(t *service.FeedTender, l vigie.Locale, now time.Time) (entry, error) {
	about := letter.TenderOf(t.Tender, t.Buyer, t.Publications, now)
	if h.TenderURL != "" {
		about.URL = link.Fill(h.TenderURL, "{source}", t.Source, "{sourceRef}", t.SourceRef)
	}
	for _, m := range t.MatchedBy {
		reason := letter.Reason{Watch: m.Watch.Name, Keywords: m.Keywords}
		for _, p := range m.Places() {
			if label := p.Label(); !slices.Contains(reason.Places, label) {
				reason.Places = append(reason.Places, label)
			}
		}
		about.Reasons = append(about.Reasons, reason)
	}
	happened, at := published, t.Revision.Published
	if notice, changes := lastCorrection(t.Notices); notice != nil {
		happened, at = corrected, notice.PublishedAt
		about.Changes = changes
		if notice.Content.Correction != "" {
			about.Corrections = []string{notice.Content.Correction}
		}
	}
	if t.Status(now) == vigie.StatusCancelled {
		happened, at = cancelled, t.Revision.Published
		about.Changes, about.Corrections = nil, nil
	}
	said, err := h.Templates.Render(about, l, happened == cancelled)
	if err != nil {
		return entry{}, err
	}
	e := entry{
		ID: identifier(h.Service.IDs().ID(vigie.KindTender, t.ID)), Plain: said.Title, URL: letter.Link(about.URL),
		HTML: said.HTML, Text: said.Text, Happened: happened, About: t,
	}
	title, note := happened.words()
	e.Title = title.With(said.Title).In(l)
	if note != (vigie.Text{}) {
		text := note.With(vigie.WhenPublished(at)).In(l)
		e.HTML, e.Text = "<p><b>"+html.EscapeString(text)+"</b></p>\n"+e.HTML, text+"\n"+e.Text
	}
	return e, nil
}

// lastCorrection is the last of a tender's notices, in their order, that corrected it, with what it changed; nil for none.
func lastCorrection(notices []*vigie.Notice) (*vigie.Notice, []vigie.Change) {
	if len(notices) < 2 {
		return nil, nil
	}
	fold := vigie.Fold(notices)
	changes := fold.Changes()
	for i, n := range slices.Backward(fold.Notices) {
		if (n.Kind == vigie.Correction || n.Revision > 1) && len(changes[i]) > 0 {
			return n, changes[i]
		}
	}
	return nil, nil
}
