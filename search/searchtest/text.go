package searchtest

import (
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vigie/query"
	"vigie/search"
)

// texts are documents with texts to search.
func texts() []search.Document {
	docs := []search.Document{
		{Title: "Réfection de la voirie communale", Description: "Travaux d'enrobés sur les chaussées du centre-ville.", BuyerName: "Commune de Bourg-en-Bresse", Other: []string{"Lot 2 : signalisation horizontale", "MAPA-2026-045"}},
		{Title: "Fourniture de repas", Description: "Préparation et livraison de repas pour les cantines. La voirie n'est pas concernée.", BuyerName: "Ville d'Annecy"},
		{Title: "Maîtrise d'œuvre pour l'extension d'un groupe scolaire", Description: "Mission de base.", BuyerName: "Département de l'Ain"},
		{Title: "Entretien des espaces verts", Description: "", BuyerName: "Communauté d'agglomération du Pays Voironnais"},
		{Title: "Nettoyage des vitres", Description: "Bâtiments communaux : écoles et gymnases.", BuyerName: "Ville de Grenoble", Other: []string{"Nettoyage de bâtiments"}},
	}
	for i := range docs {
		docs[i].ID, docs[i].Number = int64(i)+1, int64(i)+1
		docs[i].PublishedAt = after(float64(-i))
		docs[i].Facts[query.Department] = []string{[]string{"01", "74", "01", "38", "38"}[i]}
		docs[i].Facts[query.Term] = []string{[]string{"a", "b", "a", "b", "a"}[i]}
	}
	return docs
}

