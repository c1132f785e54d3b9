package webhook_test

import (
	"strconv"
	"strings"
	"time"

	"vigie"
	"vigie/alert/webhook"
	"vigie/query"
)

func at(day, hour int) *time.Time {
	t := time.Date(2026, 12, day, hour, 0, 0, 0, time.UTC)
	return &t
}

// sampleNew is an alert that says all that an alert can say, but what a correction changes.
func sampleNew() webhook.Alert {
	siret := "21010053300015"
	t := &vigie.Tender{
		Source: "boamp", SourceRef: "26-120001", PublishedAt: now(),
		Content: vigie.Content{
			Reference: "2026-VOI-14", Title: "Réfection de la voirie communale : programme 2027",
			Description: "Travaux de réfection de chaussées et de trottoirs.", Departments: []string{"01"}, Natures: []vigie.Nature{vigie.Works},
			Procedure: vigie.Adapted, CPVCodes: []string{"45233140", "45233252"}, Deadline: at(18, 11), URL: "https://source.example/26-120001",
			Lots: []vigie.Lot{
				{
					Number: "1", Title: "Enrobés", Description: "Rues du centre", Value: vigie.Money{Amount: "320000", Currency: "EUR"}, CPVCodes: []string{"45233140"}, Nature: vigie.Works,
					Places: []vigie.Place{{Town: "Bourg-Fictif", Postcode: "01999", Department: "01", NUTS: "FRK21", Country: "FR"}}, Duration: vigie.Duration{Number: 6, Unit: vigie.Months},
				},
				{Number: "2", Title: "Trottoirs", Deadline: at(19, 11), AwardCriteria: []vigie.AwardCriterion{{Kind: vigie.PriceCriterion, Weight: "60"}, {Kind: vigie.QualityCriterion, Name: "Délai", Weight: "2", Unit: vigie.Rank}}},
			},
			Details: vigie.Details{
				Value: vigie.Money{Amount: "480000.50", Currency: "EUR"}, Duration: vigie.Duration{Start: "2027-02-01", End: "2028-01-31"}, Renewals: 3, Technique: vigie.FrameworkAgreement,
				QuestionsUntil: at(8, 16), DocumentsURL: "https://platform.example/dce/14", SubmissionURL: "https://platform.example/depot/14",
				Places: []vigie.Place{{Town: "Bourg-Fictif", Postcode: "01999", Department: "01", Country: "FR"}}, Reserved: true, Social: true, Environmental: true,
				AwardCriteria: []vigie.AwardCriterion{{Kind: vigie.CostCriterion, Name: "Coût global", Weight: "70.5"}}, Languages: []string{"fr"},
			},
		},
	}
	return webhook.Alert{
		Kind: vigie.DeliverNew, At: now(), DeliveryIDs: []string{"delivery_04c1"}, Account: "a7c3", Brand: "Veille de marchés", Status: vigie.StatusOnline,
		TenderID: "tender_9k2m", Tender: t, BuyerID: "buyer_5t0p", URL: "https://platform.example/boamp/26-120001",
		Buyer:        &vigie.Buyer{Name: "Ville de Bourg-Fictif", SIRET: &siret, City: "Bourg-Fictif", DepartmentCode: "01"},
		Publications: []vigie.Publication{{Source: "boamp", SourceRef: "26-120001", URL: "https://source.example/26-120001", PublishedAt: now()}, {Source: "ted", SourceRef: "812345-2026", PublishedAt: now().Add(time.Hour)}},
		Watches: []webhook.Watch{
			{ID: "watch_1d8s", ExternalID: "veille-7", Name: "Voirie", Keywords: []string{"voirie", "enrobés"}, Places: query.PlacesOfFound(t, []string{"voirie", "enrobés"}), URL: "https://platform.example/veilles/watch_1d8s"},
			{ID: "watch_6f2q", Name: "Tout l’Ain"},
		},
	}
}

