package lexicon

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
)

// FuzzTerms checks the promises of the package on any text.
func FuzzTerms(f *testing.F) {
	for _, text := range []string{
		"", "Travaux de voirie et réseaux divers (V.R.D.) : lot n° 1. Fin",
		"L’école d'e\u0301te\u0301, S.A.d’X; 1.5 m² c'A.B.c", "a.b.cd.e", "prud'h\u00adomme Ω 서울\xff",
		"C. C. A. S. de Ste-Foy: R&D, r & d, C++17/C#; 12 500kW, 3\u00a0000 m²; 1 2e",
	} {
		f.Add(text, uint8(0), uint8(3))
	}
	f.Fuzz(checkText)
}

// TestProperties does the same with random text, made of the difficulties of French.
func TestProperties(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{
		"a", "b", "É", "é", "e\u0301", "œ", "Ç", "n", "l", "d", "qu", "s", "x", "m", "1", "20", "²",
		"'", "’", "ʼ", ".", ".", ".", " ", " ", " ", "-", ",", ";", "!", "\n", "\n", "\u00a0", "\u00ad",
		"écoles", "travaux", "eaux", "ée", "euse", "trice", "prud", "aujourd", "de", "la", "C.C.A.S.", ". ", "&", "+", "+", "#", "3", "000", "kw", "St",
		"Ω", "ж", "東", "\xff", "\u0301", "(", ")", "°", "\u1fef", "\u212a", "\u037e",
		strings.Repeat("long", 15),
	}
	for range 5_000 {
		var text strings.Builder
		for range random.IntN(25) {
			text.WriteString(pieces[random.IntN(len(pieces))])
		}
		checkText(t, text.String(), uint8(random.Uint32()), uint8(random.Uint32()))
		if t.Failed() {
			return
		}
	}
}

// TestEveryCharacter goes through the planes of Unicode that have letters.
func TestEveryCharacter(t *testing.T) {
	for r := range rune(0x32000) {
		text := string(r)
		folded := Fold(text)
		if again := Fold(folded); again != folded {
			t.Errorf("%U %s folds to %q, then to %q", r, text, folded, again)
		}
		terms, _ := Terms(text)
		for name, form := range map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD} {
			changed := form.String(text)
			if got := Fold(changed); got != folded {
				t.Errorf("%U %s folds to %q, in %s to %q", r, text, folded, name, got)
			}
			if got, _ := Terms(changed); !slices.Equal(got, terms) {
				t.Errorf("%U %s has the terms %q, in %s %q", r, text, terms, name, got)
			}
		}
	}
}

var (
	word = regexp.MustCompile(`^[a-z0-9]{1,64}$`)
	pair = regexp.MustCompile(`^([a-z0-9]+_[a-z0-9]+|_[0-9a-f]{63})$`)
)

func checkText(t *testing.T, text string, from, to uint8) {
	checkRequired(t, text)
	terms, cut := Terms(text)
	if cut != (len(Phrase(text)) > MaxTerms) {
		t.Errorf("%q has %d terms, cut %v", text, len(terms), cut)
	}
	for i, term := range terms {
		if len(term) > MaxTermLength || !word.MatchString(term) && !pair.MatchString(term) {
			t.Errorf("%q has the term %q", text, term)
		}
		if slices.Contains(terms[:i], term) {
			t.Errorf("%q has %q twice", text, term)
		}
	}
	again, _ := Terms(text)
	if diff := cmp.Diff(terms, again); diff != "" {
		t.Errorf("%q differs from itself:\n%s", text, diff)
	}

	tokens := Tokens(text)
	end, sentence := 0, 0
	for _, token := range tokens {
		if token.Start < end || token.End <= token.Start || token.End > len(text) ||
			token.Sentence < sentence || !word.MatchString(token.Term) {
			t.Errorf("%q has the token %+v", text, token)
		}
		end, sentence = token.End, token.Sentence
	}

	// A keyword copied from a text is found in it.
	if len(tokens) > 0 && !cut {
		i := int(from) % len(tokens)
		j := i + int(to)%(len(tokens)-i)
		keyword := text[tokens[i].Start:tokens[j].End]
		phrase := Phrase(keyword)
		if len(phrase) == 0 {
			t.Errorf("%q of %q has no term", keyword, text)
		}
		for _, term := range phrase {
			if !slices.Contains(terms, term) {
				t.Errorf("%q is in %q, but the term %q is not", keyword, text, term)
			}
		}
	}

	// Neither case nor the encoding of accents matters. Invalid text and letters of other alphabets are left out:
	// changing case does more to them, and normalising replaces some by others.
	if strings.ContainsFunc(text, func(r rune) bool {
		return r >= 0x250 && !strings.ContainsRune("’\u0300\u0301\u0327\u1fef\u212a\u037e東жΩ", r)
	}) {
		return
	}
	for name, change := range map[string]func(string) string{
		"NFC": norm.NFC.String, "NFD": norm.NFD.String, "upper": strings.ToUpper, "lower": strings.ToLower,
	} {
		changed, _ := Terms(change(text))
		if diff := cmp.Diff(terms, changed); diff != "" {
			t.Errorf("%q differs in %s:\n%s", text, name, diff)
		}
		if a, b := Fold(text), Fold(change(text)); a != b {
			t.Errorf("%q folds to %q, in %s to %q", text, a, name, b)
		}
	}
	if a, b := Fold(text), Fold(Fold(text)); a != b {
		t.Errorf("%q folds to %q, then to %q", text, a, b)
	}
}

