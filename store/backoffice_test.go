package store_test

import (
	"testing"

	"vigie/store"
	"vigie/store/storetest"
)

// Capital and small letters are the same in a search for accounts, in any alphabet, and no sign has a meaning of its own.
func TestSearchAccounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, c := range []store.Claims{
			{Subject: "agent-1", Name: "Élodie Çelik", Email: "Ana.Dupont@example.org"},
			{Subject: "AGENT-É", Name: "ΣΟΦΊΑ Иванова", Email: "é@exemple.example"},
			{Subject: `a*b?c[d]e^f$g.h\i%j_k(l|m)`, Name: "Elodie", Email: "axb@example.org"},
		} {
			c.Issuer = "test"
			if _, err := s.SignIn(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		for text, want := range map[string]int{
			"": 3, "élodie": 1, "Élodie": 1, "ÉLODIE ç": 1, "elodie": 1, "dupont@EXAMPLE": 1, "é@": 1, "É@": 1, "agent-é": 1, "agent": 2,
			"σοφία": 1, "ИВАН": 1, "example.org": 2, "exampleXorg": 0,
			"*": 1, "?": 1, "[d]": 1, "[": 1, "]": 1, "^": 1, "$": 1, "A*B?C[D]E^F$G.H\\I%J_K(L|M)": 1, `\`: 1, "%": 1, "_": 1, "(l|m)": 1, "a.b": 0, "a*c": 0, "x%b": 0, "'": 0, "?0": 0,
		} {
			found, total, err := s.SearchAccounts(t.Context(), text, store.AccountWindow{Limit: 10})
			if err != nil || total != want || len(found) != want {
				t.Errorf("%q: %d of %d accounts, want %d, error %v", text, len(found), total, want, err)
			}
		}
	})
}
