package directory

import (
	"math"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"vigie/lexicon"
)

// names are the names of all buyers, found by their words.
type names struct {
	texts []string
	// owners are the buyers that have the names; nobody where one is no longer a buyer's.
	owners []slot
	// words are all words of the names, sorted.
	words []word
	// acronyms are the names that have a word letter by letter, as C.H.U. is stored: c h u.
	acronyms map[string][]nameID
}

// nameID is the place of a name among all names. It never changes.
type nameID uint32

// nobody owns what is no longer a name.
const nobody slot = math.MaxUint32

// word is a word with the names that have it.
type word struct {
	text  string
	names []nameID
}

// addedNames are words that names do not have yet, with the names that are to be found by them.
type addedNames map[string][]nameID

// replace makes texts the names of a buyer that has those of ids, and returns the ids of them. Words that are new are
// found once they were entered.
func (n *names) replace(ids []nameID, owner slot, texts []string, added addedNames) []nameID {
	slices.Sort(texts)
	texts = slices.Compact(texts)
	same := func(id nameID, text string) bool { return n.texts[id] == text }
	if slices.EqualFunc(ids, texts, same) {
		return ids
	}
	n.remove(ids)
	ids = make([]nameID, len(texts))
	for i, text := range texts {
		ids[i] = nameID(len(n.texts))
		n.texts, n.owners = append(n.texts, text), append(n.owners, owner)
		n.addWords(ids[i], strings.Fields(text), added)
	}
	return ids
}

// remove takes names from their buyer. Their words still lead to them, until a new directory is made.
func (n *names) remove(ids []nameID) {
	for _, id := range ids {
		n.owners[id] = nobody
	}
}

func (n *names) addWords(id nameID, words []string, added addedNames) {
	for i, text := range words {
		if at, known := n.find(text); known {
			n.words[at].names = append(n.words[at].names, id)
		} else {
			added[text] = append(added[text], id)
		}
		acronym := ""
		for _, letter := range words[i:] {
			if utf8.RuneCountInString(letter) != 1 || len(acronym)+len(letter) > longestAcronym {
				break
			}
			if acronym += letter; len(acronym) >= shortestAcronym {
				n.acronyms[acronym] = append(n.acronyms[acronym], id)
			}
		}
	}
}

// enter adds words.
func (n *names) enter(added addedNames) {
	words := make([]word, 0, len(added))
	for text, ids := range added {
		words = append(words, word{text, ids})
	}
	compare := func(a, b word) int { return strings.Compare(a.text, b.text) }
	slices.SortFunc(words, compare)
	n.words = merge(n.words, words, compare)
}

// find returns the place of a word, or of the next one if it is not known.
func (n *names) find(text string) (at int, known bool) {
	at = sort.Search(len(n.words), func(i int) bool { return n.words[i].text >= text })
	return at, at < len(n.words) && n.words[at].text == text
}

// whole are the names that have a word, or another spelling of it.
func (n *names) whole(text string) set {
	found := newSet(len(n.texts))
	for _, spelling := range []string{text, spellings[text]} {
		if at, known := n.find(spelling); known {
			addAll(found, n.words[at].names)
		}
	}
	addAll(found, n.acronyms[text])
	return found
}

// starting are the names that have a word that starts with one.
func (n *names) starting(text string) set {
	found := newSet(len(n.texts))
	at, _ := n.find(text)
	for ; at < len(n.words) && strings.HasPrefix(n.words[at].text, text); at++ {
		addAll(found, n.words[at].names)
	}
	return found
}

// ownersOf are the buyers that have one of some names.
func (n *names) ownersOf(ids set, buyers int) set {
	found := newSet(buyers)
	for id := range ids.all() {
		if owner := n.owners[id]; owner != nobody {
			found.add(int(owner))
		}
	}
	return found
}

// An acronym has so many bytes; what is shorter or longer is no acronym.
const shortestAcronym, longestAcronym = 2, 8

// spellings are words of names that are also written in another way.
var spellings = map[string]string{"saint": "st", "st": "saint", "sainte": "ste", "ste": "sainte"}

// contentWords are the words without small ones, or all where there are no others.
func contentWords(words []string) []string {
	content := slices.DeleteFunc(slices.Clone(words), func(word string) bool { return len(lexicon.Tokens(word)) == 0 })
	if len(content) == 0 {
		return words
	}
	return content
}
