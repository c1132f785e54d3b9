package query_test

import (
	"slices"
	"strings"
	"testing"

	"vigie"
	"vigie/lexicon"
	"vigie/query"
	"vigie/query/querytest"
)

// Each keyword that a tender has is found in at least one place, and no other is found anywhere; every text by which a
// tender matches can be such a place.
func TestPlacesAgreeWithMatching(t *testing.T) {
	g := querytest.New(querytest.Setting(t, "VIGIE_TEST_SEED", 7))
	kinds := make(map[query.PlaceKind]int)
	for range querytest.Setting(t, "VIGIE_TEST_PAIRS", 5_000) {
		tender := g.Tender()
		tender.Reference, tender.SourceRef = g.Text(2), g.Text(1)
		for range g.IntN(3) {
			tender.Lots = append(tender.Lots, vigie.Lot{Number: g.Text(1), Title: g.Text(3), Description: g.Text(5)})
			tender.Labels = append(tender.Labels, g.Text(2))
		}
		var keywords []string
		for len(keywords) < 4 {
			if keyword := g.Text(4); !query.Meaningless(keyword) {
				keywords = append(keywords, keyword)
			}
		}
		facts, _ := query.FactsOf(tender)
		found := query.FoundKeywords(keywords, facts)
		places := query.Places(tender, keywords)
		for _, keyword := range keywords {
			has := slices.ContainsFunc(places, func(p query.Place) bool { return p.Keyword == keyword })
			if has != slices.Contains(found, keyword) {
				t.Fatalf("%q in %+v: places %v, but found is %v", keyword, tender, places, found)
			}
		}
		for _, p := range places {
			kinds[p.Kind]++
			if len(p.Spans) == 0 || p.Label().FR == "" {
				t.Fatalf("%q: a place without what was found there: %+v", p.Keyword, p)
			}
			for _, s := range p.Spans {
				words := lexicon.Phrase(p.Keyword)
				if !slices.ContainsFunc(lexicon.Phrase(p.Text[s.Start:s.End]), func(term string) bool { return slices.Contains(words, term) }) {
					t.Fatalf("%q: %q is none of its words", p.Keyword, p.Text[s.Start:s.End])
				}
			}
		}
	}
	for _, kind := range []query.PlaceKind{query.InTitle, query.InReference, query.InLot, query.InCPV, query.InDescriptor, query.InDescription} {
		if kinds[kind] == 0 {
			t.Errorf("nothing was found in %s", kind)
		}
	}
}

func TestPlaces(t *testing.T) {
	tender := &vigie.Tender{SourceRef: "26-1", Content: vigie.Content{
		Title: "Entretien des espaces verts", Reference: "VOIRIE-2026", Description: "Tonte. Espaces, verts et bleus. Curage des fossés.",
		CPVCodes: []string{"90610000"}, Labels: []string{"Voirie"},
		Lots: []vigie.Lot{
			{Number: "1", Title: "Voirie, secteur nord", Description: "Voirie et trottoirs"},
			{Number: "3", Title: "Fossés", Description: "Curage des fossés et maîtrise des eaux"},
			{Title: "Voirie, secteur sud"},
		},
	}}
	for keyword, want := range map[string]string{
		"espaces verts": "objet|description",
		"voirie":        "référence|lot 1|un lot sans numéro|CPV 90610000 (Services de voirie et services de balayage des rues)|descripteur « Voirie »",
		"voiries":       "référence|lot 1|un lot sans numéro|CPV 90610000 (Services de voirie et services de balayage des rues)|descripteur « Voirie »",
		"curage":        "description|lot 3",
		"curage fossés": "description|lot 3",
		"26-1":          "référence",
		// No text has it whole: the pairs that it asks for are in several.
		"entretien espaces verts bleus": "objet|description",
		"vert espace":                   "",
		"tonte espaces":                 "",
		"pont":                          "",
		"de":                            "",
	} {
		var labels []string
		for _, p := range query.Places(tender, []string{keyword}) {
			labels = append(labels, p.Label().FR)
		}
		if got := strings.Join(labels, "|"); got != want {
			t.Errorf("%s: %s, want %s", keyword, got, want)
		}
	}
}

// Of many places the first are named, and words at the end of very long texts are found nonetheless.
func TestManyPlaces(t *testing.T) {
	tender := &vigie.Tender{Content: vigie.Content{Title: "Fournitures", Description: strings.Repeat("de la voirie ", 200_000) + "et un pont"}}
	for range 500 {
		tender.Lots = append(tender.Lots, vigie.Lot{Number: "1", Title: "Voirie"})
	}
	places := query.Places(tender, []string{"voirie", "pont"})
	if len(places) != 11 || places[0].Kind != query.InLot || places[10].Kind != query.InDescription {
		t.Errorf("%d places", len(places))
	}
}
