package query

import (
	"slices"
	"strings"

	"vigie"
)

// Criterion declares a criterion that asks for values of a tender.
type Criterion struct {
	Field Field
	Kind  Kind
	// Name is its name in Criteria of the API and in lines of imported watches, Input in CriteriaInput and TenderFilter.
	// A range has two fields there, one for each bound, and no Input.
	Name, Input string
	// Column holds its values in the table watches, as a list; "" for buyers, which have a table of their own, and for
	// ranges, whose bounds are columns.
	Column string
	// Index is its name in search indexes; a change of it needs another search.Version.
	Index string
	// Facet is whether lists of tenders are counted by it.
	Facet bool
	// One and Many name it to a person, for one value and for several.
	One, Many vigie.Text
	// Always is whether summaries mention it where nothing is asked for.
	Always bool
	// FilterOnly is whether it only narrows lists, and watches do not have it.
	FilterOnly bool
	// None is the value of tenders that have none, "" if these never match. Others are more values that narrow lists
	// and that watches cannot ask for.
	None   string
	Others []string
	// Unknown is the field of Criteria and CriteriaInput that says whether tenders that have none pass; "" if there is none.
	Unknown string
	// Parse reads a value as a person gives it; a mistake has code and text. It is nil for buyers, which only the
	// database knows.
	Parse func(text string) (value string, mistake *vigie.Error)
	// Compare is the order of a watch's values.
	Compare func(a, b string) int
	// Text words a value, Short does it in fewer words, for lists; buyers have their names by id.
	Text, Short func(value string, buyers map[int64]*vigie.Buyer) vigie.Text
	// All returns values of which every tender that has any has one; it is nil for buyers and sources.
	All func() []string
	// LeftOut, if not empty, is the warning that a watch leaves out so many tenders because they have no value;
	// LetThrough that they pass although they have none.
	LeftOut, LetThrough vigie.Text

	list     list
	of       func(*vigie.Tender) []string
	withNone func(*vigie.Criteria) bool
}

// Kind is how a criterion asks for values. Each kind says which values of a [Facts] make an atom true.
type Kind uint8

// The kinds: a tender has one of the values, or one that begins with one of them, or a number between two, as
// [Between] writes them. Of a Range a tender has one number at most, and criteria have one pair of bounds.
const (
	OneOf Kind = iota
	Prefix
	Range
)

// minPrefix is the length of the shortest prefix: of a division, the widest class of CPV codes (Regulation (EC)
// 213/2008, annex I).
const minPrefix = 2

// facts returns the values that atoms ask for, of a tender's own values.
func (k Kind) facts(own []string) []string {
	if k != Prefix {
		return own
	}
	var prefixes []string
	for _, value := range own {
		for n := minPrefix; n <= len(value); n++ {
			prefixes = append(prefixes, value[:n])
		}
	}
	return prefixes
}

// own is the reverse of facts: of sorted values it returns the tender's own.
func (k Kind) own(facts []string) []string {
	if k != Prefix {
		return facts
	}
	var own []string
	for i, value := range facts {
		if i == len(facts)-1 || !strings.HasPrefix(facts[i+1], value) {
			own = append(own, value)
		}
	}
	return own
}

// list reads and writes the values of a criterion, which criteria hold in types of their own, as texts.
type list struct {
	get func(*vigie.Criteria) []string
	set func(*vigie.Criteria, []string)
}

func listOf[T ~string](field func(*vigie.Criteria) *[]T) list {
	return list{
		get: func(c *vigie.Criteria) []string { return values(*field(c)) },
		set: func(c *vigie.Criteria, texts []string) { *field(c) = typed[T](texts) },
	}
}

// Criteria returns the declarations of all criteria of watches but keywords.
func Criteria() []Criterion {
	return slices.DeleteFunc(Filters(), func(c Criterion) bool { return c.FilterOnly })
}

// Filters returns the declarations of all that lists are narrowed by: the criteria of watches, and more.
func Filters() []Criterion { return slices.Clone(declared[:]) }

