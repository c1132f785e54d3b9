package lexicon

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata/terms.tsv with what the code makes; read the difference")

// TestGolden compares the terms of words and phrases with a file that was reviewed line by line: a text, a tab, its
// terms.
func TestGolden(t *testing.T) {
	const name = "testdata/terms.tsv"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			got.WriteString(line + "\n")
			continue
		}
		text, _, _ := strings.Cut(line, "\t")
		terms, cut := Terms(unescape.Replace(text))
		if cut {
			t.Errorf("%q has too many terms", text)
		}
		got.WriteString(text + "\t" + strings.Join(terms, " ") + "\n")
	}
	if *update {
		if err := os.WriteFile(name, []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(string(data), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("terms differ from %s (-want +got):\n%s", name, diff)
	}
}

// unescape lets a line of the golden file contain invisible characters.
var unescape = strings.NewReplacer(`\n`, "\n", `\s`, "\u00a0", `\-`, "\u00ad", `\'`, "\u0092",
	`\acute`, "\u0301", `\grave`, "\u0300", `\cedilla`, "\u0327")

// TestFamilies checks the tables of words for mistakes.
func TestFamilies(t *testing.T) {
	seen := make(map[string]bool)
	for _, word := range strings.Fields(irregular + unrelated + invariable) {
		if seen[word] {
			t.Errorf("%s is listed twice", word)
		}
		seen[word] = true
		if folded := Fold(word); word != folded {
			t.Errorf("%s is not folded: %s", word, folded)
		}
		if stopWords[word] {
			t.Errorf("%s is a stop word", word)
		}
	}
	for unit := range units {
		if len(unit) < 2 || len(unit) > maxUnit {
			t.Errorf("the unit %s has %d letters", unit, len(unit))
		}
	}
	for word, term := range families {
		if normalise(term) != term {
			t.Errorf("%s is %s, but that is %s", word, term, normalise(term))
		}
	}
}

// TestJoined has words and phrases that must have the same terms.
func TestJoined(t *testing.T) {
	for _, pair := range pairs(`
		eau eaux; réseau réseaux; école écoles; pont ponts; bâtiment bâtiments
		marché marchés; déchet déchets; ascenseur ascenseurs; accès accès
		local locaux; local locale; local locales; canal canaux
		bail baux; vitrail vitraux; émail émaux; corail coraux; soupirail soupiraux
		tuyau tuyaux; noyau noyaux; matériau matériaux; cheval chevaux; étau étaux
		journal journaux; hôpital hôpitaux; signal signaux; préau préaux; idéal idéaux
		royal royaux; jeu jeux; lieu lieux; enjeu enjeux; essieu essieux; pieu pieux
		œil yeux; bijou bijoux; clou clous; pneu pneus; sol sols; clé clés; clef clefs
		public publics; public publique; public publiques; européen européennes
		sportif sportive; actif active; neuf neuves; extérieur extérieure; supérieur supérieures
		gros grosse; gras grasses; bas basse; blanc blanche; sec sèche; long longue
		doux douce; faux fausse; nouveau nouvelle; nouveau nouvel; beau belle; vieux vieille
		frais fraîche; net nette; complet complète; secret secrètes; gentil gentille
		dangereux dangereuse; lumineux lumineuses; religieux religieuse
		directeur directrice; acteur actrices; ambassadeur ambassadrice
		acheteur acheteuse; pelleteur pelleteuses; chauffeur chauffeuse
		premier première; routier routière; ouvrier ouvrières; étranger étrangère
		boulanger boulangère; conseiller conseillère
		professionnel professionnelle; logiciel logicielle; culturel culturelles
		communal communale; communal communaux; communal communales
		ancien ancienne; électricien électricienne; moyen moyennes; piéton piétonne
		urbain urbaine; souterrain souterraines; plein pleine; voisin voisine; bovin bovine
		français française; chinois chinoise; gris grise; précis précise; divers diverses
		existant existante; permanent permanente; montagnard montagnarde; chaud chaude
		petit petite; grand grandes; haut haute; vert verte; ouvert ouvertes; court courte
		droit droite; gratuit gratuite; direct directe; exact exacte; adjoint adjointe
		rénové rénovée; rénové rénovées; rénové rénovés; isolé isolée; agréé agréée
		continu continue; prévu prévue; bleu bleue; aigu aiguë; contigu contiguë
		avocat avocate; candidat candidates; délicat délicate; médian médiane
		électricité electricite; rénovée renovee; maîtrise maitrise; œuvre oeuvre
		Œuvre OEUVRE; ŒUVRE œuvres; ÉCOLES école; V.R.D. VRD; v.r.d VRD; S.A.R.L sarl
		m² m2; CO₂ co2; 1ᵉʳ 1er; l’eau eau; l'eau eau; jusqu’au au; prud’hommes prudhomme
		presqu'île presquile; rez-de-chaussée rez\schaussées; chauffe-eau chauffe\seaux
		fonction fonctions; maître maîtresse; tout toutes; égal égaux
		CCAS C.C.A.S.; CCAS C.C.A.S; CCAS C.\sC.\sA.\sS.; CCAS C.\sC.\sA.\sS; ccas C.C.A.S.; c.c.a.s. CCAS
		SDIS S.D.I.S.; CROUS C.R.O.U.S.; CSPS C.S.P.S.; CHRS C.H.R.S.; MECS M.E.C.S.; sdis S.\sD.\sI.\sS.
		SAGE S.A.G.E.; V.R.D. V.\sR.\sD.
		St-Étienne Saint-Étienne; Ste\sThérèse Sainte-Thérèse; STE\sTHERESE Sainte-Thérèse; Stes-Maries Saintes-Maries
		3\s000\sm² 3000\sm2; 12\s500\s000 12500000; 1\s200m² 1200\sm2
		22kW 22\skW; 450m² 450\sm2; 8km 8\skm; 100kWc 100\skwc
		doeuvre d’œuvre; maitrise\sdoeuvre maîtrise\sd’œuvre; douvrage d’ouvrage; lexploitation l’exploitation
		R&D r&d; R&D R\s&\sD; C++ c++; C# c#`) {
		if a, b := Phrase(pair[0]), Phrase(pair[1]); !cmp.Equal(a, b) {
			t.Errorf("%s is %v, and %s is %v: want one", pair[0], a, pair[1], b)
		}
	}
}

// TestApart has words that look alike and must have different terms.
func TestApart(t *testing.T) {
	for _, pair := range pairs(`
		port porte; pont ponte; route routeur; route routier; formation format; formation forme
		format forme; commune communication; commune commun; électricité électrique
		station stationnement; signal signalisation; signal signalé; collège collègue
		informatique information; plan plane; cours course; cour course; point pointe
		bois boise; bois boisé; chauffage chauffe; déchet déchetterie; entretien entretenir
		menuiserie menuisier; matériel matériau; travail travée; tranche tranchée
		chausse chaussée; chemin cheminée; cuve cuvée; rue ruée; rame ramée; mare marée; muse musée
		entre entrée; dur durée; an année; jour journée; mat matinée; train traîne
		bassin bassine; médecin médecine; machin machine; vaccin vaccine; patin patine; dessin dessiné
		grain graine; gravier gravière; glacier glacière; poussier poussière; lisier lisière
		charnier charnière; sel selle; mur mûre; mer mère; pin pine; mat matte
		banquet banquette; navet navette; cachet cachette; billet billette; carton cartonné
		conduit conduite; colon colonne; ton tonne; vent vente; plant plante; devis devise
		section sectionné; condition conditionné; aliment alimenté; habit habité
		lieu lieue; lieu lieur; jeu jeune; bus buse; car carte; car care; lot lote; contrat contracté
		concert concerté; retrait retraite; fil file; vol vole; pile pilier; toit toiture
		pavé pavage; peinture peintre; piscine pisciculture; sanitaire santé; sécurité sécuritaire
		vidéo vide; câble câblage; gaz gazon; avis avion; nez nef; prix prise; riz ris; tapis tapisserie
		garde gardien; jardin jardinier; jardin jardiné; sport sportif; ville villa; matin matinée
		motif motivé; mandat mandaté; crédit crédité; tas tasse; balai balayeuse
		direct direction; marche marcheur; banc banque; base basse; col colle; sol sole
		travail travaux; CCAS C.\sC.\sC.; R&D R+2; R&D R; R&D RD; F&E fête; A&B A&C
		C++ C; C# C; C++ C#; C++ C+; C++\s17 C#\s17; A++ A+++; 3D 3; 2A 2; 5e 5; 22kW 22; 3\s000 3; 2024\s000 2024000; 3\s0000 30000
		moteur motrice\splus; 12 012; 2024 24; m2 m3; lot\s1 lot\s2`) {
		if a, b := Phrase(pair[0]), Phrase(pair[1]); cmp.Equal(a, b) || len(a) == 0 || len(b) == 0 {
			t.Errorf("%s is %v, and %s is %v: want two", pair[0], a, pair[1], b)
		}
	}
}

// pairs reads pairs of phrases, where \s is a space.
func pairs(list string) (pairs [][2]string) {
	for item := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ';' || r == '\n' }) {
		words := strings.Fields(item)
		if len(words) == 0 {
			continue
		}
		if len(words) != 2 {
			panic("not a pair: " + item)
		}
		pairs = append(pairs, [2]string{strings.ReplaceAll(words[0], `\s`, " "), strings.ReplaceAll(words[1], `\s`, " ")})
	}
	return pairs
}

