package query

import "vigie"

// Result says whether one criterion of a watch holds for a tender.
type Result struct {
	Criterion string // its name in [vigie.Criteria], as the API writes it
	Label     vigie.Text
	Satisfied bool
	// Wanted is what the watch asks for, Found what the tender has of it; for a list of codes, all codes that the
	// tender has.
	Wanted, Found []vigie.Text
	// Places are where keywords are, see [Explanation.Locate].
	Places []Place
}

// Explanation is why a tender matches or does not.
type Explanation struct {
	Matches  bool
	Criteria []Result
}

// Explain explains, criterion by criterion, why the criteria match a tender or do not. buyers holds the names of
// buyers, by id.
func Explain(c vigie.Criteria, t Facts, buyers map[int64]*vigie.Buyer) Explanation {
	e := Explanation{Matches: true}
	add := func(r Result) {
		e.Matches = e.Matches && r.Satisfied
		e.Criteria = append(e.Criteria, r)
	}
	if len(c.Keywords) > 0 {
		add(explainKeywords(c, t))
	}
	if len(c.ExcludedKeywords) > 0 {
		found := FoundKeywords(c.ExcludedKeywords, t)
		add(Result{
			Criterion: "excludedKeywords", Label: vigie.Text{FR: "Mots à exclure", EN: "Excluded keywords"},
			Satisfied: len(found) == 0, Wanted: quoted(c.ExcludedKeywords), Found: quoted(found),
		})
	}
	for i := range declared {
		if wanted := declared[i].wanted(&c); len(wanted) > 0 {
			add(declared[i].explain(wanted, t, buyers))
		}
	}
	return e
}

// Locate says where the keywords of the criteria, and the excluded ones, are in the tender that was explained.
func (e Explanation) Locate(c vigie.Criteria, t *vigie.Tender) {
	for i, result := range e.Criteria {
		switch result.Criterion {
		case "keywords":
			e.Criteria[i].Places = Places(t, c.Keywords)
		case "excludedKeywords":
			e.Criteria[i].Places = Places(t, c.ExcludedKeywords)
		}
	}
}

// FoundKeywords returns those of the keywords that the tender contains, as typed.
func FoundKeywords(keywords []string, t Facts) []string {
	return NewFinder(t).Keywords(keywords)
}

func explainKeywords(c vigie.Criteria, t Facts) Result {
	found := FoundKeywords(c.Keywords, t)
	r := Result{
		Criterion: "keywords", Label: vigie.Text{FR: "Mots clés (tous)", EN: "Keywords (all)"},
		Satisfied: len(found) == len(c.Keywords), Wanted: quoted(c.Keywords), Found: quoted(found),
	}
	if c.KeywordMode == vigie.AnyKeyword {
		r.Label = vigie.Text{FR: "Mots clés (n’importe lequel)", EN: "Keywords (any)"}
		r.Satisfied = len(found) > 0
	}
	return r
}

// explain explains a criterion that asks for any of some values.
func (c *Criterion) explain(wanted []string, t Facts, buyers map[int64]*vigie.Buyer) Result {
	r := Result{Criterion: c.Name, Label: c.Many}
	for _, value := range wanted {
		r.Wanted = append(r.Wanted, c.Text(value, buyers))
		r.Satisfied = r.Satisfied || t.Has(Atom{c.Field, value})
	}
	for _, value := range c.Kind.own(t[c.Field]) {
		r.Found = append(r.Found, c.Text(value, buyers))
	}
	return r
}

func quoted(keywords []string) []vigie.Text {
	texts := make([]vigie.Text, len(keywords))
	for i, keyword := range keywords {
		texts[i] = vigie.Text{FR: "« " + keyword + " »", EN: "“" + keyword + "”"}
	}
	return texts
}

// Finder finds the keywords of many watches in one tender. It is not safe for concurrent use.
type Finder struct {
	facts Facts
	found map[string]bool
}

// NewFinder returns a finder for a tender.
func NewFinder(t Facts) *Finder { return &Finder{t, make(map[string]bool)} }

// Keywords returns what [FoundKeywords] does, and remembers the keywords.
func (f *Finder) Keywords(keywords []string) []string {
	var found []string
	for _, keyword := range keywords {
		has, met := f.found[keyword]
		if !met {
			conj := terms(keyword)
			has = conj != nil && conj.matches(f.facts)
			f.found[keyword] = has
		}
		if has {
			found = append(found, keyword)
		}
	}
	return found
}
