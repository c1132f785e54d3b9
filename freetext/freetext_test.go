package freetext_test

import (
	"slices"
	"strings"
	"testing"

	"vigie"
	"vigie/freetext"
)

// said is a search in one line.
func said(s freetext.Search) string {
	var parts []string
	word := func(w freetext.Word) string {
		text := strings.Join(w.Terms, "+")
		if w.Begin != "" {
			text += " " + w.Begin + "…"
		}
		if w.Code != "" {
			text += " code:" + w.Code
		}
		if w.CPV != "" {
			text += " cpv:" + w.CPV
		}
		if w.Place != nil {
			text += " in:" + w.Place.Name
		}
		return text
	}
	for _, w := range s.Words {
		parts = append(parts, word(w))
	}
	for _, w := range s.Excluded {
		parts = append(parts, "-"+word(w))
	}
	return strings.Join(parts, " | ")
}

func TestParse(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"de la", ""},
		{"?!", ""},
		{"travaux de voirie", "travaux | voirie"},
		{"l'eau potable", "eau | potable"},
		{"chauffe-eau", "chauffe+eau+chauffe_eau"},
		{"eau/gaz", "eau | gaz"},
		{"Bourg-en-Bresse", "bourg+bresse+bourg_bresse"},
		{`"groupe scolaire" ain`, "groupe+scolaire+groupe_scolaire | ain in:Ain (01)"},
		{`«eau potable`, "eau+potable+eau_potable"},
		{"repas -cantine", "repas | -cantin"},
		{`repas -"eau potable"`, "repas | -eau+potable+eau_potable"},
		{"repas - cantine", "repas | cantin"},
		{"repas -", "repas"},
		{"-12", "12"},
		{"lot 2", "lot+2+lot_2"},
		{"lots 2", "lot+2+lot_2"},
		{"lot", "lot in:Lot (46)"},
		{"lot cuisine", "lot | cuisin"},
		{"voirie haute savoie", "voirie | haut+savoie+haut_savoie in:Haute-Savoie (74)"},
		{"Haute-Savoie", "haut+savoie+haut_savoie in:Haute-Savoie (74)"},
		{"Savoie", "savoie in:Savoie (73)"},
		{"Auvergne", "auvergne in:Auvergne"},
		{"Rhône", "rhone in:Rhône (69)"},
		{"sdis 29", "sdi | 29 in:Finistère (29)"},
		{"S.D.I.S. 29", "sdi | 29 in:Finistère (29)"},
		{"29", "29"},
		{"29 logements", "29 | logement"},
		{"25-127510", "25+127510+25_127510 code:25127510"},
		{"45233140", "45233140 code:45233140 cpv:4523314"},
		{"90910000-9", "90910000+9+90910000_9 code:909100009 cpv:9091"},
		{"45233", "45233 code:45233 cpv:45233"},
		{"45200", "45200 code:45200"},
		{"12345", "12345 code:12345"},
	} {
		got := said(freetext.Parse(test.text, false))
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.text, got, test.want)
		}
	}
	for text, want := range map[string]string{
		"voirie ass": "voirie | ass ass…", "voirie ": "voirie", "v": "v", "bourg-en-br": "bourg | br br…", "25-127": "25+127+25_127 code:25127",
	} {
		if got := said(freetext.Parse(text, true)); got != want {
			t.Errorf("%s, still typed: %q", text, got)
		}
	}
	if n := len(freetext.Parse(strings.Repeat("mot ", 30), false).Words); n != freetext.MaxWords {
		t.Errorf("%d words", n)
	}
}

