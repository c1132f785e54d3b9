// Package export writes tenders as files that people open in a spreadsheet: CSV
// and XLSX, with the same columns.
package export

import (
	"strings"
	"time"

	"vigie"
	"vigie/service"
)

// column is a column of a file.
type column struct {
	header vigie.Text
	width  float64 // in characters
	// value is what a row says: a string, a date, a moment, a number or a
	// whole number; nil for nothing.
	value func(row) any
}

type (
	// date is a day, and moment a time, in Paris.
	date   time.Time
	moment time.Time
	// number is a decimal number, with a point.
	number string
)

// row is a tender, and the language that it is worded in.
type row struct {
	*service.ExportedTender
	locale vigie.Locale
}

// say words texts, one beside the other.
func (r row) say(texts ...vigie.Text) string {
	list := make([]string, 0, len(texts))
	for _, t := range texts {
		list = append(list, t.In(r.locale))
	}
	return joined(list)
}

// joined are several values of one cell. The sign between them separates no cells
// in any spreadsheet's idea of CSV.
func joined(list []string) string { return strings.Join(list, " | ") }

// columns are those of all files, in their order.
func columns() []column {
	return []column{
		{vigie.Text{FR: "Objet", EN: "Title"}, 60, func(r row) any { return r.Title }},
		{vigie.Text{FR: "Organisme", EN: "Buyer"}, 40, func(r row) any { return r.buyer() }},
		{vigie.Text{FR: "SIRET", EN: "SIRET"}, 17, func(r row) any { return r.siret() }},
		{vigie.Text{FR: "Référence", EN: "Reference"}, 20, func(r row) any { return r.Reference }},
		{vigie.Text{FR: "Avis", EN: "Notices"}, 24, func(r row) any { return r.notices() }},
		{vigie.Text{FR: "Adresse de l’avis", EN: "Notice’s address"}, 40, func(r row) any { return r.URL }},
		{vigie.Text{FR: "Statut", EN: "Status"}, 12, func(r row) any { return r.say(r.Status.Label()) }},
		{vigie.Text{FR: "Date de publication", EN: "Published on"}, 20, func(r row) any { return date(r.PublishedAt) }},
		{vigie.Text{FR: "Date limite (heure de Paris)", EN: "Deadline (Paris time)"}, 28, func(r row) any { return r.deadline() }},
		{vigie.Text{FR: "Réponse attendue", EN: "Expected response"}, 24, func(r row) any { return r.deadlineKind() }},
		{vigie.Text{FR: "Départements", EN: "Departments"}, 24, func(r row) any { return r.departments() }},
		{vigie.Text{FR: "Lieux d’exécution", EN: "Places of performance"}, 30, func(r row) any { return r.places() }},
		{vigie.Text{FR: "Nature", EN: "Nature"}, 14, func(r row) any { return say(r, r.Natures) }},
		{vigie.Text{FR: "Procédure", EN: "Procedure"}, 26, func(r row) any { return said(r, r.Procedure) }},
		{vigie.Text{FR: "Technique d’achat", EN: "Technique"}, 26, func(r row) any { return said(r, r.Details.Technique) }},
		{vigie.Text{FR: "Valeur estimée HT", EN: "Estimated value without tax"}, 20, func(r row) any { return r.amount() }},
		{vigie.Text{FR: "Devise", EN: "Currency"}, 8, func(r row) any { return r.Details.Value.Currency }},
		{vigie.Text{FR: "Codes CPV", EN: "CPV codes"}, 40, func(r row) any { return r.cpvs() }},
		{vigie.Text{FR: "Nombre de lots", EN: "Number of lots"}, 10, func(r row) any { return r.lots() }},
		{vigie.Text{FR: "Veilles", EN: "Watches"}, 30, func(r row) any { return r.watches() }},
		{vigie.Text{FR: "Mots clés trouvés", EN: "Keywords found"}, 30, func(r row) any { return r.keywords() }},
		{vigie.Text{FR: "Identifiant", EN: "Id"}, 36, func(r row) any { return r.ID }},
	}
}

// headers are the columns' names.
func headers(locale vigie.Locale) []string {
	var list []string
	for _, c := range columns() {
		list = append(list, c.header.In(locale))
	}
	return list
}

// FileName is that of an export on a day, without what says its format:
// marches-2026-11-30.
func FileName(locale vigie.Locale, now time.Time) string {
	return vigie.Text{FR: "marches", EN: "tenders"}.In(locale) + "-" + vigie.Day(now)
}

func (r row) buyer() string {
	if r.Buyer == nil {
		return ""
	}
	return r.Buyer.Name
}

func (r row) siret() string {
	if r.Buyer == nil || r.Buyer.SIRET == nil {
		return ""
	}
	return *r.Buyer.SIRET
}

// notices are where the tender was published, such as BOAMP 26-12345.
func (r row) notices() string {
	var list []string
	for _, p := range r.Publications {
		list = append(list, p.Label())
	}
	return joined(list)
}

func (r row) deadline() any {
	if r.Deadline == nil {
		return nil
	}
	return moment(*r.Deadline)
}

func (r row) deadlineKind() string {
	if r.Deadline == nil {
		return ""
	}
	return r.say(r.DeadlineKind.Label())
}

func (r row) departments() string {
	var list []string
	for _, code := range r.Departments {
		if d, ok := vigie.DepartmentByCode(code); ok {
			list = append(list, d.Name+" ("+d.Code+")")
		}
	}
	return joined(list)
}

func (r row) places() string {
	var list []vigie.Text
	for _, p := range r.Details.Places {
		list = append(list, p.Text())
	}
	return r.say(list...)
}

func (r row) amount() any {
	if r.Details.Value.Amount == "" {
		return nil
	}
	return number(r.Details.Value.Amount)
}

func (r row) cpvs() string {
	var list []string
	for _, code := range r.CPVCodes {
		c := vigie.CPV(code)
		if c.Label == c.Code {
			c.Label = ""
		}
		list = append(list, strings.TrimSpace(c.Code+" "+c.Label))
	}
	return joined(list)
}

func (r row) lots() any {
	if len(r.Lots) == 0 {
		return nil
	}
	return len(r.Lots)
}

func (r row) watches() string {
	var list []string
	for _, m := range r.MatchedBy {
		list = append(list, m.Watch.Name)
	}
	return joined(list)
}

// keywords are those by which watches match, each once.
func (r row) keywords() string {
	var list []string
	known := make(map[string]bool)
	for _, m := range r.MatchedBy {
		for _, keyword := range m.Keywords {
			if !known[keyword] {
				known[keyword] = true
				list = append(list, keyword)
			}
		}
	}
	return joined(list)
}

// labelled is a value with a name for people.
type labelled interface {
	~string
	Label() vigie.Text
}

func say[T labelled](r row, values []T) string {
	var list []vigie.Text
	for _, v := range values {
		list = append(list, v.Label())
	}
	return r.say(list...)
}

// said names one value; nothing for "".
func said[T labelled](r row, value T) string {
	if value == "" {
		return ""
	}
	return r.say(value.Label())
}
