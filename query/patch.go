package query

import (
	"slices"

	"vigie"
)

// Patch is what is to change of criteria; nil stays as it is. It holds what a person gave, and once that is checked
// what is stored.
type Patch struct {
	Keywords *[]string
	// KeywordsText is the keywords as one text. Once it is checked they are Keywords.
	KeywordsText     *string
	KeywordMode      *vigie.KeywordMode
	ExcludedKeywords *[]string
	// AlsoExcluded are those that KeywordsText has a minus before, once it is checked. They are added to what is
	// excluded then.
	AlsoExcluded      []string
	IncludeNationwide *bool
	// MinValue and MaxValue are amounts in euros; "" clears.
	MinValue, MaxValue  *string
	IncludeUnknownValue *bool
	// Lists are the values of the other criteria; a list that is empty and not nil clears.
	Lists Values
}

// Over returns criteria with the patch over them.
func (p Patch) Over(c vigie.Criteria) vigie.Criteria {
	set(&c.Keywords, p.Keywords)
	set(&c.KeywordMode, p.KeywordMode)
	set(&c.ExcludedKeywords, p.ExcludedKeywords)
	for _, keyword := range p.AlsoExcluded {
		if !slices.ContainsFunc(c.ExcludedKeywords, func(k string) bool { return SameKeyword(k, keyword) }) {
			c.ExcludedKeywords = append(slices.Clip(c.ExcludedKeywords), keyword)
		}
	}
	set(&c.IncludeNationwide, p.IncludeNationwide)
	set(&c.MinValue, p.MinValue)
	set(&c.MaxValue, p.MaxValue)
	set(&c.IncludeUnknownValue, p.IncludeUnknownValue)
	for i := range declared {
		if list := p.Lists[declared[i].Field]; list != nil && !declared[i].FilterOnly {
			declared[i].Set(&c, list)
		}
	}
	return c
}

// set gives a field its new value, if there is one.
func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}
