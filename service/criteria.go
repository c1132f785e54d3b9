package service

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"vigie"
	"vigie/lexicon"
	"vigie/query"
)

// CriteriaInput is what a person gives of criteria; nil fields were not given.
type CriteriaInput struct {
	Keywords          *[]string
	KeywordsText      *string
	KeywordMode       *vigie.KeywordMode
	ExcludedKeywords  *[]string
	BuyerIDs          *[]string // ids
	Departments       *[]string
	IncludeNationwide *bool
	Natures           *[]vigie.Nature
	CPVCodes          *[]string
}

// form checks what a person gave, and gathers the mistakes and warnings.
type form struct {
	problems vigie.Problems
	warnings []vigie.Warning
}

// at extends a field's path.
func at(path []string, more ...string) []string { return slices.Concat(path, more) }

// criteria checks what was given, at path, and gives it the form that is
// stored. What comes back says nothing of what was not given; buyers go by the
// ids that they have now.
func (f *form) criteria(ctx context.Context, s *Service, in CriteriaInput, path []string) (criteriaChange, error) {
	var c criteriaChange
	switch {
	case in.Keywords != nil && in.KeywordsText != nil:
		f.problems.Add(vigie.Invalid, vigie.Text{
			FR: "Indiquez les mots clés dans la liste (keywords) ou dans le texte (keywordsText), pas dans les deux.",
			EN: "Give the keywords as a list (keywords) or as text (keywordsText), not both.",
		}, at(path, "keywordsText")...)
	case in.Keywords != nil:
		c.keywords = new(f.keywords(*in.Keywords, at(path, "keywords")))
	case in.KeywordsText != nil:
		c.keywords = new(f.keywordsText(*in.KeywordsText, at(path, "keywordsText")))
	}
	c.keywordMode, c.includeNationwide = in.KeywordMode, in.IncludeNationwide
	if in.ExcludedKeywords != nil {
		c.excludedKeywords = new(f.excluded(*in.ExcludedKeywords, at(path, "excludedKeywords")))
	}
	if in.Departments != nil {
		c.departments = new(f.departments(*in.Departments, at(path, "departmentCodes")))
	}
	if in.Natures != nil {
		c.natures = new(vigie.Sorted(*in.Natures))
	}
	if in.CPVCodes != nil {
		c.cpvCodes = new(f.cpvCodes(*in.CPVCodes, at(path, "cpvCodes")))
	}
	if in.BuyerIDs != nil {
		buyers, err := f.buyers(ctx, s, *in.BuyerIDs, at(path, "buyerIds"))
		if err != nil {
			return c, err
		}
		c.buyers = &buyers
	}
	return c, nil
}

// criteriaChange is what is to change in criteria; what is nil stays.
type criteriaChange struct {
	keywords          *[]string
	keywordMode       *vigie.KeywordMode
	excludedKeywords  *[]string
	buyers            *[]int64
	departments       *[]string
	includeNationwide *bool
	natures           *[]vigie.Nature
	cpvCodes          *[]string
}

// over puts the change over criteria.
func (c criteriaChange) over(base vigie.Criteria) vigie.Criteria {
	set(&base.Keywords, c.keywords)
	set(&base.KeywordMode, c.keywordMode)
	set(&base.ExcludedKeywords, c.excludedKeywords)
	set(&base.BuyerIDs, c.buyers)
	set(&base.Departments, c.departments)
	set(&base.IncludeNationwide, c.includeNationwide)
	set(&base.Natures, c.natures)
	set(&base.CPVCodes, c.cpvCodes)
	return base
}

// set gives a field its new value, if there is one.
func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// newCriteria is what criteria are where nothing was ever said.
func newCriteria() vigie.Criteria {
	return vigie.Criteria{KeywordMode: vigie.AllKeywords, IncludeNationwide: true}
}

