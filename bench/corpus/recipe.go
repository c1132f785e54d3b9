package corpus

import (
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"strings"

	"vigie"
	"vigie/lexicon"
	"vigie/match"
	"vigie/query"
)

// The recipe of a watch: what share has what. The shares of keywords are of
// all watches and leave a rest with none, which have a department and a buyer
// or a code instead.
const (
	oneKeyword    = 0.20
	twoKeywords   = 0.25 // all of two
	threeKeywords = 0.10 // all of three
	anyKeyword    = 0.40 // any of two to five

	phrases         = 0.10 // one of its keywords is of two words
	exclusions      = 0.05
	withDepartments = 0.60 // of one to eight, half of them of one or two
	nationwideToo   = 0.80 // of those with departments
	withBuyers      = 0.05 // of one to three
	withCPV         = 0.05
	withNature      = 0.10

	// leftOut is the share of titles above which nobody watches for a word
	// (« travaux », « marché »): it says too little.
	leftOut = 0.005

	// termsOfTender is how many terms a tender has: the median of whole notices,
	// lots included.
	termsOfTender = 300
)

// Watches draws n criteria, no two of them equal.
func (c *Corpus) Watches(n int, seed uint64) []vigie.Criteria {
	g := rand.New(rand.NewPCG(seed, 2))
	watches := make([]vigie.Criteria, 0, n)
	hash := maphash.MakeSeed()
	drawn := make(map[uint64]struct{}, n)
	for len(watches) < n {
		w := c.Watch(g)
		key := maphash.String(hash, query.Compile(w).String())
		if _, again := drawn[key]; again {
			continue
		}
		drawn[key] = struct{}{}
		watches = append(watches, w)
	}
	return watches
}

// Watch draws criteria.
func (c *Corpus) Watch(g *rand.Rand) vigie.Criteria {
	w := vigie.Criteria{KeywordMode: vigie.AllKeywords}
	count := 0
	switch shape := g.Float64(); {
	case shape < oneKeyword:
		count = 1
	case shape < oneKeyword+twoKeywords:
		count = 2
	case shape < oneKeyword+twoKeywords+threeKeywords:
		count = 3
	case shape < oneKeyword+twoKeywords+threeKeywords+anyKeyword:
		count = 2 + g.IntN(4)
		w.KeywordMode = vigie.AnyKeyword
	}
	chance := func(share float64) bool { return g.Float64() < share }
	w.Keywords = c.keywords(g, w.KeywordMode, count, chance(phrases))
	if chance(exclusions) {
		w.ExcludedKeywords = c.keywords(g, vigie.AnyKeyword, 1, chance(phrases))
	}
	if chance(withDepartments) || count == 0 {
		for len(w.Departments) == 0 || chance(0.6) && len(w.Departments) < 8 {
			w.Departments = append(w.Departments, c.departments.draw(g))
		}
		w.Departments = vigie.Sorted(w.Departments)
		w.IncludeNationwide = chance(nationwideToo)
	}
	code := chance(withCPV)
	if chance(withBuyers) || count == 0 && !code {
		for range 1 + g.IntN(3) {
			w.BuyerIDs = append(w.BuyerIDs, c.buyers.draw(g).id)
		}
		slices.Sort(w.BuyerIDs)
		w.BuyerIDs = slices.Compact(w.BuyerIDs)
	}
	if code {
		w.CPVCodes = []string{c.cpv.draw(g)}
	}
	if chance(withNature) {
		w.Natures = []vigie.Nature{vigie.Natures()[g.IntN(len(vigie.Natures()))]}
	}
	return w
}

// keywords draws words as they stand in titles: all from one title, as of one
// trade, where all must be found.
func (c *Corpus) keywords(g *rand.Rand, mode vigie.KeywordMode, count int, phrase bool) []string {
	var keywords []string
	var t title
	for tries := 0; len(keywords) < count; tries++ {
		if t.words == nil || mode == vigie.AnyKeyword || tries > 20 {
			t, tries = c.titles[g.IntN(len(c.titles))], 0
		}
		i := g.IntN(len(t.words))
		first, last := t.words[i], t.words[i]
		if phrase && len(keywords) == 0 && i+1 < len(t.words) && t.words[i+1].Sentence == first.Sentence {
			last = t.words[i+1]
		} else if c.seen[first.Term] > int(leftOut*float64(len(c.titles))) || len(first.Term) < 3 {
			continue
		}
		keyword := strings.ToLower(t.text[first.Start:last.End])
		if !slices.Contains(keywords, keyword) && !query.Meaningless(keyword) {
			keywords = append(keywords, keyword)
		}
	}
	return keywords
}

// Kind says what tenders a measure is made with.
type Kind string

// The kinds of tenders.
const (
	Usual   Kind = "usual"   // words of real titles, a department, a buyer
	Hot     Kind = "hot"     // the words that most watches ask for
	Nowhere Kind = "nowhere" // usual, but of no department
)

// Kinds are all kinds.
func Kinds() []Kind { return []Kind{Usual, Hot, Nowhere} }

// Tenders draws n tenders of 300 terms each.
func (c *Corpus) Tenders(n int, kind Kind, seed uint64) []query.Facts {
	g := rand.New(rand.NewPCG(seed, 3))
	tenders := make([]query.Facts, n)
	for i := range tenders {
		tenders[i] = c.tender(g, kind)
	}
	return tenders
}

func (c *Corpus) tender(g *rand.Rand, kind Kind) query.Facts {
	from := c.buyers.draw(g)
	t := &vigie.Tender{BuyerID: from.id}
	t.Departments = []string{from.department}
	if kind == Nowhere {
		t.Departments = nil
	}
	t.Natures = []vigie.Nature{vigie.Natures()[g.IntN(len(vigie.Natures()))]}
	t.Procedure = vigie.OpenProcedure
	code := c.cpv.draw(g)
	t.CPVCodes = []string{code + strings.Repeat("0", 8-len(code))}
	f, _ := query.FactsOf(t)
	if kind == Hot {
		f[query.Term] = vigie.Sorted(c.hottest(termsOfTender))
		return f
	}
	var texts []string
	for words := 0; words < termsOfTender; {
		title := c.titles[g.IntN(len(c.titles))]
		words += len(title.words)
		texts = append(texts, title.text)
	}
	f[query.Term], _ = lexicon.Terms(texts...)
	f[query.Term] = vigie.Sorted(f[query.Term][:min(termsOfTender, len(f[query.Term]))])
	return f
}

// Frequencies are those of a sample of tenders, as a server takes them from its
// own.
func (c *Corpus) Frequencies(seed uint64) match.Frequencies {
	f := make(match.Frequencies)
	for _, t := range c.Tenders(2000, Usual, seed+1) {
		f.Add(t)
	}
	f.Trim(3)
	return f
}

// hottest are the commonest words among those that are watched for.
func (c *Corpus) hottest(n int) []string {
	words := make([]string, 0, len(c.seen))
	for word, count := range c.seen {
		if count <= int(leftOut*float64(len(c.titles))) {
			words = append(words, word)
		}
	}
	slices.SortFunc(words, func(a, b string) int {
		if c.seen[a] != c.seen[b] {
			return c.seen[b] - c.seen[a]
		}
		return strings.Compare(a, b)
	})
	return words[:min(n, len(words))]
}
