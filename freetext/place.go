package freetext

import (
	"slices"
	"strings"
	"sync"
	"unicode"

	"vigie"
	"vigie/lexicon"
)

// Place is a department or a region that a text names.
type Place struct {
	// Name is « Ain (01) » for a department, « Auvergne » for a region.
	Name        string
	Departments []string // INSEE codes
	// Rest is the text without the words that name the place, for a search that is narrowed to it; see [Search.Places].
	Rest string
}

// formerRegions are those before 2016, whose names people still use, and short names of regions.
func formerRegions() map[string]string {
	return map[string]string{
		"Alsace": "67 68", "Aquitaine": "24 33 40 47 64", "Auvergne": "03 15 43 63", "Basse-Normandie": "14 50 61",
		"Bourgogne": "21 58 71 89", "Centre": "18 28 36 37 41 45", "Champagne-Ardenne": "08 10 51 52",
		"Franche-Comté": "25 39 70 90", "Haute-Normandie": "27 76", "Languedoc-Roussillon": "11 30 34 48 66",
		"Limousin": "19 23 87", "Lorraine": "54 55 57 88", "Midi-Pyrénées": "09 12 31 32 46 65 81 82",
		"Nord-Pas-de-Calais": "59 62", "PACA": "04 05 06 13 83 84", "Picardie": "02 60 80",
		"Poitou-Charentes": "16 17 79 86", "Rhône-Alpes": "01 07 26 38 42 69 73 74", "IDF": "75 77 78 91 92 93 94 95",
	}
}

// common are the names of places that are also words of many tenders: they name a place only where they stand alone.
const common = " lot centre manche reunion somme landes "

// placeNames are all places by the terms of their names, separated by spaces.
var placeNames = sync.OnceValue(func() map[string]Place {
	places, regions := make(map[string]Place), make(map[string][]string)
	for name, codes := range formerRegions() {
		places[placeKey(name)] = Place{Name: name, Departments: strings.Fields(codes)}
	}
	for _, d := range vigie.Departments() {
		regions[d.Region] = append(regions[d.Region], d.Code)
	}
	for name, codes := range regions {
		if name != "Outre-mer" {
			places[placeKey(name)] = Place{Name: name, Departments: codes}
		}
	}
	for _, d := range vigie.Departments() {
		places[placeKey(d.Name)] = departmentPlace(d)
	}
	return places
})

func departmentPlace(d vigie.Department) Place {
	return Place{Name: d.Name + " (" + d.Code + ")", Departments: []string{d.Code}}
}

// longestPlace is how many words a place's name has at most.
const longestPlace = 4

func placeKey(name string) string {
	var terms []string
	for _, token := range lexicon.Tokens(name) {
		terms = append(terms, token.Term)
	}
	return strings.Join(terms, " ")
}

// placed puts the words that name a place together, and says which departments that is.
func placed(words []Word) []Word {
	var list []Word
	for i := 0; i < len(words); {
		word, n := placeAt(words, i)
		list, i = append(list, word), i+n
	}
	return list
}

// placeAt returns the place that n words name from the one at i on, or else that word.
func placeAt(words []Word, i int) (word Word, n int) {
	for n := min(longestPlace, len(words)-i); n > 0; n-- {
		var texts []string
		for _, w := range words[i : i+n] {
			if w.Quoted {
				break
			}
			texts = append(texts, w.Text)
		}
		if len(texts) < n {
			continue
		}
		text := strings.Join(texts, " ")
		key := placeKey(text)
		place, known := placeNames()[key]
		if !known || strings.Contains(common, " "+key+" ") && len(words) > 1 {
			continue
		}
		return Word{
			Text: text, Terms: lexicon.Phrase(text), Written: written(texts), Place: &place, Begin: words[i+n-1].Begin,
			start: words[i].start, end: words[i+n-1].end,
		}, n
	}
	word = words[i]
	if d, ok := vigie.DepartmentByCode(strings.ToUpper(strings.Trim(word.Text, "()"))); ok && i > 0 && i == len(words)-1 && !word.Quoted {
		word.Place = new(departmentPlace(d))
	}
	return word, 1
}

// Places are the places that the text names, each once.
func (s Search) Places() []Place {
	var list []Place
	for _, w := range s.Words {
		if w.Place != nil && !slices.ContainsFunc(list, func(p Place) bool { return p.Name == w.Place.Name }) {
			place := *w.Place
			place.Rest = s.without(place.Name)
			list = append(list, place)
		}
	}
	return list
}

// without is the text without the words that name a place, and without the small words and signs around them.
func (s Search) without(name string) string {
	const around = " \t\n,;:/()"
	rest := s.text
	for _, w := range slices.Backward(s.Words) {
		if w.Place == nil || w.Place.Name != name {
			continue
		}
		before, after := trimSmall(rest[:w.start]), strings.TrimLeft(rest[w.end:], around)
		rest = strings.TrimSpace(strings.TrimRight(before, around) + " " + after)
	}
	return rest
}

// trimSmall cuts small words from the end of a text, as in « voirie dans l’ ».
func trimSmall(text string) string {
	for {
		text = strings.TrimRightFunc(text, unicode.IsSpace)
		start := runStart(text, len(text))
		last := text[start:]
		if last == "" || strings.ContainsFunc(last, func(r rune) bool { return isQuote(r) || isHyphen(r) }) || len(lexicon.Tokens(last)) > 0 {
			return text
		}
		text = text[:start]
	}
}