// keywords checks a list of keywords.
func (f *form) keywords(list []string, path []string) []string {
	if !f.atMost(len(list), vigie.MaxKeywords, path) {
		return nil
	}
	var keywords []string
	for i, keyword := range list {
		here := at(path, strconv.Itoa(i))
		keyword = clean(keyword)
		switch {
		case f.badKeyword(keyword, here):
		case query.Meaningless(keyword):
			f.problems.Add(vigie.Invalid, vigie.Text{
				FR: "« %s » est trop courant : ajoutez un mot plus précis.",
				EN: "“%s” is too common: add a more specific word.",
			}.With(keyword), here...)
		case !slices.Contains(keywords, keyword):
			keywords = append(keywords, keyword)
		}
	}
	return keywords
}

// keywordsText checks keywords typed in one field; words that mean nothing
// alone are dropped.
func (f *form) keywordsText(text string, path []string) []string {
	list := query.ParseKeywords(text)
	if !f.atMost(len(list), vigie.MaxKeywords, path) {
		return nil
	}
	var keywords []string
	for _, keyword := range list {
		keyword = clean(keyword)
		switch {
		case keyword == "":
		case query.Meaningless(keyword):
			f.warnings = append(f.warnings, vigie.Warning{Field: path, Code: vigie.StopWordDropped, Text: vigie.Text{
				FR: "« %s » est trop courant : la recherche n’en tient pas compte.",
				EN: "“%s” is too common: the search leaves it out.",
			}.With(keyword)})
		case f.badKeyword(keyword, path):
		case !slices.Contains(keywords, keyword):
			keywords = append(keywords, keyword)
		}
	}
	return keywords
}

// badKeyword notes a keyword of wrong length.
func (f *form) badKeyword(keyword string, path []string) bool {
	switch {
	case query.Short(keyword):
		f.problems.Add(vigie.TooShort, vigie.Text{
			FR: "« %s » est trop court : un mot clé doit compter au moins %d caractères.",
			EN: "“%s” is too short: a keyword needs at least %d characters.",
		}.With(keyword, vigie.MinKeywordLength), path...)
		return true
	case lexicon.Length(keyword) > vigie.MaxKeywordLength:
		f.problems.Add(vigie.TooLong, vigie.Text{
			FR: "Ce mot clé est trop long : %d caractères au plus.",
			EN: "This keyword is too long: %d characters at most.",
		}.With(vigie.MaxKeywordLength), path...)
		return true
	}
	return false
}

// excluded checks excluded keywords. Two words that count are the most that
// every evaluator takes in one exclusion.
func (f *form) excluded(list []string, path []string) []string {
	keywords := f.keywords(list, path)
	for i, keyword := range list[:min(len(list), vigie.MaxKeywords)] {
		if query.ContentWords(clean(keyword)) > 2 {
			f.problems.Add(vigie.Invalid, vigie.Text{
				FR: "Cette expression à exclure est trop longue : gardez-en deux mots, sans compter « de », « la », « et »…",
				EN: "This phrase to exclude is too long: keep two of its words, not counting “de”, “la”, “et”…",
			}, at(path, strconv.Itoa(i))...)
		}
	}
	return keywords
}

func (f *form) departments(list []string, path []string) []string {
	if !f.atMost(len(list), vigie.MaxChoices, path) {
		return nil
	}
	codes := make([]string, len(list))
	for i, code := range list {
		codes[i] = vigie.NormalizeDepartment(code)
		if _, ok := vigie.DepartmentByCode(codes[i]); !ok {
			f.problems.Add(vigie.NotFound, noDepartment(code), at(path, strconv.Itoa(i))...)
		}
	}
	slices.SortFunc(codes, vigie.CompareDepartments)
	return slices.Compact(codes)
}

func (f *form) cpvCodes(list []string, path []string) []string {
	if !f.atMost(len(list), vigie.MaxChoices, path) {
		return nil
	}
	codes := make([]string, len(list))
	for i, code := range list {
		var ok bool
		if codes[i], ok = cpvPrefix(code); !ok {
			f.problems.Add(vigie.Invalid, notCPV(code), at(path, strconv.Itoa(i))...)
		}
	}
	return vigie.Sorted(codes)
}

