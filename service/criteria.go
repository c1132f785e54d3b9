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

// criteria checks what was given, at path, and gives it the form that is stored; buyers go by the ids that they have
// now. Problems have the names that name returns.
func (f *form) criteria(ctx context.Context, s *Service, in query.Patch, path []string, name criterionName) (query.Patch, error) {
	c := query.Patch{KeywordMode: in.KeywordMode, IncludeNationwide: in.IncludeNationwide, IncludeUnknownValue: in.IncludeUnknownValue}
	c.MinValue, c.MaxValue = f.amount(in.MinValue, at(path, "minValue")), f.amount(in.MaxValue, at(path, "maxValue"))
	f.inOrder(c.Over(newCriteria()), path)
	switch {
	case in.Keywords != nil && in.KeywordsText != nil:
		f.problems.Add(vigie.Conflicting, vigie.Text{
			FR: "Indiquez les mots clés dans la liste (keywords) ou dans le texte (keywordsText), pas dans les deux.",
			EN: "Give the keywords as a list (keywords) or as text (keywordsText), not both.",
		}, at(path, "keywordsText")...)
	case in.Keywords != nil:
		c.Keywords = new(f.keywords(*in.Keywords, at(path, "keywords")))
	case in.KeywordsText != nil:
		keywords, excluded := f.keywordsText(*in.KeywordsText, at(path, "keywordsText"))
		c.Keywords, c.AlsoExcluded = &keywords, excluded
	}
	if in.ExcludedKeywords != nil {
		c.ExcludedKeywords = new(f.excluded(*in.ExcludedKeywords, at(path, "excludedKeywords")))
	}
	for _, criterion := range query.Criteria() {
		if given := in.Lists[criterion.Field]; given != nil && criterion.Field != query.Buyer {
			c.Lists[criterion.Field] = f.values(criterion, given, at(path, name(criterion)))
		}
	}
	if given := in.Lists[query.Buyer]; given != nil {
		var err error
		if c.Lists[query.Buyer], err = f.buyers(ctx, s, given, at(path, name(*query.Buyer.Criterion()))); err != nil {
			return c, err
		}
	}
	return c, nil
}

// criterionName is what a criterion is called where it is given.
type criterionName func(query.Criterion) string

func inputName(c query.Criterion) string { return c.Input } // in the API
func lineName(c query.Criterion) string  { return c.Name }  // in lines of imported watches

// set gives a field its new value, if there is one.
func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// newCriteria is what criteria are where nothing was ever said.
func newCriteria() vigie.Criteria {
	return vigie.Criteria{KeywordMode: vigie.AllKeywords, IncludeNationwide: true, IncludeUnknownValue: true}
}

// amount checks a bound of the value, and gives it the form that is stored; nil stays nil, and "" is no bound.
func (f *form) amount(given *string, path []string) *string {
	if given == nil || *given == "" {
		return given
	}
	amount, mistake := parseAmount(*given)
	if mistake != nil {
		f.problems.Add(mistake.Code, mistake.Text, path...)
		return nil
	}
	return &amount
}

// parseAmount reads an amount in euros; a mistake has code and text.
func parseAmount(text string) (amount string, mistake *vigie.Error) {
	amount, ok := vigie.ParseAmount(strings.TrimSpace(text))
	if !ok {
		return "", &vigie.Error{Code: vigie.Invalid, Text: vigie.Text{
			FR: "« %s » n’est pas un montant en euros : écrivez-le en chiffres, avec 13 chiffres au plus avant les décimales et 2 décimales au plus, comme 40000.",
			EN: "“%s” is not an amount in euros: write it in digits, at most 13 before the decimals and 2 decimals, such as 40000.",
		}.With(text)}
	}
	return amount, nil
}

// inOrder notes bounds of the value between which there is none.
func (f *form) inOrder(c vigie.Criteria, path []string) {
	if !valueInOrder(c) {
		f.problems.Add(vigie.Conflicting, conflictingValues(), at(path, "maxValue")...)
	}
}

// valueInOrder reports whether there is a value within the bounds of criteria.
func valueInOrder(c vigie.Criteria) bool {
	for _, value := range query.EstimatedValue.Criterion().Values(&c) {
		from, to, ok := query.Atom{Field: query.EstimatedValue, Value: value}.Bounds()
		return ok && from <= to
	}
	return true
}

func conflictingValues() vigie.Text {
	return vigie.Text{
		FR: "La valeur maximale est inférieure à la valeur minimale. Corrigez l’une des deux.",
		EN: "The maximum value is below the minimum value. Correct one of them.",
	}
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
		case query.Signs(keyword):
			f.problems.Add(vigie.TooCommon, vigie.Text{
				FR: "« %s » ne contient ni lettre ni chiffre : écrivez un mot.",
				EN: "“%s” contains neither a letter nor a digit: write a word.",
			}.With(keyword), here...)
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
			case query.Signs(keyword):
				f.warn(vigie.SignIgnored, vigie.Text{
					FR: "« %s » ne contient ni lettre ni chiffre : la recherche n’en tient pas compte.",
					EN: "“%s” contains neither a letter nor a digit: the search leaves it out.",
				}.With(keyword), path)
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
	if query.StartsWithMinus(keyword) {
		f.warn(vigie.SignIgnored, vigie.Text{
			FR: "Le signe moins de « %s » est sans effet. Pour exclure un mot, écrivez-le sans signe dans les mots à exclure.",
			EN: "The minus of “%s” has no effect. To exclude a word, write it without a sign among the words to exclude.",
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

// values checks the values of a criterion.
func (f *form) values(c query.Criterion, given []string, path []string) []string {
	if !f.atMost(len(given), vigie.MaxChoices, path) {
		return nil
	}
	values := make([]string, len(given))
	for i, text := range given {
		var mistake *vigie.Error
		if values[i], mistake = c.Parse(text); mistake != nil {
			f.problems.Add(mistake.Code, mistake.Text, at(path, strconv.Itoa(i))...)
		}
	}
	slices.SortFunc(values, c.Compare)
	return slices.Compact(values)
}

func (f *form) departments(list []string, path []string) []string {
	return f.values(*query.Department.Criterion(), list, path)
}

// buyers finds the buyers of ids, by the global ids that they have now.
func (f *form) buyers(ctx context.Context, s *Service, list []string, path []string) ([]string, error) {
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
	buyers := []string{}
	for i, id := range ids {
		switch buyer := found[id]; {
		case buyer == nil:
			f.problems = append(f.problems, NoBuyer(at(path, strconv.Itoa(i))...))
		case !slices.Contains(buyers, buyer.GlobalID()):
			buyers = append(buyers, buyer.GlobalID())
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
