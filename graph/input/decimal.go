package input

import (
	"regexp"

	"github.com/99designs/gqlgen/graphql"

	"vigie"
)

// MarshalDecimal writes a decimal number as text, for a float is not exact.
func MarshalDecimal(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// decimal is what a decimal number looks like. How many digits it may have, and whether it may be negative, is up to
// whoever takes it: those are mistakes that a person can put right.
var decimal = regexp.MustCompile(`^-?[0-9]{1,100}(\.[0-9]{1,100})?$`)

// UnmarshalDecimal reads a decimal number as text.
func UnmarshalDecimal(v any) (string, error) {
	if s, ok := v.(string); ok && decimal.MatchString(s) {
		return s, nil
	}
	return "", &vigie.Error{Code: vigie.BadRequest, Text: vigie.Same("“%v” is not a decimal number as text. Expected format: \"120000.50\"").With(v)}
}
