package lexicon

import "strings"

// set makes a set of the words in a string.
func set(words string) map[string]bool {
	table := make(map[string]bool)
	for _, word := range strings.Fields(words) {
		table[word] = true
	}
	return table
}

var (
	// stopWords, folded, are the words between the words of a phrase that mean nothing to a search. The list is short
	// because nobody can ask for or exclude a word on it: it has none that is also the folded form of a word with a
	// meaning. So “est” (Grand Est), “si” (système d’information), “son” (son et lumière), “car” (transport par car),
	// “or”, “pas” (Pas-de-Calais), “sous” and “sans” are not on it. Single letters are here for text that lost its
	// apostrophes (“d eau”) or has a plural in parentheses (“lot(s)”), and n for “n°”.
	stopWords = set(`
		le la les l un une de des du d au aux a
		et ou ni que qu qui dont
		en y dans par pour sur avec chez
		ce cet cette ces se sa ses leur leurs
		il ils elle elles on nous vous ne j m n s t
		sont ont
		jusque jusqu lorsque lorsqu puisque puisqu quoique quoiqu
		quelqu aujourdhui`)

	// elisions are the words that an apostrophe cuts off from the next.
	elisions = set("c d j l m n s t qu jusqu lorsqu puisqu quoiqu")

	// joined are the beginnings of words with an apostrophe inside:
	// aujourd’hui, presqu’île, prud’homme. People also write them without.
	joined = set("aujourd presqu prud")

	// units, folded, are cut from the number before them. None is of one
	// letter: 2A is a department, 3D and 5e are words, and the units l, m and t
	// are stop words.
	units = set("mm km ml m2 m3 ha kg kw kwh kwc kva mw mwh mhz ghz")
)

// maxUnit is the length of the longest unit.
const maxUnit = 3
