package service

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"vigie"
	"vigie/lexicon"
)

// cpvWords are the labels of the vocabulary, folded: a space before each word.
var cpvWords = sync.OnceValue(func() map[string]string {
	words := make(map[string]string)
	for c := range vigie.CPVCodes() {
		words[c.Code] = " " + lexicon.Fold(c.Label)
	}
	return words
})

// CPVCodes returns codes for forms: those that begin with the digits of text, or
// whose label has, for each word of text, a word that begins with it. General
// codes come first. No text gives the divisions.
func (s *Service) CPVCodes(text string, first *int32) ([]vigie.CPVCode, error) {
	w, err := PageArgs{First: first}.window(20)
	if err != nil {
		return nil, err
	}
	if text, err = searchText(text); err != nil {
		return nil, err
	}
	digits := strings.ReplaceAll(text, " ", "")
	if at := strings.IndexByte(digits, '-'); at > 0 { // a check digit
		digits = digits[:at]
	}
	var beginnings []string // of words, each behind a space
	for _, word := range lexicon.Words(text) {
		beginnings = append(beginnings, " "+word)
	}
	isCode, labels := strings.Trim(digits, "0123456789") == "", cpvWords()
	fits := func(c vigie.CPVCode) bool {
		switch {
		case len(beginnings) == 0:
			return generality(c.Code) <= 2
		case isCode:
			return strings.HasPrefix(c.Code, digits)
		}
		return !slices.ContainsFunc(beginnings, func(word string) bool { return !strings.Contains(labels[c.Code], word) })
	}
	found := []vigie.CPVCode{}
	for c := range vigie.CPVCodes() {
		if fits(c) {
			found = append(found, c)
		}
	}
	slices.SortStableFunc(found, func(a, b vigie.CPVCode) int { return cmp.Compare(generality(a.Code), generality(b.Code)) })
	return found[:min(len(found), w.size)], nil
}

// generality is how many digits of a code say something: 2 for a division.
func generality(code string) int { return max(2, len(strings.TrimRight(code, "0"))) }
