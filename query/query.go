// Package query defines what "matches" means: it compiles a watch's criteria into a boolean [Formula] over the
// [Facts] of a tender. The search engines, the percolator and the explanation all evaluate that formula.
package query

import (
	"strings"

	"vigie"
	"vigie/lexicon"
)

// Atom asks whether a tender has a value.
type Atom struct {
	Field Field
	Value string
}

// Conj is true where all of its atoms are.
type Conj []Atom

// Clause is true where one of its members is.
type Clause []Conj

// Formula is true where all of its clauses are and none of its exclusions is.
// The zero Formula is true of every tender.
type Formula struct {
	Clauses  []Clause
	Excluded []Conj
}

// Compile compiles criteria into a formula. Keywords that yield no term, which validation refuses, match nothing: in
// ALL mode the whole formula is then false, and excluding them has no effect.
func Compile(c vigie.Criteria) Formula {
	var f Formula
	var any Clause
	for _, keyword := range c.Keywords {
		conj := terms(keyword)
		switch {
		case c.KeywordMode == vigie.AnyKeyword && conj != nil:
			any = append(any, conj)
		case c.KeywordMode == vigie.AnyKeyword:
		case conj == nil:
			f.Clauses = append(f.Clauses, Clause{})
		default:
			f.Clauses = append(f.Clauses, Clause{conj})
		}
	}
	if c.KeywordMode == vigie.AnyKeyword && len(c.Keywords) > 0 {
		f.Clauses = append(f.Clauses, any)
	}
	for _, keyword := range c.ExcludedKeywords {
		if conj := terms(keyword); conj != nil {
			f.Excluded = append(f.Excluded, conj)
		}
	}
	for i := range declared {
		f.anyOf(declared[i].Field, declared[i].wanted(&c))
	}
	return f
}

// anyOf adds the clause that a tender has one of the values; an empty list adds nothing.
func (f *Formula) anyOf(field Field, values []string) {
	if len(values) == 0 {
		return
	}
	clause := make(Clause, len(values))
	for i, value := range values {
		clause[i] = Conj{{field, value}}
	}
	f.Clauses = append(f.Clauses, clause)
}

// terms returns the terms that a keyword requires: nil if it has none.
func terms(keyword string) Conj {
	var conj Conj
	for _, term := range lexicon.Required(keyword) {
		conj = append(conj, Atom{Term, term})
	}
	return conj
}

// Matches reports whether the formula is true of a tender. It is the definition that every faster evaluator is tested
// against.
func (f Formula) Matches(t Facts) bool {
	for _, clause := range f.Clauses {
		if !clause.matches(t) {
			return false
		}
	}
	for _, conj := range f.Excluded {
		if conj.matches(t) {
			return false
		}
	}
	return true
}

func (c Clause) matches(t Facts) bool {
	for _, conj := range c {
		if conj.matches(t) {
			return true
		}
	}
	return false
}

func (c Conj) matches(t Facts) bool {
	for _, atom := range c {
		if !t.Has(atom) {
			return false
		}
	}
	return true
}

// String formats the formula for debugging: "(a_b) & (c | d) & !(e)".
func (f Formula) String() string {
	var parts []string
	for _, clause := range f.Clauses {
		var any []string
		for _, conj := range clause {
			any = append(any, conj.String())
		}
		parts = append(parts, "("+strings.Join(any, " | ")+")")
	}
	for _, conj := range f.Excluded {
		parts = append(parts, "!("+conj.String()+")")
	}
	return strings.Join(parts, " & ")
}

func (c Conj) String() string {
	var all []string
	for _, atom := range c {
		all = append(all, atom.Value)
	}
	return strings.Join(all, "+")
}
