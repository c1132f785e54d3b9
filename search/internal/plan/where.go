package plan

import (
	"vigie"
	"vigie/query"
	"vigie/search"
)

// Expr is a condition on rows: [And], [Or], [Not], [In], [Range], [Begins] or [IDs].
type Expr interface{ expr() }

// And is true where all of its members are; of every row if it has none.
type And []Expr

// Or is true where one of its members is; of no row if it has none.
type Or []Expr

// Not is true where X is not.
type Not struct{ X Expr }

// In is true of rows with a value of the field that is one of Values.
type In struct {
	Field  string
	Values []string
}

// Range is true of rows whose numeric field is between From and To, both
// included. [Low] and [High] bound nothing.
type Range struct {
	Field    string
	From, To int64
}

// IDs is true of the rows of these IDs.
type IDs []int64

func (And) expr()   {}
func (Or) expr()    {}
func (Not) expr()   {}
func (In) expr()    {}
func (Range) expr() {}
func (IDs) expr()   {}

// NoFacet is no field, for [Where].
const NoFacet = query.Term

// Where returns the condition of a query on rows, without its keys, and without the filter on a facet's own field,
// unless that is [NoFacet]. It is simplified.
func Where(q search.Query, but query.Field) Expr {
	all := And{Text(q)}
	if q.Any != nil {
		all = append(all, anyOf(q.Any))
	}
	f := q.Filter
	if len(f.Statuses) > 0 {
		var any Or
		for _, s := range f.Statuses {
			any = append(any, status(s, ceil(q.Now)))
		}
		all = append(all, any)
	}
	for i, values := range f.Values {
		if field := query.Field(i); len(values) > 0 && (field != but || but == NoFacet) {
			all = append(all, anyValue(field, values))
		}
	}
	if f.PublishedFrom != nil {
		all = append(all, Range{PublishedAt, ceil(*f.PublishedFrom), High})
	}
	if f.PublishedTo != nil {
		all = append(all, Range{PublishedAt, Low, f.PublishedTo.Unix()})
	}
	if f.UpdatedFrom != nil {
		all = append(all, Range{UpdatedAt, ceil(*f.UpdatedFrom), High})
	}
	if f.DeadlineFrom != nil {
		all = append(all, Range{DeadlineLow, ceil(*f.DeadlineFrom), High})
	}
	if f.DeadlineTo != nil {
		all = append(all, Range{DeadlineHigh, Low, f.DeadlineTo.Unix()})
	}
	if q.Within != nil {
		all = append(all, IDs(q.Within))
	}
	if len(q.Without) > 0 {
		all = append(all, Not{IDs(q.Without)})
	}
	return Simplify(all)
}

// status is the condition that a row has a status: what [vigie.Tender.Status] says, which the tests of engines compare
// it with. The store's openAt is the same in SQL.
func status(s vigie.TenderStatus, now int64) Expr {
	undecided := In{Outcome, []string{Undecided}}
	switch s {
	case vigie.StatusOnline:
		return And{undecided, Range{Closes, now, High}}
	case vigie.StatusClosed:
		return And{undecided, Range{Closes, Low, now - 1}}
	case vigie.StatusCancelled, vigie.StatusAwarded, vigie.StatusPlanned:
		return In{Outcome, []string{string(s)}}
	}
	return Or{}
}

func anyOf(formulas []query.Formula) Expr {
	any := make(Or, len(formulas))
	for i, f := range formulas {
		any[i] = formula(f)
	}
	if len(any) == 1 {
		return any[0]
	}
	return any
}

func formula(f query.Formula) And {
	all := And{}
	for _, c := range f.Clauses {
		all = append(all, clause(c))
	}
	for _, c := range f.Excluded {
		all = append(all, Not{conj(c)})
	}
	return all
}

// clause collects single atoms of one field, of which a clause often has hundreds, into one [In].
func clause(c query.Clause) Expr {
	var any Or
	at := map[string]int{}
	for _, members := range c {
		if len(members) != 1 {
			any = append(any, conj(members))
			continue
		}
		if isNumber(members[0].Field) {
			any = append(any, atom(members[0]))
			continue
		}
		field, values := members[0].Field.String(), said([]string{members[0].Value})
		if i, ok := at[field]; ok {
			in := any[i].(In)
			any[i] = In{field, append(in.Values, values...)}
			continue
		}
		at[field] = len(any)
		any = append(any, In{field, values})
	}
	if len(any) == 1 {
		return any[0]
	}
	return any
}

func conj(c query.Conj) And {
	all := And{}
	for _, a := range c {
		all = append(all, atom(a))
	}
	return all
}

// anyValue is that a row has one of the values that atoms of a field ask for.
func anyValue(field query.Field, values []string) Expr {
	if !isNumber(field) {
		return In{field.String(), said(values)}
	}
	var any Or
	for _, value := range values {
		any = append(any, atom(query.Atom{Field: field, Value: value}))
	}
	return any
}

// atom is what an atom asks for.
func atom(a query.Atom) Expr {
	field := a.Field.String()
	if !isNumber(a.Field) {
		return In{field, said([]string{a.Value})}
	}
	if from, to, ok := a.Bounds(); ok {
		return Range{field, from, to}
	}
	if a.Value == a.Field.Criterion().None {
		return Range{field, Low, Low}
	}
	return Or{}
}
