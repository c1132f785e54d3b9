package vigie_test

import (
	"fmt"
	"strings"
	"testing"

	"vigie"
)

// changed are the changes between two contents, a line each, in French.
func changed(before, after vigie.Content) string {
	var lines []string
	for _, c := range vigie.Changes(vigie.Folded{Content: before}, vigie.Folded{Content: after}) {
		lines = append(lines, fmt.Sprintf("%s: %s → %s", c.Field, c.Before.FR, c.After.FR))
	}
	return strings.Join(lines, "\n")
}

// Of lots, what differs is told lot by lot.
func TestLotChanges(t *testing.T) {
	lot := func(number, title string, more ...func(*vigie.Lot)) vigie.Lot {
		l := vigie.Lot{Number: number, Title: title}
		for _, change := range more {
			change(&l)
		}
		return l
	}
	value := func(amount string) func(*vigie.Lot) {
		return func(l *vigie.Lot) { l.Value = vigie.Money{Amount: amount, Currency: "EUR"} }
	}
	says := func(description string) func(*vigie.Lot) {
		return func(l *vigie.Lot) { l.Description = description }
	}
	var many, cheaper []vigie.Lot
	for i := range 52 {
		many = append(many, lot(fmt.Sprint(i+1), "Transport", value("2000")))
		cheaper = append(cheaper, lot(fmt.Sprint(i+1), "Transport", value("1000")))
	}
	for name, test := range map[string]struct {
		before, after []vigie.Lot
		want          string
	}{
		"the same":  {[]vigie.Lot{lot("1", "Voirie")}, []vigie.Lot{lot("1", "Voirie")}, ""},
		"first":     {nil, []vigie.Lot{lot("1", "Voirie"), lot("2", "Peinture", value("2000"))}, "lots:  → 1 Voirie · 2 Peinture"},
		"one more":  {[]vigie.Lot{lot("1", "Voirie")}, []vigie.Lot{lot("1", "Voirie"), lot("2", "Peinture")}, "lots:  → 2 Peinture"},
		"one less":  {[]vigie.Lot{lot("1", "Voirie"), lot("2", "Peinture")}, []vigie.Lot{lot("2", "Peinture")}, "lots: 1 Voirie → "},
		"title":     {[]vigie.Lot{lot("1", "Voirie")}, []vigie.Lot{lot("1", "Voirie nord")}, "lots: 1 Voirie → 1 Voirie nord"},
		"value":     {[]vigie.Lot{lot("1", "Voirie", value("2000"))}, []vigie.Lot{lot("1", "Voirie", value("2500"))}, "lots: 1 Voirie (2 000 €) → 1 Voirie (2 500 €)"},
		"now known": {[]vigie.Lot{lot("1", "Voirie")}, []vigie.Lot{lot("1", "Voirie", value("2500"))}, "lots:  → 1 Voirie (2 500 €)"},
		"description": {
			[]vigie.Lot{lot("1", "Voirie", says(strings.Repeat("Un texte long. ", 20)+"Tonte tous les mois, sauf en août"))},
			[]vigie.Lot{lot("1", "Voirie", says(strings.Repeat("Un texte long. ", 20)+"Tonte toutes les semaines, sauf en août"))},
			"lots: 1 Voirie (« …texte long. Tonte tous les mois, sauf en août ») → 1 Voirie (« …texte long. Tonte toutes les semaines, sauf en août »)",
		},
		"numbers": {
			[]vigie.Lot{lot("1", "Voirie"), lot("2", "Peinture", value("2000")), lot("3", "Transport")},
			[]vigie.Lot{lot("1", "Désamiantage"), lot("2", "Voirie"), lot("3", "Peinture", value("2500")), lot("4", "Transport")},
			"lots: 2 Peinture (2 000 €) · numérotés 1, 3 → 1 Désamiantage · 3 Peinture (2 500 €) · numérotés 2, 4",
		},
		"numbers exchanged": {[]vigie.Lot{lot("1", "Voirie"), lot("2", "Peinture")}, []vigie.Lot{lot("1", "Peinture"), lot("2", "Voirie")}, "lots: numérotés 2, 1 → numérotés 1, 2"},
		"first numbers":     {[]vigie.Lot{lot("", "Voirie"), lot("", "Peinture")}, []vigie.Lot{lot("1", "Voirie"), lot("2", "Peinture")}, "lots:  → numérotés 1, 2"},
		"no number":         {[]vigie.Lot{lot("", "Voirie", value("2000"))}, []vigie.Lot{lot("", "Voirie", value("2500"))}, "lots: Voirie (2 000 €) → Voirie (2 500 €)"},
		"many": {
			many, cheaper,
			"lots: " + strings.Join([]string{list(10, "%d Transport (2 000 €)"), "et 42 autres lots"}, " · ") + " → " + list(10, "%d Transport (1 000 €)") + " · et 42 autres lots",
		},
	} {
		if got := changed(vigie.Content{Lots: test.before}, vigie.Content{Lots: test.after}); got != test.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, test.want)
		}
	}
}

func list(n int, format string) string {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf(format, i+1))
	}
	return strings.Join(lines, " · ")
}

// All that a bidder decides by is a change in words; awards are news of their own.
func TestDetailChanges(t *testing.T) {
	after := vigie.Content{DocumentsChanged: true, Details: vigie.Details{
		Value: vigie.Money{Amount: "120000", Currency: "EUR"}, Duration: vigie.Duration{Number: 4, Unit: vigie.Years}, Renewals: 3,
		Technique: vigie.FrameworkAgreement, Places: []vigie.Place{{Town: "Kehl", Country: "DE"}, {Department: "67"}, {Town: "Kehl", Country: "DE"}},
		Reserved: true, AwardCriteria: []vigie.AwardCriterion{{Kind: vigie.PriceCriterion, Weight: "60"}, {Name: "Délai", Weight: "2.5", Unit: vigie.Points}},
		Languages: []string{"de", "fr"}, Awards: []vigie.LotAward{{Outcome: vigie.LotAwarded}},
	}}
	want := `documents:  → modifiés
value:  → 120 000 €
duration:  → 4 ans
renewals:  → 3
technique:  → Accord-cadre
places:  → Kehl (Allemagne), Bas-Rhin (67)
awardCriteria:  → Prix : 60 %, Délai : 2,5 points
reserved:  → oui
languages:  → de, fr`
	if got := changed(vigie.Content{}, after); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
