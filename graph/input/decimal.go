package input

import (
	"github.com/99designs/gqlgen/graphql"

	"vigie"
)

// MarshalDecimal writes a decimal number as text, for a float is not exact.
func MarshalDecimal(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalDecimal reads a decimal number as text. Whether it is one, how many digits it may have and whether it may be
// negative or empty is checked where it is used: those are mistakes that a person can correct.
func UnmarshalDecimal(v any) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	return "", &vigie.Error{Code: vigie.BadRequest, Text: vigie.Same("“%v” is not a decimal number as text. Expected format: \"120000.50\"").With(v)}
}
