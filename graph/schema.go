package graph

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"vigie"
	"vigie/graph/gql"
	"vigie/graph/input"
)

// schema is ours without @defer, which the parser declares by itself: we answer
// at once or not at all, and so it is unknown here.
func schema() *ast.Schema {
	ours := *gql.NewExecutableSchema(gql.Config{}).Schema()
	ours.Directives = maps.Clone(ours.Directives)
	delete(ours.Directives, "defer")
	return &ours
}

// documentRules are those that a document is valid by: gqlparser's, and what
// they let pass. Where the schema is private, no error reveals anything of it.
func documentRules(private bool) func() *rules.Rules {
	return func() *rules.Rules {
		r := rules.NewDefaultRules()
		if private {
			r.ReplaceRule("KnownArgumentNames", rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
			r.ReplaceRule("KnownTypeNames", rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
			r.ReplaceRule("ValuesOfCorrectType", rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc)
		}
		r.AddRule("Literals", input.Literals)
		r.AddRule("OneStream", oneStream)
		return r
	}
}

// oneStream is a rule of validation: a subscription has one field, by the names
// in its answer, and always has it. gqlparser's rule goes by the fields' own
// names.
func oneStream(observers *core.Events, report core.AddErrFunc) {
	observers.OnOperation(func(_ *core.Walker, op *ast.OperationDefinition) {
		if op.Operation != ast.Subscription {
			return
		}
		s := streams{visited: make(map[string]bool), keys: make(map[string]bool)}
		s.add(op.SelectionSet)
		if len(s.keys) > 1 {
			report(core.Message("A subscription must select only one top level field."), core.At(op.Position))
		}
		if s.optional {
			report(core.Message("The top level field of a subscription must have neither @skip nor @include."), core.At(op.Position))
		}
	})
}

// streams are the fields of a subscription. Fragments are looked at once: here
// they may yet have cycles.
type streams struct {
	visited, keys map[string]bool
	optional      bool
}

func (s *streams) add(list ast.SelectionSet) {
	for _, selection := range list {
		var directives ast.DirectiveList
		switch sel := selection.(type) {
		case *ast.Field:
			s.keys[sel.Alias], directives = true, sel.Directives
		case *ast.InlineFragment:
			directives = sel.Directives
			s.add(sel.SelectionSet)
		case *ast.FragmentSpread:
			if directives = sel.Directives; sel.Definition != nil && !s.visited[sel.Name] {
				s.visited[sel.Name] = true
				s.add(sel.Definition.SelectionSet)
			}
		}
		s.optional = s.optional || directives.ForName("skip") != nil || directives.ForName("include") != nil
	}
}

// trusted are the documents that are run, as [Options] has them. They are asked
// for as automatically persisted queries are, by id or hash, or by text.
type trusted map[string]string

// ExtensionName implements [graphql.HandlerExtension].
func (trusted) ExtensionName() string { return "Trusted" }

// Validate implements [graphql.HandlerExtension].
func (trusted) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements [graphql.OperationParameterMutator].
func (t trusted) MutateOperationParameters(_ context.Context, params *graphql.RawParams) *gqlerror.Error {
	asked, _ := params.Extensions["persistedQuery"].(map[string]any)
	id, _ := asked["sha256Hash"].(string)
	if params.Query != "" {
		id = Hash(params.Query)
	}
	var known bool
	if params.Query, known = t[id]; !known {
		err := &vigie.Error{Code: vigie.Forbidden, Text: vigie.Same("This server runs registered operations only, and this one is not registered. Have it registered.")}
		return &gqlerror.Error{Message: err.Error(), Err: err}
	}
	return nil
}

// Hash names a document: the SHA-256 of its text, in hexadecimal.
func Hash(document string) string {
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}

// scalars are those of our own that are sent to us.
func scalars() map[string]input.Scalar {
	return map[string]input.Scalar{
		"DateTime": {Takes: reads(input.UnmarshalDateTime), Expected: vigie.Same("a date, such as 2026-11-09T17:00:00+01:00")},
		"Date":     {Takes: reads(input.UnmarshalDate), Expected: vigie.Same("a day as text, such as \"2026-11-30\"")},
		"Decimal":  {Takes: reads(input.UnmarshalDecimal), Expected: vigie.Same("a decimal number as text, such as \"120000.50\"")},
	}
}

// reads is whether a scalar's code can read a value.
func reads[T any](unmarshal func(any) (T, error)) func(any) bool {
	return func(v any) bool {
		_, err := unmarshal(v)
		return err == nil
	}
}
