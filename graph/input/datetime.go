package input

import (
	"io"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"vigie"
)

// MarshalDateTime writes a moment in UTC, RFC 3339 with as many digits of
// seconds as it has. It stands here, and not in graph, since the generated code
// (graph/gql), which graph imports, calls it.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, strconv.Quote(t.UTC().Format(time.RFC3339Nano)))
	})
}

// UnmarshalDateTime reads a moment, RFC 3339 with an offset. What is outside
// the years 1 to 9999 could not be stored, or not be written so.
func UnmarshalDateTime(v any) (time.Time, error) {
	if s, ok := v.(string); ok {
		t, err := time.Parse(time.RFC3339, s)
		if year := t.UTC().Year(); err == nil && year >= 1 && year <= 9999 {
			return t, nil
		}
	}
	return time.Time{}, &vigie.Error{Code: vigie.BadRequest, Text: vigie.Text{
		FR: "« %v » n’est pas une date. Format attendu : 2026-11-09T17:00:00+01:00",
		EN: "“%v” is not a date. Expected format: 2026-11-09T17:00:00+01:00",
	}.With(v)}
}
