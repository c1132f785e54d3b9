package searchtest

import (
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vigie"
	"vigie/freetext"
	"vigie/query"
	"vigie/search"
)

// words are what a search knows of a tender with these texts.
func words(title, description, buyer string, lots ...string) freetext.Facts {
	t := &vigie.Tender{Content: vigie.Content{Title: title, Description: description}}
	for _, lot := range lots {
		t.Lots = append(t.Lots, vigie.Lot{Title: lot})
	}
	return freetext.FactsOf(t, &vigie.Buyer{Name: buyer}, nil)
}

// texts are documents with texts to search.
func texts() []search.Document {
	docs := []search.Document{
		{Text: words("Réfection de la voirie communale", "Travaux d'enrobés sur les chaussées du centre-ville.", "Commune de Bourg-en-Bresse", "Lot 2 : signalisation horizontale")},
		{Text: words("Fourniture de repas", "Préparation et livraison de repas pour les cantines. La voirie n'est pas concernée.", "Ville d'Annecy")},
		{Text: words("Maîtrise d'œuvre pour l'extension d'un groupe scolaire", "Mission de base.", "Département de l'Ain")},
		{Text: words("Entretien des espaces verts", "", "Communauté d'agglomération du Pays Voironnais")},
		{Text: words("Nettoyage des vitres", "Bâtiments communaux : écoles et gymnases.", "Ville de Grenoble", "Nettoyage de bâtiments")},
	}
	for i := range docs {
		docs[i].ID, docs[i].Number = int64(i)+1, int64(i)+1
		docs[i].PublishedAt = after(float64(-i))
		docs[i].Facts[query.Department] = []string{[]string{"01", "74", "01", "38", "38"}[i]}
		docs[i].Facts[query.Term] = []string{[]string{"a", "b", "a", "b", "a"}[i]}
		docs[i].Facts[query.CPV] = [][]string{{"45", "452", "4523"}, nil, nil, {"77", "773"}, nil}[i]
	}
	docs[0].Text.Codes = []string{"mapa2026045", "2512310", "21010053700013", "210100537"}
	return docs
}