func sampleCorrected() webhook.Alert {
	a := sampleNew()
	a.Kind, a.DeliveryIDs, a.Account = vigie.DeliverCorrected, []string{"delivery_04c1", "delivery_09ab"}, ""
	before := vigie.Folded{Content: a.Tender.Content}
	before.Content.Deadline, before.Content.Reference, before.Content.Details.QuestionsUntil = at(11, 11), "", at(7, 16)
	after := vigie.Folded{Content: a.Tender.Content}
	after.Content.Details.QuestionsUntil, after.Content.DocumentsChanged = nil, true
	a.Changes = vigie.Changes(before, after)
	a.Corrections = []string{"Au lieu de : 11/12/2026 à 12 h 00, lire : 18/12/2026 à 12 h 00."}
	return a
}

func sampleCancelled() webhook.Alert {
	a := sampleNew()
	a.Kind, a.Status, a.Tender.Outcome = vigie.DeliverCancelled, vigie.StatusCancelled, vigie.Cancelled
	return a
}

// sampleReminder is of a tender that no watch led to.
func sampleReminder() webhook.Alert {
	a := sampleNew()
	a.Kind, a.Watches = vigie.DeliverReminder, nil
	return a
}

// sampleBare knows as little as can be.
func sampleBare() webhook.Alert {
	return webhook.Alert{
		Kind: vigie.DeliverClosingSoon, At: now(), DeliveryIDs: []string{"delivery_04c1"}, Status: vigie.StatusOnline, TenderID: "tender_9k2m",
		Tender:  &vigie.Tender{Source: "boamp", SourceRef: "26-1", PublishedAt: now(), Content: vigie.Content{Title: "Nettoyage"}},
		Watches: []webhook.Watch{{ID: "watch_1d8s", Name: "Tout"}},
	}
}

// sampleWith has a text wherever there is one of others, and many of all.
func sampleWith(text string, many int) webhook.Alert {
	a := sampleCorrected()
	t := a.Tender
	t.Title, t.Reference, t.Description, a.Buyer.Name, a.Brand, a.Watches[0].Name, a.Buyer.City = text, text, text, text, text, text, text
	t.SourceRef, a.Account = text, text
	a.Watches[0].Keywords = []string{text}
	a.Watches[0].Places = []query.Place{{Keyword: text, Kind: query.InLot, Lot: text, Text: text}, {Keyword: text, Kind: query.InDescriptor, Text: text}}
	a.Changes, a.Corrections = []vigie.Change{{Field: "title", Label: vigie.Text{FR: "Objet", EN: "Title"}, Before: vigie.Same(text), After: vigie.Same("x" + text)}}, []string{text}
	t.Lots = []vigie.Lot{{Number: text, Title: text, Description: text}}
	t.Details.Places = []vigie.Place{{Town: text}}
	t.Details.AwardCriteria = []vigie.AwardCriterion{{Name: text}}
	a.Publications[0].SourceRef = text
	return repeated(a, many)
}

// repeated has each element of the lists many times, and addresses as long as they can be.
func repeated(a webhook.Alert, many int) webhook.Alert {
	long := func(i int) string {
		return "https://source.example/" + strconv.Itoa(i) + strings.Repeat("é", min(300, 2*many))
	}
	t := a.Tender
	t.Lots, t.Details.Places, t.Details.AwardCriteria = times(t.Lots, many), times(t.Details.Places, many), times(t.Details.AwardCriteria, many)
	t.CPVCodes, t.Departments = times(t.CPVCodes, many), times(t.Departments, many)
	a.Changes, a.Corrections, a.Watches, a.Publications = times(a.Changes, many), times(a.Corrections, many), times(a.Watches, many), times(a.Publications, many)
	if many > 1 {
		for i := range a.Publications {
			a.Publications[i].URL = long(i)
		}
		a.URL, t.URL, t.Details.DocumentsURL, t.Details.SubmissionURL = long(0), long(0), long(1), long(2)
	}
	return a
}

func times[T any](list []T, n int) []T {
	var all []T
	for range n {
		all = append(all, list...)
	}
	return all
}
