package service

import (
	"strings"

	"vigie"
	"vigie/query"
)

// SummaryLine is one line of a watch's summary.
type SummaryLine struct{ Label, Value vigie.Text }

// unset is what a line says of a criterion that does not constrain.
func unset() vigie.Text { return vigie.Text{FR: "non renseigné", EN: "not set"} }

// Summary words criteria as the lines of a table: keywords, and those that are always mentioned; then the others that
// are set.
func Summary(c vigie.Criteria, buyers map[int64]*vigie.Buyer) []SummaryLine {
	lines := []SummaryLine{
		line(len(c.Keywords), vigie.Text{FR: "Mot clé", EN: "Keyword"}, vigie.Text{FR: "Mots clés", EN: "Keywords"},
			vigie.Same(query.FormatKeywords(c.Keywords))),
	}
	var others []SummaryLine
	for _, criterion := range query.Criteria() {
		var words []vigie.Text
		for _, value := range criterion.Values(&c) {
			if text := criterion.Short(value, buyers); text != (vigie.Text{}) {
				words = append(words, text)
			}
		}
		switch l := line(len(words), criterion.One, criterion.Many, joinTexts(words)); {
		case criterion.Always:
			lines = append(lines, l)
		case len(words) > 0:
			others = append(others, l)
		}
	}
	if c.KeywordMode == vigie.AnyKeyword && len(c.Keywords) > 1 {
		lines = append(lines, SummaryLine{vigie.Text{FR: "Recherche", EN: "Search"},
			vigie.Text{FR: "n’importe lequel de ces mots clés", EN: "any of these keywords"}})
	}
	if n := len(c.ExcludedKeywords); n > 0 {
		lines = append(lines, line(n, vigie.Text{FR: "Mot à exclure", EN: "Excluded keyword"}, vigie.Text{FR: "Mots à exclure", EN: "Excluded keywords"},
			vigie.Same(query.FormatKeywords(c.ExcludedKeywords))))
	}
	if len(c.Departments) > 0 && !c.IncludeNationwide {
		lines = append(lines, SummaryLine{vigie.Text{FR: "Marchés nationaux", EN: "Nationwide tenders"}, vigie.Text{FR: "exclus", EN: "left out"}})
	}
	lines = append(lines, others...)
	if value := query.EstimatedValue.Criterion(); len(value.Values(&c)) > 0 && !c.IncludeUnknownValue {
		lines = append(lines, SummaryLine{vigie.Text{FR: "Marchés sans valeur en euros", EN: "Tenders without a value in euros"}, vigie.Text{FR: "exclus", EN: "left out"}})
	}
	return lines
}

// MailLine is the line of a watch's addresses.
func MailLine(recipients []*vigie.Recipient) SummaryLine {
	addresses := make([]vigie.Text, len(recipients))
	for i, r := range recipients {
		addresses[i] = vigie.Same(r.Email)
	}
	return line(len(addresses), vigie.Text{FR: "Destinataire", EN: "Recipient"}, vigie.Text{FR: "Destinataires", EN: "Recipients"},
		joinTexts(addresses))
}

// Sentence puts the lines into one: « Mots clés : a b · Organisme : … ».
func Sentence(lines []SummaryLine) vigie.Text {
	var fr, en []string
	for _, l := range lines {
		fr, en = append(fr, l.Label.FR+" : "+l.Value.FR), append(en, l.Label.EN+": "+l.Value.EN)
	}
	return vigie.Text{FR: strings.Join(fr, " · "), EN: strings.Join(en, " · ")}
}

func line(n int, one, many, value vigie.Text) SummaryLine {
	switch n {
	case 0:
		return SummaryLine{one, unset()}
	case 1:
		return SummaryLine{one, value}
	}
	return SummaryLine{many, value}
}

// joinTexts lists texts in a sentence.
func joinTexts(texts []vigie.Text) vigie.Text {
	var fr, en []string
	for _, text := range texts {
		fr, en = append(fr, text.FR), append(en, text.EN)
	}
	return vigie.Text{FR: strings.Join(fr, ", "), EN: strings.Join(en, ", ")}
}