// testText finds what a text means, by itself and together with all else.
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
		{"a reference", search.Query{Text: "MAPA-2026-045"}, []int64{1}},
		{"a reference in words", search.Query{Text: "mapa 2026 045"}, []int64{1}},
		{"a part of a reference", search.Query{Text: "2026-045"}, nil},
		{"the number of a notice, with a word", search.Query{Text: "voirie 25-12310"}, []int64{1}},
		{"a SIRET in groups", search.Query{Text: "210 100 537 00013"}, []int64{1}},
		{"a CPV code", search.Query{Text: "45230000-8"}, []int64{1}},
		{"a place in no text", search.Query{Text: "Haute-Savoie"}, []int64{2}},
		{"a place without its hyphen", search.Query{Text: "haute savoie repas"}, []int64{2}},
		{"a region", search.Query{Text: "repas Auvergne-Rhône-Alpes"}, []int64{2}},
		{"a part of a place", search.Query{Text: "haute repas"}, nil},
		{"a place that is a word", search.Query{Text: "lot signalisation"}, []int64{1}},
		{"a department's number", search.Query{Text: "vitres 38"}, []int64{5}},
		{"a lot", search.Query{Text: "lot 2"}, []int64{1}},
		{"another lot", search.Query{Text: "lot 1"}, nil},
		{"case", search.Query{Text: "REPAS"}, []int64{2}},
		{"accents left out", search.Query{Text: "refection"}, []int64{1}},
		{"accents too many", search.Query{Text: "vîtrés"}, []int64{5}},
		{"accents apart", search.Query{Text: "re\u0301fection"}, []int64{1}},
		{"a ligature left out", search.Query{Text: "oeuvre"}, []int64{3}},
		{"a ligature", search.Query{Text: "ŒUVRE"}, []int64{3}},
		{"an elision", search.Query{Text: "l'extension"}, []int64{3}},
		{"a curly elision", search.Query{Text: "d’agglomération"}, []int64{4}},
		{"a letter wrong", search.Query{Text: "voirle"}, nil},
		{"corrected", search.Query{Text: "voirle", Corrected: "voirie"}, []int64{1, 2}},
		{"right, and something else", search.Query{Text: "vitres", Corrected: "repas"}, []int64{2, 5}},
		{"a word that is not there", search.Query{Text: "zzqxw"}, nil},
		{"two words in one field", search.Query{Text: "espaces verts"}, []int64{4}},
		{"two words in two fields", search.Query{Text: "scolaire ain"}, []int64{3}},
		{"two words of which one is missing", search.Query{Text: "voirie gymnases"}, nil},
		{"words in any order", search.Query{Text: "communale voirie"}, []int64{1}},
		{"stop words do not count", search.Query{Text: "le repas de la ville"}, []int64{2}},
		{"the beginning of the last word", search.Query{Text: "espaces ver"}, nil},
		{"the beginning of the last word, still typed", search.Query{Text: "espaces ver", Complete: true}, []int64{4}},
		{"a plural that is typed as a beginning", search.Query{Text: "signalisations", Complete: true}, []int64{1}},
		{"a word that is typed to its end", search.Query{Text: "espaces ver ", Complete: true}, nil},
		{"the beginning of a word before", search.Query{Text: "espa verts", Complete: true}, nil},
		{"a letter is no beginning", search.Query{Text: "r", Complete: true}, nil},
		{"an excluded word", search.Query{Text: "voirie -cantines"}, []int64{1}},
		{"excluded words alone", search.Query{Text: "-voirie -vitres"}, []int64{3, 4}},
		{"an excluded phrase", search.Query{Text: `voirie -"livraison de repas"`}, []int64{1}},
		{"a minus with a space", search.Query{Text: "voirie - cantines"}, []int64{2}},
		{"a phrase", search.Query{Text: `"groupe scolaire"`}, []int64{3}},
		{"a phrase the other way round", search.Query{Text: `"scolaire groupe"`}, nil},
		{"a phrase across sentences", search.Query{Text: "«cantines voirie»"}, nil},
		{"a phrase not yet closed", search.Query{Text: `repas "livraison de`}, []int64{2}},
		{"a hyphen", search.Query{Text: "bourg-en-bresse"}, []int64{1}},
		{"punctuation alone", search.Query{Text: "?!"}, []int64{1, 2, 3, 4, 5}},
		{"stop words alone", search.Query{Text: "de la"}, []int64{1, 2, 3, 4, 5}},
		{"blank", search.Query{Text: " \t"}, []int64{1, 2, 3, 4, 5}},
		{"words beyond those that count", search.Query{Text: strings.Repeat("voirie ", freetext.MaxWords) + "zzqxw"}, []int64{1, 2}},
		{"ten words", search.Query{Text: "réfection voirie communale travaux enrobés chaussées centre ville commune signalisation"}, []int64{1}},
		{"ten words, the last missing", search.Query{Text: "réfection voirie communale travaux enrobés chaussées centre ville commune zzqxw"}, nil},
		{"a very long word", search.Query{Text: strings.Repeat("abcdefghijklmnopqrstuvwxyzé", 7)}, nil},
		{"very many words", search.Query{Text: strings.Repeat("zq ", 60)}, nil},
		{"a word of ligatures", search.Query{Text: strings.Repeat("\ufb03", 200)}, nil},
		{"a word of sentences", search.Query{Text: strings.Repeat("\ufdfa", 200)}, nil},
		{"ten words of another script", search.Query{Text: strings.Repeat("日月火水木金土山川田人口車門東西南北春夏 ", 10)}, nil},
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
		{Text: words("Achat de voirle", "", "Commune de Lyon")},
		{Text: words("Marché de services", "Balayage des voiries et des trottoirs de la commune", "Commune de Bron")},
		{Text: words("Achat de papier", "", "Régie des voiries")},
		{Text: words("Travaux de voiries", "", "Commune de Bron")},
		{Text: words("Travaux de voirie", "Programme annuel", "Commune de Bron")},
		{Text: words("Achat de crayons", "", "Voirie")},
		{Text: words("Achat de gants", "Pour les voiriers", "Commune de Bron")},
		{Text: words("Achat de voiriers", "", "Commune de Bron")},
	}
	for i := range docs {
		docs[i].ID, docs[i].Number = int64(i)+1, int64(i)+1
		docs[i].PublishedAt = after(float64(-i)) // the best is the oldest
	}
	// Rows that tie, among others.
	for id := int64(10); id < 40; id++ {
		d := with(id, id, "a")
		d.Text = words("Éclairage public", "Remplacement de lampadaires", "")
		d.PublishedAt = after(float64(id % 3))
		docs = append(docs, d)
	}
	index, all := indexOf(t, open, docs...), naive{}
	all.put(docs)
	by := func(q search.Query) []int64 {
		q.Order, q.Limit = search.Relevance, max(q.Limit, 7)
		return ids(ask(t, index, q))
	}
	for name, test := range map[string]struct {
		q    search.Query
		want []int64
	}{
		"tiers":           {search.Query{Text: "voirie"}, []int64{6, 5, 4, 3, 2}},
		"as a beginning":  {search.Query{Text: "voirie", Complete: true}, []int64{6, 5, 4, 3, 2, 8, 7}},
		"corrected":       {search.Query{Text: "voirle", Corrected: "voirie"}, []int64{1, 6, 5, 4, 3, 2}},
		"from the third":  {search.Query{Text: "voirie", Offset: 2, Limit: 7}, []int64{4, 3, 2}},
		"beyond the end":  {search.Query{Text: "voirie", Offset: 9, Limit: 7}, []int64{}},
		"all but a buyer": {search.Query{Text: "voirie -régie"}, []int64{6, 5, 4, 2}},
	} {
		if got := by(test.q); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	want := slices.DeleteFunc(ids(all.search(search.Query{Limit: 100})), func(id int64) bool { return id < 10 })
	var got []int64
	for offset := 0; offset < len(want); offset += 7 {
		got = append(got, by(search.Query{Text: "éclairage lampadaires", Offset: offset})...)
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

// testWords counts the words as they are written.
func testWords(t *testing.T, open func(*testing.T) search.Engine) {
	index := indexOf(t, open, texts()...)
	counts, err := index.Words(t.Context())
	check(t, err)
	for word, want := range map[string]int{"voirie": 2, "batiments": 1, "oeuvre": 1, "ville": 3, "batiment": 0, "de": 0, "voirie_communale": 0, "bâtiments": 1, "œuvre": 1, "école": 0, "écoles": 1, "ecoles": 1} {
		if counts[word] != want {
			t.Errorf("%s: %d, want %d", word, counts[word], want)
		}
	}
}
