package graph

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"vigie"
)

// noNULs refuses operations with a NUL in any text, among the variables or in
// the document: no text has one, and PostgreSQL stores none.
type noNULs struct{}

// ExtensionName implements [graphql.HandlerExtension].
func (noNULs) ExtensionName() string { return "NoNULs" }

// Validate implements [graphql.HandlerExtension].
func (noNULs) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements [graphql.OperationParameterMutator].
func (noNULs) MutateOperationParameters(_ context.Context, params *graphql.RawParams) *gqlerror.Error {
	if hasNUL(params.Variables) {
		return nulRefused()
	}
	return nil
}

// MutateOperationContext implements [graphql.OperationContextMutator].
func (noNULs) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	for _, operation := range op.Doc.Operations {
		for _, variable := range operation.VariableDefinitions {
			if valueHasNUL(variable.DefaultValue) || directivesHaveNUL(variable.Directives) {
				return nulRefused()
			}
		}
		if directivesHaveNUL(operation.Directives) || selectionsHaveNUL(operation.SelectionSet) {
			return nulRefused()
		}
	}
	for _, fragment := range op.Doc.Fragments {
		if directivesHaveNUL(fragment.Directives) || selectionsHaveNUL(fragment.SelectionSet) {
			return nulRefused()
		}
	}
	return nil
}

func nulRefused() *gqlerror.Error {
	err := &vigie.Error{Code: vigie.BadRequest, Text: vigie.Same("A text of the request contains the character NUL (U+0000), which cannot be stored. Remove it.")}
	return &gqlerror.Error{Message: err.Error(), Err: err}
}

// hasNUL looks into a value as JSON gives it.
func hasNUL(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.ContainsRune(v, 0)
	case []any:
		for _, item := range v {
			if hasNUL(item) {
				return true
			}
		}
	case map[string]any:
		for name, item := range v {
			if hasNUL(name) || hasNUL(item) {
				return true
			}
		}
	}
	return false
}

func selectionsHaveNUL(list ast.SelectionSet) bool {
	for _, selection := range list {
		switch s := selection.(type) {
		case *ast.Field:
			if argumentsHaveNUL(s.Arguments) || directivesHaveNUL(s.Directives) || selectionsHaveNUL(s.SelectionSet) {
				return true
			}
		case *ast.InlineFragment:
			if directivesHaveNUL(s.Directives) || selectionsHaveNUL(s.SelectionSet) {
				return true
			}
		case *ast.FragmentSpread: // the fragment itself is looked at once
			if directivesHaveNUL(s.Directives) {
				return true
			}
		}
	}
	return false
}

func directivesHaveNUL(list ast.DirectiveList) bool {
	for _, directive := range list {
		if argumentsHaveNUL(directive.Arguments) {
			return true
		}
	}
	return false
}

func argumentsHaveNUL(list ast.ArgumentList) bool {
	for _, argument := range list {
		if valueHasNUL(argument.Value) {
			return true
		}
	}
	return false
}

func valueHasNUL(v *ast.Value) bool {
	if v == nil {
		return false
	}
	if strings.ContainsRune(v.Raw, 0) {
		return true
	}
	for _, child := range v.Children {
		if valueHasNUL(child.Value) {
			return true
		}
	}
	return false
}
