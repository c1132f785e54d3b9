package store_test

import (
	"testing"

	"vigie"
	"vigie/store"
	"vigie/store/storetest"
)

// The lists of secrets that a database is used with, step by step; "" is no error.
func TestSecrets(t *testing.T) {
	const known, none, unknown, missing = "", store.NoSecret, store.UnknownSecret, store.MissingSecret
	type step struct {
		by      func(s *store.Store, fingerprints []string) error
		secrets []string
		want    vigie.Code
	}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		server := func(s *store.Store, f []string) error { return s.UseSecrets(t.Context(), f) }
		command := func(s *store.Store, f []string) error { return s.CheckSecrets(t.Context(), f) }
		adopt := func(s *store.Store, f []string) error { return s.AdoptSecrets(t.Context(), f) }
		for i, step := range []step{
			{command, []string{"a"}, none},
			{server, nil, known}, // nothing was ever signed
			{server, []string{"a", "a"}, known},
			{server, []string{"a"}, known},
			{command, []string{"a"}, known},
			{server, nil, missing},
			{command, []string{"x"}, unknown},
			{server, []string{"x"}, unknown},
			{server, []string{"x", "y"}, unknown},
			{server, []string{"b", "a"}, unknown}, // one step in place of two
			{command, []string{"a", "b"}, known},
			{server, []string{"b", "a"}, unknown}, // a command records nothing
			{server, []string{"a", "b"}, known},
			{command, []string{"a"}, known}, // it still signs
			{server, []string{"b"}, missing},
			{server, []string{"b", "a"}, known},
			{command, []string{"a"}, missing}, // left out of the rotation
			{server, []string{"a"}, missing},
			{server, []string{"a", "b"}, known}, // a replica of the first step starts again
			{server, []string{"b"}, missing},    // which signs with it
			{server, []string{"b", "a"}, known},
			{server, []string{"b"}, known},
			{command, []string{"b"}, known},
			{adopt, []string{"c"}, known},
			{command, []string{"c"}, known},
			{server, []string{"c"}, known},
			{server, []string{"b"}, unknown},
			{server, []string{"b", "c"}, unknown},
		} {
			if got := vigie.CodeOf(step.by(s, step.secrets)); got != step.want {
				t.Errorf("step %d, %v: %q, want %q", i, step.secrets, got, step.want)
			}
		}
	})
}
