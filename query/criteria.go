package query

import (
	"fmt"
	"strconv"
	"strings"

	"vigie"
)

// Field is a property of a tender that an [Atom] can ask for.
type Field uint8

// The fields. All but Term are criteria, and each is declared below.
const (
	Term           Field = iota // a term of the lexicon, which keywords ask for
	Department                  // an INSEE code, [vigie.Abroad], or [vigie.Nationwide] for none
	Buyer                       // a global id
	Nature                      // a [vigie.Nature]
	Procedure                   // a [vigie.Procedure]
	CPV                         // a prefix, of 2 to 8 digits, of a code
	DeadlineKind                // the name of a [vigie.DeadlineKind]
	Technique                   // a [vigie.Technique]
	EstimatedValue              // hundredths of euros, from and to, or [UnknownValue]
	Source                      // where the tender was published
	fieldCount
)

// UnknownValue stands for « no value in euros ».
const UnknownValue = "UNKNOWN"

// declared are the criteria that ask for values of a tender, in the order in which they are explained. Formula,
// facts, matcher, search indexes, filters, facets, explanation, summary, preview, import and export, and the tests of
// all of these, work from here. A new criterion is also in vigie.Criteria (watch.go), querytest/querytest.go,
// database/migrations, schema.graphqls, ingest/watches and web/src; docs/design.md has the recipe.
var declared = [...]Criterion{
	{
		Field: Buyer, Kind: OneOf, Name: "buyers", Input: "buyerIds", Index: "buyer", Facet: true,
		One: vigie.Text{FR: "Organisme", EN: "Buyer"}, Many: vigie.Text{FR: "Organismes", EN: "Buyers"}, Always: true,
		list: list{buyerIDs, setBuyerIDs},
		of:   func(t *vigie.Tender) []string { return []string{vigie.GlobalID(vigie.KindBuyer, t.BuyerID)} },
		Text: buyerText, Short: buyerName,
	},
	{
		Field: Department, Kind: OneOf, Name: "departments", Input: "departmentCodes", Column: "departments", Index: "departments", Facet: true,
		One: vigie.Text{FR: "Département", EN: "Department"}, Many: vigie.Text{FR: "Départements", EN: "Departments"}, Always: true,
		list: listOf(func(c *vigie.Criteria) *[]string { return &c.Departments }),
		of:   departmentsOf,
		None: vigie.Nationwide, Others: []string{vigie.Abroad}, Unknown: "includeNationwide", withNone: func(c *vigie.Criteria) bool { return c.IncludeNationwide },
		Parse: parseDepartment, Compare: vigie.CompareDepartments, Text: named(departmentText), Short: named(departmentName),
		All: departmentCodes,
	},
	{
		Field: Nature, Kind: OneOf, Name: "natures", Input: "natures", Column: "natures", Index: "natures", Facet: true,
		One: vigie.Text{FR: "Nature", EN: "Nature"}, Many: vigie.Text{FR: "Natures", EN: "Natures"},
		list:  listOf(func(c *vigie.Criteria) *[]vigie.Nature { return &c.Natures }),
		of:    func(t *vigie.Tender) []string { return values(t.Natures) },
		Parse: parseOneOf(vigie.Natures), Compare: strings.Compare, Text: labelOf[vigie.Nature], Short: labelOf[vigie.Nature],
		All: valuesOf(vigie.Natures),
		LeftOut: vigie.Text{
			FR: "Marchés en ligne exclus, car leur nature n’est pas indiquée : %d.",
			EN: "Tenders online left out because their nature is not given: %d.",
		},
	},
	{
		Field: Procedure, Kind: OneOf, Name: "procedures", Input: "procedures", Column: "procedures", Index: "procedure", Facet: true,
		One: vigie.Text{FR: "Procédure", EN: "Procedure"}, Many: vigie.Text{FR: "Procédures", EN: "Procedures"},
		list:  listOf(func(c *vigie.Criteria) *[]vigie.Procedure { return &c.Procedures }),
		of:    func(t *vigie.Tender) []string { return []string{string(t.Procedure)} },
		Parse: parseOneOf(vigie.Procedures), Compare: strings.Compare, Text: labelOf[vigie.Procedure], Short: labelOf[vigie.Procedure],
		All: valuesOf(vigie.Procedures),
		LeftOut: vigie.Text{
			FR: "Marchés en ligne exclus, car leur procédure n’est pas indiquée : %d.",
			EN: "Tenders online left out because their procedure is not given: %d.",
		},
	},
	{
		Field: CPV, Kind: Prefix, Name: "cpvCodes", Input: "cpvCodes", Column: "cpv_codes", Index: "cpv", Facet: true,
		One: vigie.Text{FR: "Code CPV", EN: "CPV code"}, Many: vigie.Text{FR: "Codes CPV", EN: "CPV codes"},
		list:  listOf(func(c *vigie.Criteria) *[]string { return &c.CPVCodes }),
		of:    func(t *vigie.Tender) []string { return t.CPVCodes },
		Parse: parseCPV, Compare: strings.Compare, Text: named(cpvText), Short: named(vigie.Same), All: cpvDivisions,
		LeftOut: vigie.Text{
			FR: "Marchés en ligne exclus, car leur code CPV n’est pas indiqué : %d.",
			EN: "Tenders online left out because they have no CPV code: %d.",
		},
	},
	{
		Field: DeadlineKind, Kind: OneOf, Name: "deadlineKinds", Input: "deadlineKinds", Column: "deadline_kinds", Index: "deadlineKind", Facet: true,
		One: vigie.Text{FR: "Réponse attendue", EN: "Expected response"}, Many: vigie.Text{FR: "Réponses attendues", EN: "Expected responses"},
		list:  listOf(func(c *vigie.Criteria) *[]vigie.DeadlineKind { return &c.DeadlineKinds }),
		of:    deadlineKindOf,
		Parse: parseOneOf(vigie.DeadlineKinds), Compare: strings.Compare, Text: labelOf[vigie.DeadlineKind], Short: labelOf[vigie.DeadlineKind],
		All: valuesOf(vigie.DeadlineKinds),
		LeftOut: vigie.Text{
			FR: "Marchés en ligne exclus, car ils n’ont pas de date limite : %d.",
			EN: "Tenders online left out because they have no deadline: %d.",
		},
	},
	{
		Field: Technique, Kind: OneOf, Name: "techniques", Input: "techniques", Column: "techniques", Index: "technique", Facet: true,
		One: vigie.Text{FR: "Technique d’achat", EN: "Purchasing technique"}, Many: vigie.Text{FR: "Techniques d’achat", EN: "Purchasing techniques"},
		list:  listOf(func(c *vigie.Criteria) *[]vigie.Technique { return &c.Techniques }),
		of:    func(t *vigie.Tender) []string { return []string{string(t.Details.Technique)} },
		Parse: parseOneOf(vigie.Techniques), Compare: strings.Compare, Text: labelOf[vigie.Technique], Short: labelOf[vigie.Technique],
		All: valuesOf(vigie.Techniques),
		LeftOut: vigie.Text{
			FR: "Marchés en ligne exclus, car leur technique d’achat n’est pas indiquée : %d.",
			EN: "Tenders online left out because their purchasing technique is not given: %d.",
		},
	},
	{
		Field: EstimatedValue, Kind: Range, Name: "value", Index: "value",
		One: vigie.Text{FR: "Valeur estimée", EN: "Estimated value"}, Many: vigie.Text{FR: "Valeur estimée", EN: "Estimated value"},
		list: list{valueRange, setValueRange},
		of:   valueOf,
		None: UnknownValue, Unknown: "includeUnknownValue", withNone: func(c *vigie.Criteria) bool { return c.IncludeUnknownValue },
		Parse: parseRange, Compare: strings.Compare, Text: named(valueText), Short: named(valueText),
		All: func() []string { return []string{Between(0, vigie.MaxCents)} },
		LeftOut: vigie.Text{
			FR: "Marchés en ligne exclus, car leur valeur n’est pas indiquée en euros : %d.",
			EN: "Tenders online left out because their value is not given in euros: %d.",
		},
		LetThrough: vigie.Text{
			FR: "Marchés en ligne trouvés bien que leur valeur ne soit pas indiquée en euros : %d.",
			EN: "Tenders online found although their value is not given in euros: %d.",
		},
	},
	{
		Field: Source, Kind: OneOf, Name: "sources", Input: "sources", Index: "source", Facet: true, FilterOnly: true,
		One: vigie.Text{FR: "Source", EN: "Source"}, Many: vigie.Text{FR: "Sources", EN: "Sources"},
		of:    func(t *vigie.Tender) []string { return []string{sourceOf(t.Source)} },
		Parse: func(text string) (string, *vigie.Error) { return sourceOf(text), nil }, Compare: strings.Compare,
		Text: named(sourceLabel), Short: named(sourceLabel),
	},
}

