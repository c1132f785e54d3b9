package syndication

import (
	"bytes"
	"context"
	"encoding/xml"
	"time"

	"vigie"
	"vigie/alert/letter"
	"vigie/alert/link"
	"vigie/store"
)

const atomType = "application/atom+xml; charset=utf-8"

// maxName is the most characters that are shown of the names of watches and brands.
const maxName = 100

// The elements of RFC 4287 that feeds have, in its words.
type (
	atomFeed struct {
		XMLName   xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
		Language  string      `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
		ID        string      `xml:"id"`
		Title     string      `xml:"title"`
		Updated   string      `xml:"updated"`
		Author    atomPerson  `xml:"author"`
		Generator string      `xml:"generator"`
		Links     []atomLink  `xml:"link"`
		Entries   []atomEntry `xml:"entry"`
	}
	atomEntry struct {
		ID        string       `xml:"id"`
		Title     string       `xml:"title"`
		Published string       `xml:"published"`
		Updated   string       `xml:"updated"`
		Links     []atomLink   `xml:"link"`
		Category  atomCategory `xml:"category"`
		Content   atomContent  `xml:"content"`
	}
	atomPerson struct {
		Name string `xml:"name"`
	}
	atomLink struct {
		Relation string `xml:"rel,attr"`
		Type     string `xml:"type,attr,omitempty"`
		Href     string `xml:"href,attr"`
	}
	atomCategory struct {
		Term  string `xml:"term,attr"`
		Label string `xml:"label,attr"`
	}
	atomContent struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	}
)

// feed writes the feed at an address.
func (h *handler) feed(ctx context.Context, owner *store.FeedOwner, self string) ([]byte, error) {
	tenders, watches, err := h.Service.FeedTenders(ctx, owner)
	if err != nil {
		return nil, err
	}
	l, now := owner.Account.Locale, h.Service.Now()
	feed := atomFeed{
		Language: language(l), ID: "urn:uuid:" + identifier("feed "+h.idOf(owner)), Title: h.name(owner, l),
		Author: atomPerson{letter.Line(h.Brand, maxName)}, Generator: "Vigie",
		Links: []atomLink{{"self", "application/atom+xml", self}},
	}
	if page := h.pageOf(owner); page != "" {
		feed.Links = append(feed.Links, atomLink{"alternate", "text/html", page})
	}
	updated := owner.Account.CreatedAt
	for _, w := range watches {
		updated = later(updated, w.UpdatedAt)
	}
	for _, t := range tenders {
		e, err := h.entry(t, l, now)
		if err != nil {
			return nil, err
		}
		feed.Entries = append(feed.Entries, e.atom(l))
		updated = later(updated, t.Revision.At)
	}
	feed.Updated = atomTime(updated)
	text := bytes.NewBufferString(xml.Header)
	if err := xml.NewEncoder(text).Encode(feed); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

func (e entry) atom(l vigie.Locale) atomEntry {
	a := atomEntry{
		ID: "urn:uuid:" + e.ID, Title: e.Title, Published: atomTime(e.About.PublishedAt), Updated: atomTime(e.About.Revision.At),
		Category: atomCategory{string(e.Happened), e.Happened.label().In(l)}, Content: atomContent{"html", e.HTML},
	}
	if e.URL != "" {
		a.Links = []atomLink{{"alternate", "text/html", e.URL}}
	}
	return a
}

// idOf is the id of what a list is of.
func (h *handler) idOf(owner *store.FeedOwner) string {
	if owner.Watch != nil {
		return h.Service.IDs().ID(vigie.KindWatch, owner.Watch.ID)
	}
	return h.Service.IDs().ID(vigie.KindAccount, owner.Account.ID)
}

// name is what a list is called: « Voirie – Marchés de Valombre ».
func (h *handler) name(owner *store.FeedOwner, l vigie.Locale) string {
	name := vigie.Text{FR: "Mes veilles", EN: "My watches"}
	if owner.Watch != nil {
		name = vigie.Same(letter.Line(owner.Watch.Name, maxName))
	}
	return vigie.Same("%s – %s").With(name, letter.Line(h.Brand, maxName)).In(l)
}

// pageOf is the platform's page of what a list is of; "" for none.
func (h *handler) pageOf(owner *store.FeedOwner) string {
	if owner.Watch != nil && h.WatchURL != "" {
		return letter.Link(link.Fill(h.WatchURL, "{watchId}", h.idOf(owner)))
	}
	return letter.Link(h.WatchesURL)
}

func language(l vigie.Locale) string {
	if l == vigie.English {
		return "en"
	}
	return "fr"
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// atomTime writes a time as RFC 3339 has it.
func atomTime(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }
