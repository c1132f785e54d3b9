package graph

import (
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// keeping is for how long clients may keep what is the same for all, and keepingSources where it says how far sources are
// read.
const (
	keeping        = time.Hour
	keepingSources = 30 * time.Second
)

// keep is for how long anybody may keep the answer to an operation: a while where
// it is the same for all who read one language, else not at all.
func keep(op *graphql.OperationContext) time.Duration {
	if op.Operation.Operation != ast.Query {
		return 0
	}
	keep := keeping
	for _, field := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Query"}) {
		if !slices.Contains([]string{"departments", "choices", "formChoices", "cpvCodes", "limits", "sources", "__schema", "__type", "__typename"}, field.Name) {
			return 0
		}
		if field.Name == "sources" {
			keep = keepingSources
		}
	}
	return keep
}