func sourceLabel(source string) vigie.Text { return vigie.Same(vigie.SourceLabel(source)) }

func buyerIDs(c *vigie.Criteria) []string {
	ids := make([]string, len(c.BuyerIDs))
	for i, id := range c.BuyerIDs {
		ids[i] = vigie.GlobalID(vigie.KindBuyer, id)
	}
	return ids
}

func setBuyerIDs(c *vigie.Criteria, ids []string) {
	c.BuyerIDs = nil
	for _, global := range ids {
		if _, id, ok := vigie.ParseGlobalID(global); ok {
			c.BuyerIDs = append(c.BuyerIDs, id)
		}
	}
}

func buyerText(id string, buyers map[int64]*vigie.Buyer) vigie.Text {
	if name := buyerName(id, buyers); name != (vigie.Text{}) {
		return name
	}
	return vigie.Text{FR: "organisme inconnu", EN: "unknown buyer"}
}

func buyerName(id string, buyers map[int64]*vigie.Buyer) vigie.Text {
	if _, n, ok := vigie.ParseGlobalID(id); ok && buyers[n] != nil {
		return vigie.Same(buyers[n].Name)
	}
	return vigie.Text{}
}

// departmentsOf returns the departments of a tender; of one that is performed abroad alone, what stands for that.
func departmentsOf(t *vigie.Tender) []string {
	if t.Abroad() {
		return []string{vigie.Abroad}
	}
	return t.Departments
}

