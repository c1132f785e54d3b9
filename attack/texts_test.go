package attack

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// texts are attacks by what is searched for: letters that become many when they
// are folded, long words in which typing errors are looked for, and what no
// engine may stumble over.
func texts() []attack {
	var list []attack
	for name, text := range map[string]string{
		"a letter that becomes fifteen":     strings.Repeat("\uFDFA", 11),
		"too many such letters":             strings.Repeat("\uFDFA", 200),
		"a letter that becomes three":       strings.Repeat("\uFB03", 65),
		"letters with many marks":           strings.Repeat("e"+strings.Repeat("\u0301\u0323", 24)+" ", 4),
		"marks alone":                       strings.Repeat("\u0300", 190),
		"one long word":                     letters(200),
		"words as long as may be mistyped":  strings.Repeat(letters(30)+" ", 6),
		"words of one letter":               strings.Repeat("a ", 100),
		"a hundred words":                   words(100, 1),
		"words that others nearly are":      "travaus voiri nettoiage mainteance ecole refecsion batimant comunale",
		"many short words of two letters":   words(66, 2),
		"letters that stand for two":        strings.Repeat("ǆŒßĲﬆ", 20),
		"Hangul in pieces":                  strings.Repeat("\u1112\u1161\u11ab", 66),
		"emoji of many":                     strings.Repeat("👩‍👩‍👧‍👦", 28),
		"writing from the right":            strings.Repeat("\u202Eא\u2066", 66),
		"nothing that is seen":              strings.Repeat("\u200B\u2060\uFEFF", 66),
		"signs of query languages":          `+a -b "c" (d OR e) f~9 g* h? [a TO z] {x} title:y ^2 \ / && || !` + "'--; DROP",
		"a pattern that runs away":          "/(a+)+$/ " + strings.Repeat("a", 150),
		"stars":                             strings.Repeat("*", 200),
		"quotes":                            strings.Repeat(`"`, 199) + "a",
		"what is no letter":                 "\uFFFD\uFFFF\U0010FFFF" + strings.Repeat("\uE000", 190),
		"digits of everywhere":              strings.Repeat("٣३௩𝟛", 50),
		"points between letters":            strings.Repeat("a.", 100),
		"and between letters":               strings.Repeat("a&", 100),
		"apostrophes between letters":       strings.Repeat("l'", 100),
		"a word and its joined neighbours":  strings.Repeat("voirie-", 28),
		"an initial of Turkish, everywhere": strings.Repeat("İ", 200),
	} {
		first := "200"
		if name == "too many such letters" {
			first = "200 TOO_LONG search"
		}
		// 300 ms for each operation, at the most.
		list = append(list, attack{name: "searching for " + name, cpu: 3 * time.Second, memory: 128, first: first, codes: []string{"", "BAD_REQUEST", "LIMIT_EXCEEDED", "INVALID", "TOO_LONG", "TOO_SHORT"}, do: func(a *attacker) {
			a.times(2, 1, func(int) { a.search(text, a.n(7)) })
			a.times(1, 1, func(int) { a.search(text, 8) })
			a.times(2, 1, func(int) { a.buyers(text, 4) })
			a.times(2, 1, func(int) { a.preview(text) })
		}})
	}
	byName(list)
	return list
}

// search searches for a text under aliases, of which the cost of one operation
// allows eight, each time for a little other text,
// for what was found before might be kept.
func (a *attacker) search(text string, aliases int) answer {
	var query strings.Builder
	variables := make(map[string]any)
	runes := []rune(text)
	for i := range min(aliases, 49) {
		fmt.Fprintf(&query, "a%d: tenders(search: $q%[1]d, first: 1) { totalCount edges { highlights { field } } } ", i)
		variables[fmt.Sprint("q", i)] = string(runes[:max(1, len(runes)-i)])
	}
	var declared []string
	for name := range variables {
		declared = append(declared, "$"+name+": String")
	}
	return a.ask("query ("+strings.Join(declared, " ")+") { "+query.String()+"}", variables)
}

// buyers searches for buyers by a text, under four aliases at the most.
func (a *attacker) buyers(text string, aliases int) answer {
	return a.ask("query ($q: String!) { "+numbered(aliases, "a%d: buyers(search: $q) { totalCount nodes { name } } ")+"}", map[string]any{"q": text})
}

// preview asks what keywords would match.
func (a *attacker) preview(text string) answer {
	runes := []rune(text)
	keyword := string(runes[:min(100, len(runes))])
	return a.ask(`query ($c: CriteriaInput!) { previewMatches(criteria: $c) { onlineCount nodes { title } userErrors { code } warnings { code } } }`,
		map[string]any{"c": map[string]any{"keywords": slices.Repeat([]string{keyword}, 50)}})
}

// letters is a word that nobody wrote before, always the same.
func letters(n int) string {
	random := rand.New(rand.NewPCG(3, uint64(n)))
	text := make([]byte, n)
	for i := range text {
		text[i] = byte('a' + random.IntN(26))
	}
	return string(text)
}

// words are n different ones of a length.
func words(n, length int) string {
	random := rand.New(rand.NewPCG(4, uint64(n)))
	var list []string
	for range n {
		word := make([]byte, length)
		for i := range word {
			word[i] = byte('a' + random.IntN(26))
		}
		list = append(list, string(word))
	}
	return strings.Join(list, " ")
}