// Fields returns all fields.
func Fields() []Field {
	fields := make([]Field, fieldCount)
	for i := range fields {
		fields[i] = Field(i)
	}
	return fields
}

// Facets returns the fields by which lists of tenders are counted.
func Facets() []Field {
	var facets []Field
	for i := range declared {
		if declared[i].Facet {
			facets = append(facets, declared[i].Field)
		}
	}
	return facets
}

// Criterion returns the criterion of a field, nil for Term and for what is no field.
func (f Field) Criterion() *Criterion {
	for i := range declared {
		if declared[i].Field == f {
			return &declared[i]
		}
	}
	return nil
}

// String returns the field's name in search indexes, "" for what is no field.
func (f Field) String() string {
	if f == Term {
		return "terms"
	}
	if c := f.Criterion(); c != nil {
		return c.Index
	}
	return ""
}

// Values returns the values of a criterion; the caller must not change them.
func (c *Criterion) Values(criteria *vigie.Criteria) []string {
	if c.FilterOnly {
		return nil
	}
	return c.list.get(criteria)
}

// LetsUnknown reports whether criteria let tenders pass that have no value of it.
func (c *Criterion) LetsUnknown(criteria *vigie.Criteria) bool {
	return c.withNone != nil && c.withNone(criteria)
}

// Set gives a criterion other values, which it may keep.
func (c *Criterion) Set(criteria *vigie.Criteria, values []string) {
	c.list.set(criteria, values)
}

// wanted returns the values of which a tender needs one; none if the criterion does not constrain.
func (c *Criterion) wanted(criteria *vigie.Criteria) []string {
	values := c.Values(criteria)
	if len(values) > 0 && c.LetsUnknown(criteria) {
		values = append(slices.Clone(values), c.None)
	}
	return values
}

// facts returns what a tender has of it, sorted.
func (c *Criterion) facts(t *vigie.Tender) []string {
	facts := vigie.Sorted(c.Kind.facts(c.of(t)))
	if len(facts) > 0 && facts[0] == "" {
		facts = facts[1:]
	}
	if len(facts) == 0 && c.None != "" {
		return []string{c.None}
	}
	return facts
}

// values returns a list as texts; the caller must not change them.
func values[T ~string](list []T) []string {
	if texts, ok := any(list).([]string); ok {
		return texts
	}
	return typed[string](list)
}

// typed returns a list of another type of text.
func typed[T, F ~string](list []F) []T {
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = T(v)
	}
	return out
}

// valuesOf returns the values of an enumeration as texts.
func valuesOf[T ~string](all func() []T) func() []string {
	return func() []string { return values(all()) }
}

// labelOf words a value of an enumeration.
func labelOf[T interface {
	~string
	Label() vigie.Text
}](value string, _ map[int64]*vigie.Buyer) vigie.Text {
	return T(value).Label()
}

// named words values without the names of buyers.
func named(text func(value string) vigie.Text) func(string, map[int64]*vigie.Buyer) vigie.Text {
	return func(value string, _ map[int64]*vigie.Buyer) vigie.Text { return text(value) }
}

// parseOneOf reads a value of an enumeration.
func parseOneOf[T ~string](all func() []T) func(text string) (string, *vigie.Error) {
	return func(text string) (string, *vigie.Error) {
		value, mistake := ParseOneOf(text, all())
		return string(value), mistake
	}
}

// ParseOneOf reads one of some values, in any case.
func ParseOneOf[T ~string](text string, all []T) (value T, mistake *vigie.Error) {
	value = T(strings.ToUpper(text))
	if !slices.Contains(all, value) {
		mistake = &vigie.Error{Code: vigie.Invalid, Text: vigie.Text{
			FR: "« %s » n’est pas une valeur possible. Valeurs possibles : %s",
			EN: "“%s” is not one of: %s",
		}.With(text, strings.Join(values(all), ", "))}
	}
	return value, mistake
}
