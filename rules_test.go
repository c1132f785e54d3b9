package vigie_test

import (
	"strings"
	"testing"
	"time"

	"vigie"
)

// What a notice says has a form, or is refused with its path.
func TestRules(t *testing.T) {
	published := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	far := published.AddDate(21, 0, 0)
	sound := vigie.Content{
		Lots: []vigie.Lot{{Title: "Voirie", Value: vigie.Money{Amount: "99.50", Currency: "EUR"}, Deadline: &published, Places: []vigie.Place{{Town: "Kehl", Postcode: "77694", Country: "DE"}}}},
		Details: vigie.Details{
			Value: vigie.Money{Amount: "120000", Currency: "EUR"}, Duration: vigie.Duration{Number: 48, Unit: vigie.Months, Start: "2027-01-01", End: "2030-12-31"},
			DocumentsURL: "https://dce.example/1", Places: []vigie.Place{{Postcode: "01000", Department: "01", NUTS: "FRK21", Country: "FR"}, {Postcode: "97400", Country: "RE"}},
			AwardCriteria: []vigie.AwardCriterion{{Kind: vigie.PriceCriterion, Weight: "60"}, {Name: "Délai", Weight: "150", Unit: vigie.Points}},
			Languages:     []string{"fr"}, Awards: []vigie.LotAward{{Outcome: vigie.LotAwarded, Winners: []vigie.Winner{{Name: "Exemple SAS", SIRET: "35600000000048"}}, Bids: new(0), Day: "2026-12-24"}},
		},
	}
	check := func(content vigie.Content) string {
		var fields []string
		n := vigie.Notice{PublishedAt: published, Content: content}
		for _, wrong := range n.Validate(published) {
			fields = append(fields, strings.Join(wrong.Field, "."))
		}
		return strings.Join(fields, " ")
	}
	if got := check(sound); got != "" {
		t.Errorf("refused: %s", got)
	}
	for want, change := range map[string]func(*vigie.Content){
		"Value":                      func(c *vigie.Content) { c.Details.Value = vigie.Money{Amount: "0120", Currency: "EUR"} },
		"Lots.0.Value":               func(c *vigie.Content) { c.Lots[0].Value = vigie.Money{Amount: "120", Currency: "euro"} },
		"Lots.0.Deadline":            func(c *vigie.Content) { c.Lots[0].Deadline = &far },
		"Lots.0.Duration":            func(c *vigie.Content) { c.Lots[0].Duration = vigie.Duration{Number: 3} },
		"Lots.0.Places.0.Postcode":   func(c *vigie.Content) { c.Lots[0].Places[0].Postcode = "?" },
		"Duration":                   func(c *vigie.Content) { c.Details.Duration = vigie.Duration{Start: "2027-02-01", End: "2027-01-31"} },
		"Renewals":                   func(c *vigie.Content) { c.Details.Renewals = -1 },
		"QuestionsUntil":             func(c *vigie.Content) { c.Details.QuestionsUntil = &far },
		"DocumentsURL":               func(c *vigie.Content) { c.Details.DocumentsURL = "javascript:alert(1)" },
		"SubmissionURL":              func(c *vigie.Content) { c.Details.SubmissionURL = "www.example.org" },
		"URL":                        func(c *vigie.Content) { c.URL = "ftp://example.org/" },
		"Places.0":                   func(c *vigie.Content) { c.Details.Places[0] = vigie.Place{} },
		"Places.0.Postcode":          func(c *vigie.Content) { c.Details.Places[0].Postcode = "1000" },
		"Places.0.Department":        func(c *vigie.Content) { c.Details.Places[0].Department = "99" },
		"Places.0.NUTS":              func(c *vigie.Content) { c.Details.Places[0].NUTS = "Ain" },
		"Places.0.Country":           func(c *vigie.Content) { c.Details.Places[1].Postcode, c.Details.Places[0].Country = "", "fr" },
		"AwardCriteria.0":            func(c *vigie.Content) { c.Details.AwardCriteria[0] = vigie.AwardCriterion{Weight: "60"} },
		"AwardCriteria.0.Weight":     func(c *vigie.Content) { c.Details.AwardCriteria[0].Weight = "101" },
		"Languages.0":                func(c *vigie.Content) { c.Details.Languages[0] = "fra" },
		"Awards.0.Winners.0.Name":    func(c *vigie.Content) { c.Details.Awards[0].Winners[0] = vigie.Winner{Town: "Lyon"} },
		"Awards.0.Winners.0.SIRET":   func(c *vigie.Content) { c.Details.Awards[0].Winners[0].SIRET = "35600000000049" },
		"Awards.0.Bids":              func(c *vigie.Content) { c.Details.Awards[0].Bids = new(-1) },
		"Awards.0.Day":               func(c *vigie.Content) { c.Details.Awards[0].Day = "24/12/2026" },
		"Awards.0.Amount":            func(c *vigie.Content) { c.Details.Awards[0].Amount = vigie.Money{Amount: "1", Currency: "EUR"} },
		"Awards.0.Winners.0.Country": func(c *vigie.Content) { c.Details.Awards[0].Winners[0].Country = "France" },
		"Lots.0.AwardCriteria.0.Weight": func(c *vigie.Content) {
			c.Lots[0].AwardCriteria = []vigie.AwardCriterion{{Name: "Prix", Weight: "a third"}}
		},
	} {
		content := sound
		content.Lots = append([]vigie.Lot{}, sound.Lots...)
		content.Lots[0].Places = append([]vigie.Place{}, sound.Lots[0].Places...)
		content.Details.Places = append([]vigie.Place{}, sound.Details.Places...)
		content.Details.AwardCriteria = append([]vigie.AwardCriterion{}, sound.Details.AwardCriteria...)
		content.Details.Languages = append([]string{}, sound.Details.Languages...)
		content.Details.Awards = append([]vigie.LotAward{}, sound.Details.Awards...)
		content.Details.Awards[0].Winners = append([]vigie.Winner{}, sound.Details.Awards[0].Winners...)
		change(&content)
		if got := check(content); got != want {
			t.Errorf("%s: %q", want, got)
		}
	}
}
