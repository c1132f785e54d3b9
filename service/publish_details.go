package service

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"vigie"
)

// details gives what a bidder decides by the form that is stored, and checks texts and numbers of things;
// [vigie.Notice.Validate] checks the rest.
func (f *form) details(in vigie.Details, path []string) vigie.Details {
	d := in
	d.Value = amount(in.Value)
	d.QuestionsUntil = moment(in.QuestionsUntil)
	d.DocumentsURL, d.SubmissionURL = strings.TrimSpace(in.DocumentsURL), strings.TrimSpace(in.SubmissionURL)
	d.Places = f.places(in.Places, at(path, "places"))
	d.AwardCriteria = f.awardCriteria(in.AwardCriteria, at(path, "awardCriteria"))
	d.Languages = f.languages(in.Languages, at(path, "languages"))
	d.Awards = f.awards(in.Awards, at(path, "awards"))
	return d
}

func (f *form) places(in []vigie.Place, path []string) []vigie.Place {
	if !f.atMost(len(in), maxPlaces, path) {
		return nil
	}
	var places []vigie.Place
	for i, p := range in {
		places = append(places, vigie.Place{
			Town: f.text(p.Town, maxTitleLength, false, at(path, strconv.Itoa(i), "town")), Postcode: strings.TrimSpace(p.Postcode),
			Department: vigie.NormalizeDepartment(p.Department), NUTS: strings.ToUpper(strings.TrimSpace(p.NUTS)), Country: strings.ToUpper(strings.TrimSpace(p.Country)),
		})
		if place := &places[i]; place.Country == "" && len(place.NUTS) >= 2 {
			place.Country = vigie.CountryOfNUTS(place.NUTS)
		}
	}
	return places
}

func (f *form) awardCriteria(in []vigie.AwardCriterion, path []string) []vigie.AwardCriterion {
	if !f.atMost(len(in), maxAwardCriteria, path) {
		return nil
	}
	var criteria []vigie.AwardCriterion
	for i, c := range in {
		c.Name = f.text(c.Name, maxTitleLength, false, at(path, strconv.Itoa(i), "name"))
		if weight, ok := vigie.ParseAmount(c.Weight); ok {
			c.Weight = weight
		}
		criteria = append(criteria, c)
	}
	return criteria
}

func (f *form) languages(in []string, path []string) []string {
	if !f.atMost(len(in), maxLanguages, path) {
		return nil
	}
	languages := make([]string, len(in))
	for i, language := range in {
		languages[i] = strings.ToLower(strings.TrimSpace(language))
	}
	if slices.ContainsFunc(languages, func(l string) bool { return !vigie.ValidLanguage(l) }) {
		return languages // as they were given, so that the mistake is found at its place
	}
	return vigie.Sorted(languages)
}

func (f *form) awards(in []vigie.LotAward, path []string) []vigie.LotAward {
	if !f.atMost(len(in), maxAwards, path) {
		return nil
	}
	var awards []vigie.LotAward
	for i, a := range in {
		here := at(path, strconv.Itoa(i))
		a.Lot = f.text(a.Lot, maxRefLength, false, at(here, "lot"))
		a.Reason = f.text(a.Reason, maxTitleLength, false, at(here, "reason"))
		a.Amount = amount(a.Amount)
		a.Winners = f.winners(a.Winners, at(here, "winners"))
		if a.Outcome == vigie.LotUnawarded && len(a.Winners) > 0 {
			f.problems.Add(vigie.Conflicting, vigie.Text{
				FR: "Un lot sans suite n’a pas de titulaire : retirez les titulaires, ou corrigez l’issue.",
				EN: "A lot that is not awarded has no winner: take the winners out, or correct the outcome.",
			}, at(here, "winners")...)
		}
		if slices.ContainsFunc(awards, func(other vigie.LotAward) bool { return other.Lot == a.Lot }) {
			f.problems.Add(vigie.Conflicting, vigie.Text{
				FR: "Ce lot a déjà une attribution dans cet avis : réunissez-les.",
				EN: "This lot has an award in this notice already: join them.",
			}, at(here, "lot")...)
		}
		awards = append(awards, a)
	}
	return awards
}

func (f *form) winners(in []vigie.Winner, path []string) []vigie.Winner {
	if !f.atMost(len(in), maxWinners, path) {
		return nil
	}
	var winners []vigie.Winner
	for i, w := range in {
		here := at(path, strconv.Itoa(i))
		winners = append(winners, vigie.Winner{
			Name:  f.text(w.Name, maxTitleLength, false, at(here, "name")), // the domain refuses an empty one
			SIRET: withoutSpaces(w.SIRET), Town: f.text(w.Town, maxTitleLength, false, at(here, "town")),
			Country: strings.ToUpper(strings.TrimSpace(w.Country)),
		})
	}
	return winners
}

// amount is an amount in the form that is stored; one that is wrong stays as it was given, and is refused later.
func amount(m vigie.Money) vigie.Money {
	if exact, ok := vigie.ParseAmount(m.Amount); ok {
		if parsed, ok := vigie.ParseMoney(exact, m.Currency); ok {
			return parsed
		}
	}
	return m
}

// moment is a moment in the form that is stored.
func moment(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC().Truncate(time.Second))
}

// inputPath is the path of a field of a notice in NoticeInput. The fields have the same names, but for these.
func inputPath(field []string) []string {
	names := map[string]string{
		"SIRET": "siret", "NUTS": "nuts", "URL": "url", "DocumentsURL": "documentsUrl", "SubmissionURL": "submissionUrl", "Department": "departmentCode",
	}
	if len(field) == 1 && field[0] == "SIRET" {
		return []string{"buyerSiret"}
	}
	path := make([]string, len(field))
	for i, name := range field {
		first, size := utf8.DecodeRuneInString(name)
		path[i] = string(unicode.ToLower(first)) + name[size:]
		if other, ok := names[name]; ok {
			path[i] = other
		}
	}
	return path
}
