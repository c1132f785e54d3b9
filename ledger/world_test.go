package ledger_test

import (
	"testing"
	"time"

	"vigie"
	"vigie/store"
	"vigie/store/storetest"
)

// noon is when tests take place by default.
var noon = time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC)

// eachStore runs a test on every database, each time on an empty one.
func eachStore(t *testing.T, test func(t *testing.T, s *store.Store)) {
	for name, url := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(t.Context(), url(t), func() time.Time { return noon })
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			test(t, s)
		})
	}
}

// notice is a notice of a test.
func notice(ref string, alter ...func(*vigie.Notice)) *vigie.Notice {
	deadline := time.Date(2026, 12, 1, 11, 0, 0, 0, time.UTC)
	n := &vigie.Notice{
		Source: "test", SourceRef: ref, Kind: vigie.ContractNotice, PublishedAt: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC),
		Buyer: vigie.BuyerName{Name: "Commune de Valfleury", DepartmentCode: "01"},
		Content: vigie.Content{
			Title: "Réfection de voirie " + ref, Departments: []string{"01"},
			Natures: []vigie.Nature{vigie.Works}, CPVCodes: []string{"45233140"}, Deadline: &deadline,
		},
	}
	for _, change := range alter {
		change(n)
	}
	return n
}

func publish(t *testing.T, s *store.Store, notices ...*vigie.Notice) []store.Published {
	t.Helper()
	results, err := s.Publish(t.Context(), notices)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func account(t *testing.T, s *store.Store, subject string) *vigie.Account {
	t.Helper()
	a, err := s.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: subject, Email: subject + "@example.org", EmailVerified: true})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func tender(t *testing.T, s *store.Store, id int64) *vigie.Tender {
	t.Helper()
	found, err := s.Tenders(t.Context(), []int64{id})
	if err != nil {
		t.Fatal(err)
	}
	return found[id]
}
