package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"vigie"
)

// Shape limits the shape of an operation: what is counted is what would be run
// with all fragments written out, however short it is written down. It comes
// before everything else that looks at operations, for some of that takes as
// long as the written-out form.
type Shape struct {
	// Depth is how many fields may stand within one another. The schema's
	// own (__schema, __type) do not count: validation limits them by itself.
	Depth int
	// Fields is how many there may be in all, Aliases how many of them under
	// another name, Directives how many directives.
	Fields, Aliases, Directives int
}

// ExtensionName implements [graphql.HandlerExtension].
func (Shape) ExtensionName() string { return "Shape" }

// Validate implements [graphql.HandlerExtension].
func (Shape) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements [graphql.OperationContextMutator].
func (s Shape) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	m := measurer{fragments: make(map[string]measure)}
	got := m.selections(op.Operation.SelectionSet)
	got.directives = sum(got.directives, len(op.Operation.Directives))
	for _, limited := range []struct {
		is, most int
		name     string
		what     string
	}{
		{got.depth, s.Depth, "depth", "levels of fields"},
		{got.fields, s.Fields, "fields", "fields"},
		{got.aliases, s.Aliases, "aliases", "aliases"},
		{got.directives, s.Directives, "directives", "directives"},
	} {
		if limited.is > limited.most {
			return overLimit(vigie.Limit{Name: limited.name, Requested: limited.is, Maximum: limited.most},
				vigie.Same("This operation has more than %d %s. Make it smaller, or split it.").With(limited.most, limited.what))
		}
	}
	return nil
}

// overLimit is the answer to an operation beyond a limit.
func overLimit(limit vigie.Limit, text vigie.Text) *gqlerror.Error {
	err := &vigie.Error{Code: vigie.LimitExceeded, Text: text, Limit: &limit}
	return &gqlerror.Error{Message: err.Error(), Err: err}
}

// maxNamePairs is how many pairs of fields of one name a document may have:
// validation compares each with each, to find out whether their answers can
// stand in one place. Comparing as many takes 15 ms.
const maxNamePairs = 50_000

// checkNamePairs refuses a document that has more. It comes before validation.
func checkNamePairs(doc *ast.QueryDocument) *gqlerror.Error {
	counts := make(map[string]int)
	for _, op := range doc.Operations {
		countNames(op.SelectionSet, counts)
	}
	for _, fragment := range doc.Fragments {
		countNames(fragment.SelectionSet, counts)
	}
	pairs := 0
	for _, count := range counts {
		pairs += count * (count - 1) / 2
	}
	if pairs <= maxNamePairs {
		return nil
	}
	return overLimit(vigie.Limit{Name: "namePairs", Requested: pairs, Maximum: maxNamePairs}, vigie.Same("This document repeats the same fields too often: it has %d pairs of fields of the same name; the limit is %d.").With(pairs, maxNamePairs))
}

// maxSteps is how many steps validation may take: it walks from each operation
// and fragment through all that this reaches, and compares each fragment with
// each. As many take 15 ms.
const maxSteps = 20_000

// checkSteps refuses a document that takes more. It comes before validation.
func checkSteps(doc *ast.QueryDocument) *gqlerror.Error {
	parts := make(map[string]part, len(doc.Fragments))
	for _, fragment := range doc.Fragments {
		if _, twice := parts[fragment.Name]; !twice { // validation goes by the first
			parts[fragment.Name] = partOf(fragment.SelectionSet)
		}
	}
	steps := len(doc.Fragments) * (len(doc.Fragments) - 1) / 2
	for _, op := range doc.Operations {
		steps += reach(partOf(op.SelectionSet), parts, maxSteps-steps)
	}
	for _, fragment := range doc.Fragments {
		steps += reach(partOf(fragment.SelectionSet), parts, maxSteps-steps)
	}
	if steps <= maxSteps {
		return nil
	}
	return overLimit(vigie.Limit{Name: "validation", Maximum: maxSteps}, vigie.Same("This document's fragments use one another too often: validating it takes more than %d steps. Use fewer fragments.").With(maxSteps))
}

// part is how much a selection holds without its fragments, and which these are.
type part struct {
	size    int
	spreads []string
}

func partOf(list ast.SelectionSet) part {
	p := part{size: 1}
	p.add(list)
	return p
}

func (p *part) add(list ast.SelectionSet) {
	p.size += len(list)
	for _, selection := range list {
		switch s := selection.(type) {
		case *ast.Field:
			p.add(s.SelectionSet)
		case *ast.InlineFragment:
			p.add(s.SelectionSet)
		case *ast.FragmentSpread:
			p.spreads = append(p.spreads, s.Name)
		}
	}
}

// reach is how much a part holds with all fragments that it reaches, each once.
// It stops counting where that is more than most.
func reach(from part, parts map[string]part, most int) (size int) {
	seen := make(map[string]bool)
	for next := []part{from}; len(next) > 0 && size <= most; {
		p := next[len(next)-1]
		next = next[:len(next)-1]
		size += p.size
		for _, name := range p.spreads {
			if !seen[name] {
				seen[name] = true
				next = append(next, parts[name])
			}
		}
	}
	return size
}

// countNames counts the fields by the names they have in the answer.
func countNames(list ast.SelectionSet, counts map[string]int) {
	for _, selection := range list {
		switch s := selection.(type) {
		case *ast.Field:
			counts[s.Alias]++
			countNames(s.SelectionSet, counts)
		case *ast.InlineFragment:
			countNames(s.SelectionSet, counts)
		}
	}
}

// measure is the size of a part of an operation.
type measure struct{ depth, fields, aliases, directives int }

// maxCount is where counting stops: each use of a fragment counts, and fragments
// that use others twice grow without bounds.
const maxCount = 1 << 30

func sum(a, b int) int { return min(a+b, maxCount) }

func (m *measure) add(part measure) {
	m.depth = max(m.depth, part.depth)
	m.fields = sum(m.fields, part.fields)
	m.aliases = sum(m.aliases, part.aliases)
	m.directives = sum(m.directives, part.directives)
}

// measurer measures each fragment once. Operations are valid here, so no
// fragment is within itself.
type measurer struct{ fragments map[string]measure }

func (m *measurer) selections(list ast.SelectionSet) measure {
	var all measure
	for _, selection := range list {
		switch s := selection.(type) {
		case *ast.Field:
			all.add(m.field(s))
		case *ast.InlineFragment:
			all.add(m.selections(s.SelectionSet))
			all.directives = sum(all.directives, len(s.Directives))
		case *ast.FragmentSpread:
			whole, measured := m.fragments[s.Name]
			if !measured {
				whole = m.selections(s.Definition.SelectionSet)
				whole.directives = sum(whole.directives, len(s.Definition.Directives))
				m.fragments[s.Name] = whole
			}
			all.add(whole)
			all.directives = sum(all.directives, len(s.Directives))
		}
	}
	return all
}

func (m *measurer) field(f *ast.Field) measure {
	whole := m.selections(f.SelectionSet)
	whole.fields = sum(whole.fields, 1)
	whole.directives = sum(whole.directives, len(f.Directives))
	if f.Alias != f.Name {
		whole.aliases = sum(whole.aliases, 1)
	}
	if whole.depth++; f.Name == "__schema" || f.Name == "__type" {
		whole.depth = 1
	}
	return whole
}