func TestTokens(t *testing.T) {
	text := "Les écoles d’Aix. L’A.D.M.R. (e\u0301tude)"
	var got []string
	for _, token := range Tokens(text) {
		got = append(got, token.Term, text[token.Start:token.End], string(rune('0'+token.Sentence)))
	}
	want := []string{
		"ecole", "écoles", "0", "aix", "Aix", "0",
		"admr", "A.D.M.R", "1", "etude", "e\u0301tude", "1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestTermsCut fills a tender: the first terms stay, in order, and every pair has its words.
func TestTermsCut(t *testing.T) {
	var words []string
	for i := range MaxTerms {
		words = append(words, "x"+strings.Repeat("i", i%40)+"y"+strings.Repeat("o", i/40))
	}
	title, description := "Travaux de voirie", strings.Join(words, " ")

	whole := Phrase(title + "." + description)
	got, cut := Terms(title, description)
	if !cut {
		t.Error("nothing was cut")
	}
	if diff := cmp.Diff(whole[:MaxTerms], got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, cut := Terms(got[0], got[1], "Voirie, travaux"); cut {
		t.Error("a short text was cut")
	}

	// A field after the cut that has no new terms is not cut.
	short := strings.Join(words[:MaxTerms/2], " ")
	full, cut := Terms(short)
	if cut || len(full) != MaxTerms-1 {
		t.Fatalf("%d terms, cut %v", len(full), cut)
	}
	if _, cut := Terms(short, words[0], words[1]); cut {
		t.Error("what was there already was cut")
	}
}

// TestLongTerms checks words and pairs that are too long to be written out.
func TestLongTerms(t *testing.T) {
	long := strings.Repeat("anticonstitutionnel", 4)
	word, plural, other := Phrase(long), Phrase(long+"s"), Phrase(long+"x")
	if len(word) != 1 || len(word[0]) != MaxTermLength || strings.Contains(word[0], "_") {
		t.Errorf("a long word is %q", word)
	}
	if !cmp.Equal(word, plural) {
		t.Errorf("a long word is %q, its plural %q", word, plural)
	}
	if cmp.Equal(word, other) {
		t.Errorf("two long words are both %q", word)
	}
	written := Phrase(word[0])
	if cmp.Equal(word, written) {
		t.Errorf("a word that is written like a hash is mistaken for it: %q", word)
	}
	pair := Phrase(strings.Repeat("a", 40) + " " + strings.Repeat("b", 40))
	if len(pair) != 3 || len(pair[2]) != MaxTermLength || !strings.HasPrefix(pair[2], "_") {
		t.Errorf("a long pair is %q", pair)
	}
}

func TestPhrase(t *testing.T) {
	for keyword, want := range map[string]string{
		"":                          "",
		"de la":                     "",
		"l’ d' —":                   "",
		"maîtrise d’œuvre":          "maitrise oeuvre maitrise_oeuvre",
		"chauffe-eau":               "chauffe eau chauffe_eau",
		"porte à porte":             "porte porte_porte",
		"Eau et assainissement":     "eau assainissement eau_assainissement",
		"voirie. Assainissement":    "voirie assainissement",
		"voirie, assainissement":    "voirie assainissement voirie_assainissement",
		"voirie\nassainissement":    "voirie assainissement voirie_assainissement",
		"voirie\n \nassainissement": "voirie assainissement",
		"M. J. Dupont":              "dupont",
		"Plan B. A la suite":        "plan b plan_b suite b_suite",
		"C. C. A. d’Aix":            "cca aix cca_aix",
		"J.O. À CHAMONIX":           "jo chamonix jo_chamonix",
		"eau&force":                 "eau force eau_force",
		"lot C & l’accès":           "lot c lot_c acces c_acces",
		"R&Dx":                      "r dx r_dx",
		"P+R":                       "p r p_r",
		"C#1":                       "c 1 c_1",
		"12 500 kW":                 "12500 kw 12500_kw",
		"12 500e":                   "12 500e 12_500e",
		"1 200 000 euros":           "1200000 euro 1200000_euro",
		"2024 300 élèves":           "2024 300 2024_300 eleve 300_eleve",
		"1.5kW":                     "1 5 1_5 kw 5_kw",
		"12h30":                     "12h30",
		"M19-060VDC":                "m19 060vdc m19_060vdc",
	} {
		if got := strings.Join(Phrase(keyword), " "); got != want {
			t.Errorf("Phrase(%q) is %q, want %q", keyword, got, want)
		}
	}
}

func TestFold(t *testing.T) {
	for name, want := range map[string]string{
		"":                             "",
		" — ":                          "",
		"Syndicat d’Électricité (Ain)": "syndicat d electricite ain",
		"SYNDICAT D'ELECTRICITE - AIN": "syndicat d electricite ain",
		"Commune de Saint-Étienne":     "commune de saint etienne",
		"Saint-E\u0301tienne":          "saint etienne",
		"C.C.A.S. de L'Haÿ-les-Roses":  "c c a s de l hay les roses",
		"Œuvres & Cie\u00a0n°\u00a02":  "oeuvres cie n 2",
		"  SDIS\t01\n":                 "sdis 01",
		"Grosses Straße, Łódź, Ærø":    "grosses strasse lodz aero",
		"Μαρούσι":                      "μαρουσι",
		"서울":                           "서울",
		"main\u00adtenance":            "maintenance",
	} {
		if got := Fold(name); got != want {
			t.Errorf("Fold(%q) is %q, want %q", name, got, want)
		}
	}
	if diff := cmp.Diff([]string{"ville", "d", "aix", "en", "provence"}, Words("Ville d’Aix-en-Provence")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := Words("—"); len(got) != 0 {
		t.Errorf("a dash has the words %q", got)
	}
}

func TestLength(t *testing.T) {
	for text, want := range map[string]int{
		"":              0,
		"École d'été !": 13,
		"œuvre":         6,
		"ﬃ":             3,
		"\ufdfa":        15,
		"한국":            2, // folding takes syllables apart, and puts them together again
		"日本":            2,
		"?!…":           3,
		"\xff":          1,
	} {
		if got := Length(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// A word takes time in proportion to its length: where it took the square of
// that, this test would take hours.
func TestLongWords(t *testing.T) {
	for _, word := range []string{"e", "é", "s", "ee-", "l'", "e.", "1 000 "} {
		if terms := Phrase(strings.Repeat(word, 5_000_000/len(word))); len(terms) == 0 && word != "l'" {
			t.Errorf("%q repeated has no term", word)
		}
	}
}
