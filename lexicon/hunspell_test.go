package lexicon

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/blevesearch/bleve/v2/analysis"
	"github.com/blevesearch/bleve/v2/analysis/lang/fr"
)

// TestHunspell measures the normaliser on the nouns and adjectives of Debian's French dictionary (package
// hunspell-fr), which is read and never copied.
//
// joined is the share of inflections, without the lemmas themselves, that have the term of their lemma. wrong is the
// share of lemmas whose term is also that of an unrelated lemma: another one of which neither is an inflection of the
// other.
//
// Two lemmas that differ by accents only (marché, marche) are one word here by decision, because many people type no
// accents. The rules are not responsible for them: wrong leaves them out, and they are counted separately.
func TestHunspell(t *testing.T) {
	const (
		// The rules reach 98.25 and 0.98. Below 92 or above 1 they would be unfit for alerts; the bounds are closer,
		// so that a change shows.
		minJoined, maxWrong = 98.0, 1.0

		dic = "/usr/share/hunspell/fr.dic"
		aff = "/usr/share/hunspell/fr.aff"
	)
	for _, name := range []string{dic, aff} {
		if _, err := os.Stat(name); err != nil {
			if os.Getenv("VIGIE_TEST_ALL") == "1" {
				t.Fatalf("%v: install hunspell-fr", err)
			}
			t.Skipf("NOT MEASURED: the rules were not held to the dictionary: %v: install hunspell-fr", err)
		}
	}
	forms := readDictionary(t, dic, readSuffixes(t, aff))
	if len(forms) < 50_000 {
		t.Fatalf("the dictionary has %d nouns and adjectives, want 50,000 or more: it is laid out differently", len(forms))
	}

	ours := measured(forms, termOf)
	t.Logf("%d lemmas: %v", len(forms), ours)
	if ours.joined < minJoined {
		t.Errorf("%.2f %% of inflections are joined to their lemma, want %v %% or more", ours.joined, minJoined)
	}
	if ours.wrong > maxWrong {
		t.Errorf("%.2f %% of lemmas are merged with an unrelated one, want %v %% or less", ours.wrong, maxWrong)
	}
	if !testing.Verbose() {
		return
	}
	// Stemmers that are published, for comparison.
	for name, stemmer := range map[string]analysis.TokenFilter{
		"Snowball": fr.NewFrenchStemmerFilter(), "light": fr.NewFrenchLightStemmerFilter(), "minimal": fr.NewFrenchMinimalStemmerFilter(),
	} {
		t.Logf("%s: %v", name, measured(forms, func(word string) string {
			return string(stemmer.Filter(analysis.TokenStream{{Term: []byte(word)}})[0].Term)
		}))
	}
}

// shares are percentages: of inflections that have the term of their lemma; of lemmas that have the term of an unrelated
// one by the rules, and further ones by their accents alone.
type shares struct{ joined, wrong, folded float64 }

func (s shares) String() string {
	return fmt.Sprintf("%.2f %% of inflections joined, %.2f %% of lemmas merged with an unrelated one, and %.2f %% more by folding", s.joined, s.wrong, s.folded)
}

// measured measures what makes terms of words.
func measured(forms map[string]map[string]bool, termOf func(word string) string) shares {
	inflections, joined := 0, 0
	byTerm := make(map[string][]string)
	for lemma := range forms {
		term := termOf(lemma)
		byTerm[term] = append(byTerm[term], lemma)
		for form := range forms[lemma] {
			inflections++
			if termOf(form) == term {
				joined++
			}
		}
	}
	wrong, folded := 0, 0
	for _, lemmas := range byTerm {
		for _, a := range lemmas {
			var byRule, byFolding bool
			for _, b := range lemmas {
				switch {
				case a == b, forms[a][b], forms[b][a]:
				case Fold(a) == Fold(b):
					byFolding = true
				default:
					byRule = true
				}
			}
			switch {
			case byRule:
				wrong++
			case byFolding:
				folded++
			}
		}
	}
	percent := func(n, of int) float64 { return 100 * float64(n) / float64(of) }
	return shares{percent(joined, inflections), percent(wrong, len(forms)), percent(folded, len(forms))}
}

// termOf returns a word's term, also where the word is a stop word.
func termOf(word string) string {
	s := scanner{text: word}
	s.next()
	return s.term()
}

// suffix is one rule of an affix file: a lemma with that ending changes its end.
type suffix struct {
	strip, add string
	ending     *regexp.Regexp
}

// nominal are the flags of nouns and adjectives: plural and feminine.
var nominal = []string{"S.", "S=", "X.", "A.", "I.", "F.", "Fs", "Fc", "Fe", "Gs", "Gc", "Ge", "Go", "F+", "Fx", "W.", "Wx"}

func readSuffixes(t *testing.T, name string) map[string][]suffix {
	rules := make(map[string][]suffix)
	for line := range lines(t, name) {
		// SFX flag strip add/flags ending; a rule's heading has a number last.
		fields := strings.Fields(line)
		if len(fields) < 5 || fields[0] != "SFX" || !slices.Contains(nominal, fields[1]) {
			continue
		}
		rule := suffix{ending: regexp.MustCompile(fields[4] + "$")}
		if fields[2] != "0" {
			rule.strip = fields[2]
		}
		if add, _, _ := strings.Cut(fields[3], "/"); add != "0" {
			rule.add = add
		}
		rules[fields[1]] = append(rules[fields[1]], rule)
	}
	return rules
}

// readDictionary returns, by lemma, the inflections of every noun and adjective that is
// written in small letters alone.
func readDictionary(t *testing.T, name string, rules map[string][]suffix) map[string]map[string]bool {
	forms := make(map[string]map[string]bool)
	for line := range lines(t, name) {
		if !strings.Contains(line, " po:nom") && !strings.Contains(line, " po:adj") {
			continue
		}
		entry, _, _ := strings.Cut(line, " ")
		lemma, flags, _ := strings.Cut(entry, "/")
		if strings.ContainsFunc(lemma, func(r rune) bool { return !unicode.IsLower(r) }) {
			continue
		}
		if forms[lemma] == nil {
			forms[lemma] = make(map[string]bool)
		}
		// Flags are of two characters each.
		for ; len(flags) >= 2; flags = flags[2:] {
			for _, rule := range rules[flags[:2]] {
				if rule.ending.MatchString(lemma) {
					form := strings.TrimSuffix(lemma, rule.strip) + rule.add
					if form != lemma {
						forms[lemma][form] = true
					}
				}
			}
		}
	}
	return forms
}

func lines(t *testing.T, name string) func(func(string) bool) {
	return func(yield func(string) bool) {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		in := bufio.NewScanner(f)
		for in.Scan() {
			if !yield(in.Text()) {
				return
			}
		}
		if err := in.Err(); err != nil {
			t.Fatal(err)
		}
	}
}
