package plan

import (
	"strings"
	"unicode/utf8"

	"vigie/lexicon"
	"vigie/query"
	"vigie/search"
)

// Word is a content word of a text.
type Word struct {
	lexicon.Token
	// Folded is the word without case and accents, its ending kept; "" for a
	// word of several parts (V.R.D., 3 000) or with a sign (C++), whose Term
	// says it all.
	Folded string
}

// Words are the content words of a text.
func Words(text string) []Word {
	tokens := lexicon.Tokens(text)
	words := make([]Word, len(tokens))
	for i, token := range tokens {
		written := text[token.Start:token.End]
		words[i] = Word{token, lexicon.Fold(written)}
		if strings.Contains(words[i].Folded, " ") || strings.ContainsAny(written, "+#") {
			words[i].Folded = ""
		}
	}
	return words
}

// Asked are the words that a query's Text asks for.
func Asked(text string) []Word {
	words := Words(text)
	return words[:min(len(words), search.MaxWords)]
}

// Indexed is a text as the words by which it is found, separated by spaces:
// each by its term and, where that differs, as it is written.
func Indexed(text string) string {
	var b strings.Builder
	for _, w := range Words(text) {
		b.WriteString(w.Term)
		b.WriteByte(' ')
		if w.Folded != w.Term && w.Folded != "" {
			b.WriteString(w.Folded)
			b.WriteByte(' ')
		}
	}
	return b.String()
}

const (
	// longestTyped is the longest word in which typing errors are forgiven.
	longestTyped = 30
	// shortestBeginning is the shortest word that stands for longer ones.
	shortestBeginning = 2
	// MostNear is how many words of a field an engine looks up at most that are
	// as another with typing errors.
	MostNear = 1000
)

// Begins reports whether a query's last word stands for all that begin with it.
func Begins(word string) bool { return utf8.RuneCountInString(word) >= shortestBeginning }

// Typos is how many typing errors are forgiven in a word: none in its first
// letter, in numbers, in short or very long words, or in other letters than
// Latin ones, in which there are too many that may be wrong.
func Typos(word string) int {
	n := len(word)
	switch {
	case n < 5 || n > longestTyped || strings.ContainsFunc(word, func(r rune) bool { return r < 'a' || r > 'z' }):
		return 0
	case n < 9:
		return 1
	}
	return 2
}

// Found are the parts of a text that a query's words find.
func Found(text string, asked []Word) []query.Span {
	var spans []query.Span
	for _, w := range Words(text) {
		for i, ask := range asked {
			last := i == len(asked)-1 && Begins(ask.Folded)
			if w.Term == ask.Term || near(ask.Folded, w.Folded) || last && strings.HasPrefix(w.Folded, ask.Folded) {
				spans = append(spans, query.Span{Start: w.Start, End: w.End})
				break
			}
		}
	}
	return spans
}

// near reports whether b is a with no more typing errors than are forgiven: a
// letter too many, missing, wrong, or two swapped.
func near(a, b string) bool {
	most := Typos(a)
	if most == 0 || b == "" || a[0] != b[0] || max(len(a)-len(b), len(b)-len(a)) > 2*most {
		return false
	}
	return distance([]rune(a), []rune(b)) <= most
}

// distance is the optimal string alignment distance.
func distance(a, b []rune) int {
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