// A place is offered as a filter, together with the text that is left.
func TestPlaces(t *testing.T) {
	for text, want := range map[string]string{
		"voirie":                       "",
		"Ain":                          "Ain (01): ",
		"voirie ain":                   "Ain (01): voirie",
		"  voirie   dans l’Ain, lot 2": "Ain (01): voirie lot 2",
		"école de la Haute Savoie":     "Haute-Savoie (74): école",
		"Haute-Savoie voirie":          "Haute-Savoie (74): voirie",
		"voirie, Ain (01)":             "Ain (01): voirie",
		"voirie (01)":                  "Ain (01): voirie",
		`"eau potable" Ain -gaz`:       `Ain (01): "eau potable" -gaz`,
		`«eau» en PACA "lot"`:          `PACA: «eau» "lot"`,
		"Ain voirie Rhône":             "Ain (01): voirie Rhône | Rhône (69): Ain voirie",
		"voirie -Ain":                  "",
	} {
		var said []string
		for _, place := range freetext.Parse(text, false).Places() {
			said = append(said, place.Name+": "+place.Rest)
		}
		if got := strings.Join(said, " | "); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestFacts(t *testing.T) {
	siret := "21010053700013"
	f := freetext.FactsOf(&vigie.Tender{SourceRef: "25-1", Content: vigie.Content{
		Title: "Écoles de la Z.A.C.", Reference: "MAPA n° 12/2026", CPVCodes: []string{"45233140"},
		Lots:        []vigie.Lot{{Number: "2", Title: "Peinture", Description: "Ravalement des façades"}},
		Details:     vigie.Details{Awards: []vigie.LotAward{{Winners: []vigie.Winner{{Name: "Dupont Couleurs"}}}}},
		Description: "Maîtrise d'ŒUVRE ; e\u0301coles",
	}}, &vigie.Buyer{Name: "Ville d'Exemple", City: "Exemple-sur-Ain", SIRET: &siret}, []string{"25-127510"})
	for name, list := range map[string]struct {
		has  []string
		want string
	}{
		"words": {f.Words, "ecole zac ville exemple ain lot_2 lot_2 2_peinture ravalement facade"}, "title": {f.Title, "ecole _ecoles zac _zac ecole_zac"},
		"buyer": {f.Buyer, "ville exemple ain __ville_exemple"}, "written": {f.Written, "ecoles zac peinture routiers"},
		"spelled": {f.Spelled, "écoles œuvre"},
		"codes":   {f.Codes, "mapan122026 25127510 21010053700013 210100537"},
	} {
		for word := range strings.FieldsSeq(list.want) {
			if !slices.Contains(list.has, word) {
				t.Errorf("%s: %q lacks %s", name, list.has, word)
			}
		}
	}
	for _, word := range []string{"ecoles", "z.a.c", "d", "peinture"} {
		if slices.Contains(f.Spelled, word) {
			t.Errorf("%q is spelled with accents", word)
		}
	}
	if slices.Contains(f.Words, "dupont") {
		t.Error("winners are searched")
	}
	if slices.Contains(f.Words, "2026") || slices.Contains(f.Words, "127510") {
		t.Error("digits of references are words")
	}
}

func TestCorrect(t *testing.T) {
	v := freetext.NewVocabulary(map[string]int{
		"assainissement": 90, "voirie": 300, "voiries": 40, "maitrise": 500, "oeuvre": 500, "deuvre": 1, "transport": 200,
		"scolaire": 200, "transfert": 20, "hopital": 6, "ecole": 50, "école": 30, "écolé": 8, "ecoles": 40, "œuvre": 400, "hôpital": 5, "voïrie": 2, "nettoyage": 80, "lyon": 9, "route": 90, "rouge": 3,
	})
	for _, test := range []struct{ text, want string }{
		{"asainissement vorie", "assainissement voirie"},
		{"asainissement, vorie", "assainissement, voirie"},
		{"maitrise deuvre", "maitrise œuvre"},
		{"transport scolaire", ""},
		{"hopitaux", ""},
		{"zcole", "école"},
		{"ecloe", "école"},
		{"ECLOE", "école"},
		{"hopitzl", "hôpital"},
		{"nettoiyage", "nettoyage"},
		{"nettoiyagge", "nettoyage"},
		{"netoiyagges", ""},
		{"voirei Ain", "voirie Ain"},
		{"Aisne", ""},
		{"12345", ""},
		{"roude", "route"},
		{"lio", ""},
		{"", ""},
		{strings.Repeat("é", 200), ""},
		{strings.Repeat("\ufb03", 200), ""},
	} {
		if got, ok := v.Correct(test.text, false); got != test.want || ok != (test.want != "") {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
	if got, _ := v.Correct("travaux asain", true); got != "travaux assainissement" {
		t.Errorf("a beginning with an error: %q", got)
	}
	if got, _ := v.Correct("nettoya", true); got != "" {
		t.Errorf("a beginning: %q", got)
	}
}

func TestSpans(t *testing.T) {
	const text = "Maîtrise d’œuvre : écoles de Haute-Savoie"
	for query, want := range map[string]string{
		"oeuvre": "œuvre", `"maitrise d'oeuvre"`: "Maîtrise d’œuvre", "école Haute-Savoie": "écoles|Haute-Savoie", "ec": "écoles", "-oeuvre": "",
	} {
		var found []string
		for _, span := range freetext.Parse(query, query == "ec").Spans(text) {
			found = append(found, text[span.Start:span.End])
		}
		if got := strings.Join(found, "|"); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"voirie", `-"a b" c`, "45233140-2", "\ufdfa", "«»", "- -a", "a-b-2", "lot 2", "\xff\xfe"} {
		f.Add(text, true)
	}
	v := freetext.NewVocabulary(map[string]int{"voirie": 3, "école": 2, "a": 1})
	f.Fuzz(func(t *testing.T, text string, complete bool) {
		s := freetext.Parse(text, complete)
		if len(s.Words) > freetext.MaxWords || len(s.Excluded) > freetext.MaxWords {
			t.Errorf("%q: too many words: %v", text, s)
		}
		for _, w := range append(s.Words, s.Excluded...) {
			if len(w.Terms) == 0 {
				t.Errorf("%q: a word without terms", text)
			}
		}
		for _, span := range s.Spans(text) {
			if span.Start < 0 || span.Start >= span.End || span.End > len(text) {
				t.Errorf("%q: a span %v", text, span)
			}
		}
		if corrected, ok := v.Correct(text, complete); ok && corrected == text {
			t.Errorf("%q is corrected to itself", text)
		}
		for _, place := range s.Places() {
			if len(place.Rest) >= len(text) {
				t.Errorf("%q: %q is left of it without %s", text, place.Rest, place.Name)
			}
		}
	})
}

// BenchmarkCorrect puts two wrong words right, with as many known words as there may be.
func BenchmarkCorrect(b *testing.B) {
	counts := make(map[string]int)
	for i := range freetext.MaxVocabulary {
		word := make([]byte, 4+i%12)
		for j, n := range word {
			_ = n
			word[j] = byte('a' + (i*(j+7)+i/(j+1))%26)
		}
		counts[string(word)] = 1 + i%500
	}
	v := freetext.NewVocabulary(counts)
	for b.Loop() {
		v.Correct("asainissement vorie", false)
	}
}