func parseDepartment(text string) (string, *vigie.Error) {
	code := vigie.NormalizeDepartment(text)
	if _, ok := vigie.DepartmentByCode(code); !ok {
		return code, &vigie.Error{Code: vigie.NotFound, Text: vigie.Text{
			FR: "Le département « %s » n’existe pas. Indiquez son numéro : 01, 2A, 974…",
			EN: "There is no department “%s”. Give its number: 01, 2A, 974…",
		}.With(text)}
	}
	return code, nil
}

// departmentText names a department by its code, or what stands for none: "Ain (01)".
func departmentText(code string) vigie.Text {
	if d, ok := vigie.DepartmentByCode(code); ok {
		return vigie.Same(fmt.Sprintf("%s (%s)", d.Name, d.Code))
	}
	return departmentName(code)
}

func departmentName(code string) vigie.Text {
	switch code {
	case vigie.Nationwide:
		return vigie.Text{FR: "National ou non précisé", EN: "Nationwide or not specified"}
	case vigie.Abroad:
		return vigie.Text{FR: "À l’étranger", EN: "Abroad"}
	}
	return vigie.DepartmentList([]string{code})
}

func departmentCodes() []string {
	departments := vigie.Departments()
	codes := make([]string, len(departments))
	for i, d := range departments {
		codes[i] = d.Code
	}
	return codes
}

