package input

import (
	"github.com/99designs/gqlgen/graphql"

	"vigie"
)

// MarshalDate writes a day.
func MarshalDate(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalDate reads a day as text. Whether it is one is checked where it is used: that is a mistake that a person can put
// right.
func UnmarshalDate(v any) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	return "", &vigie.Error{Code: vigie.BadRequest, Text: vigie.Same("“%v” is not a day as text. Expected format: \"2026-11-30\"").With(v)}
}
