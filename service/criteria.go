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
	// dropShort leaves words that are too short out of texts, with a warning: an old
	// watch has them, and nobody is there to correct it.
	dropShort bool
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
		f.problems.Add(vigie.Conflicting, vigie.Text{
			FR: "Indiquez les mots clés dans la liste (keywords) ou dans le texte (keywordsText), pas dans les deux.",
			EN: "Give the keywords as a list (keywords) or as text (keywordsText), not both.",
		}, at(path, "keywordsText")...)
	case in.Keywords != nil:
		c.keywords = new(f.keywords(*in.Keywords, at(path, "keywords")))
	case in.KeywordsText != nil:
		keywords, excluded := f.keywordsText(*in.KeywordsText, at(path, "keywordsText"))
		c.keywords, c.alsoExcluded = &keywords, excluded
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

// criteriaChange is what shall change of criteria; nil stays.
type criteriaChange struct {
	keywords          *[]string
	keywordMode       *vigie.KeywordMode
	excludedKeywords  *[]string
	alsoExcluded      []string // by a minus in the keywords' text
	buyers            *[]int64
	departments       *[]string
	includeNationwide *bool
	natures           *[]vigie.Nature
	cpvCodes          *[]string
}

// over puts the change over criteria. What a minus excludes is added to what is
// excluded then.
func (c criteriaChange) over(base vigie.Criteria) vigie.Criteria {
	set(&base.Keywords, c.keywords)
	set(&base.KeywordMode, c.keywordMode)
	set(&base.ExcludedKeywords, c.excludedKeywords)
	for _, keyword := range c.alsoExcluded {
		if !slices.ContainsFunc(base.ExcludedKeywords, func(k string) bool { return query.SameKeyword(k, keyword) }) {
			base.ExcludedKeywords = append(slices.Clip(base.ExcludedKeywords), keyword)
		}
	}
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
			f.problems.Add(vigie.TooCommon, vigie.Text{
				FR: "« %s » est trop courant : ajoutez un mot plus précis.",
				EN: "“%s” is too common: add a more specific word.",
			}.With(keyword), here...)
		default:
			keywords = f.addKeyword(keywords, keyword, here)
		}
	}
	return keywords
}

// keywordsText checks keywords typed in one field; words that mean nothing
// alone are dropped.
func (f *form) keywordsText(text string, path []string) (keywords, excluded []string) {
	wanted, unwanted := query.ParseKeywords(text)
	if !f.atMost(max(len(wanted), len(unwanted)), vigie.MaxKeywords, path) {
		return nil, nil
	}
	typed := func(list []string) (keywords []string) {
		for _, keyword := range list {
			keyword = clean(keyword)
			switch {
			case keyword == "":
			case query.Meaningless(keyword):
				f.warn(vigie.StopWordDropped, vigie.Text{
					FR: "« %s » est trop courant : la recherche n’en tient pas compte.",
					EN: "“%s” is too common: the search leaves it out.",
				}.With(keyword), path)
			case f.dropShort && query.Short(keyword):
				f.warn(vigie.StopWordDropped, vigie.Text{
					FR: "« %s » est trop court : la recherche n’en tient pas compte.",
					EN: "“%s” is too short: the search leaves it out.",
				}.With(keyword), path)
			case f.badKeyword(keyword, path):
			default:
				keywords = f.addKeyword(keywords, keyword, path)
			}
		}
		return keywords
	}
	keywords, excluded = typed(wanted), typed(unwanted)
	for _, keyword := range excluded {
		f.shortExclusion(keyword, path)
	}
	return keywords, excluded
}

// addKeyword adds a keyword to a list, and warns of what its author may not
// expect of it.
func (f *form) addKeyword(list []string, keyword string, path []string) []string {
	if slices.ContainsFunc(list, func(k string) bool { return query.SameKeyword(k, keyword) }) {
		f.warn(vigie.RepeatedDropped, vigie.Text{
			FR: "« %s » figure déjà parmi ces mots, sous cette forme ou une autre : il n’est pas répété.",
			EN: "“%s” is among these words already, in this form or another: it is not repeated.",
		}.With(keyword), path)
		return list
	}
	if strings.Contains(keyword, "*") {
		f.warn(vigie.SignIgnored, vigie.Text{
			FR: "L’astérisque de « %s » est sans effet : un mot est trouvé au singulier et au pluriel, mais pas par son début. Écrivez chaque mot en entier.",
			EN: "The asterisk of “%s” has no effect: a word is found in singular and plural, but not by its beginning. Write each word in full.",
		}.With(keyword), path)
	}
	if letter := query.Letter(keyword); letter != "" {
		f.warn(vigie.SignIgnored, vigie.Text{
			FR: "De « %s », seul « %s » est recherché : les signes ne comptent pas. Ajoutez un mot plus précis.",
			EN: "Of “%s”, only “%s” is looked for: signs do not count. Add a more specific word.",
		}.With(keyword, letter), path)
	}
	return append(list, keyword)
}

// warn notes what may not do what its author expects.
func (f *form) warn(code vigie.WarningCode, text vigie.Text, path []string) {
	f.warnings = append(f.warnings, vigie.Warning{Field: path, Code: code, Text: text})
}

// badKeyword notes a keyword of wrong length.
func (f *form) badKeyword(keyword string, path []string) bool {
	switch {
	case keyword == "":
		f.problems.Add(vigie.Blank, vigie.Text{
			FR: "Ce mot clé est vide : complétez-le ou retirez-le.",
			EN: "This keyword is empty: complete it or remove it.",
		}, path...)
		return true
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

// excluded checks excluded keywords.
func (f *form) excluded(list []string, path []string) []string {
	keywords := f.keywords(list, path)
	for i, keyword := range list[:min(len(list), vigie.MaxKeywords)] {
		f.shortExclusion(clean(keyword), at(path, strconv.Itoa(i)))
	}
	return keywords
}

// shortExclusion notes an excluded phrase that is too long: two words that
// count are the most that every evaluator takes in one exclusion.
func (f *form) shortExclusion(keyword string, path []string) {
	if query.ContentWords(keyword) > 2 {
		f.problems.Add(vigie.TooLong, vigie.Text{
			FR: "Cette expression à exclure est trop longue : gardez-en deux mots, sans compter « de », « la », « et »…",
			EN: "This phrase to exclude is too long: keep two of its words, not counting “de”, “la”, “et”…",
		}, path...)
	}
}

// contradictions warns of keywords that an exclusion makes useless: what has
// the keyword has what is excluded too.
func contradictions(c vigie.Criteria, path []string) []vigie.Warning {
	var f form
	for _, excluded := range c.ExcludedKeywords {
		for _, keyword := range c.Keywords {
			if query.Covers(excluded, keyword) {
				f.warn(vigie.KeywordExcluded, vigie.Text{
					FR: "« %s » est un mot clé et « %s » un mot à exclure : aucun marché ne peut avoir l’un sans l’autre. Retirez l’un des deux.",
					EN: "“%s” is a keyword and “%s” an excluded one: no tender can have the one without the other. Remove one of them.",
				}.With(keyword, excluded), at(path, "excludedKeywords"))
			}
		}
	}
	return f.warnings
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
			f.problems = append(f.problems, NoBuyer(at(path, strconv.Itoa(i))...))
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

// NoBuyer is that an id, at a field, is no buyer's.
func NoBuyer(field ...string) *vigie.Error {
	return &vigie.Error{Code: vigie.NotFound, Field: field, Text: vigie.Text{
		FR: "Cet organisme est introuvable. Choisissez-en un dans la liste.",
		EN: "This buyer was not found. Choose one from the list.",
	}}
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
