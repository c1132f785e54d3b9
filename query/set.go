package query

import "vigie"

// Set is criteria of several watches, compiled together to be asked of many
// tenders: what they have in common is looked up once for each tender. It does
// not change, and may be asked by several goroutines at once.
type Set struct {
	Formulas []Formula // of the criteria, in their order; not nil
	// Atoms is how many atoms the formulas have; each range of numbers counts as rangeAtoms more, once.
	Atoms int

	numbers map[Atom]int
	ranges  []Atom // those that ask for numbers between two
	rules   []rule
}

// rangeAtoms is how many atoms a range of numbers takes as much work as: a search compares each tender's number with it.
const rangeAtoms = 20

// rule is a formula by the numbers of its atoms.
type rule struct {
	clauses  [][][]int
	excluded [][]int
	keywords []phrase
}

// phrase is a keyword and what it asks for.
type phrase struct {
	keyword string
	atoms   []int
}

// NewSet compiles criteria.
func NewSet(criteria []vigie.Criteria) *Set {
	s := &Set{Formulas: []Formula{}, numbers: make(map[Atom]int)}
	for _, c := range criteria {
		f := Compile(c)
		s.Formulas = append(s.Formulas, f)
		var r rule
		for _, clause := range f.Clauses {
			var members [][]int
			for _, conj := range clause {
				members, s.Atoms = append(members, s.number(conj)), s.Atoms+len(conj)
			}
			r.clauses = append(r.clauses, members)
		}
		for _, conj := range f.Excluded {
			r.excluded, s.Atoms = append(r.excluded, s.number(conj)), s.Atoms+len(conj)
		}
		for _, keyword := range c.Keywords {
			if conj := terms(keyword); conj != nil {
				r.keywords = append(r.keywords, phrase{keyword, s.number(conj)})
			}
		}
		s.rules = append(s.rules, r)
	}
	s.Atoms += rangeAtoms * len(s.ranges)
	return s
}

// number gives each atom its number.
func (s *Set) number(c Conj) []int {
	numbers := make([]int, len(c))
	for i, atom := range c {
		n, known := s.numbers[atom]
		if !known {
			n = len(s.numbers)
			s.numbers[atom] = n
			if _, _, ok := atom.Bounds(); ok {
				s.ranges = append(s.ranges, atom)
			}
		}
		numbers[i] = n
	}
	return numbers
}

// Match calls each with those of the criteria that a tender matches, by their
// places, and with the keywords of them that it has.
func (s *Set) Match(t Facts, each func(place int, keywords []string)) {
	has := make([]bool, len(s.numbers))
	for field, values := range t {
		for _, value := range values {
			if n, known := s.numbers[Atom{Field(field), value}]; known {
				has[n] = true
			}
		}
	}
	for _, atom := range s.ranges {
		has[s.numbers[atom]] = t.Has(atom)
	}
	for place, r := range s.rules {
		if !r.matches(has) {
			continue
		}
		var keywords []string
		for _, p := range r.keywords {
			if all(p.atoms, has) {
				keywords = append(keywords, p.keyword)
			}
		}
		each(place, keywords)
	}
}

func (r rule) matches(has []bool) bool {
	for _, clause := range r.clauses {
		if !anyOf(clause, has) {
			return false
		}
	}
	return !anyOf(r.excluded, has)
}

func anyOf(list [][]int, has []bool) bool {
	for _, atoms := range list {
		if all(atoms, has) {
			return true
		}
	}
	return false
}

func all(atoms []int, has []bool) bool {
	for _, n := range atoms {
		if !has[n] {
			return false
		}
	}
	return true
}
