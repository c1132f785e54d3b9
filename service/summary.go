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

// Summary words criteria as the lines of a table: keywords, buyer and
// department always, others when set.
func Summary(c vigie.Criteria, buyers map[int64]*vigie.Buyer) []SummaryLine {
	names := make([]string, 0, len(c.BuyerIDs))
	for _, id := range c.BuyerIDs {
		if b := buyers[id]; b != nil {
			names = append(names, b.Name)
		}
	}
	lines := []SummaryLine{
		line(len(c.Keywords), vigie.Text{FR: "Mot clé", EN: "Keyword"}, vigie.Text{FR: "Mots clés", EN: "Keywords"},
			vigie.Same(query.FormatKeywords(c.Keywords))),
		line(len(names), vigie.Text{FR: "Organisme", EN: "Buyer"}, vigie.Text{FR: "Organismes", EN: "Buyers"},
			vigie.Same(joinNames(names))),
		line(len(c.Departments), vigie.Text{FR: "Département", EN: "Department"}, vigie.Text{FR: "Départements", EN: "Departments"},
			vigie.DepartmentList(c.Departments)),
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
		lines = append(lines, SummaryLine{vigie.Text{FR: "Marchés nationaux", EN: "Nationwide tenders"}, vigie.Text{FR: "écartés", EN: "left out"}})
	}
	if n := len(c.Natures); n > 0 {
		var fr, en []string
		for _, nature := range c.Natures {
			fr, en = append(fr, nature.Label().FR), append(en, nature.Label().EN)
		}
		lines = append(lines, line(n, vigie.Text{FR: "Nature", EN: "Nature"}, vigie.Text{FR: "Natures", EN: "Natures"},
			vigie.Text{FR: joinNames(fr), EN: joinNames(en)}))
	}
	if n := len(c.CPVCodes); n > 0 {
		lines = append(lines, line(n, vigie.Text{FR: "Code CPV", EN: "CPV code"}, vigie.Text{FR: "Codes CPV", EN: "CPV codes"},
			vigie.Same(joinNames(c.CPVCodes))))
	}
	return lines
}

// MailLine is the line of a watch's addresses.
func MailLine(recipients []*vigie.Recipient) SummaryLine {
	addresses := make([]string, len(recipients))
	for i, r := range recipients {
		addresses[i] = r.Email
	}
	return line(len(addresses), vigie.Text{FR: "Email de destination", EN: "Mail to"}, vigie.Text{FR: "Emails de destination", EN: "Mail to"},
		vigie.Same(joinNames(addresses)))
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

// joinNames lists names in a sentence.
func joinNames(names []string) string { return strings.Join(names, ", ") }
