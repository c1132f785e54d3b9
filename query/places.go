package query

import (
	"slices"

	"vigie"
	"vigie/lexicon"
)

// PlaceKind is what a keyword was found in.
type PlaceKind string

// The kinds of places, in the order in which they are looked at.
const (
	InTitle       PlaceKind = "TITLE"
	InReference   PlaceKind = "REFERENCE"
	InLot         PlaceKind = "LOT"
	InCPV         PlaceKind = "CPV"
	InDescriptor  PlaceKind = "DESCRIPTOR"
	InDescription PlaceKind = "DESCRIPTION"
)

// Place is where a tender has a keyword.
type Place struct {
	Keyword string
	Kind    PlaceKind
	// Lot is the number of a lot, "" where it has none; Code that of a CPV code.
	Lot, Code string
	// Text is the whole text, and Spans what of it is the keyword, or a part of it.
	Text  string
	Spans []Span
	// nth is the place of the lot in the tender's list, from 1; 0 for what is no lot's.
	nth int
}

// same reports whether a person would take two places for one: a lot's title and its description, the reference and
// the number at the source.
func (p Place) same(q Place) bool {
	return p.Kind == q.Kind && p.nth == q.nth && p.Code == q.Code && (p.Kind != InDescriptor || p.Text == q.Text)
}

// Label names the place to a person: « objet », « lot 3 ».
func (p Place) Label() vigie.Text {
	switch p.Kind {
	case InTitle:
		return vigie.Text{FR: "objet", EN: "title"}
	case InReference:
		return vigie.Text{FR: "référence", EN: "reference"}
	case InLot:
		if p.Lot == "" {
			return vigie.Text{FR: "un lot sans numéro", EN: "a lot without a number"}
		}
		return vigie.Text{FR: "lot %s", EN: "lot %s"}.With(p.Lot)
	case InCPV:
		return vigie.Text{FR: "CPV %s (%s)", EN: "CPV %s (%s)"}.With(p.Code, p.Text)
	case InDescriptor:
		return vigie.Text{FR: "descripteur « %s »", EN: "descriptor “%s”"}.With(p.Text)
	case InDescription:
		return vigie.Text{FR: "description", EN: "description"}
	}
	return vigie.Same(string(p.Kind))
}

const (
	// maxPlaces is how many places of a keyword are named.
	maxPlaces = 10
	// maxSearched is how many bytes are searched for more places, once each keyword has one.
	maxSearched = 1 << 18
)

// Places returns where a tender has keywords, keyword by keyword: of each that it has at least one place, and of others
// none. The places of a phrase are the texts that have it whole; where no text has, those that have two words of it that
// follow one another.
func Places(t *vigie.Tender, keywords []string) []Place {
	facts, _ := FactsOf(t)
	return PlacesOfFound(t, FoundKeywords(keywords, facts))
}

// PlacesOfFound returns what [Places] does, for keywords that were found in the tender.
func PlacesOfFound(t *vigie.Tender, keywords []string) []Place {
	var sought []*sought
	for _, keyword := range keywords {
		sought = append(sought, seek(keyword))
	}
	searched, missing := 0, len(sought)
	for _, text := range textsOf(t) {
		if searched > maxSearched && missing == 0 {
			break
		}
		searched += len(text.Text)
		words := lexicon.Tokens(text.Text)
		for _, s := range sought {
			if s.lookIn(text, words, t.Lots) {
				missing--
			}
		}
	}
	var places []Place
	for _, s := range sought {
		switch {
		case len(s.whole) > 0:
			places = append(places, s.whole...)
		case s.complete():
			places = append(places, s.parts...)
		}
	}
	return places
}

// sought is a keyword with the places found so far.
type sought struct {
	keyword string
	phrase  []lexicon.Token
	pieces  [][]lexicon.Token
	// found are its pieces that some text had, for all of them must be there.
	found        []bool
	whole, parts []Place
}

// seek takes a keyword apart as [lexicon.Required] does: each two words that follow one another, and words alone.
func seek(keyword string) *sought {
	words := lexicon.Tokens(keyword)
	s := &sought{keyword: keyword, phrase: words}
	for i, word := range words {
		after := i > 0 && words[i-1].Sentence == word.Sentence
		before := i+1 < len(words) && words[i+1].Sentence == word.Sentence
		switch {
		case before:
			s.pieces = append(s.pieces, words[i:i+2])
		case !after:
			s.pieces = append(s.pieces, words[i:i+1])
		}
	}
	s.found = make([]bool, len(s.pieces))
	return s
}

// lookIn looks for the keyword in a text, and reports whether this is the text by which all of the keyword was found.
func (s *sought) lookIn(in text, words []lexicon.Token, lots []vigie.Lot) bool {
	before := s.complete()
	if spans := spansOf(words, [][]lexicon.Token{s.phrase}); len(spans) > 0 {
		s.whole = add(s.whole, s.placeIn(in, spans, lots))
	}
	if len(s.whole) > 0 {
		return !before
	}
	var all []Span
	for i, piece := range s.pieces {
		if spans := spansOf(words, [][]lexicon.Token{piece}); len(spans) > 0 {
			s.found[i], all = true, append(all, spans...)
		}
	}
	if len(all) > 0 {
		s.parts = add(s.parts, s.placeIn(in, all, lots))
	}
	return !before && s.complete()
}

func (s *sought) complete() bool { return len(s.whole) > 0 || !slices.Contains(s.found, false) }

func (s *sought) placeIn(in text, spans []Span, lots []vigie.Lot) Place {
	p := Place{Keyword: s.keyword, Kind: in.Kind, Code: in.Code, Text: in.Text, Spans: spans, nth: in.Lot}
	if in.Lot > 0 {
		p.Lot = lots[in.Lot-1].Number
	}
	return p
}

// add adds a place unless it is there, or there are enough.
func add(places []Place, p Place) []Place {
	if len(places) == maxPlaces || slices.ContainsFunc(places, p.same) {
		return places
	}
	return append(places, p)
}
