package graph

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"vigie"
	"vigie/graph/gql"
)

// schema is ours without @defer, which the parser declares by itself: we answer
// at once or not at all, and so it is unknown here.
func schema() *ast.Schema {
	ours := *gql.NewExecutableSchema(gql.Config{}).Schema()
	ours.Directives = maps.Clone(ours.Directives)
	delete(ours.Directives, "defer")
	return &ours
}

// withoutSuggestions has no error tell of the schema what was not said before.
func withoutSuggestions(srv *handler.Server) {
	srv.SetDisableSuggestion(true)
	srv.SetValidationRulesFn(func() *rules.Rules {
		r := rules.NewDefaultRules()
		r.ReplaceRule("KnownArgumentNames", rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
		r.ReplaceRule("KnownTypeNames", rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
		r.ReplaceRule("ValuesOfCorrectType", rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc)
		return r
	})
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
		err := &vigie.Error{Code: vigie.Forbidden, Text: vigie.Text{
			FR: "Cette opération n'est pas de celles que ce serveur exécute.",
			EN: "This operation is none of those that this server runs.",
		}}
		return &gqlerror.Error{Message: err.Error(), Err: err}
	}
	return nil
}

// Hash names a document: the SHA-256 of its text, in hexadecimal.
func Hash(document string) string {
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}
