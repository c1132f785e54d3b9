package ingest

import "vigie"

// The longest texts that are kept of a notice, in characters, and the most of what it has many of.
const (
	MaxRef         = 100
	MaxName        = 300
	MaxTitle       = 1000
	MaxDescription = 10_000
	MaxURL         = 2000 // bytes
	MaxLots        = 500
	MaxLabels      = 100
	MaxCodes       = 500
	MaxPlaces      = 100
	MaxCriteria    = 50
	MaxAwards      = 1000
	MaxWinners     = 50
)

// Bound cuts what is too long in a notice, and leaves out what is too many.
func Bound(n *vigie.Notice) {
	c := &n.Content
	n.Buyer.Name = Shorten(n.Buyer.Name, MaxName)
	n.Buyer.City = Shorten(n.Buyer.City, MaxName)
	c.Reference = Shorten(c.Reference, MaxRef)
	c.Title = Shorten(c.Title, MaxTitle)
	c.Description = Shorten(c.Description, MaxDescription)
	c.Correction = Shorten(c.Correction, MaxDescription)
	c.CPVCodes = first(c.CPVCodes, MaxCodes)
	c.Labels = first(c.Labels, MaxLabels)
	for i := range c.Labels {
		c.Labels[i] = Shorten(c.Labels[i], MaxName)
	}
	c.Lots = first(c.Lots, MaxLots)
	for i := range c.Lots {
		boundLot(&c.Lots[i])
	}
	boundDetails(&c.Details)
}

func boundLot(l *vigie.Lot) {
	l.Number = Shorten(l.Number, MaxRef)
	l.Title = Shorten(l.Title, MaxTitle)
	l.Description = Shorten(l.Description, MaxDescription)
	l.CPVCodes = first(l.CPVCodes, MaxCodes)
	l.Places = boundPlaces(l.Places)
	l.AwardCriteria = boundCriteria(l.AwardCriteria)
}

func boundDetails(d *vigie.Details) {
	d.Places = boundPlaces(d.Places)
	d.AwardCriteria = boundCriteria(d.AwardCriteria)
	d.Languages = first(d.Languages, MaxCriteria)
	d.Awards = first(d.Awards, MaxAwards)
	for i := range d.Awards {
		a := &d.Awards[i]
		a.Lot, a.Reason = Shorten(a.Lot, MaxRef), Shorten(a.Reason, MaxTitle)
		a.Winners = first(a.Winners, MaxWinners)
		for j := range a.Winners {
			w := &a.Winners[j]
			w.Name, w.Town = Shorten(w.Name, MaxName), Shorten(w.Town, MaxName)
		}
	}
}

func boundPlaces(places []vigie.Place) []vigie.Place {
	places = first(places, MaxPlaces)
	for i := range places {
		places[i].Town, places[i].Postcode = Shorten(places[i].Town, MaxName), Shorten(places[i].Postcode, maxPostcode)
	}
	return places
}

const maxPostcode = 20

func boundCriteria(criteria []vigie.AwardCriterion) []vigie.AwardCriterion {
	criteria = first(criteria, MaxCriteria)
	for i := range criteria {
		criteria[i].Name = Shorten(criteria[i].Name, MaxTitle)
	}
	return criteria
}

// first is the beginning of a list. It has no room for more, so that none of it is another list's.
func first[T any](list []T, n int) []T { return list[:min(len(list), n):min(len(list), n)] }