// testText searches texts tolerantly, and everything else exactly.
func testText(t *testing.T, open func(*testing.T) search.Engine) {
	index := indexOf(t, open, texts()...)
	for _, test := range []struct {
		name string
		q    search.Query
		want []int64 // newest first
	}{
		{"a word of a title", search.Query{Text: "vitres"}, []int64{5}},
		{"a word of a title and of a description", search.Query{Text: "voirie"}, []int64{1, 2}},
		{"a buyer", search.Query{Text: "Annecy"}, []int64{2}},
		{"the rest", search.Query{Text: "signalisation"}, []int64{1}},
		{"a reference", search.Query{Text: "2026-045"}, []int64{1}},
		{"case", search.Query{Text: "REPAS"}, []int64{2}},
		{"accents left out", search.Query{Text: "refection"}, []int64{1}},
		{"accents too many", search.Query{Text: "vîtrés"}, []int64{5}},
		{"accents apart", search.Query{Text: "re\u0301fection"}, []int64{1}},
		{"a ligature left out", search.Query{Text: "oeuvre"}, []int64{3}},
		{"a ligature", search.Query{Text: "ŒUVRE"}, []int64{3}},
		{"an elision", search.Query{Text: "l'extension"}, []int64{3}},
		{"a curly elision", search.Query{Text: "d’agglomération"}, []int64{4}},
		{"a letter wrong", search.Query{Text: "voirle"}, []int64{1, 2}},
		{"a letter missing", search.Query{Text: "vorie"}, []int64{1, 2}},
		{"a letter too many", search.Query{Text: "voierie"}, []int64{1, 2}},
		{"two letters swapped", search.Query{Text: "viorie"}, []int64{1, 2}},
		{"two errors in a long word", search.Query{Text: "signallisatoin"}, []int64{1}},
		{"no errors in a short word", search.Query{Text: "vile"}, nil},
		{"a word that is not there", search.Query{Text: "zzqxw"}, nil},
		{"two words in one field", search.Query{Text: "espaces verts"}, []int64{4}},
		{"two words in two fields", search.Query{Text: "scolaire ain"}, []int64{3}},
		{"two words of which one is missing", search.Query{Text: "voirie gymnases"}, nil},
		{"two words, with an error and without accent", search.Query{Text: "batimens ecoles"}, []int64{5}},
		{"words in any order", search.Query{Text: "communale voirie"}, []int64{1}},
		{"stop words do not count", search.Query{Text: "le repas de la ville"}, []int64{2}},
		{"the beginning of the last word", search.Query{Text: "espaces ver"}, []int64{4}},
		{"the beginning of a word before", search.Query{Text: "espa verts"}, nil},
		{"a minus is no operator", search.Query{Text: "repas -cantines"}, []int64{2}},
		{"quotes are no operators", search.Query{Text: `"scolaire groupe"`}, []int64{3}},
		{"a hyphen", search.Query{Text: "bourg-en-bresse"}, []int64{1}},
		{"punctuation alone", search.Query{Text: "?!"}, nil},
		{"stop words alone", search.Query{Text: "de la"}, nil},
		{"blank", search.Query{Text: " \t"}, []int64{1, 2, 3, 4, 5}},
		{"words beyond those that count", search.Query{Text: strings.Repeat("voirie ", search.MaxWords) + "zzqxw"}, []int64{1, 2}},
		{"ten words", search.Query{Text: "réfection voirie communale travaux enrobés chaussées centre ville commune signalisation"}, []int64{1}},
		{"ten words, the last missing", search.Query{Text: "réfection voirie communale travaux enrobés chaussées centre ville commune zzqxw"}, nil},
		{"a very long word", search.Query{Text: strings.Repeat("abcdefghijklmnopqrstuvwxyzé", 7)}, nil},
		{"very many words", search.Query{Text: strings.Repeat("zq ", 60)}, nil},
		{"a word of ligatures", search.Query{Text: strings.Repeat("\ufb03", 200)}, nil},
		{"a word of sentences", search.Query{Text: strings.Repeat("\ufdfa", 200)}, nil},
		{"ten words of another script", search.Query{Text: strings.Repeat("日月火水木金土山川田人口車門東西南北春夏 ", 10)}, nil},
		{"two letters swapped and one wrong", search.Query{Text: "signalistaiom"}, []int64{1}},
		{"with a filter", search.Query{Text: "voirie", Filter: search.Filter{Values: query.Values{query.Department: {"74"}}}}, []int64{2}},
		{"with a formula", search.Query{Text: "voirie", Any: formula(query.Clause{term("a")})}, []int64{1}},
		{"with exclusions", search.Query{Text: "voirie", Any: []query.Formula{{Excluded: []query.Conj{term("a")}}}}, []int64{2}},
		{"with a false formula", search.Query{Text: "voirie", Any: []query.Formula{}}, nil},
		{"without one", search.Query{Text: "voirie", Without: []int64{1}}, []int64{2}},
		{"after a key", search.Query{Text: "voirie", After: &search.Key{At: new(base), ID: 1}}, []int64{2}},
		{"in the other order", search.Query{Text: "voirie", Order: search.PublishedAsc}, []int64{2, 1}},
		{"by number", search.Query{Text: "voirie", Order: search.PublishedAsc, Offset: 1}, []int64{1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := test.q
			q.Limit = 10
			r := ask(t, index, q)
			if diff := gocmp.Diff(test.want, ids(r), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if q.After == nil && q.Offset == 0 && r.Total != len(test.want) {
				t.Errorf("total %d", r.Total)
			}
		})
	}
	r := ask(t, index, search.Query{
		Text: "voirie", Order: search.Relevance, Limit: 1,
		Filter: search.Filter{Values: query.Values{query.Department: {"01"}}}, Facets: []query.Field{query.Department},
	})
	want := map[query.Field]map[string]int{query.Department: {"01": 1, "74": 1}}
	if diff := gocmp.Diff(want, r.Counts); diff != "" || r.Total != 1 {
		t.Errorf("facets of a text: total %d, -want +got:\n%s", r.Total, diff)
	}
}

// testRelevance checks that better rows come first.
func testRelevance(t *testing.T, open func(*testing.T) search.Engine) {
	docs := []search.Document{
		{Title: "Marché de services", Description: "Balayage de la voirie et des trottoirs de la commune"},
		{Title: "Travaux de voirie", Description: "Programme annuel de la commune"},
		{Title: "Travaux de voirle", Description: "Programme annuel de la commune"},
		{Title: "Achat de fournitures", Description: "Papier et crayons", BuyerName: "Ville"},
	}
	for i := range docs {
		docs[i].ID, docs[i].Number = int64(i)+1, int64(i)+1
		docs[i].PublishedAt = after(float64(i)) // the worst is the newest
	}
	// Rows that tie, among others that make the words less rare.
	for id := int64(10); id < 40; id++ {
		d := with(id, id, "a")
		d.Title, d.Description = "Éclairage public", "Remplacement de lampadaires"
		d.PublishedAt = after(float64(id % 3))
		docs = append(docs, d)
	}
	index, all := indexOf(t, open, docs...), naive{}
	all.put(docs)
	by := func(text string, offset, limit int) []int64 {
		r := ask(t, index, search.Query{Text: text, Order: search.Relevance, Offset: offset, Limit: limit})
		return ids(r)
	}
	if got := by("voirie", 0, 10); len(got) != 3 || got[0] != 2 || !slices.Contains(got, 3) {
		t.Errorf("a title comes before a description, and what is right before an error: %v", got)
	}
	want := slices.DeleteFunc(ids(all.search(search.Query{Limit: 100})), func(id int64) bool { return id < 10 })
	var got []int64
	for offset := 0; offset < len(want); offset += 7 {
		got = append(got, by("éclairage lampadaires", offset, 7)...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("equals, newest first, by pages:\n%v, want\n%v", got, want)
	}
	for _, order := range append(orders(), search.Relevance) {
		r := ask(t, index, search.Query{Text: "éclairage lampadaires", Order: order, Limit: 100})
		if len(r.Hits) != len(want) {
			t.Errorf("%s: %d rows, want %d", order, len(r.Hits), len(want))
		}
		for _, hit := range r.Hits {
			key := search.Key{ID: hit.ID}
			if order != search.Relevance {
				key = keyOf(order, all[hit.ID])
			}
			if diff := gocmp.Diff(key, hit.Key); diff != "" {
				t.Errorf("%s: -want +got:\n%s", order, diff)
			}
		}
	}
}

// testHighlights checks where a text was found.
func testHighlights(t *testing.T, open func(*testing.T) search.Engine) {
	long := strings.Repeat("Les prestations sont détaillées dans le règlement. ", 20) +
		"La réfection des chaussées <b>pavées</b> & trottoirs est à prévoir. " + strings.Repeat("Visite obligatoire du site à 9 h. ", 20)
	docs := []search.Document{
		{ID: 1, Title: "Réfection de <i>voirie</i>", Description: long},
		{ID: 2, Title: "Entretien", Description: "Voirie : réfections ponctuelles"},
		{ID: 3, Title: "Autre marché", Description: "Sans rapport", BuyerName: "Syndicat de voirie", Other: []string{"Réfection"}},
	}
	for i := range docs {
		docs[i].Number, docs[i].PublishedAt = docs[i].ID, after(float64(-i))
	}
	index := indexOf(t, open, docs...)
	r := ask(t, index, search.Query{Text: "refection voirie", Limit: 10})
	if !slices.Equal(ids(r), []int64{1, 2, 3}) {
		t.Fatalf("rows %v", ids(r))
	}
	passages := func(hit search.Hit) map[string]string {
		marked := map[string]string{}
		for _, h := range hit.Highlights {
			for _, part := range h.Parts {
				if part.Hit {
					part.Text = "[" + part.Text + "]"
				}
				marked[h.Field] += part.Text
			}
		}
		return marked
	}
	first := passages(r.Hits[0])
	if got, want := first["title"], "[Réfection] de <i>[voirie]</i>"; got != want {
		t.Errorf("title %q, want %q", got, want)
	}
	passage := first["description"]
	if !strings.Contains(passage, "La [réfection] des chaussées <b>pavées</b> & trottoirs") {
		t.Errorf("description %q", passage)
	}
	if n := len([]rune(passage)); n < 100 || n > 210 || !strings.HasPrefix(passage, "…") || !strings.HasSuffix(passage, "…") {
		t.Errorf("a passage of %d characters: %q", n, passage)
	}
	if cut := strings.NewReplacer("…", "", "[", "", "]", "").Replace(passage); !strings.Contains(long, cut) {
		t.Errorf("a passage that the description does not hold: %q", cut)
	}
	second := passages(r.Hits[1])
	if _, ok := second["title"]; ok || !strings.HasPrefix(second["description"], "[Voirie] : [réfection") {
		t.Errorf("highlights %q", second)
	}
	if len(r.Hits[2].Highlights) != 0 {
		t.Errorf("nothing was found in title or description: %+v", r.Hits[2].Highlights)
	}
	for _, hit := range ask(t, index, search.Query{Limit: 10}).Hits {
		if len(hit.Highlights) > 0 {
			t.Errorf("highlights of no text: %+v", hit)
		}
	}
}
