package letter

import (
	"strings"

	"vigie"
)

// facts tells what a bidder decides by on one line: « Travaux · Procédure adaptée · Accord-cadre · 480 000 € · 48 mois, 3 reconductions · réservé ».
func facts(t Tender, l vigie.Locale) string {
	var parts []string
	add := func(text string) {
		if text = Line(text, maxPlace); text != "" {
			parts = append(parts, text)
		}
	}
	for _, nature := range t.Natures {
		add(nature.Label().In(l))
	}
	if t.Procedure != "" && t.Procedure != vigie.OtherProcedure {
		add(t.Procedure.Label().In(l))
	}
	d := t.Details
	if d.Technique != vigie.OwnContract {
		add(d.Technique.Label().In(l))
	}
	value := d.Value.Text()
	if d.Technique == vigie.FrameworkAgreement && value != (vigie.Text{}) {
		value = vigie.Text{FR: "%s au plus", EN: "at most %s"}.With(value)
	}
	add(value.In(l))
	add(term(d).In(l))
	if towns := towns(d.Places, t.Abroad, l); towns != "" {
		parts = append(parts, towns)
	}
	if d.Reserved {
		add(vigie.Text{FR: "marché réservé", EN: "reserved"}.In(l))
	}
	if d.QuestionsUntil != nil {
		add(vigie.Text{FR: "questions jusqu’au %s", EN: "questions until %s"}.With(vigie.Moment(*d.QuestionsUntil)).In(l))
	}
	return strings.Join(parts, " · ")
}

// term is how long a contract lasts, with its renewals.
func term(d vigie.Details) vigie.Text {
	duration := d.Duration.Text()
	if d.Renewals == 0 {
		return duration
	}
	renewals := vigie.Text{FR: "%d reconductions", EN: "%d renewals"}.With(d.Renewals)
	if d.Renewals == 1 {
		renewals = vigie.Text{FR: "1 reconduction", EN: "1 renewal"}
	}
	if duration == (vigie.Text{}) {
		return renewals
	}
	return vigie.Text{FR: "%s, %s", EN: "%s, %s"}.With(duration, renewals)
}

// towns are the places of performance that say more than their departments, which have a line of their own.
func towns(places []vigie.Place, abroad bool, l vigie.Locale) string {
	var names []string
	more := 0
	for _, p := range places {
		name := Line(p.Text().In(l), maxPlace)
		if p.Town == "" && !p.Abroad() || strings.Contains("\n"+strings.Join(names, "\n")+"\n", "\n"+name+"\n") {
			continue
		}
		if len(names) == maxTowns {
			more++
			continue
		}
		names = append(names, name)
	}
	list := strings.Join(names, ", ")
	if more > 0 {
		list += " " + others(more, vigie.Text{FR: "et 1 autre lieu", EN: "and 1 other place"}, vigie.Text{FR: "et %s autres lieux", EN: "and %s other places"}, l)
	}
	if abroad && list != "" {
		return vigie.Text{FR: "à l’étranger : %s", EN: "abroad: %s"}.With(list).In(l)
	}
	return list
}

// lots names the first lots.
func lots(list []vigie.Lot, l vigie.Locale) string {
	var names []string
	for _, lot := range list[:min(len(list), maxLots)] {
		names = append(names, Line(lot.Number+" "+lot.Title, maxLot))
	}
	if more := len(list) - maxLots; more > 0 {
		names = append(names, others(more, vigie.Text{FR: "et 1 autre lot", EN: "and 1 other lot"}, vigie.Text{FR: "et %s autres lots", EN: "and %s other lots"}, l))
	}
	return strings.Join(names, " · ")
}

// found lists where keywords are.
func found(places []vigie.Text, l vigie.Locale) string {
	var names []string
	for i, p := range places {
		if i == maxFound {
			names = append(names, "…")
			break
		}
		names = append(names, Line(p.In(l), maxPlace))
	}
	return strings.Join(names, ", ")
}

func others(n int, one, many vigie.Text, l vigie.Locale) string {
	if n == 1 {
		return one.In(l)
	}
	return many.With(number(n, l)).In(l)
}
