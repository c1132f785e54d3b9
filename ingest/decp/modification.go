package decp

import (
	"cmp"
	"slices"
	"strconv"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// modification is a change of a contract after its publication.
type modification struct {
	id, day string
	fields  contract
}

// modifications makes a notice of each change of amount, duration or holders. The
// contract itself is never published again, so each says what holds from then
// on: the award as it was, with what it changes.
func (c contract) modifications(of *vigie.Notice) []*vigie.Notice {
	var notices []*vigie.Notice
	award, duration, last := of.Content.Details.Awards[0], of.Content.Details.Duration, of
	for _, m := range c.changes() {
		if !m.apply(&award, &duration) {
			continue
		}
		n := &vigie.Notice{
			Source: Source, SourceRef: of.SourceRef + "/" + m.id, Links: []string{of.SourceRef},
			Kind: vigie.Award, PublishedAt: m.fields.published(m.day, "datepublicationdonneesmodification"), Buyer: of.Buyer,
			Content: vigie.Content{Title: of.Content.Title, Details: vigie.Details{Duration: duration, Awards: []vigie.LotAward{award}}},
		}
		// One that seems to be before what it modifies is mistyped.
		if n.PublishedAt.Before(last.PublishedAt) {
			n.PublishedAt = last.PublishedAt
		}
		if refShape.MatchString(n.SourceRef) {
			ingest.Bound(n)
			notices = append(notices, n)
			last = n
		}
	}
	return notices
}

// apply makes the changes, and reports whether there are any.
func (m modification) apply(award *vigie.LotAward, duration *vigie.Duration) bool {
	changed := false
	if amount := amount(m.fields.text("montant", "valeurglobale")); amount != (vigie.Money{}) && amount != award.Amount {
		award.Amount, changed = amount, true
	}
	if winners := m.fields.winners(); len(winners) > 0 && !slices.Equal(winners, award.Winners) {
		award.Winners, changed = winners, true
	}
	if d := m.fields.duration(); d.Number > 0 && (d.Number != duration.Number || d.Unit != duration.Unit) {
		duration.Number, duration.Unit, changed = d.Number, d.Unit, true
	}
	return changed
}

// changes are the modifications in the order in which they were concluded.
func (c contract) changes() []modification {
	var list []modification
	for _, fields := range elements(c.fields, "modifications", "modification") {
		list = append(list, newModification(contract{fields}))
	}
	// A row of the data sets has one modification, in columns of its own.
	row := make(map[string]any)
	for column, name := range map[string]string{
		"idmodification": "id", "montantmodification": "montant", "dureemoismodification": "dureemois",
		"datenotificationmodificationmodification":       "datenotificationmodification",
		"datepublicationdonneesmodificationmodification": "datepublicationdonneesmodification",
		"idtitulairemodification":                        "titulaire_id_1",
		"typeidentifianttitulairemodification":           "titulaire_typeidentifiant_1",
	} {
		if text := c.text(column); text != "" {
			row[name] = text
		}
	}
	if len(row) > 0 {
		list = append(list, newModification(contract{tree.Nodes{row}}))
	}
	slices.SortStableFunc(list, func(a, b modification) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(number(a.id), number(b.id)))
	})
	seen := make(map[string]bool)
	for i := range list {
		m := &list[i]
		if m.id == "" || seen[m.id] {
			m.id = cmp.Or(m.day, "m"+strconv.Itoa(i+1))
		}
		seen[m.id] = true
	}
	return list
}

func newModification(fields contract) modification {
	return modification{
		id:     fields.text("id"),
		day:    cmp.Or(fields.day("datenotificationmodification"), fields.day("datesignaturemodification")),
		fields: fields,
	}
}