// parseCPV reads a CPV code, or the beginning of one, as people write it: "45233140-2" has a check digit. A code's
// trailing zeros, which stand for « and all below », are dropped, down to its division of two digits.
func parseCPV(text string) (string, *vigie.Error) {
	digits, check, _ := strings.Cut(strings.TrimSpace(text), "-")
	notDigit := func(r rune) bool { return r < '0' || r > '9' }
	if len(digits) < minPrefix || len(digits) > 8 || len(check) > 1 || strings.ContainsFunc(digits+check, notDigit) {
		return text, &vigie.Error{Code: vigie.Invalid, Text: vigie.Text{
			FR: "« %s » n’est pas un code CPV : indiquez de 2 à 8 chiffres.",
			EN: "“%s” is not a CPV code: give 2 to 8 digits.",
		}.With(text)}
	}
	for len(digits) > minPrefix && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	return digits, nil
}

// cpvText returns a code with its name if it is whole; a prefix gets the name of its full code.
func cpvText(code string) vigie.Text {
	label := vigie.CPVLabel(code + strings.Repeat("0", 8-len(code)))
	return vigie.Same(strings.TrimSpace(code + " " + label))
}

// cpvDivisions are the beginnings of all codes.
func cpvDivisions() []string {
	divisions := make([]string, 100)
	for i := range divisions {
		divisions[i] = fmt.Sprintf("%02d", i)
	}
	return divisions
}

// deadlineKindOf returns what must arrive by the deadline of a tender, if it has one.
func deadlineKindOf(t *vigie.Tender) []string {
	if t.Deadline == nil {
		return nil
	}
	return []string{string(t.DeadlineKind.Name())}
}

// valueOf returns the estimated value of a tender, if that is given in euros.
func valueOf(t *vigie.Tender) []string {
	cents, ok := t.Details.Value.EuroCents()
	if !ok {
		return nil
	}
	return []string{number(min(cents, vigie.MaxCents))}
}

// valueRange returns the bounds of the value, if there are any.
func valueRange(c *vigie.Criteria) []string {
	if c.MinValue == "" && c.MaxValue == "" {
		return nil
	}
	from, _ := vigie.Money{Amount: c.MinValue, Currency: vigie.Euro}.EuroCents() // 0 for none
	to, ok := vigie.Money{Amount: c.MaxValue, Currency: vigie.Euro}.EuroCents()
	if !ok {
		to = vigie.MaxCents
	}
	return []string{Between(from, to)}
}

func setValueRange(c *vigie.Criteria, values []string) {
	c.MinValue, c.MaxValue = "", ""
	if len(values) == 0 {
		return
	}
	from, to, ok := bounds(values[0])
	if !ok {
		return
	}
	if c.MinValue = vigie.Euros(from).Amount; to < vigie.MaxCents {
		c.MaxValue = vigie.Euros(to).Amount
	}
}

// parseRange checks the bounds that [Between] writes.
func parseRange(text string) (string, *vigie.Error) {
	if _, _, ok := bounds(text); !ok {
		return text, &vigie.Error{Code: vigie.Invalid, Text: vigie.Text{
			FR: "« %s » n’a pas la forme de deux bornes.",
			EN: "“%s” does not have the form of two bounds.",
		}.With(text)}
	}
	return text, nil
}

// valueText words a value, the bounds of one, or that there is none.
func valueText(value string) vigie.Text {
	from, to, isRange := bounds(value)
	least, most := vigie.Euros(from).Text(), vigie.Euros(to).Text()
	switch {
	case value == UnknownValue:
		return vigie.Text{FR: "non indiquée en euros", EN: "not given in euros"}
	case !isRange:
		cents, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return vigie.Same(value)
		}
		return vigie.Euros(cents).Text()
	case from > 0 && to < vigie.MaxCents:
		return vigie.Text{FR: "de %s à %s", EN: "%s to %s"}.With(least, most)
	case from > 0:
		return vigie.Text{FR: "%s ou plus", EN: "%s or more"}.With(least)
	case to < vigie.MaxCents:
		return vigie.Text{FR: "%s au plus", EN: "at most %s"}.With(most)
	}
	return vigie.Text{FR: "indiquée en euros", EN: "given in euros"}
}

// sourceOf is the name of a source, as much of it as indexes take.
func sourceOf(name string) string {
	const longest = 100
	return strings.ToValidUTF8(name[:min(len(name), longest)], "")
}