// BenchmarkTerms is of a notice of 2 kB.
func BenchmarkTerms(b *testing.B) {
	fields := []string{
		"Travaux de réhabilitation et d’extension du groupe scolaire Jean-Moulin – lots n° 1 à 12",
		"2024-TVX-017", "24-118342",
		"Lot n° 1 : Gros œuvre – démolition", "Lot n° 2 : Charpente, couverture et zinguerie",
		"Lot n° 3 : Menuiseries extérieures aluminium", "Lot n° 4 : Électricité – courants forts et faibles",
		"Travaux de construction de bâtiments relatifs à l’enseignement et à la recherche",
		notice,
	}
	size := 0
	for _, field := range fields {
		size += len(field)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		Terms(fields...)
	}
}

const notice = `La présente consultation concerne les travaux de réhabilitation, d’extension et de mise
en conformité du groupe scolaire Jean-Moulin, situé 14, avenue de la République à Bourg-en-Bresse
(Ain). L’opération comprend la démolition des préaux existants, la construction de quatre salles de
classe et d’un restaurant scolaire de 450 m², l’isolation thermique par l’extérieur, le remplacement
des menuiseries, la réfection complète des réseaux d’eau, de chauffage et d’électricité, ainsi que
l’aménagement des cours et des abords (V.R.D.). Les travaux seront réalisés en site occupé, en trois
tranches : une tranche ferme et deux tranches optionnelles. La durée prévisionnelle est de 18 mois,
période de préparation comprise. La maîtrise d’œuvre est assurée par un groupement dont le mandataire
est l’agence d’architecture ; la coordination en matière de sécurité et de protection de la santé
(S.P.S.) est confiée à un prestataire désigné par le maître de l’ouvrage. Une visite des lieux est
obligatoire avant la remise des offres. Les candidats peuvent répondre seuls ou en groupement
conjoint avec mandataire solidaire. Les variantes sont autorisées pour les lots n° 3 et 4 dans les
conditions prévues au règlement de la consultation. Des clauses sociales d’insertion et des clauses
environnementales sont intégrées au marché : 5 % des heures travaillées sont réservées à des publics
éloignés de l’emploi, et les déchets de chantier sont triés et valorisés.`

// checkRequired checks that what a keyword requires is all of its phrase but the words of its pairs.
func checkRequired(t *testing.T, keyword string) {
	required, tokens := Required(keyword), Tokens(keyword)
	paired := make(map[string]bool)
	for i := 1; i < len(tokens); i++ {
		if tokens[i-1].Sentence == tokens[i].Sentence {
			paired[tokens[i-1].Term], paired[tokens[i].Term] = true, true
		}
	}
	for _, term := range Phrase(keyword) {
		if !slices.Contains(required, term) && !paired[term] {
			t.Errorf("%q: %q is not required, and nothing implies it", keyword, term)
		}
	}
	for _, term := range required {
		if !slices.Contains(Phrase(keyword), term) {
			t.Errorf("%q requires %q, which is not in its phrase", keyword, term)
		}
	}
}
