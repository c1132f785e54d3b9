package corpus

import (
	"hash/maphash"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

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

	withValue         = 0.10 // at least, at most, or both
	unknownValueToo   = 0.80 // of those with a value
	withTechnique     = 0.04
	withDeadlineKinds = 0.03

	// leftOut is the share of titles above which nobody watches for a word
	// (« travaux », « marché »): it says too little.
	leftOut = 0.005

	// termsOfTender is how many terms a tender has: the median of whole notices,
	// lots included. The eForms notices of TED have fewer, with the descriptions of
	// their lots 124, and one of ten more than 400.
	termsOfTender = 300
)

// What share of tenders says what, of 122 eForms notices of TED: 35 give a value,
// and 63 say whether they are a framework (18), a dynamic purchasing system (3) or
// neither. Of those with a deadline, 45 ask for bids and 10 for requests to
// participate; here nearly all have one, as the calls that watches are for.
const (
	sayValue     = 35. / 122
	areFramework = 18. / 122
	areDPS       = 3. / 122
	areContract  = 42. / 122
	forBids      = 0.78
	forRequests  = 0.17
)

// Watches draws n criteria, no two of them equal.
func (c *Corpus) Watches(n int, seed uint64) []vigie.Criteria {
	g, more := rand.New(rand.NewPCG(seed, 2)), rand.New(rand.NewPCG(seed, 5))
	watches := make([]vigie.Criteria, 0, n)
	hash := maphash.MakeSeed()
	drawn := make(map[uint64]struct{}, n)
	for len(watches) < n {
		w := c.words(g)
		wishes(&w, more)
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
	w := c.words(g)
	wishes(&w, g)
	return w
}

// words draws criteria of keywords, places, buyers and codes.
func (c *Corpus) words(g *rand.Rand) vigie.Criteria {
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

// wishes draws, for criteria, what few watches ask for beside. The bounds of values are round, or thresholds of French law.
func wishes(w *vigie.Criteria, g *rand.Rand) {
	chance := func(share float64) bool { return g.Float64() < share }
	w.IncludeUnknownValue = chance(unknownValueToo)
	if chance(withValue) {
		bounds := []string{"10000", "25000", "40000", "50000", "90000", "100000", "143000", "221000", "500000", "1000000", "5538000", "10000000"}
		least := g.IntN(len(bounds) - 1)
		most := least + 1 + g.IntN(len(bounds)-least-1)
		switch shape := g.Float64(); {
		case shape < 0.6:
			w.MinValue = bounds[least]
		case shape < 0.75:
			w.MaxValue = bounds[most]
		default:
			w.MinValue, w.MaxValue = bounds[least], bounds[most]
		}
	}
	if chance(withTechnique) {
		w.Techniques = []vigie.Technique{vigie.Techniques()[g.IntN(len(vigie.Techniques()))]}
	}
	if chance(withDeadlineKinds) {
		w.DeadlineKinds = []vigie.DeadlineKind{vigie.DeadlineKinds()[g.IntN(len(vigie.DeadlineKinds()))]}
	}
}

// details draws, for a tender, what notices say beside words: a value of between 10,000 and 100 million euros, most often
// of a million or two.
func details(t *vigie.Tender, g *rand.Rand) {
	if g.Float64() < sayValue {
		euros := math.Exp(min(max(g.NormFloat64()*1.7+14.2, math.Log(1e4)), math.Log(1e8)))
		t.Details.Value = vigie.Euros(int64(euros) * 100)
	}
	switch technique := g.Float64(); {
	case technique < areFramework:
		t.Details.Technique = vigie.FrameworkAgreement
	case technique < areFramework+areDPS:
		t.Details.Technique = vigie.DynamicPurchasingSystem
	case technique < areFramework+areDPS+areContract:
		t.Details.Technique = vigie.OwnContract
	}
	deadline := time.Date(2026, 12, 1, 11, 0, 0, 0, time.UTC)
	switch kind := g.Float64(); {
	case kind < forBids:
		t.Deadline = &deadline
	case kind < forBids+forRequests:
		t.Deadline, t.DeadlineKind = &deadline, vigie.ForParticipation
	}
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
	g, more := rand.New(rand.NewPCG(seed, 3)), rand.New(rand.NewPCG(seed, 6))
	tenders := make([]query.Facts, n)
	for i := range tenders {
		t := &vigie.Tender{Source: "boamp"}
		details(t, more)
		tenders[i] = c.tender(g, t, kind)
	}
	return tenders
}

// tender draws the rest of a tender.
func (c *Corpus) tender(g *rand.Rand, t *vigie.Tender, kind Kind) query.Facts {
	from := c.buyers.draw(g)
	t.BuyerID = from.id
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
