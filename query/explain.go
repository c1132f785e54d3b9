package query

import (
	"fmt"
	"slices"
	"strings"

	"vigie"
)

// Result says whether one criterion of a watch holds for a tender.
type Result struct {
	Criterion string // its name in [vigie.Criteria], as the API writes it
	Label     vigie.Text
	Satisfied bool
	// Wanted is what the watch asks for, Found what the tender has of it; for a list of codes, all codes that the
	// tender has.
	Wanted, Found []vigie.Text
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
	if len(c.BuyerIDs) > 0 {
		add(explainBuyers(c, t, buyers))
	}
	if len(c.Departments) > 0 {
		add(explainDepartments(c, t))
	}
	if len(c.Natures) > 0 {
		add(explainList("natures", vigie.Text{FR: "Nature", EN: "Nature"}, values(c.Natures), t.Natures,
			func(v string) vigie.Text { return vigie.Nature(v).Label() }, Nature, t))
	}
	if len(c.CPVCodes) > 0 {
		add(explainList("cpvCodes", vigie.Text{FR: "Codes CPV", EN: "CPV codes"}, c.CPVCodes, t.CPVCodes, cpvText, CPV, t))
	}
	return e
}

// FoundKeywords returns those of the keywords that the tender contains, as typed.
func FoundKeywords(keywords []string, t Facts) []string {
	return NewFinder(t).Keywords(keywords)
}

func explainKeywords(c vigie.Criteria, t Facts) Result {
	found := FoundKeywords(c.Keywords, t)
	r := Result{
		Criterion: "keywords", Label: vigie.Text{FR: "Mots clés, tous", EN: "Keywords, all"},
		Satisfied: len(found) == len(c.Keywords), Wanted: quoted(c.Keywords), Found: quoted(found),
	}
	if c.KeywordMode == vigie.AnyKeyword {
		r.Label = vigie.Text{FR: "Mots clés, n’importe lequel", EN: "Keywords, any"}
		r.Satisfied = len(found) > 0
	}
	return r
}

func explainBuyers(c vigie.Criteria, t Facts, buyers map[int64]*vigie.Buyer) Result {
	r := Result{Criterion: "buyers", Label: vigie.Text{FR: "Organismes", EN: "Buyers"}}
	for _, id := range c.BuyerIDs {
		r.Wanted = append(r.Wanted, buyerText(id, buyers))
		r.Satisfied = r.Satisfied || t.Buyer == vigie.GlobalID(vigie.KindBuyer, id)
	}
	if _, id, ok := vigie.ParseGlobalID(t.Buyer); ok {
		r.Found = append(r.Found, buyerText(id, buyers))
	}
	return r
}

func buyerText(id int64, buyers map[int64]*vigie.Buyer) vigie.Text {
	if b := buyers[id]; b != nil {
		return vigie.Same(b.Name)
	}
	return vigie.Text{FR: "organisme inconnu", EN: "unknown buyer"}
}

func explainDepartments(c vigie.Criteria, t Facts) Result {
	wanted := c.Departments
	if c.IncludeNationwide {
		wanted = append(slices.Clone(wanted), vigie.Nationwide)
	}
	return explainList("departments", vigie.Text{FR: "Départements", EN: "Departments"}, wanted, t.Departments, DepartmentText, Department, t)
}

// explainList explains a criterion that asks for any of a list.
func explainList(criterion string, label vigie.Text, wanted, has []string, text func(string) vigie.Text, field Field, t Facts) Result {
	r := Result{Criterion: criterion, Label: label}
	for _, value := range wanted {
		r.Wanted = append(r.Wanted, text(value))
		r.Satisfied = r.Satisfied || t.Has(Atom{field, value})
	}
	for _, value := range has {
		r.Found = append(r.Found, text(value))
	}
	return r
}

// DepartmentText returns the name of a department by its code, or « national » for [vigie.Nationwide]: "Ain (01)".
func DepartmentText(code string) vigie.Text {
	if code == vigie.Nationwide {
		return vigie.Text{FR: "National ou non précisé", EN: "Nationwide or not specified"}
	}
	if d, ok := vigie.DepartmentByCode(code); ok {
		return vigie.Same(fmt.Sprintf("%s (%s)", d.Name, d.Code))
	}
	return vigie.Same(code)
}

// cpvText returns a code with its name if it is whole; a prefix gets the name of its full code.
func cpvText(code string) vigie.Text {
	label := vigie.CPVLabel(code + strings.Repeat("0", 8-len(code)))
	return vigie.Same(strings.TrimSpace(code + " " + label))
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
