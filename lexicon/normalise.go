package lexicon

import "strings"

// normalise removes number and gender from a folded word of letters, and nothing else: it joins écoles to école and
// sportive to sportif, and keeps apart formation from format and électrique from électricité. The result need not be
// a word (dangereux and dangereuse are dangereur), but is the same for all forms of one word.
//
// It sees words without accents, because many people leave them out: électricité and electricite must be one term. So
// rénové and rénove are one word here, and no rule can distinguish them.
func normalise(word string) string {
	if term, ok := families[word]; ok {
		return term
	}
	word = singular(word)
	if term, ok := families[word]; ok {
		return term
	}
	return masculine(word)
}

// singular removes the mark of the plural. A word that always ends in s loses it too, in every text, which does no
// harm.
func singular(word string) string {
	if len(word) < 4 {
		return word // gaz, os, tps
	}
	switch stem := word[:len(word)-1]; word[len(word)-1] {
	case 's':
		if !strings.HasSuffix(stem, "s") {
			return stem
		}
	case 'x':
		switch {
		case strings.HasSuffix(stem, "eau"), strings.HasSuffix(stem, "yau"):
			return stem
		case strings.HasSuffix(stem, "au"):
			return stem[:len(stem)-1] + "l"
		case strings.HasSuffix(stem, "eu"):
			// Nouns in -eu are families. The others are adjectives, whose feminine is that of nouns in -eur; so the
			// three share a term.
			return stem + "r"
		}
	}
	return word
}

// masculine removes the mark of the feminine from a singular.
func masculine(word string) string {
	if !strings.HasSuffix(word, "e") {
		return word
	}
	for strings.HasSuffix(word, "ee") { // more than once in créée
		word = word[:len(word)-1]
		if len(word) > MaxTermLength {
			continue // no family is as long, and to look up each of a long word's takes the square of its length
		}
		if term, ok := families[word]; ok {
			return term
		}
	}
	for _, rule := range feminines {
		if stem, ok := strings.CutSuffix(word, rule.feminine); ok && len(stem) >= rule.stem {
			return stem + rule.masculine
		}
	}
	return word
}

// feminines are the endings that mark a feminine, whatever the word, if at least so many letters come before; the
// first that fits counts. An ending that becomes itself is an exception to those below it. Adjectives in -ais and
// -ois end in -ai and -oi here: like any plural, they have lost their s.
//
// Endings that are as often a noun’s are left out: -te, -tte, -se, -onne, -que. Their adjectives are families.
var feminines = []struct {
	feminine, masculine string
	stem                int
}{
	{"trice", "teur", 1},
	{"drice", "deur", 3},
	{"euse", "eur", 1}, // for -eux too, see singular
	{"eure", "eur", 2},
	{"ienne", "ien", 1},
	{"enne", "en", 2},
	{"elle", "el", 2},
	{"ale", "al", 3},
	{"iere", "ier", 2},
	{"chere", "cher", 1},
	{"gere", "ger", 2},
	{"llere", "ller", 2},
	{"yere", "yer", 2},
	{"tive", "tif", 2},
	{"sive", "sif", 2},
	{"mente", "mente", 0}, // alimentée is not an aliment
	{"ante", "ant", 3},
	{"ente", "ent", 3},
	{"arde", "ard", 3},
	{"aude", "aud", 2},
	{"crite", "crit", 1},
	{"aise", "ai", 3},
	{"oise", "oi", 3},
	{"aine", "ain", 3},
	{"aine", "aine", 0},
	{"eine", "eine", 0},
	{"oine", "oine", 0},
	{"ine", "in", 3},
	{"que", "que", 0},
	{"gue", "gue", 0},
	{"ue", "u", 3},
}