// cpvPrefix reads a CPV code, or the beginning of one, as people write it:
// "45233140-2" has a check digit. A code's trailing zeros, which stand for
// « and all below », are dropped, down to its division of two digits.
func cpvPrefix(code string) (prefix string, ok bool) {
	digits, check, _ := strings.Cut(strings.TrimSpace(code), "-")
	isDigit := func(r rune) bool { return r >= '0' && r <= '9' }
	notDigit := func(r rune) bool { return !isDigit(r) }
	if len(digits) < 2 || len(digits) > 8 || len(check) > 1 || strings.ContainsFunc(digits+check, notDigit) {
		return code, false
	}
	for len(digits) > 2 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	return digits, true
}

// buyers finds the buyers of ids, under the ids that they have now.
func (f *form) buyers(ctx context.Context, s *Service, list []string, path []string) ([]int64, error) {
	if !f.atMost(len(list), vigie.MaxChoices, path) {
		return nil, nil
	}
	ids := make([]int64, len(list))
	for i, global := range list {
		ids[i] = s.buyerID(global)
	}
	found, err := s.Store.Buyers(ctx, ids)
	if err != nil {
		return nil, err
	}
	var buyers []int64
	for i, id := range ids {
		switch buyer := found[id]; {
		case buyer == nil:
			f.problems.Add(vigie.NotFound, vigie.Text{
				FR: "Cet organisme est introuvable. Choisissez-en un dans la liste.",
				EN: "This buyer was not found. Choose one from the list.",
			}, at(path, strconv.Itoa(i))...)
		case !slices.Contains(buyers, buyer.ID):
			buyers = append(buyers, buyer.ID)
		}
	}
	return buyers, nil
}

// atMost notes a list that is too long; its values are not worth a look.
func (f *form) atMost(n, most int, path []string) bool {
	if n > most {
		f.problems.Add(vigie.TooMany, tooMany(n, most), path...)
	}
	return n <= most
}

// buyerID is the number in a buyer's id; 0, which is nobody's, for anything else.
func (s *Service) buyerID(id string) int64 {
	if kind, number, ok := s.Store.IDs().Parse(id); ok && kind == vigie.KindBuyer {
		return number
	}
	return 0
}

func tooMany(n, most int) vigie.Text {
	return vigie.Text{FR: "%[2]d valeurs au plus : vous en avez indiqué %[1]d.", EN: "%[2]d values at most: you gave %[1]d."}.With(n, most)
}

func noDepartment(code string) vigie.Text {
	return vigie.Text{FR: "Le département « %s » n’existe pas. Indiquez son numéro : 01, 2A, 974…", EN: "There is no department “%s”. Give its number: 01, 2A, 974…"}.With(code)
}

func notCPV(code string) vigie.Text {
	return vigie.Text{
		FR: "« %s » n’est pas un code CPV : indiquez de 2 à 8 chiffres.",
		EN: "“%s” is not a CPV code: give 2 to 8 digits.",
	}.With(code)
}

// name checks a watch's name.
func (f *form) name(name string, path []string) string {
	name = clean(name)
	switch n := lexicon.Length(name); {
	case n == 0:
		f.problems.Add(vigie.Blank, vigie.Text{FR: "Donnez un nom à la veille.", EN: "Give the watch a name."}, path...)
	case n > vigie.MaxNameLength:
		f.problems.Add(vigie.TooLong, vigie.Text{
			FR: "Ce nom est trop long : %d caractères au plus.",
			EN: "This name is too long: %d characters at most.",
		}.With(vigie.MaxNameLength), path...)
	}
	return name
}

// clean makes what was typed in a field of one line fit to store: composed
// characters, single spaces, nothing that does not show. It composes last: a
// letter and its accent may have had something unseen between them.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
			return -1
		}
		return r
	}, s)
	return norm.NFC.String(strings.Join(strings.Fields(s), " "))
}
